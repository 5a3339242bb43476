"""Which search for near points costs least: a model of what each takes, and the search it chooses.

Times of the model, in nanoseconds of one core (Xeon, 2.5 GHz, AVX-512), were fitted to searches of 1,000 to
1,000,000 points of 2 to 784 coordinates. Only their ratios matter, and only where two routes cost about the
same does a wrong one slow a search, by as much as they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing import ball, packed
from auditor.hashing.coordinates import Candidates, Grid, banded, planned
from auditor.hashing.kernels import ready, twin
from auditor.hashing.points import Points
from auditor.hashing.products import near_products
from auditor.hashing.signs import Planes, planned_signs, signed
from auditor.hashing.verify import Near, nothing, verified

Numbers = NDArray[np.int64]

FLOP = 0.0215
"""Nanoseconds of a product and a sum in a matrix product."""

READ = 0.9
"""Of making one coordinate of a point."""

ENTRY = 1.2
"""Of comparing one entry of a product."""

SORT = 900.0
"""Of putting one point into its leaf."""

BOX = 25.0
"""Of comparing the boxes of two leaves."""

GATHER, GATHER_BYTES, PAIR = 3.0, 1.0, 100.0
"""Of one coordinate of a candidate, of one that is a byte, and of the candidate itself."""

SMALL = 1e7
"""All products are taken where they cost no more."""

WHOLE = 5e8
"""So much may all products cost where they allow the largest of several radii."""

TRIED, TURNED = 6, 8.0
"""On the sphere, so many of several radii are tried with planes first, which may cost this many times what it takes
to project and sort the points."""

PLANNING = 1e9
"""An exact route that costs less is not compared with the others, whose planning takes a while."""

PATIENCE = 6e10
"""An exact route that costs less is taken rather than one that misses more than twice `MISS`."""

EXACT = 1.5
"""An exact route is taken where it costs at most this many times the cheapest."""

MISS = 0.005
"""Probability, at most, that a sampling route misses a pair at the radius."""

QUICKER, KERNELS = 8.0, 3.0
"""By how much, about, the compiled search is quicker than the other exact one, and how many times as much as another
kernel it takes to compile."""


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """Pairs within a radius, and how they were found.

    Attributes
    ----------
    query, reference : ndarray of int64, shape (m,)
        Row numbers, sorted by query, then distance.
    distance : ndarray of float64, shape (m,)
    radius : float
        Largest distance searched.
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
    radius: float
    route: str
    miss_probability: float
    measured: int
    capped: int
    complete: bool


def near_pairs(
    reference: Points,
    query: Points | None,
    radius: float | Sequence[float],
    rng: np.random.Generator,
    *,
    limit: int,
    sphere: bool = False,
    budget: float = np.inf,
) -> Met:
    """Return pairs within `radius`, by whichever route costs least.

    Parameters
    ----------
    reference, query : Points
        n and m points; None pairs the reference with itself, each pair once.
    radius : float or sequence of float
        Largest distance. Of several, in falling order, the first whose exact search costs no more than `budget`
        is taken, or the last.
    rng : Generator
        For the routes that sample; the exact ones draw nothing.
    limit : int
        Pairs at most.
    sphere : bool
        Whether points have unit length.
    budget : float
        Nanoseconds.
    """
    n, m = len(reference), len(reference if query is None else query)
    radii = [float(radius)] if isinstance(radius, float | int) else list(radius)
    if not n or not m:
        return _exact("products", radii[0], nothing(complete=True))
    small = products_cost(n, m, reference.width, own=query is None)
    least = max(SMALL, (n + m) * (SORT + READ * reference.width))
    if small <= least or (len(radii) > 1 and small <= max(budget, WHOLE)):
        return _exact("products", radii[0], _by_products(reference, query, radii[0], limit))
    if sphere and len(radii) > 1:
        asked = len(reference) if query is None else len(query)
        for wide in radii[:TRIED]:
            planes = planned_signs(reference, wide, rng, asked=asked, own=query is None, miss=MISS)
            if planes.cost <= max(budget, TURNED * (n + m) * (SORT + READ * reference.width)) and (
                planes.miss <= 2.0 * MISS
            ):
                found = signed(reference, query, wide, planes, rng, limit=limit)
                return _sampled("signs", wide, found)
    search: ball.Search | packed.Search
    if len(radii) == 1 and ready("sought"):
        search, radius = packed.arranged(reference, query, radii[0]), radii[0]
        cost = search.cost()
    else:
        search, cost, radius = _affordable(ball.arranged(reference, query, radii[0]), radii, budget)
    best = _sampling(reference, query, radius, rng, least=min(small, cost), sphere=sphere)
    chosen = min(small, cost) if best is None else best.cost
    saved = max(0.0, chosen - cost / QUICKER)
    if isinstance(search, ball.Search) and twin("sought", int(saved / KERNELS)):
        del search  # its memory
        search = packed.arranged(reference, query, radius)
        cost = search.cost()
    if best is None or min(small, cost) <= EXACT * best.cost:
        if small <= cost:
            return _exact("products", radius, _by_products(reference, query, radius, limit))
        return _exact("projection", radius, search.run(limit))
    del search
    if isinstance(best, Planes):
        return _sampled("signs", radius, signed(reference, query, radius, best, rng, limit=limit))
    return _sampled("coordinates", radius, banded(reference, query, radius, best, rng, limit=limit))


