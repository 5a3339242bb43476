"""Negative numbers kept in an unsigned type: values just below a power of two, beside small ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.columns import BLOCK_BYTES

BITS = (16, 32, 64)
"""Widths of unsigned integers; bytes of 250 and more are codes too often."""

SMALL = 4
LARGE = 64
"""Small values lie in the first quarter of the range, large ones in the last sixty-fourth."""

FEW = 3
"""Different values needed on either side: one or two are codes for what is missing."""

MEET = 0.25
"""Empty stretch around 0, over the reach of the values on both sides of it, at most."""

ROWS = 50
SAMPLE_ROWS = 100_000
MOST_COLUMNS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class HighCodes:
    """Features with values just below ``2 ** bits``.

    Attributes
    ----------
    bits : int
        Width of the integer that ran over.
    columns : ndarray of int64
        The features.
    share : float
        Share of their values that ran over.
    lowest : float
        The farthest below zero they stand for.
    examples : tuple of (int, int, int)
        A feature, a value, and what it stands for.
    """

    bits: int
    columns: NDArray[np.int64]
    share: float
    lowest: int
    examples: tuple[tuple[int, int, int], ...]


def high_codes(case: Case, split: str) -> HighCodes | None:
    """Product: features whose values lie near 0 and just below a power of two, and nowhere between.

    Null: values of one population. Were they spread over the range, seven tenths of it would be empty
    with a chance below n / 3^n for n different values; codes for missing values are one or two, and
    port numbers reach down to three quarters of the range.
    """
    flat = case[split].flat
    if flat.dtype.kind not in "uif" or flat.dtype.itemsize < 2 or flat.shape[0] < ROWS:
        return None
    limit = max(ROWS, min(SAMPLE_ROWS, BLOCK_BYTES // 8 // max(1, min(flat.shape[1], MOST_COLUMNS))))
    numbers = spaced(flat.shape[1], MOST_COLUMNS)
    seen = flat[np.ix_(spaced(flat.shape[0], limit), numbers)]
    for bits in BITS:
        if bits == 16 and case[split].X.ndim > 2:
            continue  # black and white, in sixteen bits
        if flat.dtype.kind in "ui" and flat.dtype.itemsize * 8 < bits:
            continue
        if flat.dtype.kind == "f" and np.finfo(flat.dtype).nmant + 1 < bits:
            continue
        hits = _columns(seen, bits)
        if hits.size:
            return _found(seen, numbers, hits, bits)
    return None


def _columns(seen: NDArray[Any], bits: int) -> NDArray[np.int64]:
    """Return which columns hold both kinds of values; whole numbers that fit the width, and none between."""
    top = 2**bits - 1
    below, above = 2**bits // SMALL, 2**bits - 2**bits // LARGE
    if seen.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            usable = ((seen >= 0) & (seen <= top) & (seen == np.rint(seen))).all(axis=0)
    else:
        usable = (seen >= 0).all(axis=0) & (seen <= top).all(axis=0)
    hits = []
    for j in np.flatnonzero(usable & (seen.max(axis=0) >= above) & (seen.min(axis=0) < below)):
        levels = np.unique(seen[:, j])
        low, high = levels[levels < below], levels[levels >= above]
        if min(low.size, high.size) < FEW or low.size + high.size < levels.size:
            continue
        meet, reach = int(low[0]) + top - int(high[-1]), int(low[-1]) + top - int(high[0])
        if meet <= MEET * reach:
            hits.append(int(j))
    return np.array(hits, dtype=np.int64)


def _found(seen: NDArray[Any], numbers: NDArray[np.int64], hits: NDArray[np.int64], bits: int) -> HighCodes:
    size = 2**bits
    examples = []
    lowest, over = 0, 0
    for j in hits.tolist():
        column = seen[:, j]
        high = column[column > size // 2]
        over += high.size
        lowest = min(lowest, int(high.min()) - size)
        examples.append((int(numbers[j]), int(high[0]), int(high[0]) - size))
    return HighCodes(bits, numbers[hits], over / (hits.size * seen.shape[0]), lowest, tuple(examples[:5]))
