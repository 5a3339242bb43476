"""Distances to the nearest train rows, and which of them are shorter than nature makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor.hashing.nearest import neighbours
from auditor.hashing.points import Floats, Points

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

RANKS = (1, 2, 3, 5, 8, 13, 21, 34, 55)
"""Neighbours whose distances are kept."""

LEAST_ROWS = 20
"""Distinct train rows without which there is no neighbourhood to speak of."""

TAIL = 0.1
"""Share of train's own ratios that their lower tail is fitted on."""

HIGHEST_P = 1e-6
"""Probability that a finding arises by chance, over all thresholds tried."""

FALSE_SHARES = (0.1, 0.25)
"""Share of the rows reported that may be natural neighbours; the second where the first loses half of them."""

CLUMP_BARS = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 1e-3, 1e-4)
"""Ratios of successive neighbours' distances that are tried."""

LARGEST_CLUMP = 8
"""Train rows of a clump, at most."""

CLUMP_EXCESS = 4.0
"""Clumped rows are reported where they are this many times what a density gives."""

SPREAD_ROWS = 1024
"""Rows that quantiles are estimated on."""

BEND = 5.0
"""Spreads beyond which values of a table count by their logarithm: codes for missing values, heavy tails."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of which the spread of a column is made where its tails are heavy."""

CENTRAL = 3.29
"""Standard deviations between the 5 % and 95 % quantiles of a normal variable."""

RESOLUTION = 1e-6
"""Distances are no finer than this share of a point's own length, in float32."""

COMMON_UNIT = 2.5
"""Features are taken to be in one unit where the widest range is at most this many times the median's."""

MANY_FEATURES = 16
"""Features from which on rows may be signals or images in one unit."""

CONTRAST_ROWS = 256
"""Rows on which it is told whether they are pictures."""

LEAST_STROKES = 0.1
"""Share of the values of a picture that are not its ground, at least: digits have 0.19."""

SCALE_ROWS = 8192
"""Rows that units and spreads are estimated on."""

TINY = float(np.finfo(np.float64).tiny)
"""Stands for a distance of 0 where one is divided by."""


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """Distances from rows to their nearest distinct train rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Row numbers in their split.
    partner, last : ndarray of int64, shape (m,)
        The nearest train row, and the last of the ranks.
    distance : ndarray of float64, shape (m, r)
        Distances to the neighbours of ranks ``RANKS``, those there are.
    """

    rows: Numbers
    partner: Numbers
    last: Numbers
    distance: Reals

    @property
    def ratio(self) -> Reals:
        """Distance to the nearest over the distance to the last of the ranks."""
        return self.distance[:, 0] / np.maximum(self.distance[:, -1], TINY)


@dataclass(frozen=True, slots=True, eq=False)
class Excess:
    """Rows that are nearer to train than neighbours are by nature.

    Attributes
    ----------
    nearer, farther : int
        Positions in the ladder: of which two distances the ratio was taken.
    threshold : float
        Ratio below which rows were counted.
    expected : float
        Natural neighbours expected below it.
    p : float
        Probability of as many by chance.
    """

    nearer: int
    farther: int
    threshold: float
    expected: float
    p: float

    def close(self, rows: Ladder) -> NDArray[np.bool_]:
        """Which rows are below the threshold."""
        ratio = rows.distance[:, self.nearer] / np.maximum(rows.distance[:, self.farther], TINY)
        return np.asarray(ratio <= self.threshold)


