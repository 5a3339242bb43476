"""LBL008."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit


def _audit(y: object, **more: object) -> Report:
    y = np.asarray(y)
    return audit(np.zeros((len(y), 1)), y_train=y, select="LBL008", **more)


def _appended() -> np.ndarray:
    y = (np.arange(1000) % 10 == 0).astype(int)
    return np.concatenate([y, np.ones(800, dtype=int)])


@pytest.mark.parametrize("dtype", ["i1", "u8", "f2", "f8", "U1", bool])
def test_sorted_labels(dtype: str) -> None:
    (finding,) = _audit(np.repeat([0, 1], 100).astype(dtype)).warnings
    assert "sorted by label" in finding.message
    assert finding.evidence["runs of equal labels"] == 2
    assert finding.splits == ("train",)


def test_upsampled_rows_appended() -> None:
    (finding,) = _audit(_appended()).warnings
    assert "90%, 90%, 70%, 0%, 0%" in finding.message
    assert finding.evidence["largest distance of a fifth from the rest"] > 0.5


@pytest.mark.parametrize("k", [2, 3, 10, 100, 500])
def test_sorted_and_blocked_classes(k: int) -> None:
    rng = np.random.default_rng(k)
    y = np.repeat(rng.permutation(k), 2000 // k)
    assert _audit(y).warnings
    assert _audit(np.eye(k)[y] if k <= 10 else y).warnings
    assert _audit(rng.permutation(y)).findings == ()


def test_iris_as_it_comes() -> None:
    load_iris = pytest.importorskip("sklearn.datasets").load_iris
    y = load_iris().target
    assert _audit(y).warnings
    assert _audit(load_iris().target_names[y]).warnings


@pytest.mark.parametrize("seed", range(4))
def test_random_order_is_silent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(100):
        k, n = int(rng.integers(1, 80)), int(rng.integers(1, 900))
        y = rng.choice(k, p=rng.dirichlet(np.full(k, 0.5)), size=n)
        assert _audit(y).findings == ()
        assert _audit(rng.standard_cauchy(n)).findings == ()
        assert _audit(np.round(rng.lognormal(size=n), 1)).findings == ()


def test_alternating_and_short_blocks_leave_the_tail_alike() -> None:
    assert _audit(np.arange(500) % 2).findings == ()
    assert _audit(np.arange(500) // 5 % 4).findings == ()


def test_quantities() -> None:
    rng = np.random.default_rng(0)
    y = rng.lognormal(size=300)
    (finding,) = _audit(np.sort(y)).warnings
    assert finding.evidence["share of the ranks' variance between fifths"] > 0.9
    assert _audit(np.sort(y)[::-1]).warnings
    assert _audit(y).findings == ()
    assert _audit(np.append(np.sort(y), [np.nan] * 10)).warnings


def test_order_of_time_is_time() -> None:
    y = np.repeat([0, 1], 100)
    assert _audit(y, time_train=np.arange(200))["LBL008"].status is Status.SKIPPED
    assert _audit(y, time_train=np.arange(200).astype("M8[D]"))["LBL008"].status is Status.SKIPPED
    assert _audit(y, time_train=np.random.default_rng(0).permutation(200)).warnings
    assert _audit(y, time_train=np.zeros(200)).warnings


def test_a_val_split_of_the_same_mixture_makes_it_an_info() -> None:
    y = np.repeat([0, 1], 200)
    X = np.zeros((400, 1))
    given = {"y_train": y, "select": "LBL008"}
    assert audit(X, X[:100], y_val=np.tile([0, 1], 50), **given).findings[0].level is Severity.INFO
    assert audit(X, X[:100], y_val=np.ones(100, dtype=int), **given).findings[0].level is Severity.WARNING
    assert audit(X, X[:100], **given).findings[0].level is Severity.WARNING
    assert audit(X, None, X[:100], y_test=np.tile([0, 1], 50), **given).findings[0].level is Severity.WARNING


def test_sorted_evaluation_rows_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    report = audit(
        np.zeros((200, 1)), np.zeros((100, 1)), y_train=y[:200], y_val=np.sort(y[200:]), select="LBL008"
    )
    assert report["LBL008"].status is Status.PASSED


@pytest.mark.parametrize("y", [[0, 1], [], [0], np.repeat([0, 1], 8)])
def test_few_rows_are_skipped(y: object) -> None:
    assert _audit(y)["LBL008"].status is Status.SKIPPED


def test_one_class_passes() -> None:
    assert _audit(np.zeros(100, dtype=int))["LBL008"].status is Status.PASSED


def test_the_bar_can_be_moved() -> None:
    assert _audit(_appended(), options={"LBL008.distance": 0.9}).findings == ()
