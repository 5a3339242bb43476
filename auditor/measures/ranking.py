"""How well one column alone tells classes apart or orders a quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 256
"""Bins a column is cut into where it has more distinct values."""

ROWS_A_BIN = 20
"""Rows that a bin holds on average, at least, so that it cannot learn single rows."""

_BLOCK = 2**22
"""Values sorted at a time."""


def column_orders(X: NDArray[Any]) -> NDArray[np.int64]:
    """Return the row numbers that sort each column, shape (d, n); rows of equal value keep their order."""
    orders = np.empty((X.shape[1], X.shape[0]), dtype=np.int64)
    step = max(1, _BLOCK // max(1, X.shape[0]))
    for start in range(0, X.shape[1], step):
        block = np.ascontiguousarray(X[:, start : start + step].T)
        orders[start : start + step] = np.argsort(block, axis=1, kind="stable")
    return orders


def neighbours_disagree(orders: NDArray[np.int64], member: NDArray[Any]) -> NDArray[np.float64]:
    """Return, by column, how often rows next to each other in its order differ in `member`, against chance.

    0 where the column's value tells `member` without error, whatever the function; 1 where it tells
    nothing. `orders` has shape (d, n), `member` shape (n,) and its rows stand in random order, so that
    rows of equal value are mixed.

    Examples
    --------
    >>> X = np.array([[1.0, 5], [2, 7], [3, 6], [4, 8]])
    >>> neighbours_disagree(column_orders(X), np.array([0, 0, 1, 1])).round(2).tolist()
    [0.67, 2.0]
    """
    n = member.size
    share = np.unique(member, return_counts=True)[1] / max(n, 1)
    chance = 1.0 - float((share * share).sum())
    if n < 2 or chance == 0.0:
        return np.ones(orders.shape[0])
    sorted_members = member[orders]
    return np.asarray((sorted_members[:, 1:] != sorted_members[:, :-1]).mean(axis=1) / chance)


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """One column cut into bins, with the share of each class in each.

    Attributes
    ----------
    edges : ndarray of float64, shape (b - 1,)
        Upper ends of the bins but the last.
    shares : ndarray of float64, shape (b, n_classes)
        Share of each class among the bin's rows.
    """

    edges: NDArray[np.float64]
    shares: NDArray[np.float64]


def learn_bins(x: NDArray[Any], codes: NDArray[np.int64], n_classes: int) -> Binned:
    """Cut a finite column into bins of equal values or equal counts, and count classes in each."""
    values = x.astype(np.float64)
    distinct = np.unique(values)
    limit = int(np.clip(values.size // ROWS_A_BIN, 2, BINS))
    if distinct.size > limit:
        distinct = np.unique(np.quantile(values, np.linspace(0, 1, limit + 1), method="lower"))
        edges = distinct[:-1]
    else:
        edges = distinct[:-1] + (distinct[1:] - distinct[:-1]) / 2
    bins = np.searchsorted(edges, values)
    counts = np.bincount(bins * n_classes + codes, minlength=(edges.size + 1) * n_classes)
    counts = counts.reshape(-1, n_classes) + (counts.reshape(-1, n_classes).sum(axis=0) / values.size)
    return Binned(edges, counts / counts.sum(axis=1, keepdims=True))


def held_out_auc(
    binned: Binned, x: NDArray[Any], codes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return each class's area under the ROC curve against the rest, and its rows, on other rows.

    NaN where a class, or the rest, has no row.
    """
    n_bins, n_classes = binned.shares.shape
    bins = np.searchsorted(binned.edges, x.astype(np.float64))
    counts = np.bincount(bins * n_classes + codes, minlength=n_bins * n_classes).reshape(n_bins, n_classes)
    total = counts.sum(axis=0)
    areas = np.full(n_classes, np.nan)
    for c in range(n_classes):
        if 0 < total[c] < x.size:
            _, level = np.unique(binned.shares[:, c], return_inverse=True)
            inside = np.bincount(level, counts[:, c])
            outside = np.bincount(level, counts.sum(axis=1) - counts[:, c])
            below = np.cumsum(outside) - outside
            areas[c] = float((inside * (below + outside / 2)).sum() / (inside.sum() * outside.sum()))
    return areas, total


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
