"""All pairs of points within a radius, exactly, by a compiled search: a packed tree over short projections."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.kernels import threads
from auditor.hashing.points import Floats, Points
from auditor.hashing.projection import blur, directions, project, slack_of
from auditor.hashing.sampling import spaced
from auditor.hashing.verify import Near, verified

Numbers = NDArray[np.int64]
Places = NDArray[np.int32]
Part = tuple[int, int, int]
"""Queries from one to another, and how many go together."""

SAMPLED_VALUES = 2**17
"""Values of the points whose principal directions are taken, and how many of them."""

LEAST_SAMPLED, MOST_SAMPLED = 256, 4096

ROOM = 2**17
"""Candidates told at a time."""

ASKED = 128
"""Queries by which the cost of a search is estimated."""

NODE, BLOCK, CANDIDATE, COORDINATE = 50.0, 12.0, 150.0, 0.15
"""Nanoseconds of comparing a query with the boxes of a node and with the points of a block, of a candidate, and of each
of its coordinates."""

PLAIN = ("b1", "u1", "i8", "f4", "f8")
"""Types of values that a kernel reads as they stand: each other one would have to be compiled for, too."""

BOUNDED = 1e8
"""Centres beyond, in the unit of distances, keep candidates from being judged by their values as they stand."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A search for all pairs within a radius, ready to run.

    Attributes
    ----------
    reference, query : Points
        None as `query` pairs the reference with itself.
    radius : float
    near : ndarray of float32, shape (m, 13)
        Projected queries in the order of a tree; empty where they are the reference.
    asked, order : ndarray of int32
        The rows that queries and places come from.
    blocks, boxes, levels : ndarray
        The tree.
    slack, blur : float
        What rounding may add to a squared distance, and before to the distance itself.
    """

    reference: Points
    query: Points | None
    radius: float
    near: Floats
    asked: Places
    order: Places
    blocks: Floats
    boxes: Floats
    levels: Numbers
    slack: float
    blur: float

    def within(self, radius: float) -> Search:
        """Return the search of the same points within another radius."""
        return replace(self, radius=radius)

    def cost(self) -> float:
        """Return the nanoseconds that the search will take, estimated from some of the queries."""
        some, own, lanes = spaced(self.asked.size, ASKED), self.query is None, self.blocks.shape[2]
        near = self.blocks[some // lanes, :, some % lanes] if own else self.near[some]
        (answered, _, _), asked, _, work = self._met(near, (0, some.size, 1), own=False)
        foreseen = np.array([*work, asked.size], dtype=np.float64)
        if own:  # queries meet themselves, and pairs count once
            foreseen[2] -= answered
            foreseen /= 2.0
        candidate = CANDIDATE + COORDINATE * self.reference.width
        return float(foreseen @ (NODE, BLOCK, candidate)) * self.asked.size / answered

    def run(self, limit: int) -> Near:
        """Measure all candidates, and return pairs within the radius, `limit` of them at most."""
        reach = np.broadcast_to(np.float64(self.radius), (self.asked.size,))
        return verified(self.reference, self.query, reach, self._candidates(), limit)

    def _met(self, near: Floats, part: Part, *, own: bool) -> tuple[Part, Places, Places, Numbers]:
        """Return the queries not answered, pairs of others and places, and what comparing them took."""
        seeking: Any = import_module("auditor.hashing.kernels.seeking")
        bar = np.nextafter(np.float32((self.radius + self.blur) ** 2 + self.slack), np.float32(np.inf))
        reach = np.broadcast_to(bar, (self.asked.size if own else len(near),))
        tree = self.boxes, self.levels
        met: tuple[Part, Places, Places, Numbers]
        met = seeking.sought(near, reach, self.blocks, tree, part=part, own=own, room=ROOM)
        return met

    def _candidates(self) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield pairs of rows whose projections are within reach and whose values are not too far apart."""
        edges = np.linspace(0, self.asked.size, threads() + 1).astype(np.int64).tolist()
        group: int = import_module("auditor.hashing.kernels.seeking").GROUP
        parts = [(*part, group) for part in pairwise(edges) if part[0] < part[1]]
        with ThreadPoolExecutor(max(1, len(parts))) as pool:
            while parts:
                done = list(pool.map(self._step, parts) if len(parts) > 1 else map(self._step, parts))
                for _, pairs in done:
                    yield pairs
                parts = [left for left, _ in done if left[0] < left[1]]

    def _step(self, part: Part) -> tuple[Part, tuple[Numbers, Numbers]]:
        left, asked, place, _ = self._met(self.near, part, own=self.query is None)
        i, j = self.asked[asked].astype(np.int64), self.order[place].astype(np.int64)
        if self.query is None:
            i, j = np.minimum(i, j), np.maximum(i, j)
        ours = self.reference if self.query is None else self.query
        if not i.size or not (_plain(self.reference) and _plain(ours)):
            return left, (i, j)
        apart: Any = import_module("auditor.hashing.kernels.apart")
        one, other = (
            rows if points.rows is None else points.rows[rows].astype(np.int64)
            for points, rows in ((ours, i), (self.reference, j))
        )
        scale = self.reference.scale
        far = apart.apart(ours.flat, self.reference.flat, one, other, scale=scale, radius=self.radius)
        return left, (i[~far], j[~far])


def _plain(points: Points) -> bool:
    """Whether distances are at least those of the values as they stand, scaled, unless these are huge."""
    return (
        points.bend is None
        and not points.contrast
        and not points.unit
        and points.columns is None
        and points.flat.dtype.isnative
        and points.flat.dtype.str[1:] in PLAIN
        and float(np.abs(points.centre * points.scale).max(initial=0.0)) < BOUNDED
    )


def arranged(reference: Points, query: Points | None, radius: float) -> Search:
    """Project both sides and order them; neither is empty."""
    trees: Any = import_module("auditor.hashing.kernels.trees")
    wanted = min(MOST_SAMPLED, max(LEAST_SAMPLED, SAMPLED_VALUES // max(1, reference.width)))
    axes = directions(reference, trees.AXES, wanted)
    middle = np.zeros(trees.AXES, dtype=np.float32)  # float32 is finest about it
    middle[: axes.shape[1]] = (reference.sample(LEAST_SAMPLED) @ axes).mean(axis=0)
    far, order = _ordered(reference, axes, trees)
    near, asked = far[:0], order
    largest = 0.0
    if query is not None:
        near, asked = _ordered(query, axes, trees)
        near[:, : trees.AXES] -= middle
        largest = float(np.einsum("ij,ij->i", *(near[: len(query), : trees.AXES],) * 2).max())
    blocks = trees.turned(far, middle)
    halves = blocks[:, trees.AXES]
    largest = max(largest, -2.0 * float(halves[np.isfinite(halves)].min()))
    boxes, levels = trees.boxes(blocks)
    rounded = slack_of(largest), blur(reference, query)
    return Search(reference, query, radius, near, asked, order, blocks, boxes, levels, *rounded)


def _ordered(points: Points, axes: Floats, trees: Any) -> tuple[Floats, NDArray[np.int32]]:
    """Return projected points in the order of a tree, filled up with infinite ones, and their rows."""
    n, k = len(points), axes.shape[1]
    made = np.empty((-(-n // trees.LANES) * trees.LANES, trees.PLANES), dtype=np.float32)
    made[:n, k:] = 0.0
    made[n:] = np.inf
    project(points, axes, made[:n, :k])
    order = np.arange(n, dtype=np.int32)
    trees.packed(made[:n], order)
    return made, order
