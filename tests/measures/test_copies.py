"""Groups of equal rows over splits."""

from __future__ import annotations

import numpy as np
import pytest

from auditor._case import Case, make_case
from auditor.measures.copies import copies, label_agreement, label_ids


def _case(train: object, val: object, test: object = None, y: dict | None = None) -> Case:
    return make_case(X={"train": train, "val": val, "test": test}, y=y)


def test_rows_of_each_split_and_first_matches() -> None:
    train = np.array([[1, 2], [3, 4], [1, 2], [5, 6]])
    val = np.array([[5.0, 6.0], [7.0, 8.0], [1.0, 2.0]])
    test = np.array([[7, 8], [0, 0]], dtype=np.uint8)
    found = copies(_case(train, val, test))
    assert found.splits == ("train", "val", "test")
    assert found.first.tolist() == [0, 1, 0, 3, 3, 5, 0, 5, 8]
    assert found.match("val", "train").tolist() == [3, -1, 0]
    assert found.match("train", "val").tolist() == [2, -1, 2, 0]
    assert found.match("test", "val").tolist() == [1, -1]
    assert found.counts().tolist() == [3, 1, 3, 2, 2, 2, 3, 2, 1]
    assert found.counts("train")[found.rows("val")].tolist() == [1, 0, 2]


def test_splits_that_cannot_be_compared_are_left_out() -> None:
    found = copies(_case(np.zeros((3, 2)), np.zeros((3, 5)), np.zeros((0, 2))))
    assert found.splits == ("train",)
    assert found.first.tolist() == [0, 0, 0]


def test_blank_rows_hold_one_value_and_have_an_equal() -> None:
    train = np.array([[0, 0, 0], [7, 7, 7], [1, 2, 3], [np.nan] * 3])
    found = copies(_case(train, train[[0, 2, 3]]))
    assert found.blank.tolist() == [True, False, False, True, True, False, True]
    assert not copies(_case(np.zeros((3, 1)), np.zeros((2, 1)))).blank.any()  # one feature is no image


@pytest.mark.parametrize("narrow", [np.float16, np.float32])
def test_a_split_stored_in_fewer_bits_is_compared_there(narrow: type) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 8))
    found = copies(_case(rows, rows[:5].astype(narrow)))
    assert found.dtype == narrow
    assert found.match("val", "train").tolist() == [0, 1, 2, 3, 4]


def test_but_not_where_that_would_make_different_rows_equal() -> None:
    rows = 1.0 + np.arange(20)[:, None] * 1e-12
    found = copies(_case(rows, rows[:5].astype(np.float32)))
    assert found.dtype == np.float64
    assert found.match("val", "train").tolist() == [0] * 5


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1, 0, 1, 1, 0]),
        np.array(["a", "b", "a", "b", "b", "a"]),
        np.array([0.5, 1.25, 0.5, 1.25, 1.25, 0.5]),
        np.array([[1, 1], [0, 1], [1, 1], [0, 1], [0, 1], [1, 1]]),
    ],
    ids=["classes", "text", "quantities", "multi-hot"],
)
def test_label_agreement(labels: np.ndarray) -> None:
    train, val = np.array([[1.0], [1.0], [2.0]]), np.array([[1.0], [2.0], [3.0]])
    case = _case(train, val, y={"train": labels[[0, 1, 2]], "val": labels[[3, 4, 5]]})
    assert label_agreement(copies(case), label_ids(case), "val", "train").tolist() == [1, 0, -1]


def test_agreement_is_unknown_without_a_label() -> None:
    rows = np.array([[1.0], [2.0]])
    case = _case(rows, rows, y={"train": np.array([0.5, np.nan]), "val": np.array([np.nan, 1.5])})
    assert label_agreement(copies(case), label_ids(case), "val", "train").tolist() == [-1, -1]
    bare = _case(rows, rows, y={"train": np.array([0, 1])})
    assert label_agreement(copies(bare), label_ids(bare), "val", "train").tolist() == [-1, -1]
