"""Whether two samples can come from one population: tests of counts and of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_EXPECTED = 5.0
"""Expected count below which cells are pooled before a chi-square test (Cochran, 1954)."""

MANY_GROUPS = 5000
"""Groups beyond which several are joined before they are split at random."""


def chi_square(table: NDArray[Any]) -> tuple[float, float]:
    """Return Pearson's statistic of homogeneity and its p-value for a table of counts.

    Cells whose expected count is below ``LEAST_EXPECTED`` in a row are pooled, the rarest first. Pooling
    looks at the column totals alone, which are fixed under the null, so that it does not bias the
    test.

    Parameters
    ----------
    table : ndarray, shape (r, k)
        Counts: rows are samples, columns classes.

    Returns
    -------
    statistic, p : float
        0 and 1 where fewer than two columns or rows remain.

    Examples
    --------
    >>> statistic, p = chi_square(np.array([[50, 50], [20, 80]]))
    >>> round(statistic, 2), p < 1e-4
    (19.78, True)
    """
    from scipy.special import chdtrc

    counts = np.asarray(table, dtype=np.float64)
    counts = counts[counts.sum(axis=1) > 0]
    counts = pooled(counts) if counts.size else counts
    if min(counts.shape) < 2:
        return 0.0, 1.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return statistic, float(chdtrc(freedom, statistic))


def proportions_p_value(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the probability of class proportions at least this different, had rows been split at random.

    Twice the smaller of two p-values: Pearson's chi-square, with rare classes pooled, and Fisher's
    exact test of each rare class, corrected for their number.

    Parameters
    ----------
    a, b : ndarray of int, shape (k,)
        Rows of each class in the two samples.

    Examples
    --------
    >>> proportions_p_value(np.array([950, 50]), np.array([10, 10])) < 1e-6
    True
    """
    smallest = min(a.sum(), b.sum()) / max(1, a.sum() + b.sum())
    rare = np.flatnonzero((a + b > 0) & ((a + b) * smallest < LEAST_EXPECTED))
    exact = [_fisher(int(a[c]), int(b[c]), int(a.sum()), int(b.sum())) for c in rare]
    p_exact = min(exact, default=1.0) * max(1, len(exact))
    return float(min(1.0, 2 * min(chi_square(np.stack([a, b]))[1], p_exact)))


def _fisher(in_a: int, in_b: int, n_a: int, n_b: int) -> float:
    """Return twice the hypergeometric tail of one class's count in the smaller sample."""
    from scipy.special import gammaln

    seen, drawn, kept = (in_b, n_b, n_a) if n_b <= n_a else (in_a, n_a, n_b)
    members = in_a + in_b
    possible = np.arange(max(0, members - kept), min(members, drawn) + 1)

    def log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    log_p = log_choose(members, possible) + log_choose(kept + drawn - members, drawn - possible)
    p = np.exp(log_p - float(log_choose(kept + drawn, np.array(drawn))))
    return float(min(1.0, 2 * min(p[possible >= seen].sum(), p[possible <= seen].sum())))


