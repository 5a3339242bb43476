"""The rows that each fitted object inside a preprocessing was fed, for any set of splits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from auditor._case import Case
from auditor.probes.application import Applied
from auditor.probes.callables import Step, distinct, is_estimator, is_layer, is_pipeline
from auditor.probes.isolation import undisturbed
from auditor.probes.learned import is_adaptable, is_plain_learner, learned, refitted
from auditor.probes.reach import Held, captured, held_by, is_library, rebuilt
from auditor.probes.rows import count_rows, defensive_copy, join

Splits = tuple[str, ...]

Gather = Callable[[Splits], tuple[Any, Any]]
"""From names of splits to their rows, one after the other, and their labels or None."""


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """A fitted object and the rows it would have been given.

    Attributes
    ----------
    name : str
        How the user would recognise it.
    thing : object
        The object.
    feeds : tuple of callable
        Ways in which its rows may have come about, the likelier first: through the earlier steps as
        they are, or through earlier steps that were fitted on the same rows.
    serves : tuple of str
        Splits whose preprocessing holds it.
    function : callable or None
        For an object of the user's own class, the function that uses it.
    """

    name: str
    thing: Any
    feeds: tuple[Gather, ...]
    serves: Splits
    function: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or callable object of the user, and the rows it is given.

    Attributes
    ----------
    thing : callable
        The function.
    feed : callable
        Its rows, for any set of splits.
    serves : tuple of str
        Splits whose preprocessing calls it.
    """

    thing: Any
    feed: Gather
    serves: Splits


def parts_of(case: Case, made: Applied) -> tuple[list[Learner], list[Function]]:
    """Return the fitted objects of all callables, and the functions among them, each once."""
    found: dict[int, Learner] = {}
    functions: dict[int, Function] = {}
    root = (partial(_gathered, case, made.inputs),)
    for step, names in distinct(made.steps).items():
        called: list[tuple[Any, Gather]] = []
        for name, thing, feeds in _of_step(step, root, _Walk(made, called)):
            if id(thing) not in found and learned(thing):
                function = _user_of(thing, called)
                found[id(thing)] = Learner(name, thing, feeds, tuple(names), function)
        for thing, feed in called:
            functions.setdefault(id(thing), Function(thing, feed, tuple(names)))
    return list(found.values()), list(functions.values())


def _user_of(thing: Any, called: list[tuple[Any, Gather]]) -> Any:
    """Return the function met last, which holds `thing`, where `thing` is no transformer itself."""
    return called[-1][0] if called and is_plain_learner(thing) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """What a walk through a step carries along: the outputs, and the functions met on the way."""

    made: Applied
    called: list[tuple[Any, Gather]]


def _gathered(case: Case, inputs: Mapping[str, Any], splits: Splits) -> tuple[Any, Any]:
    labels = [case[name].aligned_y for name in splits]
    known = [y for y in labels if y is not None]
    rows = join([inputs[name] for name in splits])
    alike = len(known) == len(labels) and len({y.shape[1:] for y in known}) == 1
    return rows, np.concatenate(known) if alike else None


Found = Iterator[tuple[str, Any, tuple[Gather, ...]]]


def _of_step(step: Step, feeds: tuple[Gather, ...], walk: _Walk) -> Found:
    if step.steps:
        for part in step.steps:
            yield from _of_step(part, feeds, walk)
            feeds = tuple(partial(_pushed, feed, part.call) for feed in feeds)
        return
    yield from _of_thing("", step.parts[0], feeds, walk)


def _pushed(feed: Gather, call: Callable[[Any], Any], splits: Splits) -> tuple[Any, Any]:
    rows, labels = feed(splits)
    return call(defensive_copy(rows)), labels


