"""What a fitted object has learned, as arrays that can be compared; and how to make it learn anew."""

from __future__ import annotations

import copy
import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.callables import is_estimator, is_layer
from auditor.probes.rows import library
from auditor.sources.arrays import is_sparse

Learned = dict[str, NDArray[Any]]
"""By the path of an attribute: numbers as float64, or text."""

NOT_LEARNED = {"n_features_in_", "feature_names_in_", "n_iter_", "n_samples_seen_", "random_state_", "n_samples_",
               "n_samples_fit_", "_n_samples_fit", "_stop_words_id", "n_features_", "n_outputs_", "_sklearn_output_config", "_random_state",
               "_rng", "built", "_metadata_request", "_fit_method", "_sklearn_version"}  # fmt: skip
"""Attributes that say how an object was fitted, not what it does."""

DEPTH = 6


def learned(thing: Any) -> Learned:
    """Return what `thing` has learned; empty where it has not been fitted.

    Numbers, texts, nested estimators, trees, splines, lists and mappings are followed, and what an
    estimator's own package keeps in other objects; constructor parameters are left out.
    """
    if is_layer(thing):
        return _of_layer(thing)
    return dict(_walk(thing, "", 0))


def _walk(value: Any, path: str, depth: int) -> Iterator[tuple[str, NDArray[Any]]]:
    if depth > DEPTH:
        return
    if is_sparse(value):
        value = value.tocsr().toarray() if value.shape[0] * value.shape[1] < 2**24 else value.data
    if isinstance(value, np.ndarray):
        yield from _of_array(value, path, depth)
    elif isinstance(value, bool | int | float | np.number | np.bool_):
        yield path, np.array([float(value)])
    elif isinstance(value, str):
        yield path, np.array([value])
    elif isinstance(value, Mapping):
        yield from _of_mapping(value, path, depth)
    elif isinstance(value, list | tuple):
        yield from _of_sequence(value, path, depth)
    elif hasattr(value, "iloc") and hasattr(value, "to_numpy"):
        yield from _walk(value.to_numpy(), path, depth + 1)
    elif type(value).__name__ == "BSpline":
        yield f"{path}.t", np.asarray(value.t, dtype=np.float64)
        yield f"{path}.c", np.asarray(value.c, dtype=np.float64)
    elif type(value).__name__ == "Tree":
        for name in ("threshold", "feature", "value"):
            yield f"{path}.{name}", np.asarray(getattr(value, name), dtype=np.float64)
    elif is_estimator(value) or depth == 0:
        for name, part in _attributes(value):
            yield from _walk(part, f"{path}.{name}" if path else name, depth + 1)
    elif library(value) == "sklearn" and not isinstance(value, type) and not callable(value):
        for name, part in _kept_by(value):
            yield from _walk(part, f"{path}.{name}", depth + 1)


def _kept_by(value: Any) -> list[tuple[str, Any]]:
    """Return what an object of scikit-learn's that is no estimator keeps, such as a search tree."""
    if getattr(value, "__dict__", None):
        return list(_attributes(value))
    with suppress(Exception):  # a compiled object may refuse
        return [(f"[{i}]", part) for i, part in enumerate(value.__getstate__())]
    return []


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    given = set()
    if is_estimator(thing):
        with suppress(Exception):
            given = set(inspect.signature(type(thing).__init__).parameters)
    for name, value in sorted(getattr(thing, "__dict__", {}).items()):
        if name not in given and name not in NOT_LEARNED:
            yield name, value


def _of_array(value: NDArray[Any], path: str, depth: int) -> Iterator[tuple[str, NDArray[Any]]]:
    if value.dtype.kind in "iufb":
        yield path, value.astype(np.float64)
    elif value.dtype.kind in "UST":
        yield path, value.astype(np.str_)
    elif value.dtype.kind in "mM":
        yield path, value.astype(np.int64).astype(np.float64)
    elif value.dtype.kind == "O":
        items = value.ravel().tolist()
        if any(isinstance(item, np.ndarray | list | tuple) or is_estimator(item) for item in items):
            yield from _of_sequence(items, path, depth)
        else:
            yield path, np.array([str(item) for item in items], dtype=np.str_)
    elif value.dtype.names:
        for name in value.dtype.names:
            yield from _walk(np.asarray(value[name]), f"{path}.{name}", depth + 1)


def _of_mapping(value: Mapping[Any, Any], path: str, depth: int) -> Iterator[tuple[str, NDArray[Any]]]:
    items = sorted(value.items(), key=lambda item: str(item[0]))
    if all(isinstance(part, bool | int | float | np.number | str) for _, part in items):
        # A vocabulary: which terms there are is learned, and so is the column of each.
        yield path, np.array([f"{key}={part}" for key, part in items], dtype=np.str_)
        return
    for key, part in items:
        yield from _walk(part, f"{path}[{key!r}]", depth + 1)


