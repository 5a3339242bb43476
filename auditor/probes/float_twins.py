"""What a preprocessing callable makes of integers, beside what it makes of the same numbers as floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.probes.application import Applied
from auditor.probes.callables import distinct
from auditor.probes.isolation import undisturbed

ROWS = 64
"""Rows that the callable is tried on."""

LEVELS = 16
"""Different numbers needed among them."""

WRAPS = 15
"""Times that a range may have been run over; more is another scale."""

EXACT = 0.99
"""Share of the values that have to follow."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Twin:
    """A callable that treats integers and equal floats differently, as overflow and cutting do.

    Attributes
    ----------
    kind : {"wrapped", "cut", "levels"}
        Arithmetic ran over the range of the integer type; or results were cut to whole numbers; or all
        that is left are zeros, and ones where the input has its largest value.
    name : str
        The callable.
    dtype : str
        Of the rows it was given.
    serves : tuple of str
        The splits.
    share : float
        Share of the values concerned.
    levels : int
        Different values that came in.
    examples : tuple of (float, float, float)
        A value that came in, what came out, and what came out for the float; at most five.
    """

    kind: str
    name: str
    dtype: str
    serves: tuple[str, ...]
    share: float
    levels: int
    examples: tuple[tuple[float, float, float], ...]


def float_twins(case: Case, made: Applied) -> tuple[Twin, ...]:  # noqa: ARG001 - a product
    """Product: callables whose result for integers is wrong, by what they make of equal floats.

    The identities: differences are whole multiples of one number, the size of the integer's range times
    what the callable multiplies with afterwards; or the result is the float's result cut off.
    """
    found = []
    for step, names in distinct(made.steps).items():
        name = next((one for one in names if one in made.inputs), "")
        given = made.inputs.get(name)
        if not isinstance(given, np.ndarray) or given.dtype.kind not in "iuf" or not given.size:
            continue
        rows = given[spaced(given.shape[0], ROWS)]
        with undisturbed(step.parts):
            ran = _ran(step.call, rows.copy())
            other = _ran(step.call, rows.astype(np.float64)) if rows.dtype.kind in "iu" else None
        if ran is None or not np.isfinite(rows).all() or np.unique(rows).size < LEVELS:
            continue
        verdict = _verdict(rows.astype(np.float64), ran, other, rows.dtype)
        if verdict is not None:
            kind, wrong, twin = verdict
            found.append(_twin(kind, (step.name, str(rows.dtype), tuple(names)), (rows, ran, twin), wrong))
    return tuple(found)


def _ran(call: Any, rows: NDArray[Any]) -> NDArray[Any] | None:
    """Return what the callable makes of rows, where that is an array of as many."""
    try:
        result = np.asarray(call(rows))
    except (Exception, SystemExit):  # noqa: BLE001 - user code may raise anything
        return None
    if result.dtype.kind not in "iufb" or result.shape[:1] != rows.shape[:1] or not result.size:
        return None
    return result if np.isfinite(result).all() else None


def _verdict(
    rows: Floats, ran: NDArray[Any], other: NDArray[Any] | None, dtype: np.dtype[Any]
) -> tuple[str, NDArray[np.bool_], Floats] | None:
    """Return what is wrong, where, and what was meant; None where nothing is."""
    values = ran.astype(np.float64)
    if other is not None and other.shape == ran.shape and dtype.itemsize <= 4:
        meant = other.astype(np.float64)
        off = np.abs(meant - values) > 1e-5 * max(1e-9, float(np.abs(meant).max()))
        if off.any() and _is_cut(values, meant):
            return "cut", off, meant
        if off.any() and (_is_modular(ran, meant) or _is_wrapped(values, meant, off)):
            return "wrapped", off, meant
    if rows.shape == values.shape and set(np.unique(values).tolist()) == {0.0, 1.0}:
        top = float(rows.max())
        if top in (1.0, 255.0, 65535.0) and ((rows == top) == (values == 1)).all():
            return "levels", (rows > 0) & (rows < top), np.where(rows.max() > 0, rows / top, 0.0)
    return None


def _is_cut(values: Floats, meant: Floats) -> bool:
    """Whether values are the fractions that were meant, cut off."""
    fractions = (meant != np.rint(meant)).mean()
    if fractions < 0.01 or not (values == np.rint(values)).all():
        return False
    return any(bool((values == cut(meant)).mean() >= EXACT) for cut in (np.trunc, np.floor, np.rint))


def _is_modular(ran: NDArray[Any], meant: Floats) -> bool:
    """Whether integers equal what was meant modulo their range, and some of that lies beyond it."""
    if ran.dtype.kind not in "iu" or ran.dtype.itemsize > 4 or float(np.abs(meant).max()) > 2**52:
        return False
    info = np.iinfo(ran.dtype)
    cut = np.trunc(meant).astype(np.int64)
    beyond = (cut < info.min) | (cut > info.max)
    size = 2 ** (8 * ran.dtype.itemsize)
    return bool(beyond.any() and ((cut - ran.astype(np.int64)) % size == 0).mean() >= EXACT)


def _is_wrapped(values: Floats, meant: Floats, off: NDArray[np.bool_]) -> bool:
    """Whether differences are few whole multiples of one number, feature by feature.

    Different results that are off by the same are what tells them from another scale.
    """
    flat, gone = (meant - values).reshape(values.shape[0], -1), off.reshape(values.shape[0], -1)
    results = meant.reshape(values.shape[0], -1)
    scale = 1e-4 * float(np.abs(meant).max())
    judged = agree = steps_seen = results_seen = 0
    for j in np.flatnonzero(gone.any(axis=0)):
        different = np.unique(np.round(results[gone[:, j], j] / scale)).size
        if different < 2:
            continue
        steps = flat[gone[:, j], j]
        unit = float(np.abs(steps).min())
        times = np.abs(steps) / unit
        judged += 1
        agree += bool(
            np.abs(times - np.rint(times)).max() <= scale / unit + 1e-6 and times.max() <= WRAPS + 0.5
        )
        steps_seen += np.unique(np.rint(steps / unit)).size
        results_seen += different
    some_right = bool((~off).any()) or np.unique(np.round(flat / scale)).size > 1
    return bool(judged and some_right and agree >= EXACT * judged and 2 * steps_seen <= results_seen)


def _twin(
    kind: str,
    who: tuple[str, str, tuple[str, ...]],
    arrays: tuple[NDArray[Any], NDArray[Any], Floats],
    wrong: NDArray[np.bool_],
) -> Twin:
    rows, ran, meant = arrays
    places = np.flatnonzero(wrong.ravel())
    places = places[spaced(places.size, 5)] if places.size else places
    same = rows.shape == ran.shape
    examples = tuple(
        (float(rows.ravel()[i]) if same else float("nan"), float(ran.ravel()[i]), float(meant.ravel()[i]))
        for i in places.tolist()
    )
    return Twin(kind, *who, float(wrong.mean()), int(np.unique(rows).size), examples)