def _of_thing(where: str, thing: Any, feeds: tuple[Gather, ...], walk: _Walk) -> Found:
    kind = type(thing).__name__
    name = f"{where}{kind}"
    if is_layer(thing):
        yield from _of_layer(name, thing, feeds)
    elif is_pipeline(thing):
        yield from _of_pipeline(name, thing, feeds, walk)
    elif kind == "ColumnTransformer" and hasattr(thing, "transformers_"):
        for key, branch, columns in thing.transformers_:
            if is_estimator(branch):
                narrowed = tuple(partial(_columns, feed, columns) for feed in feeds)
                yield from _of_thing(f"{name}[{key!r}]: ", branch, narrowed, walk)
    elif kind == "FeatureUnion":
        for key, branch in thing.transformer_list:
            if is_estimator(branch):
                yield from _of_thing(f"{name}[{key!r}]: ", branch, feeds, walk)
    elif kind == "FrozenEstimator":
        yield from _of_thing(where, thing.estimator, feeds, walk)
    elif hasattr(thing, "best_estimator_"):
        yield from _of_thing(f"{kind}.best_estimator_: ", thing.best_estimator_, feeds, walk)
    elif is_estimator(thing) and kind != "FunctionTransformer":
        yield name, thing, feeds
    else:
        called = thing.func if kind == "FunctionTransformer" else thing
        if called is not None:
            yield from _of_callable(called, feeds, walk)


def _of_pipeline(name: str, pipeline: Any, feeds: tuple[Gather, ...], walk: _Walk) -> Found:
    as_they_are, refitted_too = feeds[0], feeds[-1]
    for key, part in pipeline.steps:
        if part is None or isinstance(part, str):
            continue
        if hasattr(part, "fit_resample") and not hasattr(part, "transform"):
            refitted_too = partial(_learned_through, refitted_too, part)
            continue  # a sampler acts in fit only; what follows it was fitted on what it made
        both = (as_they_are,) if as_they_are is refitted_too else (as_they_are, refitted_too)
        yield from _of_thing(f"{name}[{key!r}]: ", part, both, walk)
        refitted_too = partial(_learned_through, refitted_too, part)
        if hasattr(part, "transform"):
            as_they_are = partial(_pushed, as_they_are, part.transform)


def _learned_through(feed: Gather, part: Any, splits: Splits) -> tuple[Any, Any]:
    """Return what fitting an earlier step on the same rows hands on, as ``Pipeline.fit`` does."""
    rows, labels = feed(splits)
    if hasattr(part, "fit_resample"):
        resampled: tuple[Any, Any] = copy.deepcopy(part).fit_resample(rows, labels)
        return resampled
    fresh = refitted(part, rows, labels)
    if hasattr(fresh, "fit_transform"):
        return copy.deepcopy(fresh).fit_transform(rows, labels), labels
    return fresh.transform(rows), labels


def _columns(feed: Gather, columns: Any, splits: Splits) -> tuple[Any, Any]:
    rows, labels = feed(splits)
    if callable(columns):
        columns = columns(rows)
    if hasattr(rows, "iloc"):
        if _are_names(columns):
            return rows[list(columns) if not isinstance(columns, str) else columns], labels
        return rows.iloc[:, columns], labels
    if hasattr(rows, "columns"):  # polars
        names = list(columns) if _are_names(columns) and not isinstance(columns, str) else columns
        return (rows[names] if _are_names(columns) else rows[:, columns]), labels
    return rows[:, columns], labels


def _are_names(columns: Any) -> bool:
    if isinstance(columns, str):
        return True
    return isinstance(columns, Sequence | np.ndarray) and len(columns) > 0 and isinstance(columns[0], str)


def _of_layer(name: str, layer: Any, feeds: tuple[Gather, ...]) -> Found:
    if is_adaptable(layer):
        yield name, layer, feeds
        return
    for inner in getattr(layer, "layers", ()):
        if is_adaptable(inner):
            pushed = tuple(partial(_into_layer, feed, layer, inner) for feed in feeds)
            yield f"{name}: {type(inner).__name__}", inner, pushed


def _into_layer(feed: Gather, model: Any, layer: Any, splits: Splits) -> tuple[Any, Any]:
    """Return what reaches a layer inside a model."""
    rows, labels = feed(splits)
    if type(model).__name__ == "Sequential":
        for earlier in model.layers:
            if earlier is layer:
                return rows, labels
            rows = np.asarray(earlier(rows))
    import keras

    reaching = keras.Model(model.inputs, layer.input)
    return np.asarray(reaching(rows)), labels


