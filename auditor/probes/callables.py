"""Whatever a user passes as ``preprocess``, as one plain function per split."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor._errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A preprocessing callable.

    Attributes
    ----------
    name : str
        For messages: ``StandardScaler.transform``, ``scale``.
    call : callable
        From rows to rows.
    parts : tuple of object
        The objects it was made of, in order: functions, transformers, layers.
    """

    name: str
    call: Callable[[Any], Any]
    parts: tuple[Any, ...]


def resolve(preprocess: Any, splits: Sequence[str]) -> dict[str, Step]:
    """Return the step of every split.

    Parameters
    ----------
    preprocess : callable, transformer, layer, sequence or mapping
        A mapping goes from split to one of the others.
    splits : sequence of str
        Names of the splits under audit.

    Raises
    ------
    InputError
        If it is none of these, or a mapping misses a split.
    """
    if isinstance(preprocess, Mapping):
        missing = [name for name in splits if name not in preprocess]
        unknown = [str(name) for name in preprocess if name not in ("train", "val", "test")]
        if missing or unknown:
            wrong = f"has no entry for {', '.join(missing)}" if missing else f"has the key {unknown[0]!r}"
            raise InputError(
                f"preprocess {wrong}; wanted one callable for each of {', '.join(splits)}.",
                hint="pass {'train': f, 'val': g, ...}, or one callable for all splits.",
            )
        made: dict[int, Step] = {}
        return {name: made.setdefault(id(preprocess[name]), as_step(preprocess[name])) for name in splits}
    step = as_step(preprocess)
    return dict.fromkeys(splits, step)


def as_step(thing: Any) -> Step:
    """Return one function for a callable, a fitted transformer, a layer, or a sequence of them."""
    if isinstance(thing, list | tuple):
        if not thing:
            raise InputError("preprocess is an empty sequence.", hint="pass at least one callable.")
        steps = [as_step(part) for part in thing]
        return Step(" then ".join(step.name for step in steps), _chain(steps), tuple(thing))
    if isinstance(thing, type):
        raise InputError(
            f"preprocess is the class {thing.__name__}, not an object of it.",
            hint=f"pass a fitted one: {thing.__name__}().fit(X_train).",
        )
    if callable(getattr(thing, "transform", None)):
        return Step(f"{type(thing).__name__}.transform", thing.transform, (thing,))
    if callable(thing):
        name = getattr(thing, "__qualname__", None) or getattr(thing, "name", None) or type(thing).__name__
        return Step(str(name), thing, (thing,))
    raise InputError(
        f"preprocess is a {type(thing).__name__}, which can neither be called nor transform.",
        hint="pass a function from rows to rows, a fitted transformer, a Keras layer, or a sequence of them.",
    )


def _chain(steps: Sequence[Step]) -> Callable[[Any], Any]:
    def call(rows: Any) -> Any:
        for step in steps:
            rows = step.call(rows)
        return rows

    return call


def defensive_copy(rows: Any) -> Any:
    """Return a writable copy of what a callable will be given, so that the user's data stays untouched."""
    if isinstance(rows, np.ndarray):
        return rows.copy()
    if hasattr(rows, "iloc"):
        return rows.copy()
    if hasattr(rows, "clone"):  # torch tensors, polars frames
        return rows.clone()
    if type(rows).__module__.split(".")[0] == "tensorflow":
        return rows  # immutable
    return copy.deepcopy(rows)


def take(rows: Any, indices: Any) -> Any:
    """Return some rows of an array, a frame or a tensor, as the same kind of object."""
    if hasattr(rows, "iloc"):
        return rows.iloc[indices]
    if type(rows).__module__.split(".")[0] == "tensorflow":
        import tensorflow as tf

        return tf.gather(rows, indices)
    if isinstance(rows, list | tuple):
        return [rows[i] for i in indices]
    return rows[indices]
