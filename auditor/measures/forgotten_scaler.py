"""Whether a scaler fitted on train went over one split and not over the other, told by what it would do.

A scaler fitted on train has no parameter left: its centre and scale are train's own. So a split that it was
applied to can be brought back exactly, and a split that it was not applied to cannot have come out of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.columns import ColumnStatistics
from auditor.measures.decimals import chance, common_step, decimals_of, precision, stand_on
from auditor.measures.levels import few_levels, held
from auditor.measures.marginals import SAMPLE_COLUMNS, Floats, kolmogorov, kolmogorov_noise, sampled
from auditor.measures.scale_mismatch import ScaleMismatch

CERTAIN = -12.0
"""Log10 of the chance, over all features and scalers tried, below which standing on decimals is proof."""

MOST = 0.98
"""Share of values that have to stand where they should: a few may have been imputed."""

FEW = 0.5
"""Share of values, at most, that stand there as given."""

SMALL = 4
"""Features that show a scaler up to which one of them, told to be raw, is enough."""

MATTERS = 0.25
"""Distance, in spreads, that a typical value moves by where a scaler changes what a model sees."""

APART = 0.3
"""Kolmogorov distance from which two splits of a feature are worth explaining."""

FOLLOW = 0.9
"""Share of the features that are apart which train's own scaler has to explain."""

MANY = 4
"""Features that prove a scaler by their distributions alone."""

SHOWN = 1e-5
"""Distance of a statistic of train from its target at which a scaler fitted on train shows."""

OUTSIDE = 0.1
"""Share of both splits' rows whose value the other does not take, from which they take other values."""

GAIN = 2.0
"""Factor between the steps of two splits that tells scaled values from rounded ones."""

FAR = 4.0
"""Spreads, and times a spread, that no population lies away from another in half of the features."""

BROUGHT = 0.15
SLACK = 0.05
FEWEST = 10


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Sampled rows of both splits, and what is known of train's features."""

    columns: NDArray[np.int64]
    first: Floats
    second: Floats
    eps: tuple[float, float]
    noise: float


@dataclass(frozen=True, slots=True, eq=False)
class _Map:
    """``scaled = (raw - centre) / scale``, by feature."""

    kind: str
    centre: Floats
    scale: Floats


def forgotten_scaler(
    case: Case, first: str, second: str, left: ColumnStatistics, right: ColumnStatistics
) -> ScaleMismatch | None:
    """Return how a scaler fitted on `first`, which is train, went over one of two splits only, or None.

    Parameters
    ----------
    case : Case
        The case.
    first, second : str
        Train and an evaluation split of its shape.
    left, right : ColumnStatistics
        Their statistics.
    """
    spans = left.maximum - left.minimum, right.maximum - right.minimum
    varies = np.isfinite(spans[0]) & np.isfinite(spans[1]) & (spans[0] > 0) & (spans[1] > 0)
    varies &= np.isfinite(left.variance) & ~case.categorical
    columns = np.flatnonzero(varies)
    if not columns.size:
        return None
    columns = columns[spaced(columns.size, SAMPLE_COLUMNS)]
    flats = case[first].flat, case[second].flat
    a, b = (_finite(sampled(flat, columns)) for flat in flats)
    if min(len(a), len(b)) < FEWEST:
        return None
    noise = kolmogorov_noise(len(a), len(b))
    sides = _Sides(columns, a, b, (precision(a, flats[0].dtype), precision(b, flats[1].dtype)), noise)
    maps = _maps(flats[0], sides, left)
    return _applied(sides, maps) or _not_applied(sides, maps)


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _maps(flat: NDArray[Any], sides: _Sides, left: ColumnStatistics) -> list[_Map]:
    """Return what every scaler would do that was fitted on train."""
    columns = sides.columns
    mean, std, count = left.mean[columns], left.std[columns], left.count[columns]
    low, high = left.minimum[columns], left.maximum[columns]
    sample = std * np.sqrt(count / np.maximum(count - 1, 1))
    reach = np.maximum(np.abs(low), np.abs(high))
    maps = [
        _Map("standardised", mean, std),
        _Map("standardised, ddof 1", mean, sample),
        _Map("min-max", low, high - low),
        _Map("min-max to [-1, 1]", (low + high) / 2, (high - low) / 2),
        _Map("max-abs", np.zeros_like(reach), reach),
    ]
    quartiles = _quartiles(flat, sides)
    if quartiles is not None:
        width = quartiles[2] - quartiles[0]
        maps.append(_Map("robust", quartiles[1], np.where(width > 0, width, 1.0)))
    return maps


