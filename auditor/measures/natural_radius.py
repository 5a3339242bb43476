"""How near two rows must lie so that density alone would not have put them there: the data's own threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.nearest import neighbours
from auditor.hashing.points import Floats, Points, distances
from auditor.hashing.projection import directions, project

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

LEAST_ROWS = 20
"""Distinct rows without which there is no neighbourhood to speak of."""

EXPECTED = 0.5
"""Pairs that density alone is allowed to put within the threshold, among all."""

LANDMARKS = 8192
"""Rows that the distance to a natural neighbour is taken from."""

FINE = 2**16
"""Rows among which the dimension is measured."""

ASKED = 128
"""Rows whose neighbourhoods are measured."""

AXES = 12
"""Coordinates of the projection in which neighbours are looked for."""

LOOKED = 96
"""Neighbours in the projection among which those over all features are taken."""

NEARER, FARTHER = 4, 16
"""Ranks of the neighbours by which the dimension is measured: a family of up to four rows does not count."""

SCALED = 8
"""Neighbours in the projection of which the one of rank `NEARER` is a row's natural distance."""

LARGEST = 0.5
"""A near copy lies at most at this share of the distance to a natural neighbour."""

LADDER = (0.5, 0.25, 0.1, 0.02)
"""Quantiles of the natural distance that are tried as the radius searched, the largest that is cheap first."""


@dataclass(frozen=True, slots=True, eq=False)
class Nature:
    """How near rows lie to one another by nature.

    Attributes
    ----------
    ratio : float
        A pair is near where its distance is at most this share of the query's natural distance.
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
    dimension: float
    scales: Reals
    landmarks: Points
    axes: Floats
    projected: Floats

    @property
    def radii(self) -> tuple[float, ...]:
        """Radii to try, the largest first."""
        return tuple(float(self.ratio * q) for q in np.quantile(self.scales, LADDER))

    def kept(self, points: Points, rows: Numbers, distance: Reals) -> NDArray[np.bool_]:
        """Return which pairs are near for the place of their row of `points`."""
        keep = np.ones(rows.size, dtype=bool)
        doubtful = distance > 0.5 * self.ratio * self.scales[0]
        if doubtful.any():
            asked, where = np.unique(rows[doubtful], return_inverse=True)
            few = points.among(asked)
            scale = _scales(self.landmarks, self.projected, few, project(few, self.axes), None)
            keep[doubtful] = distance[doubtful] <= self.ratio * scale[where]
        return keep


def nature(reference: Points, query: Points | None) -> Nature | None:
    """Return how near rows of `reference` lie to one another; None where they are too few to say.

    Around a row, the number of natural neighbours within a distance t is Poisson with mean ``c * t**h`` for a
    density that is smooth at that scale, h being its intrinsic dimension there (Levina and Bickel, 2004). h is
    measured by neighbours of ranks 4 to 16, which families of up to four copies do not touch, and c by the fourth
    of them. The ratio is the one below which, over all pairs, half a natural neighbour is expected.

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
    fine = reference.among(_spaced(n, FINE)) if n > FINE else reference
    axes = directions(fine, AXES)
    there = project(fine, axes)
    some = _spaced(len(fine), ASKED)
    ranked = _ladder(fine, there, some)
    if not ranked[:, 0].all():
        ranked = ranked[ranked[:, 0] > 0]  # points that only rounding sets apart
    if not len(ranked):
        return None
    last = ranked.shape[1] - 1
    near = min(NEARER, last) - 1
    spread = float(np.log(ranked[:, [last]] / ranked[:, near:last]).mean())
    dimension = 1.0 / max(spread, 1e-3)
    of = _spaced(len(fine), LANDMARKS)
    landmarks, projected = fine.among(of), np.ascontiguousarray(there[of])
    exclude = np.minimum(np.searchsorted(of, some), of.size - 1)
    exclude = np.where(of[exclude] == some, exclude, -1)
    scales = _scales(landmarks, projected, fine.among(some), there[some], exclude)
    scales = np.sort(scales[scales > 0])
    if not scales.size:
        return None
    pairs = n / 2.0 if query is None else float(max(1, len(query)))
    within = EXPECTED / pairs * len(landmarks) / (n * (near + 1))
    return Nature(
        float(min(LARGEST, within ** (1.0 / dimension))), dimension, scales, landmarks, axes, projected
    )


def _spaced(n: int, most: int) -> Numbers:
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))


def _ladder(points: Points, projected: Floats, rows: Numbers) -> Reals:
    """Return distances of some points to their nearest neighbours, ascending, shape (s, FARTHER)."""
    looked = min(LOOKED, len(points) - 1)
    _, index = neighbours(projected, projected[rows], looked, rows)
    found = distances(points, points, np.repeat(rows, looked), index.ravel()).reshape(-1, looked)
    return np.sort(found, axis=1)[:, : min(FARTHER, looked)]


def _scales(
    landmarks: Points, projected: Floats, points: Points, along: Floats, exclude: Numbers | None
) -> Reals:
    """Return the natural distance of each point: to the fourth nearest of eight near landmarks."""
    looked = min(SCALED, len(landmarks) - 1)
    _, index = neighbours(projected, along, looked, exclude)
    rows = np.repeat(np.arange(len(points)), looked)
    found = distances(points, landmarks, rows, index.ravel()).reshape(-1, looked)
    return np.partition(found, min(NEARER, looked) - 1, axis=1)[:, min(NEARER, looked) - 1]
