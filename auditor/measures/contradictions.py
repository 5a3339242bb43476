"""Rows whose label no near row shares, and how many of them nature explains."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.neighbours import draw_samples, nearest, squared_distances

NEIGHBOURS = 10
"""Near rows that are asked."""

MAX_ROWS = 5000
"""Rows of train that are read."""

_CHUNK = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Contradictions:
    """Rows amid another class.

    Attributes
    ----------
    rows : ndarray of int64
        Rows of train all of whose neighbours carry one label, and they another.
    suggested : ndarray of int64
        Class id of these neighbours.
    natural : float
        Most of them that nature explains: see `contradictions`.
    p : float
        Probability of so many, had nature made them all.
    read : int
        Rows that were read.
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    natural: float
    p: float
    read: int


def contradictions(case: Case, codes: NDArray[np.int64], n_classes: int, seed: int) -> Contradictions:
    """Find rows whose label contradicts all of their neighbours.

    Where a class thins out into another, rows that have one companion left among ten neighbours are at
    least as many as rows that have none: the number of rows with one is a bound on how many of those
    with none are natural. Mistakes stand alone. Mistakes among the neighbours of mistakes are taken off
    the bound: at a rate e, ten times e of the lone rows have one by chance. Of copies, one is asked.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
        Class ids of train, -1 where there is none.
    seed : int
        For the rows drawn.
    """
    from scipy.special import bdtrc

    rng = np.random.default_rng([seed, zlib.crc32(b"contradictions")])
    sample = draw_samples(case, ("train",), rng, MAX_ROWS)["train"]
    known = np.flatnonzero(codes[sample.rows] >= 0)
    known = known[_first_copies(sample.points[known])]
    points, labels, rows = sample.points[known], codes[sample.rows][known], sample.rows[known]
    own, votes = _company(points, labels, n_classes)
    unanimous = votes.max(axis=1, initial=0)
    alone = (own == 0) & (unanimous == NEIGHBOURS)
    in_pairs = (own == 1) & (unanimous == NEIGHBOURS - 1)
    found, by_chance = int(alone.sum()), NEIGHBOURS * alone.mean() * alone.sum() if alone.size else 0.0
    natural = max(0.0, float(in_pairs.sum() - by_chance))
    p = float(bdtrc(found - 1, found + int(np.ceil(natural)), 0.5)) if found else 1.0
    return Contradictions(rows[alone], votes[alone].argmax(axis=1), min(natural, found), p, int(rows.size))


def _first_copies(points: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the sorted numbers of rows that are no copies of earlier ones."""
    if not points.shape[1]:
        return np.arange(min(1, len(points)))
    packed = np.ascontiguousarray(points).view(np.dtype((np.void, 4 * points.shape[1]))).reshape(-1)
    return np.sort(np.unique(packed, return_index=True)[1]).astype(np.int64)


def _company(
    points: NDArray[np.float32], labels: NDArray[np.int64], n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many neighbours share each row's label, and how many carry each label."""
    n = len(points)
    votes = np.zeros((n, n_classes), dtype=np.int64)
    scale = float((points**2).sum(axis=1).mean()) if n else 0.0
    for start in range(0, n, _CHUNK):
        part = slice(start, min(n, start + _CHUNK))
        distances = squared_distances(points[part], points)
        # The row itself lies within rounding of it.
        found = nearest(distances, beyond=1e-5 * scale + 1e-12, k=NEIGHBOURS)
        near = np.where(found >= 0, labels[np.maximum(found, 0)], -1)
        for c in range(n_classes):
            votes[part, c] = (near == c).sum(axis=1)
    return votes[np.arange(n), labels] if n else np.zeros(0, dtype=np.int64), votes
