"""Runs of steps that windows of two arrays share at a shift: candidates by hash, checked on the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.lookup import BLOCK_VALUES, Query, candidates, choose_probes, look_up, step_hashes
from auditor.hashing.mix import canonical, common_dtype, hash_vectors
from auditor.hashing.quantise import codes, spreads
from auditor.hashing.surprisal import (
    Hashes,
    StepModel,
    distinct_windows,
    fit_steps,
    frequency_bits,
    recurrence,
    run_length,
    running_total,
    surprisal,
    without_repeats,
)

SAMPLE_STEPS = 2**19
"""Steps from which frequencies are counted: a step cannot be rarer than one in half a million."""

RESOLUTION = 2.0**-14
"""Steps closer than this share of a channel's spread are one step when recurrences are counted."""

SPREAD_STEPS = 4096
"""Steps from which the spread of a channel is estimated."""

ALONE_BITS = 20.0
"""Bits beyond all comparisons made that let one run count by itself: chance gives one in a million."""

TOGETHER_BITS = 7.0
"""Bits beyond the comparisons made for one window that let many windows count together: chance gives
one window in 128."""

MARGIN = 4.0
"""Windows that count together must be this many times what chance, or natural recurrence, gives."""


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
    n, m, T = len(reference), len(query), query.shape[1]
    rows = _sampled_rows(n, T, rng)
    sample = step_hashes(reference, dtype, rows)
    distinct = distinct_windows(sample)
    rows, sample = rows[distinct], sample[distinct]
    asked = _query(fit_steps(sample), step_hashes(query, dtype), 2.0 * n * T)
    probes, informative = choose_probes(asked)
    hits, copies, capped = look_up(reference, dtype, probes, asked)
    runs = _Runs(m, T)
    for pairs in candidates(probes, hits):
        _extend(reference, dtype, asked, pairs=pairs, copies=copies, runs=runs)
    matched = _confirmed(reference, query, dtype, runs) & ~_returning(runs)
    needed, natural = asked.together, 0.0
    if matched.any():
        sample, ours = _coarse(reference[rows], query[matched], sample, asked.hashes[matched])
        counted, needed, natural = _counted(runs, matched, asked, sample=sample, ours=ours, n=n)
        matched &= counted
    shifts = _unwrapped(runs, T)
    covered = (np.cumsum(runs.cover[:, :-1], axis=1) > 0).mean(axis=1)
    return SharedRuns(
        matched, copies, informative, runs.partner, runs.shift, runs.start, runs.length, runs.bits,
        covered, shifts, needed, natural, capped,
    )  # fmt: skip


