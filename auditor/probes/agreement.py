"""Whether two arrays hold the same rows, and how they differ if they do not: by a factor, a map, an order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.measures.columns import BLOCK_BYTES
from auditor.measures.scale_mismatch import FACTORS

LOOKED_AT = 4096
"""Rows from which the kind of a disagreement is read."""

AFFINE = 0.9
"""Share of features that must follow a map for it to be named."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How the rows of `second` relate to those of `first`.

    Attributes
    ----------
    kind : {"equal", "shape", "factor", "slope", "affine", "order", "other"}
        ``factor``: every value times one number; ``slope``: that, with an offset per feature;
        ``affine``: a slope and an offset per feature; ``order``: the same rows elsewhere.
    share : float
        Share of rows that differ.
    in_std : float
        Largest difference, in standard deviations of the feature in `first`.
    slope : float
        Of ``factor`` and ``slope``, and the median one of ``affine``; else NaN.
    columns : int
        Features that follow the map.
    compared : int
        Features compared.
    examples : tuple of (int, int, float, float)
        Row, feature, and both values.
    """

    kind: str
    share: float = 0.0
    in_std: float = 0.0
    slope: float = math.nan
    columns: int = 0
    compared: int = 0
    examples: tuple[tuple[int, int, float, float], ...] = ()


def agreement(first: NDArray[Any], second: NDArray[Any]) -> Agreement:
    """Compare two arrays of shape (n, d) row by row.

    Values are held equal up to four units in the last place of the coarser dtype, plus a small share of
    the feature's usual size: 1e-7 for float64, half the digits for narrower floats, in which a sum comes
    out differently in every order.

    Examples
    --------
    >>> rows = np.arange(12.0).reshape(6, 2)
    >>> found = agreement(rows, rows * 255)
    >>> found.kind, found.slope, found.share
    ('factor', 255.0, 1.0)
    """
    if first.shape != second.shape:
        return Agreement("shape", 1.0, math.inf)
    if not first.size:
        return Agreement("equal")
    picked = spaced(len(first), LOOKED_AT)
    sample = first[picked].astype(np.float64)
    bounds = _Bounds(*_precision(first, second), _usual_size(sample), _spread(sample))
    differs, in_std, examples = _walk(first, second, bounds)
    if not differs.any():
        return Agreement("equal")
    share = float(differs.mean())
    kind, slope, columns, compared = _kind(first, second, picked, bounds)
    return Agreement(kind, share, in_std, slope, columns, compared, tuple(examples))


@dataclass(frozen=True, slots=True, eq=False)
class _Bounds:
    ulps: float
    noise: float
    size: Floats
    spread: Floats


def _precision(first: NDArray[Any], second: NDArray[Any]) -> tuple[float, float]:
    floats = [array.dtype for array in (first, second) if array.dtype.kind == "f"]
    if not floats:
        return 0.0, 0.0
    eps = max(float(np.finfo(dtype).eps) for dtype in floats)
    return 4 * eps, 1e-7 if eps < 1e-10 else math.sqrt(eps)


def _usual_size(sample: Floats) -> Floats:
    """Return the median size of a feature's non-zero values: unlike the largest, no outlier moves it."""
    with np.errstate(invalid="ignore"):
        size = np.abs(sample)
        size = np.where(np.isfinite(size) & (size > 0), size, np.nan)
    filled = np.where(np.isnan(size).all(axis=0), 0.0, size)
    usual: Floats = np.nan_to_num(np.nanmedian(filled, axis=0))
    return usual


def _spread(sample: Floats) -> Floats:
    with np.errstate(all="ignore"):
        values = np.where(np.isfinite(sample), sample, 0.0)
        spread = values.std(axis=0)
    return np.where(np.isfinite(spread) & (spread > 0), spread, 0.0)


