"""How probable it is that several statistics come out very near given points by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.marginals import grid_step

Floats = NDArray[np.float64]

DENSITY = 2 / math.sqrt(2 * math.pi)
"""Most probability that a normal variable puts within one standard deviation of any point, per unit."""

SAMPLE_ROWS = 4096

RUNS = 20
"""Runs of consecutive values whose lengths are compared."""

EVEN = 0.3
"""Variance of their logs, relative to that of draws, below which a column was designed; 1 in 300 of draws."""

DETERMINED = 0.1
"""A column of which the ones before leave a smaller share of its variance is taken as determined by them."""

COLUMNS = 64
"""Columns that evidence is taken from; more would only add to a proof that is complete."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How the values of some columns are distributed, each of shape (m,).

    Attributes
    ----------
    sigma : ndarray
        Spread of the bulk: never more than the standard deviation, and not moved by heavy tails.
    kurtosis : ndarray
        Between 1.05 and 3, so that no chance is understated.
    independence : ndarray
        Square root of one minus the squared correlation of a value and its square: how little a
        column's mean says about its spread.
    step : ndarray
        Step of the lattice that values stand on; 0 for values on none.
    distinct : ndarray
        Number of different values.
    """

    sigma: Floats
    kurtosis: Floats
    independence: Floats
    step: Floats
    distinct: NDArray[np.int64]


def sample_rows(flats: list[NDArray[Any]], columns: NDArray[np.int64], limit: int = SAMPLE_ROWS) -> Floats:
    """Return evenly spaced rows of several arrays, together, and some of their columns, as float64.

    Non-finite values become the median of their column.
    """
    total = sum(len(flat) for flat in flats)
    step = max(1, -(-total // limit))
    values = np.concatenate([flat[::step][:, columns].astype(np.float64) for flat in flats])
    bad = ~np.isfinite(values)
    for j in np.flatnonzero(bad.any(axis=0)):
        good = values[~bad[:, j], j]
        values[bad[:, j], j] = np.median(good) if good.size else 0.0
    return values


def describe_shape(values: Floats) -> Shape:
    """Return the shape of columns from a sample of their rows, shape (r, m)."""
    m = values.shape[1]
    sd = values.std(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        z = (values - values.mean(axis=0)) / np.where(sd > 0, sd, 1.0)
        skewness, kurtosis = (z**3).mean(axis=0), (z**4).mean(axis=0)
    quartiles = np.quantile(values, (0.25, 0.75), axis=0)
    bulk = (quartiles[1] - quartiles[0]) / 1.349
    correlation = skewness**2 / np.maximum(kurtosis - 1, 1e-9)
    step, distinct = np.zeros(m), np.zeros(m, dtype=np.int64)
    for j in range(m):
        step[j], distinct[j] = lattice_step(values[:, j])
    return Shape(
        np.where(bulk > 0, np.minimum(sd, bulk), sd),
        np.clip(kurtosis, 1.05, 3.0),
        np.sqrt(1 - np.clip(correlation, 0.0, 0.99)),
        step,
        distinct,
    )


def lattice_step(column: Floats) -> tuple[float, int]:
    """Return the step of the lattice that values stand on, and the number of different values.

    Where they stand on no grid but repeat, it is the least gap between them.

    Examples
    --------
    >>> lattice_step(np.array([0.0, 0.5, 0.5, 2.0]))
    (0.5, 3)
    """
    levels = np.unique(column)
    step = grid_step(levels)
    if step > 0 or levels.size < 2 or levels.size > 0.98 * column.size:
        return step, int(levels.size)
    gaps = np.diff(levels)
    gaps = gaps[gaps > 1e-6 * (levels[-1] - levels[0])]
    return (float(gaps.min()) if gaps.size else 0.0), int(levels.size)


def joint_log_chance(
    values: Floats, log_p: Floats, eligible: int, parts: int, least: float = DETERMINED
) -> float:
    """Return the log of a bound on the chance that some columns coincide so well, out of `eligible`.

    The probability that normal statistics with correlation matrix R fall within small distances of a
    point is at most the product of their one-dimensional bounds over ``sqrt(det R)``. Columns are taken
    in order of their own chance; those that the ones before nearly determine add nothing and are left
    out. The bound is multiplied by the number of ways to choose the columns, and the best number of
    columns is taken, each at its own price.

    Parameters
    ----------
    values : ndarray, shape (r, m)
        A sample of rows, from which the correlations are estimated.
    log_p : ndarray, shape (m,)
        Log chance of each column alone.
    eligible : int
        Columns that might have coincided.
    parts : int
        Statistics tested in each column.
    least : float
        Share of a column's variance that the ones before must leave; where there are few columns and many
        rows it is known well, and may be small.
    """
    order = np.argsort(log_p, kind="stable")
    z = values[:, order] - values[:, order].mean(axis=0)
    scale = np.sqrt((z**2).sum(axis=0))
    z = z / np.where(scale > 0, scale, 1.0)
    basis = np.zeros((0, len(z)))
    total, best, taken = 0.0, 0.0, 0
    for i, column in enumerate(order):
        if scale[i] <= 0 or log_p[column] >= 0 or taken >= max(1, len(z) - 2):
            continue
        rest = z[:, i] - basis.T @ (basis @ z[:, i])
        left = float(rest @ rest)
        if left < least:
            continue
        basis = np.vstack([basis, rest / math.sqrt(left)])
        taken += 1
        total += float(log_p[column]) - parts / 2 * math.log(left)
        best = min(best, total + log_choose(eligible, taken) + math.log(taken))
    return best


def log_choose(n: int, k: int) -> float:
    """Return the log of the number of ways to choose `k` of `n`."""
    k = min(k, n)
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def evenly_spread(values: Floats) -> NDArray[np.bool_]:
    """Return the columns, shape (n, m), that are spread far more evenly than draws are, as designs are.

    Sorted draws of any smooth distribution have spacings of ``k`` steps that vary as a gamma variable of
    shape ``k`` does, whose log has variance ``psi'(k)`` (Pyke, 1965); a density that changes only adds to
    it. Latin hypercubes and quasi-random sequences vary by a fraction of that, and their sums come out far
    nearer to the mean than sums of draws.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> cells = (np.arange(500) + rng.random(500)) / 500
    >>> evenly_spread(np.stack([rng.random(500), rng.permutation(cells)], axis=1))
    array([False,  True])
    """
    from scipy.special import polygamma

    n = len(values)
    step = n // RUNS
    if step < 4:
        return np.zeros(values.shape[1], dtype=bool)
    ordered = np.sort(values, axis=0)
    runs = np.diff(ordered[: RUNS * step + 1 : step], axis=0)
    fine = (np.diff(ordered, axis=0) > 0).mean(axis=0) > 0.9
    usable = fine & (runs > 0).all(axis=0) & np.isfinite(ordered).all(axis=0)
    changes = np.diff(np.log(np.where(usable, runs, 1.0)), axis=0)
    return np.asarray(usable & ((changes**2).mean(axis=0) < EVEN * 2 * float(polygamma(1, step))))
