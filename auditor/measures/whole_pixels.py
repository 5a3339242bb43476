"""Bytes behind the values of a split, and how neighbours among them differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.hashing.sampling import spaced

Whole = NDArray[np.int64]

SAMPLE_ROWS = 1024
SAMPLE_VALUES = 600_000

LEVELS = 16
"""Different whole numbers needed: codes, masks and few grey levels say nothing of wrapping."""

LONG = 8
"""Positions that an axis of pixels or time steps has at least."""

SERIES = 64
"""Features of a table that may be a flattened series or picture."""

UNITS = ((1.0, 0.0), (255.0, 0.0), (127.5, 127.5), (256.0, 0.0))
"""Slope and offset that lead from values to bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class WholeRows:
    """Sampled rows of a split as whole numbers.

    Attributes
    ----------
    rows : ndarray of int64, shape (m, ...)
        Evenly spaced rows.
    slope, offset : float
        ``value * slope + offset`` is the whole number.
    """

    rows: Whole
    slope: float
    offset: float

    @property
    def is_signed(self) -> bool:
        """Whether some are negative."""
        return bool(self.rows.min() < 0)


def whole_rows(case: Case, split: str) -> WholeRows | None:
    """Product: sampled rows of a split as the whole numbers that they hold, or None.

    Values that are whole as they stand, or multiples of 1/255, 1/127.5 or 1/256, in sixteen bits.
    """
    part = case[split]
    if part.X.dtype.kind not in "iuf" or not part.X.size or part.X.dtype == np.float16:
        return None
    seen = _sampled(part)
    if seen.dtype.kind == "f" and not np.isfinite(seen).all():
        return None
    if seen.dtype.kind in "iu":
        found = WholeRows(seen.astype(np.int64), 1.0, 0.0)
        return found if _is_usable(found.rows) and int(seen.max()) <= 65535 else None
    values = seen.astype(np.float64)
    tolerance = 1e-6 if seen.dtype == np.float64 else 2e-3
    if np.abs(values).max() > 65535:
        return None
    for slope, offset in UNITS:
        whole = values * slope + offset
        nearest = np.rint(whole)
        if np.abs(whole - nearest).max() <= tolerance and (
            slope == 1 or 0 <= nearest.min() <= nearest.max() <= 255
        ):
            found = WholeRows(nearest.astype(np.int64), slope, offset)
            return found if _is_usable(found.rows) else None
    return None


def _sampled(part: Split) -> NDArray[Any]:
    limit = max(16, min(SAMPLE_ROWS, SAMPLE_VALUES // max(1, part.n_features)))
    return np.asarray(part.X[spaced(part.n_rows, limit)])


def _is_usable(rows: Whole) -> bool:
    low, high = int(rows.min()), int(rows.max())
    fits = low >= -32768 and high <= 65535 and (low >= 0 or high <= 32767)
    return fits and int(np.count_nonzero(np.bincount((rows - low).ravel()))) >= LEVELS


def ordered_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of rows of a shape (n, ...) along which neighbours may resemble each other.

    Height and width of pictures with channels last, first or none; time; the features of a long flat row.

    Examples
    --------
    >>> ordered_axes((10, 28, 28)), ordered_axes((10, 3, 32, 32)), ordered_axes((10, 200, 3)), ordered_axes((10, 5))
    ((1, 2), (2, 3), (1,), ())
    """
    if len(shape) == 2:
        return (1,) if shape[1] >= SERIES else ()
    return tuple(axis for axis in range(1, min(len(shape), 4)) if shape[axis] >= LONG)


@dataclass(frozen=True, slots=True)
class Roughness:
    """How much neighbours differ, over how much any two positions of the same row do."""

    median: float
    rows: int
    ratios: tuple[float, ...]


def roughness(rows: Whole, axes: tuple[int, ...]) -> Roughness:
    """Return the mean difference of neighbours over that of far positions, for every row that varies."""
    flat = rows.reshape(rows.shape[0], -1).astype(np.float64)
    far = np.abs(flat - np.roll(flat, flat.shape[1] // 2 + flat.shape[1] // 7 + 1, axis=1)).mean(axis=1)
    near = np.zeros(rows.shape[0])
    for axis in axes:
        step = np.abs(np.diff(rows, axis=axis))
        near += step.reshape(rows.shape[0], -1).mean(axis=1) / len(axes)
    varies = far > 0
    ratios = near[varies] / far[varies]
    return Roughness(float(np.median(ratios)) if ratios.size else math.nan, int(ratios.size), tuple(ratios))
