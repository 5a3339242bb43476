"""What single Keras layers do to the values that pass through them, read without calling them.

Layers are told by the class of Keras that they are or extend; a layer with a ``call`` of its own is
taken as unknown. Nothing here imports Keras: the objects come from the user.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

FRAMEWORKS = frozenset({"keras", "tf_keras", "tensorflow", "jax", "torch"})
"""Packages whose functions and classes are what their names say."""

RANGES: dict[str, tuple[float, float]] = {
    "linear": (-math.inf, math.inf),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "leaky_relu": (-math.inf, math.inf),
    "elu": (-1.0, math.inf),
    "celu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
    "softplus": (0.0, math.inf),
    "squareplus": (0.0, math.inf),
    "sparse_plus": (0.0, math.inf),
    "softsign": (-1.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "sparse_sigmoid": (0.0, 1.0),
    "silu": (-0.2785, math.inf),
    "swish": (-0.2785, math.inf),
    "hard_silu": (-0.375, math.inf),
    "gelu": (-0.17, math.inf),
    "mish": (-0.3088, math.inf),
    "exponential": (0.0, math.inf),
    "softmax": (0.0, 1.0),
    "sparsemax": (0.0, 1.0),
    "log_softmax": (-math.inf, 0.0),
    "log_sigmoid": (-math.inf, 0.0),
}
"""Infimum and supremum of each activation."""

DROPOUTS = frozenset(
    [
        "Dropout",
        "AlphaDropout",
        "GaussianDropout",
        "GaussianNoise",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
    ]
)
SAME_TENSOR = frozenset(["InputLayer", "ActivityRegularization", "Identity"])
SAME_VALUES = frozenset(
    [
        "Reshape",
        "Flatten",
        "Permute",
        "RepeatVector",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "UpSampling1D",
        "UpSampling2D",
        "UpSampling3D",
        "CenterCrop",
        "Resizing",
        "Squeeze",
        "ExpandDims",
        "Transpose",
        "GetItem",
        "Cast",
    ]
)
AUGMENTATIONS = (
    "Random",
    "AutoContrast",
    "Solarization",
    "AugMix",
    "MixUp",
    "CutMix",
    "RandAugment",
    "Equalization",
)
POOLINGS = ("GlobalAveragePooling", "AveragePooling", "GlobalMaxPooling", "MaxPooling")
ACTIVATION_LAYERS = frozenset(["Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"])
OPERATIONS = {
    "Softmax": "softmax", "Sigmoid": "sigmoid", "Relu": "relu", "Relu6": "relu6", "Tanh": "tanh", "Elu": "elu",
    "LogSoftmax": "log_softmax", "Softplus": "softplus", "Exp": "exponential", "Gelu": "gelu", "Silu": "silu",
}  # fmt: skip
"""Functions of ``keras.ops`` used as layers, by class."""
UNBOUNDED = frozenset(
    [
        "BatchNormalization",
        "LayerNormalization",
        "GroupNormalization",
        "RMSNormalization",
        "Embedding",
        "MultiHeadAttention",
        "GroupedQueryAttention",
    ]
)
RECURRENT = frozenset(["LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"])


@dataclass(frozen=True, slots=True)
class Head:
    """What the last layers before an output make of it.

    Attributes
    ----------
    activation : str
        Name of the last activation; empty where it cannot be read.
    layer : str
        Name of the layer that applies it.
    low, high : float
        Range of the output's values.
    logits : tuple of float
        Range of what went into a last softmax or sigmoid; of the output for any other activation.
    recovered : bool
        Whether the TensorFlow backend finds the logits behind a softmax or sigmoid: nothing stands
        between it and the loss.
    dropout : str
        A dropout layer behind the activation; empty where there is none.
    before : str
        The activation in front of a softmax or sigmoid that is a layer of its own.
    pooled : bool
        Whether values are pooled behind the activation, or behind the one before it.
    axis : int
        Axis of a softmax.
    """

    activation: str = ""
    layer: str = ""
    low: float = -math.inf
    high: float = math.inf
    logits: tuple[float, float] = (-math.inf, math.inf)
    recovered: bool = False
    dropout: str = ""
    before: str = ""
    pooled: bool = False
    axis: int = -1


def kind(layer: Any) -> str:
    """Return the class of Keras that a layer is or extends; empty where it has a ``call`` of its own."""
    for cls in type(layer).__mro__:
        if cls.__module__.split(".")[0] in FRAMEWORKS:
            return cls.__name__
        if "call" in vars(cls):
            return ""
    return ""


def is_network(layer: Any) -> bool:
    """Whether a layer is a model whose layers can be followed."""
    return kind(layer) in {"Functional", "Sequential"} or (kind(layer) == "Model" and bool(_nodes(layer)))


def _nodes(model: Any) -> set[Any]:
    depths = getattr(model, "_nodes_by_depth", None) or {}
    return {node for nodes in depths.values() for node in nodes}


def backwards(model: Any, output: int = 0) -> Iterator[Any]:
    """Yield the layers before an output, the last one first, as long as each has one input."""
    if kind(model) == "Sequential":
        for layer in reversed(model.layers):
            yield from backwards(layer) if is_network(layer) else (layer,)
        return
    tensor = model.outputs[output]
    while True:
        history = tensor._keras_history  # noqa: SLF001 - Keras offers no other way to its graph
        layer = history.operation
        yield from backwards(layer, history.tensor_index) if is_network(layer) else (layer,)
        inputs = layer._inbound_nodes[history.node_index].input_tensors  # noqa: SLF001
        if len(inputs) != 1:
            return
        tensor = inputs[0]


def forwards(model: Any, source: int = 0) -> Iterator[Any]:
    """Yield the layers behind an input, the first one first, as long as each feeds one other."""
    if kind(model) == "Sequential":
        for layer in model.layers:
            yield from forwards(layer) if is_network(layer) else (layer,)
        return
    known = _nodes(model)
    tensor = model.inputs[source]
    while True:
        layer = tensor._keras_history.operation  # noqa: SLF001
        if not is_network(layer):
            yield layer
        users = [n for n in layer._outbound_nodes if n in known and _uses(n, tensor)]  # noqa: SLF001
        if len(users) != 1 or len(users[0].output_tensors) != 1:
            return
        if is_network(users[0].operation):
            position = next(i for i, given in enumerate(users[0].input_tensors) if given is tensor)
            yield from forwards(users[0].operation, position)
            return
        tensor = users[0].output_tensors[0]


def _uses(node: Any, tensor: Any) -> bool:
    return any(given is tensor for given in node.input_tensors)


def activation_of(layer: Any) -> str:
    """Return the name of the activation that a layer applies; empty where it cannot be read."""
    name = kind(layer)
    if name in OPERATIONS and not hasattr(layer, "activation"):
        return OPERATIONS[name]
    if name in {"TimeDistributed", "Bidirectional", "SpectralNormalization"}:
        return activation_of(inner_layer(layer))
    plain = {"Softmax": "softmax", "LeakyReLU": "leaky_relu", "PReLU": "leaky_relu", "ELU": "elu"}
    if name in plain:
        return plain[name]
    if name == "ReLU":
        return "leaky_relu" if layer.negative_slope else "relu"
    if name in UNBOUNDED:
        return "linear"
    return named(layer.activation) if hasattr(layer, "activation") else ""


def inner_layer(wrapper: Any) -> Any:
    """Return the layer inside a wrapper layer."""
    return wrapper.forward_layer if hasattr(wrapper, "forward_layer") else wrapper.layer


def named(activation: Any) -> str:
    """Return the name of an activation function or layer; empty for one of the user's own."""
    if activation is None:
        return "linear"
    if hasattr(activation, "call") and not hasattr(activation, "__name__"):
        return activation_of(activation)
    name = str(getattr(activation, "__name__", "")).removesuffix("_v2")
    ours = str(getattr(activation, "__module__", "")).split(".")[0] in FRAMEWORKS
    return name if ours and name in RANGES else ""


