"""Two sides of a data set, with copies planted in the second whose originals are known."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Numbers = NDArray[np.int64]

BLOCK = 2**22
"""Values handled at a time."""

MARGIN = 1.01
"""The radius over the largest distance planted: none is lost to the rounding of float32."""

ASKED = 500
"""Query rows of which every neighbour within the radius is found by brute force."""


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A data set with planted copies.

    Attributes
    ----------
    name : str
        ``"images"``, ``"table"``, ``"embeddings"`` or ``"windows"``.
    source : str
        Where the rows come from, for people.
    reference, query : ndarray, shapes (n, ...) and (m, ...)
        The two sides.
    pairs : ndarray of int64, shape (p, 2)
        Query row and reference row of each planted copy.
    kind : ndarray of int64, shape (p,)
        How the copy was altered: an index into `kinds`.
    kinds : tuple of str
    radius : float
        Just more than the largest distance from a copy to its original: what every method is asked for.
    asked : ndarray of int64, shape (a,)
        Query rows of which every neighbour within the radius is known.
    neighbours : ndarray of int64, shape (k, 2)
        Those neighbours: query row and reference row.
    """

    name: str
    source: str
    reference: Array
    query: Array
    pairs: Numbers
    kind: Numbers
    kinds: tuple[str, ...]
    radius: float
    asked: Numbers
    neighbours: Numbers

    @property
    def rows(self) -> int:
        """Rows of both sides."""
        return len(self.reference) + len(self.query)

    @property
    def nbytes(self) -> int:
        """Bytes of both sides."""
        return self.reference.nbytes + self.query.nbytes

    def points(self, rows: Array) -> NDArray[np.float32]:
        """Return rows as float32 points, shape (n, d), on which distances are Euclidean."""
        return np.ascontiguousarray(rows.reshape(len(rows), -1), dtype=np.float32)

    def distances(self, pairs: Numbers) -> NDArray[np.float64]:
        """Return the distance of each pair of a query and a reference row, in float64."""
        query, reference = (side.reshape(len(side), -1) for side in (self.query, self.reference))
        found = np.empty(len(pairs))
        step = max(1, BLOCK // query.shape[1])
        for start in range(0, len(pairs), step):
            part = pairs[start : start + step]
            gap = query[part[:, 0]].astype(np.float64) - reference[part[:, 1]]
            found[start : start + step] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
        return found

    def within(self, rows: Numbers) -> Numbers:
        """Return, by brute force, all pairs of the given query rows and a reference row within the radius."""
        asked = self.points(self.query[rows])
        lengths = np.einsum("ij,ij->i", asked, asked)
        step = max(1, BLOCK // max(1, len(rows)))
        found = [np.zeros((0, 2), dtype=np.int64)]
        for start in range(0, len(self.reference), step):
            block = self.points(self.reference[start : start + step])
            own = np.einsum("ij,ij->i", block, block)
            squared = lengths[:, None] + own - 2.0 * (asked @ block.T)
            # Float32 cancels: take somewhat more here, and measure what is taken in float64 below.
            most = self.radius**2 + 1e-5 * (lengths[:, None] + own)
            which, where = np.nonzero(squared <= most)
            found.append(np.column_stack([rows[which], where + start]))
        pairs = np.concatenate(found)
        return pairs[self.distances(pairs) <= self.radius]

    def subset(self, queries: float, references: float, seed: int = 0) -> Subset:
        """Return a share of each side that keeps planted copies together with their originals."""
        rng = np.random.default_rng(seed)
        kept = rng.permutation(len(self.pairs))[: max(1, round(min(queries, references) * len(self.pairs)))]
        rows = [
            _filled(self.pairs[kept, side], len(whole), share, rng)
            for side, whole, share in ((0, self.query, queries), (1, self.reference, references))
        ]
        return Subset(*rows)

    def cut(self, subset: Subset) -> Planted:
        """Return the data set on a subset of rows, numbered anew."""
        places = []
        for rows, whole in ((subset.query, self.query), (subset.reference, self.reference)):
            place = np.full(len(whole), -1, dtype=np.int64)
            place[rows] = np.arange(len(rows))
            places.append(place)
        pairs = np.column_stack([places[0][self.pairs[:, 0]], places[1][self.pairs[:, 1]]])
        near = np.column_stack([places[0][self.neighbours[:, 0]], places[1][self.neighbours[:, 1]]])
        asked = places[0][self.asked]
        there = (pairs >= 0).all(axis=1)
        return replace(
            self,
            reference=self.reference[subset.reference],
            query=self.query[subset.query],
            pairs=pairs[there],
            kind=self.kind[there],
            asked=asked[asked >= 0],
            neighbours=near[(near >= 0).all(axis=1)],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """Row numbers of each side, ascending."""

    query: Numbers
    reference: Numbers


def _filled(first: Numbers, n: int, share: float, rng: np.random.Generator) -> Numbers:
    wanted = min(n, max(first.size, round(share * n)))
    if wanted == n:
        return np.arange(n, dtype=np.int64)
    free = np.ones(n, dtype=bool)
    free[first] = False
    more = rng.permutation(np.flatnonzero(free))[: wanted - np.unique(first).size]
    rows: Numbers = np.union1d(first, more)
    return rows


def finished(planted: Planted, seed: int = 0) -> Planted:
    """Return the data set with its radius, and with the neighbours of some query rows, from its pairs."""
    planted = replace(planted, radius=MARGIN * float(planted.distances(planted.pairs).max()))
    rng = np.random.default_rng(seed)
    asked = np.sort(rng.permutation(len(planted.query))[:ASKED])
    return replace(planted, asked=asked, neighbours=planted.within(asked))


def save(planted: Planted, folder: Path) -> None:
    """Write a data set, its sides as ``.npy`` so that loading them leaves no peak of memory behind."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "reference.npy", planted.reference)
    np.save(folder / "query.npy", planted.query)
    np.savez(
        folder / "truth.npz",
        pairs=planted.pairs,
        kind=planted.kind,
        asked=planted.asked,
        neighbours=planted.neighbours,
    )
    about = {key: getattr(planted, key) for key in ("name", "source", "kinds", "radius")}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def load(folder: Path) -> Planted:
    """Read what `save` wrote."""
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    with np.load(folder / "truth.npz") as truth:
        return Planted(
            name=about["name"],
            source=about["source"],
            reference=np.load(folder / "reference.npy"),
            query=np.load(folder / "query.npy"),
            pairs=truth["pairs"],
            kind=truth["kind"],
            kinds=tuple(about["kinds"]),
            radius=about["radius"],
            asked=truth["asked"],
            neighbours=truth["neighbours"],
        )
