"""Writes into the input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from auditor.probes.writes import written


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, bool, object, "<U3"])
def test_equal_arrays_and_changed_ones(dtype) -> None:
    X = np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype)
    assert written(X, X.copy()) is None
    changed = X.copy()
    changed[1, 0] = changed[2, 0]
    found = written(X, changed)
    assert found.rows.tolist() == [1]
    assert found.example[:2] == (1, "column 0")


def test_missing_values_equal_themselves() -> None:
    X = np.array([[np.nan, 1.0]])
    assert written(X, X.copy()) is None
    objects = np.array([[np.nan, "a"]], dtype=object)
    assert written(objects, objects.copy()) is None
    frame = pd.DataFrame({"a": [np.nan, 1], "b": ["x", None]})
    assert written(frame, frame.copy()) is None
    sparse = sp.csr_matrix([[np.nan, 0, 1]])
    assert written(sparse, sparse.copy()) is None


def test_frames() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert "adds the column 'c'" in written(frame, frame.assign(c=1)).what
    assert "removes the column 'a'" in written(frame, frame[["b"]]).what
    assert "rows became" in written(frame, frame.iloc[:1]).what
    assert "index" in written(frame, frame.set_index(np.array([5, 6]))).what
    assert "became int64" in written(frame, frame.assign(a=[1, 2])).what
    found = written(frame, frame.assign(b=["x", "z"]))
    assert found.rows.tolist() == [1]
    assert found.example == (1, "'b'", "y", "z")


def test_sparse_lists_and_immutables() -> None:
    sparse = sp.csr_matrix(np.eye(3))
    changed = sparse.copy()
    changed.data[2] = 5
    assert written(sparse, changed).rows.tolist() == [2]
    assert written([[1], [2]], [[1], [3]]).rows.tolist() == [1]
    assert written([[1], [2, 3]], [[1], [2, 3]]) is None
    assert written([[1], [2, 3]], [[1], [2, 4]]).what
    frame = pl.DataFrame({"a": [1]})
    assert written(frame, frame.with_columns(b=1)) is None
