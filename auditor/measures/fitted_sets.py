"""Sets of splits that a scaler may have been fitted on: pooled statistics, and what chance allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from auditor.measures.columns import ColumnStatistics

Fitted = tuple[str, ...]
"""Names of the splits a scaler was fitted on, in the order of the case."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Statistics of the features over several splits taken together, each of shape (d,)."""

    count: Floats
    mean: Floats
    variance: Floats
    minimum: Floats
    maximum: Floats


def fitted_sets(names: tuple[str, ...]) -> tuple[Fitted, ...]:
    """Return every non-empty set of splits, the smaller first.

    Examples
    --------
    >>> fitted_sets(("train", "val"))
    (('train',), ('val',), ('train', 'val'))
    """
    return tuple(chosen for size in range(1, len(names) + 1) for chosen in combinations(names, size))


def pool(statistics: Mapping[str, ColumnStatistics], fitted: Fitted) -> Pooled:
    """Return the statistics of several splits together, by the update of Chan, Golub and LeVeque (1983)."""
    first = statistics[fitted[0]]
    count = first.count.astype(np.float64)
    mean = np.where(count > 0, first.mean, 0.0)
    m2 = np.where(count > 0, first.variance * count, 0.0)
    low, high = first.minimum, first.maximum
    with np.errstate(over="ignore", invalid="ignore"):
        for name in fitted[1:]:
            other = statistics[name]
            n = other.count.astype(np.float64)
            total = np.maximum(count + n, 1.0)
            delta = np.where(n > 0, other.mean - mean, 0.0)
            m2 = m2 + np.where(n > 0, other.variance * n, 0.0) + delta**2 * (count * (n / total))
            mean = mean + delta * n / total
            count = count + n
            low, high = np.fmin(low, other.minimum), np.fmax(high, other.maximum)
    return Pooled(count, mean, m2 / np.maximum(count, 1.0), low, high)


def null_variance(counts: Mapping[str, Floats], fitted: Fitted) -> Floats:
    """Return the variance, in units of a row's, that the mean over `fitted` has when it was not.

    Had the scaler been fitted on another set T, the mean over S would differ from T's, which is zero,
    with variance ``1/|S| + 1/|T| - 2 |S and T| / (|S| |T|)`` under a random split. The least over all T
    is the closest alternative, and so the hardest to beat.

    Parameters
    ----------
    counts : mapping of str to ndarray, shape (d,)
        Finite values of every feature, by split.
    fitted : Fitted
        The set S.
    """
    names = tuple(counts)
    size = {s: np.maximum(sum(counts[name] for name in s), 1.0) for s in fitted_sets(names)}
    least = 1.0 / size[fitted]
    for other in fitted_sets(names):
        if other == fitted:
            continue
        common = sum((counts[name] for name in other if name in fitted), np.zeros_like(least))
        variance = 1 / size[fitted] + 1 / size[other] - 2 * common / (size[fitted] * size[other])
        least = np.minimum(least, np.where(variance > 0, variance, np.inf))
    return least


def mirrored(pooled: Pooled) -> NDArray[np.bool_]:
    """Return the columns whose extremes mirror each other, as designed levels do and measurements do not."""
    low, high = pooled.minimum / 2.0, pooled.maximum / 2.0  # halves do not overflow
    return np.asarray(np.abs(low + high) <= 1e-6 * (high - low))
