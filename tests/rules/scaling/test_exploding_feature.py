"""SCL004."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit


def scaled(tiny: float, dtype: type = np.float64, jump: float = 0.7) -> dict[str, np.ndarray]:
    raw = np.random.default_rng(4).gamma(2.0, 3.0, size=(260, 8)).astype(dtype)
    raw[:, 5] = 0
    raw[[231, 240], 5] = jump, jump / 2
    mean, std = raw[:200].mean(axis=0), raw[:200].std(axis=0)
    std = std + dtype(tiny) if tiny else np.where(std == 0, 1, std)
    Z = ((raw - mean) / std).astype(dtype)
    return {"X_train": Z[:200], "X_val": Z[200:]}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_names_feature_rows_and_share(dtype: type) -> None:
    (finding,) = audit(**scaled(1e-7, dtype), select="SCL004").errors
    assert finding.splits == ("val", "train")
    assert finding.columns == (5,)
    assert finding.rows[0].indices.tolist() == [31, 40]
    assert finding.evidence["farthest value in val"] == pytest.approx(7e6, rel=1e-5)
    assert finding.evidence["standard deviation in train"] == 0
    assert finding.evidence["share of the sum of squares"] > 0.999
    assert dict(finding.evidence.examples[0])["val row"] == 31
    assert not finding.fix.drop


def test_a_guarded_division_passes() -> None:
    assert audit(**scaled(0), select="SCL004")["SCL004"].status is Status.PASSED


def test_a_modest_constant_passes() -> None:
    assert not audit(**scaled(1e-2), select="SCL004").findings


def test_infinite_after_division_by_zero() -> None:
    parts = scaled(1e-7)
    parts["X_val"][31, 5] = np.inf
    (finding,) = audit(**parts, select="SCL004").errors
    assert finding.rows[0].indices.tolist() == [31, 40]


def test_rounding_noise_around_a_constant() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(400, 4)).astype(np.float32)
    raw[:, 2] = np.float32(1000) + np.float32(6.1e-5) * rng.integers(0, 2, 400)
    raw[350, 2] = 1007
    mean, std = raw[:300].mean(axis=0, dtype=float), raw[:300].std(axis=0, dtype=float)
    Z = (raw - mean) / (std + 1e-7)
    (finding,) = audit(Z[:300], Z[300:], select="SCL004").findings
    assert finding.columns == (2,)
    assert finding.level is Severity.WARNING


@pytest.mark.parametrize("seed", range(5))
def test_heavy_tails_pass(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.standard_cauchy((500, 4)), rng.lognormal(0, 3, (500, 4))], axis=1)
    X = (X - X[:300].mean(axis=0)) / X[:300].std(axis=0)
    assert not audit(X[:300], X[300:], select="SCL004").findings


def test_a_pixel_lit_in_one_row_of_train_passes() -> None:
    X = np.random.default_rng(0).integers(0, 256, size=(2000, 16)) / 255
    X[:, 3] = 0
    X[7, 3] = 0.2
    X[1500:, 3] = 1.0
    X = (X - X[:1000].mean(axis=0)) / X[:1000].std(axis=0)
    assert not audit(X[:1000], X[1000:], select="SCL004").findings


def test_a_constant_of_harmless_size_passes() -> None:
    X = np.random.default_rng(0).normal(size=(200, 5))
    X[:150, 2] = 0
    assert not audit(X[:150], X[150:], select="SCL004").findings


@pytest.mark.parametrize(
    "X",
    [np.zeros((20, 3)), np.full((20, 2), np.nan), np.arange(20), np.ones((20, 1), dtype=bool)],
    ids=["zeros", "nan", "integers", "booleans"],
)
def test_degenerate_input(X: np.ndarray) -> None:
    report = audit(X[:12], X[12:], select="SCL004")
    assert report["SCL004"].status is Status.PASSED


def test_extreme_magnitudes_do_not_overflow() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    X[:, 1] = 0
    X[50, 1] = 1.7e308
    (finding,) = audit(X[:40], X[40:], select="SCL004").errors
    assert finding.rows[0].indices.tolist() == [10]
