"""What layers do to values, read from real Keras layers without calling them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from auditor.measures.layers import RANGES, Head, backwards, forwards, kind, named, read_head
from auditor.measures.losses import read_loss, read_metric

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
keras = pytest.importorskip("keras")
layers = keras.layers


def head(*stack: Any) -> Head:
    return read_head(backwards(keras.Sequential(list(stack))))


@pytest.mark.parametrize("name", sorted(set(RANGES) - {"swish"}))
def test_values_stay_within_the_range(name: str) -> None:
    low, high = RANGES[name]
    z = np.linspace(-200, 200, 8001, dtype=np.float32).reshape(-1, 1)
    z = np.concatenate([z, -z], axis=1)
    values = np.asarray(keras.activations.get(name)(keras.ops.convert_to_tensor(z)))
    assert values.min() >= low - 1e-3
    assert values.max() <= high + 1e-3
    if np.isfinite(low):
        assert values.min() < low + 0.02  # the bound is tight
    if np.isfinite(high):
        assert values.max() > high - 0.02


@pytest.mark.parametrize(
    ("stack", "activation", "span", "recovered"),
    [
        ([layers.Dense(3, activation="softmax")], "softmax", (0, 1), True),
        ([layers.Dense(3), layers.Softmax()], "softmax", (0, 1), True),
        ([layers.Dense(3), layers.Activation("sigmoid")], "sigmoid", (0, 1), True),
        ([layers.Dense(3, activation="softmax"), layers.Activation("linear")], "softmax", (0, 1), True),
        ([layers.Dense(4, activation="softmax"), layers.Reshape((2, 2))], "softmax", (0, 1), False),
        ([layers.TimeDistributed(layers.Dense(3, activation="softmax"))], "softmax", (0, 1), False),
        (
            [layers.Dense(3, activation="relu"), layers.BatchNormalization()],
            "linear",
            (-np.inf, np.inf),
            False,
        ),
        ([layers.Dense(3), layers.ReLU(max_value=6)], "relu", (0, 6), False),
        ([layers.Dense(3), layers.ReLU(negative_slope=0.1)], "leaky_relu", (-np.inf, np.inf), False),
        ([layers.Dense(3), layers.ELU(alpha=2.0)], "elu", (-2, np.inf), False),
        ([layers.Dense(3, activation=layers.LeakyReLU())], "leaky_relu", (-np.inf, np.inf), False),
        ([layers.LSTM(3)], "tanh", (-1, 1), False),
        ([layers.LSTM(3, activation="relu")], "relu", (0, np.inf), False),
        ([layers.Bidirectional(layers.LSTM(3), merge_mode="sum")], "tanh", (-2, 2), False),
        ([layers.Bidirectional(layers.GRU(3))], "tanh", (-1, 1), False),
        ([layers.Dense(3, activation=lambda z: z)], "", (-np.inf, np.inf), False),
        (
            [layers.Dense(3, activation="softmax"), layers.Lambda(lambda z: z * 2)],
            "",
            (-np.inf, np.inf),
            False,
        ),
        ([keras.Sequential([layers.Dense(3, activation="tanh")])], "tanh", (-1, 1), False),
    ],
)
def test_reads_the_last_activation(
    stack: list[Any], activation: str, span: tuple[float, float], recovered: bool
) -> None:
    found = head(*stack)
    assert (found.activation, (found.low, found.high), found.recovered) == (activation, span, recovered)


def test_layers_behind_the_activation_are_told() -> None:
    assert head(layers.Dense(3, activation="softmax"), layers.Dropout(0.5, name="late")).dropout == "late"
    assert not head(layers.Dense(3, activation="softmax"), layers.Dropout(0.0)).dropout
    assert not head(layers.Dense(3), layers.GaussianNoise(0.1)).dropout
    assert not head(layers.Dropout(0.5), layers.Dense(3)).dropout
    assert head(layers.Conv2D(3, 1, activation="softmax"), layers.GlobalAveragePooling2D()).pooled


def test_what_stood_before_a_softmax_is_told() -> None:
    assert head(layers.Dense(3, activation="relu"), layers.Softmax()).before == "relu"
    assert head(layers.Dense(3, activation="softmax"), layers.Softmax()).logits == (0, 1)
    assert head(layers.Dense(3), layers.Softmax()).logits == (-np.inf, np.inf)


def test_a_call_of_its_own_hides_what_a_layer_does() -> None:
    class Plain(layers.Dense):
        pass

    class Own(layers.Dense):
        def call(self, inputs: Any) -> Any:
            return inputs

    assert kind(Plain(3)) == "Dense"
    assert kind(Own(3)) == ""
    assert head(Plain(3, activation="tanh")).activation == "tanh"


def test_functions_of_other_packages_are_known_by_name() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    assert named(tensorflow.nn.softmax) == "softmax"
    assert named(tensorflow.nn.relu) == "relu"
    assert named(None) == "linear"
    assert named(np.tanh) == ""


def test_walks_functional_models_both_ways() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Conv2D(2, 3)])
    x = keras.Input((8, 8, 3))
    hidden = inner(layers.RandomFlip()(x))
    model = keras.Model(x, keras.ops.softmax(layers.Dense(2)(layers.Flatten()(hidden))))
    assert [kind(layer) for layer in forwards(model)] == ["InputLayer", "RandomFlip", "Rescaling", "Conv2D"]
    assert [kind(layer) for layer in backwards(model)] == [
        "Softmax", "Dense", "Flatten", "Conv2D", "Rescaling", "RandomFlip", "InputLayer",
    ]  # fmt: skip
    assert read_head(backwards(model)).activation == "softmax"


def test_stops_where_branches_meet() -> None:
    a, b = keras.Input((2,)), keras.Input((2,))
    model = keras.Model([a, b], layers.Dense(1)(layers.Add()([layers.Dense(2)(a), b])))
    assert [kind(layer) for layer in backwards(model)] == ["Dense", "Add"]
    shared = layers.Dense(2)
    fork = keras.Model(a, layers.Add()([shared(a), layers.Dense(2)(a)]))
    assert [kind(layer) for layer in forwards(fork)] == ["InputLayer"]


@pytest.mark.parametrize(
    ("identifier", "name", "from_logits"),
    [
        ("mse", "mean_squared_error", False),
        ("MSE", "mean_squared_error", False),
        ("mean_squared_error", "mean_squared_error", False),
        ("MeanSquaredError", "mean_squared_error", False),
        (keras.losses.MeanSquaredError(), "mean_squared_error", False),
        (keras.losses.MeanSquaredError, "mean_squared_error", False),
        (keras.losses.mean_squared_error, "mean_squared_error", False),
        ("KLDivergence", "kl_divergence", False),
        (keras.losses.LogCosh(), "log_cosh", False),
        (keras.losses.BinaryCrossentropy(from_logits=True), "binary_crossentropy", True),
        (
            {"class_name": "CategoricalCrossentropy", "config": {"from_logits": True}},
            "categorical_crossentropy",
            True,
        ),
        ("crossentropy", "crossentropy", False),
        (lambda y, z: z, "", False),
    ],
)
def test_a_loss_is_one_however_it_is_written(identifier: Any, name: str, from_logits: bool) -> None:
    found = read_loss(identifier)
    assert found is not None
    assert (found.name, found.from_logits) == (name, from_logits)


def test_losses_of_the_users_own_are_unknown() -> None:
    class Own(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return y_pred

    from functools import partial

    assert not read_loss(Own()).known
    assert read_loss(Own()).label.startswith("own")
    bound = read_loss(partial(keras.losses.binary_crossentropy, from_logits=True))
    assert (bound.name, bound.from_logits) == ("binary_crossentropy", True)
    assert read_loss(keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)).ignored == -1
    assert read_loss(None) is None


@pytest.mark.parametrize(
    ("identifier", "name", "threshold"),
    [
        ("accuracy", "accuracy", None),
        ("acc", "accuracy", None),
        ("mae", "mean_absolute_error", None),
        (keras.metrics.BinaryAccuracy(threshold=0.0), "binary_accuracy", 0.0),
        ("binary_accuracy", "binary_accuracy", 0.5),
        (keras.metrics.Precision(), "precision", 0.5),
        (keras.metrics.Precision(thresholds=[0.1, 0.2]), "precision", None),
        (keras.metrics.AUC(from_logits=True), "auc", None),
        (keras.metrics.Accuracy(), "exact_accuracy", None),
        (lambda y, z: z, "", None),
    ],
)
def test_a_metric_is_one_however_it_is_written(identifier: Any, name: str, threshold: float | None) -> None:
    found = read_metric(identifier)
    assert (found.name, found.threshold) == (name, threshold)
