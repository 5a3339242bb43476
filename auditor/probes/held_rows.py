"""Functions that hold rows of the data themselves, such as the whole array before it was split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.probes.application import Applied
from auditor.probes.feeds import Function, Splits, is_part_of, swapped
from auditor.probes.isolation import reseed, restore
from auditor.probes.outputs import Cells, cells, difference
from auditor.probes.reach import Held, held_by
from auditor.probes.refits import Verdict
from auditor.probes.rows import count_rows, defensive_copy, take, take_in_place, with_numbers
from auditor.probes.runner import rounding, sample_size
from auditor.probes.stored import row_keys

MOST_BYTES = 2**30
"""Arrays larger than this are not looked up."""

SAMPLE = 256


def held_rows_of(function: Function, splits: Splits, made: Applied) -> list[Verdict]:
    """Return arrays held by a function whose evaluation rows change what it makes of train rows.

    Non-interference: the rows of the held array that stand in an evaluation split, and not in train, are
    replaced by others in a copy of the function; rows of train must come out as before.
    """
    items = [item for item in held_by((function.thing,)) if _may_be_rows(item)]
    if not items:
        return []
    try:
        given = {name: function.feed((name,))[0] for name in splits}
        keys = {name: set(row_keys(_numbers(rows))) for name, rows in given.items()}
    except (InputError, TypeError, ValueError):
        return []
    found = []
    for item in items:
        verdict = _judge(item, function, given, keys, made)
        if verdict is not None:
            found.append(verdict)
    return found


def _may_be_rows(item: Held) -> bool:
    value = item.value
    if item.direct or is_part_of(item):
        return False
    if isinstance(value, np.ndarray):
        return (
            value.ndim >= 1 and len(value) > 1 and value.dtype.kind in "iufb" and value.nbytes <= MOST_BYTES
        )
    return hasattr(value, "iloc") and hasattr(value, "columns") and len(value) > 1


def _numbers(rows: Any) -> NDArray[np.float64]:
    return cells(rows, count_rows(rows)).numbers


def _judge(
    item: Held, function: Function, given: dict[str, Any], keys: dict[str, set[int]], made: Applied
) -> Verdict | None:
    try:
        held = _numbers(item.value)
    except (InputError, TypeError, ValueError):
        return None
    if held.shape[1] != _numbers(take(given["train"], np.arange(1))).shape[1]:
        return None
    own = row_keys(held)
    foreign = np.array([key not in keys["train"] for key in own], dtype=bool)
    stands = {
        name: sum(key in there for key in np.array(own, dtype=object)[foreign])
        for name, there in keys.items()
    }
    counts = {name: count for name, count in stands.items() if name != "train" and count}
    if not counts:
        return None
    n = min(sample_size(given["train"], SAMPLE), count_rows(given["train"]))
    batch = take(
        given["train"], np.unique(np.linspace(0, count_rows(given["train"]) - 1, n).astype(np.int64))
    )
    outcomes = [
        _call(swapped(function.thing, item.value, new), batch, made)
        for new in (defensive_copy(item.value), _without(item.value, foreign))
    ]
    if outcomes[0] is None or outcomes[1] is None or len(outcomes[0]) != len(outcomes[1]):
        return None
    gap = difference(outcomes[0], outcomes[1])
    if not gap.same_shape or gap.moved.max(initial=0.0) <= rounding(outcomes[0]):
        return None
    sets = (("train", *counts),) if (~foreign).any() else (tuple(counts),)
    return Verdict(
        item.name,
        "beyond",
        sets,
        where="rows",
        equal=len(own),
        moved=float(min(gap.in_std.max(initial=0.0), 1e300)),
        stored=counts,
        serves=function.serves,
    )


def _without(value: Any, foreign: NDArray[np.bool_]) -> Any:
    """Return the array with other rows in the place of those that train lacks."""
    own = np.flatnonzero(~foreign)
    if not own.size:
        changed = with_numbers(value, lambda numbers: numbers[::-1] * 3 + 1)
        return value if changed is None else changed
    indices = np.arange(len(foreign))
    indices[foreign] = own[np.arange(int(foreign.sum())) % own.size]
    return take_in_place(value, indices)


def _call(function: Any, batch: Any, made: Applied) -> Cells | None:
    reseed()
    restore(made.states)
    try:
        return cells(function(defensive_copy(batch)), count_rows(batch))
    except (Exception, SystemExit):  # noqa: BLE001 - user code may raise anything
        return None
