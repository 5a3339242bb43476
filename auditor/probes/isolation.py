"""Calling a user's code without leaving a trace: warnings, random states and learned states as before."""

from __future__ import annotations

import copy
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.callables import is_estimator, is_layer
from auditor.probes.reach import LIBRARIES, held_by, nested
from auditor.probes.rows import library

KEPT_BYTES = 2**25
"""Arrays beyond this size are not copied; only the attribute that holds them is put back."""

GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
"""Random generators that a callable may hold."""

CALL_SEED = 20240229
"""Seed of the global generators before a call, so that an audit of random code repeats itself."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What an object had learned at some moment.

    Attributes
    ----------
    thing : object
        The estimator, layer or plain object.
    attributes : dict of str to (object, object)
        Each attribute: the value, and a copy of its content where it could be changed in place.
    weights : tuple of (variable, ndarray)
        For a Keras layer.
    drawn : object
        For a random generator, where in its sequence it stands.
    """

    thing: Any
    attributes: dict[str, tuple[Any, Any]]
    weights: tuple[tuple[Any, NDArray[Any]], ...] = ()
    drawn: Any = None


def states_of(parts: tuple[Any, ...]) -> list[State]:
    """Return the state of everything that calling `parts` could change."""
    things: dict[int, Any] = {}
    for held in held_by(parts):
        if is_estimator(held.value):
            things |= {id(inner): inner for inner in nested(held.value)}
        elif _is_stateful(held.value):
            things[id(held.value)] = held.value
    return [_state(thing) for thing in things.values()]


def _is_stateful(thing: Any) -> bool:
    if is_layer(thing) or isinstance(thing, GENERATORS):
        return True
    if isinstance(thing, type) or not isinstance(getattr(thing, "__dict__", None), dict):
        return False
    return library(thing) not in (LIBRARIES | {"builtins", "functools"})


def _state(thing: Any) -> State:
    if is_layer(thing):
        weights = tuple((w, _values(w)) for w in thing.variables if _is_small(w))
        return State(thing, {}, weights)
    if isinstance(thing, GENERATORS):
        return State(thing, {}, (), _drawn(thing))
    values = dict(getattr(thing, "__dict__", {}))
    return State(thing, {name: (value, _content(value)) for name, value in values.items()})


def _drawn(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return copy.deepcopy(generator.bit_generator.state)
    return generator.get_state() if isinstance(generator, np.random.RandomState) else generator.getstate()


def _set_drawn(generator: Any, drawn: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = drawn
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(drawn)
    else:
        generator.setstate(drawn)


def _values(variable: Any) -> NDArray[Any]:
    return np.array(variable.numpy())


def _is_small(variable: Any) -> bool:
    return int(np.prod(tuple(variable.shape), initial=1.0)) * 8 <= KEPT_BYTES


def _content(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy() if value.nbytes <= KEPT_BYTES and value.flags.writeable else None
    return type(value)(value) if type(value) in (list, dict, set) else None


def restore(states: list[State]) -> None:
    """Put objects back into the states given, touching only what has changed."""
    for state in states:
        with suppress(Exception):  # an object that refuses is left as the user's code made it
            _restore(state)


def _restore(state: State) -> None:
    for variable, content in state.weights:
        if _values(variable).tobytes() != content.tobytes():
            variable.assign(content)
    if state.drawn is not None:
        _set_drawn(state.thing, state.drawn)
        return
    own = getattr(state.thing, "__dict__", None)
    if is_layer(state.thing) or own is None:
        return
    for name in [name for name in own if name not in state.attributes]:
        del own[name]
    for name, (value, content) in state.attributes.items():
        if own.get(name, state) is not value:
            own[name] = value
        if content is not None:
            _restore_content(value, content)


def _restore_content(value: Any, content: Any) -> None:
    if isinstance(value, np.ndarray):
        if not np.array_equal(value, content, equal_nan=value.dtype.kind in "fc"):
            value[...] = content
    elif isinstance(value, list):
        if len(value) != len(content) or any(a is not b for a, b in zip(value, content, strict=True)):
            value[:] = content
    elif len(value) != len(content) or (
        isinstance(value, dict) and any(value[k] is not content.get(k) for k in value)
    ):
        value.clear()
        value.update(content)


@contextmanager
def undisturbed(parts: tuple[Any, ...]) -> Iterator[None]:
    """Let code run that may draw at random, warn, or learn; afterwards everything is as it was.

    NumPy's and Python's global generators are seeded inside, so that the same code gives the same
    numbers in every audit. What is printed is left alone.
    """
    before = states_of(parts)
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reseed()
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        restore(before)


def reseed() -> None:
    """Seed the global generators that user code draws from."""
    np.random.seed(CALL_SEED)  # noqa: NPY002
    random.seed(CALL_SEED)
    torch = sys.modules.get("torch")
    if torch is not None:
        with suppress(Exception):
            torch.manual_seed(CALL_SEED)
