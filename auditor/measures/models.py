"""What a compiled Keras model is, as plain frozen data, read once and without calling it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._rule import Skip
from auditor.measures.layers import (
    ACTIVATION_LAYERS,
    AUGMENTATIONS,
    DROPOUTS,
    FRAMEWORKS,
    SAME_TENSOR,
    SAME_VALUES,
    activation_of,
    backwards,
    forwards,
    is_network,
    kind,
    read_head,
)
from auditor.measures.losses import Metric, read_loss, read_metric
from auditor.measures.networks import BatchNorm, Inlet, Network, Outlet, Penalty, Scaler, Shape

UNSCALING = (*AUGMENTATIONS, "ZeroPadding")
"""Beginnings of the classes that do not scale their input, beside those that leave values alone."""

STACK_WEIGHTS = 4_000_000
"""Weights up to which the dense layers before an output are read."""

CONTRACTING = frozenset(
    {"linear", "relu", "relu6", "leaky_relu", "tanh", "hard_tanh", "softsign", "gelu", "silu", "elu"}
)
"""Activations that make no value larger in absolute terms."""

VARIANCE_FLOOR = 1e-7
"""The smallest spread that a Keras Normalization divides by."""


def network(case: Case) -> Network:
    """Product: the model under audit.

    Raises
    ------
    Skip
        If it is no Keras model, or one that cannot be read.
    """
    rows = case.fit.inputs["train"] if case.fit is not None else (case.train.X,)
    try:
        return read_network(case.model, [array.shape[1:] for array in rows])
    except Skip:
        raise
    except Exception as error:
        raise Skip(f"the model could not be read: {type(error).__name__}: {error}") from error


def read_network(model: Any, rows: Sequence[tuple[int, ...]]) -> Network:
    """Return what a model is, given the shape of one row of each of its inputs."""
    if not (hasattr(model, "layers") and hasattr(model, "compile") and kind_of_model(model) is not None):
        raise Skip(f"the model is a {type(model).__name__}, not a Keras model")
    layers = list(every_layer(model))
    made = bool(getattr(model, "built", False))
    optimizer = getattr(model, "optimizer", None)
    shapes, refusal = _output_shapes(model, rows)
    return Network(
        kind=kind_of_model(model) or "",
        backend=_backend(),
        compiled=bool(getattr(model, "compiled", False)),
        own_step=_own(model, ("train_step", "compute_loss")),
        inlets=tuple(_inlets(model, len(rows))),
        outlets=tuple(_outlets(model, shapes)),
        refusal=refusal,
        penalties=tuple(_penalties(model, layers)),
        activity=tuple(layer.name for layer in layers if getattr(layer, "activity_regularizer", None)),
        trainable=sum(int(np.prod(w.shape)) for w in model.trainable_weights) if made else None,
        flat_kernels=_flat_kernels(model) if made else 0,
        batch_norms=tuple(_batch_norms(layers)),
        optimizer=type(optimizer).__name__ if optimizer is not None else "",
        learning_rate=_learning_rate(optimizer),
    )


def kind_of_model(model: Any) -> str | None:
    """Return ``"Sequential"``, ``"Functional"``, ``""`` for a subclass; None for no Keras model."""
    if not any(
        cls.__module__.split(".")[0] in FRAMEWORKS and cls.__name__ == "Model" for cls in type(model).__mro__
    ):
        return None
    name = kind(model)
    return name if name in {"Sequential", "Functional"} else ""


def every_layer(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, those of nested models in their place."""
    for layer in model.layers:
        if hasattr(layer, "layers") and hasattr(layer, "compile"):
            yield from every_layer(layer)
        else:
            yield layer


def as_numbers(value: Any) -> NDArray[np.float64]:
    """Return a number, array, tensor or variable of any backend as float64."""
    inner = getattr(value, "value", value)
    if hasattr(inner, "detach"):
        inner = inner.detach().cpu()
    return np.asarray(inner.numpy() if hasattr(inner, "numpy") else inner, dtype=np.float64)


def _backend() -> str:
    keras = sys.modules.get("keras")
    return str(keras.config.backend()) if keras is not None and hasattr(keras, "config") else "tensorflow"


def _own(model: Any, methods: tuple[str, ...]) -> bool:
    for cls in type(model).__mro__:
        if cls.__module__.split(".")[0] in FRAMEWORKS:
            return False
        if any(method in vars(cls) for method in methods):
            return True
    return False


