"""In how many decimals values were written, which every later product of theirs gives away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST = 12
"""Decimals looked for."""

HEAD = 32
"""Values that most features without decimals are told by."""

STEPS = 4
"""Different values needed to see a step."""

COARSE = 50.0
"""Steps are seen down to so many times the rounding."""

RARE = 0.02
"""Chance, at most, that a number stands on the decimals by accident: finer ones say nothing, unless many do."""

OFTEN, TOGETHER = 0.3, -9.0
"""Such a chance at most where there are so many numbers that all would by accident with a chance of 10 to this power."""


def precision(values: Floats, dtype: np.dtype[Any]) -> float:
    """Return the relative rounding of values: that of a float32 where they went through one.

    Parameters
    ----------
    values : ndarray of float64
        Numbers, or NaN.
    dtype : dtype
        What they were stored in.

    Examples
    --------
    >>> precision(np.array([0.1, 0.25]), np.dtype(float)) == 2.0**-53
    True
    >>> precision(np.float32([0.1, 0.7]).astype(float), np.dtype(float)) == 2.0**-24
    True
    """
    if dtype == np.float16:
        return 2.0**-11
    with np.errstate(over="ignore", under="ignore"):
        narrow = values.astype(np.float32)
    return 2.0**-24 if bool(((narrow == values) | np.isnan(values)).all()) else 2.0**-53


def decimals_of(values: Floats, eps: float) -> int | None:
    """Return the least number of decimals that all values are written in; None where it cannot be seen.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite numbers.
    eps : float
        Their relative rounding, see `precision`.

    Examples
    --------
    >>> decimals_of(np.array([3.0, 12.0]), 2.0**-53), decimals_of(np.array([0.25, 0.1, 7.5]), 2.0**-53)
    (0, 2)
    >>> decimals_of(np.array([0.25, 0.1, 7.5]) / 3, 2.0**-53)
    >>> six = (np.arange(7, 900, 13) / 1e6 + 0.7).astype(np.float32).astype(float)
    >>> decimals_of(six, 2.0**-24)
    6
    """
    if not values.size:
        return None
    sizes = np.abs(values)
    if sizes.max() > 1e15:
        return None
    for count in range(MOST + 1):
        single = float(np.median(chance(2 * eps * sizes[:HEAD], count)))
        if single > OFTEN or (single > RARE and np.unique(values).size * np.log10(single) > TOGETHER):
            return None
        parts = ((values[part], 2 * eps * sizes[part]) for part in (slice(HEAD), slice(HEAD, None)))
        if all(stand_on(*part, count).all() for part in parts):
            return count
    return None


def stand_on(values: Floats, tolerance: Floats, count: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values are decimals of `count` places, to a tolerance each."""
    scaled = values * 10.0**count
    return np.asarray(np.abs(scaled - np.rint(scaled)) <= np.maximum(tolerance * 10.0**count, 1e-14))


def chance(tolerance: Floats, count: int | NDArray[np.int64]) -> Floats:
    """Return the chance that a number drawn anywhere stands on decimals of `count` places."""
    return np.asarray(np.clip(2 * tolerance * 10.0**count, 1e-12, 1.0))


def common_step(levels: Floats, tolerance: float) -> float:
    """Return the largest step that sorted distinct values are whole multiples of, up to an offset; 0 if none.

    Euclid's algorithm on the gaps between them, which stops at what rounding leaves. Values that share no
    step end there too.

    Examples
    --------
    >>> round(common_step(np.array([0.0, 2.0, 5.0, 11.0, 21.0]) / 7 + 0.3, 1e-15), 6)
    0.142857
    >>> common_step(np.sqrt(np.arange(9.0)), 1e-15)
    0.0
    """
    gaps = np.unique(np.diff(levels))
    gaps = gaps[gaps > tolerance]
    if levels.size < STEPS or not gaps.size:
        return 0.0
    step = float(gaps[0])
    while step > COARSE * tolerance:
        left = np.abs(gaps - step * np.rint(gaps / step))
        allowed = tolerance * (1 + np.rint(gaps / step))
        rest = left[left > allowed]
        if not rest.size:
            return step if float((allowed / step).max()) < RARE else 0.0
        step = float(rest.min())
    return 0.0
