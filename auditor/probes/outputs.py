"""What a callable returned: as rows of numbers for the rules, and as cells that can be compared."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.sources.arrays import as_array, as_features, is_sparse
from auditor.sources.frames import is_frame

RETURN = "return one array with a row for each row that came in"


class NotRowsError(InputError):
    """A callable returned something else than rows; a model could not take it either."""


def check_kind(made: Any, n_rows: int) -> None:
    """Raise `NotRowsError` where what a callable returned cannot be the rows it was given.

    Parameters
    ----------
    made : object
        What it returned.
    n_rows : int
        Rows it was given: a list of that length is a list of rows, another one several outputs.
    """
    if made is None:
        raise NotRowsError("it returned None", hint="the callable lacks a return statement")
    if isinstance(made, Mapping):
        raise NotRowsError(f"it returned a mapping with the keys {_listed(made)}", hint=RETURN)
    if isinstance(made, Generator | Iterator):
        raise NotRowsError(f"it returned a {type(made).__name__}, which can be read only once", hint=RETURN)
    if isinstance(made, str | bytes):
        raise NotRowsError("it returned a single text", hint=RETURN)
    if (
        isinstance(made, bool | int | float | complex | np.generic)
        or tuple(getattr(made, "shape", "?")) == ()
    ):
        raise NotRowsError("it returned a single value", hint=RETURN)
    if isinstance(made, tuple | list) and made and _are_outputs(made, n_rows):
        shapes = ", ".join(str(getattr(part, "shape", "?")) for part in made[:3])
        raise NotRowsError(
            f"it returned a {type(made).__name__} of {len(made)} arrays, of shapes {shapes}",
            hint="return the rows alone, without labels or further outputs",
        )


def _listed(made: Mapping[Any, Any]) -> str:
    return ", ".join(map(repr, list(made)[:5])) or "(none)"


def _are_outputs(made: tuple[Any, ...] | list[Any], n_rows: int) -> bool:
    """Tell several outputs from a list of rows: arrays, as long as the input or not as many as its rows."""
    if not all(hasattr(part, "shape") for part in made):
        return False
    as_long = all(len(part.shape) > 0 and int(part.shape[0]) == n_rows for part in made)
    return len(made) != n_rows or (as_long and isinstance(made, tuple))


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """An output as a table, for comparing it with another one.

    Attributes
    ----------
    numbers : ndarray of float64, shape (n, p)
        Columns that hold numbers.
    texts : ndarray of str, shape (n, q)
        Columns that do not.
    shape : tuple of int
        Shape of one row as it was returned.
    half : bool
        Whether float16 is among the dtypes, so that rounding is coarse.
    """

    numbers: NDArray[np.float64]
    texts: NDArray[np.str_]
    shape: tuple[int, ...]
    half: bool = False

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def rows(self, chosen: NDArray[np.int64]) -> Cells:
        """Return some of the rows."""
        return Cells(self.numbers[chosen], self.texts[chosen], self.shape, self.half)


def cells(made: Any, n_rows: int) -> Cells:
    """Return what a callable returned as a table.

    Raises
    ------
    InputError
        If it is no table.
    """
    check_kind(made, n_rows)
    if is_frame(made):
        return _frame_cells(made)
    array = as_array(made, "the output") if not is_sparse(made) else as_features(made, "the output")
    if array.ndim == 0:
        raise NotRowsError(f"it returned a single value, {array.item()!r}", hint=RETURN)
    flat = array.reshape(array.shape[0], -1) if array.size else array.reshape(array.shape[0], 0)
    if array.dtype.kind in "USOT":
        return Cells(np.zeros((len(flat), 0)), _texts(flat), array.shape[1:])
    numbers = as_features(flat, "the output").astype(np.float64)
    return Cells(numbers, np.zeros((len(flat), 0), dtype=np.str_), array.shape[1:], _is_half(array.dtype))


def _frame_cells(frame: Any) -> Cells:
    n, width = frame.shape
    columns = [frame.iloc[:, j] if hasattr(frame, "iloc") else frame[:, j] for j in range(width)]
    values = [as_array(column, "the output") for column in columns]
    numeric = [v.astype(np.float64) for v in values if v.dtype.kind in "iufb"]
    others = [_texts(v.reshape(-1, 1)) for v in values if v.dtype.kind not in "iufb"]
    return Cells(
        np.column_stack(numeric) if numeric else np.zeros((n, 0)),
        np.concatenate(others, axis=1) if others else np.zeros((n, 0), dtype=np.str_),
        (int(width),),
        any(_is_half(v.dtype) for v in values),
    )


def _texts(values: NDArray[Any]) -> NDArray[np.str_]:
    """Return values as text; 1 and 1.0 differ, NaN equals NaN."""
    return np.array([str(v) for v in values.ravel().tolist()], dtype=np.str_).reshape(values.shape)


def _is_half(dtype: np.dtype[Any]) -> bool:
    return dtype.name in {"float16", "bfloat16"}


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """How far rows of two outputs lie apart.

    Attributes
    ----------
    same_shape : bool
        Whether rows have one shape; the rest is empty where they have not.
    moved : ndarray of float64, shape (n,)
        Per row, the largest difference relative to the largest value of its column; infinite where a
        text differs or only one of two is NaN. Zero means equal bit for bit.
    in_std : ndarray of float64, shape (n,)
        Per row, the largest difference in standard deviations of its column over all rows.
    where : tuple of int
        Row and numeric column of the largest difference; (-1, -1) where there is none.
    """

    same_shape: bool
    moved: NDArray[np.float64]
    in_std: NDArray[np.float64]
    where: tuple[int, int] = (-1, -1)


def difference(a: Cells, b: Cells, spread: NDArray[np.float64] | None = None) -> Difference:
    """Compare outputs row by row.

    Parameters
    ----------
    a, b : Cells
        With equally many rows.
    spread : ndarray of float64, shape (p,), optional
        Standard deviation of each numeric column; that of `a` where it is not given.
    """
    if (a.shape, a.numbers.shape, a.texts.shape) != (b.shape, b.numbers.shape, b.texts.shape):
        return Difference(False, np.zeros(0), np.zeros(0))
    n = len(a)
    moved, in_std, where = np.zeros(n), np.zeros(n), (-1, -1)
    if a.numbers.size:
        moved, in_std, where = _numeric_difference(a.numbers, b.numbers, spread)
    if a.texts.size:
        differs = (a.texts != b.texts).any(axis=1)
        moved = np.where(differs, np.inf, moved)
        in_std = np.where(differs, np.inf, in_std)
    return Difference(True, moved, in_std, where)


def _numeric_difference(
    a: NDArray[np.float64], b: NDArray[np.float64], spread: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, int]]:
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        gap = np.where(np.isnan(gap), np.inf, gap)
        largest = np.maximum(_finite_max(np.abs(a)), _finite_max(np.abs(b)))
        std = column_spread(a) if spread is None else spread
        relative = np.where(gap > 0, gap / np.where(largest > 0, largest, 1.0), 0.0)
        # A column without spread is measured by its own size: any movement of it is a movement.
        in_std = np.where(gap > 0, gap / np.where(std > 0, std, np.where(largest > 0, largest, 1.0)), 0.0)
    row, column = np.unravel_index(int(np.argmax(in_std)), in_std.shape)
    where = (int(row), int(column)) if gap[row, column] > 0 else (-1, -1)
    return relative.max(axis=1), in_std.max(axis=1), where


def _finite_max(values: NDArray[np.float64]) -> NDArray[np.float64]:
    largest: NDArray[np.float64] = np.where(np.isfinite(values), values, 0.0).max(axis=0, initial=0.0)
    return largest


def column_spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of the finite values of each column, shape (p,)."""
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(axis=0), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        kept = np.where(finite, values, 0.0)
        mean = kept.sum(axis=0) / count
        deviation = np.where(finite, values - mean, 0.0)
        spread = np.sqrt((deviation * deviation).sum(axis=0) / count)
    return np.where(np.isfinite(spread), spread, 0.0)
