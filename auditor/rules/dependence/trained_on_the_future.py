"""DEP002."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.ids import are_row_numbers, joint_ids

STRAGGLERS = 0.01
"""Share of pairs (evaluation row, later train row) up to which single rows are out of place."""


@rule(
    "DEP002",
    "trained-on-the-future",
    severity=Severity.ERROR,
    needs=("time",),
    since="0.1",
    stage="given",
)
def trained_on_the_future(context: Context) -> Iterator[Finding]:
    """Rows of train are later than rows of an evaluation split.

    ## What it does
    Counts, for every evaluation row, the rows of train that are later. The share of such pairs is 0 for a
    forecast (train first, then val, then test), about one half for a random split, and 1 where train
    comes last. Above 0 it is an error; up to 1 %, with most of both splits in order, single rows are
    out of place and it is a warning that lists them. Equal times count as not later.

    Where the splits are in order and rows are windows (arrays of shape (n, steps, features)), it
    compares the last windows of train with the first ones of the evaluation split: steps that they share
    call for a gap (a warning).

    With `groups`: where every evaluation row is later than train's rows of its own group, or the
    groups of the splits are disjoint, only other groups' future was seen, and the finding is an info.

    ## Why it matters
    In use, a model predicts what has not happened yet. A random split of rows with a time lets it
    interpolate between yesterday and tomorrow, which scores far better than forecasting.

    ## Example
    `train_test_split(X, y)` of hourly counts: the hours before and after each test hour are in train.

    ## Fix
    Sort by time and cut: train first. `TimeSeriesSplit(gap=...)` does it in folds.

    ## Options
    None.

    ## Limits
    Times must mean the same in all splits. Skipped where they are all equal, or number the rows of each
    split anew. A window's shared steps are found by their values; windows that were scaled one by one
    share none (DUP004 looks further).
    """
    case = context.case
    _refuse(case)
    for split in case.evaluation:
        if split.time is None or not split.n_rows:
            continue
        order = _order(case.train, split)
        if order is None:
            continue
        finding = _later(case, split, order) if order.pairs else _without_gap(case.train, split)
        if finding is not None:
            yield finding


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """How two splits lie in time.

    `pairs` is the share of pairs of rows in which train's is later, `early` the evaluation rows before
    train's last row, `late` the train rows after the first evaluation row.
    """

    pairs: float
    early: NDArray[np.bool_]
    late: NDArray[np.bool_]
    first: Any
    last: Any


def _refuse(case: Case) -> None:
    times = [split.time for split in case if split.time is not None and split.n_rows]
    if len({float(t) for part in times for t in (_numbers(part).min(), _numbers(part).max())}) <= 1:
        raise Skip("time is the same in all rows")
    if len(times) > 1 and all(are_row_numbers(part) for part in times):
        raise Skip("time numbers the rows of each split anew; wanted when each row was observed")


def _numbers(times: NDArray[Any]) -> NDArray[Any]:
    """Return known times as numbers that can be compared."""
    if times.dtype.kind == "M":
        known = times[~np.isnat(times)].astype(np.int64)
    else:
        known = times[~np.isnan(times)] if times.dtype.kind == "f" else times
    return known if known.size else np.zeros(1)


def _order(train: Split, split: Split) -> _Order | None:
    assert train.time is not None  # noqa: S101 - the rule needs time
    assert split.time is not None  # noqa: S101 - the caller looked
    missing = np.isnat if train.time.dtype.kind == "M" else np.isnan
    ours, theirs = (t[~missing(t)] if t.dtype.kind in "fM" else t for t in (split.time, train.time))
    if not (ours.size and theirs.size):
        return None
    first, last = ours.min(), theirs.max()
    later = theirs.size - np.searchsorted(np.sort(theirs), ours, side="right")
    with np.errstate(invalid="ignore"):
        early, late = split.time < last, train.time > first
    return _Order(float(later.mean() / theirs.size), early, late, first, last)


def _shown(time: Any) -> str:
    if isinstance(time, np.datetime64):
        return str(time.astype("datetime64[s]")).replace("T00:00:00", "").replace("T", " ")
    return f"{time:,}" if isinstance(time, int | np.integer) else f"{time:.6g}"


def _later(case: Case, split: Split, order: _Order) -> Finding:
    name = split.name
    early, late = Rows.where(name, order.early), Rows.where("train", order.late)
    severity, reason = _judged(case, split, order, early, late)
    message = (
        f"{early.share:.1%} of the rows of {name} are earlier than train's last row ({_shown(order.last)}), and "
        f"{late.share:.1%} of the rows of train are later than the first of {name} ({_shown(order.first)}). {reason}"
    )
    drop = min((early, late), key=lambda rows: rows.share)
    return Finding(
        message,
        Evidence.of(
            Measure("share of pairs in which the train row is later", order.pairs, 0.0, "%"),
            Measure(f"share of {name} rows before train's last", early.share, 0.0, "%"),
            Measure(f"share of train rows after the first of {name}", late.share, 0.0, "%"),
            examples=[
                {"what": f"first row of {name}", "time": _shown(order.first)},
                {"what": "last row of train", "time": _shown(order.last)},
            ],
        ),
        Fix(
            "Sort by time and cut: train first, then val, then test.",
            "order = np.argsort(time, kind='stable')\n"
            "cut = int(0.8 * len(order))\n"
            f"train, {name} = order[:cut], order[cut:]\n"
            f"X_train, X_{name}, y_train, y_{name} = X[train], X[{name}], y[train], y[{name}]",
            drop=(drop,) if drop.share < 0.5 else (),
        ),
        splits=(name, "train"),
        rows=(early, late),
        severity=severity,
    )


def _judged(case: Case, split: Split, order: _Order, early: Rows, late: Rows) -> tuple[Severity | None, str]:
    """Return the severity and what it rests on."""
    within = _own_group_later(case.train, split)
    if within == 0.0:
        return Severity.INFO, "The model saw the future of other groups, not of the group it predicts."
    share = f"In {order.pairs:.0%} of all pairs of rows the one in train is later"
    if within is not None:
        return None, f"{within:.1%} of the rows of {split.name} have a later row of their own group in train."
    if order.pairs <= STRAGGLERS and min(early.share, late.share) < 0.1:
        return Severity.WARNING, f"{share}: single rows are out of place."
    if order.pairs > 0.99:
        return None, f"{share}: train comes after {split.name}."
    if min(early.share, late.share) > 0.9 and 0.35 < order.pairs < 0.65:
        return None, f"{share}, as after a random split."
    return None, f"{share}."


def _own_group_later(train: Split, split: Split) -> float | None:
    """Return the share of rows whose own group has a later row in train; None without groups."""
    if train.groups is None or split.groups is None or train.time is None or split.time is None:
        return None
    ids, codes = joint_ids({"train": train.groups, "eval": split.groups})
    if ids.size < 2 or (codes["train"] < 0).any() or (codes["eval"] < 0).any():
        return None
    missing = np.isnat if train.time.dtype.kind == "M" else np.isnan
    known = ~missing(train.time) if train.time.dtype.kind in "fM" else np.ones(train.n_rows, dtype=bool)
    groups, times = codes["train"][known], train.time[known]
    order = np.lexsort((times, groups))
    groups, times = groups[order], times[order]
    ends = np.searchsorted(groups, codes["eval"], side="right") - 1
    held = (ends >= 0) & (groups[np.maximum(ends, 0)] == codes["eval"])
    return float((held & (times[np.maximum(ends, 0)] > split.time)).mean())


def _without_gap(train: Split, split: Split) -> Finding | None:
    """Return a finding where the last window of train shares steps with the first of the split."""
    if split.feature_shape != train.feature_shape or len(split.feature_shape) != 2:
        return None
    assert train.time is not None  # noqa: S101 - the rule needs time
    assert split.time is not None  # noqa: S101 - the caller looked
    last = int(_known_order(train.time)[-1])
    order = _known_order(split.time)
    for axis in (0, 1):
        steps = split.feature_shape[axis]
        window = np.moveaxis(train.X[last], axis, 0)
        shared = [_shared_steps(window, np.moveaxis(split.X[i], axis, 0)) for i in order[:steps].tolist()]
        if shared and shared[0]:
            rows = order[: next((i for i, k in enumerate(shared) if not k), len(shared))]
            return _gap_finding(split, rows, shared[0], steps)
    return None


def _known_order(times: NDArray[Any]) -> NDArray[np.int64]:
    order = np.argsort(times, kind="stable")
    if times.dtype.kind in "fM":
        order = order[~(np.isnat if times.dtype.kind == "M" else np.isnan)(times[order])]
    return order


def _shared_steps(window: NDArray[Any], following: NDArray[Any]) -> int:
    """Return how many of the last steps of a window are the first of the following one.

    The shared part must vary, so that runs of one value do not pass for the same steps.
    """
    for shift in range(1, len(window)):
        tail, head = window[shift:], following[: len(window) - shift]
        if np.array_equal(tail, head) and np.unique(tail).size >= min(8, tail.size) > 2:
            return len(tail)
    return 0


def _gap_finding(split: Split, rows: NDArray[np.int64], shared: int, steps: int) -> Finding:
    name = split.name
    concerned = Rows.where(name, rows, split.n_rows)
    return Finding(
        f"{name} begins right after train, but rows are windows of {steps:,} steps: the last window of train "
        f"and the first of {name} share {shared:,} of them, and {len(concerned):,} windows of {name} overlap train.",
        Evidence.of(
            Measure("steps shared at the boundary", shared, 0),
            Measure("steps of a window", steps),
            Measure(f"windows of {name} that overlap train", len(concerned), 0, "rows"),
        ),
        Fix(
            "Leave a gap of one window between train and the evaluation split.",
            f"X_{name}, y_{name} = X_{name}[{len(concerned)}:], y_{name}[{len(concerned)}:]  # in order of time",
            drop=(concerned,) if len(concerned) < split.n_rows else (),
        ),
        splits=(name, "train"),
        rows=(concerned,),
        severity=Severity.WARNING,
    )