def unit_scale(split: Split) -> tuple[Reals, Reals, bool]:
    """Return the centre and the scale by which features are made comparable, each shape (d,).

    And whether they are in one unit as they stand: pixels, samples of a signal, coordinates of an
    embedding. Those keep it. The columns of a table are brought to unit spread: the standard deviation, or
    what the central nine tenths of a normal variable would make of it where that is less. Constant columns
    of a table are left out.
    """
    some = split.flat[:: max(1, split.n_rows // SCALE_ROWS)].astype(np.float64)
    some[~np.isfinite(some)] = np.nan
    some[:, np.isnan(some).all(axis=0)] = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        centre, spread = np.nanmean(some, axis=0), np.nanstd(some, axis=0)
        width = np.nanmax(some, axis=0) - np.nanmin(some, axis=0)
    varies = (spread > 0) & np.isfinite(spread)
    one_unit = varies.sum() >= MANY_FEATURES and (
        len(split.feature_shape) > 1 or width[varies].max() <= COMMON_UNIT * np.median(width[varies])
    )
    if one_unit:
        scale = np.full(spread.size, 1.0 / np.sqrt(np.mean(spread[varies] ** 2)))
        return np.where(np.isfinite(centre), centre, 0.0), scale, True
    few = some[:: max(1, len(some) // SPREAD_ROWS)]
    few[:, np.isnan(few).all(axis=0)] = 0.0
    low, lower, median, upper, high = np.nanquantile(few / 2.0, QUANTILES, axis=0)  # halves do not overflow
    central = 2.0 * ((high - low) / CENTRAL)
    # heavy tails have no variance to speak of; columns that are mostly one value have no quantiles
    spread = np.where((lower < upper) & ~(spread < central), central, spread)
    varies = (spread > 0) & np.isfinite(spread)
    return 2.0 * median, np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0), False


def shows_contrast(split: Split) -> bool:
    """Whether rows are pictures or signals whose values seldom stand on one level.

    A row with a single spike would be equal to any other without its height.
    """
    if len(split.feature_shape) < 2 or split.n_features < MANY_FEATURES:
        return False
    some = np.sort(split.flat[:: max(1, split.n_rows // CONTRAST_ROWS)][:CONTRAST_ROWS], axis=1)
    # the most frequent value of a row, if half of its values or more, is its median
    level = some[:, some.shape[1] // 2][:, None]
    return bool(np.median((some != level).mean(axis=1)) >= LEAST_STROKES)


def points(train: Split, split: Split) -> tuple[Points, Points]:
    """Return the rows of train and of another split as points, moved and scaled alike.

    Pictures are each freed of their mean and brought to one contrast: how bright a picture was saved does
    not make it another. Rows remain as exchangeable as they were, so nothing else changes.
    """
    if shows_contrast(train):
        d = train.n_features
        here, there = (Points(part.flat, np.zeros(d), np.ones(d), contrast=1) for part in (train, split))
        return here, there
    centre, scale, one_unit = unit_scale(train)
    bend = None if one_unit else BEND
    return Points(train.flat, centre, scale, bend=bend), Points(split.flat, centre, scale, bend=bend)


def ladder(reference: Floats, of: Numbers, query: Floats, rows: Numbers, *, own: bool = False) -> Ladder:
    """Return the distances of `rows` of `query` to the rows `of` of `reference`.

    Parameters
    ----------
    reference, query : ndarray of float32, shape (n, p) and (m, p)
    of, rows : ndarray of int64
        Rows that count, ascending.
    own : bool
        Whether `query` is the reference itself, and a row is not its own neighbour.
    """
    ranks = np.array([rank for rank in RANKS if rank <= max(2, of.size // 5)])
    exclude = np.searchsorted(of, rows) if own else None
    asked = query[rows]
    distance, index = neighbours(reference[of], asked, int(ranks[-1]), exclude)
    finest = RESOLUTION * np.sqrt(np.einsum("ij,ij->i", asked, asked, dtype=np.float64))
    distance = np.maximum(distance, np.maximum(finest, TINY)[:, None])
    return Ladder(rows, of[index[:, 0]], of[index[:, ranks[-1] - 1]], distance[:, ranks - 1])


def closer_than_train(cross: Ladder, own: Ladder, total: int) -> Excess | None:
    """Find rows nearer to train than train's own rows foretell.

    Under the null, rows of both splits are drawn alike, so the ratios of nearest to last distance are too.
    The lower tail of train's leave-one-out ratios is fitted by a power law, as a smooth density of local
    dimension h gives it (P(ratio < t) ~ t**h), with the lower confidence limit of Hill's (1975) estimate
    of h; where train itself has more ratios below t, their share is taken. Train alone may have been evened
    out (by ranks, by rounding), so no fewer are expected than a smooth density of the dimension seen in
    farther neighbours gives: the h-th power of the ratio is Beta(1, b - 1).

    Parameters
    ----------
    cross, own : Ladder
        Rows of the split, and rows of train held against the rest of train.
    total : int
        Rows that the former stand for: the others are known not to be near.
    """
    ratio, natural = cross.ratio, np.sort(own.ratio)
    start = float(np.quantile(natural, TAIL))
    tail = natural[natural < start]
    below = np.sort(ratio[ratio < start])
    if tail.size < 5 or start <= 0 or not below.size:
        return None
    power = tail_power(tail, start)
    grid = np.unique(below)
    count = np.searchsorted(below, grid, "right")
    model = total * TAIL * (grid / start) ** power
    train = np.searchsorted(natural, grid, "right") * (total / natural.size)
    last = RANKS[own.distance.shape[1] - 1]
    smooth = -total * np.expm1((last - 1) * np.log1p(-(np.minimum(grid, 1.0 - 1e-12) ** dimension(own))))
    expected = np.maximum(np.maximum(model, train), smooth)
    p = poisson_tail(count, expected)
    sure = p * min(grid.size, 40) <= HIGHEST_P
    choices = [np.flatnonzero(sure & (expected <= share * count)) for share in FALSE_SHARES]
    if not choices[-1].size:
        return None
    strict, loose = (int(at[-1]) if at.size else 0 for at in choices)
    gained = count - expected
    at = strict if choices[0].size and gained[strict] >= gained[loose] / 2 else loose
    return Excess(0, cross.distance.shape[1] - 1, float(grid[at]), float(expected[at]), float(p.min()))


def dimension(own: Ladder) -> float:
    """Return the local dimension that the distances to farther neighbours show, at least 1.

    The expected logarithm of the ratio of the b-th to the a-th distance is (digamma(b) - digamma(a)) / h in
    dimension h (Levina and Bickel, 2004). The larger of two ranges of ranks: a family of copies shortens the
    lower one.
    """
    from scipy.special import digamma

    steps = own.distance.shape[1]
    cuts = sorted({steps // 2, steps - 1 - steps // 4, steps - 1})
    found = [1.0]
    for low, high in pairwise(cuts):
        rise = float(np.log(own.distance[:, high] / np.maximum(own.distance[:, low], TINY)).mean())
        if rise > 0:
            found.append(float(digamma(RANKS[high]) - digamma(RANKS[low])) / rise)
    return max(found)


def tail_power(tail: Reals, start: float) -> float:
    """Return the lower confidence limit of the exponent of a tail below `start`."""
    power = 1.0 / max(float(np.log(start / np.maximum(tail, TINY)).mean()), 1e-9)
    return power * max(0.25, 1.0 - 2.0 / math.sqrt(tail.size))


def clumped(cross: Ladder) -> Excess | None:
    """Find rows that lie in clumps with train rows: much nearer to a few than to the next.

    A smooth density of any dimension h >= 1 gives the distances to the a-th and b-th neighbour a ratio whose
    h-th power is Beta(a, b - a), so at most ``comb(b - 1, a) * t**a`` of the rows are below t. Only counts
    that exceed that at h = 1, four times and beyond chance, are clumps: the test needs no other rows.
    More than eight rows in a clump are a population.
    """
    best: tuple[int, Excess] | None = None
    n, steps = cross.distance.shape
    for k in range(min(steps, RANKS.index(LARGEST_CLUMP) + 2) - 1):
        a, b = RANKS[k], RANKS[k + 1]
        ratio = cross.distance[:, k] / np.maximum(cross.distance[:, k + 1], TINY)
        for bar in CLUMP_BARS:
            count = int((ratio <= bar).sum())
            expected = n * min(1.0, math.comb(b - 1, a) * bar**a)
            p = float(poisson_tail(np.array([count]), np.array([expected]))[0])
            certain = p < HIGHEST_P / (len(RANKS) * len(CLUMP_BARS)) and count > CLUMP_EXCESS * expected
            if certain and (best is None or count > best[0]):
                best = count, Excess(k, k + 1, bar, expected, p)
    return None if best is None else best[1]


def poisson_tail(count: NDArray[np.int64], expected: Reals) -> Reals:
    """Return the probability of at least `count` events where `expected` are."""
    from scipy.special import pdtrc

    return np.asarray(np.where(count > 0, pdtrc(np.maximum(count - 1, 0), np.maximum(expected, TINY)), 1.0))
