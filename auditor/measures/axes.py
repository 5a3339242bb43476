"""Whether the axes of rows stand in the same order in two splits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.columns import ColumnStatistics, blocks

MAX_AXES = 4
"""Axes of a row up to which every order is tried: 24 orders."""

MAX_CHANNELS = 4
"""Longest first or last axis taken for channels."""

ROUGHNESS_ROWS = 2000
"""Rows drawn from each split to compare how rough they are along each axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Reorder:
    """One way to bring the rows of a split into train's order.

    Attributes
    ----------
    said : str
        What happened, in words.
    positions : ndarray of int64, shape (d,)
        Position in the flattened row of the split that belongs at each position of train's.
    code : str
        NumPy expression that mends an array called ``{X}``.
    """

    said: str
    positions: NDArray[np.int64]
    code: str


def is_permuted(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two shapes have the same axes in another order.

    Examples
    --------
    >>> is_permuted((3, 32, 32), (32, 32, 3)), is_permuted((28, 28), (28, 28, 1))
    (True, False)
    """
    return shape != other and sorted(shape) == sorted(other)


def axis_order(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of `shape` in the order that gives `wanted`, keeping neighbours together.

    Examples
    --------
    >>> axis_order((3, 32, 32), (32, 32, 3)), axis_order((20, 6), (6, 20))
    ((1, 2, 0), (1, 0))
    """
    axes = range(len(shape))
    fitting = [p for p in itertools.permutations(axes) if tuple(shape[a] for a in p) == wanted]
    # Moving one axis keeps all others in order: the fewest pairs of axes in reverse.
    return min(fitting, key=lambda p: (sum(a > b for a, b in itertools.combinations(p, 2)), p))


def describe_order(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Name a known exchange of axes.

    Examples
    --------
    >>> describe_order((3, 32, 32), (32, 32, 3))
    'channels first, where train has channels last'
    """
    order = axis_order(shape, wanted)
    if len(shape) == 3 and order == (1, 2, 0) and shape[0] <= MAX_CHANNELS:
        return "channels first, where train has channels last"
    if len(shape) == 3 and order == (2, 0, 1) and shape[2] <= MAX_CHANNELS:
        return "channels last, where train has channels first"
    if len(shape) == 2:
        return "the two axes exchanged, time steps and features or height and width"
    return f"its axes in the order {tuple(a + 1 for a in order)} of train's"


def reorders(shape: tuple[int, ...]) -> Iterator[Reorder]:
    """Yield every order of axes that keeps the shape, and reshapes that should have been transposes.

    Parameters
    ----------
    shape : tuple of int
        Shape of one row, the same in both splits.
    """
    axes = tuple(range(len(shape)))
    if not 2 <= len(axes) <= MAX_AXES:
        return
    index = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    for order in itertools.permutations(axes):
        if order == axes or tuple(shape[a] for a in order) != shape:
            continue
        exchanged = [str(a + 1) for a in axes if order[a] != a]
        code = f"{{X}} = np.transpose({{X}}, {(0, *(a + 1 for a in order))})"
        said = f"axes {' and '.join(exchanged)} are exchanged"
        yield Reorder(said, np.transpose(index, order).reshape(-1), code)
    if len(axes) == 3 and min(shape[0], shape[2]) <= MAX_CHANNELS:
        yield from _reshaped(shape)


def _reshaped(shape: tuple[int, int, int] | tuple[int, ...]) -> Iterator[Reorder]:
    """Yield the mends of rows whose channels were moved by a reshape instead of a transpose."""
    a, b, c = shape
    if 1 < c <= MAX_CHANNELS:
        index = np.arange(a * b * c, dtype=np.int64).reshape(c, a, b)
        code = f"{{X}} = {{X}}.reshape(-1, {c}, {a}, {b}).transpose(0, 2, 3, 1)"
        yield Reorder(
            "values stand channels first under a shape that says channels last (reshaped, not transposed)",
            np.transpose(index, (1, 2, 0)).reshape(-1),
            code,
        )
    if 1 < a <= MAX_CHANNELS:
        index = np.arange(a * b * c, dtype=np.int64).reshape(b, c, a)
        code = f"{{X}} = {{X}}.reshape(-1, {b}, {c}, {a}).transpose(0, 3, 1, 2)"
        yield Reorder(
            "values stand channels last under a shape that says channels first (reshaped, not transposed)",
            np.transpose(index, (2, 0, 1)).reshape(-1),
            code,
        )


def mean_distance(
    train: ColumnStatistics, split: ColumnStatistics, positions: NDArray[np.int64] | None = None
) -> float:
    """Return the mean squared difference of feature means in units of its variance under a random split.

    It is about 1 where both splits are random draws from one population, however correlated the
    features are.

    Parameters
    ----------
    positions : ndarray of int64, shape (d,), optional
        Features of `split` in the order to compare with train's.
    """
    order = slice(None) if positions is None else positions
    mean, variance, count = split.mean[order], split.variance[order], split.count[order]
    usable = (train.count > 1) & (count > 1)
    if not usable.any():
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # values near the largest float have no variance
        weight = np.maximum(train.count + count, 1)
        pooled = (train.variance * (train.count / weight) + variance * (count / weight))[usable]
        finite = pooled[np.isfinite(pooled)]
        # Features that never vary say where the others are, but have no noise of their own.
        floor = 1e-9 * max(float(finite.max(initial=0.0)), 1e-300)
        noise = (
            np.maximum(pooled, floor) * (1 / np.maximum(train.count, 1) + 1 / np.maximum(count, 1))[usable]
        )
        ratio = (train.mean - mean)[usable] ** 2 / noise
    ratio = ratio[~np.isnan(ratio)]
    # One feature constant in a split must not decide: cap what each can say.
    return float(np.minimum(ratio, 1e6).mean()) if ratio.size else 0.0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a split's mean lies between train's mean and the mean that reordered train rows have.

    Attributes
    ----------
    share : float
        0 at train's mean, 1 at that of its rows in the other order.
    z : float
        Standard errors from train's mean, in the direction of the other; normal under a random split.
    """

    share: float
    z: float


def position(
    train: ColumnStatistics, rows: NDArray[Any], drawn: NDArray[Any], positions: NDArray[np.int64]
) -> Position:
    """Return where the mean of a split lies on the way from train's mean to its reordered mean.

    Features are weighed by their inverse variance, as a linear discriminant without correlations is.

    Parameters
    ----------
    train : ColumnStatistics
        Of train.
    rows, drawn : ndarray, shape (n, d) and (m, d)
        Rows of the split, and of train, flattened.
    positions : ndarray of int64, shape (d,)
        See `Reorder`; applied to the split, it gives train's order.
    """
    mean = np.where(train.count > 0, train.mean, 0.0)
    variance = np.where(train.count > 0, train.variance, 0.0)
    # Rows of the split hold train's feature j at positions[j].
    moved, spread = np.empty_like(mean), np.empty_like(variance)
    moved[positions], spread[positions] = mean, variance
    with np.errstate(over="ignore", invalid="ignore"):
        noise = (variance + spread) / 2
        direction = (moved - mean) / (noise + 0.01 * float(noise.mean()) + 1e-300)
        length = float((direction * (moved - mean)).sum())
    if not math.isfinite(length) or length <= 0:
        return Position(0.0, 0.0)
    scores = [_scores(part, direction, mean) / length for part in (rows, drawn)]
    scores = [part[np.isfinite(part)] for part in scores]
    if min(part.size for part in scores) < 2:
        return Position(0.0, 0.0)
    here, there = scores
    with np.errstate(over="ignore"):
        error = math.sqrt(here.var() / here.size + there.var() / there.size)
    share = float(here.mean() - there.mean())
    return Position(share, share / error if error > 0 else 0.0)


def _scores(
    rows: NDArray[Any], direction: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [(block.astype(np.float64) - mean) @ direction for block in blocks(rows)]
    return np.concatenate(parts) if parts else np.zeros(0)


def roughness(rows: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """Return the mean squared step of each row along an axis of the row, shape (n,).

    Parameters
    ----------
    rows : ndarray, shape (n, ...)
    axis : int
        Counted from 0 without the axis of the rows.
    """
    values = rows.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(values, axis=axis + 1)
        return np.asarray((steps * steps).reshape(len(values), -1).mean(axis=1))
