"""Features that one scaler, or two, scaled a second time: identities of their own statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.columns import ColumnStatistics
from auditor.measures.fitted_sets import Fitted, Pooled, pool
from auditor.measures.marginals import Floats, grid_step

RAW_STEPS = (1.0, 0.1, 0.01, 0.001, 0.5, 0.25, 0.05)
"""Steps that raw measurements are written in."""

BYTE_STEPS = (1.0, 1 / 255, 1 / 256, 1 / 127.5)
"""Steps of pixels."""

DIVISORS = (255.0, 256.0, 127.5, 128.0)
"""What a scaled feature may have been divided by besides."""

SAMPLE_COLUMNS = 256
SAMPLE_ROWS = 4000

LEVELS = 10
"""Different values of a feature needed to see its grid."""

ROUND_OFF = 0.02
"""Distance from a whole number of raw steps that rounding may leave."""

HALF = 0.5
"""Share of the features on a grid that have to show an identity where few do, or where only the range does."""

DIFFERENT = 3
"""Features of different spread that prove more than one: a rational number may meet another by accident."""

CHANCE = 1e-6
"""Chance that an audit of features scaled once shows the identity."""

MOST = 0.9
"""Share of the features that a constant has to divide."""

MATTERS = 2.0
"""Factor on the spread from which scaling again does harm."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeated:
    """Features scaled twice.

    Attributes
    ----------
    kind : {"standard", "min-max", "divided"}
        The scaler's own statistics were used twice; or the features were divided by a constant besides.
    columns : ndarray of int64
        The features; empty where one scale served them all.
    compared : int
        Features looked at.
    fitted : Fitted
        The splits over which the identity holds.
    miss : float
        Its largest relative miss.
    factor : float
        What the values of the example, or all values, were divided by a second time.
    mean, std : float
        Of the example as it is now.
    example : int
        The feature that it moved most; -1 where one scale served them all.
    """

    kind: str
    columns: NDArray[np.int64]
    compared: int
    fitted: Fitted
    miss: float
    factor: float
    mean: float
    std: float
    example: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A feature's grid and its statistics over the fitted rows."""

    number: int
    levels: Floats
    step: float
    count: float
    mean: float
    variance: float
    low: float
    high: float


def repeated_scaling(case: Case, names: tuple[str, ...], *statistics: ColumnStatistics) -> Repeated | None:
    """Product: how the features of some splits were scaled twice, or None.

    Identities, each over the rows that a scaler was fitted on:

    - *standard*: ``((x - m) / s - m) / s`` has the standard deviation 1/s and the mean -m/s. Raw values
      that are multiples of a step c then stand on a grid of step c/s², so that step over variance is c,
      and ``z s² + m s + m`` is a multiple of c for every value z.
    - *min-max*: ``((x - a) / r - a) / r`` has the range 1/r and a grid of step c/r².
    - *divided*: features standardised and divided by q, in either order, all have the standard deviation
      1/q; features scaled to a range of 1 and divided by q all have the range 1/q.

    Parameters
    ----------
    case : Case
        The case.
    names : tuple of str
        Train, and the splits scaled as it is.
    *statistics : ColumnStatistics
        Of these splits.
    """
    flat = case["train"].flat
    if flat.dtype.kind != "f" or flat.dtype.itemsize < 4 or flat.shape[0] < LEVELS:
        return None
    known = dict(zip(names, statistics, strict=True))
    eps = float(np.finfo(flat.dtype).eps)
    for fitted in dict.fromkeys((names[:1], names)):
        pooled = pool(known, fitted)
        found = _divided(case, pooled, fitted, eps) or _by_column(case, pooled, fitted, eps)
        found = found or _as_one(case, pooled, fitted, eps)
        if found is not None:
            return found
    return None


