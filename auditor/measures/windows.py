"""Windows cut from one series: which evaluation windows overlap windows of train, and along which axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.hashing.affine_codes import (
    SAMPLE_WINDOWS,
    AffineCoder,
    Precision,
    coarser,
    find_precision,
    fit_codes,
)
from auditor.hashing.affine_runs import shared_affine_runs
from auditor.hashing.runs import SAMPLE_STEPS, SharedRuns, shared_runs
from auditor.measures.marginals import grid_step

LEAST_STEPS = 4
"""An axis with fewer positions has no runs to speak of: colours, polarisations."""

LEAST_SCALED = 8
"""Steps without which directions of differences tell nothing."""

REFERENCE_STEPS = 2**27
"""Steps of train that are read; beyond, a sample of windows."""

SCREEN_STEPS = 2**20
"""Steps of an evaluation split that are looked up at first; beyond, a sample and the first and last windows."""

QUERY_STEPS = 2**23
"""Steps of it that are looked up once that screen has found something."""

SCALED_STEPS = ((2**22, 2**18, 2**17), (REFERENCE_STEPS, QUERY_STEPS, SAMPLE_STEPS))
"""Steps of train, of an evaluation split, and of the windows that frequencies are counted on, for windows
each scaled by itself: at first, and once that screen has found something."""

GRID_VALUES = 8192
"""Values from which it is told whether they were rounded."""

GOLDEN = 0.6180339887498949
"""Fractional parts of its multiples fill the unit interval evenly."""

SHIFTED_COPY = 8
"""Shifts within this fraction of a window, and no larger ones, are shifted copies rather than overlap."""

EDGE_WINDOWS = 256
"""First and last windows that are always looked up: where splits meet in time."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Windows of one split that overlap windows of train.

    Attributes
    ----------
    axis : int
        Axis of X along which they are shifted.
    n_steps : int
        Positions along it.
    runs : SharedRuns
        By position in `query_rows` and `train_rows`.
    query_rows, train_rows : ndarray of int64
        Rows that were looked at.
    scaled : bool
        Whether the steps are equal up to a gain and an offset only: each window was scaled by itself.
    scaled_looked : int or None
        Rows of the split that were looked at for that; None where they needed not be, or could not.
    """

    axis: int
    n_steps: int
    runs: SharedRuns
    query_rows: NDArray[np.int64]
    train_rows: NDArray[np.int64]
    scaled: bool = False
    scaled_looked: int | None = None

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the split that overlap a window of train."""
        return self.query_rows[self.runs.matched]

    @property
    def only_shifted(self) -> bool:
        """Whether these are copies moved by a few positions: windows overlap by all amounts."""
        limit = self.n_steps // SHIFTED_COPY
        return limit >= 3 and bool(np.abs(self.runs.shifts).max(initial=0) <= limit)


def step_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of X, given its shape, along which windows could have been cut.

    Examples
    --------
    >>> step_axes((100, 64, 20)), step_axes((100, 32, 32, 3)), step_axes((100, 2))
    ((1, 2), (1, 2), ())
    """
    return tuple(axis for axis in range(1, len(shape)) if shape[axis] >= LEAST_STEPS)


def window_overlaps(case: Case, name: str, seed: int) -> tuple[Overlaps, ...]:
    """Product: what windows of a split share with train's, for every axis they could be cut along.

    Those with most rows first.
    """
    train, split, rng = case.train, case[name], np.random.default_rng([seed, len(name)])
    found = []
    for axis in step_axes(train.X.shape):
        overlaps = _along(train, split, axis, SCREEN_STEPS, rng)
        if overlaps.rows.size and overlaps.query_rows.size < split.n_rows:
            overlaps = _along(train, split, axis, QUERY_STEPS, rng)
        # windows scaled alike by chance, with one minimum and maximum, are few of those that overlap
        few = overlaps.rows.size * 2 < overlaps.query_rows.size
        scaled = _scaled_along(train, split, axis, rng) if few else None
        if scaled is not None:
            better = scaled.rows.size > 2 * overlaps.rows.size
            overlaps = replace(scaled if better else overlaps, scaled_looked=scaled.query_rows.size)
        found.append(overlaps)
    return tuple(sorted(found, key=lambda overlaps: (-overlaps.rows.size, overlaps.axis)))


def _along(train: Split, split: Split, axis: int, limit: int, rng: np.random.Generator) -> Overlaps:
    n_steps = train.X.shape[axis]
    theirs, train_rows = _some(train.X, n_steps, REFERENCE_STEPS, rng)
    ours, query_rows = _some(split.X, n_steps, limit, rng)
    runs = shared_runs(np.moveaxis(theirs, axis, 1), np.moveaxis(ours, axis, 1), rng)
    return Overlaps(axis, n_steps, runs, query_rows, train_rows)


def _scaled_along(train: Split, split: Split, axis: int, rng: np.random.Generator) -> Overlaps | None:
    """Return windows that overlap up to a gain and an offset; first of some of train, then of all."""
    n_steps = train.X.shape[axis]
    if n_steps < LEAST_SCALED:
        return None
    coder = _coder(train, split, axis)
    if coder is None:
        return None
    for of, looked, counted in SCALED_STEPS:
        theirs, train_rows = _some(train.X, n_steps, of, rng)
        ours, query_rows = _some(split.X, n_steps, looked, rng)
        runs = shared_affine_runs(
            np.moveaxis(theirs, axis, 1), np.moveaxis(ours, axis, 1), coder, rng, sample_steps=counted
        )
        found = Overlaps(axis, n_steps, runs, query_rows, train_rows, scaled=True)
        if not found.rows.size:
            break
        if train_rows.size == train.n_rows and query_rows.size == split.n_rows:
            break
    return found


def _coder(train: Split, split: Split, axis: int) -> AffineCoder | None:
    parts = [part.X[:: max(1, part.n_rows // SAMPLE_WINDOWS)][:SAMPLE_WINDOWS] for part in (train, split)]
    precisions = [_precision(part) for part in parts]
    return fit_codes(np.moveaxis(parts[0], axis, 1), coarser(*precisions))


def _precision(windows: NDArray[Any]) -> Precision:
    values = windows.reshape(-1)
    if values.size > GRID_VALUES:  # spread by the golden ratio: a stride could meet one channel alone
        values = values[(np.arange(GRID_VALUES) * GOLDEN % 1.0 * values.size).astype(np.int64)]
    values = values[np.isfinite(values)]
    levels = np.unique(values.astype(np.float64))
    return find_precision(values, grid_step(levels) if levels.size > 1 else 0.0)


def _some(
    X: NDArray[Any], n_steps: int, limit: int, rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return X, or a sample of its rows of about `limit` steps together with its edges, and the rows."""
    n, wanted = len(X), max(1, limit // n_steps)
    if n <= wanted + 2 * EDGE_WINDOWS:
        return X, np.arange(n)
    drawn = rng.choice(n, wanted, replace=False)
    rows = np.unique(np.r_[:EDGE_WINDOWS, drawn, n - EDGE_WINDOWS : n])
    return X[rows], rows
