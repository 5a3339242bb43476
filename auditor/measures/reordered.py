"""Whether one split holds the features of another in another order, or with another sign."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.hashing.sampling import spaced
from auditor.measures.affine import comparable_columns
from auditor.measures.columns import ColumnStatistics
from auditor.measures.feature_order import (
    APART,
    CERTAIN,
    REVERSED,
    SLACK,
    Reordered,
    Sides,
    distance,
    not_by_shift,
    rank_correlations,
)
from auditor.measures.marginals import Floats, kolmogorov, kolmogorov_noise, sampled
from auditor.measures.turned_signs import turned_signs

MOST = 300
"""Features that are matched; an assignment takes the cube of their number."""

FEWEST = 30
"""Rows of each split needed to match features, and to see images inverted."""

FEW = 12
"""Rows needed to see signs turned."""

CHANNELS = 3

LIKELIER = 25.0
"""Difference of sums of squares, as of five standard errors, where distributions tell as much."""

REFINED = 5
"""Times, at most, that features are matched again by their correlations in the order found."""

PIXELS = 32
OPPOSITE = -0.8
"""Correlation of the mean images of two splits, over that many pixels, that only a negative has."""

PROFILE = 16
"""Strongest correlations of a feature that are compared."""

QUANTILES = np.linspace(0.02, 0.98, 33)


def reordered(
    case: Case, first: str, second: str, left: ColumnStatistics, right: ColumnStatistics
) -> Reordered | None:
    """Product: how `second` holds the features of `first` in another order or sign, or None."""
    channels = _channels(case[first], case[second])
    if channels is not None:
        return channels
    table = len(case.train.feature_shape) == 1
    columns = _varying(case, left, right) if table else comparable_columns(case, left, right)
    if not columns.size or (table and columns.size > MOST):
        return None
    columns = columns[spaced(columns.size, MOST)]
    a = sampled(case[first].flat, columns)
    b = sampled(case[second].flat, _by_name(case[first], case[second])[columns])
    if min(len(a), len(b)) < FEW or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    noise = kolmogorov_noise(len(a), len(b))
    ordered = np.sort(a, axis=0), np.sort(b, axis=0)
    apart = np.array([kolmogorov(x, y, SLACK) for x, y in zip(ordered[0].T, ordered[1].T, strict=True)])
    sides = Sides(columns, a, b, apart, noise)
    if min(len(a), len(b)) < FEWEST and not table:
        return None
    if not table:
        return _inverted(sides)
    correlations = rank_correlations(a), rank_correlations(b)
    return turned_signs(sides, correlations) or _columns(sides, correlations)


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


def _columns(sides: Sides, correlations: tuple[Floats, Floats]) -> Reordered | None:
    """Match features by their quantiles and correlations, and check the match on what they have in common.

    Populations that differ keep their correlations; a match that restores these is no accident.
    """
    if sides.columns.size < 2:
        return None
    from scipy.optimize import linear_sum_assignment

    cost = _cost(sides)
    order = np.asarray(linear_sum_assignment(cost + _profiles(sides))[1])
    for _ in range(REFINED):
        better = np.asarray(linear_sum_assignment(cost + _misfit(*correlations, order))[1])
        if np.array_equal(better, order):
            break
        order = better
    here = np.flatnonzero(order != np.arange(order.size))
    if here.size < 2:
        return None
    return _judged(sides, order, here, _structure(*correlations, here, order))


def _judged(
    sides: Sides, order: NDArray[np.int64], here: NDArray[np.int64], structure: tuple[float, float]
) -> Reordered | None:
    """Return the match if it restores what populations keep."""
    there = order[here]
    error = math.sqrt(1 / len(sides.first) + 1 / len(sides.second))
    restored = structure[0] > max(0.15, 3 * error) and structure[1] < 0.35 * structure[0]
    told = sides.apart[here] > max(sides.noise, 0.15)
    if restored and told.sum() < 2:
        told[:] = True  # alike features: only their correlations tell
    pairs = list(zip(here[told], there[told], strict=True))
    after = np.array([distance(sides.first[:, i], sides.second[:, j]) for i, j in pairs])
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
    few = min(len(sides.first), len(sides.second)) < FEWEST
    if few or (not restored and not (clear and (partly or silent))):
        # A match that is true leaves no more than sampling; an accident keeps what sets populations apart.
        matched = structure[1] <= 1.1 * error and structure[1] ** 2 <= 0.6 * structure[0] ** 2
        if not (clear and matched and evidence / 2 + _coincidence(sides, pairs, after) > CERTAIN):
            return None
    found = sides.columns[here], sides.columns[there]
    return Reordered("columns", *found, before, float(np.median(after)), sides.noise, structure)


def _coincidence(sides: Sides, pairs: list[tuple[np.int64, np.int64]], after: Floats) -> float:
    """Return the log odds against features that match others by accident, all orders paid for.

    A feature of another population may be distributed as another feature of train is, with the share of
    them that it agrees with as its chance.
    """
    chances = []
    for (_, j), near in zip(pairs, after, strict=True):
        if near <= sides.noise:
            alike = [distance(column, sides.second[:, j]) <= sides.noise for column in sides.first.T]
            chances.append(math.log(float(np.mean(alike))))
    return -sum(chances) - math.lgamma(sides.columns.size + 1)


def _cost(sides: Sides) -> Floats:
    """Return how far the quantiles of each feature of one split are from each of the other, shape (d, d).

    Staying in place has the advantage of the noise.
    """
    quantiles = [np.quantile(part, QUANTILES, axis=0) for part in (sides.first, sides.second)]
    widths = [values[-1] - values[0] for values in quantiles]
    scale = np.maximum(widths[0][:, None] + widths[1][None, :], 1e-300)
    cost = np.zeros((sides.columns.size, sides.columns.size))
    for level in range(len(QUANTILES)):
        cost += np.abs(quantiles[0][level][:, None] - quantiles[1][level][None, :]) / scale / len(QUANTILES)
    return np.asarray(cost - 0.1 * sides.noise * np.eye(len(cost)))


def _profiles(sides: Sides) -> Floats:
    """Return how far the sorted correlations of each feature are apart, which know of no order."""
    profiles = [
        np.sort(np.abs(rank_correlations(part)), axis=1)[:, ::-1][:, 1 : 1 + PROFILE].T
        for part in (sides.first, sides.second)
    ]
    cost = np.zeros((sides.columns.size, sides.columns.size))
    for level in range(len(profiles[0])):
        cost += np.abs(profiles[0][level][:, None] - profiles[1][level][None, :]) / len(profiles[0])
    return cost


def _misfit(first: Floats, second: Floats, order: NDArray[np.int64]) -> Floats:
    """Return how far the correlations of each feature with the others are apart in an order of these."""
    again = second[:, order]
    return np.stack([np.abs(row[None, :] - again).mean(axis=1) for row in first])


def _structure(
    first: Floats, second: Floats, here: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[float, float]:
    """Return how far the correlations are apart, as given and with the columns in another order."""
    again = second[np.ix_(order, order)]
    off = ~np.eye(len(order), dtype=bool)[here]
    gaps = [np.sqrt(np.mean((first[here] - other[here])[off] ** 2)) for other in (second, again)]
    return float(gaps[0]), float(gaps[1])


def _inverted(sides: Sides) -> Reordered | None:
    """Tell images of which one split is the negative: ``top - x``, or ``-x``.

    Brighter and darker populations are no negatives: their pixels differ by location and scale, and what
    is bright on average in one is not what is dark in the other.
    """
    if np.mean(sides.apart > max(sides.noise, APART)) < 0.5:
        return None
    shape = np.mean([not_by_shift(a, b) for a, b in zip(sides.first.T, sides.second.T, strict=True)])
    if shape <= 0.5 and not _opposite(sides):
        return None
    for top in (0.0, float(max(sides.first.max(), sides.second.max()))):
        after = np.array([distance(a, top - b) for a, b in zip(sides.first.T, sides.second.T, strict=True)])
        if np.mean(after <= sides.noise) >= 0.9:
            before = float(np.median(sides.apart))
            return Reordered(
                "inverted", sides.columns, sides.columns, before, float(np.median(after)), sides.noise
            )
    return None


def _opposite(sides: Sides) -> bool:
    """Whether the mean images are each other's negative, over pixels enough to see it."""
    means = [part.mean(axis=0) for part in (sides.first, sides.second)]
    if means[0].size < PIXELS or min(float(mean.std()) for mean in means) <= 0:
        return False
    return float(np.corrcoef(means[0], means[1])[0, 1]) <= OPPOSITE


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
