"""Whether two splits are on different scales by what their values are, not by how they are distributed.

Whole numbers, decimals and codes stand on a grid. Populations share it; a scaler that one split went through
moves it, to a step and an origin that differ from feature to feature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.levels import GAIN, Levels
from auditor.measures.marginals import Floats, Marginal, grid_step, kolmogorov, same_grid, spread
from auditor.measures.scale_mismatch import ScaleMismatch, factor_name

SHARED = 8.0
"""Least factor that is another unit and not another instrument or population."""

AGREE = 0.8
"""Share of features that have to follow."""

STRETCHED = 0.25
"""Share of features whose spreads have to differ by more than that."""

MOVED = 0.3
"""Share of the features that differ which have to stand on another grid, more than stand on the same."""

FEWEST = 3
"""Features of few values that one factor has to be shared by."""

APART = 0.15
IMPROVED = 0.25
SLACK = 0.05


@dataclass(frozen=True, slots=True)
class _Told:
    """What one feature says."""

    column: int
    far: bool
    before: float
    after: float
    noise: float

    @property
    def follows(self) -> bool:
        """Whether undoing the map brings the splits together."""
        return self.after <= max(self.noise, 0.15)


def level_factor(levels: list[Levels], pairs: list[Marginal]) -> ScaleMismatch | None:
    """Tell one factor from the values that features take: those of one split are the other's, times it.

    That three features, and eight in ten of all, take exactly the values of another split times one number
    of 8 or more is no accident of sampling: populations take the same values, in other shares.
    """
    images = [one for one in levels if one.is_image and one.offset == 0 and one.slope > 0]
    if len(images) < FEWEST:
        return None
    slopes = np.array([one.slope for one in images])
    factor = float(np.median(slopes))
    follow = [one for one in images if math.isclose(one.slope, factor, rel_tol=1e-4)]
    if abs(math.log(factor)) < math.log(SHARED) or len(follow) < max(FEWEST, AGREE * len(levels)):
        return None
    few = {one.column for one in levels}
    fine = [pair for pair in pairs if pair.column not in few]
    agree = [abs(pair.log_slope - math.log(factor)) <= pair.slope_tolerance + 0.05 for pair in fine]
    if agree and np.mean(agree) < AGREE:
        return None
    columns = [one.column for one in follow] + [
        pair.column for pair, ok in zip(fine, agree, strict=True) if ok
    ]
    known = [round(factor), round(1 / factor)]
    exact = next(
        (s for s in (known[0], 1 / max(known[1], 1)) if math.isclose(s, factor, rel_tol=1e-5)), factor
    )
    return ScaleMismatch(
        "factor",
        float(exact),
        factor_name(float(exact)),
        np.array(sorted(columns), dtype=np.int64),
        len(levels) + len(fine),
        float(np.median([one.before for one in follow])),
        float(np.median([one.after for one in follow])),
        float(np.median([one.noise for one in follow])),
        factor > 1,
        proven=True,
    )


def other_grids(levels: list[Levels], pairs: list[Marginal]) -> ScaleMismatch | None:
    """Tell a split that a scaler was applied to, and one that it was not, by the grids of their values.

    Three in ten of the features stand on another grid, whose step differs as the spread does, or take
    other values throughout, which an affine map makes equal one by one; and with location and scale
    undone, eight in ten of those that differ follow. Populations, and instruments of another gain, do not
    do that: a quarter of the features is stretched by more than one and a half, or has other values a
    spread away.
    """
    few = {one.column for one in levels}
    fine = [pair for pair in pairs if pair.column not in few]
    grids = {one.column: one.same for one in levels} | {pair.column: same_grid(pair) for pair in fine}
    if list(grids.values()).count(False) < 2:
        return None
    every = [_of_levels(one) for one in levels] + [_of_pair(pair) for pair in fine]
    told = [one for one in every if one.before > max(one.noise, APART)]
    moved = [grids[one.column] for one in told]
    if moved.count(False) < max(2, MOVED * len(every), moved.count(True)):
        return None
    # Slopes of spreads are estimates; the values of a feature on another grid give its slope exactly.
    stretched = np.mean([one.far and grids[one.column] is False for one in told])
    follow = [one for one in told if one.follows]
    gain = np.median([one.before for one in told]) - np.median([one.after for one in told])
    if stretched < STRETCHED or len(follow) < AGREE * len(told) or gain < IMPROVED:
        return None
    kind, first_scaled = _look(levels, fine)
    return ScaleMismatch(
        kind,
        math.nan,
        "",
        np.array(sorted(one.column for one in follow), dtype=np.int64),
        len(told),
        float(np.median([one.before for one in told])),
        float(np.median([one.after for one in told])),
        float(np.median([one.noise for one in told])),
        first_scaled,
        proven=True,
    )


def _of_levels(one: Levels) -> _Told:
    return _Told(one.column, one.far, one.before, one.after, one.noise)


def _of_pair(pair: Marginal) -> _Told:
    before = kolmogorov(pair.first, pair.second, SLACK)
    after = kolmogorov(pair.first, aligned(pair), SLACK)
    return _Told(pair.column, _stretched(pair), before, after, pair.noise)


def _stretched(pair: Marginal) -> bool:
    """Whether the step of one split's grid is that of the other's times more than a gain."""
    first, second = grid_step(np.unique(pair.first)), grid_step(np.unique(pair.second))
    return min(first, second) > 0 and abs(math.log(second / first)) > math.log(GAIN)


def undone(pair: Marginal, factor: float) -> Floats:
    """Return the second split's values with a factor undone around the centre that fits best."""
    centres = [(float(np.median(pair.first)), float(np.median(pair.second)))]
    centres += [pair.landmarks] if pair.landmarks else []
    made = [(pair.second - right) / factor + left for left, right in centres]
    return min(made, key=lambda values: kolmogorov(pair.first, values))


def aligned(pair: Marginal) -> Floats:
    """Return the second split's values with centre and spread of the first, by quartiles or by moments."""
    made = undone(pair, math.exp(pair.log_slope))
    moments = (pair.second - pair.second.mean()) * (pair.first.std() / pair.second.std()) + pair.first.mean()
    return min(made, moments, key=lambda values: kolmogorov(pair.first, values, SLACK))


def _look(levels: list[Levels], fine: list[Marginal]) -> tuple[str, bool]:
    """Return how the scaled split looks, and whether it is the first."""
    sides = [
        [*(one.first for one in levels), *(pair.first for pair in fine)],
        [*(one.second for one in levels), *(pair.second for pair in fine)],
    ]
    best = max(
        (float(np.mean([looks(values) for values in side])), kind, at)
        for at, side in enumerate(sides)
        for kind, looks in (
            ("standardised", _standardised),
            ("min-max", _in_unit_range),
            ("robust", _robust),
        )
    )
    if best[0] >= 0.5:
        return best[1], best[2] == 0
    # Scaled features have spreads of one size.
    uneven = [float(np.std([math.log(spread(values)) for values in side])) for side in sides]
    return "rescaled", uneven[0] < uneven[1]


def _standardised(values: NDArray[np.float64]) -> bool:
    return bool(abs(values.mean()) < 0.5 and 0.5 < values.std() < 2 and values[0] < -0.1)


def _in_unit_range(values: NDArray[np.float64]) -> bool:
    return bool(values[0] > -1.2 and values[-1] < 1.2 and values[-1] - values[0] > 0.5)


def _robust(values: NDArray[np.float64]) -> bool:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return bool(abs(middle) < 0.25 and 0.7 < high - low < 1.4)
