"""One split whose bytes are another's, changed and taken modulo 256."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.whole_pixels import WholeRows

Floats = NDArray[np.float64]

FACTORS = (1, -1, 2, 3, 4, 5, 8, 10)
"""What bytes are multiplied with."""

APART = 0.25
"""Distance of the level counts (total variation) that undoing the map has to take away."""

NOISE = 0.1
"""Distance that two samples of one population may keep, and three times what halves of one split do."""

REST = 0.3
"""The same without the most frequent level, under the map."""

WRAPS = 0.01
"""Share of the values that have to have wrapped."""


@dataclass(frozen=True, slots=True)
class Modular:
    """``split = factor * reference + offset``, modulo 256.

    Attributes
    ----------
    factor, offset : int
        The map.
    share : float
        Share of the values that ran over the range.
    before, after, clipped : float
        Total variation between the level counts as they are, under the map, and under the nearest map
        with values clipped to the range instead.
    """

    factor: int
    offset: int
    share: float
    before: float
    after: float
    clipped: float


def modular_map(left: WholeRows | None, right: WholeRows | None) -> Modular | None:
    """Return the map modulo 256 that makes the bytes on the right of those on the left, or None.

    Null: the splits are two populations of bytes. The counts of all 256 levels agree under the map to
    within what two samples of one population keep, where they disagree without it and under the same map
    with values clipped, as a camera or `np.clip` does. The most frequent level, a background, is left out
    of one more comparison.
    """
    if left is None or right is None or not _are_bytes(left, right):
        return None
    source, target = _counts(left), _counts(right)
    halves = [_frequencies(left.rows[i::2]) for i in (0, 1)]
    noise = max(NOISE, 3 * _apart(*halves))
    before = _apart(source, target)
    if right.is_signed:  # read as int8: the same bytes, the upper half below zero
        share = float((right.rows < 0).mean())
        if before <= noise and share >= WRAPS and int(left.rows.max()) > 127:
            return Modular(1, 0, share, 1.0, before, 1.0)
        return None
    rest = _rest_apart(source, target, 1, 0)
    if max(before, rest) < APART:
        return None
    tried = (_map(source, target, factor, offset) for factor in FACTORS for offset in range(256))
    factor, offset, share, after = min(tried, key=lambda one: one[3])
    rest_after = _rest_apart(source, target, factor, offset)
    if share < WRAPS or after > noise or rest_after > REST or max(before - after, rest - rest_after) < APART:
        return None
    clipped = _least_clipped(source, target)
    if clipped < max(after + WRAPS, after + share / 4, 2 * after):
        return None
    return Modular(factor, offset if offset <= 127 else offset - 256, share, before, after, clipped)


def _are_bytes(left: WholeRows, right: WholeRows) -> bool:
    low, high = int(right.rows.min()), int(right.rows.max())
    in_bytes = int(left.rows.min()) >= 0 and int(left.rows.max()) <= 255
    return (
        in_bytes and (left.slope, left.offset) == (right.slope, right.offset) and low >= -128 and high <= 255
    )


def _counts(found: WholeRows) -> Floats:
    return _frequencies(found.rows)


def _frequencies(rows: NDArray[np.int64]) -> Floats:
    counts = np.bincount((rows % 256).ravel(), minlength=256)
    return np.asarray(counts / max(1, int(counts.sum())))


def _apart(p: Floats, q: Floats) -> float:
    return float(np.abs(p - q).sum() / 2)


def _map(source: Floats, target: Floats, factor: int, offset: int) -> tuple[int, int, float, float]:
    """Return a map, the share of values it takes beyond 0..255 on the lesser side, and how far it is off."""
    wrapped = _wrapped(source, factor, offset)
    images = np.arange(256) * factor + offset
    share = min(float(source[(image < 0) | (image > 255)].sum()) for image in (images, images - 256))
    return factor, offset, share, _apart(wrapped, target)


def _wrapped(source: Floats, factor: int, offset: int) -> Floats:
    image = (np.arange(256) * factor + offset) % 256
    return np.asarray(np.bincount(image, weights=source, minlength=256), dtype=np.float64)


def _least_clipped(source: Floats, target: Floats) -> float:
    """Return how near any of the maps comes without running over, values clipped to 0..255."""
    levels = np.arange(256)
    least = 1.0
    for factor in FACTORS:
        for offset in range(-255 * abs(factor), 256 + 255 * (factor < 0), max(1, abs(factor) // 2)):
            image = np.clip(levels * factor + offset, 0, 255)
            made = np.asarray(np.bincount(image, weights=source, minlength=256), dtype=np.float64)
            least = min(least, _apart(made, target))
    return least


def _rest_apart(source: Floats, target: Floats, factor: int, offset: int) -> float:
    """Return the total variation without the most frequent level, a background, under the map."""
    made = _wrapped(source, factor, offset)
    rest = np.arange(256) != int(made.argmax())
    p, q = made[rest], target[rest]
    return _apart(p / p.sum(), q / q.sum()) if p.sum() > 0 and q.sum() > 0 else 1.0
