"""Metamorphic relations: how a batch is changed, and which rows of the output must then stay as they were.

Every relation is data. `auditor.probes.runner` carries them out on a user's callable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.rows import Index, count_rows, has_missing, library, take, take_in_place, with_numbers

ROUNDING = 2.0**-11.5
"""Half the digits of float32, relative to a column's largest value: 3.5e-4.

Changing a batch's size or the place of a row in it changes the order of sums in a matrix product. Through
a stack of layers in float32 that moved values by up to 1.5e-4 of a column's largest.
"""

FEW = 4
"""Rows kept where nearly all are replaced."""

ROUNDING_HALF = 2.0**-5
"""Half the digits of float16."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The draws behind one run of the relations; all made beforehand, from one seed.

    Attributes
    ----------
    n : int
        Rows of the batch.
    keep : ndarray of bool, shape (n,)
        Rows whose output must stay; the others are replaced.
    few : ndarray of bool, shape (n,)
        A few rows, for changes that leave next to nothing of the batch.
    donor : int
        A kept row, of which copies are made.
    """

    n: int
    keep: NDArray[np.bool_]
    few: NDArray[np.bool_]
    donor: int

    @property
    def others(self) -> Index:
        """Rows that are replaced."""
        return np.flatnonzero(~self.keep)

    @property
    def half(self) -> int:
        """Rows of half a batch."""
        return max(1, self.n // 2)


Change = Callable[[Any, Plan], Any]
"""From a batch to a changed batch; None where the change cannot be made on this kind of rows."""

Rows = Callable[[Plan], Index]
"""Rows of an output."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that must hold of a callable that treats each row by itself.

    Attributes
    ----------
    name : str
        Key of the relation.
    words : str
        The change, completing "a row's output changes when ...".
    first, second : Change
        How the two batches are made of the sample.
    rows_first, rows_second : Rows
        Rows of their outputs that belong to the same input rows, in the same order.
    exact : bool
        Whether the outputs must be equal bit for bit, as they are where a batch keeps its shape; else
        up to `ROUNDING`.
    """

    name: str
    words: str
    first: Change
    second: Change
    rows_first: Rows
    rows_second: Rows
    exact: bool


def as_it_is(rows: Any, _: Plan) -> Any:
    """Return the batch."""
    return rows


def others_copied(rows: Any, plan: Plan) -> Any:
    """Replace the other rows by copies of one kept row; what was missing stays missing.

    Which values are missing decides the shapes that an imputer computes on, and with them the rounding.
    """
    return _copied(rows, plan, plan.keep)


def all_but_few_copied(rows: Any, plan: Plan) -> Any:
    """Replace all but a few rows by copies of one row: hardly a category or an extreme is left."""
    return _copied(rows, plan, plan.few)


def _copied(rows: Any, plan: Plan, keep: NDArray[np.bool_]) -> Any:
    indices = np.arange(plan.n)
    indices[~keep] = plan.donor
    copied = take_in_place(rows, indices)
    return _same_missing(rows, copied) if has_missing(rows) else copied


def others_swapped(rows: Any, plan: Plan) -> Any:
    """Turn round the order of the other rows."""
    indices = np.arange(plan.n)
    indices[plan.others] = plan.others[::-1]
    swapped = take_in_place(rows, indices)
    return _same_missing(rows, swapped) if has_missing(rows) else swapped


def others_scaled(rows: Any, plan: Plan) -> Any:
    """Move the other rows far away: 3x + 1 for floats, mirrored within their range for integers."""
    return with_numbers(rows, lambda values: _put(values, plan, _far))


def kept_halved(rows: Any, plan: Plan) -> Any:
    """Halve the kept rows, so that the extremes of the batch lie among the others."""
    return with_numbers(rows, lambda values: _put(values, plan, _halved, kept=True))


def all_halved(rows: Any, _: Plan) -> Any:
    """Halve every row."""
    return with_numbers(rows, _halved)


def rolled(rows: Any, plan: Plan) -> Any:
    """Exchange the two halves of the batch; rows keep their place within a block of a matrix product."""
    return take(rows, np.roll(np.arange(plan.n), plan.half))


def first_half(rows: Any, plan: Plan) -> Any:
    """Return the first half of the batch."""
    return take(rows, np.arange(plan.half))


def _far(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "f":
        return values * 3 + 1
    return values.max() - (values - values.min()) if values.size else values


def _halved(values: NDArray[Any]) -> NDArray[Any]:
    return values / 2 if values.dtype.kind == "f" else values // 2


def _put(
    values: NDArray[Any], plan: Plan, change: Callable[[NDArray[Any]], NDArray[Any]], *, kept: bool = False
) -> NDArray[Any]:
    new = values.copy()
    mask = plan.keep if kept else ~plan.keep
    new[mask] = change(values[mask])
    return new


def _same_missing(rows: Any, changed: Any) -> Any:
    """Return `changed` with values missing exactly where they are missing in `rows`."""
    if isinstance(rows, np.ndarray):
        return _missing_as_in(rows, changed)
    if library(rows) == "tensorflow":
        import tensorflow as tf

        return tf.constant(_missing_as_in(rows.numpy(), changed.numpy()))
    new = changed.copy()
    for position in range(rows.shape[1] if len(rows.shape) > 1 else 0):
        old, now = rows.iloc[:, position], changed.iloc[:, position]
        new.isetitem(position, old.where(old.isna() | now.isna(), now))
    return new


def _missing_as_in(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.isnan(old) | np.isnan(new), old, new)


def _kept(plan: Plan) -> Index:
    return np.flatnonzero(plan.keep)


def _few(plan: Plan) -> Index:
    return np.flatnonzero(plan.few)


def _everything(plan: Plan) -> Index:
    return np.arange(plan.n)


def _unrolled(plan: Plan) -> Index:
    return np.argsort(np.roll(np.arange(plan.n), plan.half), kind="stable")


def _first_half(plan: Plan) -> Index:
    return np.arange(plan.half)


REPEAT = Relation(
    "repeat", "it is called again on equal input", as_it_is, as_it_is, _everything, _everything, exact=True
)
"""Two calls on equal input agree."""

COPIED = Relation(
    "others-copied",
    "the other rows of the batch are replaced by copies of one row",
    as_it_is, others_copied, _kept, _kept, exact=True,
)  # fmt: skip

FEW_KEPT = Relation(
    "all-but-few-copied",
    "all but a few rows of the batch are replaced by copies of one row",
    as_it_is, all_but_few_copied, _few, _few, exact=True,
)  # fmt: skip

SWAPPED = Relation(
    "others-swapped",
    "the other rows of the batch change places",
    as_it_is, others_swapped, _kept, _kept, exact=True,
)  # fmt: skip

SCALED = Relation(
    "others-scaled",
    "the values of the other rows of the batch change",
    as_it_is, others_scaled, _kept, _kept, exact=True,
)  # fmt: skip

HALVED = Relation(
    "others-halved",
    "the values of the other rows of the batch are halved",
    kept_halved, all_halved, _kept, _kept, exact=True,
)  # fmt: skip

ROLLED = Relation(
    "rolled",
    "the rows of the batch change places",
    as_it_is, rolled, _everything, _unrolled, exact=False,
)  # fmt: skip

SUBSET = Relation(
    "subset",
    "the batch holds fewer rows",
    as_it_is, first_half, _first_half, _first_half, exact=False,
)  # fmt: skip

INDEPENDENCE = (COPIED, FEW_KEPT, SWAPPED, SCALED, HALVED, ROLLED, SUBSET)
"""What holds where no row's output depends on the rows beside it, or on its place."""


def make_plan(rows: Any, missing: NDArray[np.bool_], rng: np.random.Generator) -> Plan:
    """Draw the rows to keep, half of the batch, and the row to copy: a complete one, if there is one."""
    n = count_rows(rows)
    keep, few = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    drawn = rng.permutation(n)
    keep[drawn[: max(1, n // 2)]] = True
    few[drawn[: min(FEW, max(1, n // 2))]] = True
    complete = np.flatnonzero(keep & ~missing)
    return Plan(n, keep, few, int((complete if complete.size else np.flatnonzero(keep))[0]))
