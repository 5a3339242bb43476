"""Windows cut from one series: which evaluation windows overlap windows of train, and along which axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.hashing.runs import SharedRuns, shared_runs

LEAST_STEPS = 4
"""An axis with fewer positions has no runs to speak of: colours, polarisations."""

REFERENCE_STEPS = 2**27
"""Steps of train that are read; beyond, a sample of windows."""

SCREEN_STEPS = 2**20
"""Steps of an evaluation split that are looked up at first; beyond, a sample and the first and last windows."""

QUERY_STEPS = 2**23
"""Steps of it that are looked up once that screen has found something."""

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
    """

    axis: int
    n_steps: int
    runs: SharedRuns
    query_rows: NDArray[np.int64]
    train_rows: NDArray[np.int64]

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
        found.append(overlaps)
    return tuple(sorted(found, key=lambda overlaps: (-overlaps.rows.size, overlaps.axis)))


def _along(train: Split, split: Split, axis: int, limit: int, rng: np.random.Generator) -> Overlaps:
    n_steps = train.X.shape[axis]
    theirs, train_rows = _some(train.X, n_steps, REFERENCE_STEPS, rng)
    ours, query_rows = _some(split.X, n_steps, limit, rng)
    runs = shared_runs(np.moveaxis(theirs, axis, 1), np.moveaxis(ours, axis, 1), rng)
    return Overlaps(axis, n_steps, runs, query_rows, train_rows)


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
