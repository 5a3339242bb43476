"""SHP002."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from auditor import Report, Status, audit

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, size=(120, 4, 4))
WIDE = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?"]


def _audit(train: np.ndarray, val: np.ndarray, **more: object) -> Report:
    return audit(train, val, select="SHP002", **more)


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(WIDE, 2)))
def test_the_same_whole_numbers_pass_in_every_pair(one: str, other: str) -> None:
    X = RNG.integers(0, 2, size=(80, 3))
    assert _audit(X[:50].astype(one), X[50:].astype(other))["SHP002"].status is Status.PASSED


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (PIXELS[:80] / 255, PIXELS[80:].astype(np.uint8)),
        (PIXELS[:80].astype(np.uint8), (PIXELS[80:] / 255).astype(np.float32)),
        ((PIXELS[:80] / 255).astype(np.float16), PIXELS[80:].astype(np.uint8)),
        (PIXELS[:80], PIXELS[80:].astype(bool)),
        (PIXELS[:80] - 128, (PIXELS[80:] - 128).astype(np.uint8)),
        (PIXELS[:80] * 1000, (PIXELS[80:] * 1000).astype(np.int16)),
        (PIXELS[:80] * 1e4, np.minimum(PIXELS[80:] * 1e4, 6e4).astype(np.float16)),
        (RNG.normal(size=(80, 5)), RNG.normal(size=(40, 5)).astype(int)),
    ],
)
def test_values_that_were_changed_or_rescaled(train: np.ndarray, val: np.ndarray) -> None:
    (finding,) = _audit(train, val).warnings
    assert finding.splits == ("val", "train")
    assert str(val.dtype) in finding.message
    assert str(train.dtype) in finding.message
    assert finding.evidence.examples


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (PIXELS[:80].astype(np.uint8), PIXELS[80:].astype(np.float32)),
        (PIXELS[:80].astype(np.float64), PIXELS[80:].astype(np.uint8)),
        (RNG.normal(size=(80, 5)), RNG.normal(size=(40, 5)).astype(np.float32)),
        (RNG.normal(size=(80, 5)), RNG.normal(size=(40, 5)).astype(np.float16)),
        (PIXELS[:80] / 255, (PIXELS[80:] / 255).astype(np.float16)),
        (np.where(RNG.random((80, 3)) < 0.5, np.nan, 1.0), np.ones((40, 3), dtype=int)),
        (RNG.standard_cauchy((80, 5)), RNG.standard_cauchy((40, 5)).astype(np.float32)),
    ],
)
def test_harmless_differences_pass(train: np.ndarray, val: np.ndarray) -> None:
    assert _audit(train, val)["SHP002"].status is Status.PASSED


def test_rare_fractions_may_miss_a_small_split() -> None:
    train = np.zeros((1000, 2))
    train[:20, 0] = 0.5
    assert _audit(train, np.zeros((30, 2), dtype=int))["SHP002"].status is Status.PASSED
    (finding,) = _audit(train, np.zeros((800, 2), dtype=int)).warnings
    assert finding.evidence["share of train rows that int64 cannot hold"] == 0.02
    assert finding.evidence["chance that all 800 rows of val fit it"] == pytest.approx(0.98**800)


def test_times_in_float32_are_coarse() -> None:
    times = 1.6e9 + RNG.uniform(0, 600, size=(120, 1))
    X = np.column_stack([RNG.normal(size=(120, 2)), times])
    (finding,) = _audit(X[:80], X[80:].astype(np.float32)).warnings
    assert finding.columns == (2,)
    assert dict(finding.evidence.examples[0])["step"] == 128
    assert _audit(X[:80], X[80:].astype(np.float32), options={"SHP002.coarseness": 5}).ok
    rounded = X.astype(np.float32)
    assert not _audit(rounded[:80].astype(np.float64), rounded[80:]).findings


@pytest.mark.parametrize("extreme", [2**63 - 1, -(2**63), 2**53 + 1])
def test_large_integers(extreme: int) -> None:
    train = np.full((50, 1), extreme, dtype=np.int64)
    for dtype in ("i4", "u8", "f4", "f8"):
        report = _audit(train, np.zeros((50, 1), dtype=dtype))
        assert not report.crashed
    assert _audit(train, np.zeros((50, 1), dtype="i4")).warnings or abs(extreme) < 2**31


def test_what_the_preprocessing_returns_is_judged() -> None:
    steps = {"train": lambda rows: rows, "val": lambda rows: rows / 255}
    scaled, raw = PIXELS[:80] / 255, PIXELS[80:].astype(np.uint8)
    assert _audit(scaled, raw, preprocess=steps)["SHP002"].status is Status.PASSED
