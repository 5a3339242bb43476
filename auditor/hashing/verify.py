"""Candidates made pairs: the distance of each is measured, and only what lies within reach is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.points import Points, distances
from auditor.hashing.sampling import spaced

Numbers = NDArray[np.int64]

BATCH = 2**16
"""Candidates measured at a time."""

WIDE, SHARE = 256, 4
"""From so many coordinates on, candidates are first compared in a run of one in so many of them."""

JUDGED = 64
"""Candidates by which the run is chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Pairs of points within the radius.

    Attributes
    ----------
    query, reference : ndarray of int64, shape (m,)
        Row numbers of each pair, sorted by query, then distance.
    distance : ndarray of float64, shape (m,)
        Their distances.
    candidates : int
        Pairs whose distance was measured.
    complete : bool
        Whether all pairs were; False where there were more than the limit.
    """

    query: Numbers
    reference: Numbers
    distance: NDArray[np.float64]
    candidates: int
    complete: bool


def nothing(*, complete: bool) -> Near:
    """Return the answer without pairs."""
    return Near(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0), 0, complete)


def verified(
    reference: Points,
    query: Points | None,
    reach: NDArray[np.float64],
    pairs: Iterator[tuple[Numbers, Numbers]],
    limit: int,
) -> Near:
    """Measure candidates in batches and keep those within reach, until there are more than `limit`.

    Parameters
    ----------
    reference, query : Points
        None pairs the reference with itself, and only pairs (i, j) with i < j count.
    reach : ndarray of float64, shape (m,)
        Largest distance of each query point.
    pairs : iterator of pairs of ndarray of int64
        Rows of the query and of the reference; each pair once.
    limit : int
        Pairs kept at most: the first found, and of those the nearest of each row first.
    """
    ours = reference if query is None else query
    kept: list[tuple[Numbers, Numbers, NDArray[np.float64]]] = []
    measured = found = 0
    for batch in _batched(pairs, own=query is None):
        measured += batch[0].size
        i, j = _hopeful(ours, reference, batch, reach)
        d = distances(ours, reference, i, j)
        near = d <= reach[i]
        kept.append((i[near], j[near], d[near]))
        found += int(near.sum())
        if found > limit:
            break
    if not kept:
        return nothing(complete=True)
    i, j, d = (np.concatenate(part) for part in zip(*kept, strict=True))
    order = np.lexsort((j, d, i))[:limit]
    return Near(i[order], j[order], d[order], measured, found <= limit)


def _hopeful(
    ours: Points, reference: Points, pairs: tuple[Numbers, Numbers], reach: NDArray[np.float64]
) -> tuple[Numbers, Numbers]:
    """Return the pairs that are not too far apart in some of the coordinates already, those that tell most."""
    i, j = pairs
    whole = ours.contrast or ours.unit or ours.columns is not None or reference.columns is not None
    if whole or ours.width < WIDE or i.size < 2 * JUDGED:
        return pairs
    some = spaced(i.size, JUDGED)
    gaps = (ours.take(i[some]) - reference.take(j[some])) ** 2
    upto = np.concatenate([[0.0], np.cumsum(gaps.sum(axis=0, dtype=np.float64))])
    length = ours.width // SHARE
    start = int(np.argmax(upto[length:] - upto[:-length]))
    run = slice(start, start + length)
    near = distances(_within_run(ours, run), _within_run(reference, run), i, j) <= reach[i] * (1.0 + 1e-6)
    return i[near], j[near]


def _within_run(points: Points, run: slice) -> Points:
    return replace(points, flat=points.flat[:, run], centre=points.centre[run], scale=points.scale[run])


def _batched(pairs: Iterator[tuple[Numbers, Numbers]], *, own: bool) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield pairs in batches worth measuring, and none too large; within one set, each pair once."""
    held: list[tuple[Numbers, Numbers]] = []
    size = 0
    for first, second in pairs:
        i, j = first, second
        if own:
            upper = i < j
            i, j = i[upper], j[upper]
        if i.size:
            held.append((i, j))
            size += i.size
        if size >= BATCH:
            i, j = (np.concatenate(part) for part in zip(*held, strict=True))
            held, size = [], 0
            for start in range(0, i.size, BATCH):
                yield i[start : start + BATCH], j[start : start + BATCH]
    if held:
        i, j = (np.concatenate(part) for part in zip(*held, strict=True))
        yield i, j
