"""SCL003."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, audit


def gammas(seed: int, n: int = 300, d: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.gamma(2.0, 3.0, size=(n, d)) + rng.normal(50, 20, size=d)


def standard(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_split_by_itself(dtype: type) -> None:
    X = gammas(1)
    parts = [standard(part).astype(dtype) for part in (X[:200], X[200:250], X[250:])]
    report = audit(*parts, select="SCL002,SCL003")
    assert [finding.code for finding in report.findings] == ["SCL003", "SCL003"]
    assert {finding.splits for finding in report.findings} == {("val", "train"), ("test", "train")}
    assert all(finding.level is Severity.ERROR for finding in report.findings)


@pytest.mark.parametrize("n", [3, 5, 20])
def test_a_few_rows_by_themselves(n: int) -> None:
    X = gammas(2, n=100 + n)
    (finding,) = audit(standard(X[:100]), standard(X[100:]), select="SCL003").findings
    assert finding.splits == ("val", "train")


def test_evaluation_splits_scaled_together() -> None:
    X = gammas(3)
    rest = standard(X[200:])
    (finding,) = audit(standard(X[:200]), rest[:50], rest[50:], select="SCL003").findings
    assert finding.splits == ("val", "test", "train")


def test_train_and_val_together_and_test_by_itself() -> None:
    X = gammas(4)
    known = standard(X[:250])
    report = audit(known[:200], known[200:], standard(X[250:]), select="SCL002,SCL003")
    assert {(f.code, f.splits) for f in report.findings} == {
        ("SCL002", ("val", "train")),
        ("SCL003", ("test", "train", "val")),
    }


def test_images_with_a_mean_of_their_own() -> None:
    rng = np.random.default_rng(5)
    X = rng.gamma(2.0, 30.0, size=(240, 1, 1)) + rng.normal(0, 5, size=(240, 6, 6))
    parts = [(part - part.mean()) / part.std() for part in (X[:160], X[160:])]
    assert audit(*parts, select="SCL003").errors


def test_unit_ranges_of_their_own() -> None:
    X = gammas(6, d=20)
    parts = [(p - p.min(axis=0)) / np.ptp(p, axis=0) for p in (X[:200], X[200:])]
    assert audit(*parts, select="SCL003").errors


def test_groups_scaled_within_themselves() -> None:
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(30), 10)
    X = np.concatenate([standard(rng.gamma(2.0, size=(10, 6))) for _ in range(30)])
    parts = {"X_train": X[:200], "X_val": X[200:], "groups_train": groups[:200], "groups_val": groups[200:]}
    assert not audit(**parts, select="SCL002,SCL003").findings


def test_rows_normalised_one_by_one() -> None:
    X = gammas(8, d=12)
    X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
    assert not audit(X[:200], X[200:], select="SCL002,SCL003").findings


def test_one_scaler_for_both_passes() -> None:
    X = gammas(9)
    Z = (X - X[:200].mean(axis=0)) / X[:200].std(axis=0)
    assert not audit(Z[:200], Z[200:250], Z[250:], select="SCL").findings
