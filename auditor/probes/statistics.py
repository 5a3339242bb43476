"""Statistics that people write into a function: of columns, of channels, of everything, for any set of splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.columns import ColumnStatistics, describe_columns

Floats = NDArray[np.float64]

QUANTILE_VALUES = 2**25
"""Values up to which quartiles are computed; sorting more takes too long."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """One statistic of some rows, a number per column.

    Attributes
    ----------
    name : str
        In words.
    power : int
        How it answers to a change of units x -> a x + b: 0 moves with the values (a v + b), 1 is a
        spread (a v), 2 a variance (a^2 v).
    values : ndarray of float64, shape (k,)
    """

    name: str
    power: int
    values: Floats

    def under(self, factor: float, offset: float) -> Floats:
        """Return the statistic of the values in other units."""
        if self.power == 0:
            return self.values * factor + offset
        made: Floats = self.values * factor**self.power
        return made


UNITS = (
    ("", 1.0, 0.0),
    (" of the values / 255", 1 / 255, 0.0),
    (" of the values / 127.5 - 1", 1 / 127.5, -1.0),
)
"""Changes of units that usually come before a mean is taken: words, factor, offset."""


def moment_statistics(parts: list[ColumnStatistics]) -> list[Statistic]:
    """Return the statistics that follow from the moments and extremes of parts of the rows."""
    with np.errstate(all="ignore"):
        counts = [np.maximum(part.count, 0) for part in parts]
        n = np.maximum(np.sum(counts, axis=0), 1)
        mean = np.sum([c * np.nan_to_num(p.mean) for c, p in zip(counts, parts, strict=True)], axis=0) / n
        within = [c * np.nan_to_num(p.variance) for c, p in zip(counts, parts, strict=True)]
        between = [c * (np.nan_to_num(p.mean) - mean) ** 2 for c, p in zip(counts, parts, strict=True)]
        variance = (np.sum(within, axis=0) + np.sum(between, axis=0)) / n
        low = np.fmin.reduce([part.minimum for part in parts])
        high = np.fmax.reduce([part.maximum for part in parts])
        sample = variance * n / np.maximum(n - 1, 1)
    return [
        Statistic("mean", 0, mean),
        Statistic("standard deviation", 1, np.sqrt(variance)),
        Statistic("standard deviation (ddof 1)", 1, np.sqrt(sample)),
        Statistic("variance", 2, variance),
        Statistic("variance (ddof 1)", 2, sample),
        Statistic("minimum", 0, low),
        Statistic("maximum", 0, high),
        Statistic("range", 1, high - low),
        Statistic("largest absolute value", 1, np.maximum(np.abs(low), np.abs(high))),
    ]


def quartile_statistics(values: Floats) -> list[Statistic]:
    """Return median and quartiles of the columns; none where there are no values."""
    if not values.size:
        return []
    known = ~np.isnan(values).all(axis=0)
    made = np.full((3, values.shape[1]), np.nan)
    made[:, known] = np.nanquantile(values[:, known], (0.25, 0.5, 0.75), axis=0)
    return [
        Statistic("median", 0, made[1]),
        Statistic("lower quartile", 0, made[0]),
        Statistic("upper quartile", 0, made[2]),
        Statistic("interquartile range", 1, made[2] - made[0]),
    ]


@dataclass(slots=True, eq=False)
class Layout:
    """Rows of every split, laid out so that values which share a statistic stand in one column.

    Attributes
    ----------
    arrays : mapping of str to ndarray, shape (m, k)
        By split.
    """

    arrays: Mapping[str, NDArray[Any]]
    _moments: dict[str, ColumnStatistics] = field(default_factory=dict)
    _statistics: dict[tuple[Any, ...], list[Statistic]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.arrays["train"].shape[1])

    def moments(self, split: str) -> ColumnStatistics:
        """Return the moments of a split, computed once."""
        if split not in self._moments:
            self._moments[split] = describe_columns(self.arrays[split])
        return self._moments[split]

    def spread(self) -> Floats:
        """Return train's standard deviations."""
        return np.nan_to_num(self.moments("train").std)

    def statistics(self, splits: tuple[str, ...], *, quartiles: bool) -> list[Statistic]:
        """Return the statistics of a set of splits, computed once; quartiles or all others."""
        key = (splits, quartiles)
        if key not in self._statistics:
            if quartiles:
                few = sum(array.size for array in self.arrays.values()) <= QUANTILE_VALUES
                arrays = [self.arrays[name] for name in splits]
                self._statistics[key] = quartile_statistics(np.concatenate(arrays)) if few else []
            else:
                self._statistics[key] = moment_statistics([self.moments(name) for name in splits])
        return self._statistics[key]
