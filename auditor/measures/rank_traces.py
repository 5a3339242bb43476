"""Traces of quantile transformers: evenly spread ranks, or their normal scores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.measures.fitted_sets import Fitted, Floats
from auditor.measures.scaler_traces import Harm, Material, Scaler, Trace
from auditor.measures.small_ball import joint_log_chance, sample_rows

NORMAL_END = 5.199337582605575
"""Where scikit-learn clips normal scores: the quantile of 1 - 1e-7."""

FEATURES = 32
SCANNED = 2048
FEWEST = 30
GATE = 0.08
"""Distance of a sample from the even spread at which a feature is looked at."""

TIES = 0.02
"""Share of values that repeat the one before, in sorted order, of a feature that was not designed."""

UNIFORM_STD = math.sqrt(1 / 12)


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Features that look like ranks.

    Attributes
    ----------
    scaler : Scaler
        Uniform or normal.
    columns : ndarray of int64, shape (k,)
        The features.
    values : mapping of str to ndarray, shape (n, k)
        By split, brought to [0, 1].
    """

    scaler: Scaler
    columns: NDArray[np.int64]
    values: dict[str, Floats]


def rank_traces(found: Material) -> Iterator[Trace]:
    """Yield traces of quantile transformers, on the smallest sets of splits that show them.

    Over the rows that were fitted on, a value is its rank, ties taken at their middle, to within a rank.
    Had others been fitted on, rank and value would differ as a Brownian bridge does, whose increments
    over k even steps are independent: that all stay within t standard errors has a probability of at most
    ``sqrt(k + 1) * (t * sqrt(2 (k + 1) / pi)) ** k``, for as many steps as the heaviest tie allows. Designs are spread
    evenly too: both ends have to be reached exactly, and over all rows only features with ties count, which
    designs have none of.
    """
    for scaler in (Scaler.QUANTILE_UNIFORM, Scaler.QUANTILE_NORMAL):
        ranked = _ranked(found, scaler)
        if ranked is None:
            continue
        known: list[tuple[Fitted, NDArray[np.bool_]]] = []
        for fitted in found.pooled:
            smaller = [hit for s, hit in known if set(s) <= set(fitted)]
            log_p, apart = _log_chances(found, ranked, fitted)
            hit = (log_p < math.log(1e-3)) & ~np.any([*smaller, np.zeros(log_p.size, bool)], axis=0)
            if not hit.any():
                continue
            sample = sample_rows(found.flats(fitted), ranked.columns[hit])
            chance = joint_log_chance(sample, log_p[hit], int(found.eligible.sum()), 1)
            if chance < found.log_bar:
                known.append((fitted, hit))
                found.explain(fitted, ranked.columns[hit])
                train = _log_chances(found, ranked, ("train",))[1]
                yield _trace(ranked, fitted, hit, chance, (apart, train))


def _ranked(found: Material, scaler: Scaler) -> Ranked | None:
    """Return features that reach both ends exactly and look evenly spread in a sample."""
    whole = found.pooled[found.names]
    low, high = (0.0, 1.0) if scaler is Scaler.QUANTILE_UNIFORM else (-NORMAL_END, NORMAL_END)
    near = 1e-5 * high
    usable = found.eligible & ~found.explained_within(found.names)
    usable &= (np.abs(whole.minimum - low) < near) & (np.abs(whole.maximum - high) < near)
    columns = np.flatnonzero(usable)
    columns = columns[spaced(columns.size, SCANNED)] if columns.size else columns
    if not columns.size:
        return None
    sample = np.sort(_to_unit(sample_rows(found.flats(found.names), columns, 1024), scaler), axis=0)
    columns = columns[[_rank_distance(sample[:, j])[0] < GATE for j in range(columns.size)]]
    if not columns.size:
        return None
    columns = columns[spaced(columns.size, FEATURES)]
    values = {s.name: _to_unit(s.flat[:, columns].astype(np.float64), scaler) for s in found.splits}
    if not all(np.isfinite(part).all() for part in values.values()):
        return None
    return Ranked(scaler, columns, values)


def _to_unit(values: Floats, scaler: Scaler) -> Floats:
    if scaler is Scaler.QUANTILE_UNIFORM:
        return values
    from scipy.special import ndtr

    return np.asarray(ndtr(values))


def _rank_distance(ordered: Floats) -> tuple[float, int]:
    """Return the largest distance of a value from its rank, the ends apart, and the steps ties allow."""
    n = ordered.size
    starts = np.flatnonzero(np.r_[True, ordered[1:] > ordered[:-1] + 1e-12])
    counts = np.diff(np.r_[starts, n])
    middle = (starts + counts / 2) / n
    inner = (ordered[starts] > 1e-5) & (ordered[starts] < 1 - 1e-5)
    if inner.sum() < 2:
        return 1.0, 0
    return float(np.abs(middle - ordered[starts])[inner].max()), int(n / counts.max())


def _log_chances(found: Material, ranked: Ranked, fitted: Fitted) -> tuple[Floats, Floats]:
    """Return the log chance of each feature, and its distance from the even spread."""
    ordered = np.sort(np.concatenate([ranked.values[name] for name in fitted]), axis=0)
    chance = np.sqrt(found.variance[fitted][ranked.columns])
    log_p, apart = np.zeros(ranked.columns.size), np.ones(ranked.columns.size)
    if len(ordered) < FEWEST:
        return log_p, apart
    for j in range(ranked.columns.size):
        apart[j], steps = _rank_distance(ordered[:, j])
        t = max(apart[j], 0.5 / len(ordered)) / chance[j]
        k = np.arange(1, max(2, min(steps, 64)))
        log_p[j] = min(0.0, float(np.min(k * np.log(t * np.sqrt(2 * (k + 1) / math.pi)) + np.log(k + 1) / 2)))
    log_p[(ordered[0] > 1e-5) | (ordered[-1] < 1 - 1e-5)] = 0.0
    if fitted == found.names and ranked.scaler is Scaler.QUANTILE_UNIFORM:
        log_p[np.mean(np.diff(ordered, axis=0) <= 1e-12, axis=0) < TIES] = 0.0
    return log_p, apart


def _trace(
    ranked: Ranked, fitted: Fitted, hit: NDArray[np.bool_], log_p: float, apart: tuple[Floats, Floats]
) -> Trace:
    here, train = (distance[hit] for distance in apart)
    columns = ranked.columns[hit]
    moved = 0.0 if fitted == ("train",) else float(train.max() / UNIFORM_STD)
    harm = Harm(moved, 1.0, int(columns[train.argmax()]))
    return Trace(ranked.scaler, fitted, columns, log_p, float(here.max()), float(train.max()), harm)
