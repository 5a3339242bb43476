"""Which splits a fitted object was fitted on: it is fitted anew on each set of splits, and the states compared."""

from __future__ import annotations

import itertools
import time
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
    of_mostly,
    yardstick,
)
from auditor.probes.feeds import Learner, Splits
from auditor.probes.learned import Learned, learned
from auditor.probes.rows import count_rows
from auditor.probes.stored import Stored, stored_rows
from auditor.probes.train_fits import ORDERS, TrainFits
from auditor.probes.trials import (
    CHANCE,
    MANY_NUMBERS,
    CannotTellError,
    Trial,
    chance_of_part,
    check_time,
    is_supervised,
    movement,
    permuted,
)

NEAR = 1e-3
"""Median relative difference up to which a set of splits is worth more fits."""

NOT_HEARD = "its rows could not be made out"

FITS_DIFFER = "fits on the same rows differ, so its state does not tell which rows it saw"


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
        trial = Trial(learner, feed, splits, rng, seconds, time.perf_counter())
        try:
            verdict = _judge(trial)
        except _FromTrain:
            verdict = Verdict("", "train")
        except CannotTellError as why:
            verdict = Verdict("", "unknown", note=_reason(verdict.note, str(why)))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything
            verdict = Verdict("", "unknown", note=_reason(verdict.note, _in_line(error)))
        if verdict.status != "unknown":
            break
    return replace(verdict, name=learner.name, thing=learner.thing, serves=learner.serves)


def _in_line(error: BaseException) -> str:
    told = one_line(error)
    return NOT_HEARD if told.startswith("NotHeardError") else told


def _reason(first: str, second: str) -> str:
    """Return why the first way of its rows did not tell, unless that was never followed."""
    return second if first in ("", NOT_HEARD) else first


class _FromTrain(Exception):  # noqa: N818 - an answer, not an error
    """A fit on train, in another order of its rows, gives the state."""


def _judge(trial: Trial) -> Verdict:
    reference = learned(trial.learner.thing)
    stored = stored_rows(reference, {name: trial.feed((name,))[0] for name in trial.splits})
    if stored is None:
        return _judge_by_fits(trial, reference)
    if not stored.whole:
        try:
            verdict = _judge_by_fits(trial, reference)
        except Exception:  # noqa: BLE001 - the rows it keeps may still tell
            return _judge_stored(trial, stored)
        if verdict.status == "beyond" or not stored.foreign:
            return verdict
    return _judge_stored(trial, stored)


def _judge_by_fits(trial: Trial, reference: Learned) -> Verdict:
    rows, labels = trial.feed(("train",))
    check_time(trial, rows, labels)
    anew = trial.fit(rows, labels)
    train = TrainFits(trial, reference, learned(anew))
    gap = train.gaps[0]
    if not gap.size:
        raise CannotTellError("it holds nothing that can be compared")
    if exactly(reference, gap):
        return Verdict("", "train")
    if not train.apart_in_order.any() and train.in_other_orders().equal_somewhere:
        return Verdict("", "train")
    if _draws_anew(trial.learner.thing):
        _end_where_nothing_else_differs(train)
    matches = _matching_sets(trial, train)
    if not matches:
        raise CannotTellError(_why_unknown(train.in_other_orders().stick))
    differs = np.logical_and.reduce([match.differs for match in matches])
    differs = differs if differs.any() else matches[0].differs
    sets = _by_count(trial, [match.splits for match in matches])
    state = next(match.state for match in matches if match.splits == sets[0])
    claim = _claim(trial, reference, (anew, train.state), (sets, state), differs)
    calm = all(match.in_any_order for match in matches)
    if chance_of_part(trial, reference, differs, (rows, labels), in_any_order=calm) <= CHANCE:
        return claim
    values = as_numbers(reference).values[differs]
    if (np.isfinite(values) & (values != np.rint(values))).any():
        return replace(claim, status="beyond or part")
    raise CannotTellError("its state is also that of a fit on a part of train")