def _quartiles(flat: NDArray[Any], sides: _Sides) -> Floats | None:
    """Return train's quartiles, of all rows only where one of the splits looks scaled by them."""
    shares = (0.25, 0.5, 0.75)
    near = [np.nanquantile(part, shares, axis=0) for part in (sides.first, sides.second)]
    if len(sides.first) == len(flat):
        return np.asarray(near[0])
    shown, applied = (float(np.mean(_robust(one, off))) for one, off in zip(near, (0.1, 0.5), strict=True))
    if shown < FEW and (applied < FEW or np.mean(_robust(near[0], 0.25)) >= FEW):
        return None
    return np.asarray(np.nanquantile(flat[:, sides.columns].astype(np.float64), shares, axis=0))


def _robust(quartiles: Floats, off: float) -> NDArray[np.bool_]:
    """Return the features whose median is near 0 and whose quartiles are near 1 apart, or equal."""
    low, middle, high = quartiles
    width = np.where(high > low, high - low, 1.0)
    return np.asarray((np.abs(middle) < off) & (np.abs(np.log(width)) < 2 * off))


def _applied(sides: _Sides, maps: list[_Map]) -> ScaleMismatch | None:
    """Tell a split that train's scaler went over while train itself is raw."""
    places = np.array([_places(column, sides.eps[0]) for column in sides.first.T])
    tried = math.log10(len(maps) * max(1, sides.columns.size))
    likeliest: list[tuple[float, int, ScaleMismatch]] = []
    for turn, one in enumerate(maps):
        undone = sides.second * one.scale + one.centre
        moved = np.nanmedian(np.abs(undone - sides.second), axis=0) / _spread(sides.first)
        changed = moved > MATTERS
        if not changed.any():
            continue
        told, chances = _on_decimals(sides, one, undone, places)
        told &= changed
        log_p = float(chances[told].sum()) + tried
        follow: NDArray[np.bool_] | None = told
        if told.sum() < FEW * changed.sum() or log_p >= CERTAIN:
            log_p = 0.0
            follow = _on_levels(sides, undone, changed, given=told)
            follow = _agrees(sides, undone, changed) if follow is None else follow
        found = None if follow is None else _mismatch(sides, undone, follow, one.kind, first_scaled=False)
        if found is not None:
            likeliest.append((log_p, turn, found))
    return min(likeliest)[2] if likeliest else None


def _places(values: Floats, eps: float) -> int:
    """Return the decimals of a feature's values; -1 where they have none."""
    found = decimals_of(values[np.isfinite(values)], eps)
    return -1 if found is None else found


def _spread(values: Floats) -> Floats:
    return np.asarray(np.maximum(np.nanstd(values, axis=0), 1e-300))


def _on_decimals(
    sides: _Sides, one: _Map, undone: Floats, places: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], Floats]:
    """Return the features whose values stand on train's decimals undone, and not as given, and log10 chances."""
    count = np.maximum(places, 0)
    given = 2 * sides.eps[1] * np.abs(sides.second)
    rounding = 4 * sides.eps[1] * np.abs(sides.second * one.scale)
    rounding = rounding + 2.0**-50 * (np.abs(one.centre) + np.abs(undone)) + 2 * sides.eps[0] * np.abs(undone)
    finite = np.maximum(np.isfinite(undone).sum(axis=0), 1)
    off = np.isfinite(undone) & ~stand_on(sides.second, given, count)
    on = stand_on(undone, rounding, count)
    told = (on.sum(axis=0) >= MOST * finite) & (off.sum(axis=0) >= (1 - FEW) * finite) & (places >= 0)
    log_p = np.zeros(told.size)
    for j in np.flatnonzero(told):
        different = np.unique(sides.second[off[:, j], j]).size
        log_p[j] = different * math.log10(float(np.nanmedian(chance(rounding[:, j], int(count[j])))))
    return told & (log_p < 0), log_p


