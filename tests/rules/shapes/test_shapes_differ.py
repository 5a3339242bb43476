"""SHP001."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Status, audit

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize(
    ("here", "said", "code"),
    [
        ((784,), "flattened or reshaped", "reshape(-1, 28, 28)"),
        ((28, 28, 1), "an axis of length 1", "reshape(-1, 28, 28)"),
        ((1, 28, 28), "an axis of length 1", "reshape(-1, 28, 28)"),
        ((27, 28), "756 features against 784", "preprocess"),
        ((28, 28, 3), "2,352 features against 784", "preprocess"),
        ((), "1 features against 784", "preprocess"),
    ],
)
def test_shapes(here: tuple[int, ...], said: str, code: str) -> None:
    report = audit(np.zeros((40, 28, 28)), np.zeros((9, *here)), select="SHP")
    (finding,) = report["SHP001"].findings
    assert said in finding.message
    assert code in finding.fix.code
    assert finding.splits == ("val", "train")
    assert report["SHP006"].findings == ()
    assert not report.crashed


def test_every_evaluation_split_is_judged() -> None:
    report = audit(np.zeros((9, 4)), np.zeros((9, 3)), np.zeros((9, 4, 1)), select="SHP001")
    assert [f.splits[0] for f in report.errors] == ["val", "test"]
    assert report.errors[1].fix.code == "X_test = X_test.reshape(-1, 4)"
    assert (
        audit(np.zeros(9), np.zeros((9, 1)), select="SHP001").errors[0].fix.code
        == "X_val = X_val.reshape(-1)"
    )


def test_a_transposed_table_is_recognised() -> None:
    (finding,) = audit(np.zeros((90, 5)), np.zeros((5, 20)), select="SHP001").errors
    assert finding.fix.code == "X_val = X_val.T"


def test_exchanged_axes_are_left_to_their_rule() -> None:
    report = audit(np.zeros((9, 3, 8, 8)), np.zeros((9, 8, 8, 3)), select="SHP")
    assert report["SHP001"].status is Status.PASSED
    assert report["SHP006"].findings


def test_equal_shapes_and_empty_splits_pass() -> None:
    for shape in ((), (3,), (2, 3), (2, 3, 4), (1, 2, 3, 4)):
        assert audit(np.zeros((5, *shape)), np.zeros((0, *shape)), [], select="SHP001").ok
    assert audit(np.zeros((5, 3)), select="SHP001")["SHP001"].status is Status.SKIPPED
    assert audit(np.zeros((5, 3)), np.zeros((0, 4)), select="SHP001").errors


def test_what_the_preprocessing_returns_is_judged() -> None:
    X = np.zeros((9, 4, 2))
    assert audit(X, X.reshape(9, 8), preprocess=lambda rows: rows.reshape(len(rows), -1), select="SHP001").ok
    steps = {"train": lambda rows: rows, "val": lambda rows: rows[:, :3]}
    assert audit(X, X, preprocess=steps, select="SHP001").errors


def test_columns_of_frames() -> None:
    train = pd.DataFrame(np.zeros((9, 3)), columns=["age", "income", "city_Rome"])
    assert audit(train, train.rename(columns=str.upper), select="SHP001").ok
    (finding,) = audit(train, train[["income", "age", "city_Rome"]], select="SHP001").errors
    assert "another order" in finding.message
    assert finding.columns == (0, 1)
    assert finding.fix.code == "X_val = X_val[X_train.columns]"
    (finding,) = audit(train, train.rename(columns={"city_Rome": "city_Bonn"}), select="SHP001").errors
    assert "lacks 'city_Rome' and has 'city_Bonn', which train has not" in finding.message
    (finding,) = audit(train, train[["age", "income"]], select="SHP001").errors
    assert "lacks 'city_Rome'" in finding.message
    assert "reindex" in finding.fix.code


def test_frames_without_names_and_arrays_pass() -> None:
    train = pd.DataFrame(np.zeros((9, 2)), columns=["age", "income"])
    assert audit(train, pd.DataFrame(np.zeros((9, 2))), select="SHP001").ok
    assert audit(train, np.zeros((9, 2)), select="SHP001").ok