def _draws_anew(thing: Any) -> bool:
    """Whether an estimator may draw at random in every fit, without a seed."""
    try:
        return thing.get_params(deep=False).get("random_state", 0) is None
    except Exception:  # noqa: BLE001 - no estimator, or one that refuses
        return False


def _end_where_nothing_else_differs(train: TrainFits) -> None:
    """End where the state differs from a fit on train only in numbers that are drawn anew in every fit."""
    rows, labels = train.trial.feed(("train",))
    drawn = gaps(train.state, learned(train.trial.fit(rows, labels)))
    if drawn.shape != train.gaps[0].shape:
        return
    numbers = as_numbers(train.reference)
    held = of_mostly(numbers.sizes, drawn <= 1e-6 * np.abs(np.nan_to_num(numbers.values)))
    if (held & (train.gaps[0] > 0)).any():
        return
    if distinct_precise(numbers.values, held):
        raise _FromTrain
    raise CannotTellError(FITS_DIFFER)


def _why_unknown(stick: Yardstick) -> str:
    if not stick.reproducible.any():
        return FITS_DIFFER
    return "its state is that of no set of the splits given"


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """A set of splits that gives the state, and the numbers in which train's fits clearly differ from it.

    Where these numbers depend on the order of the rows, `in_any_order` is False.
    """

    splits: Splits
    state: Learned
    differs: NDArray[np.bool_]
    in_any_order: bool = True


def _matching_sets(trial: Trial, train: TrainFits) -> list[_Match]:
    """Return the sets of splits that give the state.

    A fit in the order given that equals it to nine digits in many numbers, which train's does not, needs
    no further proof. Otherwise each set is measured by its own noise: fits on more rows, or other ones,
    may be less well determined than fits on train.
    """
    reference, in_order = train.reference, train.apart_in_order
    numbers = as_numbers(reference)
    many = distinct_precise(numbers.values, in_order) >= MANY_NUMBERS
    alone = many and not distinct_precise(numbers.values, ~in_order)
    states, exact = _states(trial, reference, alone=alone)
    if many and exact:
        return [_Match(s, states[s], in_order) for s in exact]
    orders = train.in_other_orders()
    clear = orders.stick.clearly_apart(orders.apart)
    if exact and in_order.any() and not (in_order & orders.stick.reproducible).any():
        return [_Match(s, states[s], in_order, in_any_order=False) for s in exact]
    if orders.equal_somewhere:
        if any(orders.stick.clearly_apart(gaps(reference, state)).any() for state in states.values()):
            raise _FromTrain
        raise CannotTellError(FITS_DIFFER)
    apart = {splits: gaps(reference, state) for splits, state in states.items()}
    if clear.any():
        equal = [s for s, gap in apart.items() if orders.stick.equal(gap)]
        found = [_Match(s, states[s], clear) for s in [s for s in equal if s in exact] or equal]
        if found:
            return found
    near = {splits: _nearness(numbers.values, gap) for splits, gap in apart.items()}
    closest = sorted((s for s in near if near[s] <= NEAR), key=lambda s: near[s])[:2]
    own = [_by_own_noise(trial, reference, (s, states[s]), orders.apart) for s in closest]
    return [match for match in own if match is not None]


def _states(trial: Trial, reference: Learned, *, alone: bool) -> tuple[dict[Splits, Learned], list[Splits]]:
    """Fit on every set of splits but train; return what each learns, and those that give the state exactly.

    Where every number of the state depends on every row, the first that gives it is the only one: `alone`.
    """
    states: dict[Splits, Learned] = {}
    exact: list[Splits] = []
    for splits in _likelier_first(trial, reference):
        trial.check_clock()
        try:
            states[splits] = trial.state(splits)
        except Exception:  # noqa: BLE001, S112 - a set that cannot be fitted on did not make this state
            continue
        if exactly(reference, gaps(reference, states[splits])):
            exact.append(splits)
            if alone:
                break
    return states, exact


