"""Repetition of rows by class."""

from __future__ import annotations

import numpy as np
import pytest

from auditor._case import make_case
from auditor.measures.copies import copies
from auditor.measures.repetition import Repetition, repetition


def _count(train: np.ndarray, y_train: np.ndarray, val: np.ndarray, y_val: np.ndarray) -> Repetition:
    case = make_case(X={"train": train, "val": val}, y={"train": y_train, "val": y_val})
    return repetition(case, copies(case), "val", 2)


def test_rows_different_repeated_and_straddling() -> None:
    train = np.array([[1, 2], [1, 2], [3, 4], [5, 6], [7, 8]])
    val = np.array([[1, 2], [3, 4], [9, 1], [9, 1]])
    counts = _count(train, np.array([0, 0, 1, 1, 1]), val, np.array([0, 0, 1, 1]))
    assert counts.rows.tolist() == [4, 5]  # (3, 4) stands once with either label
    assert counts.held_out.tolist() == [2, 2]
    assert counts.different.tolist() == [2, 4]
    assert counts.repeated.tolist() == [1, 1]
    assert counts.straddling.tolist() == [1, 0]
    assert counts.expected.tolist() == pytest.approx([3 * 0.5 * (1 - 0.5**2), 2 * 0.4 * (1 - 0.4)])


def test_spread_is_nothing_for_draws_at_random_and_large_for_few_favourites() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    drawn, favoured = rng.integers(0, 300, 3000), rng.zipf(1.5, 3000).clip(1, 300) - 1
    y = np.zeros(3000, dtype=int)
    y[0] = 1
    assert abs(_count(X[drawn], y, X[drawn[:50]], y[:50]).spread[0]) < 0.1
    assert _count(X[favoured], y, X[favoured[:50]], y[:50]).spread[0] > 3


def test_blank_rows_and_missing_labels_are_left_out() -> None:
    rows = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    counts = _count(rows, np.array([0.0, 1.0, np.nan, 1.0]), rows, np.array([0.0, 1.0, 1.0, 1.0]))
    assert counts.rows.tolist() == [0, 3]
    assert counts.straddling.tolist() == [0, 1]
