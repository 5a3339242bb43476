"""Traces that survive oversampling: synthetic rows appended to the rows that were scaled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.measures.fitted_sets import Fitted, Floats
from auditor.measures.scaler_traces import Material, Scaler, Trace, harm_of
from auditor.measures.small_ball import DENSITY, describe_shape, evenly_spread, joint_log_chance, sample_rows

FEATURES = 24
VALUES = 4_000_000
"""Values of train that running sums are taken of: fewer features for more rows."""

FEWEST = 20
HIT = 3e-3
FEW_LEVELS = 10
PLAUSIBLE = 0.5
"""Train's means may be off by so many standard deviations, and its spread by this share, after oversampling."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefixes:
    """Moments of some features over every prefix of train, with other rows or without.

    Attributes
    ----------
    count : ndarray, shape (n,)
        Rows counted, by the length of the prefix.
    mean, std : ndarray, shape (n, k)
        Their moments.
    """

    count: Floats
    mean: Floats
    std: Floats

    @property
    def off(self) -> Floats:
        """Distance from mean 0 and standard deviation 1, in standard errors, shape (n, k)."""
        return np.asarray(np.maximum(np.abs(self.mean), np.abs(self.std - 1)) * np.sqrt(self.count)[:, None])


def appended_traces(found: Material) -> Iterator[Trace]:
    """Yield the trace of a standard scaler on the first rows of train, alone or with evaluation rows.

    Oversamplers keep the rows they were given and append synthetic ones, so that the trace stands on a
    prefix. Every length is tried, and every one is paid for.
    """
    if found.explained or ("train",) not in found.pooled:  # one row has no spread
        return
    columns = _candidates(found)
    if columns.size < 2:
        return
    values = {split.name: split.flat[:, columns].astype(np.float64) for split in found.splits}
    if not all(np.isfinite(part).all() for part in values.values()):
        return
    others = found.names[1:]
    for chosen in (part for size in range(len(others) + 1) for part in combinations(others, size)):
        trace = _best(found, columns, values, chosen)
        if trace is not None:
            yield trace
            return


def _candidates(found: Material) -> NDArray[np.int64]:
    """Return features that look nearly standardised in train."""
    train = found.pooled[("train",)]
    std = np.sqrt(train.variance)
    near = (np.abs(train.mean) < PLAUSIBLE) & (np.abs(std - 1) < PLAUSIBLE) & found.eligible
    columns = np.flatnonzero(near)
    if columns.size < 0.5 * found.eligible.sum() or found.splits[0].n_rows <= FEWEST:
        return columns[:0]
    most = min(FEATURES, max(4, VALUES // found.splits[0].n_rows))
    columns = columns[spaced(columns.size, most)]
    levels = describe_shape(sample_rows(found.flats(found.names), columns)).distinct
    columns = columns[levels >= FEW_LEVELS]
    rows = sum(len(flat) for flat in found.flats(found.names))
    return columns[~evenly_spread(sample_rows(found.flats(found.names), columns, rows))]


def _prefixes(train: Floats, more: list[Floats]) -> Prefixes:
    added = sum(len(part) for part in more)
    count = np.arange(added + 1, added + len(train) + 1, dtype=np.float64)
    sums = np.cumsum(train, axis=0) + sum(part.sum(axis=0) for part in more)
    squares = np.cumsum(train**2, axis=0) + sum((part**2).sum(axis=0) for part in more)
    mean = sums / count[:, None]
    std = np.sqrt(np.maximum(squares / count[:, None] - mean**2, 1e-300))
    return Prefixes(count, mean, std)


def _best(
    found: Material, columns: NDArray[np.int64], values: dict[str, Floats], chosen: Fitted
) -> Trace | None:
    """Return the trace on the prefix of train, with these evaluation splits, that fits best."""
    train, more = values["train"], [values[name] for name in chosen]
    prefixes = _prefixes(train, more)
    off = prefixes.off
    # The whole of train is no prefix: other tests have looked at it.
    length = int(np.median(off[FEWEST - 1 : -1], axis=1).argmin()) + FEWEST
    kept = np.flatnonzero(off[length - 1] < HIT)
    if kept.size < 2:
        return None
    rows = np.concatenate([train[:length], *more])[:, kept]
    miss = off[length - 1, kept] + 2 * found.epsilon
    log_p = _log_chance(rows, miss, columns.size) + math.log(len(train))
    if log_p >= found.log_bar:
        return None
    alone = _prefixes(train, [])
    mean, std = prefixes.mean[length - 1, kept], prefixes.std[length - 1, kept]
    train_mean, train_std = alone.mean[length - 1, kept], alone.std[length - 1, kept]
    harm = harm_of(mean, std, train_mean, train_std, columns[kept])
    train_miss = float(max(np.abs(train_mean).max(), np.abs(train_std - 1).max()))
    largest = float(max(np.abs(mean).max(), np.abs(std - 1).max()))
    fitted = ("train", *chosen)
    return Trace(Scaler.STANDARD, fitted, columns[kept], log_p, largest, train_miss, harm, first=length)


def _log_chance(rows: Floats, miss: Floats, eligible: int) -> float:
    """Return the log chance that mean and spread miss their targets by so few standard errors."""
    sample = rows[:: max(1, len(rows) // 4096)]
    shape = describe_shape(sample)
    lattice = shape.step / math.sqrt(2 * math.pi * len(rows))
    p_mean = DENSITY * miss / np.clip(shape.sigma, 1e-3, 1.0) + lattice
    p_spread = DENSITY * miss / np.sqrt((shape.kurtosis - 1) / 4) / shape.independence + lattice
    log_p = np.log(np.minimum(p_mean, 1.0)) + np.log(np.minimum(p_spread, 1.0))
    return joint_log_chance(sample, log_p, eligible, 2)
