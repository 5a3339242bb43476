"""Statistics of every feature, in one blockwise pass with float64 accumulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case

BLOCK_BYTES = 2**24
"""Size of a float64 block: large enough to amortise calls, small enough to stay in cache."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnStatistics:
    """Statistics of the features of one split, each an array of shape (d,).

    Non-finite values are counted, and left out of every other figure. `mean`, `variance` (ddof 0),
    `minimum` and `maximum` are NaN where a column has no finite value.
    """

    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    n_nan: NDArray[np.int64]
    n_infinite: NDArray[np.int64]
    n_zero: NDArray[np.int64]

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation, ddof 0."""
        return np.sqrt(self.variance)

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Columns with at least one finite value and no two different ones."""
        return np.asarray((self.count > 0) & (self.minimum == self.maximum))


def column_statistics(case: Case, split: str) -> ColumnStatistics:
    """Product: statistics of every feature of a split."""
    return describe_columns(case[split].flat)


def blocks(flat: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield runs of rows of `flat`, shape (n, d), whose float64 copy takes about ``BLOCK_BYTES``."""
    step = max(1, BLOCK_BYTES // (8 * max(1, flat.shape[1])))
    for start in range(0, flat.shape[0], step):
        yield flat[start : start + step]


def describe_columns(flat: NDArray[Any]) -> ColumnStatistics:
    """Return the statistics of the columns of `flat`, shape (n, d).

    Blocks are merged by the update of Chan, Golub and LeVeque (1983), which does not cancel.

    Examples
    --------
    >>> stats = describe_columns(np.array([[1.0, 5.0], [3.0, np.nan]]))
    >>> stats.mean, stats.variance, stats.n_nan
    (array([2., 5.]), array([1., 0.]), array([0, 1]))
    """
    d = flat.shape[1]
    count, n_nan, n_infinite, n_zero = (np.zeros(d, dtype=np.int64) for _ in range(4))
    mean, m2 = np.zeros(d), np.zeros(d)
    low, high = np.full(d, np.inf), np.full(d, -np.inf)
    for block in blocks(flat):
        values = block.astype(np.float64, order="C")  # sums in one order, whatever the layout
        n = np.full(d, len(values), dtype=np.int64)
        n_zero += (block == 0).sum(axis=0)
        if block.dtype.kind == "f" and not np.isfinite(values).all():
            n, values = _set_aside_non_finite(values, n_nan, n_infinite)
            np.fmin(low, np.where(np.isnan(values), np.inf, values).min(axis=0), out=low)
            np.fmax(high, np.where(np.isnan(values), -np.inf, values).max(axis=0), out=high)
        else:
            np.minimum(low, values.min(axis=0), out=low)
            np.maximum(high, values.max(axis=0), out=high)
        _merge_moments(count, mean, m2, n, values)
    empty = count == 0
    for figure in (mean, m2, low, high):
        figure[empty] = np.nan
    variance = m2 / np.maximum(count, 1)
    variance[low == high] = 0.0
    return ColumnStatistics(count, mean, variance, low, high, n_nan, n_infinite, n_zero)


def _set_aside_non_finite(
    values: NDArray[np.float64], n_nan: NDArray[np.int64], n_infinite: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count NaN and infinity in a block, and return the finite counts and the block with NaN for both."""
    nan, finite = np.isnan(values), np.isfinite(values)
    n_nan += nan.sum(axis=0)
    n_infinite += (~finite & ~nan).sum(axis=0)
    return finite.sum(axis=0), np.where(finite, values, np.nan)


def _merge_moments(
    count: NDArray[np.int64],
    mean: NDArray[np.float64],
    m2: NDArray[np.float64],
    n: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Merge one block into running count, mean and sum of squared deviations, in place."""
    safe = np.maximum(n, 1)
    with np.errstate(over="ignore", invalid="ignore"):  # values near the largest float: variance is infinite
        block_mean = np.nansum(values, axis=0) / safe
        deviations = values - block_mean
        block_m2 = np.nansum(deviations * deviations, axis=0)
        total = np.maximum(count + n, 1)
        delta = np.where(n > 0, block_mean - mean, 0.0)
        mean += delta * n / total
        m2 += block_m2 + delta * delta * (count * (n / total))
    count += n
