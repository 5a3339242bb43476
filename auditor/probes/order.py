"""Whether a callable hands rows back in another order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.probes.application import Applied
from auditor.probes.isolation import undisturbed
from auditor.probes.outputs import Cells, difference
from auditor.probes.rows import Index, take, take_in_place
from auditor.probes.runner import Probed, Session, rounding

TRACED = 12
"""Rows followed through the callable."""


def traced_rows(made: Applied, probe: Probed) -> tuple[Index, Index]:
    """Follow rows through a callable: where each comes out.

    A batch of copies of one row shows what the callable makes of that row, whatever it does to the
    order; that output is then looked for in the output of the sample.

    Returns
    -------
    went_in, came_out : ndarray of int64, shape (m,)
        Places in the sample. Rows that are not found, or found at several places, are left out.
    """
    nothing = np.zeros(0, dtype=np.int64)
    base, n = probe.base, probe.rows.size
    if base is None or len(base) != n or n < 2:
        return nothing, nothing
    batch = take(made.inputs[probe.split], probe.rows)
    session = Session(probe.step, made.states, n)
    inward, outward = [], []
    with undisturbed(made.parts):
        for place in spaced(n, TRACED):
            places = _places(session, batch, int(place), base)
            if places.size == 1:
                inward.append(int(place))
                outward.append(int(places[0]))
    return np.array(inward, dtype=np.int64), np.array(outward, dtype=np.int64)


def _places(session: Session, batch: object, place: int, base: Cells) -> Index:
    try:
        alone = session.call(take_in_place(batch, np.full(len(base), place)))
    except (Exception, SystemExit):  # noqa: BLE001 - user code may raise anything
        return np.zeros(0, dtype=np.int64)
    nothing = np.zeros(0, dtype=np.int64)
    if len(alone) != len(base) or (_distances(alone, alone) > rounding(base)).any():
        return nothing
    distances = _distances(base, alone)
    equal = np.flatnonzero(distances == 0)
    return equal if equal.size else np.flatnonzero(distances <= rounding(base))


def _distances(a: Cells, b: Cells) -> NDArray[np.float64]:
    """Return how far each row of `a` is from the first row of `b`, relative to a column's largest value."""
    gap = difference(a, b.rows(np.zeros(len(a), dtype=np.int64)))
    return gap.moved if gap.same_shape else np.full(len(a), np.inf)


def comes_reordered(case: Case, made: Applied, probe: Probed) -> tuple[tuple[int, int], ...]:  # noqa: ARG001
    """Product: rows of a sample that come out at another place, as (place in, place out).

    Empty where most of the rows that could be followed stay where they were. It is asked only where a
    relation is broken: rows that keep their output under every change keep their place too.
    """
    if not probe.broken and probe.repeat.status != "broken":
        return ()
    inward, outward = traced_rows(made, probe)
    away = inward != outward
    # Rows that all come out at one place were not moved there: they have come to look alike.
    if inward.size < 2 or away.mean() < 0.5 or np.unique(outward).size < inward.size:
        return ()
    return tuple((int(a), int(b)) for a, b in zip(inward[away], outward[away], strict=True))
