"""FIT006."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auditor import Severity, Status, audit, audit_fit

keras = pytest.importorskip("keras")
layers = keras.layers

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
Y = np.arange(40) % 3


def network(*, built: bool = True, **settings: str) -> keras.Model:
    start = [keras.Input((6,))] if built else []
    model = keras.Sequential([*start, layers.Dense(8, **settings), layers.Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def test_the_sum_is_what_evaluate_adds() -> None:
    model = network(kernel_regularizer="l2", bias_regularizer="l1")
    (finding,) = audit_fit(model, X, Y, select="FIT006").findings
    assert finding.level is Severity.INFO
    loss = keras.losses.SparseCategoricalCrossentropy()(Y, model.predict(X, verbose=0))
    added = model.evaluate(X, Y, verbose=0) - float(loss)
    assert finding.evidence["sum of the penalties now"] == pytest.approx(added, abs=1e-4)
    assert finding.evidence["cross-entropy of a guess"] == pytest.approx(math.log(3))
    assert finding.evidence["weights with a regularizer"] == 2


def test_before_the_model_is_built_there_is_no_value() -> None:
    (finding,) = audit_fit(network(built=False, kernel_regularizer="l2"), X, Y, select="FIT006").findings
    assert "not known before the model is built" in finding.message


def test_activity_regularizers_are_named() -> None:
    (finding,) = audit_fit(network(activity_regularizer="l2"), X, Y, select="FIT006").findings
    assert "activity" in finding.message


def test_none() -> None:
    assert audit_fit(network(), X, Y, select="FIT006")["FIT006"].status is Status.PASSED


def test_without_labels_and_without_fit() -> None:
    model = network(kernel_regularizer="l2")
    assert audit(X, model=model, select="FIT006").findings
    assert audit_fit(model, X, select="FIT006").findings


def test_penalties_of_frozen_layers_are_not_printed() -> None:
    model = network(kernel_regularizer="l2")
    model.layers[0].trainable = False
    assert audit_fit(model, X, Y, select="FIT006")["FIT006"].status is Status.PASSED
