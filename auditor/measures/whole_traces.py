"""Traces of one mean and one standard deviation for whole rows, or for each channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.measures.fitted_sets import Fitted, Floats, mirrored
from auditor.measures.scaler_traces import Harm, Material, Scaler, Trace
from auditor.measures.small_ball import DENSITY, DETERMINED, SAMPLE_ROWS, joint_log_chance, lattice_step

HIT = 0.02
MOST_CHANNELS = 512
DETERMINED_HERE = 0.005
ROW_NORMALISED = 1e-3
"""Rows whose means differ by less, relative to the spread, were normalised one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A way to read a row: every feature belongs to one channel.

    Attributes
    ----------
    scaler : Scaler
        One mean for all, or one per channel.
    channel : ndarray of int64, shape (d,)
        The channel of each feature.
    count : int
        Number of channels.
    """

    scaler: Scaler
    channel: NDArray[np.int64]
    count: int


def whole_traces(found: Material) -> Iterator[Trace]:
    """Yield traces of one mean and standard deviation for all features, or for each channel.

    The statistics are over all values of the rows; the standard errors of chance come from the spread of
    row means and of row mean squares, so that it does not matter how much the values of one row
    have to do with one another.
    """
    explained = found.explained_within(found.names)
    designed = mirrored(found.pooled[found.names])
    if max(explained.sum(), (designed & found.eligible).sum()) > 0.5 * found.eligible.sum():
        return
    if found.splits[0].n_features < 2 or not found.eligible.any():
        return
    if any(statistics.n_nan.any() or statistics.n_infinite.any() for statistics in found.statistics.values()):
        return
    for view in _views(found):
        known: list[Fitted] = []
        for fitted in found.pooled:
            if any(set(s) <= set(fitted) for s in known):
                continue
            trace = _trace(found, fitted, view)
            if trace is not None:
                known.append(fitted)
                yield trace
        if known:
            return


def _views(found: Material) -> Iterator[View]:
    shape = found.splits[0].feature_shape
    d = found.splits[0].n_features
    yield View(Scaler.ONE_STANDARD, np.zeros(d, dtype=np.int64), 1)
    if len(shape) < 2:
        return
    position = np.arange(d)
    if 1 < shape[-1] <= MOST_CHANNELS:
        yield View(Scaler.CHANNEL_STANDARD, position % shape[-1], shape[-1])
    if 1 < shape[0] <= MOST_CHANNELS:
        yield View(Scaler.CHANNEL_STANDARD, position // (d // shape[0]), shape[0])


def _moments(found: Material, fitted: Fitted, view: View) -> tuple[Floats, Floats]:
    """Return mean and mean square of every channel over some splits, from the features' moments."""
    pooled = found.pooled[fitted]
    size = np.bincount(view.channel, minlength=view.count)
    mean = np.bincount(view.channel, weights=pooled.mean, minlength=view.count) / size
    square = np.bincount(view.channel, weights=pooled.variance + pooled.mean**2, minlength=view.count) / size
    return mean, square


def _trace(found: Material, fitted: Fitted, view: View) -> Trace | None:
    mean, square = _moments(found, fitted, view)
    chance = math.sqrt(float(np.min(found.variance[fitted])))
    if not (np.abs(mean) < HIT * chance).all() or not (np.abs(square - mean**2 - 1) < 2 * HIT).all():
        return None
    rows = _row_moments(found, fitted, view)
    spread = rows.std(axis=0)
    if len(rows) < 4 or (spread < ROW_NORMALISED).any():
        return None
    miss = np.concatenate([np.abs(mean), np.abs(square - 1)])
    # The mean of n values, each rounded, is good to the rounding over the root of n.
    p = DENSITY * (miss + found.epsilon / math.sqrt(len(rows))) / (spread * chance)
    steps = np.array([lattice_step(rows[:, j])[0] for j in range(rows.shape[1])])
    size = sum(len(flat) for flat in found.flats(fitted))
    p += steps / (spread * chance * size * math.sqrt(2 * math.pi))
    # The ink of a drawing determines its mean and nearly its mean square: two statistics that say little more
    # than one, and the little counts where float32 keeps each from being exact.
    least = DETERMINED_HERE if len(rows) >= 100 * rows.shape[1] else DETERMINED
    log_p = joint_log_chance(rows, np.log(np.minimum(p, 1.0)), rows.shape[1], 1, least)
    if log_p >= found.log_bar or np.median(p) > HIT:
        return None
    train_mean, train_square = _moments(found, ("train",), view)
    train_std = np.sqrt(np.maximum(train_square - train_mean**2, 1e-300))
    worst = int(np.argmax(np.maximum(np.abs(train_mean) / train_std, np.abs(train_std - 1))))
    harm = Harm(
        float(np.max(np.abs(train_mean) / train_std)),
        float(1 / train_std[worst]),
        int(np.flatnonzero(view.channel == worst)[0]),
    )
    train_miss = float(max(np.abs(train_mean).max(), np.abs(train_std - 1).max()))
    columns = np.arange(found.splits[0].n_features)
    return Trace(view.scaler, fitted, columns, log_p, float(miss.max()), train_miss, harm)


def _row_moments(found: Material, fitted: Fitted, view: View) -> Floats:
    """Return each row's mean and mean square of every channel, shape (r, 2 * channels)."""
    total = sum(len(flat) for flat in found.flats(fitted))
    size = np.bincount(view.channel, minlength=view.count)
    order = np.argsort(view.channel, kind="stable")
    starts = np.concatenate([[0], np.cumsum(size)[:-1]])
    parts = []
    for flat in found.flats(fitted):
        for chunk in np.array_split(spaced(len(flat), max(2, SAMPLE_ROWS * len(flat) // total)), 32):
            if chunk.size:
                values = flat[chunk].astype(np.float64)[:, order]
                sums = [np.add.reduceat(part, starts, axis=1) / size for part in (values, values**2)]
                parts.append(np.concatenate(sums, axis=1))
    return np.concatenate(parts)
