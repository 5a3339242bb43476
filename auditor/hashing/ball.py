"""All pairs of points within a radius, exactly: filtered on a short projection, measured on the points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.points import Floats, Points
from auditor.hashing.projection import blur, directions, leaves, project, slack
from auditor.hashing.sampling import spaced
from auditor.hashing.verify import Near, nothing, verified

AXES = 12
"""Coordinates of the projection: 48 bytes a point."""

LEAF = 64
"""Points of a leaf."""

ENTRIES = 2**19
"""Distances computed at a time."""

ESTIMATED = 64
"""Leaves on which the cost of a search is estimated."""

TRIED = 24
"""Leaves of either side on whose products it is estimated how many pairs remain."""

SAMPLE = 256
"""Points whose principal directions are taken."""


def within(
    reference: Points,
    query: Points | None,
    radius: float | NDArray[np.float64],
    *,
    limit: int = 2**22,
    most: float = np.inf,
    projected: tuple[Floats, Floats] | None = None,
) -> Near:
    """Return all pairs of a query and a reference point no farther apart than `radius`.

    Parameters
    ----------
    reference : Points
        n points.
    query : Points or None
        m points, moved and scaled as the reference; None pairs the reference with itself, each pair once.
    radius : float or ndarray of float64, shape (m,)
        One for all, or one for each query point.
    limit : int
        Pairs after which the search stops.
    most : float
        Distances between projections that may be computed; where an estimate says more, nothing is searched
        and the answer is not complete.
    projected : tuple of ndarray of float32, shapes (n, k) and (m, k), optional
        Orthogonal projections of both sides, the widest coordinate first, where they are known.

    Notes
    -----
    Points are projected on the directions of largest spread. An orthogonal projection is a contraction,
    so no pair is lost (Faloutsos, Ranganathan and Manolopoulos, 1994). Both sets are ordered into leaves of a
    k-d tree; a leaf of queries meets only the leaves whose bounding boxes are within reach, in one matrix
    product; what remains is measured on the points themselves.
    """
    if not len(reference) or (query is not None and not len(query)):
        return nothing(complete=True)
    search = arranged(reference, query, radius, projected)
    if search.entries() > most:
        return nothing(complete=False)
    return search.run(limit)


def arranged(
    reference: Points,
    query: Points | None,
    radius: float | NDArray[np.float64],
    projected: tuple[Floats, Floats] | None = None,
) -> Search:
    """Project both sides and order them into leaves, so that the cost of `within` can be told beforehand.

    Parameters are those of `within`; neither side is empty.
    """
    if projected is None:
        axes = directions(reference, AXES, SAMPLE)
        far = project(reference, axes)
        near = far if query is None else project(query, axes)
    else:
        far, near = (np.array(side[:, :AXES], order="C") for side in projected)
    reach = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(near),))
    own = query is None and np.ndim(radius) == 0
    if query is None and not own:
        near = far.copy()
    moved = blur(reference, query)
    return Search(reference, query, reach, moved, _meeting(far, near, reach, moved, own=own))


@dataclass(frozen=True, slots=True, eq=False)
class _Meeting:
    """Projections of both sides, leaf after leaf, with the boxes of the reference's.

    `order` and `asked` are the rows that points come from. `upto` and `since` bound the first coordinates of all
    leaves up to and from each one, by which most are passed over. `limit` is the squared reach of each query, in
    the order of points. `own` says that both sides are one, with one radius: then a leaf meets itself and those
    after it.
    """

    far: Floats
    order: NDArray[np.signedinteger[Any]]
    starts: NDArray[np.int64]
    low: Floats
    high: Floats
    upto: Floats
    since: Floats
    near: Floats
    asked: NDArray[np.signedinteger[Any]]
    bounds: NDArray[np.int64]
    limit: NDArray[np.float64]
    own: bool

    def leaf(self, k: int) -> tuple[slice, NDArray[np.int64]]:
        """Return where the k-th leaf of queries stands, and the leaves of the reference within its reach."""
        here = slice(int(self.bounds[k]), int(self.bounds[k + 1]))
        points = self.near[here]
        low, high, most = points.min(axis=0), points.max(axis=0), self.limit[here].max()
        reach = np.sqrt(most)
        begin = int(np.searchsorted(self.upto, low[0] - reach))
        end = int(np.searchsorted(self.since, high[0] + reach, "right"))
        begin = max(begin, k) if self.own else begin
        gap = np.maximum(self.low[begin:end] - high, low - self.high[begin:end])
        np.maximum(gap, 0.0, out=gap)
        return here, begin + np.flatnonzero(np.einsum("ij,ij->i", gap, gap) <= most)

    def some(self, most: int = ESTIMATED) -> tuple[list[int], float]:
        """Return some leaves of queries, evenly spaced, and how many leaves each stands for."""
        n = self.bounds.size - 1
        some = spaced(n, most).tolist()
        return some, n / len(some)

    def entries(self) -> float:
        """Estimate how many distances will be computed, from some of the leaves."""
        some, each = self.some()
        size, asked = np.diff(self.starts), np.diff(self.bounds)
        return each * sum(float(asked[k] * size[self.leaf(k)[1]].sum()) for k in some)

    def met(self) -> float:
        """Estimate how many candidates will be left, from some of the leaves and some of what they meet."""
        some, each = self.some(TRIED)
        total = 0.0
        for here, close in map(self.leaf, some):
            if close.size:
                few = close[:: -(-close.size // TRIED)]
                total += sum(i.size for i, _ in self.close(here, few)) * close.size / few.size
        return each * total

    def close(
        self, here: slice, leaves_: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield places of queries and of members of leaves whose projections are within reach.

        A product less half a square, t.q - |t|**2 / 2, is half the squared distance, up to a constant.
        """
        points = self.near[here]
        least = (np.einsum("ij,ij->i", points, points) - self.limit[here]) / 2.0
        least = least.astype(np.float32)[:, None]
        for places in _gathered(leaves_, self.starts, ENTRIES // len(points)):
            there = np.take(self.far, places, axis=0)
            half = np.einsum("ij,ij->i", there, there)
            half *= 0.5
            product = points @ there.T
            product -= half
            at = np.flatnonzero(product >= least)
            which, where = np.divmod(at, places.size)
            yield here.start + which, places[where]

    def candidates(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield pairs of rows whose projections are within reach, a leaf of queries at a time."""
        for k in range(self.bounds.size - 1):
            here, close = self.leaf(k)
            for which, place in self.close(here, close) if close.size else ():
                i, j = self.asked[which].astype(np.int64), self.order[place].astype(np.int64)
                if self.own:  # within the leaf itself each pair comes twice, and once with later ones
                    later = place >= self.bounds[k + 1]
                    yield np.where(later, np.minimum(i, j), i), np.where(later, np.maximum(i, j), j)
                else:
                    yield i, j


def _meeting(far: Floats, near: Floats, reach: NDArray[np.float64], moved: float, *, own: bool) -> _Meeting:
    """Order the projections of both sides, in place."""
    order, starts = leaves(far, LEAF)
    _reorder(far, order)
    asked, bounds = order, starts
    if not own:
        asked, bounds = leaves(near, LEAF)
        _reorder(near, asked)
    low, high = _boxes(far, starts)
    upto, since = np.maximum.accumulate(high[:, 0]), np.minimum.accumulate(low[::-1, 0])[::-1]
    limit = _limits(reach, asked, moved, slack(far, near))
    near = far if own else near
    return _Meeting(far, order, starts, low, high, upto, since, near, asked, bounds, limit, own)


def _reorder(points: Floats, order: NDArray[np.signedinteger[Any]]) -> None:
    """Bring points into an order, in place, a coordinate at a time."""
    for k in range(points.shape[1]):
        points[:, k] = points[order, k]


def _limits(
    reach: NDArray[np.float64], asked: NDArray[np.signedinteger[Any]], moved: float, slack_: float
) -> NDArray[np.float64]:
    """Return squared reaches in the order of queries; one number stays one."""
    if reach.strides == (0,):
        return np.broadcast_to((reach[0] + moved) ** 2 + slack_, reach.shape)
    return np.asarray((reach[asked] + moved) ** 2 + slack_)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A search for all pairs within a radius, ready to run."""

    reference: Points
    query: Points | None
    reach: NDArray[np.float64]
    blur: float
    meeting: _Meeting

    def entries(self) -> float:
        """Distances between projections that the search will compute, estimated."""
        return self.meeting.entries()

    def within(self, radius: float) -> Search:
        """Return the search of the same points within another radius."""
        meeting = self.meeting
        reach = np.broadcast_to(np.float64(radius), (len(meeting.near),))
        limit = _limits(reach, meeting.asked, self.blur, slack(meeting.far, meeting.near))
        return replace(self, reach=reach, meeting=replace(meeting, limit=limit))

    def met(self) -> float:
        """Pairs that will have to be measured, estimated."""
        return self.meeting.met()

    def run(self, limit: int) -> Near:
        """Measure all candidates, and return pairs within the radius, `limit` of them at most."""
        return verified(self.reference, self.query, self.reach, self.meeting.candidates(), limit)


def _gathered(chosen: NDArray[np.int64], starts: NDArray[np.int64], most: int) -> Iterator[NDArray[np.int64]]:
    """Yield places of the members of chosen leaves, about `most` at a time."""
    first, end = starts[chosen], starts[chosen + 1]
    widest = int((end - first).max(initial=1))
    within = np.arange(widest)
    step = max(1, most // widest)
    for start in range(0, chosen.size, step):
        part = slice(start, start + step)
        places = first[part, None] + within
        yield places[places < end[part, None]]


def _boxes(points: Floats, starts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    first = starts[:-1]
    return np.minimum.reduceat(points, first, axis=0), np.maximum.reduceat(points, first, axis=0)
