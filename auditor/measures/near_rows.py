"""Near copies of train rows in an evaluation split: which rows, of which, and whether train holds as many."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.ball import within
from auditor.hashing.points import Floats, Points, distances
from auditor.hashing.projection import directions, project
from auditor.measures.closeness import (
    TAIL,
    Excess,
    Ladder,
    closer_than_train,
    clumped,
    ladder,
    tail_power,
)

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

AXES = 32
"""Principal coordinates that distances are measured in: they hold what natural neighbours differ in."""

WORK = 2**27
"""Distances computed for each of the two ladders, a fraction of a second; rows are sampled beyond."""

WHOLE_WORK = 2**30
"""Distances computed for all rows of a split once a sample has shown something."""

SCREEN_WORK = 2**29
"""Distances between short projections computed to look at every row."""

FOREIGN_P = 1e-3
"""Probability under which the shares of evaluation and train rows with a near copy are taken to differ."""

SAME_ROW = 0.8
"""Over all features, a near copy lies within this share of the distance to a natural neighbour."""


@dataclass(frozen=True, slots=True, eq=False)
class Closeness:
    """Near copies of train rows in an evaluation split.

    Attributes
    ----------
    excess : Excess
        What was found, and at which threshold.
    foreign : bool
        Whether train itself holds no such rows at this rate: they did not get there by nature.
    cross, own : Ladder
        Rows of the split looked at, and rows of train held against the rest of train.
    close : ndarray of bool, shape (m,)
        Which of the former are near copies.
    distance, natural : ndarray of float64, shape (m,)
        Distances over all features, to the partner and to the last of the ranks; NaN where not `close`.
    looked : int
        Rows of the split that were looked at, some by a search for near ones alone.
    train_share : float
        Share of train rows as near to another.
    p_split : float
        Probability that the two shares differ as much by chance.
    """

    excess: Excess
    foreign: bool
    cross: Ladder
    own: Ladder
    close: NDArray[np.bool_]
    distance: Reals
    natural: Reals
    looked: int
    train_share: float
    p_split: float

    @property
    def share(self) -> float:
        """Share of the rows looked at."""
        return float(self.close.sum() / self.looked)


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Train rows in their principal coordinates, and how near they lie to one another.

    Attributes
    ----------
    here : Points
        All train rows.
    of : ndarray of int64
        The distinct ones.
    axes : ndarray of float32, shape (d, p)
        Principal directions.
    reference : ndarray of float32, shape (n, p)
        Train rows along them.
    own : Ladder
        Some of the distinct rows, held against the others.
    """

    here: Points
    of: Numbers
    axes: Floats
    reference: Floats
    own: Ladder


def surroundings(here: Points, of: Numbers, rng: np.random.Generator, work: int = WORK) -> Surroundings:
    """Return what distances from other rows are to be held against.

    Parameters
    ----------
    here : Points
        Train rows.
    of : ndarray of int64
        The distinct ones, ascending; at least ``LEAST_ROWS``.
    rng : Generator
        Draws rows where there are too many.
    work : int
        Distances that may be computed.
    """
    axes = directions(here, AXES)
    reference = project(here, axes)
    own = ladder(reference, of, reference, _drawn(of, of.size, rng, work), own=True)
    return Surroundings(here, of, axes, reference, own)


