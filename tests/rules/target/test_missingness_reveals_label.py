"""TGT003."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Status, audit

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 400)


def _with_gaps(gap: np.ndarray, dtype: type = np.float64) -> np.ndarray:
    X = RNG.normal(size=(400, 3)).astype(dtype)
    X[gap, 1] = np.nan
    return X


def _audit(X: np.ndarray, y: object, **more: object) -> Report:
    return audit(X, y_train=y, select="TGT003", **more)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("labels", ["i8", "f4", "U1", "?", "one-hot"])
def test_gaps_that_follow_the_class(dtype: type, labels: str) -> None:
    gap = RNG.random(400) < np.where(Y == 1, 0.8, 0.1)
    y = np.eye(2)[Y] if labels == "one-hot" else Y.astype(labels)
    (finding,) = _audit(_with_gaps(gap, dtype), y).warnings
    assert finding.columns == (1,)
    assert 0.6 < finding.evidence["Cramer's V"] < 0.85
    assert "column 1" in finding.message


def test_gaps_that_follow_a_quantity() -> None:
    y = RNG.lognormal(size=400)
    gap = RNG.random(400) < np.where(y > 1, 0.8, 0.1)
    (finding,) = _audit(_with_gaps(gap), y).warnings
    assert finding.evidence["Kolmogorov-Smirnov distance"] > 0.4


def test_the_number_of_gaps() -> None:
    X = RNG.normal(size=(400, 60))
    X[RNG.random((400, 60)) < np.where(Y == 1, 0.25, 0.05)[:, None]] = np.nan
    (finding,) = _audit(X, Y).warnings
    assert "the number of missing values" in finding.message


@pytest.mark.parametrize("seed", range(3))
def test_gaps_at_random_are_silent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        n, d, k = int(rng.integers(20, 400)), int(rng.integers(1, 20)), int(rng.integers(1, 9))
        X = np.where(rng.random((n, d)) < rng.random(d), np.nan, rng.normal(size=(n, d)))
        X[:, 0] = 1.0
        y = rng.integers(0, k, n) if rng.random() < 0.5 else rng.standard_cauchy(n)
        assert _audit(X, y).findings == ()


def test_weak_associations_are_silent_however_significant() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 50_000)
    X = np.zeros((50_000, 2))
    X[rng.random(50_000) < np.where(y == 1, 0.3, 0.2), 0] = np.nan
    assert _audit(X, y).findings == ()
    assert _audit(X, y, options={"TGT003.effect": 0.05}).findings


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        (np.zeros((400, 3)), "nothing is missing"),
        (np.zeros((400, 3), dtype=np.uint8), "nothing is missing"),
        (np.full((400, 2), np.inf), "nothing is missing"),
    ],
)
def test_nothing_missing_is_skipped(X: np.ndarray, reason: str) -> None:
    outcome = _audit(X, Y)["TGT003"]
    assert outcome.status is Status.SKIPPED
    assert reason in outcome.reason


def test_few_or_only_missing_values() -> None:
    X = np.zeros((400, 3))
    X[:9, 0] = np.nan
    X[:, 1] = np.nan
    assert _audit(X, (np.arange(400) < 9).astype(int))["TGT003"].status is Status.PASSED
    assert _audit(X.reshape(400, 3, 1), Y)["TGT003"].status is Status.PASSED


def test_missing_labels_do_not_count() -> None:
    gap = RNG.random(400) < 0.3
    y = np.where(gap, np.nan, Y)
    assert _audit(_with_gaps(gap), y).findings == ()
