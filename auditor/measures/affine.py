"""Whether one split is an affine image of another: a factor, another unit, a scaler not applied."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.columns import ColumnStatistics
from auditor.measures.forgotten_scaler import forgotten_scaler
from auditor.measures.lattice import INTEGERS, Lattice, lattice_of
from auditor.measures.levels import level_pairs
from auditor.measures.marginals import (
    SAMPLE_COLUMNS,
    Floats,
    Marginal,
    kolmogorov,
    marginals,
    same_grid,
)
from auditor.measures.rescaled import aligned, level_factor, other_grids, undone
from auditor.measures.scale_mismatch import FACTORS, ScaleMismatch, factor_name

SHARED = 8.0
"""Least factor, shared by three features or more, that is another unit and not another population."""

LONE = 50.0
"""Least factor that proves as much in fewer features, or where offsets are free."""

AGREE = 0.8
"""Share of features that have to follow."""

APART = 0.5
"""Share of features whose distributions have to differ where a scaler was applied to one split only."""

GAIN = 1.5
"""Factor that instruments of one kind keep within."""

STRETCHED = 0.25
"""Share of features whose spreads have to differ by more than that."""

FAR = 0.5
"""Share of features whose location or scale has to be far from anything a scaler makes."""

SCALED = 0.9
"""Share of features that look scaled in a split that is."""

SLACK = 0.05
"""Shift, in units of the spread, that a distance does not count: factors are estimated."""

IMPROVED = 0.25
"""Kolmogorov distance, in the median, by which undoing the map has to bring the splits together."""


def scale_mismatch(
    case: Case, first: str, second: str, left: ColumnStatistics, right: ColumnStatistics
) -> ScaleMismatch | None:
    """Product: how `second` is an affine image of what `first` is, or None.

    Parameters
    ----------
    case : Case
        The case.
    first, second : str
        Splits of one feature shape.
    left, right : ColumnStatistics
        Their statistics.
    """
    columns = comparable_columns(case, left, right)
    chosen = columns[spaced(columns.size, SAMPLE_COLUMNS)] if columns.size else columns
    pairs = marginals(case[first].flat, case[second].flat, chosen)
    found = _of_units(lattice_of(case, first), lattice_of(case, second), pairs)
    if found is not None:
        return found
    levels = level_pairs(case[first].flat, case[second].flat, chosen)
    if pairs:
        found = _shared_factor(pairs) or _few_factors(pairs)
    found = found or level_factor(levels, pairs) or other_grids(levels, pairs)
    found = found or (_unscaled(pairs, left, right) if pairs else None)
    return found or (forgotten_scaler(case, first, second, left, right) if first == "train" else None)


def comparable_columns(case: Case, left: ColumnStatistics, right: ColumnStatistics) -> NDArray[np.int64]:
    """Return features that vary in both splits and hold no category codes."""
    varies = (left.variance > 0) & (right.variance > 0)
    varies &= np.isfinite(left.variance) & np.isfinite(right.variance)
    return np.flatnonzero(varies & ~case.categorical)


def _of_units(left: Lattice | None, right: Lattice | None, pairs: list[Marginal]) -> ScaleMismatch | None:
    """Tell splits whose values are whole multiples of different units, which is an identity."""
    if left is None or right is None or left.unit is right.unit:
        return None
    if any(
        one.unit is INTEGERS and one.high > other.unit.top for one, other in ((left, right), (right, left))
    ):
        return None
    factor = left.unit.scale / right.unit.scale
    undone = [
        (p.second * right.unit.scale + right.unit.offset - left.unit.offset) / left.unit.scale for p in pairs
    ]
    before, after, noise = _distances(pairs, undone)
    return ScaleMismatch(
        "lattice",
        factor,
        factor_name(factor),
        np.array([pair.column for pair in pairs], dtype=np.int64),
        len(pairs),
        float(np.median(before)) if pairs else math.nan,
        float(np.median(after)) if pairs else math.nan,
        noise,
        right.unit is INTEGERS,
        (left.unit.words, right.unit.words),
    )


def _shared_factor(pairs: list[Marginal]) -> ScaleMismatch | None:
    """Tell one factor for all features: as such, around a landmark each, or around free centres."""
    slopes = np.array([pair.log_slope for pair in pairs])
    tolerances = np.array([pair.slope_tolerance for pair in pairs])
    log_factor = float(np.median(slopes))
    if (
        abs(log_factor) < math.log(SHARED)
        or (np.abs(slopes - log_factor) <= tolerances + 0.05).mean() < AGREE
    ):
        return None
    doubt = max(0.02, float(np.median(tolerances)) / math.sqrt(min(len(pairs), 9)))
    lone = len(pairs) < 3
    for kind in ("factor", "offset"):
        if abs(log_factor) < math.log(LONE) and (lone or kind == "offset"):
            return None
        factor = _nearest_known(pairs, log_factor, doubt, kind)
        if lone and (kind == "offset" or not factor_name(factor)):
            return None
        found = _verdict(kind, factor, pairs, [_undone(p, factor, kind) for p in pairs], log_factor > 0)
        if found is not None:
            return found
    return None


def _nearest_known(pairs: list[Marginal], log_factor: float, doubt: float, kind: str) -> float:
    """Return the known factor within `doubt` that brings the splits nearest, or else the factor itself."""
    sign = 1 if log_factor > 0 else -1
    known = [one**sign for one in FACTORS if abs(abs(log_factor) - math.log(one)) <= doubt]
    if not known:
        return math.exp(log_factor)
    few = pairs[:: max(1, len(pairs) // 32)]
    gaps = [np.mean([kolmogorov(p.first, _undone(p, one, kind)) for p in few]) for one in known]
    return next(one for one, gap in zip(known, gaps, strict=True) if gap <= min(gaps) + 0.02)


def _verdict(
    kind: str, factor: float, pairs: list[Marginal], undone: list[Floats], first_scaled: bool
) -> ScaleMismatch | None:
    """Return the mismatch if undoing the map brings the splits together where they were apart."""
    before, after, noise = _distances(pairs, undone)
    follow = [p.column for p, made in zip(pairs, undone, strict=True) if _together(p, made)]
    if np.median(before) - np.median(after) < IMPROVED or len(follow) < AGREE * len(pairs):
        return None
    return ScaleMismatch(
        kind,
        factor,
        "" if math.isnan(factor) else factor_name(factor),
        np.array(follow, dtype=np.int64),
        len(pairs),
        float(np.median(before)),
        float(np.median(after)),
        noise,
        first_scaled,
    )


def _together(pair: Marginal, undone: Floats) -> bool:
    return kolmogorov(pair.first, undone, SLACK) <= max(pair.noise, 0.15)


def _undone(pair: Marginal, factor: float, kind: str) -> Floats:
    """Return the second split's values with the map undone."""
    return pair.second / factor if kind == "factor" else undone(pair, factor)


