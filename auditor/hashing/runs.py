"""Runs of steps that windows of two arrays share at a shift: candidates by hash, checked on the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.lookup import (
    BLOCK_VALUES,
    Hasher,
    Query,
    candidates,
    choose_probes,
    exact_steps,
    look_up,
    step_hashes,
    step_width,
)
from auditor.hashing.mix import canonical, common_dtype, hash_vectors
from auditor.hashing.quantise import codes, spreads
from auditor.hashing.surprisal import Hashes, distinct_windows, fit_steps
from auditor.hashing.tally import Stretch, Tally, counted, make_query

SAMPLE_STEPS = 2**19
"""Steps from which frequencies are counted: a step cannot be rarer than one in half a million."""

RESOLUTION = 2.0**-14
"""Steps closer than this share of a channel's spread are one step when recurrences are counted."""

SPREAD_STEPS = 4096
"""Steps from which the spread of a channel is estimated."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedRuns:
    """Which windows of a query share a run of steps, at a shift, with windows of a reference.

    Attributes
    ----------
    matched : ndarray of bool, shape (m,)
        Query windows that do; whole copies are left out.
    copies : ndarray of bool, shape (m,)
        Query windows that stand, whole, in the reference.
    informative : ndarray of bool, shape (m,)
        Query windows with enough bits to tell a shared run from chance.
    partner, shift, start, length : ndarray of int64, shape (m,)
        The longest run: reference window, and where: steps ``start`` to ``start + length`` of the query
        window are steps ``start + shift`` onwards of the partner. -1 or 0 where there is none.
    bits : ndarray of float64, shape (m,)
        Surprisal of that run.
    covered : ndarray of float64, shape (m,)
        Share of the window's steps found in any partner.
    shifts : ndarray of int64
        Shifts of all pairs found, with repeats.
    needed : float
        Bits a run had to have.
    recurrence : float
        Share of windows expected to match because the series itself returns to the same steps.
    capped : int
        Places that were left out because their key was too common.
    """

    matched: NDArray[np.bool_]
    copies: NDArray[np.bool_]
    informative: NDArray[np.bool_]
    partner: NDArray[np.int64]
    shift: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    bits: NDArray[np.float64]
    covered: NDArray[np.float64]
    shifts: NDArray[np.int64]
    needed: float
    recurrence: float
    capped: int


def shared_runs(reference: NDArray[Any], query: NDArray[Any], rng: np.random.Generator) -> SharedRuns:
    """Find windows of `query` that overlap windows of `reference` along their steps.

    Parameters
    ----------
    reference : ndarray, shape (n, T, ...)
        Windows of T steps.
    query : ndarray, shape (m, T, ...)
        Windows of the same shape.
    rng : Generator
        Draws the windows that frequencies are counted on.

    Returns
    -------
    SharedRuns

    Notes
    -----
    Two windows cut from one series at different places agree in all of the steps they have in common: a
    suffix of one is a prefix of the other. A pair is a candidate where the run covers that overlap (up to
    a quarter, or two steps, lost to edge effects of filters and differences). Its surprisal in bits is held
    against the logarithm of the number of comparisons: ``n * 2T`` windows and shifts for one query window,
    times ``m`` for all. A run 20 bits beyond the latter counts by itself; runs 7 bits beyond the former
    count where they are four times as many as chance allows.

    A series goes on in one way only: a window whose longest run stands in different reference windows at
    the same shift is left out, since that run came back by itself. And the model behind the bits is checked
    on the data, by what overlap cannot do: put one run in the same position of two different reference
    windows, or end a run before the overlap ends. The share of runs in the former case, times the number of
    shifts, and the share of query windows in the latter bound the windows that match by nature. Where the
    matches are not four times that, bits are counted as a series that returns to its states has them: the
    probability that a coincidence goes on for another step is what it is among the reference's own.

    The first and the last shingle of a query window rare enough to be looked up lie in every overlap that
    could count, so looking up those two (and two further inwards) finds all.
    """
    dtype = common_dtype(reference.dtype, query.dtype)
    hasher = exact_steps(dtype)
    n, m, T = len(reference), len(query), query.shape[1]
    rows, sample = sampled(reference, hasher, rng)
    asked = make_query(fit_steps(sample), step_hashes(query, hasher), 2.0 * n * T)
    probes, informative = choose_probes(asked)
    hits, copies, capped = look_up(reference, hasher, probes, asked)
    runs = Tally(m, T)
    for pairs in candidates(probes, hits):
        _extend(reference, hasher, asked, pairs=pairs, copies=copies, runs=runs)
    matched = _confirmed(reference, query, dtype, runs) & ~runs.returning
    needed, natural = asked.together, 0.0
    if matched.any():
        sample, ours = _coarse(reference[rows], query[matched], sample, asked.hashes[matched])
        count, needed, natural = counted(runs, matched, asked, sample=sample, ours=ours, n=n)
        matched &= count
    return SharedRuns(
        matched, copies, informative, runs.partner, runs.shift, runs.start, runs.length, runs.bits,
        runs.covered, runs.unwrapped(T), needed, natural, capped,
    )  # fmt: skip


def sampled(
    reference: NDArray[Any], hasher: Hasher, rng: np.random.Generator, steps: int = SAMPLE_STEPS
) -> tuple[NDArray[np.int64], Hashes]:
    """Return the rows and the step hashes of distinct windows, of about `steps` steps, to count frequencies on."""
    n, wanted = len(reference), max(1, steps // reference.shape[1])
    rows = np.arange(n) if n <= wanted else np.sort(rng.choice(n, wanted, replace=False))
    hashes = step_hashes(reference, hasher, rows)
    distinct = distinct_windows(hashes)
    return rows[distinct], hashes[distinct]


def _coarse(
    reference: NDArray[Any], query: NDArray[Any], sample: Hashes, ours: Hashes
) -> tuple[Hashes, Hashes]:
    """Return hashes of steps rounded so that what differs by the arithmetic's noise alone is equal.

    A sine computed anew for every period differs in its last bits and recurs all the same.
    """
    if reference.dtype.kind != "f" and query.dtype.kind != "f":
        return sample, ours
    T = query.shape[1]
    width = step_width(query)
    some = reference[:: max(1, len(reference) * T // SPREAD_STEPS)].reshape(-1, width)
    step = spreads(some) * RESOLUTION

    def hashed(windows: NDArray[Any]) -> Hashes:
        block = max(1, BLOCK_VALUES // (T * width))
        parts = (windows[i : i + block] for i in range(0, len(windows), block))
        return np.concatenate([hash_vectors(codes(p.reshape(len(p), T, width), step)) for p in parts])

    return hashed(reference), hashed(query)


def _extend(
    reference: NDArray[Any],
    hasher: Hasher,
    asked: Query,
    *,
    pairs: tuple[NDArray[np.int64], ...],
    copies: NDArray[np.bool_],
    runs: Tally,
) -> None:
    """Extend each candidate to its whole run, and enter the runs that count."""
    T = asked.hashes.shape[1]
    steps = np.arange(T)
    block = max(1, BLOCK_VALUES // T)
    for begin in range(0, len(pairs[0]), block):
        window, row, shift, position = (part[begin : begin + block] for part in pairs)
        rows, at = np.unique(row, return_inverse=True)
        there = step_hashes(reference, hasher, rows)
        moved = steps[None, :] + shift[:, None]
        inside = (moved >= 0) & (moved < T)
        flat = there.ravel()[at[:, None] * T + np.clip(moved, 0, T - 1)]
        start, end = run_around(~inside | (flat != asked.hashes[window]), position)
        runs.enter(Stretch(window, row, shift, start, end, hash_vectors(there)[at]), asked, copies)


def run_around(
    differs: NDArray[np.bool_], position: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and end of the run about `position`, shape (p,), in which nothing differs, shape (p, T)."""
    T = differs.shape[1]
    steps = np.arange(T)
    start = np.where(differs & (steps < position[:, None]), steps, -1).max(axis=1) + 1
    end = np.where(differs & (steps >= position[:, None]), steps, T).min(axis=1)
    return start, end


def _confirmed(
    reference: NDArray[Any], query: NDArray[Any], dtype: np.dtype[Any], runs: Tally
) -> NDArray[np.bool_]:
    """Compare the values themselves along the longest run of each window."""
    T = query.shape[1]
    width = step_width(query)
    windows = np.flatnonzero(runs.partner >= 0)
    confirmed = np.zeros(len(query), dtype=bool)
    steps = np.arange(T)
    block = max(1, BLOCK_VALUES // (T * width))
    for begin in range(0, windows.size, block):
        at = windows[begin : begin + block]
        ours = canonical(query[at], dtype).reshape(at.size, T, width)
        theirs = canonical(reference[runs.partner[at]], dtype).reshape(at.size, T, width)
        moved = np.clip(steps[None, :] + runs.shift[at][:, None], 0, T - 1)
        theirs = np.take_along_axis(theirs, moved[:, :, None], axis=1)
        same = (ours == theirs) | ((ours != ours) & (theirs != theirs))  # noqa: PLR0124 - NaN
        inside = (steps >= runs.start[at][:, None]) & (steps < (runs.start + runs.length)[at][:, None])
        confirmed[at] = (same.all(axis=2) | ~inside).all(axis=1)
    return confirmed
