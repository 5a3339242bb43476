"""LBL001."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Status, audit

X = np.random.default_rng(0).normal(size=(60, 3))


def test_lengths_are_counted_and_other_rules_skip() -> None:
    report = audit(X[:40], X[40:], y_train=np.arange(43) % 2, y_val=np.arange(20) % 2)
    (finding,) = report["LBL001"].findings
    assert finding.splits == ("train",)
    assert finding.evidence["rows of X_train"] == 40
    assert finding.evidence["rows of y_train"] == 43
    assert "3 more labels than rows" in finding.message
    assert report["LBL005"].status is Status.SKIPPED
    assert "LBL001" in report["LBL005"].reason
    assert not report.crashed


def test_every_split_is_judged() -> None:
    report = audit(X[:40], X[40:50], X[50:], y_train=np.zeros(40), y_val=np.zeros(9), y_test=np.zeros(11))
    assert [f.splits for f in report["LBL001"].findings] == [("val",), ("test",)]


def test_labels_of_another_split_are_recognised() -> None:
    report = audit(X[:40], X[40:55], X[55:], y_train=np.zeros(40), y_val=np.zeros(5), select="LBL001")
    (finding,) = report.errors
    assert "X_test has exactly 5 rows" in finding.message


def test_exchanged_axes_are_recognised() -> None:
    (finding,) = audit(X[:40], y_train=np.eye(3)[:, np.arange(40) % 3], select="LBL001").errors
    assert finding.fix.code == "y_train = y_train.T"


@pytest.mark.parametrize("y", [np.zeros(40), np.zeros((40, 1)), np.zeros((40, 3, 2)), ["a"] * 40])
def test_equal_lengths_pass(y: object) -> None:
    assert audit(X[:40], X[40:], y_train=y, select="LBL001")["LBL001"].status is Status.PASSED


def test_no_labels_and_empty_splits() -> None:
    assert audit(X, select="LBL001")["LBL001"].status is Status.SKIPPED
    report = audit(X, X[:0], y_train=np.zeros(60), y_val=[], select="LBL001")
    assert report["LBL001"].status is Status.PASSED
    (finding,) = audit(X, X[:0], y_train=np.zeros(60), y_val=[1], select="LBL001").errors
    assert finding.splits == ("val",)
