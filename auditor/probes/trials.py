"""Fitting an object anew: on other rows, in other orders, on parts of train; and what that changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.sampling import spaced
from auditor.probes.compared import as_numbers, distinct_precise, gaps
from auditor.probes.feeds import Gather, Learner, Splits, swapped
from auditor.probes.learned import Learned, learned, refitted, transformed
from auditor.probes.outputs import cells
from auditor.probes.rounded import rounded
from auditor.probes.rows import count_rows, defensive_copy, take

PILOT_ROWS = 256
"""Rows of a first fit that tells how long the others will take."""

OUT_OF_TIME = "fitting it anew takes longer than"

PARTS = 99
"""Random parts of train refitted to see whether one of them explains the state as well."""

PARTS_VALUES = 10**6
"""Values of train beyond which only `FEW_PARTS` are refitted."""

FEW_PARTS = 19
"""Parts where several precise numbers differ, which two fits hardly share by chance, or where train is large."""

SEVERAL_NUMBERS = 3

CHANCE = 0.05
"""Largest probability, given a fit on a random part of train, at which a state is ascribed to more rows."""

MANY_NUMBERS = 8
"""Precise numbers equal to those of a larger set, and not to train's, that no part of train gives by chance."""

MOVED_ROWS = 20_000
"""Rows of each split that are transformed to see how far the fit moves them."""


class CannotTellError(Exception):
    """The object cannot be judged; the argument says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One way in which a fitted object may have come by its rows, and the means to try it.

    Attributes
    ----------
    learner : Learner
        The object.
    feed : callable
        Its rows, for any set of splits.
    splits : tuple of str
        Splits that have rows.
    rng : Generator
        For orders and parts of rows.
    seconds, start : float
        Time that the fits may take, and when they began.
    """

    learner: Learner
    feed: Gather
    splits: Splits
    rng: np.random.Generator
    seconds: float
    start: float

    def check_clock(self) -> None:
        """Raise where the time is used up."""
        if time.perf_counter() - self.start > self.seconds:
            raise CannotTellError(f"{OUT_OF_TIME} {self.seconds:g} s; PRE001.seconds gives it more")

    def fit(self, rows: Any, labels: Any) -> Any:
        """Return a copy of the object, fitted on copies of `rows`."""
        return refitted(self.learner.thing, defensive_copy(rows), None if labels is None else labels.copy())

    def state(self, splits: Splits) -> Learned:
        """Return what a fit on `splits` learns."""
        return learned(self.fit(*self.feed(splits)))


