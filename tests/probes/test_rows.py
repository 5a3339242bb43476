"""Rows of any kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from auditor.probes.rows import (
    count_rows,
    defensive_copy,
    has_missing,
    join,
    rows_with_missing,
    take,
    take_in_place,
    with_numbers,
)

X = np.arange(12.0).reshape(6, 2)
KINDS = {
    "array": X,
    "frame": pd.DataFrame(X, columns=["a", "b"], index=list("uvwxyz")),
    "series": pd.Series(X[:, 0]),
    "polars": pl.DataFrame(X, schema=["a", "b"]),
    "csr": sp.csr_matrix(X),
    "coo": sp.coo_matrix(X),
    "list": X.tolist(),
    "mapping": {"a": X[:, 0], "b": X},
}


def dense(rows):
    if sp.issparse(rows):
        return rows.toarray()
    return np.asarray(rows["b"] if isinstance(rows, dict) else rows)


@pytest.mark.parametrize("kind", KINDS)
def test_taking_keeps_the_kind(kind: str) -> None:
    rows = KINDS[kind]
    assert count_rows(rows) == 6
    taken = take(rows, np.array([4, 0, 4]))
    assert count_rows(taken) == 3
    np.testing.assert_array_equal(dense(taken), dense(rows)[[4, 0, 4]])
    if kind != "coo":
        assert type(taken) is type(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_joining_undoes_taking(kind: str) -> None:
    rows = KINDS[kind]
    whole = join([take(rows, np.arange(2)), take(rows, np.arange(2, 6))])
    np.testing.assert_array_equal(dense(whole), dense(rows))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"polars", "coo"}])
def test_a_copy_can_be_written_to(kind: str) -> None:
    rows = KINDS[kind]
    before = dense(rows).copy()
    copied = defensive_copy(rows)
    if kind == "frame":
        copied["a"] = -1.0
    elif kind == "list":
        copied[0][0] = -1.0
    elif kind == "mapping":
        copied["b"][:] = -1.0
    elif kind == "csr":
        copied.data[:] = -1.0
    else:
        copied[0] = -1.0
    np.testing.assert_array_equal(dense(rows), before)


def test_labels_of_a_frame_stay_in_place() -> None:
    taken = take_in_place(KINDS["frame"], np.array([3, 3, 3, 3, 3, 3]))
    assert taken.index.tolist() == list("uvwxyz")
    assert taken["a"].tolist() == [6.0] * 6


def test_numbers_change_and_the_rest_stays() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.0], "c": ["x", "y"], "d": [True, False]})
    new = with_numbers(frame, lambda values: values * 2)
    assert new["a"].tolist() == [2, 4]
    assert new["b"].tolist() == [1.0, 2.0]
    assert new["c"].tolist() == ["x", "y"]
    assert frame["a"].tolist() == [1, 2]
    assert with_numbers(np.array(["x"]), lambda values: values) is None
    assert with_numbers(frame[["c"]], lambda values: values) is None
    halved = with_numbers(np.array([3, 5], dtype=np.uint8), lambda values: values / 2)
    assert halved.dtype == np.uint8


def test_missing_values_are_seen() -> None:
    rows = X.copy()
    rows[2, 1] = np.nan
    assert rows_with_missing(rows).tolist() == [False, False, True, False, False, False]
    assert has_missing(rows)
    assert not has_missing(X)
    frame = pd.DataFrame({"a": ["x", None]})
    assert rows_with_missing(frame).tolist() == [False, True]
    assert rows_with_missing(X.tolist()).tolist() == [False] * 6
    assert rows_with_missing(np.zeros((0, 3))).shape == (0,)
