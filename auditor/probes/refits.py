"""Which splits a fitted object was fitted on: it is fitted anew on each set of splits, and the states compared."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.application import one_line
from auditor.probes.compared import (
    Yardstick,
    as_numbers,
    distinct_precise,
    exactly,
    gaps,
    yardstick,
)
from auditor.probes.feeds import Gather, Learner, Splits, swapped
from auditor.probes.learned import Learned, learned, refitted, transformed
from auditor.probes.outputs import cells
from auditor.probes.rounded import rounded
from auditor.probes.rows import count_rows, defensive_copy, take
from auditor.probes.stored import Stored, stored_rows

PILOT_ROWS = 256
"""Rows of a first fit that tells how long the others will take."""

OUT_OF_TIME = "fitting it anew takes longer than"

ORDERS = 3
"""Further fits on the same rows, in other orders."""

PARTS = 99
"""Random parts of train refitted to see whether one of them explains the state as well."""

PARTS_VALUES = 10**6
"""Values of train beyond which only `FEW_PARTS` are refitted."""

FEW_PARTS = 19

NEAR = 1e-3
"""Median relative difference up to which a set of splits is worth more fits."""

CHANCE = 0.05
"""Largest probability, given a fit on a random part of train, at which a state is ascribed to more rows."""

MANY_NUMBERS = 8
"""Precise numbers equal to those of a larger set, and not to train's, that no part of train gives by chance."""

MOVED_ROWS = 20_000
"""Rows of each split that are transformed to see how far the fit moves them."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a fitted object was fitted on.

    Attributes
    ----------
    name : str
        The object.
    status : {"train", "beyond", "beyond or part", "unknown"}
        Fitted on train, as far as its state tells; on more or other rows; on those or on a part of train;
        or not to be told.
    sets : tuple of tuples of str
        Sets of splits that give the state.
    where : str
        The attribute that differs most clearly from a fit on train.
    fitted, on_train : float
        Its value there, and that of a fit on train; NaN for a text.
    equal : int
        Learned numbers that equal those of a fit on `sets`.
    differing : int
        Those of them that a fit on train does not give.
    supervised : bool
        Whether its state depends on the labels.
    moved : float
        Largest movement of a transformed value, in standard deviations of its column, between the object
        and a fit on train; NaN where outputs have different columns.
    stored : dict of str to int
        For an object that keeps rows: how many of each evaluation split.
    note : str
        Why it is unknown.
    thing : object
        The object.
    serves : tuple of str
        Splits whose preprocessing holds it.
    """

    name: str
    status: str
    sets: tuple[Splits, ...] = ()
    where: str = ""
    fitted: float = np.nan
    on_train: float = np.nan
    equal: int = 0
    differing: int = 0
    supervised: bool = False
    moved: float = np.nan
    stored: dict[str, int] = field(default_factory=dict)
    note: str = ""
    thing: Any = None
    serves: Splits = ()


def judged(learner: Learner, splits: Splits, seed: int, seconds: float) -> Verdict:
    """Return what one fitted object was fitted on.

    Parameters
    ----------
    learner : Learner
        The object, and ways in which its rows may have come about; the first that tells counts.
    splits : tuple of str
        Splits that have rows.
    seed : int
        Of the orders in which rows are fitted again.
    seconds : float
        Time that the fits may take, for each way.
    """
    verdict = Verdict("", "unknown")
    for feed in learner.feeds:
        rng = np.random.default_rng([seed, 11])
        trial = _Trial(learner, feed, splits, rng, seconds, time.perf_counter())
        try:
            verdict = _judge(trial)
        except _FromTrain:
            verdict = Verdict("", "train")
        except _CannotTellError as why:
            verdict = Verdict("", "unknown", note=verdict.note or str(why))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything
            verdict = Verdict("", "unknown", note=verdict.note or _in_line(error))
        if verdict.status != "unknown":
            break
    return replace(verdict, name=learner.name, thing=learner.thing, serves=learner.serves)