def _of_callable(thing: Any, feeds: tuple[Gather, ...], walk: _Walk) -> Found:
    """Find fitted objects that a function holds, and what the function feeds them."""
    walk.called.append((thing, feeds[0]))
    if is_plain_learner(thing):
        yield type(thing).__name__, thing, feeds
    for held in held_by((thing,)):
        inner = held.value
        if held.direct or is_part_of(held):
            continue
        if is_estimator(inner) or is_adaptable(inner):
            own = partial(_overheard, feeds[0], thing, inner, walk.made)
            name = f"{held.name} ({type(inner).__name__}): "
            for inside, part, ways in _of_thing("", inner, (own, feeds[0]), walk):
                told = held.name if inside == held.name else f"{held.name} ({inside})"
                yield (told if part is inner else name + inside), part, ways
        elif is_plain_learner(inner):
            yield type(inner).__name__, inner, feeds


def is_part_of(held: Held) -> bool:
    """Whether an object belongs to an estimator that is looked at as a whole."""
    return is_estimator(held.owner) and type(held.owner).__name__ != "FunctionTransformer"


USES = frozenset(
    {"transform", "predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples",
     "apply", "kneighbors"}
)  # fmt: skip
"""Methods of a fitted object to which a function hands its rows."""


class Overhearing:
    """Stands in for a fitted object and keeps what it is given."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing
        self.heard: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        return partial(self._listen, found) if name in USES else found

    def _listen(self, method: Callable[..., Any], rows: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep the rows and hand them on."""
        self.heard.append(defensive_copy(rows))
        return method(rows, *args, **kwargs)

    def __call__(self, rows: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep the rows and hand them on."""
        return self._listen(self._thing, rows, *args, **kwargs)


class NotHeardError(Exception):
    """A function did not hand its rows to the object, once and whole."""


def _overheard(feed: Gather, function: Any, thing: Any, made: Applied, splits: Splits) -> tuple[Any, Any]:
    """Return what a function hands to an object it holds.

    The function is rebuilt around a stand-in; neither it nor the object is touched.
    """
    stand_in = Overhearing(thing)
    listening = swapped(function, thing, stand_in)
    if listening is function:
        raise NotHeardError
    rows, labels = feed(splits)
    with undisturbed(made.parts):
        listening(defensive_copy(rows))
    if len(stand_in.heard) != 1 or count_rows(stand_in.heard[0]) != count_rows(rows):
        raise NotHeardError
    return stand_in.heard[0], labels


def swapped(thing: Any, target: Any, replacement: Any, depth: int = 5) -> Any:
    """Return a copy of a callable that holds `replacement` wherever it held `target`.

    Functions are rebuilt, objects copied shallowly; where nothing is to be replaced `thing` itself comes
    back.
    """
    if thing is target:
        return replacement
    if depth == 0:
        return thing
    swap = partial(_swap_into, target=target, replacement=replacement, depth=depth - 1)
    if isinstance(thing, MethodType):
        owner = swapped(thing.__self__, target, replacement, depth - 1)
        return thing if owner is thing.__self__ else MethodType(thing.__func__, owner)
    if isinstance(thing, FunctionType):
        return thing if is_library(thing.__module__) else swap(thing, captured(thing))
    if isinstance(thing, partial):
        function = swapped(thing.func, target, replacement, depth - 1)
        args = [swapped(part, target, replacement, depth - 1) for part in thing.args]
        keywords = {k: swapped(v, target, replacement, depth - 1) for k, v in thing.keywords.items()}
        same = function is thing.func and all(a is b for a, b in zip(args, thing.args, strict=True))
        same = same and all(keywords[k] is v for k, v in thing.keywords.items())
        return thing if same else partial(function, *args, **keywords)
    if isinstance(thing, list | tuple):
        parts = [swapped(part, target, replacement, depth - 1) for part in thing]
        return thing if all(a is b for a, b in zip(parts, thing, strict=True)) else type(thing)(parts)
    if isinstance(getattr(thing, "__dict__", None), dict) and not is_library(type(thing).__module__):
        return swap(thing, vars(thing))
    return thing


def _swap_into(thing: Any, held: Mapping[str, Any], *, target: Any, replacement: Any, depth: int) -> Any:
    for name, value in list(held.items()):
        new = swapped(value, target, replacement, depth)
        if new is value:
            continue
        if isinstance(thing, FunctionType):
            thing = rebuilt(thing, name, new)
        else:
            thing = copy.copy(thing)
            thing.__dict__[name] = new
    return thing
