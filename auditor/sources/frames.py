"""Data frames of pandas and polars, and of anything that looks like one.

Columns that hold no numbers become category codes, shared by all splits, so that rows stay comparable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.sources.arrays import Array, as_array, as_features, as_numbers
from auditor.sources.objects import is_nested, objects_as_dates, objects_as_numbers, objects_as_text

_CATEGORY_TYPES = {"category", "Categorical", "Enum"}


@dataclass(frozen=True, slots=True)
class Features:
    """The feature arrays of all splits.

    Attributes
    ----------
    arrays : mapping of str to ndarray, shape (n, ...)
        By split.
    names : tuple of str
        Column names of the first data frame; empty where there is none.
    categorical : ndarray of bool, shape (d,)
        Columns that hold category codes instead of quantities; empty where the input has no names.
    columns : mapping of str to tuple of str
        Column names by split, those that are data frames.
    """

    arrays: Mapping[str, Array]
    names: tuple[str, ...]
    categorical: NDArray[np.bool_]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def is_frame(value: Any) -> bool:
    """Whether `value` is a data frame: it has columns and can be asked for one by name."""
    if type(value).__name__ == "LazyFrame":
        return True
    return hasattr(value, "columns") and hasattr(value, "__getitem__") and hasattr(value, "shape")


def read_features(sources: Mapping[str, Any], prefix: str = "X") -> Features:
    """Return the features of every split as arrays.

    Parameters
    ----------
    sources : mapping of str to object
        By split name, whatever the user passed.
    prefix : str
        Names the input in messages: ``X`` gives ``X_train``.

    Raises
    ------
    InputError
        If one of them cannot be used.
    """
    sources = {split: _at_hand(value, f"{prefix}_{split}") for split, value in sources.items()}
    frames = {split: value for split, value in sources.items() if is_frame(value)}
    if not frames:
        arrays = {split: as_features(value, f"{prefix}_{split}") for split, value in sources.items()}
        return Features(arrays, (), np.zeros(0, dtype=bool))
    columns = {split: tuple(map(str, frame.columns)) for split, frame in frames.items()}
    for split, names in columns.items():
        if not names:
            raise InputError(f"{prefix}_{split} is a data frame without columns.", hint="pass its features.")
    names = next(iter(columns.values()))
    if len(frames) < len(sources) or any(len(other) != len(names) for other in columns.values()):
        arrays = {split: _alone(value, f"{prefix}_{split}") for split, value in sources.items()}
        return Features(arrays, names, np.zeros(len(names), dtype=bool), columns)
    parts = [_joint_column(frames, position, prefix) for position in range(len(names))]
    arrays = {split: np.column_stack([values[split] for values, _ in parts]) for split in frames}
    return Features(arrays, names, np.array([coded for _, coded in parts], dtype=bool), columns)


def _at_hand(value: Any, name: str) -> Any:
    """Return `value`, or raise where it is a frame whose rows have yet to be computed."""
    library = type(value).__module__.split(".")[0]
    method = {"polars": "collect", "dask": "compute", "dask_expr": "compute"}.get(library)
    if method and (type(value).__name__ == "LazyFrame" or (library != "polars" and is_frame(value))):
        if hasattr(value, "__array__") and not hasattr(value, "iloc"):  # a dask array
            return value
        raise InputError(
            f"{name} is a {type(value).__name__} whose rows are not computed yet.",
            hint=f"pass {name}.{method}().",
        )
    if library == "pyarrow" and hasattr(value, "to_pandas"):
        return value.to_pandas()
    return value


def _alone(value: Any, name: str) -> Array:
    if not is_frame(value):
        return as_features(value, name)
    prefix, split = name.split("_", 1)
    return read_features({split: value}, prefix).arrays[split]


def _column(frame: Any, position: int) -> Any:
    return frame.iloc[:, position] if hasattr(frame, "iloc") else frame[:, position]


def _joint_column(frames: Mapping[str, Any], position: int, prefix: str) -> tuple[dict[str, Array], bool]:
    """Return one column of every split as numbers, and whether these are category codes."""
    series = {split: _column(frame, position) for split, frame in frames.items()}
    declared = any(
        type(s.dtype).__name__ in _CATEGORY_TYPES or str(s.dtype) == "category" for s in series.values()
    )
    raw = {
        split: _plain_column(values, f"{prefix}_{split}", str(frames[split].columns[position]))
        for split, values in series.items()
    }
    if all(values.dtype.kind in "iufbmM" for values in raw.values()):
        return {split: as_numbers(values, f"{prefix}_{split}") for split, values in raw.items()}, declared
    return _category_codes(raw), True


def _plain_column(series: Any, name: str, column: str) -> Array:
    """Return one column as numbers, dates or text."""
    values = as_array(series, f"{name}[{column!r}]")
    if (
        values.ndim != 1
        or values.dtype.kind in "cV"
        or (values.dtype.kind == "O" and any(map(is_nested, values.tolist())))
    ):
        raise InputError(
            f"Column {column!r} of {name} holds arrays, lists or complex numbers in place of one number or text.",
            hint="spread it over several columns, or pass the rows as one array.",
        )
    if values.dtype.kind == "O":
        numbers = objects_as_numbers(values)
        dates = objects_as_dates(values) if numbers is None else None
        values = numbers if numbers is not None else dates if dates is not None else objects_as_text(values)
    return values


def _category_codes(raw: Mapping[str, Array]) -> dict[str, Array]:
    """Return positions among the sorted values of all splits, NaN where a value is missing."""
    texts = {split: objects_as_text(values.astype(object)) for split, values in raw.items()}
    present = np.concatenate([values[values != ""] for values in texts.values()])
    levels = np.unique(present)
    codes = {}
    for split, values in texts.items():
        known = values != ""
        codes[split] = np.full(values.shape, np.nan)
        codes[split][known] = np.searchsorted(levels, values[known])
    return codes
