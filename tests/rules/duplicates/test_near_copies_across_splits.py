"""DUP002."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import normalize

from auditor import Finding, Severity, Status, audit


def _findings(train: np.ndarray, val: np.ndarray, **more: object) -> tuple[Finding, ...]:
    outcome = audit(train, val, select="DUP002", **more)["DUP002"]
    assert outcome.status is not Status.CRASHED, outcome.traceback
    return outcome.findings


def _rows(n: int = 900, d: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, min(d, 8))) @ rng.normal(size=(min(d, 8), d)) + 0.3 * rng.normal(size=(n, d))
    return rows[: 2 * n // 3], rows[2 * n // 3 :]


def _images(n: int = 900, seed: int = 0) -> np.ndarray:
    """Smooth random images: mixtures of waves."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :16] / 16.0
    images = np.zeros((n, 16, 16))
    for _ in range(6):
        a, b, phase, weight = (
            rng.uniform(-4, 4, n),
            rng.uniform(-4, 4, n),
            rng.uniform(0, 6.3, n),
            rng.normal(size=n),
        )
        images += weight[:, None, None] * np.sin(
            a[:, None, None] * x + b[:, None, None] * y + phase[:, None, None]
        )
    return np.clip(128 + 40 * images, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("noise", [1e-3, 1e-2, 0.05])
def test_noise(dtype: type, noise: float) -> None:
    train, val = _rows()
    rng = np.random.default_rng(1)
    val[:12] = train[50:62] + rng.normal(size=(12, 12)) * noise * train.std(axis=0)
    (finding,) = _findings(train.astype(dtype), val.astype(dtype))
    assert finding.level is Severity.ERROR
    assert set(range(12)) <= set(finding.rows[0].indices.tolist())
    assert len(finding.rows[0]) <= 13
    assert finding.evidence["share of train rows as near to another"] < 0.01
    partners = {dict(row)["val row"]: dict(row)["train row"] for row in finding.evidence.examples}
    assert all(partner == row + 50 for row, partner in partners.items() if row < 12)
    assert finding.fix.drop == finding.rows


@pytest.mark.parametrize("kind", ["noise", "brighter", "one pixel", "fewer levels", "smoothed"])
def test_images(kind: str) -> None:
    images = _images()
    train, val = images[:700], images[700:].copy()
    rng = np.random.default_rng(1)
    copy = train[:12].astype(np.int64)
    if kind == "noise":
        copy = copy + rng.integers(-4, 5, size=copy.shape)
    elif kind == "brighter":
        copy = copy + 3
    elif kind == "one pixel":
        copy[:, 3, 5] ^= 64
    elif kind == "fewer levels":
        copy = copy // 8 * 8 + 4
    else:
        copy[:, :, 1:] = (copy[:, :, 1:] + copy[:, :, :-1] + 1) // 2
    val[:12] = np.clip(copy, 0, 255)
    (finding,) = _findings(train, val)
    assert finding.level is Severity.ERROR
    assert len(set(range(12)) & set(finding.rows[0].indices.tolist())) >= 11
    assert len(finding.rows[0]) <= 14


def test_one_changed_feature() -> None:
    train, val = _rows(d=30)
    val[:15] = train[:15]
    val[np.arange(15), np.arange(15)] += train.std()
    (finding,) = _findings(train, val)
    found = finding.rows[0].indices.tolist()
    assert len(set(range(15)) & set(found)) >= 10
    assert len(set(found) - set(range(15))) <= 1


@pytest.mark.parametrize("copies", [1, 3, 8])
def test_noisy_copies_made_before_a_random_split_are_a_warning(copies: int) -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate(_rows(600))
    rows = np.concatenate([rows, *(rows + rng.normal(size=rows.shape) * 0.02 for _ in range(copies))])
    order = rng.permutation(len(rows))
    cut = int(0.8 * len(rows))
    (finding,) = _findings(rows[order[:cut]], rows[order[cut:]])
    assert finding.level is Severity.WARNING
    assert finding.evidence["share of val rows"] > 0.4
    assert "Train repeats itself as much" in finding.message


def test_noisy_copies_made_after_the_split_pass() -> None:
    train, val = _rows()
    rng = np.random.default_rng(0)
    more = np.concatenate([train, *(train + rng.normal(size=train.shape) * 0.02 for _ in range(3))])
    assert not _findings(more, val)


def test_exact_copies_are_left_to_their_own_rule() -> None:
    train, val = _rows()
    val[:30] = train[:30]
    assert not _findings(train, val)
    assert not _findings(np.repeat(train, 3, axis=0), val)


def test_each_evaluation_split_is_judged() -> None:
    train, val = _rows()
    test = train[:100] + np.random.default_rng(0).normal(size=(100, 12)) * 0.01
    outcome = audit(train, val, test, select="DUP002")["DUP002"]
    assert [finding.splits for finding in outcome.findings] == [("test", "train")]


def _clean() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {
        "one feature": rng.normal(size=(800, 1)),
        "two features": rng.normal(size=(800, 2)),
        "Cauchy": rng.standard_cauchy((800, 5)),
        "counts": rng.poisson(3, size=(800, 6)),
        "binary": rng.integers(0, 2, size=(800, 20)).astype(bool),
        "one-hot": np.eye(8)[rng.integers(0, 8, size=(800, 4))].reshape(800, 32),
        "codes and one number": np.c_[rng.integers(0, 3, size=(800, 5)), rng.normal(size=800)],
        "constant columns": np.c_[np.zeros((800, 5)), rng.normal(size=(800, 3))],
        "sparse": rng.poisson(0.05, size=(800, 60)).astype(float),
        "timestamps": 1.7e9 + np.sort(rng.uniform(0, 1e6, size=(800, 1))),
        "clusters": rng.normal(size=(20, 6))[rng.integers(0, 20, 800)] * 10 + rng.normal(size=(800, 6)) * 0.1,
        "missing": np.where(rng.random((800, 8)) < 0.2, np.nan, rng.normal(size=(800, 8))),
        "infinite": np.where(rng.random((800, 8)) < 0.01, np.inf, rng.normal(size=(800, 8))),
        "wide": rng.normal(size=(120, 8000)).astype(np.float32),
        "huge": rng.normal(size=(800, 4)) * 1e300,
        "unit vectors": normalize(rng.normal(size=(800, 64))),
        "codes for missing": np.where(rng.random((800, 6)) < 0.02, -999.0, rng.normal(size=(800, 6))),
        "a walk": rng.normal(size=(800, 3)).cumsum(axis=0),
        "images": _images(800),
    }


@pytest.mark.parametrize("name", list(_clean()))
def test_rows_drawn_alike_pass(name: str) -> None:
    rows = _clean()[name]
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(rows))
        cut = int(0.75 * len(rows))
        assert not _findings(rows[order[:cut]], rows[order[cut:]])


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_diabetes, load_digits])
def test_tables_pass(load: object) -> None:
    X = load().data  # type: ignore[operator]
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(X))
        cut = int(0.7 * len(X))
        train, val = X[order[:cut]], X[order[cut:]]
        std = np.where(train.std(axis=0) > 0, train.std(axis=0), 1.0)
        assert not _findings(train, val)
        assert not _findings((train - train.mean(axis=0)) / std, (val - train.mean(axis=0)) / std)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 3), (19, 5), (19, 0)])
