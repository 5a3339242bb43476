"""Columns that number the rows: ids, counters, row numbers, equally spaced times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.columns import ColumnStatistics

LEAST_ROWS = 100
"""Rows needed to tell a numbering from chance."""

LEAST_COINCIDENCES = 30.0
"""Pairs of equal values that independent draws would give, from which their absence tells."""

SPARSE = 4.0
"""Steps per row up to which whole numbers are dense enough to be a numbering."""

MAX_COLUMNS = 256
"""Columns whose values are sorted, at most."""

_FIRST = 64
"""Rows looked at before a column is read whole."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """A column that numbers the rows.

    Attributes
    ----------
    column : int
        The feature.
    in_order : bool
        Whether it rises (or falls) strictly from row to row in every split; else its values are spread
        over the splits, each once.
    expected : float
        Pairs of equal values that draws from as many steps would give; infinite where it is in order.
    found : int
        Pairs found.
    """

    column: int
    in_order: bool
    expected: float
    found: int


def numberings(case: Case, stats: ColumnStatistics) -> tuple[tuple[Numbering, ...], int]:
    """Product: the columns that number the rows, and how many could have, of which ``MAX_COLUMNS`` are read.

    n values drawn from R equally spaced ones would meet in n^2 / (2 R) pairs, more where some are more
    common than others (the birthday problem); a numbering uses each once.

    Parameters
    ----------
    stats : ColumnStatistics
        Of train.
    """
    splits = [case.train, *case.comparable]
    n = sum(split.n_rows for split in splits)
    if case.train.n_rows < LEAST_ROWS or case.train.n_features < 2:
        return (), 0
    whole = stats.count == case.train.n_rows
    with np.errstate(over="ignore", invalid="ignore"):
        spread = (stats.maximum - stats.minimum) ** 2 / 12
        even = whole & (spread > 0) & (np.abs(stats.variance / np.where(spread > 0, spread, 1) - 1) < 0.35)
    rising = whole & (stats.variance > 0) & _rises([split.flat for split in splits])
    found = []
    candidates = np.flatnonzero(even | rising)
    for column in candidates[:MAX_COLUMNS].tolist():
        values = [split.flat[:, column].astype(np.float64) for split in splits]
        whole_numbers = all(np.array_equal(v, np.rint(v)) for v in values)
        if whole_numbers and rising[column] and all(_monotone(v) for v in values):
            found.append(Numbering(column, in_order=True, expected=math.inf, found=0))
        elif even[column]:
            expected, pairs = coincidences(np.concatenate(values))
            if expected >= LEAST_COINCIDENCES and pairs <= expected / 10 and expected * 2 * SPARSE >= n:
                found.append(Numbering(column, in_order=False, expected=expected, found=pairs))
    return tuple(found), int(candidates.size)


def _monotone(values: NDArray[np.float64]) -> bool:
    return bool((values[1:] > values[:-1]).all() or (values[1:] < values[:-1]).all())


def _rises(parts: list[NDArray[Any]]) -> NDArray[np.bool_]:
    """Return which columns rise or fall strictly over the first rows of every part."""
    made = np.ones(parts[0].shape[1], dtype=bool)
    for part in parts:
        first = part[:_FIRST]
        made &= (first[1:] > first[:-1]).all(axis=0) | (first[1:] < first[:-1]).all(axis=0)
    return made


def coincidences(values: NDArray[np.float64]) -> tuple[float, int]:
    """Return how many pairs of equal values draws from as many steps would give, and how many there are.

    Numbers that are not whole give 0 expected pairs: grids of a design are equally spaced as well.

    Examples
    --------
    >>> coincidences(np.arange(100.0))
    (50.0, 0)
    """
    if not np.isfinite(values).all() or not np.array_equal(values, np.rint(values)):
        return 0.0, 0
    levels, counts = np.unique(values, return_counts=True)
    if levels.size < 2 or np.abs(levels).max() >= 2**53:
        return 0.0, 0
    step = int(np.gcd.reduce(np.diff(levels).astype(np.int64)))
    positions = (levels[-1] - levels[0]) / step + 1
    return values.size**2 / (2 * float(positions)), int((counts * (counts - 1) // 2).sum())
