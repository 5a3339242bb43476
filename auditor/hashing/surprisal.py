"""How unlikely a run of steps is, by the steps' own frequencies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.mix import hash_vectors, join, mix

Hashes = NDArray[np.uint64]

COLLISION_WINDOWS = 2048
"""Windows on which it is counted how often steps of one window are equal."""

_ODD = np.uint64(0xD1B54A32D192ED03)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Distinct keys, sorted, with how often each occurs, and how often it *recurs*."""

    keys: Hashes
    count: NDArray[np.int64]
    recurrence: NDArray[np.int64]

    def find(self, wanted: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how often each wanted key occurs and recurs."""
        place = np.minimum(np.searchsorted(self.keys, wanted), self.keys.size - 1)
        known = self.keys[place] == wanted
        return np.where(known, self.count[place], 0), np.where(known, self.recurrence[place], 0)

    @property
    def coincidences(self) -> NDArray[np.float64]:
        """By key: pairs of windows that hold it in the same position, were its positions equally frequent."""
        positions = np.maximum(1, self.count - self.recurrence)
        return np.asarray(self.count * (self.count / positions - 1.0) / 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class StepModel:
    """Frequencies of steps and of successions of two steps in sample windows.

    Attributes
    ----------
    steps, pairs : _Table
        Of single steps, and of two different steps in a row.
    n_steps : int
        Steps counted.
    continuation : float
        Probability that two windows which agree in a step by nature also agree in the next, where that
        step is another: the mean over the distinct steps that recur.
    collision : float
        Probability that two steps of one window, neither equal to the one before it, are equal: 0 for
        measurements, a tenth where a window has ten levels.
    """

    steps: _Table
    pairs: _Table
    n_steps: int
    continuation: float
    collision: float


def fit_steps(windows: Hashes) -> StepModel:
    """Return the frequencies of steps in distinct windows, given as hashes of shape (w, T).

    A step *recurs* as often as it stands, in different windows, in one and the same position: windows cut
    from a series that never returns to a state show no such thing, however much they overlap, because one
    moment has one position in each of them.
    """
    pairs, first = join(windows[:, :-1], windows[:, 1:]), windows[:, :-1]
    stays = first == windows[:, 1:]
    steps, moves = _table(windows), _table(pairs, ~stays)
    continuation = _continuation(steps, moves, _table(pairs, stays), pairs, first)
    some = windows[:: max(1, len(windows) // COLLISION_WINDOWS)]
    equal, possible = (float(count.sum()) for count in _collisions(some))
    return StepModel(steps, moves, int(windows.size), continuation, equal / max(1.0, possible))


def _collisions(windows: Hashes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, by window, how many pairs of its steps are equal, and how many there are; without stays."""
    w, T = windows.shape
    stays = np.zeros((w, T), dtype=bool)
    stays[:, 1:] = windows[:, 1:] == windows[:, :-1]
    ranked = np.sort(np.where(stays, mix(np.arange(T, dtype=np.uint64) + _ODD), windows), axis=1)
    at = np.arange(T)
    fresh = np.ones((w, T), dtype=bool)
    fresh[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    equal = (at - np.maximum.accumulate(np.where(fresh, at, 0), axis=1)).sum(axis=1)
    steps = T - stays.sum(axis=1)
    return equal.astype(np.float64), steps * (steps - 1) / 2.0


def _continuation(steps: _Table, moves: _Table, stays: _Table, pairs: Hashes, first: Hashes) -> float:
    if not pairs.size:
        return 0.0
    keys, at = np.unique(pairs, return_index=True)
    owner = np.searchsorted(steps.keys, first.ravel()[at])
    together = np.zeros((2, steps.keys.size))
    for row, table in zip(together, (moves, stays), strict=True):
        known = np.flatnonzero(np.isin(keys, table.keys, assume_unique=True))
        np.add.at(row, owner[known], table.coincidences[np.searchsorted(table.keys, keys[known])])
    moving = steps.coincidences - together[1]
    recurring = moving > 0
    if not recurring.any():
        return 0.0
    followed = first.shape[1] / (first.shape[1] + 1.0)  # the last step of a window has no next
    return float(np.minimum(1.0, together[0][recurring] / (moving[recurring] * followed)).mean())


def distinct_windows(windows: Hashes) -> NDArray[np.int64]:
    """Return the rows, in order, of windows given as hashes that no earlier one equals."""
    return np.sort(np.unique(hash_vectors(windows), return_index=True)[1])


def _table(keys: Hashes, chosen: NDArray[np.bool_] | None = None) -> _Table:
    flat, placed = keys.ravel(), _placed(keys).ravel()
    if chosen is not None:
        flat, placed = flat[chosen.ravel()], placed[chosen.ravel()]
    if not flat.size:
        nothing = np.zeros(1, dtype=np.int64)
        return _Table(np.zeros(1, dtype=np.uint64), nothing, nothing)
    at_position = np.sort(flat[np.unique(placed, return_index=True)[1]])
    distinct, count = np.unique(flat, return_counts=True)
    positions = np.searchsorted(at_position, distinct, "right") - np.searchsorted(at_position, distinct)
    return _Table(distinct, count, count - positions)


def _placed(keys: Hashes) -> Hashes:
    """Return keys joined with their position in the window."""
    return join(keys, mix(np.arange(keys.shape[1], dtype=np.uint64))[None, :])


def surprisal(model: StepModel, windows: Hashes, continuation: float = 0.0) -> NDArray[np.float64]:
    """Return the bits of each step of windows, shape (w, T): how unlikely it is after the step before.

    The probability of a step is its frequency, or, where that is more, its share among the recurrences of
    the step before it: a first-order Markov chain that backs off to independent steps where nothing
    recurs. And it is no less than the probability that two steps of the window are equal: windows of a few
    levels, scaled by themselves, have values that are rare elsewhere, but two that share one value share
    their levels. A step equal to the one before carries no bits.

    Parameters
    ----------
    model : StepModel
        Frequencies.
    windows : ndarray of uint64, shape (w, T)
        Step hashes.
    continuation : float
        Probability assumed for the succession of two steps of which nothing is known.
    """
    count, recurs = model.steps.find(windows)
    frequency = (count + 1.0) / (model.n_steps + 1.0)
    follows = model.pairs.find(join(windows[:, :-1], windows[:, 1:]))[1]
    given = (follows + continuation) / (recurs[:, :-1] + 1.0)
    equal, possible = _collisions(windows)
    own = (equal + model.collision) / (possible + 1.0)  # one pair as in other windows, to begin with
    probability = frequency.copy()
    probability[:, 1:] = np.clip(given, np.maximum(frequency[:, 1:], own[:, None]), 1.0)
    return _without_stays(-np.log2(probability), windows)


def frequency_bits(model: StepModel, windows: Hashes) -> NDArray[np.float64]:
    """Return the bits of each step by its frequency alone, as if steps were independent."""
    count = model.steps.find(windows)[0]
    return _without_stays(-np.log2((count + 1.0) / (model.n_steps + 1.0)), windows)


def _without_stays(bits: NDArray[np.float64], windows: Hashes) -> NDArray[np.float64]:
    bits[:, 1:][windows[:, 1:] == windows[:, :-1]] = 0.0
    return bits


def shingles(windows: Hashes, length: int) -> Hashes:
    """Return hashes of every `length` steps in a row, shape (w, T - length + 1); a power of two.

    Examples
    --------
    >>> h = shingles(np.array([[5, 6, 7, 5, 6]], dtype=np.uint64), 2)
    >>> h.shape, h[0, 0] == h[0, 3], h[0, 0] == h[0, 1]
    ((1, 4), np.True_, np.False_)
    """
    made, reach = windows, 1
    while reach < length:
        made = join(made[:, :-reach], made[:, reach:])
        reach *= 2
    return made


def without_repeats(bits: NDArray[np.float64], windows: Hashes, length: int) -> NDArray[np.float64]:
    """Return `bits` with those steps at 0 that end a run of `length` steps the window held before.

    What comes round again within a window (a period, a constant stretch) says nothing new.
    """
    runs = shingles(windows, length)
    order = np.argsort(runs, axis=1, kind="stable")
    ranked = np.take_along_axis(runs, order, axis=1)
    again = np.zeros(runs.shape, dtype=bool)
    np.put_along_axis(again, order[:, 1:], ranked[:, 1:] == ranked[:, :-1], axis=1)
    kept = bits.copy()
    kept[:, length - 1 :][again] = 0.0
    return kept


def running_total(bits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums of bits before each step, shape (w, T + 1)."""
    return np.pad(np.cumsum(bits, axis=1), ((0, 0), (1, 0)))


def run_length(total: NDArray[np.float64], needed: float, longest: int) -> int:
    """Return the least power of two, up to `longest`, at which most windows have a run of `needed` bits."""
    length = 1
    while 2 * length <= longest:
        best = (total[:, length:] - total[:, :-length]).max(axis=1)
        if np.median(best) >= needed:
            break
        length *= 2
    return length


def recurrence(windows: Hashes, bits: NDArray[np.float64], length: int) -> float:
    """Return how often runs of steps stand in the same position of two different windows.

    Parameters
    ----------
    windows : ndarray of uint64, shape (w, T)
        Step hashes of distinct windows.
    bits : ndarray of float64, shape (w, T)
        Bits of each step.
    length : int
        Steps of a run; rounded down to a power of two.

    Returns
    -------
    float
        Share of the runs that do, among those with at least half of the median bits: not the constant
        ones. Windows cut from a series that never repeats itself give 0.
    """
    length = 1 << (min(length, windows.shape[1]).bit_length() - 1)
    total = running_total(bits)
    gained = total[:, length:] - total[:, :-length]
    placed = _placed(shingles(windows, length))[gained >= np.median(gained) / 2.0]
    count = np.unique(placed, return_counts=True)[1]
    return float(count[count > 1].sum() / max(1, placed.size))
