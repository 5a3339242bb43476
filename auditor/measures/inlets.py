"""The inputs of a model beside the rows they are given: shapes, ids, and what its scaling layers make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.columns import describe_columns
from auditor.measures.networks import Inlet, Network, Scaler, Shape
from auditor.sources.arrays import Array

Floats = NDArray[np.float64]

TEXT_LAYERS = frozenset({"TextVectorization", "StringLookup", "Hashing", "HashedCrossing"})
"""Layers that take text."""


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """One input and the rows it is given, by split."""

    inlet: Inlet
    rows: Mapping[str, Array]
    where: str
    """How to call what is fed, in a message."""


def feeds(net: Network, inputs: Mapping[str, Sequence[Array]], names: Sequence[str]) -> list[Feed] | str:
    """Return every input beside its rows, or why they cannot be brought together."""
    count = len(inputs["train"])
    order = _order(net, names, count)
    if isinstance(order, str):
        return order
    made = []
    for inlet, position in zip(net.inlets, order, strict=True):
        rows = {split: arrays[position] for split, arrays in inputs.items()}
        made.append(Feed(inlet, rows, f"input {inlet.name!r}" if len(net.inlets) > 1 else "x"))
    return made


def _order(net: Network, names: Sequence[str], count: int) -> list[int] | str:
    known = [inlet.name for inlet in net.inlets]
    if names and net.kind and known != [""]:
        missing = [name for name in known if name not in names]
        if missing and not (len(known) == count == 1):
            return f"the model has the inputs {', '.join(map(repr, known))}, and x has no {missing[0]!r}"
        return [0] if missing else [list(names).index(name) for name in known]
    if count != len(known):
        plural = "s" * (len(known) != 1)
        return f"the model has {len(known)} input{plural}, and x is {count} array{'s' * (count != 1)}"
    return list(range(count))


def takes(shape: Shape, rows: Shape) -> bool:
    """Return whether an input of a functional model takes rows; Keras adds or drops a last axis of 1.

    Examples
    --------
    >>> takes((8, 8, 1), (8, 8)), takes((None, 3), (7, 3)), takes((64,), (63,))
    (True, True, False)
    """
    if len(rows) == len(shape) + 1 and rows[-1] == 1:
        rows = rows[:-1]
    if len(shape) == len(rows) + 1 and shape[-1] == 1:
        rows = (*rows, 1)
    return len(shape) == len(rows) and all(a is None or a == b for a, b in zip(shape, rows, strict=True))


def grows(train: Shape, rows: Shape) -> bool:
    """Return whether a model that was not given an input shape takes rows besides those it is built on.

    Lengths of a series or an image may differ there; the last axis, and the number of axes, may not.

    Examples
    --------
    >>> grows((10, 3), (12, 3)), grows((64,), (63,)), grows((8, 8, 1), (8, 8))
    (True, False, False)
    """
    return len(train) == len(rows) and train[-1:] == rows[-1:]


def outside_vocabulary(feed: Feed) -> dict[str, tuple[float, float, float]]:
    """Return, by split, the share of ids that an embedding has no row for, and the lowest and highest id.

    Fractions are ids for Keras too: it cuts them.
    """
    found = {}
    for split, rows in feed.rows.items():
        if feed.inlet.vocabulary is None or rows.dtype.kind not in "iufb" or not rows.size:
            continue
        with np.errstate(invalid="ignore"):
            wrong = (rows < 0) | (rows >= feed.inlet.vocabulary)
            if rows.dtype.kind == "f":
                wrong |= rows != np.trunc(rows)
        if wrong.any():
            found[split] = (float(wrong.mean()), float(np.nanmin(rows)), float(np.nanmax(rows)))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Mean, spread and range of an input, for each value that a scaling layer scales alone."""

    mean: Floats
    std: Floats
    low: Floats
    high: Floats


def spread(rows: Array) -> Spread | None:
    """Return the statistics of each feature of rows, in their shape; None for text or no rows."""
    if rows.dtype.kind not in "iufb" or not rows.shape[0]:
        return None
    flat = rows.reshape(rows.shape[0], -1)
    stats = describe_columns(flat)
    shape = rows.shape[1:] or (1,)
    return Spread(*(part.reshape(shape) for part in (stats.mean, stats.std, stats.minimum, stats.maximum)))


def pooled(found: Spread, scaler: Scaler) -> Spread | None:
    """Return statistics over the values that a layer scales with one mean; None where shapes do not meet."""
    target = (1,) * (found.mean.ndim - scaler.mean.ndim) + scaler.mean.shape
    if scaler.mean.ndim > found.mean.ndim:
        return None
    if any(a not in (1, b) for a, b in zip(target, found.mean.shape, strict=True)):
        return None
    axes = tuple(axis for axis, length in enumerate(target) if length == 1)
    mean = found.mean.mean(axis=axes, keepdims=True)
    square = (found.std**2 + found.mean**2).mean(axis=axes, keepdims=True)
    return Spread(
        mean,
        np.sqrt(np.maximum(square - mean**2, 0.0)),
        found.low.min(axis=axes, keepdims=True),
        found.high.max(axis=axes, keepdims=True),
    )


def scaled(found: Spread, scaler: Scaler) -> Spread:
    """Return statistics behind a scaling layer."""
    center, scale = scaler.mean, scaler.scale
    ends = (found.low - center) / scale, (found.high - center) / scale
    return Spread(
        (found.mean - center) / scale, found.std / np.abs(scale), np.minimum(*ends), np.maximum(*ends)
    )


def moving_average_left(momentum: float, steps: int) -> float:
    """Return the weight that the first value still has in a moving average after some steps.

    Examples
    --------
    >>> round(moving_average_left(0.99, 40), 2)
    0.67
    """
    return math.exp(steps * math.log(momentum)) if 0 < momentum < 1 else float(momentum >= 1)
