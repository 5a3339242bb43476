"""Traces of scalers that set extremes: min-max and max-abs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.measures.fitted_sets import Fitted, Floats
from auditor.measures.marginals import grid_step
from auditor.measures.scaler_traces import Harm, Material, Scaler, Trace
from auditor.measures.small_ball import COLUMNS, log_choose

ENDS = {Scaler.MIN_MAX: (0.0, 1.0), Scaler.MIN_MAX_SYMMETRIC: (-1.0, 1.0), Scaler.MAX_ABS: (1.0,)}

FEW_LEVELS = 10

NATURAL_STEPS = frozenset(range(1, 13)) | {
    *(15, 16, 20, 23, 24, 25, 30, 31, 32, 40, 50, 59, 60, 63, 64, 80, 99, 100, 120, 127, 128, 150, 180, 199),
    *(200, 240, 250, 255, 256, 300, 359, 360, 364, 365, 366, 400, 499, 500, 511, 512, 600, 720, 800, 999),
    *(1000, 1023, 1024, 1440, 2000, 2047, 2048, 4095, 4096, 5000, 10000, 65535, 65536),
}
"""Numbers of steps between 0 and 1 that scores, percentages and integer types come in."""

LOG_ODD_STEPS = math.log(0.05)
"""What a number of steps that is none of them counts for."""

LOG_BOTH_ALONE = -2.0
"""The most that an end counts for which an evaluation split reaches as train does: two atoms met once."""

LOG_BEYOND = math.log(1e-3)
"""What counts a feature that reaches its ends exactly, and goes beyond them in rows not fitted on."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Which features reach the ends of a scaler exactly over some splits, and which of those alone."""

    scaler: Scaler
    exact: dict[Fitted, NDArray[np.bool_]]


def extreme_traces(found: Material) -> Iterator[Trace]:
    """Yield traces of extremes.

    The extremes of precisely the rows that were fitted on are the ends of the range. Data that lie in
    [0, 1] by nature reach the ends too, where they have atoms there. Rows take such an atom at some rate;
    that a split holds it exactly once has a probability of 1/e at most, whatever the rate. Features whose
    every end is reached by a row of its own bound the chance of nature by ``exp(-ends)``, every choice
    of features paid for. That an evaluation split by itself reaches ends that train has set takes ties with
    train's extremes: no likelier than ties of other values, or two atoms that each were met once.
    """
    for scaler in ENDS:
        free = ~found.explained_within(found.names)
        reach = Reach(scaler, {fitted: _exact(found, fitted, scaler) & free for fitted in found.pooled})
        counts = {fitted: int(exact.sum()) for fitted, exact in reach.exact.items()}
        most = max(counts.values())
        if most == 0:
            continue
        best = min((s for s in counts if counts[s] == most), key=lambda s: (len(s), found.names.index(s[0])))
        sets = [best, *((name,) for name in found.names if (name,) != best and len(best) == 1)]
        for fitted in sets:
            trace = _trace(found, reach, fitted, lead=best)
            if trace is not None:
                found.explain(fitted, trace.columns)
                yield trace


def _tolerance(found: Material) -> float:
    return max(64 * found.epsilon, 1e-9)


def _exact(found: Material, fitted: Fitted, scaler: Scaler) -> NDArray[np.bool_]:
    """Return the features whose extremes over some splits are the ends."""
    pooled, tolerance = found.pooled[fitted], _tolerance(found)
    usable = found.eligible & (pooled.count > 1)
    if scaler is Scaler.MAX_ABS:
        reach = np.fmax(np.abs(pooled.minimum), np.abs(pooled.maximum))
        proper = ~_exact(found, fitted, Scaler.MIN_MAX) & ~_exact(found, fitted, Scaler.MIN_MAX_SYMMETRIC)
        return np.asarray(usable & proper & (np.abs(reach - 1) <= tolerance))
    low, high = ENDS[scaler]
    return np.asarray(
        usable & (np.abs(pooled.minimum - low) <= tolerance) & (np.abs(pooled.maximum - high) <= tolerance)
    )


def _trace(found: Material, reach: Reach, fitted: Fitted, lead: Fitted) -> Trace | None:
    """Return the trace on some splits if nature and a fit on train alone are both ruled out."""
    columns = np.flatnonzero(reach.exact[fitted])
    if not columns.size or (fitted != lead and not _as_many(reach, fitted, lead)):
        return None
    if fitted != ("train",) and "train" in fitted and not _tops_outside(found, columns, reach.scaler):
        return None
    within = _in_range(found, fitted, reach.scaler)
    log_p = _log_chance(found, reach, fitted, columns, int(within.sum()))
    if log_p >= found.log_bar:
        return None
    return Trace(
        reach.scaler,
        fitted,
        columns,
        log_p,
        _miss(found, fitted, columns, reach.scaler),
        _miss(found, ("train",), columns, reach.scaler),
        _harm(found, columns, reach.scaler),
    )


def _tops_outside(found: Material, columns: NDArray[np.int64], scaler: Scaler) -> bool:
    """Whether several features reach their upper end outside train only.

    Their lower end will not do: zeros are natural, and a max-abs scaler fitted on train keeps them.
    """
    train = found.pooled[("train",)]
    top = train.maximum[columns]
    if scaler is Scaler.MAX_ABS:
        top = np.fmax(top, -train.minimum[columns])
    return bool((top < 1 - 1e3 * _tolerance(found)).sum() >= max(2, 0.05 * columns.size))


def _as_many(reach: Reach, fitted: Fitted, lead: Fitted) -> bool:
    """Whether a split shows nearly the same features as the one that shows most."""
    return bool(reach.exact[fitted].sum() >= 0.9 * reach.exact[lead].sum())