def _query(model: StepModel, hashes: Hashes, places: float) -> Query:
    """Return query windows with the bits of their steps, to be looked up in `places` places."""
    bits = surprisal(model, hashes)
    chance = float(np.log2(places))
    T = hashes.shape[1]
    length = run_length(running_total(bits), chance + 3.0, T // 2)
    return Query(
        hashes,
        running_total(without_repeats(bits, hashes, length)),
        length,
        chance + 3.0,
        chance + TOGETHER_BITS,
        chance + float(np.log2(len(hashes))) + ALONE_BITS,
    )


def _counted(
    runs: _Runs,
    matched: NDArray[np.bool_],
    asked: Query,
    *,
    sample: Hashes,
    ours: Hashes,
    n: int,
) -> tuple[NDArray[np.bool_], float, float]:
    """Return which windows count, the bits they had to have, and the share that matches by nature.

    `sample` and `ours` are windows of the reference and the matched windows, as hashes of coarse steps.
    """
    model = fit_steps(sample)
    typical = int(np.percentile(runs.length[matched], 25))
    # what recurs among the sampled windows at one shift, for all windows and shifts
    shifts = 2.0 * ours.shape[1] * n / len(sample)
    natural = min(1.0, shifts * recurrence(sample, frequency_bits(model, sample), typical))
    start, end = runs.start[matched], runs.start[matched] + runs.length[matched]
    rows = np.arange(len(ours))
    bits = np.zeros(matched.size)
    broken = [float((runs.broken >= bar).mean()) for bar in (asked.together, asked.alone)]
    for continuation, bar, expected in (
        (0.0, asked.together, max(natural, broken[0], 2.0**-TOGETHER_BITS)),
        (0.0, asked.alone, max(natural, broken[1])),
        (model.continuation, asked.alone, broken[1]),
    ):
        total = running_total(without_repeats(surprisal(model, ours, continuation), ours, asked.length))
        bits[matched] = np.minimum(runs.bits[matched], total[rows, end] - total[rows, start])
        if (bits >= bar).mean() > MARGIN * expected:
            return bits >= bar, bar, natural
    return np.zeros_like(matched), asked.alone, natural


def _coarse(
    reference: NDArray[Any], query: NDArray[Any], sample: Hashes, ours: Hashes
) -> tuple[Hashes, Hashes]:
    """Return hashes of steps rounded so that what differs by the arithmetic's noise alone is equal.

    A sine computed anew for every period differs in its last bits and recurs all the same.
    """
    if reference.dtype.kind != "f" and query.dtype.kind != "f":
        return sample, ours
    T = query.shape[1]
    width = max(1, int(np.prod(query.shape[2:], dtype=np.int64)))
    some = reference[:: max(1, len(reference) * T // SPREAD_STEPS)].reshape(-1, width)
    step = spreads(some) * RESOLUTION

    def hashed(windows: NDArray[Any]) -> Hashes:
        block = max(1, BLOCK_VALUES // (T * width))
        parts = (windows[i : i + block] for i in range(0, len(windows), block))
        return np.concatenate([hash_vectors(codes(p.reshape(len(p), T, width), step)) for p in parts])

    return hashed(reference), hashed(query)


class _Runs:
    """The longest run of each query window so far, the steps covered, and all shifts.

    `broken` are the bits of the richest run that ends before the overlap does.
    """

    def __init__(self, m: int, n_steps: int) -> None:
        self.partner = np.full(m, -1, dtype=np.int64)
        self.shift, self.start, self.length = (np.zeros(m, dtype=np.int64) for _ in range(3))
        self.bits = np.zeros(m)
        self.broken = np.zeros(m)
        self.cover = np.zeros((m, n_steps + 1), dtype=np.int32)
        self.window, self.shifts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        self.whole = [np.zeros(0, dtype=np.uint64)]


def _sampled_rows(n: int, n_steps: int, rng: np.random.Generator) -> NDArray[np.int64]:
    wanted = max(1, SAMPLE_STEPS // n_steps)
    return np.arange(n) if n <= wanted else np.sort(rng.choice(n, wanted, replace=False))


def _extend(
    reference: NDArray[Any],
    dtype: np.dtype[Any],
    asked: Query,
    *,
    pairs: tuple[NDArray[np.int64], ...],
    copies: NDArray[np.bool_],
    runs: _Runs,
) -> None:
    """Extend each candidate to its whole run, and enter the runs that count."""
    T = asked.hashes.shape[1]
    steps = np.arange(T)
    block = max(1, BLOCK_VALUES // T)
    for begin in range(0, len(pairs[0]), block):
        window, row, shift, position = (part[begin : begin + block] for part in pairs)
        rows, at = np.unique(row, return_inverse=True)
        there = step_hashes(reference, dtype, rows)
        moved = steps[None, :] + shift[:, None]
        inside = (moved >= 0) & (moved < T)
        flat = there.ravel()[at[:, None] * T + np.clip(moved, 0, T - 1)]
        differs = ~inside | (flat != asked.hashes[window])
        start = np.where(differs & (steps < position[:, None]), steps, -1).max(axis=1) + 1
        end = np.where(differs & (steps >= position[:, None]), steps, T).min(axis=1)
        overlap = T - np.abs(shift)
        bits = asked.total[window, end] - asked.total[window, start]
        long_enough = end - start >= overlap - np.maximum(2, overlap // 4)
        whole = hash_vectors(there)[at]
        rich = (bits >= asked.together) & ~copies[window]
        np.maximum.at(runs.broken, window[rich & ~long_enough], bits[rich & ~long_enough])
        good = rich & long_enough & (shift != 0)
        window, row, shift, start, end = (part[good] for part in (window, row, shift, start, end))
        np.add.at(runs.cover, (window, start), 1)
        np.add.at(runs.cover, (window, end), -1)
        runs.window.append(window)
        runs.shifts.append(shift)
        runs.whole.append(whole[good])
        length = end - start
        order = np.lexsort((row, -length, window))
        best = order[np.r_[True, np.diff(window[order]) != 0][: order.size]]
        best = best[length[best] > runs.length[window[best]]]
        at = window[best]
        runs.partner[at], runs.shift[at], runs.start[at] = row[best], shift[best], start[best]
        runs.length[at], runs.bits[at] = length[best], bits[good][best]


def _unwrapped(runs: _Runs, n_steps: int) -> NDArray[np.int64]:
    """Return all shifts found; of a pair that matches at two shifts a whole window apart, the smaller.

    A window rolled round its ends matches the original twice.
    """
    window, shift, whole = (np.concatenate(part) for part in (runs.window, runs.shifts, runs.whole))
    circular = np.mod(shift, n_steps)
    order = np.lexsort((np.abs(shift), circular, whole, window))
    keys = [part[order] for part in (window, whole, circular)]
    again = np.logical_and.reduce([key[1:] == key[:-1] for key in keys])
    kept: NDArray[np.int64] = shift[order][np.r_[True, ~again][: order.size]]
    return kept


def _returning(runs: _Runs) -> NDArray[np.bool_]:
    """Tell query windows whose longest run continues differently in two reference windows.

    A series goes on in one way only: where different windows hold the run at one shift, it came back.
    """
    window, shift, whole = (np.concatenate(part) for part in (runs.window, runs.shifts, runs.whole))
    longest = shift == runs.shift[window]
    window, whole = window[longest], whole[longest]
    order = np.lexsort((whole, window))
    window, whole = window[order], whole[order]
    differs = np.flatnonzero((window[1:] == window[:-1]) & (whole[1:] != whole[:-1]))
    returning = np.zeros(runs.partner.size, dtype=bool)
    returning[window[differs]] = True
    return returning


def _confirmed(
    reference: NDArray[Any], query: NDArray[Any], dtype: np.dtype[Any], runs: _Runs
) -> NDArray[np.bool_]:
    """Compare the values themselves along the longest run of each window."""
    T = query.shape[1]
    width = max(1, int(np.prod(query.shape[2:], dtype=np.int64)))
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
