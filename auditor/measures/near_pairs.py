"""Pairs of near rows of dense arrays: equal rows made one, near ones searched, all their rows told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import make_split
from auditor.hashing.clusters import labelled
from auditor.hashing.digest import representatives
from auditor.hashing.groups import Groups, Pairs, grouped, own_owners, pairs_of_groups
from auditor.hashing.points import Points
from auditor.hashing.route import READ, SORT, Met, near_pairs
from auditor.measures.closeness import BEND, unit_scale
from auditor.measures.natural_radius import Nature, nature

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

SAMPLED_VALUES = 2**19
"""Values on which centres and spreads are estimated."""

LEAST_SAMPLED = 512
"""Rows of that sample, at least."""

EFFORT, LEAST_EFFORT = 0.5, 1e8
"""The data's own radius may cost this many times what it takes to project and sort the points, or so many nanoseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Pairs of rows, and how they were found.

    Attributes
    ----------
    first, second : ndarray of int64, shape (m,)
        Rows of the first and of the second array, sorted.
    distance : ndarray of float64, shape (m,)
        Euclidean distance of their points.
    clusters : ndarray of int64
        One label for each row of the first, then of the second array, numbered by first rows.
    met : Met
        The search among distinct rows.
    left_out : int
        Pairs of rows beyond the limit.
    nature : Nature or None
        Where the radius is the data's own.
    unrelated : float
        Squared distance of two rows drawn at random, on average.
    """

    first: Numbers
    second: Numbers
    distance: Reals
    clusters: Numbers
    met: Met
    left_out: int
    nature: Nature | None
    unrelated: float


def standardised(first: NDArray[Any], second: NDArray[Any] | None) -> tuple[Points, Points | None]:
    """Return rows of one or two arrays, shape (n, ...), as points that are compared as DUP002 compares them.

    Features in one unit (pixels, samples of a signal) keep their proportions; the columns of a table are brought
    to unit spread each. Columns that do not vary in the sample keep a unit of their own size, so that a rare
    value still tells rows apart.
    """
    some = _sampled(first) if second is None else np.concatenate([_sampled(first), _sampled(second)])
    if not len(some):
        return plain(first, second)
    centre, scale, one_unit = unit_scale(make_split("X", some))
    size = np.maximum(1.0, np.abs(np.where(np.isfinite(centre), centre, 0.0)))
    scale = np.where(scale > 0, scale, 1.0 / size)
    made = Points(_flat(first), centre, scale, bend=None if one_unit else BEND)
    return made, None if second is None else replace(made, flat=_flat(second))


def plain(
    first: NDArray[Any], second: NDArray[Any] | None, *, unit: bool = False
) -> tuple[Points, Points | None]:
    """Return rows of one or two arrays, shape (n, ...), as points as they stand, or of unit length."""
    flat = _flat(first)
    made = Points(flat, np.zeros(flat.shape[1]), np.ones(flat.shape[1]), unit=unit)
    return made, None if second is None else replace(made, flat=_flat(second))


def _flat(rows: NDArray[Any]) -> NDArray[Any]:
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:], dtype=np.int64)))


def _sampled(rows: NDArray[Any]) -> NDArray[Any]:
    width = max(1, int(np.prod(rows.shape[1:], dtype=np.int64)))
    wanted = max(LEAST_SAMPLED, SAMPLED_VALUES // width)
    return rows[:: max(1, len(rows) // wanted)]


def found_pairs(
    here: Points,
    there: Points | None,
    radius: float | None,
    rng: np.random.Generator,
    *,
    limit: int,
    sphere: bool = False,
) -> Found:
    """Return all near pairs of rows of one or two arrays.

    Parameters
    ----------
    here, there : Points
        Rows of the first and the second array; None for pairs within the first.
    radius : float or None
        Largest distance; None for the data's own.
    rng : Generator
        For the routes that sample.
    limit : int
        Pairs at most.
    sphere : bool
        Whether points have unit length.
    """
    n = len(here)
    owner = representatives([here.flat] if there is None else [here.flat, there.flat])
    left = _distinct(here, owner[:n])
    right = None if there is None else _distinct(there, own_owners(owner, n))
    unrelated = _unrelated(left)
    copies = np.flatnonzero(owner != np.arange(owner.size))
    rows, originals = owner.size, owner[copies]
    del owner  # while the search takes its memory
    met, natural = _searched(left, right, radius, rng, limit=limit, sphere=sphere)
    del left, right
    owner = np.arange(rows)
    owner[copies] = originals
    local = None if there is None else own_owners(owner, n)
    ours, theirs = grouped(owner[:n]), None if local is None else grouped(local)
    i, j, d = met.reference, met.query, met.distance
    if theirs is not None:
        i, j, d = _with_equal(owner, ours, theirs, (i, j, d))
    (first, second, distance), left_out = pairs_of_groups(ours, theirs, (i, j, d), limit=limit)
    at = ours.first[i], (ours.first[j] if theirs is None else theirs.first[j] + n)
    labels = labelled(owner, *at)
    return Found(first, second, distance, labels, met, left_out, natural, unrelated)


def _distinct(points: Points, owner: Numbers) -> Points:
    """Return the points that equal none before them."""
    alone = owner == np.arange(owner.size)
    if alone.all():
        return points
    rows = np.flatnonzero(alone)
    return points.among(rows.astype(np.int32) if owner.size < 2**31 else rows)


def _with_equal(owner: Numbers, ours: Groups, theirs: Groups, pairs: Pairs) -> Pairs:
    """Return pairs of groups with those of equal rows, each once."""
    n = ours.rows.size
    i, j, d = pairs
    of = owner[n:][theirs.first]  # the first of all rows that equals this one
    other = of[j] != ours.first[i]
    b = np.flatnonzero(of < n)
    a = np.searchsorted(ours.first, of[b])
    return np.r_[i[other], a], np.r_[j[other], b], np.r_[d[other], np.zeros(a.size)]


def _searched(
    left: Points,
    right: Points | None,
    radius: float | None,
    rng: np.random.Generator,
    *,
    limit: int,
    sphere: bool,
) -> tuple[Met, Nature | None]:
    """Return near pairs of distinct rows, and what is natural where it was asked for."""
    if radius is not None:
        return near_pairs(left, right, radius, rng, limit=limit, sphere=sphere), None
    natural = nature(left, right) if len(left) and (right is None or len(right)) else None
    if natural is None:  # equal rows alone
        nobody = left.among(np.zeros(0, dtype=np.int64))
        return near_pairs(nobody, None, 0.0, rng, limit=limit), None
    rows = len(left) + (0 if right is None else len(right))
    budget = max(LEAST_EFFORT, EFFORT * rows * (SORT + READ * left.width))
    met = near_pairs(left, right, natural.radii, rng, limit=limit, sphere=sphere, budget=budget)
    keep, share = natural.kept(left if right is None else right, met.query, met.distance)
    found = replace(met, query=met.query[keep], reference=met.reference[keep], distance=met.distance[keep])
    return found, replace(natural, ratio=share)


def _unrelated(points: Points) -> float:
    """Return twice the variance of the points over all coordinates: the mean squared distance of two of them."""
    return 2.0 * float(points.sample(1024).astype(np.float64).var(axis=0).sum()) if len(points) else 0.0
