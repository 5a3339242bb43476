"""Data frames of pandas and polars, and of anything that looks like one.

Columns that hold no numbers become category codes, shared by all splits, so that rows stay comparable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.sources.arrays import Array, as_array, as_features, as_numbers


@dataclass(frozen=True, slots=True)
class Features:
    """The feature arrays of all splits.

    Attributes
    ----------
    arrays : mapping of str to ndarray, shape (n, ...)
        By split.
    names : tuple of str
        Column names; empty where the input has none.
    categorical : ndarray of bool, shape (d,)
        Columns that hold category codes instead of quantities; empty where the input has no names.
    """

    arrays: Mapping[str, Array]
    names: tuple[str, ...]
    categorical: NDArray[np.bool_]


def is_frame(value: Any) -> bool:
    """Whether `value` is a data frame: it has columns and can be asked for one by name."""
    return hasattr(value, "columns") and hasattr(value, "__getitem__") and hasattr(value, "shape")


def read_features(sources: Mapping[str, Any], prefix: str = "X") -> Features:
    """Return the features of every split as arrays.

    Parameters
    ----------
    sources : mapping of str to object
        By split name, whatever the user passed.
    prefix : str
        Names the input in messages: ``X`` gives ``X_train``.
    """
    frames = {split: value for split, value in sources.items() if is_frame(value)}
    if not frames:
        arrays = {split: as_features(value, f"{prefix}_{split}") for split, value in sources.items()}
        return Features(arrays, (), np.zeros(0, dtype=bool))
    first = next(iter(frames.values()))
    names = tuple(str(column) for column in first.columns)
    if len(frames) < len(sources) or any(len(f.columns) != len(names) for f in frames.values()):
        arrays = {split: _alone(value, f"{prefix}_{split}") for split, value in sources.items()}
        return Features(arrays, names, np.zeros(len(names), dtype=bool))
    columns = [_joint_column(frames, position, prefix) for position in range(len(names))]
    arrays = {}
    for split, frame in frames.items():
        parts = [column[split] for column, _ in columns]
        arrays[split] = np.column_stack(parts) if parts else np.zeros((frame.shape[0], 0))
        if not parts:
            raise InputError(f"{prefix}_{split} is a data frame without columns.", hint="pass its features.")
    return Features(arrays, names, np.array([coded for _, coded in columns], dtype=bool))


def _alone(value: Any, name: str) -> Array:
    if not is_frame(value):
        return as_features(value, name)
    return read_features({name.split("_", 1)[1]: value}, name.split("_", 1)[0]).arrays[name.split("_", 1)[1]]


def _column(frame: Any, position: int) -> Any:
    return frame.iloc[:, position] if hasattr(frame, "iloc") else frame[:, position]


def _joint_column(frames: Mapping[str, Any], position: int, prefix: str) -> tuple[dict[str, Array], bool]:
    """Return one column of every split, and whether it was coded as categories."""
    raw = {s: as_array(_column(f, position), f"{prefix}_{s}") for s, f in frames.items()}
    if all(values.dtype.kind in "iufbmM" for values in raw.values()):
        return {split: as_numbers(values, f"{prefix}_{split}") for split, values in raw.items()}, False
    numbers = {split: _objects_as_numbers(values) for split, values in raw.items()}
    if all(values is not None for values in numbers.values()):
        return {split: values for split, values in numbers.items() if values is not None}, False
    texts = {split: _texts(values) for split, values in raw.items()}
    levels = np.unique(np.concatenate(list(texts.values())))
    codes = {split: np.searchsorted(levels, values).astype(np.float64) for split, values in texts.items()}
    for split, values in texts.items():
        codes[split][values == ""] = np.nan
    return codes, True


def _objects_as_numbers(values: Array) -> Array | None:
    """Return a column of Python numbers and None as floats; None where it holds anything else."""
    if values.dtype.kind in "iufb":
        return values
    if values.dtype.kind != "O":
        return None
    if not all(v is None or isinstance(v, bool | int | float | np.number | np.bool_) for v in values):
        return None
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _texts(values: Array) -> NDArray[np.str_]:
    """Return values as text, with the empty string for what is missing."""
    return np.array(["" if v is None or v != v else str(v) for v in values.tolist()], dtype=np.str_)  # noqa: PLR0124
