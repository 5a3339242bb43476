"""What a row may have gone through and still be the same: turned, mirrored, moved, inverted, brightened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np
from numpy.typing import NDArray

Columns = NDArray[np.int64]

LEAST_SIDE = 4
"""An axis with fewer positions holds channels: turning it round is no symmetry of the sample."""

MOST_AXES = 3
"""Axes that are turned round: time, height and width."""

LONGEST_SHIFT = 10
"""Shifts go up to this fraction of a side, at least one position."""

MOST_SHIFTS = 120
"""Shifts tried; on large images in wider steps, the smallest always."""


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """A change after which a row is compared with train.

    Attributes
    ----------
    name : str
        What was done, to follow "after being": ``"flipped left to right"``.
    source : ndarray of int64, shape (k,)
        Features of the evaluation row, in the order of `target`.
    target : ndarray of int64, shape (k,)
        Features of the train row.
    sign : int
        -1 for an inversion.
    parts : int
        Runs of features whose own gain and offset are left out: channels.
    exact : bool
        Whether values are kept, so that copies are equal value for value.
    """

    name: str
    source: Columns
    target: Columns
    sign: int = 1
    parts: int = 1
    exact: bool = False


def transforms(shape: tuple[int, ...]) -> tuple[Transform, ...]:
    """Return the changes that make sense for rows of a shape, those of the whole row first.

    Examples
    --------
    >>> [t.name for t in transforms((12, 1)) if not t.name.startswith("moved")]
    ['reversed', 'inverted', 'given another gain and offset']
    """
    every = np.arange(int(np.prod(shape)), dtype=np.int64)
    axes = tuple(axis for axis, side in enumerate(shape) if side >= LEAST_SIDE)[:MOST_AXES]
    found = [Transform(name, view.ravel(), every, exact=True) for name, view in _isometries(shape, axes)]
    found.append(Transform("inverted", every, every, sign=-1))
    found.append(Transform("given another gain and offset", every, every))
    found += _channelwise(shape, every)
    found += _shifts(shape, axes)
    return tuple(found)


def _isometries(shape: tuple[int, ...], axes: tuple[int, ...]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield what turning and mirroring make of the numbers of the features."""
    grid = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    for chosen in chain.from_iterable(combinations(axes, k) for k in range(1, len(axes) + 1)):
        yield _flip_name(shape, axes, chosen), np.flip(grid, chosen)
    if len(axes) == 2 and shape[axes[0]] == shape[axes[1]]:
        turned = np.swapaxes(grid, *axes)
        yield "mirrored along the diagonal", turned
        yield "turned by 90 degrees", np.flip(turned, axes[0])
        yield "turned by 270 degrees", np.flip(turned, axes[1])
        yield "mirrored along the other diagonal", np.flip(turned, axes)


def _flip_name(shape: tuple[int, ...], axes: tuple[int, ...], chosen: tuple[int, ...]) -> str:
    if len(axes) == 1:
        return "reversed"
    sides = sorted(shape[axis] for axis in axes)
    if len(axes) == 2 and len(shape) <= 3 and sides[1] <= 2 * sides[0]:
        return {
            axes[:1]: "flipped upside down",
            axes[1:]: "flipped left to right",
            axes: "turned by 180 degrees",
        }[chosen]
    listed = " and ".join(str(axis + 1) for axis in chosen)
    return f"reversed along {'axis' if len(chosen) == 1 else 'axes'} {listed}"


def _channelwise(shape: tuple[int, ...], every: Columns) -> Iterator[Transform]:
    """Yield a gain and offset of its own for each channel, where there are a few of them."""
    if len(shape) < 2:
        return
    for axis in sorted({0, len(shape) - 1}, key=lambda axis: shape[axis]):
        channels, rest = shape[axis], every.size // shape[axis]
        if 2 <= channels <= 64 and rest >= 16 and channels < rest:
            columns = np.moveaxis(every.reshape(shape), axis, 0).ravel()
            yield Transform("given another gain and offset per channel", columns, columns, parts=channels)
            return


def _shifts(shape: tuple[int, ...], axes: tuple[int, ...]) -> Iterator[Transform]:
    """Yield moves by up to a tenth of a side: a window of the row against the middle of train rows."""
    reach = {axis: max(1, shape[axis] // LONGEST_SHIFT) for axis in axes}
    if not axes or any(shape[axis] - 2 * reach[axis] < LEAST_SIDE for axis in axes):
        return
    moves = [move for move in product(*(range(-r, r + 1) for r in reach.values())) if any(move)]
    moves.sort(key=lambda move: (max(map(abs, move)), sum(map(abs, move)), move))
    kept = moves[: MOST_SHIFTS // 2] + moves[MOST_SHIFTS // 2 :: max(1, 2 * len(moves) // MOST_SHIFTS)]
    grid = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    middle = _window(grid, reach, dict.fromkeys(axes, 0))
    for move in dict.fromkeys(kept):
        steps = dict(zip(axes, move, strict=True))
        by = ", ".join(f"{step:+d}" for step in move)
        yield Transform(f"moved by ({by})", _window(grid, reach, steps), middle, exact=True)


def _window(grid: NDArray[np.int64], reach: dict[int, int], steps: dict[int, int]) -> Columns:
    part = tuple(
        slice(reach[axis] + steps[axis], side - reach[axis] + steps[axis]) if axis in reach else slice(None)
        for axis, side in enumerate(grid.shape)
    )
    return grid[part].ravel()
