"""How near two rows must lie so that density alone would not have put them there: the data's own threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.nearest import neighbours
from auditor.hashing.points import Floats, Points, distances
from auditor.hashing.projection import directions, project
from auditor.hashing.sampling import spaced

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

LEAST_ROWS = 20
"""Distinct rows without which there is no neighbourhood to speak of."""

EXPECTED = 0.5
"""Pairs that density alone is allowed to put within the threshold, among all; or, where that is more:"""

FALSE_SHARE = 0.01
"""Share of the pairs found that density alone may have put there."""

LANDMARKS = 8192
"""Rows that the distance to a natural neighbour is taken from."""

FINE, FINE_VALUES = 2**16, 2**24
"""Rows among which the dimension is measured, and their values, at most."""

ASKED = 64
"""Rows whose neighbourhoods are measured."""

AXES = 12
"""Coordinates of the projection in which landmarks are looked for."""

BLOCK = 2048
"""Rows whose distances are computed at a time."""

NEARER, FARTHER = 4, 16
"""Ranks of the neighbours by which the dimension is measured: a family of up to four rows does not count."""

SCALED = 8
"""Neighbours in the projection of which the one of rank `NEARER` is a row's natural distance."""

LARGEST = 0.7
"""A near copy lies at most at this share of the distance to a natural neighbour."""

DIGITS = 1e-4
"""Share of a squared length below which a squared distance is not computed in float32."""

LADDER = (0.5, 0.25, 0.1, 0.05, 0.02, 0.01)
"""Quantiles of the natural distance that are tried as the radius searched, the largest that is cheap first."""


@dataclass(frozen=True, slots=True, eq=False)
class Nature:
    """How near rows lie to one another by nature.

    Attributes
    ----------
    ratio : float
        Share of the query's natural distance within which density alone is expected to put `EXPECTED` pairs.
    widest : float
        The largest share that is ever taken.
    dimension : float
        Intrinsic dimension near a row.
    scales : ndarray of float64, shape (s,)
        Natural distances of some rows, ascending.
    landmarks : Points
        Rows that natural distances are taken from.
    axes, projected : ndarray of float32
        Principal directions, and landmarks along them.
    """

    ratio: float
    widest: float
    dimension: float
    scales: Reals
    landmarks: Points
    axes: Floats
    projected: Floats

    @property
    def radii(self) -> tuple[float, ...]:
        """Radii to try, the largest first."""
        scales = np.quantile(self.scales, LADDER)
        return tuple(
            sorted({float(share * q) for share in (self.widest, self.ratio) for q in scales}, reverse=True)
        )

    def kept(self, points: Points, rows: Numbers, distance: Reals) -> tuple[NDArray[np.bool_], float]:
        """Return which pairs are near for the place of their row of `points`, and the share that was taken.

        The largest share of the natural distance at which natural pairs are no more than half of one, or
        `FALSE_SHARE` of those found (Benjamini and Hochberg, 1995).
        """
        share = distance / (0.5 * self.scales[0])
        doubtful = share > self.ratio
        if doubtful.any():
            asked, where = np.unique(rows[doubtful], return_inverse=True)
            few = points.among(asked)
            scale = _scales(self.landmarks, self.projected, few, project(few, self.axes), None)
            share[doubtful] = distance[doubtful] / np.maximum(scale[where], np.finfo(np.float64).tiny)
        ordered = np.sort(share)
        natural = EXPECTED * (ordered / self.ratio) ** self.dimension
        held = natural <= np.maximum(EXPECTED, FALSE_SHARE * np.arange(1, ordered.size + 1))
        last = np.flatnonzero(held & (ordered <= self.widest))
        taken = max(self.ratio, float(ordered[last[-1]]) if last.size else 0.0)
        return share <= taken, taken


