"""PRE001."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit

pytest.importorskip("sklearn")

from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

X = np.random.default_rng(0).lognormal(size=(300, 5))
Y = np.random.default_rng(1).integers(0, 2, 300)
SPLITS = {"X_train": X[:180], "X_val": X[180:240], "X_test": X[240:]}
MEAN = X[:180].mean(axis=0)
LABELS = {"y_train": Y[:180], "y_val": Y[180:240], "y_test": Y[240:]}


def outcome(preprocess, **given):
    return audit(**(SPLITS | given), preprocess=preprocess, select="PRE001")["PRE001"]


def test_a_scaler_fitted_on_everything_that_moves_values_is_an_error() -> None:
    (finding,) = outcome(StandardScaler().fit(X)).findings
    assert finding.level is Severity.ERROR
    assert finding.splits == ("val", "test", "train")
    assert finding.evidence["saw labels"] is False
    assert finding.evidence["largest movement against a fit on train"] > 0.1
    assert "train + val + test (300 rows)" in finding.message
    assert "fit(X_train)" in finding.fix.code


def test_one_that_hardly_moves_them_is_a_warning() -> None:
    rows = np.random.default_rng(2).normal(size=(12_000, 2))
    splits = {"X_train": rows[:10_000], "X_val": rows[10_000:], "X_test": None}
    (finding,) = outcome(StandardScaler().fit(rows), **splits).findings
    assert finding.level is Severity.WARNING
    assert finding.splits == ("val", "train")
    moved = finding.evidence["largest movement against a fit on train"]
    assert 0 < moved < 0.1
    scaler = StandardScaler().fit(rows)
    report = audit(
        rows[:10_000], rows[10_000:], preprocess=scaler, select="PRE001", options={"PRE001.harm": moved / 2}
    )
    assert report.errors


def test_a_step_that_saw_labels_is_an_error() -> None:
    selector = SelectKBest(f_classif, k=2).fit(X, Y)
    (finding,) = outcome(selector, **LABELS).findings
    assert finding.level is Severity.ERROR
    assert finding.evidence["saw labels"] is True
    assert ", y_train)" in finding.fix.code


def test_objects_fitted_on_the_same_rows_are_told_together() -> None:
    (finding,) = outcome(make_pipeline(SimpleImputer(), StandardScaler()).fit(X)).findings
    assert len(finding.evidence.examples) == 2
    assert "SimpleImputer and " in finding.message


def test_objects_fitted_on_other_rows_are_told_apart() -> None:
    preprocess = {
        "train": StandardScaler().fit(X[:180]),
        "val": StandardScaler().fit(X[180:240]),
        "test": StandardScaler().fit(X[240:]),
    }
    findings = outcome(preprocess).findings
    assert [finding.splits for finding in findings] == [("val",), ("test",)]
    assert "val alone" in findings[0].message


def test_raw_rows_are_what_was_fitted_on() -> None:
    raw = {f"raw_{name}": SPLITS[f"X_{name}"] for name in ("train", "val", "test")}
    for rows, status in ((X[:180], Status.PASSED), (X, Status.FAILED)):
        scaler = StandardScaler().fit(rows)
        made = {f"X_{name}": scaler.transform(raw[f"raw_{name}"]) for name in ("train", "val", "test")}
        found = outcome(scaler, **made, **raw)
        assert found.status is status
    assert "fit(raw_train)" in found.findings[0].fix.code


@pytest.mark.parametrize(
    "preprocess",
    [
        StandardScaler().fit(X[:180]),
        StandardScaler().fit(X[:180][::-1]),
        [np.log, StandardScaler().fit(np.log(X[:180]))],
        make_pipeline(FunctionTransformer(np.log), StandardScaler()).fit(X[:180]),
        lambda rows: rows - MEAN,
    ],
)
def test_train_only_passes(preprocess) -> None:
    assert outcome(preprocess, **LABELS).status is Status.PASSED


def test_a_history_that_left_no_trace_passes() -> None:
    rows = np.array([[0.0, 5.0], [10.0, 15.0], [4.0, 7.0], [6.0, 9.0]])
    from sklearn.preprocessing import MinMaxScaler

    scaler = MinMaxScaler().fit(rows)  # the extremes are train's
    report = audit(rows[:2], rows[2:], preprocess=scaler, select="PRE001")
    assert report["PRE001"].status is Status.PASSED


@pytest.mark.parametrize("preprocess", [np.log1p, Normalizer(), lambda rows: rows * 2.5])
def test_nothing_fitted_is_skipped_with_the_reason(preprocess) -> None:
    found = outcome(preprocess)
    assert found.status is Status.SKIPPED
    assert "nothing that can be traced" in found.reason


def test_what_cannot_be_told_is_stated() -> None:
    rng = np.random.default_rng(0)
    strange = StandardScaler().fit(rng.normal(size=(50, 5)))
    found = outcome(strange)
    assert found.status is Status.SKIPPED
    assert "no set of the splits" in found.reason
    log = np.log(X)
    found = outcome([np.log, StandardScaler().fit(log[:180]), StandardScaler().fit(rng.normal(size=(50, 5)))])
    assert found.status is Status.PASSED
    assert (found.coverage[0].examined, found.coverage[0].of) == (1, 2)


def test_labels_that_were_not_given_are_asked_for() -> None:
    found = outcome(SelectKBest(f_classif, k=2).fit(X, Y))
    assert found.status is Status.SKIPPED
    assert "requires y" in found.reason


def test_the_report_does_not_depend_on_the_user_s_random_state() -> None:
    scaler = StandardScaler().fit(X)
    np.random.seed(0)  # noqa: NPY002
    one = audit(**SPLITS, preprocess=scaler, select="PRE")
    np.random.seed(1)  # noqa: NPY002
    assert audit(**SPLITS, preprocess=scaler, select="PRE").to_dict() == one.to_dict()


def test_other_rules_selected_change_nothing() -> None:
    scaler = StandardScaler().fit(X)
    alone = outcome(scaler).to_dict()
    assert audit(**SPLITS, preprocess=scaler, select="PRE")["PRE001"].to_dict() == alone


@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_splits(n: int) -> None:
    scaler = StandardScaler().fit(X[:n])
    report = audit(X[:n], X[200 : 200 + n], preprocess=scaler, select="PRE001")
    assert not report.crashed
    assert report.ok
