"""Values to whole numbers: steps wide enough to swallow rounding, narrow enough to tell values apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 2.0**62
"""Codes beyond are held at this: infinities, and values absurdly far from the rest."""

MISSING = np.int64(-(2**63))
"""Code of NaN."""

PHASE = 0.382
"""Where in a step zero lies, so that zero, whole numbers and halves lie on no edge."""


def spreads(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the typical size of a difference in each column of `rows`, shape (n, d), robustly.

    The distance between the 5 % and 95 % quantiles of the finite values; where that is 0, their range;
    where that is 0 too, the value's own size, or 1.

    Examples
    --------
    >>> spreads(np.array([[0.0, 7.0], [10.0, 7.0], [np.nan, 7.0]])).tolist()
    [9.0, 7.0]
    """
    values = np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)
    values[:, np.isnan(values).all(axis=0)] = 0.0
    least, most = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.nanquantile(values, [0.05, 0.95], axis=0)
        width = np.where(high > low, high - low, most - least)
    width = np.where(width > 0, width, np.maximum(np.abs(most), np.abs(least)))
    return np.where((width > 0) & np.isfinite(width), width, 1.0)


def codes(values: NDArray[Any], width: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return values as whole numbers of steps of `width`, shape as `values`; NaN has a code of its own.

    Parameters
    ----------
    values : ndarray, shape (..., d)
        Values.
    width : ndarray of float64, shape (d,)
        Positive.

    Examples
    --------
    >>> codes(np.array([[0.0, -0.0, 1e-9, 1.0, np.inf]]), np.full(5, 0.5)).tolist()
    [[0, 0, 0, 2, 4611686018427387904]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.floor(np.divide(values, width, dtype=np.float64) + PHASE)
    missing = np.isnan(steps)
    whole: NDArray[np.int64] = np.clip(np.where(missing, 0.0, steps), -LARGEST, LARGEST).astype(np.int64)
    whole[missing] = MISSING
    return whole