def _in_line(error: BaseException) -> str:
    told = one_line(error)
    return "its rows could not be made out" if told.startswith("NotHeardError") else told


class _FromTrain(Exception):  # noqa: N818 - an answer, not an error
    """A fit on train, in another order of its rows, gives the state."""


class _CannotTellError(Exception):
    """The object cannot be judged; the argument says why."""


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    learner: Learner
    feed: Gather
    splits: Splits
    rng: np.random.Generator
    seconds: float
    start: float

    def check_clock(self) -> None:
        """Raise where the time is used up."""
        if time.perf_counter() - self.start > self.seconds:
            raise _CannotTellError(f"{OUT_OF_TIME} {self.seconds:g} s; PRE001.seconds gives it more")

    def fit(self, rows: Any, labels: Any) -> Any:
        """Return a copy of the object, fitted on copies of `rows`."""
        return refitted(self.learner.thing, defensive_copy(rows), None if labels is None else labels.copy())

    def state(self, splits: Splits) -> Learned:
        """Return what a fit on `splits` learns."""
        return learned(self.fit(*self.feed(splits)))


def _judge(trial: _Trial) -> Verdict:
    reference = learned(trial.learner.thing)
    rows, labels = trial.feed(("train",))
    stored = stored_rows(reference, {name: trial.feed((name,))[0] for name in trial.splits})
    if stored is not None:
        return _judge_stored(trial, stored)
    _check_time(trial, rows, labels)
    anew = trial.fit(rows, labels)
    on_train = learned(anew)
    gap = gaps(reference, on_train)
    if not gap.size:
        raise _CannotTellError("it holds nothing that can be compared")
    if exactly(reference, gap):
        return Verdict("", "train")
    others: list[Learned] = []

    def shuffled() -> tuple[Yardstick, NDArray[np.float64]]:
        others.extend(_permuted(trial, rows, labels) for _ in range(ORDERS - len(others)))
        stick = yardstick(reference, [on_train, *others])
        train_gaps = [gap, *(gaps(reference, other) for other in others)]
        if any(stick.equal(one) for one in train_gaps):
            raise _FromTrain
        return stick, np.min(train_gaps, axis=0)

    matches = _matching_sets(trial, reference, gap, shuffled)
    if not matches:
        raise _CannotTellError(_why_unknown(shuffled()[0]))
    differs = np.logical_and.reduce([match.differs for match in matches])
    differs = differs if differs.any() else matches[0].differs
    sets = _by_count(trial, [match.splits for match in matches])
    claim = _claim(trial, reference, anew, sets, differs)
    if _chance_of_part(trial, reference, differs, (rows, labels)) <= CHANCE:
        return claim
    if distinct_precise(as_numbers(reference).values, differs, digits=2):
        return replace(claim, status="beyond or part")
    raise _CannotTellError("its state is also that of a fit on a part of train")


def _why_unknown(stick: Yardstick) -> str:
    if not stick.reproducible.any():
        return "fits on the same rows differ, so its state does not tell which rows it saw"
    return "its state is that of no set of the splits given"


def _check_time(trial: _Trial, rows: Any, labels: Any) -> None:
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
        raise _CannotTellError(f"{OUT_OF_TIME} {trial.seconds:g} s; PRE001.seconds gives it more")


def _permuted(trial: _Trial, rows: Any, labels: Any) -> Learned:
    """Return what a fit learns on the same rows in another order, rounded otherwise."""
    order = trial.rng.permutation(count_rows(rows))
    shaken = rounded(take(rows, order), trial.rng)
    try:
        return learned(trial.fit(shaken, None if labels is None else labels[order]))
    except Exception:  # noqa: BLE001 - an order that fitting refuses determines nothing
        return {}


def _candidates(splits: Splits) -> list[Splits]:
    """Return every set of splits but train alone: those with train first, the largest first."""
    sets = [s for size in range(len(splits), 0, -1) for s in itertools.combinations(splits, size)]
    return sorted((s for s in sets if s != ("train",)), key=lambda s: "train" not in s)


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """A set of splits that gives the state, and the numbers in which train's fits clearly differ from it."""

    splits: Splits
    differs: NDArray[np.bool_]


