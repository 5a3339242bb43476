"""Candidates among dense rows that agree, to the step, in a few coordinates drawn by entropy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.bands import CAP, distinct_pairs, meet
from auditor.hashing.kernels import twin
from auditor.hashing.mix import mix
from auditor.hashing.points import Points, distances

Numbers = NDArray[np.int64]

SAMPLE, SAMPLE_VALUES = 4096, 2**20
"""Points on which steps, entropies and crowding are measured, and their coordinates, at most."""

LONGEST = 64
"""Coordinates of a band, at most."""

WIDEST = 0.5
"""A step is at most this share of a coordinate's spread, so that it tells rows apart."""

SLACKS = (2.0, 4.0, 8.0, 16.0)
"""A step is one of these multiples of the difference that a pair at the radius has in one coordinate."""

MOST_BANDS = 256
"""Bands tried at most."""

PER_COORDINATE, PER_MOVED, PER_ROW = 3.5, 9.0, 40.0
"""Nanoseconds that a row of a band takes: for each of its coordinates, as it stands or moved and scaled first,
and to be sorted and joined."""

PER_CANDIDATE, PER_VALUE = 60.0, 6.0
"""Nanoseconds that a candidate takes, and each of its own coordinates."""

TELLING = 6
"""Coordinates by which most candidates are passed over before they are measured."""

CROWD, CROWDED = 0.5, 100.0
"""Candidates of a band for each query, at most, and how much worse bands are that yield more: they are held at once."""

_KEY = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs that met in a band, measured.

    Attributes
    ----------
    query, reference : ndarray of int64
        Row numbers of pairs within the radius, sorted.
    distance : ndarray of float64
        Their distances.
    miss_probability : float
        Of a pair at the radius: on the sphere of any, else of one whose difference is spread evenly over the
        coordinates.
    measured : int
        Candidates whose distance was measured, those of several bands several times.
    capped : int
        Pairs left out of crowded buckets.
    complete : bool
        Whether all candidates were measured.
    """

    query: Numbers
    reference: Numbers
    distance: NDArray[np.float64]
    miss_probability: float
    measured: int
    capped: int
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Steps of the usable coordinates.

    `same` is how often two rows agree in each, `stays` the chance that a pair at the radius does; `rows`
    coordinates make a band, and `count` bands keep the miss probability. `cost` is what they take, in
    nanoseconds, and `miss` what they are expected to miss.
    """

    columns: Numbers
    width: NDArray[np.float64]
    same: NDArray[np.float64]
    stays: NDArray[np.float64]
    rows: int
    count: int
    cost: float
    miss: float

    def drawn(self, rng: np.random.Generator) -> Numbers:
        """Draw the coordinates of a band, those that tell rows apart more often."""
        weight = 1e-3 - np.log(self.same)
        return rng.choice(self.columns.size, self.rows, replace=False, p=weight / weight.sum())

    def telling(self, chosen: Numbers) -> Numbers | None:
        """Return a few features that tell rows apart which agree in those of a band; None where none is left."""
        others = np.setdiff1d(np.arange(self.columns.size), chosen)
        best = others[np.argsort(self.same[others], kind="stable")[:TELLING]]
        return self.columns[best] if best.size == TELLING < self.columns.size // 2 else None


def banded(
    reference: Points,
    query: Points | None,
    radius: float,
    grid: Grid,
    rng: np.random.Generator,
    *,
    limit: int,
) -> Candidates:
    """Return pairs within `radius` that agree, to the step, in all coordinates of some band.

    Parameters
    ----------
    reference : Points
        n points.
    query : Points or None
        m points, moved and scaled alike; None pairs the reference with itself.
    radius : float
        Largest distance.
    grid : Grid
        As `planned` chose it for this radius.
    rng : Generator
        Draws coordinates and offsets.
    limit : int
        Pairs, at most.

    Notes
    -----
    A dense row has one token per feature, so MinHash over (feature, code) samples features at a worse rate:
    agreement in a share h of them is a Jaccard similarity of only h / (2 - h). Features are drawn directly
    instead, those that tell rows apart more often, on grids with random offsets.
    """
    found = Found(reference, query, radius, limit)
    missed = 1.0
    for chosen in _bands(grid, rng):
        offset = rng.uniform(size=chosen.size)
        keys = _keys(reference, grid, chosen, offset)
        missed *= 1.0 - float(np.prod(grid.stays[chosen]))
        asked = None if query is None else _keys(query, grid, chosen, offset)
        if not found.add(keys, asked, grid.telling(chosen)):
            break
    return found.answer(missed)