def _likelier_first(trial: Trial, reference: Learned) -> list[Splits]:
    """Return every set of splits but train alone: those first in which an attribute holds a number a row.

    Among equals, those with train come first, and the largest of them.
    """
    splits = trial.splits
    sets = [s for size in range(len(splits), 0, -1) for s in itertools.combinations(splits, size)]
    lengths = {len(values) for values in reference.values()} | {_seen(trial)}
    rows = {name: count_rows(trial.feed((name,))[0]) for name in splits}
    return sorted(
        (s for s in sets if s != ("train",)),
        key=lambda s: (sum(rows[name] for name in s) not in lengths, "train" not in s),
    )


def _seen(trial: Trial) -> int:
    """Return how many rows the object says it was fitted on; 0 where it does not say."""
    told = getattr(trial.learner.thing, "n_samples_seen_", None)
    return 0 if told is None else int(np.max(told))


def _by_own_noise(
    trial: Trial, reference: Learned, candidate: tuple[Splits, Learned], apart: NDArray[np.float64]
) -> _Match | None:
    splits, state = candidate
    rows, labels = trial.feed(splits)
    shuffled = [permuted(trial, rows, labels) for _ in range(ORDERS)]
    own = yardstick(reference, [state, *shuffled])
    if not any(own.equal(gaps(reference, each)) for each in [state, *shuffled]):
        return None
    clear = own.clearly_apart(apart)
    return _Match(splits, state, clear) if clear.any() else None


def _nearness(values: NDArray[np.float64], gap: NDArray[np.float64]) -> float:
    """Return the median relative difference; infinite where there is nothing to compare."""
    if not gap.size:
        return np.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(gap == 0, 0.0, gap / np.maximum(np.nan_to_num(np.abs(values)), 1e-300))
    return float(np.median(relative))


def _by_count(trial: Trial, sets: list[Splits]) -> list[Splits]:
    """Keep sets with as many rows as the object says it saw, where it says so and some have."""
    seen = _seen(trial)
    if not seen or len(sets) < 2:
        return sets
    return [splits for splits in sets if count_rows(trial.feed(splits)[0]) == seen] or sets


def _claim(
    trial: Trial,
    reference: Learned,
    on_train: tuple[Any, Learned],
    on_more: tuple[list[Splits], Learned],
    differs: NDArray[np.bool_],
) -> Verdict:
    """Return the verdict; `on_train` is a fit on train and its state, `on_more` sets and that of the first."""
    anew, state = on_train
    sets, given = on_more
    numbers = as_numbers(reference)
    where = _clearest(numbers.values, gaps(reference, state), differs)
    key = numbers.key_of(where)
    same_shape = key in state and state[key].shape == reference[key].shape
    offset = where - int(numbers.sizes[: numbers.keys.index(key)].sum())
    value = float(state[key].ravel()[offset]) if same_shape and not numbers.is_text[where] else np.nan
    return Verdict(
        "",
        "beyond",
        tuple(sets),
        where=key,
        fitted=float(numbers.values[where]),
        on_train=value,
        equal=int(numbers.values.size),
        differing=int(differs.sum()),
        supervised=is_supervised(trial, sets[0], given),
        # Where only terms or categories differ, columns and codes are others: nothing moves.
        moved=np.nan if numbers.is_text[differs].all() else movement(trial, anew),
    )


def _clearest(values: NDArray[np.float64], gap: NDArray[np.float64], differs: NDArray[np.bool_]) -> int:
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = gap / np.maximum(np.abs(np.nan_to_num(values)), 1e-300)
    finite = np.where(np.isfinite(gap) & differs, relative, -1.0)
    best = int(np.argmax(finite))
    return best if finite[best] >= 0 else int(np.argmax(differs))


def _judge_stored(trial: Trial, stored: Stored) -> Verdict:
    """Judge an object that keeps the rows it was fitted on."""
    if not stored.foreign:
        return Verdict("", "train")
    moved, supervised = np.nan, False
    try:
        moved = movement(trial, trial.fit(*trial.feed(("train",))))
        supervised = is_supervised(trial, stored.sets[0])
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
