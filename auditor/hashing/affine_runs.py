"""Runs of steps that windows of two arrays share at a shift, up to a gain and an offset of each channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.affine_codes import AffineCoder, directions
from auditor.hashing.lookup import (
    BLOCK_VALUES,
    Query,
    candidates,
    choose_probes,
    exact_steps,
    look_up,
    step_hashes,
    step_width,
)
from auditor.hashing.mix import hash_vectors
from auditor.hashing.runs import SAMPLE_STEPS, SharedRuns, run_around, sampled
from auditor.hashing.surprisal import Hashes, fit_steps
from auditor.hashing.tally import Stretch, Tally, counted, make_query

Numbers = NDArray[np.int64]

READ_VALUES = 2**23
"""Values of windows read at a time."""

INWARDS = (0, 16, 8, 4)
"""Fractions of a window from whose ends inwards shingles are looked up: rounding loses some."""

CHAINED = 256
"""Wide codes that tell a shape so well that the next follows from it, and that rounding hardly breaks a run."""

STILL = 64.0
"""What does not move in one window may move by this many times its rounding in the other."""

RESIDUAL = 4.0
"""Times the rounding of both windows by which a run may miss one gain and one offset."""


def shared_affine_runs(
    reference: NDArray[Any],
    query: NDArray[Any],
    coder: AffineCoder,
    rng: np.random.Generator,
    *,
    sample_steps: int = SAMPLE_STEPS,
) -> SharedRuns:
    """Find windows of `query` that overlap windows of `reference` after each was scaled by itself.

    Parameters
    ----------
    reference : ndarray, shape (n, T, ...)
        Windows of T steps.
    query : ndarray, shape (m, T, ...)
        Windows of the same shape.
    coder : AffineCoder
        Codes of their steps.
    rng : Generator
        Draws the windows that frequencies are counted on.
    sample_steps : int
        About as many steps as those have.

    Returns
    -------
    SharedRuns
        Where `copies` are windows that stand whole in the reference, up to a gain and an offset.

    Notes
    -----
    What was ``x`` in the series is ``(x - o) / s`` in a window, with one offset and one positive scale to
    each channel, so the steps two windows share are ``gain * a + offset`` of each other, to rounding. The
    direction of two successive differences does not depend on either. Its codes take the place of steps
    in `shared_runs`, with the same surprisal and the same tests of natural recurrence: a ramp and an
    exponential, which are affine images of themselves at every shift, have one direction throughout and
    carry no bits; differences of few whole numbers have few directions, and carry few. Runs are
    extended along directions equal to rounding, and confirmed on the values of every channel by a fit of
    gain and offset.
    """
    n, m, T = len(reference), len(query), query.shape[1]
    # windows that are images of one another, but not equal, say that the series returns to its shapes
    equal = exact_steps(np.dtype(np.float64))
    rows = sampled(reference, lambda windows: equal(coder.taken(windows)), rng, sample_steps)[0]
    asked = make_query(fit_steps(step_hashes(reference, coder, rows)), step_hashes(query, coder), 2.0 * n * T)
    probes, informative = choose_probes(asked, INWARDS)
    hits, copies, capped = look_up(reference, coder, probes, asked)
    runs = Tally(m, T - 2)
    for pairs in candidates(probes, hits):
        copies |= _extend(reference, query, coder, asked, pairs=pairs, copies=copies, runs=runs)
    matched = _confirmed(reference, query, coder, runs) & ~runs.returning & ~copies
    needed, natural = asked.together, 0.0
    if matched.any():
        wide = coder.coarse()
        coarse, ours = step_hashes(reference, wide, rows), step_hashes(query, wide, np.flatnonzero(matched))
        fragile = bool(wide.resolution.min() < CHAINED)
        count, needed, natural = counted(runs, matched, asked, sample=coarse, ours=ours, n=n, fragile=fragile)
        matched &= count
    return SharedRuns(
        matched, copies, informative, runs.partner, runs.shift, runs.start,
        np.where(runs.length > 0, runs.length + 2, 0), runs.bits, runs.covered, runs.unwrapped(T), needed,
        natural, capped,
    )  # fmt: skip


def _extend(
    reference: NDArray[Any],
    query: NDArray[Any],
    coder: AffineCoder,
    asked: Query,
    *,
    pairs: tuple[Numbers, ...],
    copies: NDArray[np.bool_],
    runs: Tally,
) -> NDArray[np.bool_]:
    """Extend each candidate to its whole run, enter the runs that count, and tell which queries are copies."""
    T = asked.hashes.shape[1]
    window, row, shift, position = pairs
    first = np.unique(np.stack([row, window, shift]), axis=1, return_index=True)[1]
    found = np.zeros(copies.size, dtype=bool)
    block = max(1, min(BLOCK_VALUES // (T * coder.channels.size), READ_VALUES // (T * step_width(query))))
    for begin in range(0, first.size, block):
        at = first[begin : begin + block]
        w, r, s, p = (part[at] for part in (window, row, shift, position))
        differs, whole = _differs(reference, query, coder, (w, r, s))
        start, end = run_around(differs, p)
        found[w[(s == 0) & (start == 0) & (end == T)]] = True
        runs.enter(Stretch(w, r, s, start, end, whole), asked, copies)
    return found


def _differs(
    reference: NDArray[Any],
    query: NDArray[Any],
    coder: AffineCoder,
    pairs: tuple[Numbers, Numbers, Numbers],
) -> tuple[NDArray[np.bool_], Hashes]:
    """Tell at which places directions differ by more than rounding allows; and hash the reference windows."""
    window, row, shift = pairs
    rows, here = np.unique(row, return_inverse=True)
    windows, there = np.unique(window, return_inverse=True)
    theirs, ours = (_Places(coder, part) for part in (reference[rows], query[windows]))
    T = ours.direction.shape[1]
    moved = np.arange(T)[None, :] + shift[:, None]
    at = here[:, None], np.clip(moved, 0, T - 1)
    apart = np.abs(ours.direction[there] - theirs.direction[at])
    apart = np.minimum(apart, 4.0 - apart)
    a, b = ours.doubt[there], theirs.doubt[at]
    least, most = np.minimum(a, b), np.maximum(a, b)
    # beyond 1 a direction is nothing but rounding, and all that counts is that the other moves little too
    agree = np.where(most > 1.0, STILL * least >= 1.0, apart <= a + b)
    agree = np.where(
        ours.missing[there] | theirs.missing[at], ours.missing[there] == theirs.missing[at], agree
    )
    whole = hash_vectors(coder(reference[rows]))[here]
    return ~agree.all(axis=2) | (moved < 0) | (moved >= T), whole


class _Places:
    """Directions of windows, what rounding may move them by, and where they are missing."""

    def __init__(self, coder: AffineCoder, windows: NDArray[Any]) -> None:
        values = coder.taken(windows).astype(np.float64)
        self.direction, size = directions(values)
        self.missing = ~np.isfinite(size)
        noise = coder.precision.around(np.where(np.isfinite(values), values, 0.0), slack=True)
        self.doubt = np.divide(4.0 * noise, size, out=np.full(size.shape, np.inf), where=size > 0)
        self.direction[self.missing | (size <= 0)] = 0.0


def _confirmed(
    reference: NDArray[Any], query: NDArray[Any], coder: AffineCoder, runs: Tally
) -> NDArray[np.bool_]:
    """Fit one gain and one offset to each channel along the longest run of each window."""
    T, width = query.shape[1], step_width(query)
    windows = np.flatnonzero(runs.partner >= 0)
    confirmed = np.zeros(len(query), dtype=bool)
    steps = np.arange(T)
    block = max(1, BLOCK_VALUES // (T * width))
    for begin in range(0, windows.size, block):
        at = windows[begin : begin + block]
        ours, theirs = (
            part.reshape(at.size, T, width).astype(np.float64)
            for part in (query[at], reference[runs.partner[at]])
        )
        noise = [coder.precision.noise(np.nan_to_num(part), slack=True) for part in (theirs, ours)]
        moved = np.clip(steps[None, :] + runs.shift[at][:, None], 0, T - 1)[:, :, None]
        theirs = np.take_along_axis(theirs, moved, axis=1)
        if noise[0].shape[1] > 1:
            noise[0] = np.take_along_axis(noise[0], moved, axis=1)
        ends = (runs.start + runs.length)[at] + 2
        inside = (steps >= runs.start[at][:, None]) & (steps < ends[:, None])
        confirmed[at] = affine_images(theirs, ours, inside[:, :, None], noise)
    return confirmed


def affine_images(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    inside: NDArray[np.bool_],
    noise: list[NDArray[np.float64]],
) -> NDArray[np.bool_]:
    """Tell which windows `b` are ``gain * a + offset``, with a positive gain, in every channel.

    Parameters
    ----------
    a, b : ndarray of float64, shape (n, T, c)
        Windows.
    inside : ndarray of bool, shape (n, T, 1)
        Steps that count.
    noise : list of ndarray
        What rounding may have moved values of `a` and of `b` by; shape (n, T, c) or (n, 1, c).
    """
    counts = np.isfinite(a) & np.isfinite(b) & inside
    alike = ((np.isfinite(a) == np.isfinite(b)) | ~inside).all(axis=(1, 2))
    n = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    a, b = np.where(counts, a, 0.0), np.where(counts, b, 0.0)
    a = np.where(counts, a - a.sum(axis=1, keepdims=True) / n, 0.0)
    b = np.where(counts, b - b.sum(axis=1, keepdims=True) / n, 0.0)
    unit = np.abs(a).max(axis=1, keepdims=True)  # squares neither overflow nor vanish
    a, noise = np.divide(a, unit, out=a, where=unit > 0), [noise[0] / np.where(unit > 0, unit, 1.0), noise[1]]
    square = (a * a).sum(axis=1, keepdims=True)
    gain = np.divide((a * b).sum(axis=1, keepdims=True), square, out=np.zeros_like(square), where=square > 0)
    reach = RESIDUAL * (noise[1] + np.abs(gain) * noise[0])
    fits = (np.abs(b - gain * a) <= reach).all(axis=1)
    # what does not move in one must hardly move in the other
    still, little = (
        [(np.abs(part) <= times * size).all(axis=1) for part, size in zip((a, b), noise, strict=True)]
        for times in (RESIDUAL, RESIDUAL * STILL)
    )
    moving = fits & (gain[:, 0] > 0) & ~still[0] & ~still[1]
    return np.asarray(alike & (moving | (still[0] & little[1]) | (little[0] & still[1])).all(axis=1))
