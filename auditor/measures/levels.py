"""Features of few values in two splits: the same values, other ones, or an exact affine image of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.marginals import Floats, kolmogorov, kolmogorov_noise, sampled, spread

MOST = 32
"""Different values that a feature of few values has at most."""

REPEATED = 8
"""Times that a value of such a feature is met, on average, in each split."""

NEAR = 1e-5
"""Distance, relative to the largest value, at which two values are one: the rounding of a float32 and more."""

GAIN = 1.5
"""Factor that instruments of one kind keep within."""

OTHER = 0.05
"""Share of rows with a value that the other split has too, below which the splits hold other values."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """One feature of few values in two splits.

    Attributes
    ----------
    column : int
        The feature.
    first, second : ndarray
        Its values, sorted.
    slope, offset : float
        ``second = slope * first + offset`` value for value; NaN where no such map is exact.
    same : bool or None
        Whether the splits hold the same values; False where hardly any row has a value of the other split,
        nor one on its grid, or where all are stretched and some stand between the other's; None where
        that is open.
    """

    column: int
    first: Floats
    second: Floats
    slope: float
    offset: float
    same: bool | None

    @property
    def before(self) -> float:
        """Kolmogorov distance of the splits as given."""
        return kolmogorov(self.first, self.second)

    @property
    def after(self) -> float:
        """The same, with the map undone; 1 where there is none."""
        return kolmogorov(self.first, (self.second - self.offset) / self.slope) if self.is_image else 1.0

    @property
    def noise(self) -> float:
        """Kolmogorov distance of two samples of one distribution, exceeded once in a thousand."""
        return kolmogorov_noise(self.first.size, self.second.size)

    @property
    def far(self) -> bool:
        """Whether the map is more than an instrument's gain: it stretches, or moves the middle by a spread."""
        middle = float(np.median(self.second)) - float(np.median(self.first))
        stretched = abs(math.log(abs(self.slope))) > math.log(GAIN) if self.is_image else False
        return stretched or (self.offset != 0 and abs(middle) > spread(self.first))

    @property
    def is_image(self) -> bool:
        """Whether one split's values are an affine image of the other's."""
        return not math.isnan(self.slope)


def level_pairs(first: NDArray[Any], second: NDArray[Any], columns: NDArray[np.int64]) -> list[Levels]:
    """Return the features that take few values in both splits, each of them often.

    Such features hold the same values in any two samples of a population, and in any two populations that
    were measured alike; only how often they are met differs.
    """
    a, b = sampled(first, columns), sampled(second, columns)
    found = []
    for j, column in enumerate(columns):
        left, right = (np.sort(values[np.isfinite(values[:, j]), j]) for values in (a, b))
        levels = np.unique(left), np.unique(right)
        if few_levels(left, right):
            slope, offset = _image(left, right, *levels)
            found.append(Levels(int(column), left, right, slope, offset, _same(left, right, *levels, slope)))
    return found


def few_levels(left: Floats, right: Floats) -> bool:
    """Whether both splits take few values of a feature, two at least, each of them often."""
    parts = ((np.unique(part).size, part.size) for part in (left, right))
    return all(2 <= count <= min(MOST, size // REPEATED) for count, size in parts)


def held(values: Floats, levels: Floats) -> float:
    """Return the share of sorted values that stand in sorted `levels`.

    Examples
    --------
    >>> held(np.array([0.0, 1.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    0.75
    """
    near = NEAR * max(abs(levels[0]), abs(levels[-1]), abs(values[0]), abs(values[-1]))
    after = np.minimum(np.searchsorted(levels, values), levels.size - 1)
    gaps = np.minimum(np.abs(levels[after] - values), np.abs(levels[np.maximum(after - 1, 0)] - values))
    return float(np.mean(gaps <= near))


def _image(left: Floats, right: Floats, first: Floats, second: Floats) -> tuple[float, float]:
    """Return slope and offset of the map of one split's values onto the other's.

    It is the one that fits their extremes, or, where one split misses a rare value, the steps between
    values and the most frequent of them.
    """
    ends = float(second[-1] - second[0]) / float(first[-1] - first[0])
    steps = float(np.diff(second).min() / np.diff(first).min())
    usual = [
        float(part[np.argmax(np.searchsorted(v, part, "right") - np.searchsorted(v, part))])
        for v, part in ((left, first), (right, second))
    ]
    for slope, moved in ((ends, float(second[0] - ends * first[0])), (steps, usual[1] - steps * usual[0])):
        offset = 0.0 if abs(moved) <= NEAR * max(abs(second[0]), abs(second[-1])) else moved
        if min(held(right, slope * first + offset), held(left, (second - offset) / slope)) >= 1 - OTHER:
            return slope, offset
    return math.nan, math.nan


def _same(left: Floats, right: Floats, first: Floats, second: Floats, slope: float) -> bool | None:
    """Return whether the splits hold the same values, from the shares of rows that they have in common."""
    shares = held(right, first), held(left, second)
    if max(shares) >= 1 - OTHER:
        return True
    off = 1 - min(_on_grid(right, first), _on_grid(left, second))
    if max(shares) <= OTHER and off >= 1 - OTHER:
        return False
    # Three values or more, all stretched alike, and rows between those that the other split can take.
    stretched = not math.isnan(slope) and abs(math.log(abs(slope))) > math.log(GAIN)
    return False if stretched and min(first.size, second.size) >= 3 and off >= 2 * OTHER else None


def _on_grid(values: Floats, levels: Floats) -> float:
    """Return the share of values on the grid that `levels` span, continued to both sides."""
    gaps = np.diff(levels)
    step = float(gaps.min())
    if np.abs(gaps / step - np.rint(gaps / step)).max() > 0.02:
        return 0.0
    position = (values - levels[0]) / step
    return float(np.mean(np.abs(position - np.rint(position)) <= 0.02))