def test_too_few_rows_are_skipped(n: int, m: int) -> None:
    rows = np.random.default_rng(0).normal(size=(n + m, 4))
    assert audit(rows[:n], rows[n:], select="DUP002")["DUP002"].status is Status.SKIPPED


@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (2, 3, 4), (2, 2, 2, 2)])
def test_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, *shape))
    assert not _findings(rows[:150], rows[150:])
    if np.prod(shape) > 3:
        near = rows[:20] + rng.normal(size=(20, *shape)) * 1e-3
        assert len(_findings(rows[:150], np.concatenate([rows[150:], near]))[0].rows[0]) >= 20


def test_a_large_split_is_looked_at_whole() -> None:
    rng = np.random.default_rng(0)
    train, val = rng.normal(size=(20_000, 10)), rng.normal(size=(8000, 10))
    at = rng.choice(8000, 12, replace=False)
    val[at] = train[:12] + rng.normal(size=(12, 10)) * 0.01
    outcome = audit(train, val, select="DUP002")["DUP002"]
    found = outcome.findings[0].rows[0].indices.tolist()
    assert set(at.tolist()) <= set(found)
    assert len(found) <= 13
    assert outcome.findings[0].level is Severity.ERROR
    assert not outcome.coverage


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_units_and_order_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    train, val = _rows(300)
    val[:10] = train[:10] + rng.normal(size=(10, 12)) * 0.01
    order, unit = rng.permutation(len(val)), 10.0 ** rng.uniform(-3, 3, size=12)
    (finding,) = _findings(train[rng.permutation(len(train))] * unit, val[order] * unit)
    assert set(order[finding.rows[0].indices].tolist()) >= set(range(10))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_saved_brighter_and_of_less_contrast(dtype: type) -> None:
    rng = np.random.default_rng(0)
    smooth = rng.normal(size=(700, 6, 6, 3)).repeat(3, axis=1).repeat(3, axis=2)
    pictures = np.clip(128 + 40 * smooth + rng.normal(size=smooth.shape) * 8, 0, 255).astype(dtype)
    train, val = pictures[:500], pictures[500:]
    assert not _findings(train, val)
    brighter = np.clip(0.7 * train[:40].astype(float) + 60 + rng.normal(size=train[:40].shape), 0, 255)
    (finding,) = _findings(train, np.concatenate([val, brighter.astype(dtype)]))
    assert finding.level is Severity.ERROR
    assert finding.rows[0].indices.tolist() == list(range(200, 240))


def test_a_row_that_its_split_repeats_is_one_event() -> None:
    """One row that lies near by nature is no more surprising where it was written down five times."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    near = X[7] + 0.05 * rng.normal(size=6)
    alone = audit(X[:300], np.vstack([X[300:], near]), select="DUP002")
    often = audit(X[:300], np.vstack([X[300:], np.repeat(near[None], 6, axis=0)]), select="DUP002")
    assert not alone.findings
    assert not often.findings


def test_all_rows_equal_to_a_near_copy_are_named() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 6))
    copies = X[:40] + 1e-4 * rng.normal(size=(40, 6))
    (finding,) = audit(X[:300], np.vstack([X[300:], copies, copies[:10]]), select="DUP002").findings
    assert "40 of 140 different val rows" in finding.message
    assert finding.rows[0].indices.size == 50