def _matching_sets(
    trial: _Trial,
    reference: Learned,
    gap: NDArray[np.float64],
    shuffled: Callable[[], tuple[Yardstick, NDArray[np.float64]]],
) -> list[_Match]:
    """Return the sets of splits that give the state.

    A fit in the order given that equals it to nine digits in many numbers, which train's does not, needs
    no further proof. Otherwise each set is measured by its own noise: fits on more rows, or other ones,
    may be less well determined than fits on train.
    """
    numbers = as_numbers(reference)
    in_order = ~numbers.is_text & (gap > 1e-6 * np.abs(numbers.values)) & (gap > 0)
    many = distinct_precise(numbers.values, in_order) >= MANY_NUMBERS
    states: dict[Splits, Learned] = {}
    for splits in _candidates(trial.splits):
        trial.check_clock()
        try:
            states[splits] = learned(trial.fit(*trial.feed(splits)))
        except Exception:  # noqa: BLE001, S112 - a set that cannot be fitted on did not make this state
            continue
        if many and exactly(reference, gaps(reference, states[splits])):
            return [_Match(splits, in_order)]
    stick, apart = shuffled()
    clear = stick.clearly_apart(apart)
    if clear.any():
        found = [_Match(s, clear) for s, state in states.items() if stick.equal(gaps(reference, state))]
        if found:
            return found
    near = {s: _nearness(numbers.values, gaps(reference, state)) for s, state in states.items()}
    closest = sorted((s for s in near if near[s] <= NEAR), key=lambda s: near[s])[:2]
    return [m for s in closest if (m := _by_own_noise(trial, reference, (s, states[s]), apart)) is not None]


def _by_own_noise(
    trial: _Trial, reference: Learned, candidate: tuple[Splits, Learned], apart: NDArray[np.float64]
) -> _Match | None:
    splits, state = candidate
    rows, labels = trial.feed(splits)
    shuffled = [_permuted(trial, rows, labels) for _ in range(ORDERS)]
    own = yardstick(reference, [state, *shuffled])
    if not any(own.equal(gaps(reference, each)) for each in [state, *shuffled]):
        return None
    clear = own.clearly_apart(apart)
    return _Match(splits, clear) if clear.any() else None


def _nearness(values: NDArray[np.float64], gap: NDArray[np.float64]) -> float:
    """Return the median relative difference; infinite where there is nothing to compare."""
    if not gap.size:
        return np.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(gap == 0, 0.0, gap / np.maximum(np.nan_to_num(np.abs(values)), 1e-300))
    return float(np.median(relative))


def _by_count(trial: _Trial, sets: list[Splits]) -> list[Splits]:
    """Keep sets with as many rows as the object says it saw, where it says so and some have."""
    seen = getattr(trial.learner.thing, "n_samples_seen_", None)
    if seen is None or len(sets) < 2:
        return sets
    largest = int(np.max(seen))
    fitting = [splits for splits in sets if count_rows(trial.feed(splits)[0]) == largest]
    return fitting or sets


def _claim(
    trial: _Trial, reference: Learned, anew: Any, sets: list[Splits], differs: NDArray[np.bool_]
) -> Verdict:
    numbers = as_numbers(reference)
    where = _clearest(numbers.values, gaps(reference, learned(anew)), differs)
    state = learned(anew)
    key = numbers.key_of(where)
    same_shape = key in state and state[key].shape == reference[key].shape
    offset = where - int(numbers.sizes[: numbers.keys.index(key)].sum())
    on_train = float(state[key].ravel()[offset]) if same_shape and not numbers.is_text[where] else np.nan
    return Verdict(
        "",
        "beyond",
        tuple(sets),
        where=key,
        fitted=float(numbers.values[where]),
        on_train=on_train,
        equal=int(numbers.values.size),
        differing=int(differs.sum()),
        supervised=_is_supervised(trial, sets[0]),
        # Where only terms or categories differ, columns and codes are others: nothing moves.
        moved=np.nan if numbers.is_text[differs].all() else _movement(trial, anew),
    )


