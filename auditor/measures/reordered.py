"""Whether one split holds the features of another in another order, or with another sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.hashing.sampling import spaced
from auditor.measures.affine import comparable_columns
from auditor.measures.columns import ColumnStatistics
from auditor.measures.marginals import Floats, kolmogorov, kolmogorov_noise, sampled, spread

MOST = 300
"""Features that are matched; an assignment takes the cube of their number."""

FEWEST = 30
"""Rows of each split needed to match features, and to see images inverted."""

FEW = 12
"""Rows needed to see signs turned."""

APART = 0.3
CHANNELS = 3
SLACK = 0.02

STRONG = 0.25
"""Correlation from which its sign means something."""

REVERSED = 64.0
"""Difference of sums of squares, as of eight standard errors, that proves correlations reversed."""

LIKELIER = 25.0
"""The same for five standard errors, where distributions tell as much."""

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
    table = len(case.train.feature_shape) == 1
    columns = _varying(case, left, right) if table else comparable_columns(case, left, right)
    if columns.size < 2 or (table and columns.size > MOST):
        return None
    columns = columns[spaced(columns.size, MOST)]
    a = sampled(case[first].flat, columns)
    b = sampled(case[second].flat, _by_name(case[first], case[second])[columns])
    if min(len(a), len(b)) < FEW or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    noise = kolmogorov_noise(len(a), len(b))
    ordered = np.sort(a, axis=0), np.sort(b, axis=0)
    apart = np.array([kolmogorov(x, y, SLACK) for x, y in zip(ordered[0].T, ordered[1].T, strict=True)])
    sides = _Sides(columns, a, b, apart, noise)
    if min(len(a), len(b)) < FEWEST:
        return _signs(sides) if table else None
    return (_signs(sides) or _columns(sides)) if table else _inverted(sides)


def _varying(case: Case, left: ColumnStatistics, right: ColumnStatistics) -> NDArray[np.int64]:
    """Return features that vary in a split: one that is constant in the other may stand elsewhere there."""
    spans = [stats.maximum - stats.minimum for stats in (left, right)]
    whole = np.isfinite(spans[0]) & np.isfinite(spans[1]) & ~case.categorical
    return np.flatnonzero(whole & ((spans[0] > 0) | (spans[1] > 0)))


def _by_name(first: Split, second: Split) -> NDArray[np.int64]:
    """Return where the features of one split stand in the other by their names, where both have them.

    That names stand in another order is said by another rule, of the names.
    """
    order = np.arange(second.n_features)
    if first.columns != second.columns and sorted(first.columns) == sorted(second.columns):
        place = {name: at for at, name in enumerate(second.columns)}
        order = np.array([place[name] for name in first.columns]) if len(place) == order.size else order
    return order


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
    # Pairs of features whose correlations fit better in the other order, in units of their sampling error.
    pairs_told = here.size * (len(order) - 1) - here.size * (here.size - 1) / 2
    evidence = pairs_told * (structure[0] ** 2 - structure[1] ** 2) / error**2
    fits = structure[1] ** 2 <= 0.5 * structure[0] ** 2  # any match improves a little on another population
    partly = fits and evidence > (LIKELIER if here.size >= 3 and before >= 0.5 else REVERSED)
    silent = max(structure) < max(0.1, 1.25 * error) and here.size >= 3 and before >= 0.5
    silent = silent and sides.noise < 0.25 and evidence > -LIKELIER
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
    """Return Spearman's correlations, ties at their middle rank; 0 where a feature is constant."""
    ranks = np.empty(values.shape)
    for j, column in enumerate(values.T):
        _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks[:, j] = (np.cumsum(counts) - counts / 2)[codes.reshape(-1)]
    ranks -= ranks.mean(axis=0)
    norm = np.sqrt((ranks**2).sum(axis=0))
    ranks /= np.where(norm > 0, norm, 1.0)
    return np.asarray(ranks.T @ ranks)


def _signs(sides: _Sides) -> Reordered | None:
    """Tell features that have the other sign: mirrored, and of other sign throughout, or correlated so.

    One feature alone, symmetric and uncorrelated, may be the one that the splits were cut by.
    """
    flipped, after, proven = [], [], False
    first, second = (_rank_correlations(part) for part in (sides.first, sides.second))
    for j in range(sides.columns.size):
        a, b = sides.first[:, j], sides.second[:, j]
        mirrored = _distance(a, -b)
        if mirrored > sides.noise:
            continue
        others = np.arange(sides.columns.size) != j
        evidence, against = _reversal(first[j, others], second[j, others], len(a), len(b))
        clear = sides.apart[j] > max(sides.noise, APART) and sides.apart[j] - mirrored > APART / 2
        reversed_ = evidence > REVERSED and against < (-0.7 if clear else -0.9)
        skewed = clear and _not_by_shift(a, b)
        turned = clear and mirrored < APART and _one_sided(a, b)
        told = reversed_ or (skewed and turned)
        if told or turned or (skewed and evidence > -REVERSED / 2):
            flipped.append(j)
            after.append(mirrored)
            proven |= bool(told)
    if not flipped or (not proven and len(flipped) < 2):
        return None
    columns = sides.columns[flipped]
    before = float(np.median(sides.apart[flipped]))
    return Reordered("signs", columns, columns, before, float(np.median(after)), sides.noise)


def _reversal(here: Floats, there: Floats, n: int, m: int) -> tuple[float, float]:
    """Return how much better reversed correlations fit than the same ones, and their cosine.

    By Fisher's z, each has a standard error of ``1 / sqrt(n - 3)``; the first figure is the difference of
    the two sums of squares. Only correlations that are strong in a split count.
    """
    strong = np.maximum(np.abs(here), np.abs(there)) > STRONG
    if not strong.any():
        return 0.0, 0.0
    z = [np.arctanh(np.clip(part[strong], -0.995, 0.995)) for part in (here, there)]
    size = sorted(float(np.linalg.norm(part)) for part in z)
    if size[0] < size[1] / 2:
        return 0.0, 0.0  # another feature, not this one reversed
    cosine = float(z[0] @ z[1]) / (size[0] * size[1])
    return -4 * float(z[0] @ z[1]) / (1 / (n - 3) + 1 / (m - 3)), cosine


def _one_sided(a: Floats, b: Floats) -> bool:
    """Whether one split has no negative value and the other no positive one, and most are not zero."""
    apart = (a.min() >= 0 >= b.max()) or (b.min() >= 0 >= a.max())
    return bool(apart and min(np.mean(a != 0), np.mean(b != 0)) > 0.5)


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
    return kolmogorov(aligned, y, SLACK) > kolmogorov_noise(x.size, y.size)


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
