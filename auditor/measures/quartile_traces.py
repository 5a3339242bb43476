"""Traces of the robust scaler: median 0 and interquartile range 1."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.measures.fitted_sets import Fitted, Floats, mirrored
from auditor.measures.scaler_traces import Material, Scaler, Trace, harm_of
from auditor.measures.small_ball import COLUMNS, joint_log_chance, lattice_step, sample_rows

QUARTILES = (0.25, 0.5, 0.75)
FEW_LEVELS = 10
SCANNED = 4096
"""Evenly spaced features that are looked at."""

GATE = 0.2
"""How far a sample's median may be from 0, and its interquartile range from 1, to be looked at."""


def quartile_traces(found: Material) -> Iterator[Trace]:
    """Yield traces of quartiles, on the smallest sets of splits that show them.

    Had the scaler been fitted on another set of splits, a quartile of these rows would fall on the same
    value only where as many of the other rows lie below it as above. For three quartiles at once, and m
    rows that differ, that has a probability of about ``m ** -1.5``; where values repeat, of the weight
    of one value over the standard error of a rank.
    """
    columns = _candidates(found)
    if not columns.size:
        return
    values = {
        split.name: np.sort(split.flat[:, columns].astype(np.float64), axis=0) for split in found.splits
    }
    quartiles = {fitted: _quartiles([values[name] for name in fitted]) for fitted in found.pooled}
    hits = {fitted: _hits(found, quartiles[fitted]) for fitted in found.pooled}
    for fitted, hit in hits.items():
        parts = [hits[s] for s in hits if set(s) < set(fitted)]
        new = np.flatnonzero(hit & ~np.any([*parts, np.zeros_like(hit)], axis=0))
        if not new.size:
            continue
        log_p = _log_chance(found, fitted, columns[new], quartiles[fitted][:, new])
        if log_p < found.log_bar:
            found.explain(fitted, columns[new])
            yield _trace(fitted, columns[new], log_p, *(quartiles[s][:, new] for s in (fitted, ("train",))))


def _candidates(found: Material) -> NDArray[np.int64]:
    """Return up to 64 features that look robustly scaled in a sample."""
    designed = mirrored(found.pooled[found.names])
    free = np.flatnonzero(found.eligible & ~found.explained_within(found.names) & ~designed)
    if not free.size:
        return free
    free = free[spaced(free.size, SCANNED)]
    near = []
    for part in np.array_split(free, max(1, free.size // 512)):
        low, middle, high = np.quantile(sample_rows(found.flats(found.names), part, 1024), QUARTILES, axis=0)
        near.append(part[(np.abs(middle) < GATE) & (np.abs(np.log(np.maximum(high - low, 1e-9))) < GATE)])
    columns = np.concatenate(near)
    columns = columns[spaced(columns.size, COLUMNS)] if columns.size else columns
    sample = sample_rows(found.flats(found.names), columns)
    return columns[[lattice_step(sample[:, j])[1] >= FEW_LEVELS for j in range(columns.size)]]


def _quartiles(parts: list[Floats]) -> Floats:
    """Return the quartiles over several splits, as NumPy interpolates them, shape (3, k)."""
    together = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if np.isnan(together).any():
        return np.asarray(np.nanquantile(together, QUARTILES, axis=0))
    return np.asarray(np.quantile(together, QUARTILES, axis=0))


def _hits(found: Material, quartiles: Floats) -> NDArray[np.bool_]:
    low, middle, high = quartiles
    tolerance = max(64 * found.epsilon, 1e-10) * (1 + np.abs(low) + np.abs(high))
    return np.asarray((np.abs(middle) <= tolerance) & (np.abs(high - low - 1) <= tolerance) & (low < high))


def _log_chance(found: Material, fitted: Fitted, columns: NDArray[np.int64], quartiles: Floats) -> float:
    values = sample_rows(found.flats(fitted), columns)
    chance = np.sqrt(found.variance[fitted][columns])
    count = found.pooled[fitted].count[columns]
    log_p = np.full(columns.size, math.log(1.5))
    for rank, at in zip(QUARTILES, quartiles, strict=True):
        weight = np.maximum(np.mean(np.abs(values - at) <= 1e-6, axis=0), 1 / count)
        error = math.sqrt(2 * math.pi * rank * (1 - rank)) * chance
        log_p += np.log(np.minimum(weight / error, 1.0))
    return joint_log_chance(values, np.minimum(log_p, 0.0), int(found.eligible.sum()), 3)


def _trace(
    fitted: Fitted, columns: NDArray[np.int64], log_p: float, quartiles: Floats, train: Floats
) -> Trace:
    (low, middle, high), (train_low, train_middle, train_high) = quartiles, train
    miss = float(np.maximum(np.abs(middle), np.abs(high - low - 1)).max())
    train_miss = float(np.maximum(np.abs(train_middle), np.abs(train_high - train_low - 1)).max())
    # The interquartile range of a normal variable is 1.349 standard deviations.
    harm = harm_of(middle, (high - low) / 1.349, train_middle, (train_high - train_low) / 1.349, columns)
    return Trace(Scaler.ROBUST, fitted, columns, log_p, miss, train_miss, harm)
