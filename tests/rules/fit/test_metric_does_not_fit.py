"""FIT008."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auditor import Severity, Status, audit_fit

keras = pytest.importorskip("keras")
layers = keras.layers
metrics = keras.metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
YES = RNG.integers(0, 2, 300)
IDS = RNG.integers(0, 10, 300)
LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


def outcome(
    units: int, activation: str | None, loss: Any, y: np.ndarray, measured: list[Any], **arguments: Any
) -> Any:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, activation=activation)])
    model.compile(optimizer="adam", loss=loss, metrics=measured)
    return audit_fit(model, X, y, select="FIT008", **arguments)["FIT008"]


BCE, SCCE, CCE = "binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"


def test_columns_of_one_hot_rows() -> None:
    (finding,) = outcome(10, "softmax", BCE, np.eye(10)[IDS], ["binary_accuracy"]).findings
    assert finding.level is Severity.WARNING
    assert finding.evidence["score of a constant guess"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("units", "activation", "loss", "y", "metric"),
    [
        (10, "softmax", BCE, np.eye(10)[IDS], "accuracy"),
        (10, "softmax", CCE, np.eye(10)[IDS], "acc"),
        (10, "softmax", SCCE, IDS, "accuracy"),
        (10, "softmax", SCCE, IDS[:, None], "sparse_categorical_accuracy"),
        (2, "softmax", CCE, np.eye(2)[YES], "binary_accuracy"),
        (2, "softmax", CCE, np.eye(2)[YES], "Precision"),
        (5, "sigmoid", BCE, RNG.integers(0, 2, (300, 5)), "binary_accuracy"),
        (1, "sigmoid", BCE, YES, "AUC"),
        (1, "sigmoid", BCE, YES.astype(bool), "accuracy"),
        (1, None, "mse", RNG.normal(size=300), "mae"),
        (1, None, LOGITS, YES, "BinaryCrossentropy"),
    ],
)
def test_metrics_that_fit(units: int, activation: str | None, loss: Any, y: np.ndarray, metric: str) -> None:
    assert outcome(units, activation, loss, y, [metric]).status is Status.PASSED


@pytest.mark.parametrize(
    ("metric", "read"),
    [
        ("accuracy", False),
        ("binary_accuracy", False),
        (metrics.BinaryAccuracy(threshold=0.0), True),
        (metrics.BinaryAccuracy(threshold=0.5), False),
        (metrics.AUC(), False),
        (metrics.AUC(from_logits=True), True),
        (metrics.Precision(), False),
        (metrics.Precision(thresholds=0), True),
    ],
)
def test_thresholds_on_logits(metric: Any, read: bool) -> None:
    found = outcome(1, None, LOGITS, YES, [metric])
    assert [finding.level for finding in found.findings] == ([] if read else [Severity.WARNING])


def test_a_threshold_of_logits_on_probabilities() -> None:
    assert outcome(1, "sigmoid", BCE, YES, [metrics.BinaryAccuracy(threshold=0.0)]).findings


def test_labels_that_accuracy_does_not_know() -> None:
    (finding,) = outcome(1, "tanh", "hinge", 2 * YES - 1, ["accuracy"]).findings
    assert "compares labels with 0 and 1" in finding.message
    (finding,) = outcome(1, None, "mse", RNG.normal(size=300), ["accuracy"]).findings
    assert "quantities" in finding.message
    (finding,) = outcome(1, "sigmoid", BCE, YES, [metrics.Accuracy()]).findings
    assert "exactly" in finding.message


def test_class_numbers_and_columns() -> None:
    (finding,) = outcome(10, "softmax", SCCE, IDS, ["categorical_accuracy"]).findings
    assert (finding.level, finding.evidence["read as"]) == (Severity.WARNING, "categorical_accuracy")
    (finding,) = outcome(10, "softmax", CCE, np.eye(10)[IDS], ["sparse_categorical_accuracy"]).findings
    assert finding.level is Severity.ERROR
    (finding,) = outcome(10, "softmax", SCCE, IDS, [metrics.Precision()]).findings
    assert finding.level is Severity.ERROR


def test_a_class_that_is_almost_all() -> None:
    y = (np.arange(300) < 6).astype(int)
    (finding,) = outcome(1, "sigmoid", BCE, y, ["accuracy"]).findings
    assert (finding.level, finding.evidence["score of a constant guess"]) == (
        Severity.INFO,
        pytest.approx(0.98),
    )


def wait(monitor: str, callback: str = "EarlyStopping", **arguments: Any) -> Any:
    mode = arguments.pop("mode", "auto")
    made = getattr(keras.callbacks, callback)(
        **({"filepath": "best.keras"} if callback == "ModelCheckpoint" else {}), monitor=monitor, mode=mode
    )
    return outcome(
        1, "sigmoid", BCE, YES, ["accuracy", metrics.AUC(name="area")], callbacks=[made], **arguments
    )


@pytest.mark.parametrize("monitor", ["val_loss", "loss", "val_accuracy", "accuracy", "val_area"])
def test_names_that_are_printed(monitor: str) -> None:
    assert wait(monitor, validation_split=0.2).status is Status.PASSED


@pytest.mark.parametrize("callback", ["EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint"])
def test_names_that_nobody_prints(callback: str) -> None:
    (finding,) = wait("val_acc", callback, validation_split=0.2).findings
    assert finding.level is Severity.ERROR
    assert "val_accuracy" in finding.fix.code
    (finding,) = wait("val_acc", callback, mode="max", validation_split=0.2).findings
    assert finding.level is Severity.WARNING
    (finding,) = wait("val_loss", callback).findings
    assert finding.level is Severity.WARNING


def test_names_of_several_outputs() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, {"a": layers.Dense(1, name="a")(x), "b": layers.Dense(1, name="b")(x)})
    model.compile(optimizer="adam", loss={"a": "mse", "b": "mse"}, metrics={"a": ["mae"]})
    y = {"a": X[:, 0], "b": X[:, 1]}
    for monitor, status in (
        ("val_a_mae", Status.PASSED),
        ("val_b_loss", Status.PASSED),
        ("val_mae", Status.FAILED),
    ):
        stop = keras.callbacks.EarlyStopping(monitor=monitor, mode="min")
        report = audit_fit(model, X, y, validation_split=0.2, callbacks=[stop], select="FIT008")
        assert report["FIT008"].status is status, monitor
