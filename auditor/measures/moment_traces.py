"""Traces of scalers that set a mean and a spread, feature by feature."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.measures.fitted_sets import Fitted, Floats, Pooled, mirrored
from auditor.measures.scaler_traces import Material, Scaler, Trace, harm_of
from auditor.measures.small_ball import (
    COLUMNS,
    DENSITY,
    describe_shape,
    evenly_spread,
    joint_log_chance,
    sample_rows,
)

HIT = 3e-3
"""A statistic nearer to its target than this many standard errors of chance is worth a closer look."""

WINDOW = 20_000
"""Rows from which a window of values is looked at."""

FEW_LEVELS = 10
"""Columns with fewer distinct values may be balanced by design."""

KINDS = (Scaler.STANDARD, Scaler.STANDARD_SAMPLE, Scaler.UNIT_NORM, Scaler.CENTRED)


def moment_traces(found: Material) -> Iterator[Trace]:
    """Yield traces of mean and spread, on the smallest sets of splits that show them.

    The mean over the very rows that a scaler was fitted on is zero, and their standard deviation one,
    to rounding. Over any other set of splits both miss their targets by what random splitting leaves
    (`null_variance`). A statistic closer to its target than a thousandth of that is no chance.
    """
    for kind in KINDS:
        hits = {fitted: _hits(found, fitted, kind) for fitted in found.pooled}
        for fitted, hit in hits.items():
            parts = [hits[s] for s in hits if set(s) < set(fitted)]
            new = hit & ~found.explained_within(fitted) & ~np.any([*parts, np.zeros_like(hit)], axis=0)
            columns = _drawn(found, np.flatnonzero(new))
            if not columns.size:
                continue
            if _by_group(found, fitted, columns):
                found.explain((), columns)  # on any set of splits
                continue
            log_p = _log_chance(found, fitted, columns, kind)
            if log_p < found.log_bar:
                found.explain(fitted, columns)
                yield _trace(found, fitted, columns, kind, log_p)


def _drawn(found: Material, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the features that are not spread evenly by design, whose sums are nearer to zero than chance."""
    if not columns.size:
        return columns
    chosen = columns[spaced(columns.size, COLUMNS)]
    flats = found.flats(found.names)
    size = sum(len(flat) for flat in flats)
    even = np.zeros(chosen.size, dtype=bool)
    for i, column in enumerate(chosen):
        values = np.concatenate([flat[:, column].astype(np.float64) for flat in flats])
        if size > WINDOW:  # a window of values holds all of its neighbours, which a sample of rows does not
            low, high = np.quantile(
                values[:: size // WINDOW + 1],
                np.clip([0.5 - WINDOW / size / 2, 0.5 + WINDOW / size / 2], 0, 1),
            )
            values = values[(values >= low) & (values <= high)]
        even[i] = evenly_spread(values[:, None])[0]
    if chosen.size == columns.size:
        return chosen[~even]
    return columns if even.mean() < 0.5 else columns[:0]


def _target(pooled: Pooled, kind: Scaler) -> Floats:
    """Return the standard deviation, ddof 0, that a scaler leaves."""
    count = np.maximum(pooled.count, 1.0)
    if kind is Scaler.STANDARD:
        return np.ones_like(count)
    if kind is Scaler.STANDARD_SAMPLE:
        return np.asarray(np.sqrt(np.maximum(count - 1, 0) / count))
    if kind is Scaler.UNIT_NORM:
        return np.asarray(1 / np.sqrt(count))
    return np.asarray(np.sqrt(pooled.variance))


def _distances(found: Material, fitted: Fitted, kind: Scaler) -> tuple[Floats, Floats]:
    """Return how far mean and spread are from their targets, relative to the spread."""
    pooled = found.pooled[fitted]
    std, target = np.sqrt(pooled.variance), _target(pooled, kind)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(pooled.mean) / std, np.abs(std / target - 1)


def _hits(found: Material, fitted: Fitted, kind: Scaler) -> NDArray[np.bool_]:
    mean, spread = _distances(found, fitted, kind)
    chance = np.sqrt(found.variance[fitted])
    pooled = found.pooled[fitted]
    usable = found.eligible & (pooled.count > 1) & (pooled.variance > 0) & ~mirrored(pooled)
    return np.asarray(usable & (mean < HIT * chance) & (spread < HIT * chance / np.sqrt(2)))


def _log_chance(found: Material, fitted: Fitted, columns: NDArray[np.int64], kind: Scaler) -> float:
    """Return the log chance that these features hit their targets so well."""
    chosen = columns[spaced(columns.size, COLUMNS)]
    values = sample_rows(found.flats(fitted), chosen)
    everything = describe_shape(sample_rows(found.flats(found.names), chosen))
    keep = everything.distinct >= FEW_LEVELS
    if not keep.any():
        return 0.0
    shape = describe_shape(values)
    mean, spread = (distance[chosen] for distance in _distances(found, fitted, kind))
    chance = np.sqrt(found.variance[fitted][chosen])
    count = found.pooled[fitted].count[chosen]
    std = np.sqrt(found.pooled[fitted].variance[chosen])
    # The mean of n values, each rounded, is good to the rounding over the root of n.
    rounding = 2 * found.epsilon / np.sqrt(count)
    # Sums over a lattice coincide with the probability of one of its points.
    lattice = everything.step / (np.maximum(std, everything.step) * np.sqrt(2 * np.pi) * count * chance)
    sigma = np.minimum(shape.sigma / np.where(std > 0, std, 1.0), 1.0)
    p = DENSITY * (mean + rounding) / (np.maximum(sigma, 1e-3) * chance) + lattice
    if kind is not Scaler.CENTRED:
        wobble = chance * np.sqrt((shape.kurtosis - 1) / 4)
        p_spread = np.minimum(DENSITY * (spread + rounding) / wobble + lattice, 1.0)
        p = p * np.minimum(p_spread / shape.independence, 1.0)
    log_p = np.where(keep, np.log(np.minimum(p, 1.0)), 0.0)
    return joint_log_chance(values, log_p, int(found.eligible.sum()), 1 if kind is Scaler.CENTRED else 2)


def _trace(found: Material, fitted: Fitted, columns: NDArray[np.int64], kind: Scaler, log_p: float) -> Trace:
    miss = max(float(distance[columns].max()) for distance in _distances(found, fitted, kind))
    with np.errstate(invalid="ignore"):
        misses = [distance[columns] for distance in _distances(found, ("train",), kind)]
    train_miss = max(float(np.nan_to_num(one, posinf=0.0).max()) for one in misses)
    whole, train = found.pooled[fitted], found.pooled[("train",)]
    spread, train_spread = np.sqrt(whole.variance[columns]), np.sqrt(train.variance[columns])
    if kind is Scaler.CENTRED:
        spread = train_spread
    harm = harm_of(whole.mean[columns], spread, train.mean[columns], train_spread, columns)
    return Trace(_named(found, fitted, columns, kind), fitted, columns, log_p, miss, train_miss, harm)


def _named(found: Material, fitted: Fitted, columns: NDArray[np.int64], kind: Scaler) -> Scaler:
    """Tell a rotation onto principal components, which leaves no two features correlated."""
    if kind is Scaler.UNIT_NORM or columns.size < 2 or fitted == ("train",):
        return kind
    chosen = columns[:COLUMNS]
    size = sum(len(flat) for flat in found.flats(fitted))
    values = sample_rows(found.flats(fitted), chosen, limit=size)
    std = values.std(axis=0)
    correlation = (values.T @ values) / len(values) / np.outer(std, std)
    apart = np.abs(correlation[np.triu_indices(chosen.size, 1)])
    if np.mean(apart < HIT * np.sqrt(found.variance[fitted][chosen].min())) < 0.9:
        return kind
    return Scaler.PCA if kind is Scaler.CENTRED else Scaler.WHITENED


def _by_group(found: Material, fitted: Fitted, columns: NDArray[np.int64]) -> bool:
    """Whether every group has scaled these features for itself, which makes any set of groups exact."""
    splits = [split for split in found.splits if split.name in fitted]
    if any(split.groups is None for split in splits):
        return False
    chosen = columns[:8]
    means = [_group_means(split.flat[:, chosen].astype(np.float64), split.groups) for split in splits]
    return bool(np.nanmax(np.abs(np.concatenate(means))) < 1e-3)


def _group_means(values: Floats, groups: NDArray[np.generic] | None) -> Floats:
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.bincount(codes)
    sums = np.stack([np.bincount(codes, weights=values[:, j]) for j in range(values.shape[1])], axis=1)
    return np.asarray(sums / counts[:, None])