def _few_factors(pairs: list[Marginal]) -> ScaleMismatch | None:
    """Tell a known factor in some features while the others agree: another unit."""
    far = [p for p in pairs if abs(p.log_slope) >= math.log(LONE)]
    calm = sum(abs(p.log_slope) < math.log(2) for p in pairs)
    if not far or calm < len(pairs) / 2:
        return None
    factors: dict[float, list[Marginal]] = {}
    for pair in far:
        factor = _nearest_known([pair], pair.log_slope, min(pair.slope_tolerance, 0.25), "factor")
        distance = kolmogorov(pair.first, pair.second / factor, SLACK)
        if factor_name(factor) and distance <= pair.noise < 0.35:
            factors.setdefault(factor, []).append(pair)
    if not factors:
        return None
    factor, follow = max(factors.items(), key=lambda item: (len(item[1]), item[0]))
    found = _verdict("factor", factor, follow, [p.second / factor for p in follow], factor > 1)
    return None if found is None else replace(found, compared=len(pairs))


def _unscaled(pairs: list[Marginal], left: ColumnStatistics, right: ColumnStatistics) -> ScaleMismatch | None:
    """Tell a split that a scaler was applied to from one that it was not.

    Populations differ in location and scale too, so that more is asked for: the grids that values stand
    on have to differ, and the spreads by more than instruments do; or locations and scales have to be far
    from anything a scaler makes.
    """
    columns = [pair.column for pair in pairs]
    looks = [
        (kind, raw, far_out, scaled is left)
        for scaled, raw in ((left, right), (right, left))
        for kind, looks_scaled, far_out in (
            ("standardised", _standardised, _far_from_standard),
            ("min-max", _in_unit_range, _far_from_unit_range),
        )
        if looks_scaled(scaled, columns).mean() >= SCALED > looks_scaled(raw, columns).mean()
    ]
    if len(pairs) < 2 or not looks:
        return None
    apart = [kolmogorov(p.first, p.second, SLACK) > max(p.noise, 0.2) for p in pairs]
    grids = [same_grid(pair) for pair, far in zip(pairs, apart, strict=True) if far]
    if np.mean(apart) < APART or grids.count(True) > 0.1 * len(grids):
        return None
    stretched = np.mean([abs(pair.log_slope) > math.log(GAIN) for pair in pairs])
    proven = bool(grids.count(False) >= max(2, 0.3 * len(grids)) and stretched >= STRETCHED)
    for kind, raw, far_out, first_scaled in looks:
        if proven or (len(pairs) >= 3 and far_out(raw, columns).mean() >= FAR):
            found = _verdict(kind, math.nan, pairs, [aligned(p) for p in pairs], first_scaled)
            if found is not None:
                return replace(found, proven=proven)
    return None


def _standardised(stats: ColumnStatistics, columns: list[int]) -> NDArray[np.bool_]:
    mean, std = stats.mean[columns], stats.std[columns]
    return np.asarray((np.abs(mean) < 0.5) & (std > 0.5) & (std < 2))


def _far_from_standard(stats: ColumnStatistics, columns: list[int]) -> NDArray[np.bool_]:
    mean, std = stats.mean[columns], stats.std[columns]
    return np.asarray((np.abs(mean) > 6) | (std > 6))


def _in_unit_range(stats: ColumnStatistics, columns: list[int]) -> NDArray[np.bool_]:
    low, high = stats.minimum[columns], stats.maximum[columns]
    return np.asarray((low > -1.2) & (high < 1.2) & (high - low > 0.1))


def _far_from_unit_range(stats: ColumnStatistics, columns: list[int]) -> NDArray[np.bool_]:
    low, high = stats.minimum[columns], stats.maximum[columns]
    return np.asarray((low < -6) | (high > 6))


def _distances(pairs: list[Marginal], undone: list[Floats]) -> tuple[Floats, Floats, float]:
    """Return the Kolmogorov distances as given and with the map undone, and the median noise."""
    before = np.array([kolmogorov(p.first, p.second, SLACK) for p in pairs])
    after = np.array([kolmogorov(p.first, made, SLACK) for p, made in zip(pairs, undone, strict=True)])
    return before, after, float(np.median([p.noise for p in pairs])) if pairs else math.nan
