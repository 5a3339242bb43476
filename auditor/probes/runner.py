"""Carrying out metamorphic relations on a user's callable: on copies, on a sample, within a time budget."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.probes.application import Applied, one_line
from auditor.probes.callables import Step, distinct
from auditor.probes.isolation import State, reseed, restore, undisturbed
from auditor.probes.outputs import Cells, cells, column_spread, difference
from auditor.probes.relations import (
    INDEPENDENCE,
    REPEAT,
    ROUNDING,
    ROUNDING_HALF,
    Plan,
    Relation,
    make_plan,
)
from auditor.probes.rows import Index, count_rows, defensive_copy, rows_with_missing, take

SAMPLE_VALUES = 2**22
"""Values in a sample, at most: wide rows are probed in smaller batches."""

MISSING_ROWS = 32
"""Rows with missing values that a sample holds, where there are any: imputers act on no others."""

WIDESPREAD = 0.1
"""Share of rows that must move before a relation up to rounding counts as broken.

Rounding that falls on an edge (of a bin, between equally near neighbours) flips a few rows by a lot.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """What became of one relation.

    Attributes
    ----------
    relation : Relation
        The relation.
    status : {"held", "broken", "void"}
        Void: it could not be carried out, for `reason`.
    share : float
        Share of the compared rows that moved.
    moved : float
        Largest movement, relative to the largest value of its column.
    in_std : float
        The same in standard deviations of the column over the sample.
    example : dict of str to object
        The row that moved most: its number in the split, the output column, both values.
    reason : str
        Why it is void.
    """

    relation: Relation
    status: str
    share: float = 0.0
    moved: float = 0.0
    in_std: float = 0.0
    example: dict[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """The relations of one callable.

    Attributes
    ----------
    step : Step
        The callable.
    serves : tuple of str
        Splits it is for.
    split : str
        Split whose rows it was probed on.
    rows : ndarray of int64
        Row numbers of the sample.
    of : int
        Rows of that split.
    repeat : Ran
        Whether two calls agree.
    noise : float
        How far two calls differ once random generators are seeded and learned state is put back before
        each, relative to a column's largest value; zero is bit for bit.
    ran : tuple of Ran
        The relations of independence.
    skipped : tuple of str
        Names of relations left out for lack of time.
    base : Cells or None
        Output on the sample.
    """

    step: Step
    serves: tuple[str, ...]
    split: str
    rows: Index
    of: int
    repeat: Ran
    noise: float
    ran: tuple[Ran, ...]
    skipped: tuple[str, ...]
    base: Cells | None

    @property
    def broken(self) -> tuple[Ran, ...]:
        """Relations of independence that do not hold."""
        return tuple(ran for ran in self.ran if ran.status == "broken")


@dataclass(slots=True, eq=False)
class Session:
    """Calls of one callable on batches of one sample."""

    step: Step
    states: list[State]
    n: int

    def call(self, batch: Any, *, steady: bool = True) -> Cells:
        """Return the output on a copy of `batch`, random generators and learned state put back first."""
        if steady:
            reseed()
            restore(self.states)
        return cells(self.step.call(defensive_copy(batch)), count_rows(batch))


def probed(case: Case, made: Applied, seed: int, rows: int, seconds: float) -> tuple[Probed, ...]:
    """Product: the relations of every distinct callable that returned rows.

    Parameters
    ----------
    case : Case
        With `preprocess`.
    made : Applied
        Its outputs.
    seed : int
        Of the sample and the plan.
    rows : int
        Rows of the sample, at most.
    seconds : float
        Time after which a callable's remaining relations are left out.
    """
    results = []
    for step, names in distinct(made.steps).items():
        # Rows of train come first: there are the most of them, and every callable must take them.
        able = [name for name in names if name in made.outputs and case[name].n_rows > 0]
        if able:
            results.append(_probe(made, step, (tuple(names), able[0]), _Settings(seed, rows, seconds)))
    return tuple(results)


@dataclass(frozen=True, slots=True)
class _Settings:
    seed: int
    rows: int
    seconds: float


def _probe(made: Applied, step: Step, served: tuple[tuple[str, ...], str], settings: _Settings) -> Probed:
    rng = np.random.default_rng([settings.seed, zlib.crc32(b"probes")])
    given = made.inputs[served[1]]
    chosen = sample_rows(given, sample_size(given, settings.rows), rng)
    batch = take(given, chosen)
    bench = _Bench(batch, make_plan(batch, rows_with_missing(batch), rng))
    session = Session(step, made.states, bench.plan.n)
    ran: list[Ran] = []
    skipped: list[str] = []
    start = time.perf_counter()
    with undisturbed(made.parts):
        repeat = _repeat(session, batch, chosen)
        if repeat.status != "void":
            bench = replace(bench, **_steady_base(session, batch))
        for relation in INDEPENDENCE:
            if time.perf_counter() - start > settings.seconds:
                skipped.append(relation.name)
                continue
            why = _why_void(relation, bench, repeat)
            done = _void(relation, why) if why else _run(session, relation, bench)
            ran.append(_numbered(done, chosen))
    of, done_all = count_rows(given), (tuple(ran), tuple(skipped))
    return Probed(step, *served, chosen, of, repeat, bench.noise, *done_all, bench.base)


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """A batch, the draws, its output with chance held fixed, and how far two such outputs differ."""

    batch: Any
    plan: Plan
    base: Cells | None = None
    noise: float = np.inf


def sample_size(given: Any, rows: int) -> int:
    """Return how many rows a batch may hold: `rows`, fewer where rows are wide."""
    width = int(np.prod(tuple(getattr(given, "shape", (0, 1)))[1:], initial=1.0))
    return max(8, min(rows, SAMPLE_VALUES // max(1, width)))


def _repeat(session: Session, batch: Any, chosen: Index) -> Ran:
    """Call twice on equal input, leaving random generators and learned state to run on."""
    reseed()
    restore(session.states)
    try:
        first = session.call(batch, steady=False)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything
        return _void(REPEAT, f"on a sample of {session.n:,} rows it raised {one_line(error)}")
    try:
        second = session.call(batch, steady=False)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything
        return Ran(REPEAT, "broken", 1.0, np.inf, np.inf, None, f"the second call raised {one_line(error)}")
    if len(first) != len(second):
        return Ran(REPEAT, "broken", 1.0, np.inf, np.inf, None, f"{len(first):,} rows, then {len(second):,}")
    ran = _compared(REPEAT, first, second, rounding(first))
    return _numbered(ran, chosen) if len(first) == session.n else replace(ran, example=None)


def _steady_base(session: Session, batch: Any) -> dict[str, Any]:
    try:
        first, second = session.call(batch), session.call(batch)
    except (Exception, SystemExit):  # noqa: BLE001 - user code may raise anything
        return {}
    if len(first) != len(second):
        return {"base": first}
    return {"base": first, "noise": _compared(REPEAT, first, second, 0.0).moved}


def rounding(output: Cells) -> float:
    """Return the movement that rounding explains, relative to a column's largest value."""
    return ROUNDING_HALF if output.half else ROUNDING


def _why_void(relation: Relation, bench: _Bench, repeat: Ran) -> str:
    if bench.base is None:
        return repeat.reason or "the sample could not be repeated"
    if bench.plan.n < 2:
        return "there is only one row"
    if len(bench.base) != bench.plan.n:
        return f"{bench.plan.n:,} rows came back as {len(bench.base):,}"
    if bench.noise > rounding(bench.base) or (repeat.status == "broken" and not relation.exact):
        return "two calls on equal input differ"
    return ""


def _void(relation: Relation, reason: str) -> Ran:
    return Ran(relation, "void", reason=reason)


def _run(session: Session, relation: Relation, bench: _Bench) -> Ran:
    batch, plan, base = bench.batch, bench.plan, bench.base
    assert base is not None  # noqa: S101 - see _why_void
    one, two = relation.first(batch, plan), relation.second(batch, plan)
    if one is None or two is None:
        return _void(relation, "these rows cannot be changed so")
    try:
        first = base if one is batch else session.call(one)
        second = session.call(two)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything
        return _void(relation, f"it raised {one_line(error)}")
    if len(first) != count_rows(one) or len(second) != count_rows(two):
        return _void(relation, "the number of rows changed")
    here, there = relation.rows_first(plan), relation.rows_second(plan)
    tolerance = rounding(base)
    if relation.exact:
        tolerance = 0.0 if bench.noise == 0 else max(10 * bench.noise, tolerance)
    spread = column_spread(base.numbers) if base.numbers.shape[1] == first.numbers.shape[1] else None
    ran = _compared(relation, first.rows(here), second.rows(there), tolerance, spread)
    if ran.example is None:
        return ran
    return replace(ran, example={**ran.example, "row": int(here[ran.example["row"]])})


def _compared(
    relation: Relation, a: Cells, b: Cells, tolerance: float, spread: NDArray[np.float64] | None = None
) -> Ran:
    gap = difference(a, b, spread)
    if not gap.same_shape:
        reason = f"rows of shape {a.shape} became rows of shape {b.shape}"
        return Ran(relation, "broken", 1.0, np.inf, np.inf, None, reason)
    beyond = gap.moved > tolerance
    share = float(beyond.mean()) if beyond.size else 0.0
    broken = bool(beyond.any()) if relation.exact else share >= WIDESPREAD
    largest = float(gap.moved.max(initial=0.0)), float(gap.in_std.max(initial=0.0))
    row, column = gap.where
    example = None
    if row >= 0:
        example = {
            "row": row,
            "output column": column,
            "before": float(a.numbers[row, column]),
            "after": float(b.numbers[row, column]),
        }
    return Ran(relation, "broken" if broken else "held", share, *largest, example)


def _numbered(ran: Ran, chosen: Index) -> Ran:
    """Give the example the row's number in its split instead of in the sample."""
    if ran.example is None:
        return ran
    return replace(ran, example={**ran.example, "row": int(chosen[ran.example["row"]])})


def sample_rows(given: Any, n: int, rng: np.random.Generator) -> Index:
    """Draw `n` rows without repeats, some with missing values among them; sorted."""
    total = count_rows(given)
    if total <= n:
        return np.arange(total)
    missing = np.flatnonzero(rows_with_missing(given))
    chosen = rng.permutation(missing)[: min(MISSING_ROWS, n // 4)]
    drawn = rng.choice(total, n, replace=False)
    rest = drawn[~np.isin(drawn, chosen)]
    return np.sort(np.concatenate([chosen, rest[: n - chosen.size]]))
