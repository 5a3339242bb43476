"""LBL002."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

RNG = np.random.default_rng(0)


def _audit(y_train: object, y_val: object, **more: object) -> Report:
    train, val = np.asarray(y_train), np.asarray(y_val)
    return audit(
        np.zeros((len(train), 1)), np.zeros((len(val), 1)), y_train=train, y_val=val, select="LBL002", **more
    )


TRAIN = RNG.integers(0, 3, 90)
VAL = np.array([0, 3, 1, 3, 2])


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", "f2", "f4", "f8", "U2"])
def test_rows_and_classes_of_every_dtype(dtype: str) -> None:
    report = _audit(TRAIN.astype(dtype), VAL.astype(dtype))
    (finding,) = report.errors
    assert finding.rows[0].indices.tolist() == [1, 3]
    assert finding.classes == ("3",) if dtype == "U2" else (3,)
    assert finding.splits == ("val", "train")
    assert finding.evidence["share of val rows"] == 0.4
    assert finding.evidence["classes in train"] == 3


def test_one_hot_columns() -> None:
    eye = np.eye(4)
    (finding,) = _audit(eye[TRAIN], eye[VAL]).errors
    assert finding.classes == (3,)
    assert "a column that y_train never holds" in finding.message


def test_all_rows_unknown_in_a_split_cut_from_sorted_rows() -> None:
    y = np.sort(RNG.integers(0, 10, 500))
    (finding,) = _audit(y[:400], y[400:]).errors
    assert set(finding.classes) >= {9}


def test_known_classes_pass() -> None:
    assert _audit(TRAIN, TRAIN[:7]).ok
    assert _audit(TRAIN.astype(str), TRAIN[:7].astype(str)).ok


def test_what_other_rules_explain_is_left_to_them() -> None:
    ten = RNG.integers(0, 10, 800)
    for y_val in (ten[:200] + 1, np.where(ten[:200] == 0, -1, ten[:200])):
        report = audit(np.zeros((600, 1)), np.zeros((200, 1)), y_train=ten[200:], y_val=y_val, select="LBL")
        assert report["LBL002"].status is Status.PASSED
        assert not report.ok
    report = audit(
        np.zeros((90, 1)),
        np.zeros((4, 1)),
        y_train=np.where(TRAIN > 1, "cat", "dog"),
        y_val=["Cat", "dog ", "cow", "dog"],
        select="LBL",
    )
    assert report["LBL002"].findings[0].classes == ("cow",)
    assert set(report["LBL004"].findings[0].classes) == {"Cat", "dog "}


@pytest.mark.parametrize("seed", range(5))
def test_the_tail_of_a_count_is_a_warning(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.concatenate([rng.poisson(3, 3000), [13]]))
    y = np.concatenate([y[y < 13], [13]])
    (finding,) = _audit(y[:2000], y[2000:]).findings
    assert finding.level is Severity.WARNING
    assert "count" in finding.message


def test_a_frequent_unknown_class_is_no_tail() -> None:
    y = np.repeat(np.arange(6), [500, 300, 100, 50, 20, 40])
    (finding,) = _audit(y[:970], y[970:]).findings
    assert finding.level is Severity.ERROR


def test_quantities_are_skipped() -> None:
    assert _audit(RNG.normal(size=50), RNG.normal(size=9))["LBL002"].status is Status.SKIPPED
    assert _audit(RNG.poisson(80, 500), RNG.poisson(80, 100))["LBL002"].status is Status.SKIPPED


@pytest.mark.parametrize("y_val", [[], [np.nan, np.nan]])
def test_splits_without_labels(y_val: list) -> None:
    assert _audit(TRAIN, np.array(y_val, dtype=float)).ok


def test_nothing_is_known_of_train() -> None:
    assert not _audit(np.full(3, np.nan), [0, 1]).crashed


def test_order_of_rows_does_not_matter() -> None:
    order = RNG.permutation(90)
    one, other = _audit(TRAIN, VAL).findings[0], _audit(TRAIN[order], VAL).findings[0]
    assert one.to_dict() == other.to_dict()
