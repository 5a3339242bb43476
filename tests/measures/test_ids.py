"""Group ids on common ground."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.measures.ids import are_row_numbers, joint_ids


@pytest.mark.parametrize(
    ("train", "val", "codes"),
    [
        (np.array([3, 1]), np.array([1.0, np.nan, 9.0]), [0, -1, 2]),
        (np.array([1, 2], "u1"), np.array([2], "i8"), [1]),
        (np.array(["a", "b"]), np.array(["b", "", "c"]), [1, -1, 2]),
        (np.array([7, 12]), np.array(["007", "12.0", "x"]), [1, 0, 2]),
        (np.array(["7", "x"]), np.array([7.0, np.nan]), [0, -1]),
        (np.array([True, False]), np.array([0]), [0]),
        (np.array(["2020-01-01"], "M8[us]"), np.array(["2020-01-01", "NaT"], "M8[us]"), [0, -1]),
        (np.array(["2020-01-01"], "M8[us]"), np.array([5]), [1]),
        (np.array([1, 2]), np.array([], dtype=float), []),
    ],
)
def test_equal_ids_get_equal_codes(train: np.ndarray, val: np.ndarray, codes: list[int]) -> None:
    assert joint_ids({"train": train, "val": val})[1]["val"].tolist() == codes


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        (np.arange(5), True),
        (np.arange(1, 6), True),
        (np.arange(5.0), True),
        (np.arange(2, 6), False),
        (np.array([0, 2, 3]), False),
        (np.array([0]), False),
        (np.array(["0", "1"]), False),
        (np.zeros(0), False),
    ],
)
def test_row_numbers(ids: np.ndarray, wanted: bool) -> None:
    assert are_row_numbers(ids) is wanted
