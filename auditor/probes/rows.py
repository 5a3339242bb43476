"""Rows of any kind - arrays, frames, tensors, sparse matrices, lists - taken, joined and copied as that kind.

Libraries are recognised by what the object offers, so none is imported here that the user has not
imported already.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.sources.arrays import is_sparse

Index = NDArray[np.int64]


def library(thing: Any) -> str:
    """Return the name of the package that the type of `thing` comes from.

    Examples
    --------
    >>> library(np.zeros(3)), library([1, 2])
    ('numpy', 'builtins')
    """
    return (getattr(type(thing), "__module__", None) or "").split(".")[0]


def count_rows(rows: Any) -> int:
    """Return the number of rows.

    Raises
    ------
    TypeError
        If `rows` has none.
    """
    if isinstance(rows, Mapping):
        return count_rows(next(iter(rows.values())))
    shape = getattr(rows, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) else len(rows)


def take(rows: Any, indices: Any) -> Any:
    """Return some rows, with repeats where asked for, as the same kind of object."""
    if hasattr(rows, "iloc"):
        return rows.iloc[np.asarray(indices)]
    if library(rows) == "tensorflow":
        import tensorflow as tf

        return tf.gather(rows, np.asarray(indices))
    if isinstance(rows, Mapping):
        return {key: take(value, indices) for key, value in rows.items()}
    if isinstance(rows, list | tuple):
        return [rows[int(i)] for i in indices]
    if is_sparse(rows):
        return rows.tocsr()[np.asarray(indices)]
    if library(rows) == "polars":
        return rows[np.asarray(indices).tolist()]
    return rows[indices]


def take_in_place(rows: Any, indices: Index) -> Any:
    """Return as many rows as there are, content by `indices`, labels of a pandas frame staying where they are.

    A callable that aligns by label then still meets every label once.
    """
    taken = take(rows, indices)
    if hasattr(rows, "iloc"):
        taken = taken.copy()
        taken.index = rows.index
    return taken


def join(parts: Sequence[Any]) -> Any:
    """Return the rows of several objects of one kind, one after the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if library(first) == "polars":
        return sys.modules["polars"].concat(list(parts))
    if hasattr(first, "iloc"):
        return sys.modules["pandas"].concat(list(parts), ignore_index=True)
    if is_sparse(first):
        import scipy.sparse

        return scipy.sparse.vstack(parts, format="csr")
    if isinstance(first, Mapping):
        return {key: join([part[key] for part in parts]) for key in first}
    if isinstance(first, list | tuple):
        return [row for part in parts for row in part]
    return np.concatenate([np.asarray(part) for part in parts])


def defensive_copy(rows: Any) -> Any:
    """Return a writable copy of what a callable will be given, so that the user's data stay untouched."""
    if isinstance(rows, np.ndarray):
        return rows.copy()
    if hasattr(rows, "iloc") or is_sparse(rows):
        return rows.copy()
    if hasattr(rows, "clone"):  # torch tensors, polars frames
        return rows.clone()
    if library(rows) == "tensorflow":
        return rows  # immutable
    return copy.deepcopy(rows)


def with_numbers(rows: Any, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Any:
    """Return `rows` with `change` applied to what is numeric; None where nothing is.

    Parameters
    ----------
    rows : array, data frame or tensor
        Left as it is.
    change : callable
        From an array of shape (n, ...) to one of the same shape; called once for an array, once per
        numeric column for a frame. The result is cast back to the dtype it came with.
    """
    if isinstance(rows, np.ndarray):
        return _changed(rows, change) if rows.dtype.kind in "iuf" else None
    if library(rows) == "tensorflow":
        import tensorflow as tf

        values = rows.numpy()
        return tf.constant(_changed(values, change)) if values.dtype.kind in "iuf" else None
    if library(rows) == "pandas" and hasattr(rows, "isetitem"):
        return _changed_frame(rows, change)
    return None


def _changed(values: NDArray[Any], change: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    with np.errstate(all="ignore"):
        return np.asarray(change(values)).astype(values.dtype)


def _changed_frame(frame: Any, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Any:
    new, touched = frame.copy(), False
    for position, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
            new.isetitem(position, _changed(frame.iloc[:, position].to_numpy(), change))
            touched = True
    return new if touched else None


def has_missing(rows: Any) -> bool:
    """Whether an array, a tensor or a frame holds NaN, None or NaT."""
    if hasattr(rows, "isna"):
        return bool(np.asarray(rows.isna()).any())
    if library(rows) == "tensorflow":
        rows = rows.numpy()
    return isinstance(rows, np.ndarray) and rows.dtype.kind == "f" and bool(np.isnan(rows).any())


def rows_with_missing(rows: Any) -> NDArray[np.bool_]:
    """Return which rows hold a missing value, shape (n,); all False where that cannot be asked."""
    n = count_rows(rows)
    missing: NDArray[Any] = np.zeros((n, 1), dtype=bool)
    if library(rows) == "tensorflow":
        rows = rows.numpy()
    if hasattr(rows, "isna"):
        missing = np.asarray(rows.isna(), dtype=bool).reshape(n, -1)
    elif isinstance(rows, np.ndarray) and rows.dtype.kind == "f" and n:
        missing = np.isnan(rows).reshape(n, -1)
    return np.asarray(missing.any(axis=1), dtype=bool)
