"""PRE007."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditor import Severity, Status, audit

X = np.random.default_rng(0).normal(size=(120, 3))
Y = np.arange(120) % 2


def run(preprocess, rows=X, **given):
    return audit(rows[:80], rows[80:], preprocess=preprocess, select="PRE007", **given)["PRE007"]


def test_dropped_rows_are_counted_in_each_split() -> None:
    train, val = run(lambda rows: rows[rows[:, 0] < 0]).findings
    assert train.evidence["rows that went in"] == 80
    assert train.evidence["rows that came out"] == int((X[:80, 0] < 0).sum())
    assert (train.splits, val.splits) == (("train",), ("val",))
    assert train.level is Severity.ERROR


def test_dropped_rows_with_missing_values_are_named() -> None:
    rows = X.copy()
    rows[[2, 5, 90], 1] = np.nan
    train, val = run(lambda batch: batch[~np.isnan(batch).any(axis=1)], rows).findings
    assert train.rows[0].indices.tolist() == [2, 5]
    assert val.rows[0].indices.tolist() == [10]
    assert train.fix.drop == train.rows
    assert "missing values" in train.message


def test_labels_of_a_frame_name_the_rows() -> None:
    frame = pd.DataFrame(X, columns=list("abc"))
    train, _ = run(lambda rows: rows[rows["a"] < 1], frame).findings
    assert train.rows[0].indices.tolist() == np.flatnonzero(X[:80, 0] >= 1).tolist()
    train, val = run(lambda rows: rows.sort_values("b"), frame).findings
    assert "another order" in train.message
    assert val.evidence["share of rows that stand elsewhere"] > 0.5
    assert run(lambda rows: rows * 2, frame).status is Status.PASSED


def test_added_rows() -> None:
    train, _ = run(lambda rows: np.concatenate([rows, rows[:5]])).findings
    assert "adds 5 rows to the 80 rows" in train.message
    assert train.rows == ()


@pytest.mark.parametrize(
    "preprocess",
    [
        lambda rows: rows[::-1],
        lambda rows: np.exp(rows[rows[:, 1].argsort()]),
        lambda rows: rows[np.random.permutation(len(rows))],  # noqa: NPY002
        lambda rows: np.random.default_rng().permutation(rows * 3),
    ],
)
def test_rows_are_followed_through_any_map(preprocess) -> None:
    (finding,) = run(preprocess).findings
    assert finding.splits == ("val", "train")
    assert "came back as row" in finding.message


@pytest.mark.parametrize(
    "preprocess",
    [
        np.exp,
        lambda rows: rows - rows.mean(axis=0),
        lambda rows: np.cumsum(rows, axis=0),
        lambda rows: rows + np.random.normal(size=rows.shape),  # noqa: NPY002
        lambda rows: rows > 0,
        lambda rows: np.zeros((len(rows), 1)),
        lambda rows: rows[:, ::-1],
    ],
)
def test_rows_that_keep_their_place_pass(preprocess) -> None:
    assert run(preprocess).status is Status.PASSED


def test_train_rows_dropped_with_their_labels_are_a_warning() -> None:
    rows = X.copy()
    rows[[2, 5], 1] = np.nan
    kept = np.delete(rows, [2, 5], axis=0)

    def clean(batch):
        return batch[~np.isnan(batch).any(axis=1)]

    report = audit(
        kept[:78], kept[78:],
        y_train=np.zeros(78), y_val=np.zeros(40), raw_train=rows[:80], raw_val=rows[80:],
        preprocess=clean, select="PRE007",
    )  # fmt: skip
    (finding,) = report.findings
    assert finding.level is Severity.WARNING


def test_labels_do_not_mend_a_loss_of_evaluation_rows() -> None:
    found = run(lambda rows: rows[rows[:, 0] < 1], y_train=Y[:80], y_val=Y[80:])
    assert {finding.level for finding in found.findings} == {Severity.ERROR}
    assert "y_train then belongs to other rows" in found.findings[0].message


def test_a_callable_that_fails_is_left_to_its_rule() -> None:
    assert run(lambda rows: None).status is Status.SKIPPED
