"""Whether a callable wrote into what it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.rows import count_rows, library
from auditor.sources.arrays import is_sparse


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What changed in an input.

    Attributes
    ----------
    rows : ndarray of int64
        Rows with a changed value.
    what : str
        What changed besides values: columns, dtypes, the number of rows; empty where nothing did.
    example : tuple of (int, str, str, str) or None
        Row, column, value before and after.
    """

    rows: NDArray[np.int64]
    what: str = ""
    example: tuple[int, str, str, str] | None = None


def written(original: Any, copied: Any) -> Written | None:
    """Compare an input with the copy that a callable worked on; None where they are equal."""
    if library(original) in {"tensorflow", "polars", "jax", "jaxlib"}:
        return None  # immutable
    if library(original) == "torch":
        return _arrays(np.asarray(original.detach().cpu()), np.asarray(copied.detach().cpu()))
    if hasattr(original, "columns") and hasattr(original, "iloc"):
        return _frames(original, copied)
    if is_sparse(original):
        return _sparse(original, copied)
    if isinstance(original, np.ndarray):
        return _arrays(original, copied)
    try:
        return _arrays(np.asarray(original), np.asarray(copied))
    except ValueError:  # lists of rows of different lengths
        return None if original == copied else Written(np.zeros(0, dtype=np.int64), "the rows changed")


def _arrays(a: NDArray[Any], b: NDArray[Any]) -> Written | None:
    nothing = np.zeros(0, dtype=np.int64)
    if a.shape != b.shape or a.dtype != b.dtype:
        return Written(nothing, f"shape {a.shape} of {a.dtype} became {b.shape} of {b.dtype}")
    if a.size == 0 or (a.dtype.kind != "O" and _equal(a, b)):
        return None
    flat_a, flat_b = a.reshape(a.shape[0], -1), b.reshape(b.shape[0], -1)
    differs = flat_a != flat_b
    if a.dtype.kind == "f":
        differs &= ~(np.isnan(flat_a) & np.isnan(flat_b))
    if a.dtype.kind == "O":
        differs &= ~((flat_a != flat_a) & (flat_b != flat_b))  # noqa: PLR0124 - NaN among objects
    differs = np.asarray(differs, dtype=bool)
    if not differs.any():
        return None
    row, column = np.unravel_index(int(np.argmax(differs)), differs.shape)
    example = (int(row), f"column {column}", str(flat_a[row, column]), str(flat_b[row, column]))
    return Written(np.flatnonzero(differs.any(axis=1)), "", example)


def _equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return np.array_equal(a, b) or (a.dtype.kind in "fc" and np.array_equal(a, b, equal_nan=True))


def _frames(a: Any, b: Any) -> Written | None:
    nothing = np.zeros(0, dtype=np.int64)
    added = [str(c) for c in b.columns if c not in set(a.columns)]
    gone = [str(c) for c in a.columns if c not in set(b.columns)]
    if added or gone:
        words = [f"adds the column {c!r}" for c in added[:3]] + [
            f"removes the column {c!r}" for c in gone[:3]
        ]
        return Written(nothing, " and ".join(words))
    if count_rows(a) != count_rows(b):
        return Written(nothing, f"{count_rows(a):,} rows became {count_rows(b):,}")
    if list(a.columns) != list(b.columns) or not a.index.equals(b.index):
        return Written(nothing, "reorders its columns or its index")
    for position, name in enumerate(a.columns):
        old, new = a.iloc[:, position], b.iloc[:, position]
        if old.equals(new):
            continue
        if old.dtype != new.dtype:
            return Written(nothing, f"column {str(name)!r} of {old.dtype} became {new.dtype}")
        differs = np.asarray((old != new) & ~(old.isna() & new.isna()), dtype=bool)
        rows = np.flatnonzero(differs)
        if rows.size:
            row = int(rows[0])
            return Written(rows, "", (row, repr(str(name)), str(old.iloc[row]), str(new.iloc[row])))
    return None


def _sparse(a: Any, b: Any) -> Written | None:
    nothing = np.zeros(0, dtype=np.int64)
    if a.shape != b.shape:
        return Written(nothing, f"shape {a.shape} became {b.shape}")
    old, new = a.tocsr(), b.tocsr()
    same_places = np.array_equal(old.indices, new.indices) and np.array_equal(old.indptr, new.indptr)
    if same_places and _equal(old.data, new.data):
        return None
    rows = np.unique((old != new).tocoo().row).astype(np.int64)
    return Written(rows) if rows.size else None