def _by_column(case: Case, pooled: Pooled, fitted: Fitted, eps: float) -> Repeated | None:
    usable = np.flatnonzero((pooled.variance > 0) & np.isfinite(pooled.variance) & (pooled.count >= LEVELS))
    chosen = usable[spaced(usable.size, SAMPLE_COLUMNS)] if usable.size else usable
    values = _sample(case["train"].flat, chosen)
    made = (_column(int(j), values[:, i], pooled) for i, j in enumerate(chosen))
    columns = [column for column in made if column is not None]
    for kind in ("standard", "min-max"):
        able = columns if kind == "standard" else [c for c in columns if not _is_round(_steps(c))]
        hits = [(c, miss) for c in able if (miss := _identity(kind, c, RAW_STEPS, eps)) is not None]
        different = len({_steps(c) if kind == "min-max" else c.variance for c, _ in hits})
        many = len(hits) >= HALF * len(able)
        if not hits or (different < DIFFERENT and (kind == "min-max" or not many)):
            continue
        if kind == "min-max" and not many:
            continue
        if _chance(len(hits), chosen.size, len(RAW_STEPS), max(m for _, m in hits)) > CHANCE:
            continue
        first = max((c for c, _ in hits), key=lambda c: abs(math.log(_divisor(kind, c))))
        if abs(math.log(_divisor(kind, first))) < math.log(MATTERS):
            continue
        return Repeated(
            kind,
            np.array([c.number for c, _ in hits], dtype=np.int64),
            int(chosen.size),
            fitted,
            max(m for _, m in hits),
            _divisor(kind, first),
            first.mean,
            math.sqrt(first.variance),
            first.number,
        )
    return None


def _sample(flat: NDArray[Any], columns: NDArray[np.int64], rows: int = SAMPLE_ROWS) -> Floats:
    return flat[np.ix_(spaced(flat.shape[0], rows), columns)].astype(np.float64)


def _column(number: int, values: Floats, pooled: Pooled) -> _Column | None:
    levels = np.unique(values[np.isfinite(values)])
    if levels.size < LEVELS:
        return None
    step = grid_step(levels)
    if step <= 0:
        return None
    mean, variance = float(pooled.mean[number]), float(pooled.variance[number])
    ends = float(pooled.minimum[number]), float(pooled.maximum[number])
    return _Column(number, levels, step, float(pooled.count[number]), mean, variance, *ends)


def _tolerance(column: _Column, eps: float) -> float:
    """Return the relative error that rounding leaves in a variance and a step."""
    away = max(abs(column.low), abs(column.high)) / math.sqrt(column.variance)
    return max(1e-9, 16 * eps * (1 + away))


def _divisor(kind: str, column: _Column) -> float:
    """Return the standard deviation, or range, that the raw values were divided by if this is a second time."""
    return 1 / (math.sqrt(column.variance) if kind == "standard" else column.high - column.low)


def _identity(kind: str, column: _Column, steps: tuple[float, ...], eps: float) -> float | None:
    """Return by how much, relatively, a feature misses the identity of a kind; None where it does not hold."""
    tolerance = _tolerance(column, eps)
    if tolerance > 1e-3:
        return None
    if kind == "min-max":
        return _min_max(column, steps, tolerance)
    sample = column.variance * column.count / (column.count - 1)
    for variance in (column.variance, sample):
        ratio = column.step / variance
        step = min(steps, key=lambda c: abs(math.log(ratio / c)))
        miss = abs(ratio / step - 1)
        if miss > tolerance:
            continue
        s = 1 / math.sqrt(variance)
        m = -column.mean * s
        if _whole((column.levels * s * s + m * s + m) / step):
            return miss
    return None


def _min_max(column: _Column, steps: tuple[float, ...], tolerance: float) -> float | None:
    span = column.high - column.low
    if span <= 0:
        return None
    ratio = column.step / span**2
    step = min(steps, key=lambda c: abs(math.log(ratio / c)))
    miss = abs(ratio / step - 1)
    low = -column.low / span
    return miss if miss <= tolerance and _whole(np.array([low / step])) else None


def _steps(column: _Column) -> int:
    """Return how many steps of its grid a feature spans."""
    return round((column.high - column.low) / column.step)


def _is_round(count: int) -> bool:
    """Whether a power of ten is a multiple of a number: decimals then have such grids by nature."""
    for prime in (2, 5):
        while count > 1 and count % prime == 0:
            count //= prime
    return count <= 1


def _whole(values: Floats) -> bool:
    return bool(np.abs(values).max() < 1e9 and np.abs(values - np.rint(values)).max() <= ROUND_OFF)


def _chance(hits: int, tried: int, steps: int, tolerance: float) -> float:
    """Return a bound on the chance that so many of the features tried show both identities by accident.

    The ratio of step and variance of unrelated features is spread over several powers of ten at least: it
    meets one of the steps within the tolerance, for either variance, with the chance ``p`` below.
    """
    p = min(1.0, 4 * steps * max(tolerance, 1e-9) * 4 * ROUND_OFF)
    return math.comb(max(tried, hits), hits) * p**hits


