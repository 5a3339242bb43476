"""SHP004."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

pd = pytest.importorskip("pandas")


def _audit(*splits: object, **more: object) -> Report:
    return audit(*splits, select="SHP004", **more)


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(4,), (2, 2), (1, 2, 2, 1)])
def test_constant_features_are_listed(dtype: str, shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(0).integers(0, 2, size=(60, 4))
    X[:, [1, 3]] = 1
    X = X.astype(dtype).reshape(60, *shape)
    (finding,) = _audit(X[:40], X[40:]).findings
    assert finding.level is Severity.INFO
    assert finding.columns == (1, 3)
    assert finding.evidence["share of features"] == 0.5
    assert finding.evidence["of these vary in val"] == 0


def test_what_varies_only_in_an_evaluation_split_is_a_warning() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200), np.repeat([0, 1], 100), np.zeros(200)])
    report = _audit(X[:100], X[100:], X[50:90])
    (warning,) = report.warnings
    assert warning.splits == ("val", "train")
    assert warning.columns == (1,)
    (info,) = report.at("info")
    assert info.columns == (1, 2)
    assert warning.fingerprint != info.fingerprint


def test_rare_values_may_miss_train_by_chance() -> None:
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X = (rng.random((300, 60)) < 0.005).astype(float)
        alarms += bool(_audit(X[:200], X[200:]).warnings)
    assert alarms <= 2  # 0.2 expected at the stated rate


def test_digits_and_faces_of_ordinary_data() -> None:
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    X = load_digits().images
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(X))
        report = _audit(X[order[:1200]], X[order[1200:1500]], X[order[1500:]])
        assert report.warnings == ()
        assert report.at("info")


def test_missing_values_count_as_varying() -> None:
    X = np.ones((40, 2))
    X[3, 0] = np.nan
    X[:, 1] = np.nan
    assert _audit(X, X[:5]).findings == ()


def test_category_codes_are_no_warning() -> None:
    frame = pd.DataFrame({"site": ["a"] * 50 + ["b"] * 50, "x": np.arange(100.0)})
    report = _audit(frame.iloc[:50], frame.iloc[50:])
    assert report.warnings == ()
    assert "'site'" in report.findings[0].message


@pytest.mark.parametrize("n", [0, 1, 9])
def test_few_rows_are_skipped(n: int) -> None:
    assert _audit(np.ones((n, 2)), np.ones((3, 2)))["SHP004"].status is Status.SKIPPED


def test_other_shapes_and_empty_splits() -> None:
    report = _audit(np.ones((20, 2)), np.ones((5, 3)), np.ones((0, 2)))
    assert not report.crashed
    assert len(report.findings) == 1
    assert _audit(np.ones((20, 2))).findings[0].level is Severity.INFO
