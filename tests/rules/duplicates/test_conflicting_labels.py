"""DUP005."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit


def _audit(X: np.ndarray, y: np.ndarray, cut: int) -> Report:
    return audit(X[:cut], X[cut:], y_train=y[:cut], y_val=y[cut:], select="DUP005")


def _table(n: int = 200, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(n, d))
    return X, (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("text", [False, True])
def test_groups_rows_and_ceiling(text: bool) -> None:
    X, y = _table()
    X[[1, 2, 160]] = X[0]
    X[171] = X[170]
    y[[0, 1, 2, 160]] = [1, 1, 0, 1]
    y[[170, 171]] = [0, 1]
    labels = np.where(y, "yes", "no") if text else y
    (finding,) = _audit(X, labels, 150).findings
    assert finding.level is Severity.WARNING
    assert finding.splits == ("train", "val")
    assert [rows.indices.tolist() for rows in finding.rows] == [[0, 1, 2], [10, 20, 21]]
    assert finding.evidence["groups of equal rows with several labels"] == 2
    assert finding.evidence["rows in them"] == 6
    assert finding.evidence["the best accuracy any model can reach on these data"] == pytest.approx(
        1 - 2 / 200
    )
    first = dict(finding.evidence.examples[0])
    assert (first["row"], first["equal row"]) == ("train 2", "train 0")
    assert first["label"] != first["its label"]


def test_equal_rows_of_one_label_pass() -> None:
    X, y = _table()
    X[1:30], y[:30] = X[0], 1
    assert _audit(X, y, 150)["DUP005"].status is Status.PASSED


def test_few_common_values_are_worth_knowing_only() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.integers(0, 3, size=(400, 3)), rng.integers(0, 2, 400)
    (finding,) = _audit(X, y, 300).findings
    assert finding.level is Severity.INFO
    assert finding.evidence["the best accuracy any model can reach on these data"] < 0.7


def test_empty_images_are_worth_knowing_only() -> None:
    X, y = _table()
    X[10:14], y[10:14] = 0, [0, 1, 0, 1]
    (finding,) = _audit(X, y, 150).findings
    assert finding.level is Severity.INFO
    assert finding.evidence["groups of rows with one value in every feature"] == 1


def test_quantities_may_differ_honestly() -> None:
    X, _ = _table()
    y = np.random.default_rng(2).normal(size=200)
    X[1], y[:2] = X[0], [1.0, 3.0]
    (finding,) = _audit(X, y, 150).findings
    assert finding.level is Severity.INFO
    total = ((y - y.mean()) ** 2).sum()
    assert finding.evidence["the best R2 any model can reach on these data"] == pytest.approx(1 - 2 / total)


@pytest.mark.parametrize("labels", [np.array([[1, 1], [0, 1]]), np.eye(2, dtype=int)])
def test_labels_of_several_columns(labels: np.ndarray) -> None:
    X, _ = _table()
    y = labels[np.arange(200) % 2]
    X[1] = X[0]
    (finding,) = _audit(X, y, 150).findings
    assert finding.rows[0].indices.tolist() == [0, 1]


def test_missing_labels_are_no_conflict() -> None:
    X, _ = _table()
    y = (np.arange(200) % 2).astype(float)
    X[1], y[1] = X[0], np.nan
    assert _audit(X, y, 150)["DUP005"].status is Status.PASSED


def test_train_alone_is_judged() -> None:
    X, y = _table()
    X[1], y[:2] = X[0], [0, 1]
    (finding,) = audit(X, y_train=y, select="DUP005").findings
    assert finding.splits == ("train",)


def test_labels_of_one_split_only() -> None:
    X, y = _table()
    X[1], y[:2] = X[0], [0, 1]
    (finding,) = audit(X[:150], X[150:], y_train=y[:150], select="DUP005").findings
    assert finding.evidence["share of labelled rows"] == pytest.approx(2 / 150)
