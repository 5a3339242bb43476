"""What callables return."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from auditor.probes.outputs import NotRowsError, cells, check_kind, difference

X = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (None, "None"),
        ({"a": X}, "mapping with the keys 'a'"),
        ((row for row in X), "generator"),
        (iter([1]), "list_iterator"),
        ("text", "single text"),
        (3.0, "single value"),
        (np.float32(3), "single value"),
        (np.array(3.0), "single value"),
        ((X, X[:, 0]), "tuple of 2 arrays"),
        ([X, X], "list of 2 arrays"),
        ((X, X, X), "tuple of 3 arrays"),
    ],
)
def test_what_is_not_rows_is_named(made, says: str) -> None:
    with pytest.raises(NotRowsError, match=says):
        check_kind(made, 3)


@pytest.mark.parametrize("made", [X, X.tolist(), list(X), sp.csr_matrix(X), pd.DataFrame(X), X[:, 0], X[:2]])
def test_rows_pass(made) -> None:
    check_kind(made, 3)
    assert cells(made, 3).numbers.shape[0] in (2, 3)


def test_frames_split_into_numbers_and_texts() -> None:
    made = cells(pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, np.nan]}), 2)
    assert made.numbers.shape == (2, 2)
    assert made.texts.shape == (2, 1)


def test_a_difference_is_relative_to_the_column() -> None:
    a = np.array([[1.0, 1000.0], [2.0, 2000.0], [3.0, 4000.0]])
    b = a.copy()
    b[1, 1] += 4
    gap = difference(cells(a, 3), cells(b, 3))
    assert gap.moved.tolist() == [0.0, pytest.approx(0.001), 0.0]
    assert gap.where == (1, 1)
    assert gap.in_std[1] == pytest.approx(4 / a[:, 1].std())


def test_equal_bits_and_missing_values_do_not_differ() -> None:
    a = np.array([[np.nan, np.inf], [1.0, -np.inf]])
    gap = difference(cells(a, 2), cells(a.copy(), 2))
    assert gap.moved.tolist() == [0.0, 0.0]
    assert gap.where == (-1, -1)
    b = a.copy()
    b[0, 0] = 1.0
    assert np.isinf(difference(cells(a, 2), cells(b, 2)).moved[0])


def test_texts_differ_as_a_whole() -> None:
    gap = difference(cells(np.array([["x"], ["y"]]), 2), cells(np.array([["x"], ["z"]]), 2))
    assert gap.moved.tolist() == [0.0, np.inf]


def test_other_shapes_are_not_compared() -> None:
    assert not difference(cells(X, 3), cells(X[:, :1], 3)).same_shape


def test_huge_values_do_not_overflow() -> None:
    a = np.full((4, 1), 1e308)
    assert difference(cells(a, 4), cells(-a, 4)).moved.max() > 1
