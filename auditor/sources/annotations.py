"""What stands beside the rows: labels, group ids and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from auditor._errors import InputError
from auditor.sources.arrays import Array, as_array, as_numbers
from auditor.sources.frames import is_frame
from auditor.sources.objects import is_nested, objects_as_dates, objects_as_numbers, objects_as_text


def as_labels(value: Any, name: str) -> Array:
    """Return labels as numbers or text, one entry per row.

    Parameters
    ----------
    value : array-like or data frame
        Shape (n,), (n, k) or (n, ...).
    name : str
        How the user calls it, for messages.

    Returns
    -------
    ndarray of bool, integer, float or str
        Read-only. Missing labels are NaN among numbers and the empty string among text.

    Raises
    ------
    InputError
        If it is no array of numbers or text with at least one dimension.
    """
    array = _values(value, name)
    if array.ndim == 0:
        raise InputError(
            f"{name} is a single value; wanted one label per row.", hint="pass an array of shape (n,)."
        )
    if array.dtype.kind == "U" and array.ndim > 1 and array[:1].size > 1:
        raise InputError(
            f"{name} holds text of shape {array.shape}; wanted one label per row.",
            hint="choose one column, or encode the labels as numbers.",
        )
    return _read_only(array if array.dtype.kind == "U" else as_numbers(array, name))


def as_groups(value: Any, name: str, n_rows: int) -> Array:
    """Return group ids, shape (n,), as numbers or text; read-only.

    Raises
    ------
    InputError
        If there is not one id per row.
    """
    array = _one_per_row(_values(value, name), name, n_rows)
    return _read_only(array if array.dtype.kind in "UmM" else as_numbers(array, name))


def as_times(value: Any, name: str, n_rows: int) -> Array:
    """Return times, shape (n,), as numbers or as datetime64 in microseconds; read-only.

    Text is read as ISO 8601 dates.

    Raises
    ------
    InputError
        If there is not one time per row, or text is no date.
    """
    array = _one_per_row(_values(value, name), name, n_rows)
    if array.dtype.kind == "U":
        array = _parsed(array, name)
    if array.dtype.kind == "M":
        return _read_only(array.astype("datetime64[us]"))
    return _read_only(as_numbers(array, name))


def check_same_kind(times: Mapping[str, Array | None]) -> None:
    """Raise where one split's times are dates and another's are numbers."""
    kinds = {name: array.dtype.kind == "M" for name, array in times.items() if array is not None}
    if len(set(kinds.values())) > 1:
        dates = next(name for name, is_date in kinds.items() if is_date)
        numbers = next(name for name, is_date in kinds.items() if not is_date)
        raise InputError(
            f"time_{dates} holds dates and time_{numbers} numbers: they cannot be compared.",
            hint="pass both as dates, or both as numbers on one scale.",
        )


def _values(value: Any, name: str) -> Array:
    """Return whatever came as numbers, dates or text of any shape."""
    if is_frame(value):
        value = value.to_numpy() if hasattr(value, "to_numpy") else value
    array = as_array(value, name)
    if array.dtype.kind == "O":
        array = _plain(array, name)
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "T":
        return objects_as_text(array.astype(object))
    if array.dtype.kind == "c" or (array.dtype.kind == "V" and array.dtype.names is not None):
        raise InputError(
            f"{name} has dtype {array.dtype}; wanted numbers or text.",
            hint="encode it as whole numbers first.",
        )
    return array


def _plain(array: Array, name: str) -> Array:
    items = array.ravel().tolist()
    if any(map(is_nested, items)):
        shapes = {np.shape(v) for v in items if isinstance(v, np.ndarray)}
        if len(shapes) == 1 and array.ndim == 1 and all(isinstance(v, np.ndarray) for v in items):
            return _values(np.stack(items), name)
        raise InputError(
            f"{name} holds sequences of different lengths.", hint="pad them, or pass one value per row."
        )
    numbers = objects_as_numbers(array)
    if numbers is not None:
        return numbers
    dates = objects_as_dates(array)
    return objects_as_text(array) if dates is None else dates


def _one_per_row(array: Array, name: str, n_rows: int) -> Array:
    if array.ndim > 1 and array.shape[0] == array.size:
        array = array.reshape(-1)
    if array.ndim != 1 or array.shape[0] != n_rows:
        split = name.split("_", 1)[1]
        raise InputError(
            f"{name} has shape {array.shape}; X_{split} has {n_rows:,} rows.",
            hint=f"pass one value per row of X_{split}, in the same order.",
        )
    return array


def _parsed(array: Array, name: str) -> Array:
    present = array != ""
    made = np.full(array.shape, np.datetime64("NaT", "us"))
    try:
        made[present] = array[present].astype("datetime64[us]")
    except ValueError:
        odd = next(text for text in array[present].tolist() if not _is_iso(text))
        raise InputError(
            f"{name} holds {odd!r}, which is no ISO 8601 date.",
            hint="parse it first, for example with pandas.to_datetime, or pass numbers.",
        ) from None
    return made


def _is_iso(text: str) -> bool:
    try:
        np.datetime64(text)
    except ValueError:
        return False
    return True


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view
