"""Whether labels come in random order: runs, and consecutive parts against the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = 5
"""Consecutive parts compared: fifths, the tail that ``validation_split=0.2`` would take."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassOrder:
    """How class labels are ordered.

    Attributes
    ----------
    runs : int
        Stretches of rows with one label.
    expected_runs : float
        Their expectation in random order.
    z : float
        Standard deviations by which there are fewer (negative) or more.
    parts : ndarray of int64, shape (PARTS, k)
        Rows of each class in each consecutive part.
    distances : ndarray of float64, shape (PARTS,)
        Total variation distance of each part from all other rows, beyond what random order gives.
    """

    runs: int
    expected_runs: float
    z: float
    parts: NDArray[np.int64]
    distances: NDArray[np.float64]


def class_order(codes: NDArray[np.int64], n_classes: int) -> ClassOrder:
    """Describe the order of class ids, shape (n,), all at least 0.

    The runs test of Wald and Wolfowitz for any number of classes: in random order the number of runs
    has mean ``n + 1 - sum(n_c^2) / n`` (Mood, 1940).

    Examples
    --------
    >>> class_order(np.repeat([0, 1], 50), 2).z < -9
    True
    """
    n = codes.size
    counts = np.bincount(codes, minlength=n_classes).astype(np.float64)
    runs = int(np.count_nonzero(np.diff(codes))) + 1 if n else 0
    squares, cubes = float((counts**2).sum()), float((counts**3).sum())
    expected = n + 1 - squares / max(1, n)
    variance = 0.0
    if n > 1:
        variance = (squares * (squares + n * (n + 1.0)) - 2 * n * cubes - float(n) ** 3) / (n**2 * (n - 1.0))
    z = (runs - expected) / math.sqrt(variance) if variance > 1e-12 else 0.0
    bounds = np.linspace(0, n, PARTS + 1).astype(np.int64)
    parts = np.stack([np.bincount(codes[a:b], minlength=n_classes) for a, b in pairwise(bounds)])
    return ClassOrder(runs, expected, z, parts, part_distances(parts))


def part_distances(parts: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far each part's class proportions lie from those of all other rows, chance taken off.

    Parameters
    ----------
    parts : ndarray of int, shape (r, k)
        Rows of each class in each part.

    Returns
    -------
    ndarray, shape (r,)
        Total variation distance less its expectation in random order (normal approximation).
    """
    counts = parts.astype(np.float64)
    sizes = counts.sum(axis=1)
    total = counts.sum(axis=0)
    n = sizes.sum()
    rest_sizes = np.maximum(n - sizes, 1)
    p = counts / np.maximum(sizes, 1)[:, None]
    q = (total - counts) / rest_sizes[:, None]
    distance = np.abs(p - q).sum(axis=1) / 2
    share = total / max(1.0, n)
    spread = np.sqrt(share * (1 - share)).sum()
    by_chance = spread * np.sqrt(1 / np.maximum(sizes, 1) + 1 / rest_sizes) / math.sqrt(2 * math.pi)
    return np.asarray(np.maximum(0.0, distance - by_chance))


def rank_parts(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return how much of the ranks' variance lies between consecutive parts, and each part's mean rank.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite quantities in the order of the rows.

    Returns
    -------
    share : float
        Eta squared: 0 in random order, 0.96 for sorted values.
    means : ndarray, shape (PARTS,)
        Mean rank of each part, scaled to (0, 1).

    Examples
    --------
    >>> round(rank_parts(np.arange(1000.0))[0], 2)
    0.96
    """
    n = values.size
    ranks = mid_ranks(values) / max(1, n)
    bounds = np.linspace(0, n, PARTS + 1).astype(np.int64)
    sizes = np.diff(bounds)
    if n < 2 * PARTS or ranks.var() == 0:
        return 0.0, np.full(PARTS, 0.5)
    means = np.add.reduceat(ranks, bounds[:-1]) / sizes
    between = float((sizes * (means - ranks.mean()) ** 2).sum() / n)
    return between / float(ranks.var()), means


def mid_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return ranks from 1, ties sharing their mean rank.

    Examples
    --------
    >>> mid_ranks(np.array([3.0, 1.0, 3.0]))
    array([2.5, 1. , 2.5])
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse.reshape(-1)])
