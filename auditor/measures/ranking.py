"""How well one column alone tells classes apart or orders a quantity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 256
"""Bins a column is cut into where it has more distinct values."""

MANY = 20
"""Classes beyond which none is looked at on its own."""

_BLOCK = 2**20
"""Values sorted at a time."""


def neighbours_disagree(
    X: NDArray[Any], codes: NDArray[np.int64], n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how often rows next to each other in a column's order differ in class, against chance.

    0 where the column's value tells the class without error, whatever the function; 1 where it tells
    nothing.

    Parameters
    ----------
    X : ndarray, shape (n, d)
        Rows in random order, so that those of equal value are mixed.
    codes : ndarray of int64, shape (n,)
    n_classes : int
        One class against the rest is looked at where there are 3 to ``MANY``.

    Returns
    -------
    overall, one_class : ndarray of float64, shape (d,)
        Over all classes, and of the class that is told best from the rest.

    Examples
    --------
    >>> X = np.array([[1.0, 5], [2, 7], [3, 6], [4, 8]])
    >>> neighbours_disagree(X, np.array([0, 0, 1, 1]), 2)[0].round(2).tolist()
    [0.67, 2.0]
    """
    overall, one = np.ones(X.shape[1]), np.ones(X.shape[1])
    share = np.bincount(codes, minlength=n_classes) / max(codes.size, 1)
    chance = 1 - float(share @ share)
    if codes.size < 2 or chance == 0:
        return overall, one
    for part, block in _column_blocks(X):
        told = codes[np.argsort(block, axis=1, kind="stable")]
        overall[part] = (told[:, 1:] != told[:, :-1]).mean(axis=1) / chance
        for c in range(n_classes) if 2 < n_classes <= MANY else ():
            if 0 < share[c] < 1:
                member = told == c
                differ = (member[:, 1:] != member[:, :-1]).mean(axis=1)
                one[part] = np.minimum(one[part], differ / (2 * share[c] * (1 - share[c])))
    return overall, one


def rank_correlations(X: NDArray[Any], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the size of each column's rank correlation with `y`, shape (d,); ties are broken by position.

    Examples
    --------
    >>> rank_correlations(np.array([[9, 1], [8, 5], [7, 2]]), np.array([0.1, 0.2, 0.3])).tolist()
    [1.0, 0.5]
    """
    found = np.zeros(X.shape[1])
    middle = (y.size - 1) / 2
    centred = np.argsort(np.argsort(y, kind="stable"), kind="stable") - middle
    norm = float(centred @ centred)
    if norm == 0:
        return found
    for part, block in _column_blocks(X):
        order = np.argsort(block, axis=1, kind="stable")
        found[part] = np.abs(centred[order] @ (np.arange(y.size) - middle)) / norm
    return found


def _column_blocks(X: NDArray[Any]) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield runs of columns as contiguous rows."""
    step = max(1, _BLOCK // max(1, X.shape[0]))
    for start in range(0, X.shape[1], step):
        part = slice(start, start + step)
        yield part, np.ascontiguousarray(X[:, part].T)


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """One column cut into bins, with how much each class is at home in each.

    Attributes
    ----------
    edges : ndarray of float64, shape (b - 1,)
        Upper ends of the bins but the last.
    scores : ndarray of float64, shape (2, b, n_classes)
        Two ways to rank bins by a class: its share among the bin's rows, which follows any function, and
        the bin's position, upwards or downwards, which is less noisy where the function is monotone.
    """

    edges: NDArray[np.float64]
    scores: NDArray[np.float64]


def learn_bins(x: NDArray[Any], codes: NDArray[np.int64], n_classes: int, rows_a_bin: int) -> Binned:
    """Cut a finite column into bins of equal values or equal counts, and count classes in each.

    Parameters
    ----------
    x : ndarray, shape (n,)
    codes : ndarray of int64, shape (n,)
    n_classes : int
    rows_a_bin : int
        Rows that a bin holds on average, at least, so that it does not learn single rows.
    """
    values = x.astype(np.float64)
    distinct = np.unique(values)
    limit = int(np.clip(values.size // rows_a_bin, 2, BINS))
    if distinct.size > limit:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, limit + 1), method="lower"))[:-1]
    else:
        edges = distinct[:-1] + (distinct[1:] - distinct[:-1]) / 2
    bins = np.searchsorted(edges, values)
    held = np.bincount(bins * n_classes + codes, minlength=(edges.size + 1) * n_classes).reshape(
        -1, n_classes
    )
    counts = held + held.sum(axis=0) / values.size
    shares = counts / counts.sum(axis=1, keepdims=True)
    position = np.arange(shares.shape[0], dtype=np.float64)
    weight = counts.sum(axis=1)
    slope = ((position - np.average(position, weights=weight)) * weight) @ shares
    return Binned(edges, np.stack([shares, position[:, None] * np.where(slope < 0, -1.0, 1.0)]))


def held_out_auc(
    binned: Binned, x: NDArray[Any], codes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return each class's area under the ROC curve against the rest, the better of two, and its rows, on other rows.

    NaN where a class, or the rest, has no row.
    """
    _, n_bins, n_classes = binned.scores.shape
    bins = np.searchsorted(binned.edges, x.astype(np.float64))
    counts = np.bincount(bins * n_classes + codes, minlength=n_bins * n_classes).reshape(n_bins, n_classes)
    total = counts.sum(axis=0)
    areas = np.full(n_classes, np.nan)
    for c in range(n_classes):
        if 0 < total[c] < x.size:
            others = counts.sum(axis=1) - counts[:, c]
            areas[c] = max(_area(scores[:, c], counts[:, c], others) for scores in binned.scores)
    return areas, total


def _area(scores: NDArray[np.float64], inside: NDArray[np.int64], outside: NDArray[np.int64]) -> float:
    """Return the area under the ROC curve of bins that hold so many rows of a class, and of the rest."""
    _, level = np.unique(scores, return_inverse=True)
    ours, theirs = np.bincount(level, inside), np.bincount(level, outside)
    below = np.cumsum(theirs) - theirs
    return float((ours * (below + theirs / 2)).sum() / (ours.sum() * theirs.sum()))


def concordance(x: NDArray[Any], y: NDArray[np.float64]) -> tuple[float, int]:
    """Return the share of disjoint pairs of rows that `x` orders as `y` does or all the other way, and the pairs.

    Rows are paired first half with second half, so they should stand in random order; the pairs are then
    independent. Pairs of equal `y` are left out, equal `x` count half.

    Examples
    --------
    >>> concordance(np.array([1, 2, 3, 4]), np.array([-1.0, -2.0, -3.0, -4.0]))
    (1.0, 2)
    """
    half = y.size // 2
    rise = np.sign(y[half : 2 * half] - y[:half])
    values = x.astype(np.float64)
    step = np.sign(values[half : 2 * half] - values[:half])
    counted = rise != 0
    pairs = int(counted.sum())
    if not pairs:
        return 0.5, 0
    agreement = float((1 + (rise * step)[counted]).sum() / (2 * pairs))
    return max(agreement, 1 - agreement), pairs


def lower_bound(share: float, trials: int, confidence: float = 0.95) -> float:
    """Return the lower end of the one-sided interval of Clopper and Pearson (1934) for `share` of `trials`.

    Examples
    --------
    >>> round(lower_bound(1.0, 100), 4)
    0.9705
    """
    from scipy.special import betaincinv

    successes = share * trials
    if successes <= 0:
        return 0.0
    return float(betaincinv(successes, trials - successes + 1, 1 - confidence))