def _bands(grid: Grid, rng: np.random.Generator) -> Iterator[Numbers]:
    """Yield the coordinates of each band, and of more until each coordinate is left out of one.

    Rows that differ in one feature alone, by however much, then meet for certain.
    """
    always = np.ones(grid.columns.size, dtype=bool)
    for _ in range(grid.count):
        chosen = grid.drawn(rng)
        always &= np.isin(np.arange(always.size), chosen)
        yield chosen
    for column in np.flatnonzero(always):
        if always[column] and always.size > 1:
            chosen = np.setdiff1d(grid.drawn(rng), [column])
            always &= np.isin(np.arange(always.size), chosen)
            if chosen.size:
                yield chosen


class Found:
    """Pairs within the radius so far: candidates are measured a band at a time, and only near ones kept."""

    def __init__(self, reference: Points, query: Points | None, radius: float, limit: int) -> None:
        self.reference, self.query, self.radius, self.limit = reference, query, radius, limit
        self.first: list[Numbers] = []
        self.second: list[Numbers] = []
        self.measured = self.capped = self.kept = 0

    def add(
        self, keys: NDArray[np.uint64], asked: NDArray[np.uint64] | None, telling: Numbers | None = None
    ) -> bool:
        """Join one band; return whether there is room for more pairs.

        A distance in some coordinates, `telling`, is no longer than in all: what is too far in them is not measured.
        """
        i, j, left = meet(keys, asked, CAP)
        self.capped += left
        self.measured += i.size
        ours = self.reference if self.query is None else self.query
        if telling is not None and i.size:
            near = distances(ours.only(telling), self.reference.only(telling), i, j) <= self.radius * (
                1 + 1e-6
            )
            i, j = i[near], j[near]
        near = distances(ours, self.reference, i, j) <= self.radius
        i, j = i[near], j[near]
        if self.query is None:
            i, j = np.minimum(i, j), np.maximum(i, j)
        self.first.append(i)
        self.second.append(j)
        self.kept += i.size
        if self.kept > 4 * self.limit:  # most of them may be the same pairs again
            i, j = self._distinct()
            self.first, self.second, self.kept = [i], [j], i.size
        return self.kept <= 2 * self.limit

    def _distinct(self) -> tuple[Numbers, Numbers]:
        return distinct_pairs(self.first, self.second, len(self.reference))

    def answer(self, missed: float) -> Candidates:
        """Return the distinct pairs, at most the limit."""
        i, j = self._distinct()
        complete = i.size <= self.limit
        i, j = i[: self.limit], j[: self.limit]
        d = distances(self.reference if self.query is None else self.query, self.reference, i, j)
        order = np.lexsort((j, d, i))
        return Candidates(i[order], j[order], d[order], missed, self.measured, self.capped, complete)


