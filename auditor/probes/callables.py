"""Whatever a user passes as ``preprocess``, as one plain function per split."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from auditor._errors import InputError
from auditor.probes.rows import count_rows, defensive_copy, join, library, take

__all__ = ["Step", "as_step", "defensive_copy", "distinct", "resolve", "take"]

CHUNK_BYTES = 2**26
"""Input beyond which a Keras layer or a torch module is called in chunks, as training would call it."""

CHUNK_ROWS = 1024


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
    steps : tuple of Step
        For a sequence, its members; else empty.
    """

    name: str
    call: Callable[[Any], Any]
    parts: tuple[Any, ...]
    steps: tuple[Step, ...] = ()


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
        made: dict[Any, Step] = {}
        return {
            name: made.setdefault(_identity(preprocess[name]), as_step(preprocess[name])) for name in splits
        }
    step = as_step(preprocess)
    return dict.fromkeys(splits, step)


def _identity(thing: Any) -> Any:
    """Return a key under which two spellings of the same callable meet, such as bound methods."""
    if isinstance(thing, list | tuple):
        return tuple(_identity(part) for part in thing)
    owner, function = getattr(thing, "__self__", None), getattr(thing, "__func__", None)
    return id(thing) if function is None else (id(owner), id(function))


def distinct(steps: Mapping[str, Step]) -> dict[Step, list[str]]:
    """Return each different step once, with the splits it serves, in their order.

    Examples
    --------
    >>> [names for names in distinct(resolve(np.log1p, ("train", "val"))).values()]
    [['train', 'val']]
    """
    served: dict[Step, list[str]] = {}
    for name, step in steps.items():
        served.setdefault(step, []).append(name)
    return served


def as_step(thing: Any) -> Step:
    """Return one function for a callable, a fitted transformer, a layer, or a sequence of them."""
    if isinstance(thing, list | tuple):
        if not thing:
            raise InputError("preprocess is an empty sequence.", hint="pass at least one callable.")
        steps = [as_step(part) for part in thing]
        return Step(
            " then ".join(step.name for step in steps),
            partial(_chained, steps),
            tuple(part for step in steps for part in step.parts),
            tuple(steps),
        )
    if isinstance(thing, type):
        raise InputError(
            f"preprocess is the class {thing.__name__}, not an object of it.",
            hint=f"pass a fitted one: {thing.__name__}().fit(X_train).",
        )
    if callable(getattr(thing, "transform", None)):
        return Step(f"{type(thing).__name__}.transform", thing.transform, (thing,))
    if is_pipeline(thing) and callable(getattr(thing[:-1], "transform", None)):
        head = thing[:-1]  # the steps before the model
        return Step(f"{type(thing).__name__}[:-1].transform", head.transform, (head,))
    if callable(thing):
        return Step(callable_name(thing), _caller(thing), (thing,))
    raise InputError(
        f"preprocess is a {type(thing).__name__}, which can neither be called nor transform.",
        hint="pass a function from rows to rows, a fitted transformer, a Keras layer, or a sequence of them.",
    )


def _chained(steps: Sequence[Step], rows: Any) -> Any:
    for step in steps:
        rows = step.call(rows)
    return rows


def callable_name(thing: Any) -> str:
    """Return how a person would call a callable.

    Examples
    --------
    >>> callable_name(np.log1p), callable_name(lambda rows: rows), callable_name(partial(np.clip, a_min=0))
    ('log1p', 'lambda', 'clip')
    """
    if isinstance(thing, partial):
        return callable_name(thing.func)
    owner = getattr(thing, "__self__", None)
    if owner is not None and hasattr(thing, "__func__") and not isinstance(owner, type):
        return f"{type(owner).__name__}.{thing.__name__}"
    if is_layer(thing) or is_module(thing):
        return type(thing).__name__
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    if not isinstance(name, str):
        return type(thing).__name__
    name = name.rsplit("<locals>.", 1)[-1]
    return "lambda" if name == "<lambda>" else name


def is_layer(thing: Any) -> bool:
    """Whether `thing` is a Keras layer or model."""
    return any(
        kind.__name__ == "Layer" and kind.__module__.split(".")[0] in {"keras", "tf_keras", "tensorflow"}
        for kind in type(thing).__mro__
    )


def is_module(thing: Any) -> bool:
    """Whether `thing` is a torch module."""
    return any(
        kind.__name__ == "Module" and kind.__module__.startswith("torch.nn") for kind in type(thing).__mro__
    )


def is_estimator(thing: Any) -> bool:
    """Whether `thing` is an object that learns by ``fit`` and can be cloned, as scikit-learn's do."""
    return (
        not isinstance(thing, type) and callable(getattr(thing, "fit", None)) and hasattr(thing, "get_params")
    )


def is_pipeline(thing: Any) -> bool:
    """Whether `thing` is a pipeline of scikit-learn or imbalanced-learn."""
    return any(kind.__name__ == "Pipeline" for kind in type(thing).__mro__) and hasattr(thing, "steps")


def _caller(thing: Any) -> Callable[[Any], Any]:
    if is_module(thing):
        return partial(_in_chunks, partial(_call_module, thing))
    if is_layer(thing):
        return partial(_in_chunks, thing)
    called: Callable[[Any], Any] = thing
    return called


def _in_chunks(call: Callable[[Any], Any], rows: Any) -> Any:
    """Call on at most `CHUNK_ROWS` rows at a time where the whole would not fit an accelerator."""
    nbytes = getattr(rows, "nbytes", 0)
    if not isinstance(rows, np.ndarray) or nbytes <= CHUNK_BYTES or count_rows(rows) <= CHUNK_ROWS:
        return call(rows)
    starts = range(0, count_rows(rows), CHUNK_ROWS)
    return join([np.asarray(call(rows[start : start + CHUNK_ROWS])) for start in starts])


def _call_module(module: Any, rows: Any) -> Any:
    """Call a torch module on arrays as well as tensors, without building a graph."""
    torch = sys.modules["torch"]
    given = torch.as_tensor(rows) if isinstance(rows, np.ndarray) else rows
    with torch.no_grad():
        made = module(given)
    return made.detach().cpu() if library(made) == "torch" else made