def _clearest(values: NDArray[np.float64], gap: NDArray[np.float64], differs: NDArray[np.bool_]) -> int:
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = gap / np.maximum(np.abs(np.nan_to_num(values)), 1e-300)
    finite = np.where(np.isfinite(gap) & differs, relative, -1.0)
    best = int(np.argmax(finite))
    return best if finite[best] >= 0 else int(np.argmax(differs))


def _chance_of_part(
    trial: _Trial, reference: Learned, differs: NDArray[np.bool_], fed: tuple[Any, Any]
) -> float:
    """Return how often a random part of train gives the numbers in which the whole of train differs.

    The null is that the object was fitted on a part of train, with or without repeats; what is returned
    is the Monte Carlo p-value. Many precise numbers need no such test.
    """
    if distinct_precise(as_numbers(reference).values, differs) >= MANY_NUMBERS:
        return 0.0
    rows, labels = fed
    n = count_rows(rows)
    size = n * int(np.prod(tuple(getattr(rows, "shape", (0, 1)))[1:], initial=1.0))
    picked = np.flatnonzero(differs)
    tolerance = 1e-9 * np.nan_to_num(np.abs(as_numbers(reference).values[picked]))
    parts, hits = PARTS if size <= PARTS_VALUES else FEW_PARTS, 0
    for i in range(parts):
        trial.check_clock()
        share = max(2, int(n * trial.rng.uniform(0.5, 0.95)))
        part = trial.rng.integers(0, n, n) if i % 2 else trial.rng.permutation(n)[:share]
        try:
            state = learned(trial.fit(take(rows, part), None if labels is None else labels[part]))
        except Exception:  # noqa: BLE001, S112 - a part that cannot be fitted on explains nothing
            continue
        hits += bool((gaps(reference, state)[picked] <= tolerance).all())
    return (hits + 1) / (parts + 1)


def _is_supervised(trial: _Trial, splits: Splits) -> bool:
    """Whether fitting on other labels gives another state."""
    rows, labels = trial.feed(splits)
    if labels is None:
        return False
    order = trial.rng.permutation(len(labels))
    try:
        as_given, shuffled = (learned(trial.fit(rows, y)) for y in (labels, labels[order]))
        gap = gaps(as_given, shuffled)
        bar = 1e-6 * np.abs(np.nan_to_num(as_numbers(as_given).values))
        return bool(
            (gap > bar).any() and (gap > bar + gaps(as_given, learned(trial.fit(rows, labels)))).any()
        )
    except Exception:  # noqa: BLE001 - labels that fitting refuses are not used
        return False


def _movement(trial: _Trial, anew: Any) -> float:
    """Return how far, in std of train's column, values move between the object and a fit on train."""
    largest, spread = 0.0, None
    for name in trial.splits:
        rows = trial.feed((name,))[0]
        n = count_rows(rows)
        picked = np.unique(np.linspace(0, n - 1, min(n, MOVED_ROWS)).astype(np.int64))
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


def _made(trial: _Trial, thing: Any, rows: Any) -> NDArray[np.float64] | None:
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


def _judge_stored(trial: _Trial, stored: Stored) -> Verdict:
    """Judge an object that keeps the rows it was fitted on."""
    if not stored.foreign:
        return Verdict("", "train")
    moved, supervised = np.nan, False
    try:
        moved = _movement(trial, trial.fit(*trial.feed(("train",))))
        supervised = _is_supervised(trial, stored.sets[0])
    except Exception:  # noqa: BLE001, S110 - the rows it keeps are proof enough
        pass
    return Verdict(
        "",
        "beyond",
        stored.sets,
        equal=stored.kept,
        stored=stored.foreign,
        moved=moved,
        supervised=supervised,
    )