def _on_levels(
    sides: _Sides, undone: Floats, among: NDArray[np.bool_], given: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """Return the features that take each other's values once a map is undone, and others as given, or None.

    Populations take the values of their codes and counts in other shares, not other values. Two features
    are asked for, and eight in ten of the features of few values that the map moves.
    """
    told, against = given.copy(), 0
    for j in np.flatnonzero(among & ~given):
        x, y, back = (
            np.sort(v[np.isfinite(v)]) for v in (sides.first[:, j], sides.second[:, j], undone[:, j])
        )
        if not few_levels(x, y):
            continue
        apart = 1 - max(held(x, np.unique(y)), held(y, np.unique(x)))
        near = min(held(back, np.unique(x)), held(x, np.unique(back)))
        told[j] = apart >= OUTSIDE and near >= 1 - OUTSIDE / 2
        against += near < 1 - OUTSIDE
    return told if told.sum() >= max(2, 4 * against) else None


def _agrees(sides: _Sides, undone: Floats, changed: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the features that train's own scaler explains by their distributions alone, or None.

    The map has no parameter left to fit: that four features which differ agree in location, scale and
    shape once it is undone, and nine in ten of all that differ, is no accident of populations.
    """
    if sides.noise > 0.5:
        return None
    agree = np.zeros(changed.size, dtype=bool)
    apart = 0
    for j in range(changed.size):
        x, y, back = (
            np.sort(v[np.isfinite(v)]) for v in (sides.first[:, j], sides.second[:, j], undone[:, j])
        )
        if min(x.size, y.size) < FEWEST or y[0] == y[-1]:
            continue
        before = kolmogorov(x, y, SLACK)
        if before > max(sides.noise, APART):
            apart += 1
            after = kolmogorov(x, back, SLACK)
            agree[j] = changed[j] and after <= sides.noise and before - after >= APART / 2
    return agree if agree.sum() >= max(MANY, FOLLOW * apart) else None


def _not_applied(sides: _Sides, maps: list[_Map]) -> ScaleMismatch | None:
    """Tell a raw split beside a train that shows its scaler.

    The scaler fitted on train does nothing to train any more, which is an identity. What it makes of
    decimals has all digits, as train has; so a split of decimals did not come out of it.
    """
    by_map = [(np.abs(one.centre) <= SHOWN) & (np.abs(one.scale - 1) <= SHOWN) for one in maps]
    if not np.any(by_map):
        return None
    undecided: ScaleMismatch | None = None
    places = np.array([_places(column, sides.eps[1]) for column in sides.second.T])
    chances = np.array([_never_scaled(sides, j, int(k)) for j, k in enumerate(places)])
    for one, shown in zip(maps, by_map, strict=True):
        told, against = shown & (chances < 0), shown & (places < 0)
        log_p = float(chances[told].sum()) + math.log10(len(maps) * max(1, shown.size))
        least = 1 if shown.sum() <= SMALL else 2
        if told.sum() < max(least, int(against.sum())) or log_p >= CERTAIN:
            follow = _on_levels(sides, _by_quartiles(sides), shown, told) if one.kind == "robust" else None
            if follow is None:
                continue
            found = _mismatch(sides, _by_quartiles(sides), follow, one.kind, first_scaled=True)
        else:
            found = _mismatch(sides, _own_scale(sides), told, one.kind, first_scaled=True, near=False)
            if found is not None and _may_be_rounded(sides, told, places):
                undecided = undecided or replace(found, rounded=True)
                continue
        if found is not None:
            return found
    return undecided


def _may_be_rounded(sides: _Sides, told: NDArray[np.bool_], places: NDArray[np.int64]) -> bool:
    """Whether the second split may have been scaled too, and then been written in some decimals.

    All features are then written in as many, the values of those that repeat theirs are train's, rounded,
    their spread is not that of the steps, and it lies where another population may.
    """
    columns = np.flatnonzero(told)
    most = int(places[columns].max())
    zeros = sum(
        (most - int(places[j])) * np.unique(sides.second[:, j]).size for j in columns
    )  # last digits that are zero, each with a chance of a tenth
    if most == 0 or -zeros < CERTAIN:
        return False
    votes = [_as_raw(sides, int(j), int(places[j])) for j in columns]
    told_apart = [vote for vote in votes if vote is not None]
    return not told_apart or float(np.mean(told_apart)) < FEW


def _as_raw(sides: _Sides, j: int, places: int) -> bool | None:
    """Return whether a feature of the second split is raw, and not scaled and rounded; None where open."""
    x, y = (v[np.isfinite(v)] for v in (sides.first[:, j], sides.second[:, j]))
    levels = np.unique(x)
    inside = y[(y >= levels[0]) & (y <= levels[-1])]
    if levels.size <= FEW * x.size and inside.size >= FEWEST:
        held = np.isin(np.round(inside, places), np.unique(np.round(x, places)))
        return bool(held.mean() <= FEW)
    wide = float(y.std()) / float(x.std())
    # Steps of the scaled split are those of the raw one, divided by what the spread is divided by.
    other = np.unique(y)
    steps = [
        common_step(part, 4 * eps * float(np.abs(part).max()))
        for part, eps in zip((levels, other), sides.eps, strict=True)
    ]
    if min(levels.size, other.size) >= FEWEST and min(steps) > 0:
        ratio = math.log(steps[1] / steps[0])
        return abs(math.log(wide) - ratio) < abs(ratio) / 2 if abs(ratio) > math.log(GAIN) else None
    shift = abs(float(np.median(y) - np.median(x))) / max(float(x.std()), float(y.std()))
    return wide > FAR or shift > FAR


def _never_scaled(sides: _Sides, j: int, places: int) -> float:
    """Return the log10 chance that values of the second split are decimals after a scaler; 0 where open."""
    if places < 0:
        return 0.0
    x, y = sides.first[:, j], sides.second[:, j]
    x, y = np.unique(x[np.isfinite(x)]), np.unique(y[np.isfinite(y)])
    on = stand_on(x, 2 * sides.eps[0] * np.abs(x), places)
    new = y[~np.isin(y, x)]
    if on.mean() > FEW or new.size < 0.5 * y.size or y.size < 2:
        return 0.0
    tolerance = 2 * sides.eps[1] * np.abs(new)
    return new.size * math.log10(float(np.median(chance(tolerance, places))))


def _own_scale(sides: _Sides) -> Floats:
    """Return the second split with each feature's mean and spread made those of the first."""
    a, b = sides.first, sides.second
    return np.asarray((b - np.nanmean(b, axis=0)) * (_spread(a) / _spread(b)) + np.nanmean(a, axis=0))


def _by_quartiles(sides: _Sides) -> Floats:
    """Return the second split scaled by its own quartiles: those of codes and counts are train's mostly."""
    low, middle, high = np.nanquantile(sides.second, (0.25, 0.5, 0.75), axis=0)
    return np.asarray((sides.second - middle) / np.where(high > low, high - low, 1.0))


def _mismatch(
    sides: _Sides,
    undone: Floats,
    told: NDArray[np.bool_],
    kind: str,
    *,
    first_scaled: bool,
    near: bool = True,
) -> ScaleMismatch | None:
    """Return the mismatch, if it changes what a model sees."""
    before, after = [], []
    for j in np.flatnonzero(told):
        x, y, back = (
            np.sort(v[np.isfinite(v)]) for v in (sides.first[:, j], sides.second[:, j], undone[:, j])
        )
        before.append(kolmogorov(x, y, SLACK))
        after.append(kolmogorov(x, back, SLACK))
    apart, left = float(np.median(before)), float(np.median(after))
    if apart < MATTERS or (near and apart - left < BROUGHT):
        return None
    return ScaleMismatch(
        kind,
        math.nan,
        "",
        sides.columns[told],
        int(told.size),
        apart,
        left,
        sides.noise,
        first_scaled,
        proven=True,
    )
