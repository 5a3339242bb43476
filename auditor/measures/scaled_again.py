"""Standardised features that a preprocessing callable scales once more, with statistics of other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.columns import ColumnStatistics, describe_columns
from auditor.measures.fitted_sets import fitted_sets, pool
from auditor.measures.marginals import Floats
from auditor.measures.scaler_traces import Scaler, Trace
from auditor.probes.application import Applied

STANDARDISED = (Scaler.STANDARD, Scaler.STANDARD_SAMPLE, Scaler.ONE_STANDARD)

SAMPLE_COLUMNS = 64
SAMPLE_ROWS = 4000

MOST = 0.9
"""Share of the features that have to be scaled."""

SHARED = 1e-6
"""Distance, in spreads, at which a statistic of the output is one and the same for all features."""

SHIFT, STRETCH = 0.5, 2.0
"""Mean in standard deviations, and factor on the standard deviation, from which it matters."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaledAgain:
    """Features that came in standardised and went out as something else.

    Attributes
    ----------
    columns : ndarray of int64
        The features.
    compared : int
        Features looked at.
    trace : Trace
        What shows that they were standardised.
    step : str
        The callable.
    mean, std : ndarray
        Of each of them, behind the callable, over the rows that the trace stands on.
    """

    columns: NDArray[np.int64]
    compared: int
    trace: Trace
    step: str
    mean: Floats
    std: Floats


def scaled_again(case: Case, made: Applied, traces: tuple[Trace, ...]) -> ScaledAgain | None:
    """Return the features that came in exactly standardised and that the callable scales again, or None.

    Identity: over the rows that the trace stands on the features have mean 0 and standard deviation 1 to
    rounding. The callable maps each by a slope and an offset of its own, and what comes out is no longer
    centred over any set of splits, nor does it share a minimum and maximum, or a median, as it would
    behind a scaler that was fitted on such rows.
    """
    trace = next((trace for trace in traces if trace.scaler in STANDARDISED), None)
    outputs = {split.name: _flat(made.outputs.get(split.name)) for split in (case.train, *case.comparable)}
    given = case.train.flat
    if trace is None or any(out is None or out.shape[1] != given.shape[1] for out in outputs.values()):
        return None
    chosen = trace.columns[spaced(trace.columns.size, SAMPLE_COLUMNS)]
    parts = {name: out[:, chosen] for name, out in outputs.items() if out is not None}
    if parts["train"].shape[0] != given.shape[0] or parts["train"].dtype.kind != "f":
        return None
    rows = spaced(given.shape[0], SAMPLE_ROWS)
    before = given[np.ix_(rows, chosen)].astype(np.float64)
    after = parts["train"][rows].astype(np.float64)
    straight = _straight(before, after, float(np.finfo(parts["train"].dtype).eps))
    if not straight.size or straight.mean() < MOST:
        return None
    kept = np.flatnonzero(straight)
    statistics = {name: describe_columns(part[:, kept]) for name, part in parts.items()}
    if _is_normal(statistics, [part[:, kept] for part in parts.values()]):
        return None
    pooled = pool(statistics, trace.fitted)
    mean, std = pooled.mean, np.sqrt(pooled.variance)
    away = (np.abs(mean) > SHIFT * std) | (np.abs(np.log(std)) > np.log(STRETCH))
    moved = np.abs(mean) > 1e-3 * std
    if away.mean() < 0.5 or moved.mean() < 0.5:
        return None
    return ScaledAgain(chosen[kept], int(chosen.size), trace, made.steps["train"].name, mean, std)


def _flat(output: NDArray[Any] | None) -> NDArray[Any] | None:
    return None if output is None or not output.size else output.reshape(output.shape[0], -1)


def _straight(before: Floats, after: Floats, eps: float) -> NDArray[np.bool_]:
    """Return which columns of the output are a slope, not 0, and an offset of those of the input."""
    low, high = before.argmin(axis=0), before.argmax(axis=0)
    j = np.arange(before.shape[1])
    span = before[high, j] - before[low, j]
    if not np.isfinite(after).all() or not (span > 0).all():
        return np.zeros(0, dtype=bool)
    slope = (after[high, j] - after[low, j]) / span
    fitted = after[low, j] + slope * (before - before[low, j])
    size = np.abs(after).max(axis=0)
    return np.asarray(
        (slope != 0) & (np.abs(after - fitted).max(axis=0) <= 1e-6 * np.abs(slope) + 64 * eps * size)
    )


def _is_normal(statistics: Mapping[str, ColumnStatistics], parts: list[NDArray[Any]]) -> bool:
    """Whether a scaler's target is met over any set of splits: centred, or one range, or one median."""
    for fitted in fitted_sets(tuple(statistics)):
        pooled = pool(statistics, fitted)
        std = np.sqrt(pooled.variance)
        shared = [pooled.mean, pooled.minimum, pooled.maximum]
        if (np.abs(pooled.mean) <= SHARED * std).mean() > 0.5:
            return True
        if pooled.count.size > 1 and all(_same(values, std) for values in shared[1:]):
            return True
        chosen = [part for name, part in zip(statistics, parts, strict=True) if name in fitted]
        medians = np.median(np.concatenate(chosen).astype(np.float64), axis=0)
        if (np.abs(medians) <= SHARED * std).mean() > 0.5:
            return True
    return False


def _same(values: Floats, std: Floats) -> bool:
    return bool((np.abs(values - np.median(values)) <= SHARED * std).mean() > 0.5)