def _in_range(found: Material, fitted: Fitted, scaler: Scaler) -> NDArray[np.bool_]:
    pooled, tolerance = found.pooled[fitted], _tolerance(found)
    low = -1.0 if scaler is Scaler.MAX_ABS else ENDS[scaler][0]
    return np.asarray(
        found.eligible & (pooled.minimum >= low - tolerance) & (pooled.maximum <= 1 + tolerance)
    )


def _log_chance(
    found: Material, reach: Reach, fitted: Fitted, columns: NDArray[np.int64], within: int
) -> float:
    """Return the log of a bound on the chance that nature reaches these ends so."""
    chosen = columns[spaced(columns.size, COLUMNS)]
    whole = found.pooled[found.names]
    tolerance = 1e3 * _tolerance(found)
    beyond = (whole.minimum < ENDS[reach.scaler][0] - tolerance) | (whole.maximum > 1 + tolerance)
    if reach.scaler is Scaler.MAX_ABS:
        beyond = np.fmax(np.abs(whole.minimum), np.abs(whole.maximum)) > 1 + tolerance
    rows: set[int] = set()
    steps: set[int] = set()
    parts: list[float] = []
    for column in chosen:
        values = np.concatenate([flat[:, column].astype(np.float64) for flat in found.flats(fitted)])
        levels = np.unique(values[np.isfinite(values)])
        if levels.size < min(FEW_LEVELS, values.size):
            continue
        if "train" in fitted:  # against nature
            part = -float(_own_ends(values, reach.scaler, _tolerance(found), rows))
            part += LOG_ODD_STEPS * _odd_steps(levels, reach.scaler, steps)
            part = min(part, LOG_BEYOND) if beyond[column] else part
        else:  # against ties with train's extremes, no likelier than other ties unless nature has atoms there
            train = found.splits[0].flat[:, column].astype(np.float64)
            part = float(_own_ends(values, reach.scaler, _tolerance(found), rows))
            part = min(part, float(_own_ends(train, reach.scaler, _tolerance(found), set())))
            part *= max(math.log(_tie_rate(values, train, _tolerance(found))), LOG_BOTH_ALONE)
        parts.append(part)
    parts.sort()
    total, best = 0.0, 0.0
    for taken, part in enumerate(parts, start=1):
        total += part
        best = min(best, total + log_choose(max(within, len(parts)), taken))
    return best


def _own_ends(values: Floats, scaler: Scaler, tolerance: float, taken: set[int]) -> int:
    """Count the ends reached by one row only, which reaches no end of a feature before."""
    count = 0
    for end in ENDS[scaler]:
        distance = np.abs(np.abs(values) - end) if scaler is Scaler.MAX_ABS else np.abs(values - end)
        at = np.flatnonzero(distance <= tolerance)
        if at.size == 1 and int(at[0]) not in taken:
            taken.add(int(at[0]))
            count += 1
    return count


def _tie_rate(values: Floats, train: Floats, tolerance: float) -> float:
    """Return the share of values, the extremes apart, that train holds too."""
    inner = values[(values > values.min() + tolerance) & (values < values.max() - tolerance)]
    levels = np.sort(train)
    after = np.searchsorted(levels, inner - tolerance)
    ties = levels[np.minimum(after, levels.size - 1)] - inner
    return float((np.sum(np.abs(ties) <= tolerance) + 1) / (inner.size + 2))


def _odd_steps(levels: Floats, scaler: Scaler, taken: set[int]) -> bool:
    """Whether the values stand on a grid of a number of steps that no scale is made in."""
    step = grid_step(levels)
    if step <= 0 or step >= 0.2:
        return False
    steps = (1.0 if scaler is Scaler.MAX_ABS else float(levels[-1] - levels[0])) / step
    count = round(steps)
    odd = abs(steps - count) < 0.05 and count not in NATURAL_STEPS and count not in taken and count < 10_000
    taken.add(count)
    return odd


def _miss(found: Material, fitted: Fitted, columns: NDArray[np.int64], scaler: Scaler) -> float:
    pooled = found.pooled[fitted]
    low, high = pooled.minimum[columns], pooled.maximum[columns]
    if scaler is Scaler.MAX_ABS:
        return float(np.nanmax(np.abs(np.fmax(np.abs(low), np.abs(high)) - 1)))
    ends = ENDS[scaler]
    return float(np.nanmax(np.maximum(np.abs(low - ends[0]), np.abs(high - ends[1]))))


def _harm(found: Material, columns: NDArray[np.int64], scaler: Scaler) -> Harm:
    """Return what the extremes of train alone would have changed, at train's mean."""
    train = found.pooled[("train",)]
    low, high = train.minimum[columns], train.maximum[columns]
    mean, std = train.mean[columns], np.sqrt(train.variance[columns])
    if scaler is Scaler.MAX_ABS:
        start, width, base = np.zeros_like(low), np.fmax(np.abs(low), np.abs(high)), 0.0
    else:
        base = ENDS[scaler][0]
        start, width = low, (high - low) / (ENDS[scaler][1] - base)
    usable = (std > 0) & (width > 0)
    if not usable.any():
        return Harm(0.0, 1.0, int(columns[0]))
    start, width, mean, std = start[usable], width[usable], mean[usable], std[usable]
    moved = (mean - start) / width + base - mean
    shift, ratio = np.abs(moved) * width / std, 1 / width
    stretch = np.maximum(ratio, width)
    worst = int(columns[usable][np.argmax(np.maximum(shift, stretch - 1))])
    return Harm(float(shift.max()), float(ratio[np.argmax(stretch)]), worst)