def _walk(
    first: NDArray[Any], second: NDArray[Any], bounds: _Bounds
) -> tuple[NDArray[np.bool_], float, list[tuple[int, int, float, float]]]:
    """Compare in blocks: which rows differ, the largest difference in std, and a few cells."""
    step = max(1, BLOCK_BYTES // (8 * first.shape[1]))
    flags: list[NDArray[np.bool_]] = []
    largest = 0.0
    examples: list[tuple[int, int, float, float]] = []
    for start in range(0, len(first), step):
        a, b = first[start : start + step], second[start : start + step]
        if np.array_equal(a, b):
            flags.append(np.zeros(len(a), dtype=bool))
            continue
        a, b = a.astype(np.float64), b.astype(np.float64)
        off, gap = _differs(a, b, bounds)
        flags.append(np.asarray(off.any(axis=1)))
        scale = np.where(bounds.spread > 0, bounds.spread, np.maximum(bounds.size, 1.0))
        with np.errstate(invalid="ignore", over="ignore"):
            largest = max(largest, float((np.where(off, gap, 0.0) / scale).max(initial=0.0)))
        for i, j in np.argwhere(off)[: max(0, 5 - len(examples))].tolist():
            examples.append((start + i, j, float(a[i, j]), float(b[i, j])))
    return np.concatenate(flags), largest, examples


def _differs(a: Floats, b: Floats, bounds: _Bounds) -> tuple[NDArray[np.bool_], Floats]:
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        gap = np.where(np.isnan(gap), np.inf, gap)
        largest = np.maximum(np.abs(a), np.abs(b))
        allowed = bounds.ulps * np.where(np.isfinite(largest), largest, 0.0) + bounds.noise * bounds.size
    return gap > allowed, gap


def _kind(
    first: NDArray[Any], second: NDArray[Any], picked: NDArray[np.int64], bounds: _Bounds
) -> tuple[str, float, int, int]:
    a, b = first[picked].astype(np.float64), second[picked].astype(np.float64)
    slopes, offsets, follows = _lines(a, b)
    compared = int(follows.size)
    if compared and follows.mean() >= AFFINE and len(picked) > 3:
        slope = float(np.median(slopes[follows]))
        alike = np.abs(slopes[follows] - slope) <= 2e-3 * abs(slope)
        known = _snapped(slope)
        if alike.mean() >= AFFINE and abs(slope - 1) > 2e-3:
            size = np.abs(slope) * bounds.size.max(initial=0.0)
            plain = np.abs(offsets[follows]) <= 2e-3 * max(size, 1e-300)
            return ("factor" if plain.all() else "slope"), known, int(follows.sum()), compared
        return "affine", slope, int(follows.sum()), compared
    if _is_reordered(first, second, bounds):
        return "order", math.nan, 0, compared
    return "other", math.nan, 0, compared


def _lines(a: Floats, b: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Fit b = slope * a + offset to each feature that varies in both; which follow it closely."""
    finite = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0)
    with np.errstate(all="ignore"):
        varies = finite & (np.ptp(np.where(finite, a, 0), axis=0) > 0)
        varies &= np.ptp(np.where(finite, b, 0), axis=0) > 0
        a, b = a[:, varies], b[:, varies]
        centred_a, centred_b = a - a.mean(axis=0), b - b.mean(axis=0)
        slope = (centred_a * centred_b).sum(axis=0) / (centred_a * centred_a).sum(axis=0)
        left = np.sqrt(((centred_b - slope * centred_a) ** 2).sum(axis=0) / (centred_b**2).sum(axis=0))
        offset = b.mean(axis=0) - slope * a.mean(axis=0)
    distinct = np.array([np.unique(column).size > 2 for column in a.T], dtype=bool)
    # Two values lie on a line whatever the map: they follow any, so they do not count.
    keep = distinct if distinct.any() else np.ones_like(distinct)
    return slope[keep], offset[keep], (left < 2e-3)[keep]


def _snapped(slope: float) -> float:
    """Return the factor that units go by within a thousandth of `slope`, or the slope itself."""
    for factor in FACTORS:
        for known in (factor, 1 / factor, -factor):
            if abs(slope - known) <= 1e-3 * abs(known):
                return known
    return slope


def _is_reordered(first: NDArray[Any], second: NDArray[Any], bounds: _Bounds) -> bool:
    """Whether both hold the same rows in another order, by one random projection of each row."""
    weights = np.random.default_rng(7).normal(size=first.shape[1]) / np.where(
        bounds.spread > 0, bounds.spread, 1.0
    )
    with np.errstate(all="ignore"):
        a = np.sort(np.nan_to_num(first.astype(np.float64)) @ weights)
        b = np.sort(np.nan_to_num(second.astype(np.float64)) @ weights)
        gap = np.abs(a - b)
    allowed = max(bounds.noise, 1e-12) * np.maximum(np.abs(a), np.median(np.abs(a)))
    return bool((gap <= allowed).all())
