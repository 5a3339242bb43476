"""FIT002."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auditor import Severity, Status, audit_fit

keras = pytest.importorskip("keras")
layers = keras.layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5)).astype(np.float32)


def network(units: int, loss: Any, activation: str | None = None, optimizer: Any = "adam") -> Any:
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(units, activation=activation)]
    )
    model.compile(optimizer=optimizer, loss=loss)
    return model


def outcome(model: Any, y: Any, **arguments: Any) -> Any:
    return audit_fit(model, X[: len(y)], y, select="FIT002", **arguments)["FIT002"]


BCE, SCCE, CCE = "binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (1, 2), (0, 100)])
def test_two_classes_that_are_not_0_and_1(dtype: type, low: int, high: int) -> None:
    y = RNG.choice([low, high], 200).astype(dtype)
    (finding,) = outcome(network(1, BCE, "sigmoid"), y, validation_split=0.2).findings
    assert finding.level is Severity.ERROR
    assert finding.splits == ("train", "val")
    share = np.mean((y[:160] < 0) | (y[:160] > 1))
    assert finding.evidence["share of y_train"] == pytest.approx(share)
    assert len(finding.rows[0]) == round(share * 160)
    namespace = {"y": y.astype(np.float64), "np": np}
    exec(finding.fix.code, namespace)  # noqa: S102 - the code that users are told to paste
    assert set(np.unique(namespace["y"])) == {0.0, 1.0}


@pytest.mark.parametrize(
    "y",
    [
        RNG.integers(0, 2, 200),
        RNG.random(200),
        RNG.integers(0, 2, 200).astype(bool),
        np.zeros(200),
        np.ones((200, 1)),
    ],
)
def test_probabilities_fit(y: np.ndarray) -> None:
    assert outcome(network(1, BCE, "sigmoid"), y).status is Status.PASSED


def test_a_little_beyond_in_validation_is_a_warning() -> None:
    y, val = RNG.random(200), RNG.random(40)
    val[3] = 1.05
    (finding,) = outcome(network(1, BCE, "sigmoid"), y, validation_data=(X[:40], val)).findings
    assert finding.level is Severity.WARNING
    assert finding.rows[0].indices.tolist() == [3]


def test_rounding_is_no_fault() -> None:
    soft = RNG.dirichlet(np.ones(4), 200).astype(np.float16)
    assert outcome(network(4, CCE, "softmax"), soft).status is Status.PASSED
    assert outcome(network(1, BCE, "sigmoid"), np.full(200, 1 + 1e-6)).status is Status.PASSED


def test_rows_of_zeros_are_padding() -> None:
    y = np.eye(4)[RNG.integers(0, 4, 200)]
    y[::5] = 0
    assert outcome(network(4, CCE, "softmax"), y).status is Status.PASSED


def test_several_classes_a_row() -> None:
    y = (RNG.random((200, 1000)) < 0.002).astype(np.float32)
    y[:, 0] = 1
    (finding,) = outcome(network(1000, CCE, "softmax"), y).findings
    assert "sum to" in finding.message
    assert "sigmoid" in finding.fix.code


@pytest.mark.parametrize(
    ("loss", "y", "units", "found"),
    [
        (SCCE, RNG.integers(0, 3, 200) / 2, 3, "fractions"),
        (SCCE, RNG.integers(-1, 3, 200), 3, "negative"),
        (SCCE, RNG.integers(1, 4, 200), 3, "numbered from 1"),
        ("hinge", RNG.choice([0, 2], 200), 1, "0 and 2"),
        ("squared_hinge", RNG.choice([1, 2, 3], 200), 1, "1, 2 and 3"),
        ("poisson", RNG.normal(size=200), 1, "below 0"),
        ("msle", RNG.normal(size=200), 1, "below 0"),
        ("mape", RNG.integers(0, 5, 200), 1, "zeros"),
        ("kl_divergence", RNG.normal(size=(200, 3)), 3, "beyond"),
    ],
)  # fmt: skip
def test_values_that_a_loss_does_not_take(loss: str, y: np.ndarray, units: int, found: str) -> None:
    (finding,) = outcome(network(units, loss), y).findings
    assert finding.level is Severity.ERROR
    assert found in finding.message


@pytest.mark.parametrize(
    ("loss", "y", "units"),
    [
        ("hinge", RNG.choice([-1, 1], 200), 1), ("hinge", RNG.choice([0, 1], 200), 1), ("hinge", np.ones(200), 1),
        ("poisson", RNG.poisson(3, 200), 1), ("msle", RNG.random(200), 1), ("mape", RNG.random(200) + 1, 1),
        ("mse", RNG.standard_cauchy(200), 1), ("mae", np.zeros(200), 1), (SCCE, np.full(200, 2.0), 3),
        (SCCE, np.r_[np.arange(199) % 3, np.nan], 3), ("huber", np.full(200, np.inf), 1),
        ("cosine_similarity", RNG.normal(size=(200, 3)), 3),
    ],
)  # fmt: skip
def test_values_that_a_loss_takes(loss: str, y: np.ndarray, units: int) -> None:
    assert outcome(network(units, loss), y).status is Status.PASSED


def test_one_hot_and_class_numbers() -> None:
    ids = RNG.integers(0, 3, 200)
    (finding,) = outcome(
        network(3, SCCE, "softmax"), np.eye(3)[ids], validation_data=(X[:9], ids[:9])
    ).findings
    assert finding.splits == ("train",)
    assert "categorical_crossentropy" in finding.fix.code
    (finding,) = outcome(
        network(3, CCE, "softmax"), np.eye(3)[ids], validation_data=(X[:9], ids[:9])
    ).findings
    assert finding.splits == ("val",)
    assert "end of the first epoch" in finding.message


def test_the_name_crossentropy_is_resolved_as_keras_does() -> None:
    assert outcome(network(1, "crossentropy", "sigmoid"), RNG.choice([-1, 1], 200)).findings
    assert outcome(network(3, "crossentropy", "softmax"), RNG.integers(0, 3, 200)).status is Status.PASSED
    assert (
        outcome(network(3, "crossentropy", "softmax"), np.eye(3)[RNG.integers(0, 3, 200)]).status
        is Status.PASSED
    )


def far(epochs: int | None = 5, optimizer: Any = "adam", mean: float = 1e6, **arguments: Any) -> Any:
    y = (mean + RNG.normal(size=200)).astype(np.float32)
    return outcome(network(1, "mse", optimizer=optimizer), y, epochs=epochs, **arguments)


def test_a_target_out_of_reach() -> None:
    (finding,) = far().findings
    assert finding.evidence["steps"] == 35
    assert finding.evidence["furthest output within this fit"] < 1e3
    assert far(mean=-1e6).findings


@pytest.mark.parametrize(
    "settings", [{"epochs": None}, {"optimizer": "sgd"}, {"mean": 0.0}, {"mean": 3.0}, {"epochs": 10**6}]
)
def test_a_target_within_reach_or_no_bound(settings: dict[str, Any]) -> None:
    assert far(**settings).status is Status.PASSED


def test_a_bias_set_to_the_mean_is_near() -> None:
    model = network(1, "mse")
    model.layers[-1].bias.assign([1e6])
    y = (1e6 + RNG.normal(size=200)).astype(np.float32)
    assert outcome(model, y, epochs=5).status is Status.PASSED
