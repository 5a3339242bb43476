"""Whether one split holds the features of another in another order, or with another sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.measures.affine import comparable_columns
from auditor.measures.columns import ColumnStatistics
from auditor.measures.marginals import Floats, kolmogorov, sampled, spaced, spread

MOST = 300
"""Features that are matched; an assignment takes the cube of their number."""

FEWEST = 30
APART = 0.3
CHANNELS = 3
SLACK = 0.02

PROFILE = 16
"""Strongest correlations of a feature that are compared."""

QUANTILES = np.linspace(0.02, 0.98, 33)


@dataclass(frozen=True, slots=True, eq=False)
class Reordered:
    """How the features of a split correspond to those of another.

    Attributes
    ----------
    kind : str
        ``"columns"``, ``"channels"``, ``"signs"`` or ``"inverted"``.
    columns : ndarray of int64, shape (k,)
        Features (or channels) of the reference that are elsewhere, or have the other sign.
    source : ndarray of int64, shape (k,)
        Where each of them stands in the split.
    before, after, noise : float
        Median distance of the distributions as given and with the order restored, and what two samples of
        one population keep within. For channels, standard errors.
    structure : tuple of float
        How far the correlations of these features are apart, as given and with the order restored; NaN
        where they say nothing.
    """

    kind: str
    columns: NDArray[np.int64]
    source: NDArray[np.int64]
    before: float
    after: float
    noise: float
    structure: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Sampled rows of both splits, the features compared, and their distances."""

    columns: NDArray[np.int64]
    first: Floats
    second: Floats
    apart: Floats
    noise: float


def reordered(
    case: Case, first: str, second: str, left: ColumnStatistics, right: ColumnStatistics
) -> Reordered | None:
    """Product: how `second` holds the features of `first` in another order or sign, or None."""
    channels = _channels(case[first], case[second])
    if channels is not None:
        return channels
    columns = comparable_columns(case, left, right)
    if columns.size < 2 or (len(case.train.feature_shape) == 1 and columns.size > MOST):
        return None
    columns = columns[spaced(columns.size, MOST)]
    a, b = sampled(case[first].flat, columns), sampled(case[second].flat, columns)
    if min(len(a), len(b)) < FEWEST or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    noise = 1.95 * math.sqrt(1 / len(a) + 1 / len(b))
    ordered = np.sort(a, axis=0), np.sort(b, axis=0)
    apart = np.array([kolmogorov(x, y, SLACK) for x, y in zip(ordered[0].T, ordered[1].T, strict=True)])
    sides = _Sides(columns, a, b, apart, noise)
    if len(case.train.feature_shape) == 1:
        return _signs(sides) or _columns(sides)
    return _inverted(sides)


def _distance(first: Floats, second: Floats) -> float:
    return kolmogorov(np.sort(first), np.sort(second), SLACK)


def _columns(sides: _Sides) -> Reordered | None:
    """Match features by their quantiles and correlations, and check the match on what they have in common.

    Populations that differ keep their correlations; a match that restores these is no accident.
    """
    if sides.columns.size < 2:
        return None
    from scipy.optimize import linear_sum_assignment

    order = np.asarray(linear_sum_assignment(_cost(sides))[1])
    here = np.flatnonzero(order != np.arange(order.size))
    there = order[here]
    if here.size < 2:
        return None
    structure = _structure(sides, here, order)
    error = math.sqrt(1 / len(sides.first) + 1 / len(sides.second))
    restored = structure[0] > max(0.15, 3 * error) and structure[1] < 0.35 * structure[0]
    told = sides.apart[here] > max(sides.noise, 0.15)
    if restored and told.sum() < 2:
        told[:] = True  # alike features: only their correlations tell
    pairs = list(zip(here[told], there[told], strict=True))
    after = np.array([_distance(sides.first[:, i], sides.second[:, j]) for i, j in pairs])
    if len(pairs) < 2 or np.mean(after <= sides.noise) < 0.9:
        return None
    before = float(np.median(sides.apart[here[told]]))
    clear = before >= APART and before - np.median(after) >= APART / 2
    partly = structure[0] > 2 * error and structure[1] < 0.5 * structure[0] and structure[0] > 0.1
    silent = structure[0] < 0.1 and here.size >= 3 and before >= 0.5
    if not restored and not (clear and (partly or silent)):
        return None
    found = sides.columns[here], sides.columns[there]
    return Reordered("columns", *found, before, float(np.median(after)), sides.noise, structure)


def _cost(sides: _Sides) -> Floats:
    """Return how little each feature of one split resembles each of the other, shape (d, d).

    Beside the quantiles, the sorted correlations with all other features are compared, which do not
    depend on the order. Staying in place has the advantage of the noise.
    """
    quantiles = [np.quantile(part, QUANTILES, axis=0) for part in (sides.first, sides.second)]
    widths = [values[-1] - values[0] for values in quantiles]
    scale = np.maximum(widths[0][:, None] + widths[1][None, :], 1e-300)
    profiles = [
        np.sort(np.abs(_rank_correlations(part)), axis=1)[:, ::-1][:, 1 : 1 + PROFILE].T
        for part in (sides.first, sides.second)
    ]
    cost = np.zeros((sides.columns.size, sides.columns.size))
    for level in range(len(QUANTILES)):
        cost += np.abs(quantiles[0][level][:, None] - quantiles[1][level][None, :]) / scale / len(QUANTILES)
    for level in range(len(profiles[0])):
        cost += np.abs(profiles[0][level][:, None] - profiles[1][level][None, :]) / len(profiles[0])
    return np.asarray(cost - 0.1 * sides.noise * np.eye(len(cost)))


