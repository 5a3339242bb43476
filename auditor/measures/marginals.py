"""Marginal distributions of features in two splits, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced

Floats = NDArray[np.float64]

SAMPLE_ROWS = 2000
SAMPLE_COLUMNS = 256

LANDMARK = 0.1
"""A value that this share of both splits takes is a landmark: a background, a zero."""

BACKGROUND = 0.3
"""A landmark of this share is left out, so that the other values are seen."""

GRID_LEVELS = 6
"""Different values needed to see a grid."""

FEWEST = 10
"""Values needed on both sides to say anything of a column's spread."""


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """One feature in two splits.

    Attributes
    ----------
    column : int
        The feature.
    first, second : ndarray
        Its values, sorted, without the landmark where most are.
    landmarks : tuple of float, or None
        The most frequent value of each split, where it is frequent in both.
    """

    column: int
    first: Floats
    second: Floats
    landmarks: tuple[float, float] | None

    @property
    def noise(self) -> float:
        """Kolmogorov distance of two samples of one distribution, exceeded once in a thousand."""
        return kolmogorov_noise(self.first.size, self.second.size)

    @property
    def log_slope(self) -> float:
        """Log of the second split's spread over the first's."""
        return float(np.log(spread(self.second)) - np.log(spread(self.first)))

    @property
    def slope_tolerance(self) -> float:
        """Four standard errors of `log_slope`, as for tails a little heavier than normal."""
        return float(4 * 1.6 * np.sqrt(1 / self.first.size + 1 / self.second.size))


def sampled(flat: NDArray[Any], columns: NDArray[np.int64]) -> Floats:
    """Return up to ``SAMPLE_ROWS`` evenly spaced rows of some columns as float64."""
    rows = spaced(flat.shape[0], SAMPLE_ROWS)
    return np.asarray(flat[rows][:, columns].astype(np.float64))


def marginals(first: NDArray[Any], second: NDArray[Any], columns: NDArray[np.int64]) -> list[Marginal]:
    """Return the features whose spread can be compared between two splits.

    A feature most of whose values are one landmark (zero, a background) is compared on the others. At
    least ten values are needed on each side, and three different ones.
    """
    a, b = sampled(first, columns), sampled(second, columns)
    found = []
    for j, column in enumerate(columns):
        left, right = (np.sort(values[np.isfinite(values[:, j]), j]) for values in (a, b))
        marginal = _marginal(int(column), left, right)
        if marginal is not None:
            found.append(marginal)
    return found


def _marginal(column: int, left: Floats, right: Floats) -> Marginal | None:
    if min(left.size, right.size) < FEWEST:
        return None
    (mode_a, share_a), (mode_b, share_b) = _mode(left), _mode(right)
    landmarks = None
    if min(share_a, share_b) > LANDMARK:
        landmarks = (mode_a, mode_b)
    if min(share_a, share_b) > BACKGROUND:
        left, right = left[left != mode_a], right[right != mode_b]
    if min(left.size, right.size) < FEWEST or spread(left) <= 0 or spread(right) <= 0:
        return None
    return Marginal(column, left, right, landmarks)


def _mode(values: Floats) -> tuple[float, float]:
    """Return the most frequent of sorted values, and its share."""
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(np.r_[starts, values.size])
    top = int(lengths.argmax())
    return float(values[starts[top]]), float(lengths[top] / values.size)


def spread(values: Floats) -> float:
    """Return the interquartile range of sorted values; their range over 2.7 where that is zero.

    Examples
    --------
    >>> spread(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    2.0
    """
    return _at(values, 0.75) - _at(values, 0.25) or float(values.std())


def _at(values: Floats, share: float) -> float:
    """Return a quantile of sorted values, as NumPy interpolates it."""
    place = share * (values.size - 1)
    below = int(place)
    low, high = float(values[below]), float(values[min(below + 1, values.size - 1)])
    return low + (place - below) * (high - low)


def kolmogorov(first: Floats, second: Floats, slack: float = 1e-5) -> float:
    """Return the Kolmogorov distance of two sorted samples, up to a small shift of either.

    A difference in the last bit, or a factor that is a little off, breaks ties, and the plain distance
    then jumps by the weight of an atom. Values of one sample are therefore counted up to `slack` away, in
    units of the lesser spread, as Lévy's distance does.

    Examples
    --------
    >>> kolmogorov(np.array([0.1, 0.2]), np.array([0.1 + 1e-16, 0.2]))
    0.0
    """
    near = slack * min(spread(first), spread(second))
    return max(_excess(first, second, near), _excess(second, first, near))


def kolmogorov_noise(first: int, second: int) -> float:
    """Return the Kolmogorov distance that two samples of one distribution exceed once in a thousand.

    Parameters
    ----------
    first, second : int
        Sizes of the samples.

    Examples
    --------
    >>> round(kolmogorov_noise(200, 200), 3)
    0.195
    """
    return 1.95 * math.sqrt(1 / first + 1 / second)


def _excess(first: Floats, second: Floats, near: float) -> float:
    """Return the most by which the share of `first` up to x exceeds that of `second` up to x + near."""
    steps = np.arange(1, first.size + 1) / first.size
    reached = np.searchsorted(second, first + near, "right") / second.size
    return max(0.0, float((steps - reached).max()))


def same_grid(pair: Marginal) -> bool | None:
    """Return whether both splits' values stand on one grid of equal steps; None where that is open.

    Whole numbers and decimals stand on a grid, and so do their affine images. Two populations share it,
    whatever their location and spread. Where the steps differ as the spreads do, the scales differ.
    """
    first, second = np.unique(pair.first), np.unique(pair.second)
    steps = grid_step(first), grid_step(second)
    shares = [
        _share_on(other, levels[0], step)
        for levels, other, step in ((first, second, steps[0]), (second, first, steps[1]))
        if step > 0 and other.size >= 3
    ]
    if not shares:
        return None
    gaps = [step or np.diff(levels).min() for levels, step in ((first, steps[0]), (second, steps[1]))]
    log_ratio = float(np.log(gaps[1] / gaps[0]))
    follows = abs(log_ratio - pair.log_slope) <= pair.slope_tolerance + 0.05
    # A grid within the other, as halves are among whole numbers: another resolution, or another scale.
    within = follows and abs(log_ratio) > np.log(1.4) and len(shares) == 2 and min(shares) <= 0.6
    if max(shares) >= 0.9 and abs(log_ratio) <= np.log(4) and not within:
        return True
    differs = abs(log_ratio) > np.log(4) or max(shares) <= 0.6 or within
    return False if min(steps) > 0 and follows and differs else None


def grid_step(levels: Floats) -> float:
    """Return the step of the grid that sorted distinct values stand on, or 0.

    Examples
    --------
    >>> grid_step(np.array([0.5, 1.0, 2.0, 3.5, 4.0, 9.0]))
    0.5
    >>> grid_step(np.sqrt(np.arange(9.0)))
    0.0
    """
    if levels.size < GRID_LEVELS:
        return 0.0
    gaps = np.diff(levels)
    step = float(gaps[gaps > 1e-7 * (levels[-1] - levels[0])].min())
    counts = np.cumsum(np.rint(gaps / step))
    if not 0 < counts[-1] < 1e6:
        return 0.0
    step = float(levels[-1] - levels[0]) / float(counts[-1])
    off = np.abs(levels[1:] - levels[0] - counts * step)
    return step if off.max() < 0.05 * step else 0.0


def _share_on(levels: Floats, origin: float, step: float) -> float:
    position = (levels - origin) / step
    return float(np.mean(np.abs(position - np.rint(position)) < 0.1))