def nature(reference: Points, query: Points | None) -> Nature | None:
    """Return how near rows of `reference` lie to one another; None where they are too few to say.

    Around a row, the number of natural neighbours within a distance t is Poisson with mean ``c * t**h`` for a
    density that is smooth at that scale, h being its intrinsic dimension there (Levina and Bickel, 2004). h is
    measured by neighbours of ranks 4 to 16, which families of up to four copies do not touch, and c by the fourth
    of them.

    Parameters
    ----------
    reference : Points
        Distinct rows.
    query : Points or None
        Distinct rows; None where the reference is searched for pairs of its own.
    """
    n = len(reference)
    if n < LEAST_ROWS:
        return None
    fine = reference.among(spaced(n, max(4 * LEAST_ROWS, min(FINE, FINE_VALUES // max(1, reference.width)))))
    some = spaced(len(fine), ASKED)
    ranked = _ranked(fine, some)
    some, ranked = some[ranked[:, 0] > 0], ranked[ranked[:, 0] > 0]  # others only rounding sets apart
    if not len(ranked):
        return None
    last = ranked.shape[1] - 1
    near = min(NEARER, last) - 1
    spread = float(np.log(ranked[:, [last]] / ranked[:, near:last]).mean())
    dimension = _unit_spread(near + 1, last + 1) / max(spread, 1e-3)
    axes = directions(fine, AXES)
    of = spaced(len(fine), LANDMARKS)
    landmarks = fine.among(of)
    projected = project(landmarks, axes)
    exclude = np.minimum(np.searchsorted(of, some), of.size - 1)
    exclude = np.where(of[exclude] == some, exclude, -1)
    asked = fine.among(some)
    scales = _scales(landmarks, projected, asked, project(asked, axes), exclude)
    if not scales.all():
        return None
    pairs = n / 2.0 if query is None else float(max(1, len(query)))
    within = EXPECTED / pairs * len(fine) / (n * (near + 1.0))
    to_scale = float(np.exp(np.log(ranked[:, near] / scales).mean()))
    ratio = to_scale * within ** (1.0 / dimension)
    widest = ratio * max(1.0, FALSE_SHARE * pairs / EXPECTED) ** (1.0 / dimension)
    ratio, widest = min(LARGEST, ratio), min(LARGEST, widest)
    return Nature(ratio, widest, dimension, np.sort(scales), landmarks, axes, projected)


def _unit_spread(first: int, last: int) -> float:
    """Return the mean logarithm of the distance to the last of some neighbours over that to each before it.

    In one dimension: the volumes up to the neighbours of a Poisson process are sums of exponential variables, and
    the expected logarithms of those of ranks j and k differ by 1/j + ... + 1/(k - 1).
    """
    return float(np.mean([(1.0 / np.arange(rank, last)).sum() for rank in range(first, last)]))


def _ranked(points: Points, rows: Numbers, *, fine: bool = False) -> Reals:
    """Return distances of some points to their nearest others, ascending, shape (s, FARTHER).

    In float32; in float64 where that leaves too few digits.
    """
    take = points.fine if fine else points.take
    asked = take(rows)
    ranks = min(FARTHER, len(points) - 1)
    length = np.einsum("ij,ij->i", asked, asked)[:, None]
    nearest = np.full((rows.size, ranks), np.inf, dtype=asked.dtype)
    for start in range(0, len(points), BLOCK):
        block = take(slice(start, start + BLOCK))
        squared = length + np.einsum("ij,ij->i", block, block) - 2.0 * (asked @ block.T)
        inside = np.flatnonzero((rows >= start) & (rows < start + len(block)))
        squared[inside, rows[inside] - start] = np.inf
        nearest = np.partition(np.concatenate([nearest, squared], axis=1), ranks - 1, axis=1)[:, :ranks]
    if not fine and (nearest.min(axis=1) < DIGITS * length[:, 0]).any():
        return _ranked(points, rows, fine=True)
    return np.asarray(np.sqrt(np.maximum(np.sort(nearest, axis=1), 0.0)), dtype=np.float64)


def _scales(
    landmarks: Points, projected: Floats, points: Points, along: Floats, exclude: Numbers | None
) -> Reals:
    """Return the natural distance of each point: to the fourth nearest of eight near landmarks."""
    looked = min(SCALED, len(landmarks) - 1)
    _, index = neighbours(projected, along, looked, exclude)
    rows = np.repeat(np.arange(len(points)), looked)
    found = distances(points, landmarks, rows, index.ravel()).reshape(-1, looked)
    return np.partition(found, min(NEARER, looked) - 1, axis=1)[:, min(NEARER, looked) - 1]