def _divided(case: Case, pooled: Pooled, fitted: Fitted, eps: float) -> Repeated | None:
    """Tell features whose standard deviations, or ranges, are all one known constant."""
    varies = (pooled.variance > 0) & np.isfinite(pooled.variance) & (pooled.maximum > pooled.minimum)
    usable = np.flatnonzero(varies & (pooled.count > 2))
    if usable.size < 2:
        return None
    low, high, n = pooled.minimum[usable], pooled.maximum[usable], pooled.count[usable]
    std = np.sqrt(pooled.variance[usable])
    away = np.maximum(np.abs(low), np.abs(high))
    for spread in (std, std * np.sqrt(n / (n - 1)), high - low):
        tolerance = np.minimum(1e-3, np.maximum(1e-8, 16 * eps * (1 + away / spread)))
        for q in DIVISORS:
            miss = np.abs(spread * q - 1)
            hits = miss <= tolerance
            if hits.mean() >= MOST and _varied(case, usable[hits]):
                first = int(np.argmax(hits))
                return Repeated(
                    "divided",
                    usable[hits],
                    int(usable.size),
                    fitted,
                    float(miss[hits].max()),
                    q,
                    float(pooled.mean[usable[first]]),
                    float(std[first]),
                    int(usable[first]),
                )
    return None


def _varied(case: Case, columns: NDArray[np.int64]) -> bool:
    """Whether two of the features take many values: two binary ones are alike by nature."""
    values = _sample(case["train"].flat, columns[spaced(columns.size, 16)])
    return sum(np.unique(column).size >= LEVELS for column in values.T) >= 2


def _as_one(case: Case, pooled: Pooled, fitted: Fitted, eps: float) -> Repeated | None:
    """Tell one mean and standard deviation of all values, used twice, or on pixels already divided."""
    n = pooled.count
    total = float(n.sum())
    if pooled.count.size < 2 or not np.isfinite(pooled.variance).all() or total < LEVELS:
        return None
    mean = float((pooled.mean * n).sum() / total)
    variance = float(((pooled.variance + (pooled.mean - mean) ** 2) * n).sum() / total)
    flat = case["train"].flat
    some = _sample(flat, spaced(flat.shape[1], 2048), 256)
    levels = np.unique(some[np.isfinite(some)])
    if not LEVELS <= levels.size <= 2**12 or variance <= 0:
        return None
    step = grid_step(_merged(levels, eps))
    if step <= 0:
        return None
    whole = _Column(-1, levels, step, total, mean, variance, float(levels[0]), float(levels[-1]))
    divisor = _divisor("standard", whole)
    miss = _identity("standard", whole, BYTE_STEPS, eps)
    if miss is not None and abs(math.log(divisor)) >= math.log(MATTERS):
        return _one("standard", pooled, fitted, (miss, divisor), (mean, variance))
    tolerance = _tolerance(whole, eps)
    for q in DIVISORS:
        miss = abs(math.sqrt(variance) * q - 1)
        if miss <= min(tolerance, 1e-3) and (_is_centred(whole, eps) or _was_divided(whole, q)):
            return _one("divided", pooled, fitted, (miss, q), (mean, variance))
    return None


def _merged(levels: Floats, eps: float) -> Floats:
    """Return levels without those that differ from the one before by rounding."""
    near = 8 * eps * max(abs(float(levels[0])), abs(float(levels[-1])))
    return levels[np.r_[True, np.diff(levels) > near]]


def _is_centred(whole: _Column, eps: float) -> bool:
    return abs(whole.mean) <= max(1e-9, 16 * eps) * math.sqrt(whole.variance) * math.sqrt(whole.count)


def _was_divided(whole: _Column, q: float) -> bool:
    """Whether undoing the standardisation of raw bytes on bytes over q gives whole bytes."""
    s = 1 / (whole.step * q)
    m = -whole.mean * s / (1 - 1 / q)
    return _whole((whole.levels * s + m) * q)


def _one(
    kind: str, pooled: Pooled, fitted: Fitted, found: tuple[float, float], moments: tuple[float, float]
) -> Repeated:
    none = np.zeros(0, dtype=np.int64)
    width = int(pooled.count.size)
    return Repeated(kind, none, width, fitted, found[0], found[1], moments[0], math.sqrt(moments[1]))