def read_head(layers: Iterable[Any]) -> Head:
    """Return what the layers before an output, the last one first, make of it.

    The walk ends at the first layer whose activation decides the range of values.
    """
    head, rest = Head(recovered=True), iter(layers)
    for layer in rest:
        name = kind(layer)
        if name in DROPOUTS:
            rate = getattr(layer, "rate", getattr(layer, "stddev", 0.0))
            behind = "" if name == "GaussianNoise" else layer.name
            head = replace(head, dropout=behind or head.dropout, recovered=False) if rate else head
        elif name in SAME_VALUES:
            head = replace(head, recovered=False)
        elif name.startswith(POOLINGS):
            head = replace(head, recovered=False, pooled=True)
        elif name not in SAME_TENSOR and (name != "Activation" or activation_of(layer) != "linear"):
            return _decided(head, layer, rest)
    return head


def _decided(head: Head, layer: Any, rest: Iterator[Any]) -> Head:
    name, activation = kind(layer), activation_of(layer)
    if activation not in RANGES:
        return replace(head, layer=layer.name, recovered=False)
    low, high = _range(layer, name, activation)
    logits, before = (low, high), Head()
    if activation in {"softmax", "sigmoid"}:
        alone = name in ACTIVATION_LAYERS or name in OPERATIONS
        before = read_head(rest) if alone else before
        logits = (before.low, before.high)
    unwrapped = name not in {"TimeDistributed", "Bidirectional"} and name not in RECURRENT
    return replace(
        head,
        activation=activation,
        layer=layer.name,
        low=low,
        high=high,
        logits=logits,
        recovered=head.recovered and unwrapped and activation in {"softmax", "sigmoid"},
        before=before.activation,
        pooled=head.pooled or before.pooled,
        axis=_axis(layer),
    )


def _range(layer: Any, name: str, activation: str) -> tuple[float, float]:
    if name == "TimeDistributed":
        return _range(layer.layer, kind(layer.layer), activation)
    if name == "Bidirectional":
        inner = inner_layer(layer)
        low, high = _range(inner, kind(inner), activation)
        return {"sum": (2 * low, 2 * high), "mul": (-math.inf, math.inf)}.get(layer.merge_mode, (low, high))
    low, high = RANGES[activation]
    if name == "ReLU":
        high = math.inf if layer.max_value is None else float(layer.max_value)
        return (-math.inf, high) if layer.negative_slope else (0.0, high)
    if name == "ELU":
        return -float(layer.alpha), math.inf
    gated = name in RECURRENT and name != "SimpleRNN"  # a gate in [0, 1] times the activation
    return (min(low, 0.0), max(high, 0.0)) if gated else (low, high)


def _axis(layer: Any) -> int:
    axis = getattr(layer, "axis", -1)
    return axis if isinstance(axis, int) else -1
