"""PRE004."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditor import Severity, Status, audit

X = np.random.default_rng(0).normal(size=(60, 3))


def run(preprocess, rows=X):
    return audit(rows[:40], rows[40:], preprocess=preprocess, select="PRE004")["PRE004"]


def test_rows_written_to_are_counted_and_shown() -> None:
    rows = X.copy()
    rows[[3, 50], 1] = np.nan

    def fill(batch):
        batch[np.isnan(batch)] = 0.5
        return batch

    (finding,) = run(fill, rows).findings
    assert finding.level is Severity.WARNING
    assert finding.splits == ("val", "train")
    assert [part.indices.tolist() for part in finding.rows] == [[3], [10]]
    assert dict(finding.evidence.examples[0]) == {
        "split": "train", "row": 3, "column": "column 1", "before": "nan", "after": "0.5"
    }  # fmt: skip
    assert np.isnan(rows[3, 1])


def test_frames() -> None:
    frame = pd.DataFrame(X, columns=list("abc"))

    def add(rows):
        rows["d"] = rows["a"] / rows["b"]
        return rows

    (finding,) = run(add, frame).findings
    assert "adds the column 'd'" in finding.message
    assert list(frame.columns) == list("abc")
    assert run(lambda rows: rows.assign(d=1), frame).status is Status.PASSED


def test_one_finding_for_each_callable() -> None:
    def double(rows):
        rows *= 2
        return rows

    found = run({"train": lambda rows: rows * 2, "val": double})
    assert [finding.splits for finding in found.findings] == [("val",)]


@pytest.mark.parametrize("preprocess", [np.log1p, lambda rows: rows, lambda rows: rows.copy(), np.sort])
def test_what_only_reads_passes(preprocess) -> None:
    assert run(preprocess, np.abs(X)).status is Status.PASSED


def test_an_estimator_that_does_not_copy() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    assert run(preprocessing.StandardScaler(copy=False).fit(X[:40])).status is Status.FAILED
    assert run(preprocessing.StandardScaler().fit(X[:40])).status is Status.PASSED


def test_a_write_before_an_error_is_left_to_the_error_s_rule() -> None:
    def fail(rows):
        rows[:] = 0
        raise ValueError

    assert run(fail).status is Status.SKIPPED