def pooled(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the table with rare columns added up until each is expected often enough in every row."""
    totals = counts.sum(axis=0)
    order = np.argsort(totals, kind="stable")
    order = order[totals[order] > 0]
    smallest = counts.sum(axis=1).min() / counts.sum() if counts.sum() else 0.0
    rare = totals[order] * smallest < LEAST_EXPECTED
    if not rare.any():
        return counts[:, order]
    running = np.cumsum(np.where(rare, totals[order], 0.0)) * smallest
    group = np.where(rare, np.floor(np.minimum(running, running[rare][-1]) / LEAST_EXPECTED), -1)
    # The last, incomplete pool joins the one before it.
    group = np.where(group == group[rare].max(), max(0, group[rare].max() - 1), group)
    made = [counts[:, order[group == g]].sum(axis=1) for g in np.unique(group[rare])]
    made += [counts[:, column] for column in order[~rare]]
    table = np.stack(made, axis=1)
    if table.shape[1] > 1 and table[:, 0].sum() * smallest < LEAST_EXPECTED:
        table = np.column_stack([table[:, 0] + table[:, 1], table[:, 2:]])
    return table


def total_variation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return half the summed differences of two tables of counts: the share of rows out of proportion.

    Examples
    --------
    >>> total_variation(np.array([9, 1]), np.array([5, 5]))
    0.4
    """
    p, q = a / max(1, a.sum()), b / max(1, b.sum())
    return float(np.abs(p - q).sum() / 2)


def cohen_w(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return Cohen's w of `b` against the proportions of `a` and `b` together: 0.1 small, 0.3 medium.

    It weighs a difference by how rare the class is: 0.50 to 0.55 and 0.010 to 0.021 are both 0.1.

    Examples
    --------
    >>> round(cohen_w(np.array([500, 500]), np.array([550, 450])), 3)
    0.1
    """
    p, q = a / max(1, a.sum()), b / max(1, b.sum())
    base = (p + q) / 2
    shown = base > 0
    return float(np.sqrt(((p - q)[shown] ** 2 / base[shown]).sum()))


def log_chance_of_absence(count: float, kept: int, drawn: int) -> float:
    """Return the log probability that `count` rows all stay among the `kept` when `drawn` others are taken.

    Exact (hypergeometric) where rows are split at random.

    Examples
    --------
    >>> round(math.exp(log_chance_of_absence(2, 8, 2)), 4)  # (8/10) (7/9)
    0.6222
    """
    if count > kept:
        return -math.inf
    total = kept + drawn
    return (
        math.lgamma(kept + 1)
        - math.lgamma(kept - count + 1)
        - math.lgamma(total + 1)
        + math.lgamma(total - count + 1)
    )


def kolmogorov_smirnov(a: NDArray[Any], b: NDArray[Any]) -> tuple[float, float]:
    """Return the largest distance of two empirical distributions, and its asymptotic p-value.

    NaN are left out. With ties, and with few values, the p-value is too large: conservative.

    Examples
    --------
    >>> kolmogorov_smirnov(np.array([1, 2, 3, 4]), np.array([3, 4, 5, 6]))[0]
    0.5
    """
    from scipy.special import kolmogorov

    a, b = (np.sort(x[~np.isnan(x)]) for x in (a.astype(np.float64), b.astype(np.float64)))
    if not (a.size and b.size):
        return 0.0, 1.0
    points = np.concatenate([a, b])
    steps = np.searchsorted(a, points, "right") / a.size - np.searchsorted(b, points, "right") / b.size
    distance = float(np.abs(steps).max())
    return distance, float(kolmogorov(distance * math.sqrt(a.size * b.size / (a.size + b.size))))


def grouped_p_value(
    table: NDArray[np.int64],
    drawn: NDArray[np.bool_],
    statistic: Callable[[NDArray[np.int64], NDArray[np.int64]], float],
    rng: np.random.Generator,
    draws: int = 4000,
) -> float:
    """Return the share of random splits of whole groups whose statistic is at least the observed one.

    Beyond ``MANY_GROUPS`` groups, several of one side are first joined at random; where groups can be
    exchanged, so can these.

    Parameters
    ----------
    table : ndarray of int, shape (g, k)
        Rows of each class (or bin) in each group.
    drawn : ndarray of bool, shape (g,)
        Groups of the second sample.
    statistic : callable
        From the counts of the two samples, each of shape (k,), to a number.
    rng : Generator
        For the draws.
    draws : int
        Random splits; the smallest p-value is ``1 / (draws + 1)``.
    """
    joined = -(-table.shape[0] // MANY_GROUPS)
    if joined > 1:
        sides = [table[side] for side in (~drawn, drawn)]
        sides = [_joined(side[rng.permutation(len(side))], joined) for side in sides]
        table = np.concatenate(sides)
        drawn = np.repeat([False, True], [len(side) for side in sides])
    total, taken = table.sum(axis=0), int(drawn.sum())
    mine = table[drawn].sum(axis=0)
    observed = statistic(total - mine, mine)
    hits = 0
    for _ in range(draws):
        mine = table[rng.permutation(len(table))[:taken]].sum(axis=0)
        hits += statistic(total - mine, mine) >= observed
    return (hits + 1) / (draws + 1)


def _joined(table: NDArray[np.int64], several: int) -> NDArray[np.int64]:
    """Return the sums of every `several` consecutive rows of a table."""
    return np.asarray(np.add.reduceat(table, np.arange(0, max(1, len(table)), several), axis=0))
