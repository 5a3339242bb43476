"""SCL008."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit


def counts(n: int = 400, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rates = rng.gamma(1.5, 20.0, size=(n, 1)) * rng.uniform(0.5, 2.0, size=5)
    return rng.poisson(rates).astype(np.float64) + 1


FUNCTIONS = {
    "np.log1p": np.log1p,
    "np.log": np.log,
    "np.log10": np.log10,
    "np.log2": np.log2,
    "np.sqrt": np.sqrt,
    "np.cbrt": np.cbrt,
    "np.reciprocal": np.reciprocal,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_names_the_function_and_the_split(name: str, split: str, dtype: type) -> None:
    X = counts().astype(dtype)
    parts = {"train": X[:280], "val": X[280:]}
    made = {f"X_{k}": FUNCTIONS[name](part) if k == split else part for k, part in parts.items()}
    (finding,) = audit(**made, select="SCL008").errors
    assert finding.splits == (split, "val" if split == "train" else "train")
    alike = {"np.log", "np.log1p"} if name in {"np.log", "np.log1p"} else {name}  # of counts from 1
    assert any(f"has gone through {one} " in finding.message for one in alike)
    assert finding.evidence["features on the other split's grid"] >= 4


def test_some_features_only() -> None:
    X = counts()
    X[280:, [1, 3]] = np.log1p(X[280:, [1, 3]])
    (finding,) = audit(X[:280], X[280:], select="SCL008").errors
    assert finding.columns == (1, 3)
    assert finding.fix.code == "X_train[:, [1, 3]] = np.log1p(X_train[:, [1, 3]])"


def test_continuous_features() -> None:
    X = np.random.default_rng(1).lognormal(1, 1, size=(500, 4))
    (finding,) = audit(X[:350], np.log(X[350:]), select="SCL008").errors
    assert finding.splits[0] in {"train", "val"}
    assert finding.evidence["features it explains"] == 4


def test_truncated_to_whole_numbers() -> None:
    X = np.random.default_rng(2).beta(2, 2, size=(400, 4)) * 4
    (finding,) = audit(X[:280], np.trunc(X[280:] / 4 * 1.6), X[:0], select="SCL008").findings or (None,)
    assert finding is None
    (finding,) = audit(X[:280], np.trunc(X[280:]), select="SCL008").errors
    assert "truncation" in finding.message


def test_ranks() -> None:
    X = np.random.default_rng(3).gamma(2, 30, size=(400, 4))
    ranks = np.argsort(np.argsort(X[280:], axis=0), axis=0) / 119
    (finding,) = audit(X[:280], ranks, select="SCL008").errors
    assert "shows ranks" in finding.message


def test_clipping_is_a_warning() -> None:
    X = np.random.default_rng(4).normal(size=(600, 5))
    (finding,) = audit(X[:400], np.clip(X[400:], -1.2, 1.2), select="SCL008").findings
    assert finding.level is Severity.WARNING
    assert "clipping" in finding.message


def test_train_alone_among_three() -> None:
    X = counts(600)
    (finding,) = audit(np.log1p(X[:400]), X[400:500], X[500:], select="SCL008").errors
    assert finding.splits == ("train", "val", "test")


@pytest.mark.parametrize(
    "change",
    [
        lambda X, rng: X,
        lambda X, rng: X * rng.uniform(0.7, 1.4, X.shape[1]),
        lambda X, rng: X + rng.normal(0, 5, X.shape[1]),
        lambda X, rng: X[X[:, 0] > np.median(X[:, 0])],
        lambda X, rng: np.sort(X, axis=0)[: len(X) // 2],
    ],
    ids=["same", "gain", "offset", "sub-population", "low values"],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_silent_on_honest_shift(change, *, scaled: bool) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = np.concatenate([counts(600, seed), rng.lognormal(1, 0.7, size=(600, 3))], axis=1)
        train, val = X[:300], change(X[300:], rng)
        if scaled:
            mean, std = train.mean(axis=0), train.std(axis=0)
            train, val = (train - mean) / std, (val - mean) / std
        assert not audit(train, val, select="SCL008").findings, seed


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((80, 3)),
        np.full((80, 2), np.nan),
        np.eye(4)[np.arange(80) % 4],
        np.arange(80.0),
        np.ones((80, 1), dtype=bool),
        np.random.default_rng(0).standard_cauchy((80, 3)) * 1e150,
    ],
    ids=["zeros", "nan", "one-hot", "index", "booleans", "huge"],
)
def test_degenerate_input(X: np.ndarray) -> None:
    report = audit(X[:40], X[40:], select="SCL008")
    assert not report.crashed
    assert report["SCL008"].status is Status.PASSED


def test_whole_numbers_of_another_gain_are_not_truncated() -> None:
    for gain in (0.985, 1.007, 1.02):
        X = np.rint(np.random.default_rng(3).normal(40, 9, size=(500, 4)))
        assert not audit(X[:350], X[350:] * gain, select="SCL008").findings


def test_fractions_cut_off_are_told() -> None:
    X = np.random.default_rng(3).normal(4, 0.8, size=(500, 4))
    (finding,) = audit(X[:350], np.trunc(X[350:]), select="SCL008").errors
    assert "truncation" in finding.message


def test_turned_signs_are_no_absolute_values() -> None:
    X = counts()
    assert not audit(-X[:280], X[280:], select="SCL008").findings


def test_uniform_values_are_no_ranks_and_ranks_are() -> None:
    rng = np.random.default_rng(4)
    skewed, even = rng.gamma(2, 40, size=(300, 6)), rng.integers(0, 256, size=(300, 6)).astype(np.float64)
    assert not audit(skewed, even, select="SCL008").findings
    ranks = np.argsort(np.argsort(skewed, axis=0), axis=0).astype(np.float64)
    (finding,) = audit(rng.gamma(2, 40, size=(300, 6)), ranks, select="SCL008").errors
    assert "ranks" in finding.message
