"""What a callable holds: objects it closes over, is bound to, or reads as globals."""

from __future__ import annotations

import dis
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from auditor.probes.callables import callable_name, is_estimator, is_layer, is_module

DEPTH = 6
"""How far objects are followed from the callable."""

MOST = 2000
"""Objects looked at per callable."""

LIBRARIES = {
    "numpy", "scipy", "sklearn", "imblearn", "pandas", "polars", "tensorflow", "keras", "tf_keras", "torch",
    "jax", "cv2", "PIL", "skimage", "numba", "joblib", "matplotlib", "xgboost", "lightgbm", "auditor",
}  # fmt: skip
"""Packages whose own functions are not looked into."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """An object that a callable holds.

    Attributes
    ----------
    name : str
        How the user would recognise it: a variable, an attribute, or its type.
    value : object
        The object.
    owner : object or None
        The function or object that holds it; None for the callable itself.
    direct : bool
        Whether it is the callable itself, or a member of the sequence, rather than something inside.
    """

    name: str
    value: Any
    owner: Any = None
    direct: bool = False


def held_by(parts: tuple[Any, ...]) -> list[Held]:
    """Return the parts and what they hold, each object once, nearest first.

    Estimators and layers are not looked into (see `nested`); functions of libraries neither.

    Examples
    --------
    >>> scale = partial(np.multiply, 0.5, where=True)
    >>> [held.name for held in held_by((scale,))]
    ['multiply', 'multiply', 'argument 0', 'where']
    """
    queue = deque((Held(_label(part), part, None, direct=True), 0) for part in parts)
    seen: dict[int, Held] = {}
    while queue and len(seen) < MOST:
        held, depth = queue.popleft()
        if id(held.value) in seen or isinstance(held.value, ModuleType | type | CodeType):
            continue
        seen[id(held.value)] = held
        if depth < DEPTH:
            queue.extend((child, depth + 1) for child in _children(held))
    return list(seen.values())


def nested(thing: Any) -> Iterator[Any]:
    """Yield the objects inside an estimator: steps, branches, and estimators it keeps as attributes."""
    queue, seen = deque([thing]), set[int]()
    while queue and len(seen) < MOST:
        item = queue.popleft()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, list | tuple):
            queue.extend(part for part in item[:200] if _may_hold(part))
        elif isinstance(item, Mapping):
            queue.extend(part for part in list(item.values())[:200] if _may_hold(part))
        else:
            yield item
            if is_estimator(item) and hasattr(item, "__dict__"):
                queue.extend(part for part in vars(item).values() if _may_hold(part))


def _may_hold(part: Any) -> bool:
    return is_estimator(part) or is_layer(part) or isinstance(part, list | tuple | Mapping | FunctionType)


def _label(thing: Any) -> str:
    return callable_name(thing) if callable(thing) and not is_estimator(thing) else type(thing).__name__


def _children(held: Held) -> Iterator[Held]:
    thing = held.value
    if is_layer(thing) or is_module(thing):
        return
    if is_estimator(thing):
        if type(thing).__name__ == "FunctionTransformer":
            yield Held(_label(thing.func), thing.func, thing)
            for name, value in (thing.kw_args or {}).items():
                yield Held(str(name), value, thing)
        return
    if isinstance(thing, list | tuple):
        yield from (Held(f"{held.name}[{i}]", part, thing) for i, part in enumerate(thing[:200]))
    elif isinstance(thing, Mapping):
        yield from (Held(f"{held.name}[{key!r}]", part, thing) for key, part in list(thing.items())[:200])
    elif isinstance(thing, partial):
        yield Held(_label(thing.func), thing.func, thing)
        yield from (Held(f"argument {i}", part, thing) for i, part in enumerate(thing.args))
        yield from (Held(str(name), part, thing) for name, part in thing.keywords.items())
    elif isinstance(thing, MethodType):
        yield Held(type(thing.__self__).__name__, thing.__self__, thing)
        yield Held(thing.__name__, thing.__func__, thing)
    elif isinstance(thing, FunctionType):
        yield from _of_function(thing)
    elif not isinstance(thing, np.ndarray | np.generic | str | bytes | int | float | BuiltinFunctionType):
        yield from _of_object(held)


def _of_function(function: FunctionType) -> Iterator[Held]:
    if is_library(function.__module__):
        return
    for name, value in captured(function).items():
        yield Held(name, value, function)
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        yield Held(_label(wrapped), wrapped, function)


def captured(function: FunctionType) -> dict[str, Any]:
    """Return what a function reads besides its arguments: closure, defaults, and globals it names."""
    found: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        if _is_filled(cell):
            found[name] = cell.cell_contents
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    found |= dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    found |= function.__kwdefaults__ or {}
    scope = function.__globals__
    return found | {name: scope[name] for name in global_names(function.__code__) if name in scope}


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - reading an empty cell raises
    except ValueError:
        return False
    return True


def global_names(code: CodeType) -> list[str]:
    """Return the globals that a code object, or a function defined inside it, reads; in order of use.

    Examples
    --------
    >>> global_names((lambda rows: np.log(rows).mean).__code__)
    ['np']
    """
    names = [i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += global_names(constant)
    return list(dict.fromkeys(names))


def is_library(module: str | None) -> bool:
    """Whether a module belongs to a library, whose functions are not looked into."""
    root = (module or "").split(".")[0]
    return root in LIBRARIES or (root in sys.stdlib_module_names and root != "__main__")


def _of_object(held: Held) -> Iterator[Held]:
    thing = held.value
    python = getattr(thing, "python_function", None) or getattr(thing, "pyfunc", None)
    if python is not None:  # tf.function, np.vectorize
        yield Held(_label(python), python, thing)
        return
    wrapped = getattr(thing, "__wrapped__", None)
    if wrapped is not None:  # functools.lru_cache
        yield Held(_label(wrapped), wrapped, thing)
    if is_library(type(thing).__module__):
        return
    call = vars(type(thing)).get("__call__")
    if isinstance(call, FunctionType):
        yield from _of_function(call)
    for name, value in getattr(thing, "__dict__", {}).items():
        yield Held(
            f"{held.name}.{name}" if not held.direct else f"{type(thing).__name__}.{name}", value, thing
        )


def rebuilt(function: FunctionType, name: str, value: Any) -> FunctionType:
    """Return a copy of `function` that finds `value` under `name`: in its closure, defaults or globals."""
    code = function.__code__
    scope, cells = function.__globals__, tuple(function.__closure__ or ())
    defaults, keywords = function.__defaults__, function.__kwdefaults__
    names = code.co_varnames[: code.co_argcount]
    first = len(names) - len(defaults or ())
    if name in code.co_freevars:
        cells = tuple(
            CellType(value) if free == name else cell
            for free, cell in zip(code.co_freevars, cells, strict=True)
        )
    elif name in names[first:]:
        defaults = tuple(value if names[first + i] == name else old for i, old in enumerate(defaults or ()))
    elif name in (keywords or {}):
        keywords = {**(keywords or {}), name: value}
    else:
        scope = {**scope, name: value}
    copy = FunctionType(code, scope, function.__name__, defaults, cells)
    copy.__kwdefaults__ = keywords
    copy.__module__ = function.__module__
    return copy


FITTING = {"fit_transform", "fit", "fit_resample", "adapt", "partial_fit", "get_dummies", "factorize"}
"""Names of methods and functions that learn from what they are given."""


def fits_anew(parts: tuple[Any, ...]) -> str:
    """Return the learning call that a function of the user makes, such as ``fit_transform``; or nothing."""
    for held in held_by(parts):
        if isinstance(held.value, MethodType) and held.value.__name__ in FITTING:
            return held.value.__name__
        if isinstance(held.value, FunctionType) and not is_library(held.value.__module__):
            named = [name for name in _attribute_names(held.value.__code__) if name in FITTING]
            if named:
                return named[0]
    return ""


def _attribute_names(code: CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _attribute_names(constant)
    return names


def random_layers(parts: tuple[Any, ...]) -> list[str]:
    """Return the type names of Keras layers among `parts` that draw at random."""
    found: list[str] = []
    for held in held_by(parts):
        if not is_layer(held.value):
            continue
        layers = [held.value, *getattr(held.value, "layers", [])]
        found += [type(layer).__name__ for layer in layers if _draws(layer)]
    return list(dict.fromkeys(found))


def _draws(layer: Any) -> bool:
    name = type(layer).__name__
    return name.startswith(("Random", "Gaussian", "AlphaDropout", "Dropout", "SpatialDropout")) or hasattr(
        layer, "seed_generator"
    )
