"""DUP006."""

from __future__ import annotations

import numpy as np

from auditor import Severity, Status, audit


def test_share_and_largest_groups() -> None:
    train = np.random.default_rng(0).normal(size=(50, 4))
    train[[10, 20, 30]] = train[5]
    train[41] = train[40]
    (finding,) = audit(train, select="DUP006").findings
    assert finding.level is Severity.INFO
    assert finding.rows[0].indices.tolist() == [10, 20, 30, 41]
    assert finding.evidence["different rows"] == 46
    assert finding.evidence.examples == (
        (("first row", 5), ("stands", 4)),
        (("first row", 40), ("stands", 2)),
    )


def test_each_split_for_itself() -> None:
    X = np.random.default_rng(1).normal(size=(60, 4))
    report = audit(X[:40], X[[40, 41, 40]], X[50:], select="DUP006")
    assert [finding.splits for finding in report.findings] == [("val",)]
    assert report.ok


def test_copies_across_splits_are_not_its_business() -> None:
    X = np.random.default_rng(2).normal(size=(60, 4))
    assert audit(X, X[:20], select="DUP006")["DUP006"].status is Status.PASSED


def test_blank_rows_are_counted() -> None:
    X = np.random.default_rng(3).normal(size=(60, 4))
    X[::6] = 0
    assert audit(X, select="DUP006").findings[0].evidence["rows with one value in every feature"] == 10


def test_no_rows() -> None:
    assert audit(np.zeros((0, 3)), select="DUP006")["DUP006"].status is Status.PASSED
    assert audit(np.zeros((1, 3)), np.zeros((0, 3)), select="DUP006")["DUP006"].status is Status.PASSED