def _graph(model: Any) -> bool:
    """Whether inputs and outputs are known."""
    try:
        return bool(kind_of_model(model) and model.outputs)
    except (AttributeError, ValueError):
        return False


def _output_shapes(model: Any, rows: Sequence[tuple[int, ...]]) -> tuple[list[Shape | None], str]:
    """Return the shape of one row of each output, None where it cannot be known, and Keras' refusal."""
    if _graph(model):
        return [tuple(tensor.shape[1:]) for tensor in model.outputs], ""
    if kind_of_model(model) == "Sequential" and len(rows) == 1:
        try:
            return [tuple(model.compute_output_shape((None, *rows[0]))[1:])], ""
        except NotImplementedError:
            return [None], ""
        except Exception as error:  # noqa: BLE001 - layers raise what they like
            return [None], str(error).strip().split("\n", 1)[0]
    shape = getattr(model, "output_shape", None) if getattr(model, "built", False) else None
    return [tuple(shape[1:]) if isinstance(shape, tuple) and shape and shape[0] is None else None], ""


def _inlets(model: Any, n_rows: int) -> Iterator[Inlet]:
    if not _graph(model):
        if kind_of_model(model) == "Sequential":
            yield _inlet("", None, list(forwards(model)))
        else:
            yield from (Inlet("") for _ in range(n_rows))
        return
    for position, tensor in enumerate(model.inputs):
        name = str(tensor._keras_history.operation.name)  # noqa: SLF001
        yield _inlet(name, tuple(tensor.shape[1:]), list(forwards(model, position)))


def _inlet(name: str, shape: Shape | None, layers: list[Any]) -> Inlet:
    scalers = []
    for layer in layers:
        what = kind(layer)
        if what in {"Rescaling", "Normalization"}:
            scalers += _scaler(layer, what)
        elif what not in SAME_TENSOR | SAME_VALUES | DROPOUTS and not what.startswith(UNSCALING):
            spec = getattr(layer, "input_spec", None)
            form = getattr(layer, "data_format", None)
            return Inlet(
                name,
                shape,
                tuple(scalers),
                what,
                layer.name,
                None if form is None else form == "channels_first",
                int(layer.input_dim) if what == "Embedding" else None,
                getattr(spec, "ndim", None),
                getattr(spec, "min_ndim", None),
            )
    return Inlet(name, shape, tuple(scalers))


def _scaler(layer: Any, what: str) -> list[Scaler]:
    if what == "Rescaling":
        scale, offset = as_numbers(layer.scale), as_numbers(layer.offset)
        if (scale == 0).any():
            return []
        return [Scaler(layer.name, what, -offset / scale, 1.0 / scale)]
    given = getattr(layer, "input_mean", None) is not None
    if getattr(layer, "invert", False):
        return []
    if getattr(layer, "mean", None) is None or (given and not layer.built):
        return [] if given else [Scaler(layer.name, what, np.zeros(()), np.ones(()), adapted=False)]
    mean, variance = as_numbers(layer.mean), as_numbers(layer.variance)
    mean, variance = (part[0] if part.ndim else part for part in (mean, variance))
    adapted = given or bool((mean != 0).any() or (variance != 1).any())
    return [Scaler(layer.name, what, mean, np.maximum(np.sqrt(variance), VARIANCE_FLOOR), adapted)]


def _outlets(model: Any, shapes: list[Shape | None]) -> Iterator[Outlet]:
    names = (
        [str(name) for name in getattr(model, "output_names", None) or ["output"]] if _graph(model) else [""]
    )
    structure = getattr(model, "output", None) if _graph(model) else None
    if isinstance(structure, Mapping):
        names = sorted(structure)
    losses = _by_output(getattr(model, "loss", None), names, read_loss)
    compiled = getattr(model, "_compile_metrics", None)
    metrics: list[Any] = [()] * len(names)
    for part in ("_user_metrics", "_user_weighted_metrics"):
        found = _by_output(getattr(compiled, part, None), names, _metrics_of, single_takes_all=True)
        metrics = [known + (more or ()) for known, more in zip(metrics, found, strict=True)]
    for position, name in enumerate(names):
        known = kind_of_model(model) and is_network(model)
        layers = list(backwards(model, position)) if known else []
        yield Outlet(
            name,
            shapes[position],
            read_head(layers),
            losses[position],
            metrics[position],
            _stack(layers, whole=kind_of_model(model) == "Sequential"),
        )


