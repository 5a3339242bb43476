"""SHP006."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.axes import (
    MAX_AXES,
    ROUGHNESS_ROWS,
    Position,
    Reorder,
    axis_order,
    describe_order,
    is_permuted,
    mean_distance,
    position,
    reorders,
    roughness,
)
from auditor.measures.columns import column_statistics

LEAST_DISTANCE = 2.0
"""Mean squared distance of feature means, in units of chance, within which splits are alike."""

EXPLAINED = 5.0
"""Factor by which another order of the axes must shrink a larger distance."""

LEAST_Z = 8.0
"""Standard errors from train's mean: a random split gets there once in 10^15."""

LEEWAY = 0.25
"""How far from the whole way the mean may lie."""

MAX_VALUES = 2**24
"""Values drawn from each split, at most, where rows are long."""

LEAST_ROWS = 20
"""Rows that both splits need before their values are compared."""


@rule(
    "SHP006",
    "axes-in-another-order",
    severity=Severity.ERROR,
    needs=("evaluation split",),
    since="0.1",
    stage="final",
)
def axes_in_another_order(context: Context) -> Iterator[Finding]:
    """Axes of the rows stand in another order in one split.

    ## What it does
    Where the shapes are the same numbers in another order, it names the transpose.

    Where the shapes agree but axes have equal lengths (square images, as many time steps as features),
    or channels can have been moved by a reshape, it tries every order. The mean row of the split must lie
    where train's mean row lies with its axes in that order (75 to 125 % of the way there, at least 8
    standard errors from train's mean, which is where a random split leaves it), and all features must
    agree with that. Where the means say nothing, it compares how rough rows are along one axis and along
    the other: the same difference with the opposite sign, beyond 8 standard errors, is a warning, unless the means
    speak against it.

    ## Why it matters
    A network for channels-last images takes channels-first ones where the lengths allow it, and sees
    stripes. It trains, and the score of the split is near chance.

    ## Example
    PyTorch's (3, 32, 32) for val and TensorFlow's (32, 32, 3) for train; `reshape` in place of
    `transpose`; MATLAB files, which store images by columns.

    ## Fix
    Transpose the split with the axes that the finding names.

    ## Options
    None.

    ## Limits
    Rows whose mean is symmetric and whose texture is the same along both axes cannot be told from
    their transpose. Flattened rows have no axes: see SCL007 for columns in another order. Rows of more
    than 4 axes are compared by shape only.
    """
    train = context.case.train
    for split in context.case.evaluation:
        if is_permuted(split.feature_shape, train.feature_shape):
            if len(split.feature_shape) <= 2 * MAX_AXES:
                yield _by_shape(train, split)
        elif split.feature_shape == train.feature_shape and min(split.n_rows, train.n_rows) >= LEAST_ROWS:
            finding = _by_means(context, split) or _by_roughness(context, split)
            if finding is not None:
                yield finding


def _by_shape(train: Split, split: Split) -> Finding:
    name, here, there = split.name, split.feature_shape, train.feature_shape
    order = axis_order(here, there)
    return Finding(
        f"Rows of {name} have shape {here}, rows of train {there}: {name} has {describe_order(here, there)}.",
        Evidence.of(
            Measure(f"shape of X_{name}", str(split.X.shape)), Measure("shape of X_train", str(train.X.shape))
        ),
        Fix(
            "Transpose it (a reshape would scramble the values).",
            f"X_{name} = np.transpose(X_{name}, {(0, *(axis + 1 for axis in order))})",
        ),
        splits=(name, "train"),
    )


