"""TGT002."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

RNG = np.random.default_rng(0)


def _audit(X: np.ndarray, y: np.ndarray, cut: int = 300, **more: object) -> Report:
    return audit(X[:cut], X[cut:], y_train=y[:cut], y_val=y[cut:], select="TGT002", **more)


def _sorted_file(n: int = 400, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    y = np.sort(RNG.integers(0, k, n))
    order = RNG.permutation(n)
    return np.column_stack([RNG.normal(size=(n, 3)), np.arange(n)])[order], y[order]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("form", ["classes", "text", "one-hot", "quantity"])
def test_a_row_number_of_a_sorted_file(dtype: type, form: str) -> None:
    X, y = _sorted_file()
    labels = {
        "classes": y,
        "text": np.array(["a", "b", "c"])[y],
        "one-hot": np.eye(3)[y],
        "quantity": y + RNG.normal(scale=0.3, size=400),
    }[form]
    (finding,) = _audit((X * 10).astype(dtype), labels).warnings
    assert finding.columns == (3,)
    assert finding.evidence["agreement of labels at near numbers"] > 0.5
    assert finding.evidence["agreement of train's labels with those of val"] > 0.5
    assert "Column 3 numbers the rows" in finding.message


def test_without_evaluation_labels() -> None:
    X, y = _sorted_file()
    assert audit(X, y_train=y, select="TGT002").warnings
    assert audit(X[:300], X[300:], y_train=y[:300], select="TGT002").warnings


def test_a_number_that_tells_nothing_passes() -> None:
    X, y = _sorted_file()
    assert _audit(X, RNG.permutation(y)).findings == ()
    assert _audit(X[:, :3], y).findings == ()


def test_a_design_of_one_feature_is_no_row_number() -> None:
    x = RNG.permutation(400)
    assert _audit(x[:, None], (x > 200).astype(int)).findings == ()
    grid = RNG.permutation(np.linspace(-3, 3, 400))
    assert _audit(np.column_stack([grid, grid**2]), np.sin(grid)).findings == ()


@pytest.mark.parametrize("k", [2, 5, 12])
def test_labels_in_turns(k: int) -> None:
    y = np.arange(400) % k
    (finding,) = _audit(RNG.normal(size=(400, 2)), y).findings
    assert finding.level is Severity.INFO
    assert finding.evidence.measures[0].name.endswith(f"{k} rows apart")


def test_labels_in_stretches() -> None:
    y = np.repeat(RNG.integers(0, 3, 800), 5)
    X = RNG.normal(size=(4000, 2))
    (finding,) = _audit(X, y, cut=3000).findings
    assert finding.level is Severity.INFO
    assert "agree with each other" in finding.message
    groups = np.repeat(np.arange(800), 5)
    assert _audit(X, y, cut=3000, groups_train=groups[:3000], groups_val=groups[3000:]).findings == ()
    assert _audit(X, y, cut=3000, time_train=np.arange(3000), time_val=np.arange(3000, 4000)).findings == ()


def test_sorted_rows_are_left_to_their_rule() -> None:
    assert _audit(RNG.normal(size=(400, 2)), np.repeat([0, 1], 200)).findings == ()
    assert _audit(RNG.normal(size=(400, 2)), np.arange(400.0)).findings == ()


def test_random_order_is_silent() -> None:
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(120, 900))
        y = rng.integers(0, int(rng.integers(2, 30)), n) if seed % 2 else rng.standard_cauchy(n)
        X = np.column_stack([rng.normal(size=n), rng.permutation(n), rng.integers(0, 50, n)])
        assert _audit(X, y, cut=int(0.8 * n)).findings == ()


@pytest.mark.parametrize("n", [0, 1, 50])
def test_few_rows_are_skipped(n: int) -> None:
    X = np.column_stack([np.zeros(n), np.arange(n)])
    assert audit(X, y_train=np.arange(n) % 2, select="TGT002")["TGT002"].status is Status.SKIPPED
