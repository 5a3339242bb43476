"""Which search for near points costs least: a model of what each takes, and the search it chooses.

Times of the model, in nanoseconds of one core (Xeon, 2.5 GHz, AVX-512), were fitted to searches of 1,000 to
1,000,000 points of 2 to 784 coordinates. Only their ratios matter, and only where two routes cost about the
same does a wrong one slow a search, by as much as they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing import ball
from auditor.hashing.coordinates import Candidates, banded, planned
from auditor.hashing.points import Points
from auditor.hashing.products import near_products
from auditor.hashing.signs import planned_signs, signed
from auditor.hashing.verify import Near, verified

Numbers = NDArray[np.int64]

FLOP = 0.0215
"""Nanoseconds of a product and a sum in a matrix product."""

READ = 0.9
"""Of making one coordinate of a point."""

ENTRY = 2.2
"""Of comparing one entry of a product."""

SORT = 900.0
"""Of putting one point into its leaf."""

BOX = 25.0
"""Of comparing the boxes of two leaves."""

GATHER, PAIR = 3.0, 60.0
"""Of one coordinate of a candidate, and of the candidate itself."""

EXACT = 1.5
"""An exact route is taken where it costs at most this many times the cheapest."""

MISS = 0.005
"""Probability, at most, that a sampling route misses a pair at the radius."""


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """Pairs within a radius, and how they were found.

    Attributes
    ----------
    query, reference : ndarray of int64, shape (m,)
        Row numbers, sorted by query, then distance.
    distance : ndarray of float64, shape (m,)
    route : str
        ``"products"``, ``"projection"``, ``"coordinates"`` or ``"signs"``.
    miss_probability : float
        Probability that a pair at the radius is not among them; 0 for the exact routes.
    measured : int
        Candidates whose distance was measured.
    capped : int
        Candidates left out of crowded buckets.
    complete : bool
        Whether the limit left none out.
    """

    query: Numbers
    reference: Numbers
    distance: NDArray[np.float64]
    route: str
    miss_probability: float
    measured: int
    capped: int
    complete: bool


def near_pairs(
    reference: Points,
    query: Points | None,
    radius: float,
    rng: np.random.Generator,
    *,
    limit: int,
    sphere: bool = False,
    search: ball.Search | None = None,
) -> Met:
    """Return pairs within `radius`, by whichever route costs least.

    Parameters
    ----------
    reference, query : Points
        n and m points; None pairs the reference with itself, each pair once.
    radius : float
        Largest distance.
    rng : Generator
        For the routes that sample; the exact ones draw nothing.
    limit : int
        Pairs at most.
    sphere : bool
        Whether points have unit length.
    search : ball.Search, optional
        The search of short projections within `radius`, where it has been arranged.
    """
    n, m = len(reference), len(reference if query is None else query)
    if not n or not m:
        return _exact("products", ball.within(reference, query, radius))
    small = products_cost(n, m, reference.width, own=query is None)
    if small <= (n + m) * (SORT + READ * reference.width):
        return _exact("products", _by_products(reference, query, radius, limit))
    arranged = search or ball.arranged(reference, query, radius)
    routes: list[tuple[float, Callable[[], Met]]] = [
        (small / EXACT, lambda: _exact("products", _by_products(reference, query, radius, limit))),
        (ball_cost(arranged) / EXACT, lambda: _exact("projection", arranged.run(limit))),
    ]
    least = min(cost for cost, _ in routes)
    # planning a sampling route takes a while itself
    if least > 3.0 * (n + m) * (SORT + READ * reference.width):
        routes += _sampling(reference, query, radius, rng, limit=limit, sphere=sphere)
    return min(routes, key=lambda route: route[0])[1]()


def products_cost(n: int, m: int, d: int, *, own: bool) -> float:
    """Return the nanoseconds that all products of n and m points of d coordinates take."""
    return n * m * (FLOP * d + ENTRY) / (2.0 if own else 1.0)


def ball_cost(search: ball.Search) -> float:
    """Return the nanoseconds that a search of short projections takes from where it stands."""
    d = search.reference.width
    k = search.meeting.near.shape[1]
    boxes = BOX * (search.meeting.bounds.size - 1) * (search.meeting.starts.size - 1)
    entries = (FLOP * (k + 1) + ENTRY) * search.entries()
    return float(boxes + entries + (GATHER * d + PAIR) * search.met())


def _sampling(
    reference: Points,
    query: Points | None,
    radius: float,
    rng: np.random.Generator,
    *,
    limit: int,
    sphere: bool,
) -> list[tuple[float, Callable[[], Met]]]:
    own = query is None
    asked = len(reference) if query is None else len(query)
    if sphere:
        signs = planned_signs(reference, radius, rng, asked=asked, own=own, miss=MISS)
        return [
            (
                signs.cost,
                lambda: _sampled("signs", signed(reference, query, radius, signs, rng, limit=limit)),
            )
        ]
    if reference.contrast:
        return []
    grid = planned(reference, radius, rng, asked=asked, own=own, miss=MISS)
    if grid is None:
        return []
    return [
        (
            grid.cost,
            lambda: _sampled("coordinates", banded(reference, query, radius, grid, rng, limit=limit)),
        )
    ]


def _by_products(reference: Points, query: Points | None, radius: float, limit: int) -> Near:
    reach = np.broadcast_to(np.float64(radius), (len(reference if query is None else query),))
    return verified(reference, query, reach, near_products(reference, query, radius), limit)


def _exact(route: str, found: Near) -> Met:
    return Met(found.query, found.reference, found.distance, route, 0.0, found.candidates, 0, found.complete)


def _sampled(route: str, found: Candidates) -> Met:
    return Met(
        found.query,
        found.reference,
        found.distance,
        route,
        found.miss_probability,
        found.measured,
        found.capped,
        found.complete,
    )