def _of_sequence(
    value: list[Any] | tuple[Any, ...], path: str, depth: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    if value and all(isinstance(part, bool | int | float | np.number) for part in value):
        yield path, np.array([float(part) for part in value])
    elif value and all(isinstance(part, str) for part in value):
        yield path, np.array(value, dtype=np.str_)
    else:
        for i, part in enumerate(value[:1000]):
            yield from _walk(part, f"{path}[{i}]", depth + 1)


def _of_layer(layer: Any) -> Learned:
    found: Learned = {}
    for name in ("mean", "variance", "bin_boundaries"):
        value = getattr(layer, name, None)
        if value is not None and name in _learns(layer):
            found[name] = np.asarray(value, dtype=np.float64).ravel()
    if "vocabulary" in _learns(layer):
        with suppress(Exception):
            # Ties in frequency are ordered arbitrarily; which terms there are is what counts.
            found["vocabulary"] = np.array(sorted(map(str, layer.get_vocabulary())), dtype=np.str_)
            inner = getattr(layer, "_lookup_layer", layer)
            weights = getattr(inner, "idf_weights", None)
            if weights is not None and callable(getattr(weights, "numpy", None)):
                found["idf"] = np.sort(np.asarray(weights.numpy(), dtype=np.float64))
    return {name: values for name, values in found.items() if values.size}


def _learns(layer: Any) -> tuple[str, ...]:
    kinds = {kind.__name__ for kind in type(layer).__mro__}
    if "Normalization" in kinds:
        return ("mean", "variance")
    if "Discretization" in kinds:
        return ("bin_boundaries",)
    return ("vocabulary",) if hasattr(layer, "get_vocabulary") else ()


def is_adaptable(thing: Any) -> bool:
    """Whether `thing` is a Keras layer that learned by ``adapt``, instead of being given what it knows."""
    if not (is_layer(thing) and hasattr(thing, "adapt") and _learns(thing)):
        return False
    settings = thing.get_config()
    if "num_bins" in settings:
        return settings["num_bins"] is not None
    return settings.get("mean") is None and settings.get("vocabulary") is None


def is_plain_learner(thing: Any) -> bool:
    """Whether `thing` is an object of the user's own class that learns by ``fit`` and holds only data.

    Objects that hold anything else (a network, an open file) are not fitted anew: it might take hours,
    or leave traces.
    """
    if is_estimator(thing) or is_layer(thing) or isinstance(thing, type):
        return False
    if not inspect.ismethod(getattr(thing, "fit", None)) or not isinstance(
        getattr(thing, "__dict__", None), dict
    ):
        return False
    return all(_is_data(value) or is_estimator(value) for value in vars(thing).values())


def _is_data(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_data(part) for part in value[:1000])
    if isinstance(value, Mapping):
        return all(_is_data(part) for part in list(value.values())[:1000])
    plain = value is None or isinstance(value, bool | int | float | str | np.ndarray | np.generic)
    return plain or hasattr(value, "iloc")


def refitted(thing: Any, rows: Any, labels: Any) -> Any:
    """Return a copy of `thing`, fitted on `rows`; the original is left alone.

    Raises
    ------
    Exception
        Whatever fitting raises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if is_layer(thing):
            return _adapted(thing, rows)
        if is_estimator(thing):
            fresh = _clone(thing)
            return _fit(fresh, rows, labels)
        return _fit(copy.deepcopy(thing), rows, labels)


def _clone(thing: Any) -> Any:
    base = sys.modules.get("sklearn.base")
    if base is not None:
        with suppress(Exception):
            return base.clone(thing)
    return copy.deepcopy(thing)


def _fit(fresh: Any, rows: Any, labels: Any) -> Any:
    takes = [
        name
        for name, parameter in inspect.signature(fresh.fit).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if labels is None or len(takes) < 2:
        fresh.fit(rows)
    else:
        fresh.fit(rows, labels)
    return fresh


def _adapted(layer: Any, rows: Any) -> Any:
    settings = layer.get_config()
    if "bin_boundaries" in settings:
        settings["bin_boundaries"] = None  # what an adapted layer reports is what it learned
    settings.pop("vocabulary_size", None)  # likewise
    fresh = type(layer).from_config(settings)
    fresh.adapt(np.asarray(rows) if not _is_text(rows) else list(np.asarray(rows).ravel()))
    return fresh


def _is_text(rows: Any) -> bool:
    return np.asarray(rows).dtype.kind in "OUST"


def transformed(thing: Any, rows: Any) -> NDArray[np.float64] | None:
    """Return what `thing` makes of `rows`, as numbers of shape (n, p); None where it makes none."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            made = thing(rows) if is_layer(thing) else thing.transform(rows)
            made = made.toarray() if is_sparse(made) else np.asarray(made)
            return np.asarray(made.reshape(len(made), -1), dtype=np.float64)
        except Exception:  # noqa: BLE001 - user code may raise anything
            return None
