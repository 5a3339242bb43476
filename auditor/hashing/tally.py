"""What is known of the runs that query windows share with a reference, while candidates are gone through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.lookup import Query
from auditor.hashing.surprisal import (
    Hashes,
    StepModel,
    fit_steps,
    frequency_bits,
    recurrence,
    run_length,
    running_total,
    surprisal,
    without_repeats,
)

Numbers = NDArray[np.int64]

ALONE_BITS = 20.0
"""Bits beyond all comparisons made that let one run count by itself: chance gives one in a million."""

TOGETHER_BITS = 7.0
"""Bits beyond the comparisons made for one window that let many windows count together: chance gives
one window in 128."""

MARGIN = 4.0
"""Windows that count together must be this many times what chance, or natural recurrence, gives."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Runs around a common shingle: one for each candidate pair, arrays of shape (p,).

    Steps `start` to `end` of query `window` are steps ``start + shift`` onwards of reference window `row`,
    whose hash is `whole`.
    """

    window: Numbers
    row: Numbers
    shift: Numbers
    start: Numbers
    end: Numbers
    whole: Hashes

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Stretch:
        return Stretch(*(getattr(self, name)[chosen] for name in Stretch.__slots__))


class Tally:
    """The longest run of each query window so far, the steps covered, and all shifts.

    `broken` are the bits of the richest run that ends before the overlap does.
    """

    def __init__(self, m: int, n_steps: int) -> None:
        self.n_steps = n_steps
        self.partner = np.full(m, -1, dtype=np.int64)
        self.shift, self.start, self.length = (np.zeros(m, dtype=np.int64) for _ in range(3))
        self.bits = np.zeros(m)
        self.broken = np.zeros(m)
        self.cover = np.zeros((m, n_steps + 1), dtype=np.int32)
        self.window, self.shifts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        self.whole = [np.zeros(0, dtype=np.uint64)]

    def enter(self, found: Stretch, asked: Query, copies: NDArray[np.bool_]) -> None:
        """Enter the runs that carry enough bits and last as long as the overlap does."""
        overlap = self.n_steps - np.abs(found.shift)
        bits = asked.total[found.window, found.end] - asked.total[found.window, found.start]
        long_enough = found.end - found.start >= overlap - np.maximum(2, overlap // 4)
        rich = (bits >= asked.together) & ~copies[found.window]
        np.maximum.at(self.broken, found.window[rich & ~long_enough], bits[rich & ~long_enough])
        good = rich & long_enough & (found.shift != 0)
        found, bits = found[good], bits[good]
        window, length = found.window, found.end - found.start
        np.add.at(self.cover, (window, found.start), 1)
        np.add.at(self.cover, (window, found.end), -1)
        self.window.append(window)
        self.shifts.append(found.shift)
        self.whole.append(found.whole)
        order = np.lexsort((found.row, -length, window))
        best = order[np.r_[True, np.diff(window[order]) != 0][: order.size]]
        best = best[length[best] > self.length[window[best]]]
        at = window[best]
        self.partner[at], self.shift[at], self.start[at] = (
            found.row[best],
            found.shift[best],
            found.start[best],
        )
        self.length[at], self.bits[at] = length[best], bits[best]

    @property
    def covered(self) -> NDArray[np.float64]:
        """Share of each query window's steps found in any partner."""
        return np.asarray((np.cumsum(self.cover[:, :-1], axis=1) > 0).mean(axis=1))

    def unwrapped(self, n_steps: int) -> Numbers:
        """Return all shifts found; of a pair that matches at two shifts a whole window apart, the smaller.

        A window rolled round its ends matches the original twice.
        """
        window, shift, whole = (np.concatenate(part) for part in (self.window, self.shifts, self.whole))
        circular = np.mod(shift, n_steps)
        order = np.lexsort((np.abs(shift), circular, whole, window))
        keys = [part[order] for part in (window, whole, circular)]
        again = np.logical_and.reduce([key[1:] == key[:-1] for key in keys])
        kept: Numbers = shift[order][np.r_[True, ~again][: order.size]]
        return kept

    @property
    def returning(self) -> NDArray[np.bool_]:
        """Query windows whose longest run continues differently in two reference windows.

        A series goes on in one way only: where different windows hold the run at one shift, it came back.
        """
        window, shift, whole = (np.concatenate(part) for part in (self.window, self.shifts, self.whole))
        longest = shift == self.shift[window]
        window, whole = window[longest], whole[longest]
        order = np.lexsort((whole, window))
        window, whole = window[order], whole[order]
        differs = np.flatnonzero((window[1:] == window[:-1]) & (whole[1:] != whole[:-1]))
        returning = np.zeros(self.partner.size, dtype=bool)
        returning[window[differs]] = True
        return returning


def make_query(model: StepModel, hashes: Hashes, places: float) -> Query:
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


def counted(
    runs: Tally,
    matched: NDArray[np.bool_],
    asked: Query,
    *,
    sample: Hashes,
    ours: Hashes,
    n: int,
    fragile: bool = False,
) -> tuple[NDArray[np.bool_], float, float]:
    """Return which windows count, the bits they had to have, and the share that matches by nature.

    `sample` and `ours` are windows of the reference and the matched windows, as hashes of coarse steps; `n`
    the number of reference windows; `fragile` whether rounding breaks up long runs that recur, so that
    recurrence is counted on the shortest that chance does not give.
    """
    model = fit_steps(sample)
    typical = int(np.percentile(runs.length[matched], 25))
    if fragile:
        typical = run_length(running_total(surprisal(model, sample)), asked.together, typical)
    # what recurs among the sampled windows at one shift, for all windows and shifts
    shifts = 2.0 * ours.shape[1] * n / len(sample)
    natural = min(1.0, shifts * recurrence(sample, frequency_bits(model, sample), typical))
    start, end = runs.start[matched], runs.start[matched] + runs.length[matched]
    rows = np.arange(len(ours))
    bits = np.zeros(matched.size)
    broken = [float((runs.broken >= bar).mean()) for bar in (asked.together, asked.alone)]
    ways = [
        (0.0, asked.together, max(natural, broken[0], 2.0**-TOGETHER_BITS)),
        (0.0, asked.alone, max(natural, broken[1])),
    ]
    if not fragile:  # one step says enough of the next only where steps are known exactly
        ways.append((model.continuation, asked.alone, broken[1]))
    for continuation, bar, expected in ways:
        total = running_total(without_repeats(surprisal(model, ours, continuation), ours, asked.length))
        bits[matched] = np.minimum(runs.bits[matched], total[rows, end] - total[rows, start])
        if (bits >= bar).mean() > MARGIN * expected:
            return bits >= bar, bar, natural
    return np.zeros_like(matched), asked.alone, natural