def planned(
    reference: Points, radius: float, rng: np.random.Generator, *, asked: int, own: bool, miss: float
) -> Grid | None:
    """Choose the steps and bands that cost least: wide steps crowd, so that bands must be long.

    Parameters
    ----------
    reference : Points
    radius : float
    rng : Generator
        Draws the order in which coordinates are tried.
    asked : int
        Query points.
    own : bool
        Whether they are the reference itself.
    miss : float
        Probability of missing a pair at the radius, at most, where ``MOST_BANDS`` allow it.

    Returns
    -------
    Grid or None
        None where no coordinate tells points apart by steps so wide.
    """
    sample = reference.sample(max(256, min(SAMPLE, SAMPLE_VALUES // max(1, reference.width))))
    low, high = np.quantile(sample, (0.05, 0.95), axis=0)
    least, most = sample.min(axis=0), sample.max(axis=0)
    spread = np.where(high > low, high - low, most - least)
    varies = np.flatnonzero(most > least)
    each = radius / np.sqrt(max(1, varies.size))  # in one coordinate, of a difference spread evenly
    hashed, pairs = (1, asked / 2.0) if own else (1 + asked / len(reference), float(asked))
    best: Grid | None = None
    for slack in SLACKS:
        width = np.minimum(WIDEST * spread[varies], np.maximum(slack * each, 1e-6 * spread[varies]))
        steps = np.floor(sample[:, varies] / width)
        same = np.clip((steps == np.roll(steps, len(steps) // 3 or 1, axis=0)).mean(axis=0), 1e-3, 1.0)
        # the mean absolute value of a normal difference is 0.8 of its standard deviation
        stays = np.clip(1.0 - 0.8 * each / width, 0.0, 1.0)
        useful = np.flatnonzero((same < 1.0) & (stays > 0.0))
        if not useful.size:
            continue
        longest = min(useful.size, LONGEST)
        meets = np.exp(np.log(stays[useful]).mean() * np.arange(1, longest + 1))
        count = np.clip(np.ceil(np.log(miss) / np.log1p(-np.minimum(meets, 1.0 - 1e-12))), 1, MOST_BANDS)
        crowd = pairs * len(reference) * _crowding(steps[:, useful], same[useful], rng)
        keyed = (PER_COORDINATE if reference.still else PER_MOVED) * np.arange(1, longest + 1) + PER_ROW
        work = hashed * len(reference) * keyed + (PER_CANDIDATE + PER_VALUE * reference.width) * crowd
        cost = count * work / np.maximum(1.0 - (1.0 - meets) ** count, 1e-12)
        cost[crowd > CROWD * asked] *= CROWDED
        rows = int(np.argmin(cost))
        if best is None or cost[rows] < best.cost:
            best = Grid(
                varies[useful],
                width[useful],
                same[useful],
                stays[useful],
                rows + 1,
                int(count[rows]),
                float(cost[rows]),
                float((1.0 - meets[rows]) ** count[rows]),
            )
    return best


def _crowding(
    steps: NDArray[np.float64], same: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return how often two rows meet in a band of 1, 2, ... coordinates."""
    weight = 1e-3 - np.log(same)
    order = rng.choice(same.size, min(same.size, LONGEST), replace=False, p=weight / weight.sum())
    keys = np.zeros(len(steps), dtype=np.uint64)
    met = np.zeros(order.size)
    for rows, column in enumerate(order):
        keys = mix(keys * _KEY + steps[:, column].astype(np.int64).astype(np.uint64))
        count = np.unique(keys, return_counts=True)[1].astype(np.float64)
        met[rows] = (count * (count - 1.0)).sum() / (len(steps) * max(1, len(steps) - 1))
    return met


def _keys(points: Points, grid: Grid, chosen: Numbers, offset: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return one key per row: the steps of the chosen coordinates, mixed."""
    columns, width = grid.columns[chosen], grid.width[chosen].astype(np.float32)
    picked, shift = points.only(columns), offset.astype(np.float32)
    factors = mix(np.arange(1, columns.size + 1, dtype=np.uint64) * _KEY) | np.uint64(1)
    keys = np.zeros(len(points), dtype=np.uint64)
    kernel = twin("coordinate_keys", len(points) * columns.size)
    for start, block in picked.blocks():
        if kernel is not None:
            kernel(block, width, shift=shift, factors=factors, out=keys[start : start + len(block)])
            continue
        steps = np.floor(block / width + shift).astype(np.int64).view(np.uint64)
        part = keys[start : start + len(block)]
        for column, factor in zip(steps.T, factors, strict=True):
            part += column * factor
        mix(part)
    return keys
