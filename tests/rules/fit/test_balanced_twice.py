"""FIT005."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auditor import Severity, Status, audit_fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 4)).astype(np.float32)
Y = (np.arange(600) % 10 == 0).astype(np.int64)


def outcome(y: Any = Y, x: Any = None, **arguments: Any) -> Any:
    """Audit without a model: this rule looks at rows, labels and weights alone."""
    return audit_fit(object(), X[: len(y)] if x is None else x, y, select="FIT005", **arguments)["FIT005"]


def upsampled() -> tuple[np.ndarray, np.ndarray]:
    order = RNG.permutation(np.concatenate([np.arange(600), RNG.choice(np.flatnonzero(Y), 480)]))
    return X[order], Y[order]


def test_weights_on_top_of_repeats() -> None:
    x, y = upsampled()
    (finding,) = outcome(y, x, class_weight={0: 0.55, 1: 5.0}, validation_split=0.2).findings
    assert (finding.level, finding.classes) == (Severity.WARNING, (1,))
    assert finding.evidence["weight over that of the other classes"] == pytest.approx(5.0 / 0.55)
    assert finding.evidence["share of the loss on class 1"] > 0.85


def test_weights_on_rows_as_they_are() -> None:
    balanced = {0: 600 / 2 / 540, 1: 600 / 2 / 60}
    assert outcome(class_weight=balanced).status is Status.PASSED


def test_equal_counts_with_a_natural_validation_set() -> None:
    y = np.arange(600) % 2
    (finding,) = outcome(y, class_weight={0: 0.6, 1: 4.0}, validation_data=(X, Y)).findings
    assert finding.level is Severity.WARNING
    assert "in val class 1 is 10%" in finding.message


def test_equal_counts_alone_are_a_note() -> None:
    (finding,) = outcome(np.arange(600) % 2, class_weight={0: 1.0, 1: 1.5}).findings
    assert finding.level is Severity.INFO


def test_repeats_of_every_class_are_nature() -> None:
    order = RNG.integers(0, 600, 1200)
    found = outcome(Y[order], X[order], class_weight={0: 0.55, 1: 5.0})
    assert found.status is Status.PASSED


def test_the_same_weight_for_all() -> None:
    (finding,) = outcome(class_weight={0: 2.0, 1: 2.0}).findings
    assert (finding.level, finding.evidence["mean weight of a row"]) == (Severity.INFO, 2.0)
    assert outcome(class_weight={0: 1.0, 1: 1.0}).status is Status.PASSED


def test_weights_that_do_not_average_one_are_a_note() -> None:
    (finding,) = outcome(class_weight={0: 1.0, 1: 30.0}).findings
    assert finding.level is Severity.INFO
    assert finding.evidence["mean weight of a row"] == pytest.approx(0.9 + 3.0)


@pytest.mark.parametrize(
    "y",
    [Y, Y[:, None], np.eye(2)[Y], Y.astype(np.float32), Y.astype(bool)],
    ids=["(n,)", "(n, 1)", "one-hot", "float", "bool"],
)
def test_classes_are_numbered_as_keras_numbers_them(y: np.ndarray) -> None:
    (finding,) = outcome(y, class_weight={0: 1.0, 1: 30.0}).findings
    assert finding.evidence["mean weight of a row"] == pytest.approx(3.9)


def test_weights_are_those_of_keras() -> None:
    utils = pytest.importorskip("keras.src.trainers.data_adapters.data_adapter_utils")
    from auditor.measures.weighting import class_weights

    y = RNG.integers(0, 4, 200)
    given = {0: 0.5, 2: 3.0}
    theirs = utils.class_weight_to_sample_weights(y, given)
    assert class_weights(y, given).mean == pytest.approx(float(np.mean(theirs)))


@pytest.mark.parametrize("keys", [{"0": 1.0, "1": 5.0}, {7: 2.0}])
def test_keys_that_no_label_has(keys: dict[Any, float]) -> None:
    (finding,) = outcome(class_weight=keys).findings
    assert finding.level is Severity.ERROR
    assert "every row weighs 1" in finding.message


def test_a_class_without_key_weighs_one() -> None:
    assert outcome(class_weight={np.int64(1): 1.5}).status is Status.PASSED


@pytest.mark.parametrize(
    "arguments",
    [{"class_weight": {0: 1.0}, "sample_weight": np.ones(600)}, {"class_weight": {0: 1.0}, "y": [Y, Y]}],
)
def test_what_keras_refuses(arguments: dict[str, Any]) -> None:
    y = arguments.pop("y", Y)
    (finding,) = outcome(y, X, **arguments).findings
    assert finding.level is Severity.ERROR
    assert "will fail" in finding.message


@pytest.mark.parametrize("wrong", [np.nan, -1.0, np.inf])
def test_weights_of_rows_that_cannot_be_meant(wrong: float) -> None:
    weights = np.ones(600)
    weights[5] = wrong
    (finding,) = outcome(sample_weight=weights).findings
    assert (finding.level, finding.evidence["unusable weights"]) == (Severity.ERROR, 1)


def test_weights_of_rows() -> None:
    assert outcome(sample_weight=np.ones(600)).status is Status.PASSED
    assert outcome(sample_weight=np.zeros(600)).findings[0].level is Severity.ERROR
    (finding,) = outcome(sample_weight=np.full(600, 3.0), validation_split=0.2).findings
    assert "val_loss is weighted too" in finding.message
    (finding,) = outcome(sample_weight=np.full(600, 3.0), validation_data=(X, Y)).findings
    assert "val_loss is not weighted" in finding.message


def test_no_weights_nothing_said() -> None:
    assert outcome().reason == "no weights given"


def test_labels_that_are_no_classes() -> None:
    assert outcome(RNG.normal(size=600), class_weight={0: 2.0}).status in {Status.PASSED, Status.FAILED}
    assert outcome(Y.astype(str), class_weight={0: 2.0}).status is Status.PASSED