def check_time(trial: Trial, rows: Any, labels: Any) -> None:
    """Give up where a fit on few rows shows that fits on all would take too long."""
    n = count_rows(rows)
    if n <= 4 * PILOT_ROWS:
        return
    picked = np.arange(PILOT_ROWS) * (n // PILOT_ROWS)
    start = time.perf_counter()
    try:
        trial.fit(take(rows, picked), None if labels is None else labels[picked])
    except Exception:  # noqa: BLE001 - too few rows, or too few of a class; the whole may still do
        return
    expected = (time.perf_counter() - start) * n / PILOT_ROWS
    if expected > trial.seconds:
        raise CannotTellError(f"{OUT_OF_TIME} {trial.seconds:g} s; PRE001.seconds gives it more")


def permuted(trial: Trial, rows: Any, labels: Any) -> Learned:
    """Return what a fit learns on the same rows in another order, rounded otherwise."""
    order = trial.rng.permutation(count_rows(rows))
    shaken = rounded(take(rows, order), trial.rng)
    try:
        return learned(trial.fit(shaken, None if labels is None else labels[order]))
    except Exception:  # noqa: BLE001 - an order that fitting refuses determines nothing
        return {}


def chance_of_part(
    trial: Trial,
    reference: Learned,
    differs: NDArray[np.bool_],
    fed: tuple[Any, Any],
    *,
    in_any_order: bool,
) -> float:
    """Return how often a random part of train gives the numbers in which the whole of train differs.

    The null is that the object was fitted on a part of train, with or without repeats; what is returned
    is the Monte Carlo p-value. Many precise numbers need no such test. Where fits depend on the order of
    the rows, a second null is the whole of train in a random order; the larger p-value counts.
    """
    if distinct_precise(as_numbers(reference).values, differs) >= MANY_NUMBERS:
        return 0.0
    n = count_rows(fed[0])

    def part(i: int) -> NDArray[np.int64]:
        share = max(2, int(n * trial.rng.uniform(0.5, 0.95)))
        return trial.rng.integers(0, n, n) if i % 2 else trial.rng.permutation(n)[:share]

    chance = _chance(trial, reference, differs, fed, part)
    if in_any_order or chance > CHANCE:
        return chance
    return max(chance, _chance(trial, reference, differs, fed, lambda _: trial.rng.permutation(n)))


def _chance(
    trial: Trial,
    reference: Learned,
    differs: NDArray[np.bool_],
    fed: tuple[Any, Any],
    draw: Callable[[int], NDArray[np.int64]],
) -> float:
    """Return the share of fits on drawn rows that give the numbers, the object itself counted in."""
    rows, labels = fed
    size = count_rows(rows) * int(np.prod(tuple(getattr(rows, "shape", (0, 1)))[1:], initial=1.0))
    picked = np.flatnonzero(differs)
    tolerance = 1e-9 * np.nan_to_num(np.abs(as_numbers(reference).values[picked]))
    several = distinct_precise(as_numbers(reference).values, differs) >= SEVERAL_NUMBERS
    parts, hits = FEW_PARTS if several or size > PARTS_VALUES else PARTS, 0
    for i in range(parts):
        trial.check_clock()
        drawn = draw(i)
        try:
            state = learned(trial.fit(take(rows, drawn), None if labels is None else labels[drawn]))
        except Exception:  # noqa: BLE001, S112 - rows that cannot be fitted on explain nothing
            continue
        hits += bool((gaps(reference, state)[picked] <= tolerance).all())
        if (hits + 1) / (parts + 1) > CHANCE:
            break  # what is left cannot make it small
    return (hits + 1) / (parts + 1)


def is_supervised(trial: Trial, splits: Splits, as_given: Learned | None = None) -> bool:
    """Whether fitting on other labels gives another state than `as_given`, that of a fit on `splits`."""
    rows, labels = trial.feed(splits)
    if labels is None:
        return False
    order = trial.rng.permutation(len(labels))
    try:
        as_given = learned(trial.fit(rows, labels)) if as_given is None else as_given
        shuffled = learned(trial.fit(rows, labels[order]))
        gap = gaps(as_given, shuffled)
        bar = 1e-6 * np.abs(np.nan_to_num(as_numbers(as_given).values))
        return bool(
            (gap > bar).any() and (gap > bar + gaps(as_given, learned(trial.fit(rows, labels)))).any()
        )
    except Exception:  # noqa: BLE001 - labels that fitting refuses are not used
        return False


def movement(trial: Trial, anew: Any) -> float:
    """Return how far, in std of train's column, values move between the object and a fit on train."""
    largest, spread = 0.0, None
    for name in trial.splits:
        rows = trial.feed((name,))[0]
        n = count_rows(rows)
        picked = spaced(n, MOVED_ROWS)
        a, b = (_made(trial, thing, take(rows, picked)) for thing in (trial.learner.thing, anew))
        if a is None or b is None or a.shape != b.shape:
            return np.nan
        if spread is None:
            finite = np.where(np.isfinite(b), b, np.nan)
            known = ~np.isnan(finite).all(axis=0)
            spread = np.zeros(b.shape[1])
            spread[known] = np.nanstd(finite[:, known], axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.abs(a - b)
            flipped = np.abs(a + b)  # the sign of a component is arbitrary
            gap = np.where(np.nansum(flipped, axis=0) < np.nansum(gap, axis=0), flipped, gap)
            moves = np.where(
                spread > 1e-12 * np.maximum(1.0, np.nanmax(np.abs(b), initial=0.0)), gap / spread, 0.0
            )
        largest = max(largest, float(np.nan_to_num(moves, nan=0.0).max(initial=0.0)))
    return largest


def _made(trial: Trial, thing: Any, rows: Any) -> NDArray[np.float64] | None:
    """Return what the object, or the function that uses it, makes of rows."""
    function = trial.learner.function
    if function is None:
        return transformed(thing, defensive_copy(rows))
    try:
        return cells(
            swapped(function, trial.learner.thing, thing)(defensive_copy(rows)), count_rows(rows)
        ).numbers
    except (Exception, SystemExit):  # noqa: BLE001 - user code may raise anything
        return None
