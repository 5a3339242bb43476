"""RSM003."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

Rows = tuple[np.ndarray, np.ndarray]


def _audit(train: Rows, val: Rows, test: Rows | None = None, select: str = "RSM003") -> Report:
    third = {} if test is None else {"X_test": test[0], "y_test": test[1]}
    return audit(train[0], val[0], y_train=train[1], y_val=val[1], select=select, **third)


def _rows(n: int, d: int = 5, minority: float = 0.15, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < minority).astype(int)
    return rng.normal(size=(n, d)) + 1.2 * y[:, None], y


def _interpolated(X: np.ndarray, y: np.ndarray) -> Rows:
    rng = np.random.default_rng(1)
    rare = X[y == 1]
    n = (y == 0).sum() - len(rare)
    near = np.argsort(((rare[:, None] - rare[None]) ** 2).sum(axis=2), axis=1)[:, 1:6]
    base = rng.integers(0, len(rare), n)
    other = near[base, rng.integers(0, near.shape[1], n)]
    made = rare[base] + rng.random((n, 1)).astype(X.dtype) * (rare[other] - rare[base])
    return np.concatenate([X, made]), np.concatenate([y, np.ones(n, dtype=y.dtype)])


def _repeated(X: np.ndarray, y: np.ndarray) -> Rows:
    extra = np.random.default_rng(2).choice(np.flatnonzero(y == 1), (y == 0).sum() - (y == 1).sum())
    return np.concatenate([X, X[extra]]), np.concatenate([y, y[extra]])


def _balanced(X: np.ndarray, y: np.ndarray) -> Rows:
    kept = np.sort(np.r_[np.flatnonzero(y == 1), np.flatnonzero(y == 0)[: (y == 1).sum()]])
    return X[kept], y[kept]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("train_too", [False, True])
def test_interpolated_within_the_split(dtype: type, train_too: bool) -> None:
    train, val = ((X.astype(dtype), y) for X, y in (_rows(600), _rows(300, seed=1)))
    made = _interpolated(*val)
    train = _interpolated(*train) if train_too else train
    report = _audit(train, made, select="RSM")
    (finding,) = report.warnings
    assert (finding.code, finding.splits, finding.classes) == ("RSM003", ("val",), (1,))
    assert set(range(len(val[0]), len(made[0]))) <= set(finding.rows[0].indices.tolist())
    assert not report.errors


def test_interpolated_before_the_split_is_left_to_rsm002() -> None:
    X, y = _interpolated(*_rows(600))
    order = np.random.default_rng(3).permutation(len(X))
    parts = [(X[part], y[part]) for part in (order[300:], order[:300])]
    report = _audit(*parts, select="RSM")
    assert [finding.code for finding in report.findings] == ["RSM002"]


@pytest.mark.parametrize("train_too", [False, True])
def test_repeated_within_the_split(train_too: bool) -> None:
    train, val = _rows(600), _rows(300, seed=1)
    made = _repeated(*val)
    report = _audit(_repeated(*train) if train_too else train, made, select="RSM")
    (finding,) = report.warnings
    assert (finding.code, finding.splits, finding.classes) == ("RSM003", ("val",), (1,))
    assert dict(finding.evidence.examples[0]) == {
        "class": 1,
        "val rows": int((val[1] == 0).sum()),
        "different rows": int((val[1] == 1).sum()),
    }
    assert not report.errors


def test_repeated_before_the_split_is_left_to_rsm001() -> None:
    X, y = _repeated(*_rows(600))
    order = np.random.default_rng(3).permutation(len(X))
    report = _audit(*((X[part], y[part]) for part in (order[300:], order[:300])), select="RSM")
    assert [finding.code for finding in report.findings] == ["RSM001"]


def test_balanced_beside_a_natural_split() -> None:
    train, test = _rows(900), _rows(400, seed=1)
    val = _balanced(*_rows(600, seed=2))
    (finding,) = _audit(train, val, test).warnings
    assert finding.splits == ("val", "test")
    assert finding.level is Severity.WARNING
    shift = finding.evidence["share of rows of another class than in test"]
    assert shift == pytest.approx(0.5 - test[1].mean())
    assert f"exactly {len(val[1]) // 2:,} rows" in finding.message


def test_both_balanced_is_design() -> None:
    assert not _audit(_rows(900), _balanced(*_rows(600, seed=2)), _balanced(*_rows(600, seed=3))).findings


def test_balanced_alone_is_design() -> None:
    assert not _audit(_rows(900), _balanced(*_rows(600, seed=2))).findings


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("oversample", [_interpolated, _repeated])
def test_resampling_train_alone_is_right(oversample: object, seed: int) -> None:
    train, val, test = _rows(600, seed=seed), _rows(300, seed=seed + 10), _rows(300, seed=seed + 20)
    assert callable(oversample)
    assert not _audit(oversample(*train), val, test).findings


def test_repeats_by_nature() -> None:
    rng = np.random.default_rng(5)
    X = rng.integers(0, 4, (900, 3)).astype(float)
    y = (X.sum(axis=1) > 7).astype(int)  # few values: the rare class repeats its rows
    assert not _audit((X[:500], y[:500]), (X[500:], y[500:])).findings


def test_few_rows_make_most_repeats() -> None:
    X, y = _rows(400)
    spam = np.flatnonzero(y == 1)[:3]
    val = np.concatenate([X, X[np.repeat(spam, 40)]]), np.concatenate([y, y[np.repeat(spam, 40)]])
    assert not _audit(_rows(600, seed=1), val).findings


def test_labels_that_are_no_classes() -> None:
    X, _ = _rows(400)
    y = np.random.default_rng(9).normal(size=400)
    assert _audit((X[:300], y[:300]), (X[300:], y[300:]))["RSM003"].status is Status.SKIPPED


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8])
def test_a_handful_of_rows(n: int) -> None:
    X, y = np.random.default_rng(10).normal(size=(n, 3)), np.arange(n) % 2
    outcome = _audit((np.repeat(X, 3, axis=0), np.repeat(y, 3)), (X, y), (X, y))["RSM003"]
    assert outcome.status in {Status.PASSED, Status.SKIPPED}
    assert not outcome.findings
