"""DUP001."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import Report, Severity, Status, audit


def _audit(train: np.ndarray, val: np.ndarray, test: np.ndarray | None = None, **rest: object) -> Report:
    return audit(train, val, test, select="DUP001", **rest)


def _rows(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16, np.int64])
@pytest.mark.parametrize("shape", [(6,), (20, 3), (8, 8, 1), (4, 6, 6, 2)])
def test_names_each_copy_and_what_it_copies(dtype: type, shape: tuple[int, ...]) -> None:
    X = (1000 * np.random.default_rng(1).normal(size=(300, *shape))).astype(dtype)
    train, val = X[:240], X[240:].copy()
    val[[3, 17, 40]] = train[[5, 5, 9]]
    (finding,) = _audit(train, val).errors
    assert finding.splits == ("val", "train")
    assert finding.rows[0].indices.tolist() == [3, 17, 40]
    assert finding.fix.drop == finding.rows
    assert finding.evidence["share of val rows equal in X"] == pytest.approx(3 / 60)
    assert finding.evidence.examples[1] == (("val row", 17), ("train row", 5), ("same label", "unknown"))


def test_dropping_the_rows_mends_it() -> None:
    train, val = _rows(200, 5), _rows(80, 5, seed=1)
    val[10:30] = train[:20]
    drop = _audit(train, val).rows_to_drop()["val"]
    assert drop.sum() == 20
    assert _audit(train, val[~drop])["DUP001"].status is Status.PASSED


def test_val_and_test_are_told_apart() -> None:
    train, val, test = _rows(200, 5), _rows(50, 5, seed=1), _rows(60, 5, seed=2)
    val[0], test[7] = train[3], train[4]
    assert [(f.splits, f.rows[0].indices.tolist()) for f in _audit(train, val, test).errors] == [
        (("val", "train"), [0]),
        (("test", "train"), [7]),
    ]


def test_copies_between_val_and_test_are_a_warning() -> None:
    train, val, test = _rows(200, 5), _rows(50, 5, seed=1), _rows(60, 5, seed=2)
    test[:4] = val[10:14]
    (finding,) = _audit(train, val, test).findings
    assert finding.level is Severity.WARNING
    assert finding.splits == ("test", "val")


def test_x_alone_and_x_with_y_are_told_apart() -> None:
    train, val = _rows(200, 5), _rows(50, 5, seed=1)
    val[:5] = train[:5]
    y_train, y_val = np.arange(200) % 2, np.array([0, 1, 0, 0, 1] + [0, 1, 1] * 15)
    (finding,) = _audit(train, val, y_train=y_train, y_val=y_val).errors
    assert finding.evidence["val rows equal in X"] == 5
    assert finding.evidence["val rows equal in X and y"] == 3
    assert finding.evidence["val rows equal in X with another label"] == 2
    assert "3 with the same label, 2 with another" in finding.message


def test_dtypes_minus_zero_and_nan_do_not_hide_a_copy() -> None:
    train = np.random.default_rng(2).integers(0, 255, size=(100, 30)).astype(np.uint8)
    val = np.random.default_rng(3).integers(0, 255, size=(40, 30)).astype(np.float32)
    train[7, :3] = 0
    val[4] = train[7]
    val[4, 0] = -0.0
    assert _audit(train, val).errors[0].rows[0].indices.tolist() == [4]
    holes = _rows(100, 6)
    holes[:, 2] = np.nan
    assert len(_audit(holes, np.vstack([_rows(30, 6, seed=4), holes[:1]])).errors) == 1


def test_a_copy_cast_to_single_precision_is_found() -> None:
    train = _rows(200, 5)
    val = _rows(50, 5, seed=1).astype(np.float32)
    val[2] = train[11]
    assert _audit(train, val).errors[0].rows[0].indices.tolist() == [2]


def test_a_repeat_of_every_row_is_found_in_linear_time() -> None:
    X = np.repeat(_rows(2000, 3), 50, axis=0)
    order = np.random.default_rng(0).permutation(len(X))
    (finding,) = _audit(X[order[:80_000]], X[order[80_000:]]).errors
    assert len(finding.rows[0]) == 20_000


@pytest.mark.parametrize("copied", [1, 5, 60])
def test_rows_of_few_common_values_are_no_error(copied: int) -> None:
    X = np.random.default_rng(5).integers(0, 3, size=(600, 3))
    train, val = X[:400], X[400:]
    val[:copied] = train[:copied]
    (finding,) = _audit(train, val).findings
    assert finding.level is Severity.WARNING
    assert not finding.fix.drop
    assert "Chance explains" in finding.message


def test_one_chance_repeat_in_hundreds_is_worth_knowing_only() -> None:
    X = np.random.default_rng(6).integers(0, 12, size=(800, 5))
    findings = _audit(X[:500], X[500:]).findings
    assert findings
    assert all(finding.level is Severity.INFO for finding in findings)


def test_empty_images_are_counted_apart() -> None:
    images = np.random.default_rng(7).integers(0, 255, size=(200, 8, 8)).astype(np.uint8)
    images[::10] = 0
    (finding,) = _audit(images[:150], images[150:]).findings
    assert finding.level is Severity.INFO
    assert finding.evidence["equal rows with one value in every feature"] == 5
    images[160] = images[1]
    (finding,) = _audit(images[:150], images[150:]).errors
    assert finding.rows[0].indices.tolist() == [10]


def test_rows_whose_labels_differ_as_labels_do_are_no_samples_of_one_kind() -> None:
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(60, 12))  # mixed by PCA: nothing betrays that there are few
    X, y = rows[rng.integers(0, 60, 900)], rng.integers(0, 2, 900)
    (finding,) = _audit(X[:700], X[700:], y_train=y[:700], y_val=y[700:]).findings
    assert finding.level is Severity.WARNING
    assert "do not tell samples apart" in finding.message


def test_strays_are_a_warning_unless_asked_otherwise() -> None:
    train, val = _rows(20_000, 6), _rows(5000, 6, seed=1)
    train[:40] = train[40:80]
    val[9] = train[100]
    (finding,) = _audit(train, val).findings
    assert finding.level is Severity.WARNING
    assert _audit(train, val, options={"DUP001.max_share": 0.0}).errors
    fresh = _rows(20_000, 6, seed=2)  # train does not repeat itself: the copy is no stray
    val[9] = fresh[100]
    assert _audit(fresh, val).errors


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (np.zeros((1, 1)), np.zeros((1, 1))),
        (np.zeros((3, 4)), np.zeros((2, 4))),
        (np.ones((1, 3)), np.ones((1, 3))),
        (np.full((2, 3), np.nan), np.full((2, 3), np.nan)),
        (np.full((4, 2), np.inf), np.full((2, 2), -np.inf)),
        (np.zeros((5, 2), dtype=bool), np.ones((5, 2), dtype=bool)),
        (np.arange(3)[:, None], np.arange(3)[:, None]),
    ],
)
def test_degenerate_rows_are_no_error(train: np.ndarray, val: np.ndarray) -> None:
    report = _audit(train, val)
    assert report["DUP001"].status is not Status.CRASHED, report["DUP001"].traceback
    assert report.ok


def test_nothing_to_compare() -> None:
    X = _rows(20, 3)
    assert _audit(X, None)["DUP001"].status is Status.SKIPPED
    assert _audit(X, X[:0])["DUP001"].status is Status.SKIPPED
    assert _audit(X, X[:, :2])["DUP001"].status is Status.SKIPPED


def test_many_different_copies_are_judged_on_a_sample_and_it_says_so() -> None:
    X = _rows(3000, 4)
    outcome = _audit(X, X[:1000])["DUP001"]
    assert len(outcome.findings[0].rows[0]) == 1000
    assert (outcome.coverage[0].examined, outcome.coverage[0].of) == (200, 1000)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([np.float32, np.float64]), st.integers(1, 8))
def test_order_of_rows_changes_nothing_but_numbers(seed: int, dtype: type, copied: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 4)).astype(dtype)
    train, val = X[:90], X[90:].copy()
    val[:copied] = train[:copied]
    shuffled, order = rng.permutation(90), rng.permutation(30)
    (plain,) = _audit(train, val).errors
    (moved,) = _audit(train[shuffled], val[order]).errors
    assert sorted(order[moved.rows[0].indices].tolist()) == plain.rows[0].indices.tolist()
    assert moved.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    "name", ["load_wine", "load_breast_cancer", "load_digits", "load_diabetes", "load_iris"]
)
def test_real_tables_split_at_random_hold_no_error(name: str) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = getattr(datasets, name)(return_X_y=True)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(X))
        train, val = order[len(X) // 4 :], order[: len(X) // 4]
        assert _audit(X[train], X[val], y_train=y[train], y_val=y[val]).ok
