"""PRE008."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditor import Severity, Status, audit

X = np.random.default_rng(0).normal(size=(60, 3))


def run(preprocess, rows=X):
    return audit(rows[:40], rows[40:], preprocess=preprocess, select="PRE008")["PRE008"]


def test_what_was_raised_and_where() -> None:
    def picky(rows):
        if len(rows) < 30:
            raise ValueError("fewer than 30 rows\nand more to say")
        return rows

    (finding,) = run(picky).findings
    assert finding.splits == ("val",)
    assert finding.level is Severity.ERROR
    assert finding.message == "picky raised on X_val: ValueError: fewer than 30 rows."
    assert "picky" in dict(finding.evidence.examples[-1])["raised at"]


def test_the_same_failure_on_every_split_is_one_finding() -> None:
    (finding,) = run(lambda rows: (rows, rows[:, 0])).findings
    assert finding.splits == ("val", "train")
    assert "tuple of 2 arrays" in finding.message


def test_unknown_categories_and_missing_fits_get_their_fix() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    codes = np.arange(60).reshape(60, 1)
    (finding,) = run(preprocessing.OneHotEncoder().fit(codes[:40]), codes).findings
    assert 'handle_unknown="ignore"' in finding.fix.code
    (finding,) = run(preprocessing.StandardScaler()).findings
    assert ".fit(X_train)" in finding.fix.code


def test_another_shape_than_train_s() -> None:
    frame = pd.DataFrame({"c": ["a", "b", "c", "d"] * 15})
    frame.loc[40:, "c"] = "a"
    (finding,) = run(lambda rows: pd.get_dummies(rows).astype(float), frame).findings
    assert finding.splits == ("val", "train")
    assert finding.evidence["features of a val row"] == 1
    assert "OneHotEncoder" in finding.fix.code


def test_what_a_model_may_still_take_is_a_warning() -> None:
    (finding,) = run(lambda rows: rows.astype(str)).findings
    assert finding.level is Severity.WARNING
    assert "text" in finding.message


@pytest.mark.parametrize(
    "preprocess", [np.exp, lambda rows: rows.tolist(), lambda rows: rows[:, 0], pd.DataFrame]
)
def test_rows_of_one_shape_pass(preprocess) -> None:
    if isinstance(preprocess, type):
        preprocess = lambda rows: pd.DataFrame(rows)  # noqa: E731, PLW0108
    assert run(preprocess).status is Status.PASSED


def test_an_empty_split_is_not_tried_against_the_callable() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    scaler = preprocessing.StandardScaler().fit(X)
    assert audit(X, X[:0], preprocess=scaler, select="PRE008")["PRE008"].status is Status.PASSED