def _structure(sides: _Sides, here: NDArray[np.int64], order: NDArray[np.int64]) -> tuple[float, float]:
    """Return how far the correlations are apart, as given and with the columns in another order."""
    first, second = (_rank_correlations(part) for part in (sides.first, sides.second))
    again = second[np.ix_(order, order)]
    off = ~np.eye(len(order), dtype=bool)[here]
    gaps = [np.sqrt(np.mean((first[here] - other[here])[off] ** 2)) for other in (second, again)]
    return float(gaps[0]), float(gaps[1])


def _rank_correlations(values: Floats) -> Floats:
    ranks = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0).astype(np.float64)
    ranks -= ranks.mean(axis=0)
    ranks /= np.sqrt((ranks**2).sum(axis=0))
    return np.asarray(ranks.T @ ranks)


def _signs(sides: _Sides) -> Reordered | None:
    """Tell features that have the other sign: mirrored, and correlated the other way.

    One feature alone, uncorrelated, may be the one that the splits were cut by.
    """
    flipped, after, proven = [], [], False
    first, second = (_rank_correlations(part) for part in (sides.first, sides.second))
    for j in range(sides.columns.size):
        a, b = sides.first[:, j], sides.second[:, j]
        mirrored = _distance(a, -b)
        if mirrored > sides.noise:
            continue
        others = np.arange(sides.columns.size) != j
        here, there = first[j, others], second[j, others]
        weight = float(np.linalg.norm(here) * np.linalg.norm(there))
        against = float(here @ there) / max(weight, 1e-12)
        strength = float(np.linalg.norm(here)) / math.sqrt(others.sum() * (1 / len(a) + 1 / len(b)))
        clear = sides.apart[j] > max(sides.noise, APART) and sides.apart[j] - mirrored > APART / 2
        reversed_ = (clear and strength > 5 and against < -0.7) or (strength > 6 and against < -0.9)
        if reversed_ or (clear and strength <= 5 and _not_by_shift(a, b)):
            flipped.append(j)
            after.append(mirrored)
            proven |= bool(reversed_)
    if not flipped or (not proven and len(flipped) < 2):
        return None
    columns = sides.columns[flipped]
    before = float(np.median(sides.apart[flipped]))
    return Reordered("signs", columns, columns, before, float(np.median(after)), sides.noise)


def _inverted(sides: _Sides) -> Reordered | None:
    """Tell images of which one split is the negative: ``top - x``, or ``-x``."""
    if np.mean(sides.apart > max(sides.noise, APART)) < 0.5:
        return None
    for top in (0.0, float(max(sides.first.max(), sides.second.max()))):
        after = np.array([_distance(a, top - b) for a, b in zip(sides.first.T, sides.second.T, strict=True)])
        shape = np.mean([_not_by_shift(a, b) for a, b in zip(sides.first.T, sides.second.T, strict=True)])
        if np.mean(after <= sides.noise) >= 0.9 and shape > 0.5:
            before = float(np.median(sides.apart))
            return Reordered(
                "inverted", sides.columns, sides.columns, before, float(np.median(after)), sides.noise
            )
    return None


def _not_by_shift(a: Floats, b: Floats) -> bool:
    """Whether the features differ although location and scale are made equal."""
    x, y = np.sort(a), np.sort(b)
    if min(spread(x), spread(y)) <= 0:
        return False
    aligned = (x - np.median(x)) * (spread(y) / spread(x)) + np.median(y)
    return kolmogorov(aligned, y, SLACK) > 1.95 * math.sqrt(1 / x.size + 1 / y.size)


def _channels(first: Split, second: Split) -> Reordered | None:
    """Tell images whose three channels stand in another order.

    Per image, means and spreads of the channels are compared; their contrasts are tested against the two
    populations' standard errors. Another order has to restore them all.
    """
    shape = first.feature_shape
    axis = (
        -1
        if len(shape) == 3 and shape[-1] == CHANNELS
        else 0
        if len(shape) == 3 and shape[0] == CHANNELS
        else None
    )
    if axis is None or min(first.n_rows, second.n_rows) < FEWEST:
        return None
    a, b = (_channel_moments(split, axis) for split in (first, second))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    errors = {order: _contrast(a, b, order) for order in permutations(range(CHANNELS))}
    given = errors[0, 1, 2]
    best = min(errors, key=lambda order: errors[order])
    if best == (0, 1, 2) or given < 8 or errors[best] > 3.5 or given < 4 * errors[best]:
        return None
    columns = np.flatnonzero(np.array(best) != np.arange(CHANNELS))
    return Reordered("channels", columns, np.array(best)[columns], given, errors[best], 3.5)


def _channel_moments(split: Split, axis: int) -> Floats:
    """Return mean and spread of each channel of sampled images, shape (r, 6)."""
    rows = split.X[spaced(split.n_rows, 5000)].astype(np.float64)
    rows = np.moveaxis(rows, 1 if axis == 0 else -1, -1).reshape(len(rows), -1, CHANNELS)
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1)], axis=1)


def _contrast(a: Floats, b: Floats, order: tuple[int, ...]) -> float:
    """Return the largest difference of a contrast between channels, in standard errors."""
    other = np.concatenate([b[:, list(order)], b[:, [3 + i for i in order]]], axis=1)
    worst = 0.0
    for i, j in ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)):
        x, y = a[:, i] - a[:, j], other[:, i] - other[:, j]
        error = math.sqrt(x.var() / x.size + y.var() / y.size)
        worst = max(worst, abs(float(x.mean() - y.mean())) / max(error, 1e-300))
    return worst
