"""FIT001."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auditor import Severity, Status, audit, audit_fit

keras = pytest.importorskip("keras")
layers = keras.layers

X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)


def network(units: int, loss: Any, activation: str | None = None, **settings: Any) -> Any:
    model = keras.Sequential([keras.Input((5,)), layers.Dense(units, activation=activation)])
    model.compile(optimizer="adam", loss=loss, **settings)
    return model


def outcome(model: Any, y: Any, **arguments: Any) -> Any:
    return audit_fit(model, X[: len(y)], y, select="FIT001", **arguments)["FIT001"]


@pytest.mark.parametrize("units", [2, 10, 64])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh", "mape", "msle"])
def test_labels_stretched_over_units(units: int, loss: str) -> None:
    (finding,) = outcome(network(units, loss), np.abs(X[:, :1]), validation_split=0.2).findings
    assert finding.level is Severity.ERROR
    assert finding.splits == ("train", "val")
    assert finding.evidence["units of the output"] == units
    assert finding.evidence["columns of y"] == 1
    assert "without a word" in finding.message


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8])
def test_any_type_of_label(dtype: type) -> None:
    assert outcome(network(1, "mse"), np.ones(60, dtype=dtype)).status is Status.PASSED
    assert outcome(network(3, "mse"), np.ones(60, dtype=dtype)).findings


def test_only_the_split_that_differs_is_named() -> None:
    (finding,) = outcome(network(3, "mse"), X[:, :3], validation_data=(X[:9], X[:9, :1])).findings
    assert finding.splits == ("val",)


def test_classes_beyond_the_units() -> None:
    y = np.arange(60) % 5
    (finding,) = outcome(network(4, "sparse_categorical_crossentropy", "softmax"), y).findings
    assert finding.evidence["highest class number"] == 4
    assert finding.evidence["share of labels beyond the units"] == pytest.approx(0.2)
    assert "Dense(5" in finding.fix.code


def test_spare_units_are_a_note() -> None:
    (finding,) = outcome(network(9, "sparse_categorical_crossentropy", "softmax"), np.arange(60) % 5).findings
    assert finding.level is Severity.INFO


def test_an_ignored_class_is_none() -> None:
    y = np.arange(60) % 4
    y[::7] = 255
    ignoring = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    assert outcome(network(4, ignoring, "softmax"), y).status is Status.PASSED
    assert outcome(network(4, "sparse_categorical_crossentropy", "softmax"), y).findings


def test_sequences_and_masks() -> None:
    words = np.random.default_rng(0).integers(0, 9, size=(40, 6))
    model = keras.Sequential(
        [keras.Input((6,)), layers.Embedding(9, 4), layers.Dense(9, activation="softmax")]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    for y in (words, words[..., None]):
        assert audit_fit(model, words, y, select="FIT001")["FIT001"].status is Status.PASSED
    assert audit_fit(model, words, words[:, 0], select="FIT001").errors


def test_an_open_length_fits_any() -> None:
    x = keras.Input((None, 3))
    model = keras.Model(x, layers.Dense(2)(x))
    model.compile(optimizer="adam", loss="mse")
    rows = np.zeros((8, 11, 3), dtype=np.float32)
    assert audit_fit(model, rows, rows[..., :2], select="FIT001")["FIT001"].status is Status.PASSED


def test_outputs_that_have_no_labels() -> None:
    x = keras.Input((5,))
    model = keras.Model(x, {"a": layers.Dense(1, name="a")(x), "b": layers.Dense(1, name="b")(x)})
    model.compile(optimizer="adam", loss={"a": "mse", "b": "mse"})
    report = audit_fit(model, X, {"a": X[:, 0], "c": X[:, 1]}, select="FIT001")
    assert "nothing is given for 'b'" in report.errors[0].message
    assert audit_fit(model, X, X[:, 0], select="FIT001").errors
    assert not audit_fit(model, X, {"a": X[:, 0], "b": X[:, 1]}, select="FIT001").findings


def test_an_output_without_loss_needs_no_labels() -> None:
    x = keras.Input((5,))
    model = keras.Model(x, [layers.Dense(1)(x), layers.Dense(7)(x)])
    model.compile(optimizer="adam", loss=["mse", None])
    assert audit_fit(model, X, X[:, 0], select="FIT001")["FIT001"].status is Status.PASSED


@pytest.mark.parametrize(
    ("loss", "reason"),
    [(lambda y, z: keras.ops.mean(z - y), "nothing is known of the loss"), (None, "without a loss")],
)
def test_says_what_it_cannot_judge(loss: Any, reason: str) -> None:
    found = outcome(network(3, loss), X[:, 0])
    assert found.status is Status.SKIPPED
    assert reason in found.reason


def test_some_outputs_known_and_some_not() -> None:
    x = keras.Input((5,))
    model = keras.Model(x, [layers.Dense(1)(x), layers.Dense(7)(x)])
    model.compile(optimizer="adam", loss=["mse", lambda y, z: keras.ops.mean(z)])
    found = audit_fit(model, X, [X[:, 0], X[:, 0]], select="FIT001")["FIT001"]
    assert found.status is Status.PASSED
    assert (found.coverage[0].examined, found.coverage[0].of) == (1, 2)


def test_empty_splits_and_few_rows() -> None:
    model = network(1, "mse")
    for n in (1, 2, 3):
        report = audit(X[:n], X[:0], y_train=X[:n, 0], y_val=X[:0, 0], model=model, select="FIT001")
        assert report["FIT001"].status is Status.PASSED
