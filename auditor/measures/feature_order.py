"""Features of two splits side by side, and how those of one may correspond to those of the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.marginals import Floats, kolmogorov, kolmogorov_noise, spread

APART = 0.3
"""Kolmogorov distance from which two splits of a feature are worth explaining."""

SLACK = 0.02

REVERSED = 64.0
"""Difference of sums of squares, as of eight standard errors, that proves correlations reversed."""

CERTAIN = 14.0
"""Log odds, about a million to one, by which a correspondence has to be likelier than an accident."""


@dataclass(frozen=True, slots=True, eq=False)
class Reordered:
    """How the features of a split correspond to those of another.

    Attributes
    ----------
    kind : str
        ``"columns"``, ``"channels"``, ``"signs"`` or ``"inverted"``.
    columns : ndarray of int64, shape (k,)
        Features (or channels) of the reference that are elsewhere, or have the other sign.
    source : ndarray of int64, shape (k,)
        Where each of them stands in the split.
    before, after, noise : float
        Median distance of the distributions as given and with the order restored, and what two samples of
        one population keep within. For channels, standard errors.
    structure : tuple of float
        How far the correlations of these features are apart, as given and with the order restored; NaN
        where they say nothing.
    certain : bool
        Whether no two populations would look so.
    """

    kind: str
    columns: NDArray[np.int64]
    source: NDArray[np.int64]
    before: float
    after: float
    noise: float
    structure: tuple[float, float] = (math.nan, math.nan)
    certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Two splits of one feature shape.

    Attributes
    ----------
    columns : ndarray of int64, shape (k,)
        Features compared.
    first, second : ndarray, shapes (n, k) and (m, k)
        Sampled rows of both splits.
    apart : ndarray, shape (k,)
        Kolmogorov distance of each feature.
    noise : float
        Distance that two samples of one population keep within.
    """

    columns: NDArray[np.int64]
    first: Floats
    second: Floats
    apart: Floats
    noise: float


def distance(first: Floats, second: Floats) -> float:
    """Return the Kolmogorov distance of two samples, up to a small shift of either.

    Examples
    --------
    >>> distance(np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    0.0
    """
    return kolmogorov(np.sort(first), np.sort(second), SLACK)


def rank_correlations(values: Floats) -> Floats:
    """Return Spearman's correlations, ties at their middle rank; 0 where a feature is constant."""
    ranks = np.empty(values.shape)
    for j, column in enumerate(values.T):
        _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks[:, j] = (np.cumsum(counts) - counts / 2)[codes.reshape(-1)]
    ranks -= ranks.mean(axis=0)
    norm = np.sqrt((ranks**2).sum(axis=0))
    ranks /= np.where(norm > 0, norm, 1.0)
    return np.asarray(ranks.T @ ranks)


def not_by_shift(a: Floats, b: Floats) -> bool:
    """Whether the features differ although location and scale are made equal."""
    x, y = np.sort(a), np.sort(b)
    if min(spread(x), spread(y)) <= 0:
        return False
    aligned = (x - np.median(x)) * (spread(y) / spread(x)) + np.median(y)
    return kolmogorov(aligned, y, SLACK) > kolmogorov_noise(x.size, y.size)