def _sampling(
    reference: Points,
    query: Points | None,
    radius: float,
    rng: np.random.Generator,
    *,
    least: float,
    sphere: bool,
) -> Grid | Planes | None:
    """Return a route that samples, where an exact one, which costs `least`, is dear and that misses little."""
    if least <= PLANNING:
        return None
    asked = len(reference) if query is None else len(query)
    plan = planned_signs if sphere else planned
    best = plan(reference, radius, rng, asked=asked, own=query is None, miss=MISS)
    if best is not None and (least <= EXACT * best.cost or (best.miss > 2.0 * MISS and least < PATIENCE)):
        return None
    return best


def _affordable(
    search: ball.Search, radii: Sequence[float], budget: float
) -> tuple[ball.Search, float, float]:
    """Return the search of the first radius that costs no more than the budget, or of the last; cost and radius."""
    for radius in radii[:-1]:
        search = search.within(radius)
        cost = ball_cost(search, budget)
        if cost <= budget:
            return search, cost, radius
    search = search.within(radii[-1])
    return search, ball_cost(search), radii[-1]


def products_cost(n: int, m: int, d: int, *, own: bool) -> float:
    """Return the nanoseconds that all products of n and m points of d coordinates take."""
    return n * m * (FLOP * d + ENTRY) / (2.0 if own else 1.0)


def ball_cost(search: ball.Search, most: float = np.inf) -> float:
    """Return the nanoseconds that a search of short projections takes from where it stands.

    Beyond `most` it may be told too low.
    """
    d = search.reference.width
    k = search.meeting.near.shape[1]
    boxes = BOX * (search.meeting.bounds.size - 1) * (search.meeting.starts.size - 1)
    entries = (FLOP * (k + 1) + ENTRY) * search.entries()
    if boxes + entries > most:
        return float(boxes + entries)
    gather = GATHER_BYTES if search.reference.flat.dtype.itemsize == 1 else GATHER
    return float(boxes + entries + (gather * d + PAIR) * search.met())


def _by_products(reference: Points, query: Points | None, radius: float, limit: int) -> Near:
    reach = np.broadcast_to(np.float64(radius), (len(reference if query is None else query),))
    return verified(reference, query, reach, near_products(reference, query, radius), limit)


def _exact(route: str, radius: float, found: Near) -> Met:
    return Met(
        found.query, found.reference, found.distance, radius, route, 0.0, found.candidates, 0, found.complete
    )


def _sampled(route: str, radius: float, found: Candidates) -> Met:
    return Met(
        found.query,
        found.reference,
        found.distance,
        radius,
        route,
        found.miss_probability,
        found.measured,
        found.capped,
        found.complete,
    )
