"""Integers that ran over their range, and integers whose bytes were swapped: by what neighbours differ in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.whole_pixels import Whole, WholeRows, ordered_axes, roughness

NEAR = 32
"""Levels, of 256, within which two neighbours are one surface."""

CLOSE = 0.6
"""Share of neighbours that are near on the circle of levels; of noise a quarter is."""

FLANK = (8, 16, 24, 32)
"""Distances from the end of the range at which the traffic between levels is counted."""

EVEN = 4.0
"""Factor that the traffic across the end of the range, and beside it, keeps within."""

CROSSINGS = 300
"""Neighbours on both sides of the end needed."""

ROWS = 20
"""Rows that have to show it."""

LINE = 20.0
"""Factor by which traffic across the end falls short of that beside it where a range is a line for sure."""

MINOR = 0.25
"""Share of the values that has to lie at the less frequent end where the middle of the range is empty."""

NEARER = 0.5
"""Distance from the ends where a signal changes sign, over its usual distance, at most."""

ROUGH, VALUES = 0.3, 1000
"""Roughness that the wrong byte order leaves at least, and values needed."""

SMOOTHER = 0.6
"""Roughness with bytes swapped over that without, below which the swapped reading is the true one."""

AGREE = 0.9
"""Share of rows that have to be smoother so, and of differing neighbours whose high bytes have to differ."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Neighbours that pass the end of the range as if it were any other level.

    Attributes
    ----------
    bits : int
        8 or 16.
    signed : bool
        Whether the range begins below 0.
    across : float
        Near neighbours on both sides of the end.
    beside : float
        The same for levels beside it, in the mean.
    rows : int
        Rows looked at.
    showing : int
        Rows with such neighbours.
    changes_sign : bool
        Whether it is a signal around 0 in an unsigned type: `across` then counts changes of sign, and
        `beside` neighbours of one sign.
    """

    bits: int
    signed: bool
    across: float
    beside: float
    rows: int
    showing: int
    changes_sign: bool = False


def wrapped(case: Case, split: str, found: WholeRows | None) -> Wrapped | None:
    """Product: whether values of a split pass from the end of their range to its beginning, or None.

    Null: the range is a line. Then few neighbours are a short way apart across its ends, and only at
    sharp edges between black and white: the traffic across the end is far less than between levels nearby,
    or, where all is black and white, far more. On a circle, the end is a level as any other, and traffic
    across it equals that beside it on either side. Saturated values (the very ends) do not count. Where
    the middle of the range is empty, a signal around 0 changes sign at values much smaller than it
    usually takes, and black and white meet at values as large as they usually are.
    """
    axes = ordered_axes(case[split].X.shape)
    if found is None or not axes:
        return None
    levels, bits = _levels(found)
    if levels is None:
        return None
    signal = None if found.is_signed else _changes_sign(found.rows, bits, axes)
    if signal is not None:
        return Wrapped(bits, False, *signal, len(levels), len(levels), changes_sign=True)
    traffic, close, showing = _traffic(levels, axes)
    if close < CLOSE or traffic[0] < CROSSINGS or showing < min(ROWS, max(1, len(levels) // 2)):
        return None
    beside = np.array([traffic[sign * away % 256] for away in FLANK for sign in (1, -1)], dtype=np.float64)
    around = np.append(beside, traffic[0])
    if around.min() <= 0 or around.max() > EVEN * around.min():
        return None
    return Wrapped(bits, found.is_signed, float(traffic[0]), float(beside.mean()), len(levels), showing)


def runs_on_a_line(case: Case, split: str, found: WholeRows | None) -> bool:
    """Return whether values of a split clearly do not pass the end of their range."""
    axes = ordered_axes(case[split].X.shape)
    levels = _levels(found)[0] if found is not None else None
    if levels is None or not axes:
        return found is not None
    traffic = _traffic(levels, axes)[0]
    beside = np.array([traffic[sign * away % 256] for away in FLANK for sign in (1, -1)])
    return bool(traffic[0] * LINE < beside.mean())


def _levels(found: WholeRows) -> tuple[Whole | None, int]:
    """Return rows as levels 0 to 255 of their range, and its bits; None where the range is not filled."""
    low, high = int(found.rows.min()), int(found.rows.max())
    bits = 8 if low >= -128 and high <= (127 if low < 0 else 255) else 16
    size = 2**bits
    shifted = found.rows + (size // 2 if low < 0 else 0)
    levels = shifted >> (bits - 8)
    filled = levels.min() <= 8 and levels.max() >= 247
    return (levels if filled else None), bits


def _changes_sign(rows: Whole, bits: int, axes: tuple[int, ...]) -> tuple[float, float] | None:
    """Return how often signed values in an unsigned type change sign, and how often they do not; or None."""
    size = 2**bits
    high = rows >= size // 2
    if ((rows >= size // 4) & (rows < size - size // 4)).any() or not MINOR <= high.mean() <= 1 - MINOR:
        return None
    away = np.where(high, size - rows, rows)
    turns = np.zeros(rows.shape, dtype=bool)
    changes = stays = 0
    for axis in axes:
        n = rows.shape[axis]
        turn = high.take(range(n - 1), axis) != high.take(range(1, n), axis)
        changes, stays = changes + int(turn.sum()), stays + int((~turn).sum())
        ahead, behind = ([(0, 0)] * rows.ndim for _ in range(2))
        ahead[axis], behind[axis] = (0, 1), (1, 0)
        turns |= np.pad(turn, ahead) | np.pad(turn, behind)
    if changes < CROSSINGS or changes > stays:
        return None
    nearer = (
        np.median(away[turns & side]) < NEARER * np.median(away[~turns & side])
        for side in (high, ~high)
        if (~turns & side).any()
    )
    return (float(changes), float(stays)) if all(nearer) and not turns.all() else None


def _traffic(levels: Whole, axes: tuple[int, ...]) -> tuple[NDArray[np.int64], float, int]:
    """Return how many near neighbours each level lies between, the share of near ones, and rows across 0."""
    changes = np.zeros(257, dtype=np.int64)
    near_pairs = pairs = 0
    across = np.zeros(levels.shape[0], dtype=np.int64)
    ends = (levels == 0) | (levels == 255)
    for axis in axes:
        n = levels.shape[axis]
        first, second = levels.take(range(n - 1), axis), levels.take(range(1, n), axis)
        step = (second - first + 128) % 256 - 128
        inner = ~(ends.take(range(n - 1), axis) | ends.take(range(1, n), axis))
        moved = inner & (step != 0)
        near = moved & (np.abs(step) <= NEAR)
        pairs += int(moved.sum())
        near_pairs += int(near.sum())
        start = np.where(step > 0, first, second)
        stop = np.where(step > 0, second, first)
        crossing = near & (stop < start)
        across += crossing.reshape(levels.shape[0], -1).sum(axis=1)
        # A pair from `start` up to `stop` passes the levels start + 1 to stop, round the circle.
        changes[:256] += np.bincount(start[near] + 1, minlength=257)[:256]
        changes[0] += int((start[near] == 255).sum())
        np.subtract.at(changes, stop[near] + 1, 1)
        changes[0] += int((crossing & (start != 255)).sum())
    traffic = np.cumsum(changes[:256])
    return traffic, near_pairs / max(1, pairs), int((across > 0).sum())


@dataclass(frozen=True, slots=True)
class Swapped:
    """Sixteen-bit values that are smooth only with their bytes swapped.

    Attributes
    ----------
    given, swapped : float
        Median roughness of rows as they are, and with bytes swapped.
    share : float
        Share of the rows that are smoother so.
    rows : int
        Rows looked at.
    """

    given: float
    swapped: float
    share: float
    rows: int


def swapped_bytes(case: Case, split: str, found: WholeRows | None) -> Swapped | None:
    """Product: whether sixteen-bit values of a split make sense only in the other byte order, or None.

    In the right order the high byte is smooth and the low one is close to noise; swapped, neighbours
    differ by nearly as much as far positions do. Noise is alike in both orders.
    """
    axes = ordered_axes(case[split].X.shape)
    if found is None or found.slope != 1 or not axes:
        return None
    low, high = int(found.rows.min()), int(found.rows.max())
    if (high <= 255 and low >= -128) or not (found.rows & 0xFF).any():
        return None
    turned = found.rows.astype(np.uint16).byteswap()
    made = turned.view(np.int16) if low < 0 else turned
    given, other = roughness(found.rows, axes), roughness(made.astype(np.int64), axes)
    if given.rows != other.rows or not given.rows:
        return None
    a, b = np.array(given.ratios), np.array(other.ratios)
    share = float((b < SMOOTHER * a).mean())
    enough = given.rows * int(np.prod(found.rows.shape[1:])) >= VALUES and given.median >= ROUGH
    if share < AGREE or not enough or _high_bytes_differ(found.rows, axes) < AGREE:
        return None
    return Swapped(given.median, other.median, share, given.rows)


def is_in_order(case: Case, split: str, found: WholeRows | None) -> bool:
    """Return whether sixteen-bit values of a split are smoother as they are than with bytes exchanged."""
    axes = ordered_axes(case[split].X.shape)
    if found is None or not axes:
        return found is not None
    made = (found.rows & 0xFFFF).astype(np.uint16).byteswap().astype(np.int64)
    return roughness(found.rows, axes).median < roughness(made, axes).median


def _high_bytes_differ(rows: Whole, axes: tuple[int, ...]) -> float:
    """Return in what share of the neighbours that differ the high bytes do: rare spikes are no noise."""
    differ = high = 0
    for axis in axes:
        n = rows.shape[axis]
        first, second = rows.take(range(n - 1), axis), rows.take(range(1, n), axis)
        differ += int((first != second).sum())
        high += int((first >> 8 != second >> 8).sum())
    return high / max(1, differ)