def near_copies(
    around: Surroundings,
    there: Points,
    rows: Numbers,
    rng: np.random.Generator,
    *,
    work: int = WORK,
    screen: bool = True,
) -> tuple[Closeness | None, int]:
    """Find evaluation rows that are near copies of train rows.

    Parameters
    ----------
    around : Surroundings
        Train.
    there : Points
        Rows of an evaluation split, moved and scaled as train's.
    rows : ndarray of int64
        Those that count: none that equals a train row.
    rng : Generator
        Draws rows where there are too many.
    work : int
        Distances that may be computed before something is found.
    screen : bool
        Whether to look for very near rows among those that were not drawn.

    Returns
    -------
    closeness : Closeness or None
        None where rows are no nearer to train than nature has them.
    looked : int
        Rows of the split that were looked at.
    """
    of, reference, query = around.of, around.reference, project(there, around.axes)
    cross = ladder(reference, of, query, _drawn(rows, of.size, rng, work))
    total = cross.rows.size
    found = _judged(around, there, cross, total)
    if found is not None and total < rows.size:
        cross = ladder(reference, of, query, _drawn(rows, of.size, rng, WHOLE_WORK))
        total = cross.rows.size
        found = _judged(around, there, cross, total) or found
    elif total < rows.size and screen:
        screened = _screened(around, there, query, rows, cross)
        if screened is not None:
            total = rows.size
            cross = ladder(reference, of, query, np.union1d(cross.rows, screened)) if screened.size else cross
            found = _judged(around, there, cross, total)
    if found is not None and not found.foreign and found.train_share < found.share / 2:
        # too few rows of train to tell whether that is less
        enough = total * (FOREIGN_P ** (-1.2 / int(found.close.sum())) - 1.0)  # where train has none
        more = min(
            of.size, max(around.own.rows.size, math.ceil(min(enough, 3.0 * total))), WHOLE_WORK // of.size
        )
        own = ladder(reference, of, reference, np.sort(rng.choice(of, more, replace=False)), own=True)
        found = _judged(replace(around, own=own), there, cross, total) or found
    return found, total


def _screened(
    around: Surroundings, there: Points, query: Floats, rows: Numbers, cross: Ladder
) -> Numbers | None:
    """Return all rows of the split within a distance of train that nature would not reach.

    That is the ratio below which a hundredth of a row is expected, times the usual distance to a natural
    neighbour. None where the search would cost too much.
    """
    natural = np.sort(around.own.ratio)
    start = float(np.quantile(natural, TAIL))
    tail = natural[natural < start]
    if tail.size < 5:
        return None
    ratio = start * (0.01 / (TAIL * rows.size)) ** (1.0 / tail_power(tail, start))
    usual = float(np.median(distances(there, around.here, cross.rows, cross.last)))
    projected = around.reference, query
    near = within(around.here, there, min(ratio, 0.25) * usual, most=SCREEN_WORK, projected=projected)
    if not near.complete and not near.candidates:
        return None
    kept = np.isin(near.reference, around.of)
    return np.intersect1d(near.query[kept], rows)


def _drawn(rows: Numbers, n_train: int, rng: np.random.Generator, work: int) -> Numbers:
    """Return as many of `rows`, in order, as can be compared with train at a cost of `work`."""
    wanted = max(64, work // n_train)
    return rows if rows.size <= wanted else np.sort(rng.choice(rows, wanted, replace=False))


def _judged(around: Surroundings, there: Points, cross: Ladder, total: int) -> Closeness | None:
    """Return what both tests say of a ladder that stands for `total` rows, confirmed over all features."""
    own = around.own
    closer = closer_than_train(cross, own, total)
    excess = closer or (clumped(cross) if total == cross.rows.size else None)
    if excess is None:
        return None
    close = excess.close(cross)
    distance, natural = np.full(close.size, np.nan), np.full(close.size, np.nan)
    rows = cross.rows[close]
    distance[close] = distances(there, around.here, rows, cross.partner[close])
    natural[close] = distances(there, around.here, rows, cross.last[close])
    close &= distance <= SAME_ROW * natural
    if not close.any():
        return None
    in_train = int(excess.close(own).sum())
    share = in_train / own.rows.size
    p = _shares_p_value(int(close.sum()), total, in_train, own.rows.size)
    foreign = closer is not None and p <= FOREIGN_P
    return Closeness(excess, foreign, cross, own, close, distance, natural, total, share, p)


def _shares_p_value(here: int, n_here: int, there: int, n_there: int) -> float:
    """Return Fisher's one-sided probability of as many `here` if both shares were one."""
    from scipy.special import betaln

    total, hits = n_here + n_there, here + there

    def log_choose(n: int, k: NDArray[np.int64]) -> Reals:
        return np.asarray(-betaln(n - k + 1.0, k + 1.0) - np.log(n + 1.0))

    k = np.arange(here, min(hits, n_here) + 1)
    log_p = log_choose(n_here, k) + log_choose(n_there, hits - k) - log_choose(total, np.array([hits]))
    return float(min(1.0, np.exp(log_p).sum()))