def _by_means(context: Context, split: Split) -> Finding | None:
    train = context.shared(column_statistics, "train")
    here = context.shared(column_statistics, split.name)
    distance = mean_distance(train, here)
    if distance < LEAST_DISTANCE:
        return None
    rng = context.rng("SHP006")
    ours, theirs = (_drawn(s, rng).reshape(-1, s.n_features) for s in (split, context.case.train))
    found: list[tuple[float, Reorder, Position]] = []
    for way in reorders(split.feature_shape):
        other = mean_distance(train, here, way.positions)
        where = position(train, ours, theirs, way.positions)
        if (
            _near(other, distance)
            and other < distance / 2
            and where.z >= LEAST_Z
            and abs(where.share - 1) <= LEEWAY
        ):
            found.append((other, way, where))
    if not found:
        return None
    other, way, where = min(found, key=lambda one: one[0])
    return _by_values(
        split,
        way,
        f"the mean row lies {where.share:.0%} of the way from train's to train's with the axes in the other "
        f"order, {where.z:,.0f} standard errors from where a random split leaves it",
        Measure("standard errors from train's mean", where.z, LEAST_Z),
        Measure("share of the way to the other order", where.share, 1 - LEEWAY, "%"),
        Measure("squared distance of means, in units of chance", distance, LEAST_DISTANCE),
        Measure("the same in the other order", other),
    )


def _near(other: float, distance: float) -> bool:
    """Whether the means of the reordered split agree with train's."""
    return other <= max(LEAST_DISTANCE, distance / EXPLAINED)


def _by_roughness(context: Context, split: Split) -> Finding | None:
    """Compare the roughness along every two axes of equal length."""
    shape = split.feature_shape
    rng = context.rng("SHP006")
    train, here = (context.shared(column_statistics, name) for name in ("train", split.name))
    for way in reorders(shape):
        axes = _exchanged(way.positions.reshape(shape), shape)
        if axes is None or not _near(mean_distance(train, here, way.positions), mean_distance(train, here)):
            continue
        ours, theirs = (_contrast(_drawn(s, rng), *axes) for s in (split, context.case.train))
        if min(ours.size, theirs.size) < LEAST_ROWS:
            continue
        error = math.sqrt(ours.var() / ours.size + theirs.var() / theirs.size)
        kept, exchanged = float(ours.mean() - theirs.mean()), float(ours.mean() + theirs.mean())
        if error == 0 or abs(kept) < LEAST_Z * error or abs(exchanged) > min(3 * error, abs(kept) / 5):
            continue
        if abs(theirs.mean()) < 0.05:
            continue
        return _by_values(
            split,
            way,
            f"rows are rougher along one axis than along the other by {theirs.mean():+.3f} in train and by "
            f"{ours.mean():+.3f} here",
            Measure("difference of roughness from train, in standard errors", kept / error, LEAST_Z),
            Measure("the same with axes exchanged", exchanged / error, 3.0),
            severity=Severity.WARNING,
        )
    return None


def _exchanged(order: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the two axes that a reorder exchanges; None where it does something else."""
    index = np.arange(order.size).reshape(shape)
    for a in range(len(shape)):
        for b in range(a + 1, len(shape)):
            if shape[a] == shape[b] > 1 and np.array_equal(np.swapaxes(index, a, b), order):
                return a, b
    return None


def _drawn(split: Split, rng: np.random.Generator) -> NDArray[np.generic]:
    most = min(ROUGHNESS_ROWS, max(2 * LEAST_ROWS, MAX_VALUES // max(1, split.n_features)))
    if split.n_rows <= most:
        return split.X
    return np.asarray(split.X[np.sort(rng.choice(split.n_rows, most, replace=False))])


def _contrast(rows: NDArray[np.generic], a: int, b: int) -> NDArray[np.float64]:
    """Return (roughness along a - along b) / their sum for each row that has any, between -1 and 1."""
    along_a, along_b = roughness(rows, a), roughness(rows, b)
    total = along_a + along_b
    usable = np.isfinite(total) & (total > 0)
    return np.asarray((along_a[usable] - along_b[usable]) / total[usable])


def _by_values(
    split: Split, way: Reorder, because: str, *measures: Measure, severity: Severity | None = None
) -> Finding:
    name = split.name
    return Finding(
        f"In rows of {name}, {way.said}, although shapes agree: {because}.",
        Evidence.of(*measures),
        Fix("Put the axes into train's order.", way.code.format(X=f"X_{name}")),
        splits=(name, "train"),
        severity=severity,
    )