def _metrics_of(given: Any) -> tuple[Metric, ...]:
    if given is None:
        return ()
    return tuple(read_metric(m) for m in (given if isinstance(given, list | tuple) else [given]))


def _by_output(
    given: Any, names: list[str], read: Callable[[Any], Any], *, single_takes_all: bool = False
) -> list[Any]:
    """Return one entry an output from what ``compile`` takes: one for all, a list, or a dict by name."""
    if isinstance(given, Mapping) and "class_name" not in given:
        if len(names) == 1 and len(given) == 1:
            return [read(next(iter(given.values())))]
        return [read(given.get(name)) for name in names]
    if isinstance(given, list | tuple):
        if len(names) == 1:
            return [read(given if single_takes_all else (given[0] if given else None))]
        return [read(part) for part in given] if len(given) == len(names) else [read(None)] * len(names)
    return [read(given)] * len(names)


def _stack(layers: list[Any], *, whole: bool) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Return the dense layers before an output, if nothing else stands there that changes values."""
    found: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    weights = 0
    for layer in layers:
        what, activation = kind(layer), activation_of(layer)
        if what == "Dense" and layer.built and activation in CONTRACTING:
            weights += int(np.prod(layer.kernel.shape))
            if weights > STACK_WEIGHTS:
                return ()
            kernel = np.abs(as_numbers(layer.kernel))
            bias = np.zeros(kernel.shape[1]) if layer.bias is None else np.abs(as_numbers(layer.bias))
            found.append((kernel, bias))
        elif what not in SAME_TENSOR | DROPOUTS | {"Flatten"} and not (
            what in ACTIVATION_LAYERS and activation in CONTRACTING
        ):
            return ()
    return tuple(reversed(found)) if layers and (whole or kind(layers[-1]) == "InputLayer") else ()


def _penalties(model: Any, layers: list[Any]) -> Iterator[Penalty]:
    if getattr(model, "built", False):
        for weight in model.trainable_weights:
            regularizer = getattr(weight, "regularizer", None)
            if regularizer is not None:
                path = str(getattr(weight, "path", weight.name))
                yield Penalty(path, _written(regularizer), float(as_numbers(regularizer(weight))))
        return
    for layer in layers:
        for name, regularizer in sorted(vars(layer).items()):
            if name.endswith("_regularizer") and name != "activity_regularizer" and regularizer is not None:
                yield Penalty(
                    f"{layer.name}/{name.removesuffix('_regularizer')}", _written(regularizer), None
                )


def _written(regularizer: Any) -> str:
    config = regularizer.get_config() if hasattr(regularizer, "get_config") else {}
    inside = ", ".join(f"{key}={value:.3g}" for key, value in config.items() if isinstance(value, float))
    return f"{getattr(regularizer, '__name__', type(regularizer).__name__)}({inside})"


def _flat_kernels(model: Any) -> int:
    """Return how many kernels there are, if each is constant and two or more follow one another; else 0."""
    kernels = [weight for weight in model.trainable_weights if len(weight.shape) > 1]
    for kernel in kernels:
        values = as_numbers(kernel)
        if not values.size or values.min() != values.max():
            return 0
    chain = list(backwards(model)) if is_network(model) else []
    deep = sum(any(len(weight.shape) > 1 for weight in getattr(layer, "weights", ())) for layer in chain)
    return len(kernels) if deep > 1 else 0


def _batch_norms(layers: list[Any]) -> Iterator[BatchNorm]:
    for layer in layers:
        if kind(layer) != "BatchNormalization" or not getattr(layer, "trainable", True):
            continue
        mean = getattr(layer, "moving_mean", None) if layer.built else None
        fresh = mean is None or not as_numbers(mean).any()
        yield BatchNorm(layer.name, float(layer.momentum), getattr(layer.input_spec, "ndim", None), fresh)


def _learning_rate(optimizer: Any) -> float | None:
    rate = getattr(optimizer, "_learning_rate", None)
    if rate is None or hasattr(rate, "get_config"):
        return None
    return float(as_numbers(rate))
