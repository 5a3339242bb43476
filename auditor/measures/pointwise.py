"""Whether one split went through a function that another did not: log, square root, clip, rank, rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.affine import comparable_columns
from auditor.measures.columns import ColumnStatistics
from auditor.measures.marginals import (
    GRID_LEVELS,
    SAMPLE_COLUMNS,
    Floats,
    grid_step,
    kolmogorov,
    kolmogorov_noise,
    sampled,
    spread,
)

Function = Callable[[Floats], Floats]

FEWEST = 30
"""Values of a feature needed in both splits."""

APART = 0.3
"""Kolmogorov distance from which two splits of a feature are worth explaining."""

FOLLOW = 0.9
"""Share of the features that are apart which one function has to explain."""

MANY = 4
"""Features that are proof together although another location and scale would explain each as well."""

ALIKE = 0.03
"""Difference of distances that does not tell one function from another."""

SLACK = 0.02


@dataclass(frozen=True, slots=True)
class Map:
    """A function that one split may have gone through.

    Attributes
    ----------
    name : str
        As it is written in NumPy.
    apply, undo : callable
        The function and its inverse, on sorted values.
    domain : tuple of float
        Where it is defined.
    """

    name: str
    apply: Function
    undo: Function
    domain: tuple[float, float] = (-math.inf, math.inf)


MAPS = (
    Map("np.log1p", np.log1p, np.expm1, (0.0, math.inf)),
    Map("np.log", np.log, np.exp, (1e-300, math.inf)),
    Map("np.log10", np.log10, lambda v: 10.0**v, (1e-300, math.inf)),
    Map("np.log2", np.log2, np.exp2, (1e-300, math.inf)),
    Map("np.sqrt", np.sqrt, np.square, (0.0, math.inf)),
    Map("np.cbrt", np.cbrt, lambda v: v**3),
    Map("np.square", np.square, np.sqrt, (0.0, math.inf)),
    Map("np.exp", np.exp, np.log, (-math.inf, 300.0)),
    Map("np.expm1", np.expm1, np.log1p, (-math.inf, 300.0)),
    Map("np.reciprocal", lambda v: np.sort(1 / v), lambda v: np.sort(1 / v), (1e-300, math.inf)),
    Map("np.abs", lambda v: np.sort(np.abs(v)), lambda v: v),
)
"""Functions of one value, without a parameter."""


@dataclass(frozen=True, slots=True, eq=False)
class Transformed:
    """What a split went through.

    Attributes
    ----------
    function : str
        The function, in words or as written in NumPy.
    split, reference : str
        The split that went through it, and the one that did not.
    columns : ndarray of int64
        Features that it explains.
    apart : int
        Features whose distributions differ.
    before, after, noise : float
        Median Kolmogorov distances of these features, as given and with the function applied to the
        reference, and what two samples of one population keep within.
    on_grid : int
        Features whose values, with the function undone, stand on the grid of the reference.
    """

    function: str
    split: str
    reference: str
    columns: NDArray[np.int64]
    apart: int
    before: float
    after: float
    noise: float
    on_grid: int


@dataclass(frozen=True, slots=True, eq=False)
class _Feature:
    column: int
    source: Floats
    image: Floats
    before: float
    noise: float


def transformed(
    case: Case, first: str, second: str, left: ColumnStatistics, right: ColumnStatistics
) -> Transformed | None:
    """Product: the function that one of two splits went through and the other did not, or None.

    Both directions are tried. A function has to bring nine in ten of the features that are apart within
    the noise of two samples. Populations might agree with it by chance. So the values of one feature, with
    the function undone, have to stand on the other split's grid, or two features have to differ by more
    than location and scale, or four have to agree in location, scale and shape.
    """
    columns = comparable_columns(case, left, right)
    columns = columns[spaced(columns.size, SAMPLE_COLUMNS)] if columns.size else columns
    a, b = sampled(case[first].flat, columns), sampled(case[second].flat, columns)
    candidates = []
    clipped = _clipped_split(columns, a, b, (first, second))
    for source, image, names in ((a, b, (second, first)), (b, a, (first, second))):
        features = _features(columns, source, image)
        for name, explain in _explanations():
            found = _explained(features, name, explain, names)
            if found is not None:
                candidates.append(found)
    # Standing on a grid proves the direction. Of functions that fit as well, the more usual is taken.
    proven = [one for one in candidates if one.on_grid] or candidates
    nearest = min((one.after for one in proven), default=0.0)
    return next((one for one in proven if one.after <= nearest + ALIKE), clipped)


def _features(columns: NDArray[np.int64], source: Floats, image: Floats) -> list[_Feature]:
    """Return the features whose distributions are apart."""
    features = []
    for j, column in enumerate(columns):
        x, y = (np.sort(values[np.isfinite(values[:, j]), j]) for values in (source, image))
        if min(x.size, y.size) < FEWEST or x[0] == x[-1] or y[0] == y[-1]:
            continue
        noise = kolmogorov_noise(x.size, y.size)
        before = kolmogorov(x, y, SLACK)
        if before > max(noise, APART):
            features.append(_Feature(int(column), x, y, before, noise))
    return features


def _explanations() -> list[tuple[str, Callable[[_Feature], tuple[Floats, bool] | None]]]:
    """Return what may have been done, each with a function that does it to a feature's source.

    It returns the source's image, sorted, and whether the given image, undone, stands on the source's
    grid; None where it cannot have been done.
    """
    maps = [(entry.name, lambda f, entry=entry: _mapped(f, entry)) for entry in MAPS]
    return [*maps, ("truncation to whole numbers", _truncated), ("ranks", _ranked)]


def _mapped(feature: _Feature, entry: Map) -> tuple[Floats, bool] | None:
    low, high = entry.domain
    if feature.source[0] < low or feature.source[-1] > high:
        return None
    if entry.name == "np.abs" and feature.source[-1] <= 0:
        return None  # all signs turned, which is another mistake
    made = entry.apply(feature.source)
    if not np.isfinite(made).all():
        return None
    with np.errstate(all="ignore"):
        undone = entry.undo(feature.image)
    return made, entry.name != "np.abs" and _on_grid(feature.source, feature.image, undone)


def _truncated(feature: _Feature) -> tuple[Floats, bool] | None:
    whole = np.array_equal(feature.image, np.rint(feature.image))
    if not whole or np.mean(feature.source == np.rint(feature.source)) > 0.5:
        return None
    toward_zero, nearest = np.trunc(feature.source), np.rint(feature.source)
    # Truncation makes one value of many; whole numbers of another gain stand one by one.
    if np.unique(feature.source).size < 2 * np.unique(nearest).size:
        return None
    made = min(toward_zero, nearest, key=lambda values: kolmogorov(values, feature.image))
    return made, True


def _ranked(feature: _Feature) -> tuple[Floats, bool] | None:
    """Replace values by their ranks, in [0, 1] or counted."""
    top = 1.0 if feature.image[-1] <= 1 else float(feature.image[-1])
    n = feature.image.size
    off = float(np.abs(feature.image - np.linspace(0, top, n)).max()) / top if top > 0 else 1.0
    # Ranks among a split's own rows are exact; among more rows, a uniform sample that repeats no value.
    among_more = top == 1.0 and off <= 1.95 / math.sqrt(n) and np.unique(feature.image).size >= 0.95 * n
    if feature.image[0] < 0 or not (off <= 2 / n or among_more):
        return None
    return np.linspace(0, top, feature.source.size), False


def _on_grid(source: Floats, image: Floats, undone: Floats) -> bool:
    """Whether values with a function undone stand on the grid of the source, and others would not."""
    levels = np.unique(source)
    step = grid_step(levels)
    if step <= 0 or not np.isfinite(undone).all():
        return False
    off = [np.unique(values) - levels[0] for values in (undone, image)]
    near = [np.mean(np.abs(part / step - np.rint(part / step)) < 0.02) for part in off]
    # Powers of two and ten are whole numbers of whole numbers.
    told = near[1] < 0.5 or off[1].size >= 2 * GRID_LEVELS
    return bool(told and off[0].size >= 4 and np.ptp(off[0]) > 3 * step and near[0] > 0.95)


def _explained(
    features: list[_Feature],
    name: str,
    explain: Callable[[_Feature], tuple[Floats, bool] | None],
    names: tuple[str, str],
) -> Transformed | None:
    columns, after, grids, shapes = [], [], 0, 0
    for feature in features:
        made = explain(feature)
        if made is None:
            continue
        distance = kolmogorov(made[0], feature.image, SLACK)
        if distance <= feature.noise and feature.before - distance >= APART / 2:
            columns.append(feature.column)
            after.append(distance)
            grids += made[1]
            shapes += _not_by_shift(feature)
    if len(columns) < max(1, FOLLOW * len(features)) or (not grids and shapes < 2 and len(columns) < MANY):
        return None
    chosen = [feature for feature in features if feature.column in set(columns)]
    return Transformed(
        name,
        names[0],
        names[1],
        np.array(columns, dtype=np.int64),
        len(features),
        float(np.median([feature.before for feature in chosen])),
        float(np.median(after)),
        float(np.median([feature.noise for feature in chosen])),
        grids,
    )


def _not_by_shift(feature: _Feature) -> bool:
    """Whether another location and scale do not explain the difference as well."""
    x, y = feature.source, feature.image
    aligned = (x - np.median(x)) * (spread(y) / spread(x)) + np.median(y) if spread(x) > 0 else x
    return kolmogorov(aligned, y, SLACK) > feature.noise


def _clipped_split(
    columns: NDArray[np.int64], a: Floats, b: Floats, names: tuple[str, str]
) -> Transformed | None:
    """Tell a split whose features stop where the other's go on, as many values at the stop as beyond it."""
    for source, image, (reference, split) in ((a, b, names), (b, a, names[::-1])):
        found = []
        for j, column in enumerate(columns):
            x, y = (np.sort(values[np.isfinite(values[:, j]), j]) for values in (source, image))
            if min(x.size, y.size) >= FEWEST and (_stops(x, y) or _stops(-x[::-1], -y[::-1])):
                distance = kolmogorov(np.clip(x, y[0], y[-1]), y, SLACK)
                noise = kolmogorov_noise(x.size, y.size)
                if distance <= noise:
                    found.append((int(column), kolmogorov(x, y, SLACK), distance, noise))
        if len(found) >= 2:
            before, after, noise = (float(np.median([one[i] for one in found])) for i in (1, 2, 3))
            stopped = np.array([one[0] for one in found], dtype=np.int64)
            return Transformed("clipping", split, reference, stopped, len(found), before, after, noise, 0)
    return None


def _stops(source: Floats, image: Floats) -> bool:
    """Whether the image has its top value as often as the source has that or more, and the source has not."""
    top = image[-1]
    at = np.mean(image == top)
    beyond, tied = np.mean(source > top), np.mean(source == top)
    error = 4 * math.sqrt(max(beyond, 1 / source.size) * (1 / source.size + 1 / image.size))
    few = at * image.size < 8 or min(at, beyond) < 0.02
    few |= np.unique(source).size < 0.8 * source.size  # counts have atoms of their own
    return bool(not few and tied <= at / 4 and abs(beyond + tied - at) <= error)
