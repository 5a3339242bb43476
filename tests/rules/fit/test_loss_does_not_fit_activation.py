"""FIT003."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from auditor import Severity, Status, audit_fit
from auditor.measures.layers import Head
from auditor.measures.losses import Loss
from auditor.measures.networks import Outlet
from auditor.measures.outlets import Match
from auditor.measures.output_ranges import Verdict, judge

keras = pytest.importorskip("keras")
layers = keras.layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5)).astype(np.float32)
IDS = RNG.integers(0, 10, 300)
SCCE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
BCE = keras.losses.BinaryCrossentropy(from_logits=True)


def outcome(tail: list[Any], loss: Any, y: np.ndarray, **arguments: Any) -> Any:
    model = keras.Sequential([keras.Input((5,)), layers.Dense(8), *tail])
    model.compile(optimizer="adam", loss=loss)
    return audit_fit(model, X[: len(y)], y, select="FIT003", **arguments)["FIT003"]


def test_the_floor_of_bounded_logits_is_that_of_the_loss() -> None:
    (finding,) = outcome([layers.Dense(10, activation="tanh")], SCCE, IDS).findings
    best = np.full((1, 10), -1.0, dtype="float32")
    best[0, 3] = 1.0
    assert finding.evidence["lowest loss within reach"] == pytest.approx(
        float(SCCE(np.array([3]), best)), rel=1e-4
    )
    assert finding.evidence["loss of a guess"] == pytest.approx(math.log(10))


@pytest.mark.parametrize("share", [0.5, 0.1, 0.9])
def test_the_floor_of_a_binary_loss_follows_the_labels(share: float) -> None:
    y = (np.arange(300) < 300 * share).astype(np.float32)
    (finding,) = outcome([layers.Dense(1, activation="tanh")], BCE, y).findings
    best = np.where(y == 1, 1.0, -1.0).astype("float32")[:, None]
    assert finding.evidence["lowest loss within reach"] == pytest.approx(
        float(BCE(y[:, None], best)), rel=1e-4
    )


def test_a_wide_bound_is_none() -> None:
    assert outcome([layers.Dense(10), layers.ReLU(max_value=20)], SCCE, IDS).status is Status.PASSED


@pytest.mark.parametrize("activation", ["elu", "gelu", "softplus", "silu"])
def test_other_hidden_activations_before_logits_are_a_warning(activation: str) -> None:
    (finding,) = outcome([layers.Dense(10, activation=activation)], SCCE, IDS).findings
    assert finding.level is Severity.WARNING


def test_pooled_relu_before_softmax_is_a_note() -> None:
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 1, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Softmax(),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    images, y = RNG.normal(size=(50, 6, 6, 1)), RNG.integers(0, 4, 50)
    (finding,) = audit_fit(model, images, y, select="FIT003").findings
    assert finding.level is Severity.INFO


@pytest.mark.parametrize("activation", ["log_softmax", "leaky_relu", None])
def test_unbounded_logits_fit(activation: str | None) -> None:
    assert outcome([layers.Dense(10, activation=activation)], SCCE, IDS).status is Status.PASSED


def test_exponentials_are_shared_out() -> None:
    loss = "categorical_crossentropy"
    assert (
        outcome([layers.Dense(10, activation="exponential")], loss, np.eye(10)[IDS]).status is Status.PASSED
    )
    assert outcome(
        [layers.Dense(10, activation="exponential")], "sparse_categorical_crossentropy", IDS
    ).findings


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize(
    ("activation", "loss"), [("softmax", "categorical_crossentropy"), ("sigmoid", "binary_crossentropy")]
)
def test_only_tensorflow_finds_the_logits_again(backend: str, activation: str, loss: str) -> None:
    head = Head(activation, "last", 0.0, 1.0, recovered=True)
    labels = np.eye(4)[RNG.integers(0, 4, 90)]
    match = Match(
        Outlet("out", (4,), head, Loss(loss, loss, from_logits=True)), {"train": labels}, "the output"
    )
    expected = Verdict.RECOVERED if backend == "tensorflow" else Verdict.BOUNDED_LOGITS
    assert judge(match, backend, 0.01).verdict is expected


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_labels_out_of_reach_give_the_exact_floor(dtype: type) -> None:
    y = RNG.normal(size=300).astype(dtype)
    (finding,) = outcome([layers.Dense(1, activation="relu")], "mse", y).findings
    below = np.minimum(y.astype(np.float64), 0)
    assert finding.evidence["lowest mean squared error within reach"] == pytest.approx(
        np.mean(below**2), rel=1e-5
    )
    assert finding.evidence["variance of the labels"] == pytest.approx(y.astype(np.float64).var(), rel=1e-5)
    assert finding.evidence["share of y_train out of range"] == pytest.approx(np.mean(y < 0))


@pytest.mark.parametrize(
    ("activation", "y"),
    [
        ("relu", RNG.poisson(2, 300)), ("sigmoid", RNG.random(300)), ("tanh", RNG.uniform(-1, 1, 300)),
        ("softplus", RNG.exponential(size=300)), ("relu", np.zeros(300)), (None, RNG.standard_cauchy(300)),
        ("relu", np.full(300, np.nan)), ("tanh", np.r_[RNG.uniform(-1, 1, 299), 1.01]),
    ],
)  # fmt: skip
def test_labels_within_reach(activation: str | None, y: np.ndarray) -> None:
    assert outcome([layers.Dense(1, activation=activation)], "mse", y).status is Status.PASSED


def test_the_share_out_of_reach_is_an_option() -> None:
    y = np.r_[RNG.uniform(-1, 1, 299), 1.5]
    tail = [layers.Dense(1, activation="tanh")]
    assert outcome(tail, "mse", y).status is Status.PASSED
    assert outcome([layers.Dense(1, activation="tanh")], "mse", y, options={"FIT003.floor": 1e-4}).findings


def test_labels_of_validation_out_of_reach_are_a_warning() -> None:
    y = RNG.uniform(-1, 1, 300)
    (finding,) = outcome([layers.Dense(1, activation="tanh")], "mse", y, validation_data=(X, y * 3)).findings
    assert (finding.level, finding.splits) == (Severity.WARNING, ("val",))


@pytest.mark.parametrize(
    ("loss", "activation", "severity"),
    [
        ("poisson", None, Severity.ERROR),
        ("poisson", "softplus", None),
        ("kl_divergence", "relu", Severity.ERROR),
        ("kl_divergence", "softmax", None),
        ("dice", None, Severity.ERROR),
        ("hinge", "sigmoid", Severity.WARNING),
        ("hinge", "tanh", None),
    ],
)
def test_other_losses(loss: str, activation: str | None, severity: Severity | None) -> None:
    y = np.eye(3)[RNG.integers(0, 3, 300)]
    found = outcome([layers.Dense(3, activation=activation)], loss, y)
    assert [finding.level for finding in found.findings] == ([] if severity is None else [severity])


def test_dropout_elsewhere_is_fine() -> None:
    tail = [layers.Dropout(0.5), layers.Dense(10, activation="softmax")]
    assert outcome(tail, "sparse_categorical_crossentropy", IDS).status is Status.PASSED


def test_says_what_it_cannot_read() -> None:
    found = outcome([layers.Dense(1, activation=lambda z: z)], "mse", X[:, 0])
    assert (found.status, found.reason) == (Status.SKIPPED, "the last activation is not one of Keras")
    found = outcome([layers.Dense(1)], lambda y, z: keras.ops.mean(z), X[:, 0])
    assert "nothing is known of the loss" in found.reason


def test_a_frozen_model_without_loss_is_found() -> None:
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    model.trainable = False
    report = audit_fit(model, X, X[:, 0], select="FIT003")
    assert report.errors[0].about == "weights"
