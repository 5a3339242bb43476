"""Whole models as plain data."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pytest

from auditor._plan import FitPlan
from auditor._rule import Skip
from auditor.measures.inlets import takes
from auditor.measures.models import read_network
from auditor.measures.outlets import Agreement, Match, agreement
from auditor.measures.reach import output_reach

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
keras = pytest.importorskip("keras")
layers = keras.layers


def test_an_unbuilt_model_tells_what_it_can() -> None:
    model = keras.Sequential(
        [
            layers.Conv2D(4, 3, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    net = read_network(model, [(8, 8, 1)])
    assert net.outlets[0].shape == (5,)
    assert net.trainable is None
    assert [(p.weight, p.label, p.value) for p in net.penalties] == [
        ("conv2d/kernel", "L2(l2=0.01)", None)
    ] or (net.penalties[0].value is None)
    assert net.inlets[0].min_ndim == 4
    assert not model.built
    refused = read_network(model, [(8, 8)])
    assert refused.refusal
    assert refused.outlets[0].shape is None


def test_penalties_are_those_of_keras() -> None:
    model = keras.Sequential(
        [
            keras.Input((7,)),
            layers.Dense(9, kernel_regularizer="l1", bias_regularizer="l2"),
            layers.Dense(2, kernel_regularizer="l2"),
        ]
    )
    net = read_network(model, [(7,)])
    assert sum(p.value for p in net.penalties) == pytest.approx(float(sum(model.losses)), rel=1e-5)
    model.layers[0].trainable = False
    assert len(read_network(model, [(7,)]).penalties) == 1


def test_frozen_and_flat() -> None:
    model = keras.Sequential([keras.Input((7,)), layers.Dense(3), layers.Dense(1)])
    assert (read_network(model, [(7,)]).trainable, read_network(model, [(7,)]).flat_kernels) == (28, 0)
    model.set_weights([np.full(w.shape, 0.3) for w in model.get_weights()])
    assert read_network(model, [(7,)]).flat_kernels == 2
    model.trainable = False
    assert read_network(model, [(7,)]).trainable == 0


def test_zeros_in_one_kernel_or_side_by_side_are_meant() -> None:
    head = keras.Sequential([keras.Input((7,)), layers.Dense(3), layers.Dense(1, kernel_initializer="zeros")])
    assert read_network(head, [(7,)]).flat_kernels == 0
    x = keras.Input((7,))
    sides = [layers.Dense(1, kernel_initializer="zeros")(x) for _ in range(2)]
    assert read_network(keras.Model(x, layers.Add()(sides)), [(7,)]).flat_kernels == 0


def test_scaling_layers_behind_nested_models() -> None:
    normalize = layers.Normalization()
    normalize.adapt(np.array([[0.0, 10.0], [2.0, 30.0]]))
    inner = keras.Sequential(
        [keras.Input((2,)), layers.Rescaling(1 / 2, offset=1.0), normalize, layers.Dense(1)]
    )
    x = keras.Input((2,))
    net = read_network(keras.Model(x, inner(x)), [(2,)])
    rescaling, normalization = net.inlets[0].scalers
    np.testing.assert_allclose((np.array([4.0]) - rescaling.mean) / rescaling.scale, [3.0])
    np.testing.assert_allclose(normalization.mean, [1.0, 20.0])
    np.testing.assert_allclose(normalization.scale, [1.0, 10.0])
    assert normalization.adapted
    assert net.inlets[0].first == "Dense"


@pytest.mark.parametrize("value", [{"mean": 3.0, "variance": 4.0}, {}])
def test_normalization_given_or_never_adapted(value: dict[str, float]) -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Normalization(**value), layers.Dense(1)])
    (scaler,) = read_network(model, [(2,)]).inlets[0].scalers
    assert scaler.adapted is bool(value)
    assert np.all(scaler.scale == (2.0 if value else 1.0))


def test_batch_normalizations_that_were_trained_are_not_fresh() -> None:
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(momentum=0.5), layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    (norm,) = read_network(model, [(4,)]).batch_norms
    assert (norm.momentum, norm.ndim, norm.fresh) == (0.5, 2, True)
    model.layers[0].moving_mean.assign(np.ones(4))
    assert not read_network(model, [(4,)]).batch_norms[0].fresh
    model.layers[0].trainable = False
    assert not read_network(model, [(4,)]).batch_norms


def test_a_training_step_of_its_own_is_told() -> None:
    class Own(keras.Model):
        def train_step(self, data: Any) -> dict[str, Any]:
            return {}

    x = keras.Input((3,))
    assert read_network(Own(x, layers.Dense(1)(x)), [(3,)]).own_step
    assert not read_network(keras.Model(x, layers.Dense(1)(x)), [(3,)]).own_step


def test_a_subclass_hides_its_layers() -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(1, activation="sigmoid")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    model = Own()
    model.compile(optimizer="adam", loss="mse")
    net = read_network(model, [(3,)])
    assert (net.kind, net.outlets[0].shape, net.outlets[0].head.activation) == ("", None, "")
    assert not model.built


def test_losses_and_metrics_find_their_outputs() -> None:
    x = keras.Input((3,))
    outputs = {"b": layers.Dense(1, name="b")(x), "a": layers.Dense(2, activation="softmax", name="a")(x)}
    model = keras.Model(x, outputs)
    model.compile(loss={"a": "sparse_categorical_crossentropy", "b": "mae"}, metrics={"a": ["accuracy"]})
    net = read_network(model, [(3,)])
    assert [(o.name, o.loss.name, [m.label for m in o.metrics]) for o in net.outlets] == [
        ("a", "sparse_categorical_crossentropy", ["accuracy"]),
        ("b", "mean_absolute_error", []),
    ]
    listed = keras.Model(x, [outputs["b"], outputs["a"]])
    listed.compile(loss=["mse", None], metrics=[["mae"], ["accuracy"]])
    net = read_network(listed, [(3,)])
    assert [o.loss and o.loss.name for o in net.outlets] == ["mean_squared_error", None]
    assert [o.metrics[0].label for o in net.outlets] == ["mae", "accuracy"]


@pytest.mark.parametrize(
    "thing", [None, 3, keras.layers.Dense(2), type("M", (), {"layers": [], "compile": print})()]
)
def test_what_is_no_model_is_skipped(thing: Any) -> None:
    with pytest.raises(Skip, match="not a Keras model"):
        read_network(thing, [(3,)])


@pytest.mark.parametrize(
    ("labels", "output"),
    [
        ((), (1,)), ((1,), (1,)), ((1,), ()), ((), ()), ((), (4,)), ((1,), (4,)), ((4,), (4,)), ((3,), (4,)),
        ((), (3, 1)), ((1,), (3, 1)), ((3,), (3, 1)), ((3, 1), (3,)), ((3, 1), (3, 4)), ((3,), (3, 4)), ((3, 4), (3, 4)),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "loss",
    [
        "mean_squared_error",
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "hinge",
    ],
)
def test_agreement_is_that_of_keras(loss: str, labels: tuple[int, ...], output: tuple[int, ...]) -> None:
    """Hold `agreement` against the loss itself, on a batch whose length is no other length here."""
    said = agreement(loss, labels, output)
    rng = np.random.default_rng(0)
    y = np.zeros((7, *labels), dtype="int64" if "sparse" in loss else "float32")
    z = rng.uniform(0.1, 0.9, size=(7, *output)).astype("float32")
    objects = {
        "mean_squared_error": keras.losses.MeanSquaredError,
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
        "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
        "hinge": keras.losses.Hinge,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of one unit under a categorical cross-entropy
            made = objects[loss](reduction="none")(y, z)
        raised = False
    except Exception:  # noqa: BLE001 - TensorFlow raises its own
        raised = True
    if said in {Agreement.FITS, Agreement.BROADCASTS}:
        assert not raised
        one_a_row = np.asarray(made).shape[:1] == (7,)
        assert one_a_row or said is Agreement.BROADCASTS or labels == output == ()
    else:
        assert raised, said


@pytest.mark.parametrize(
    ("shape", "rows"), [((8, 8, 1), (8, 8)), ((8, 8), (8, 8, 1)), ((8, 8, 1), (8, 8, 1)), ((8, 8, 3), (8, 8)), ((64,), (63,))]
)  # fmt: skip
def test_takes_what_keras_takes(shape: tuple[int, ...], rows: tuple[int, ...]) -> None:
    x = keras.Input(shape)
    model = keras.Model(x, layers.Flatten()(x))
    try:
        model(np.zeros((2, *rows), dtype="float32"))
        taken = True
    except ValueError:
        taken = False
    assert takes(shape, rows) is taken


def test_the_reach_of_an_output_bounds_what_training_does() -> None:
    keras.utils.set_random_seed(0)
    X = np.random.default_rng(0).normal(size=(320, 5)).astype("float32")
    y = np.full((320, 1), 1e6, dtype="float32")
    model = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="mse")
    net = read_network(model, [(5,)])
    plan = FitPlan({"train": (X,)}, {"train": (y,)}, epochs=3)
    reach = output_reach(net, plan, Match(net.outlets[0], {"train": y}, "the output"))
    assert reach.steps == 30
    model.fit(X, y, epochs=3, verbose=0)
    assert np.abs(model.predict(X, verbose=0)).mean() < reach.furthest < 1e4
    assert output_reach(net, FitPlan({"train": (X,)}, {}), Match(net.outlets[0], {}, "")) is None
