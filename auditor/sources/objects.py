"""Arrays of Python objects as numbers, dates or text: what lists with None and frame columns become."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBERS = (bool, int, float, Decimal, Fraction, np.number, np.bool_)
_DATES = (dt.date, np.datetime64)  # a datetime is a date


def is_missing(value: object) -> bool:
    """Whether a value stands for nothing: None, NaN, NaT, and the NA of pandas.

    Examples
    --------
    >>> [is_missing(v) for v in (None, float("nan"), np.datetime64("NaT", "D"), 0, "")]
    [True, True, True, False, False]
    """
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating | Decimal) and value != value  # noqa: PLR0124 - NaN


def is_nested(value: object) -> bool:
    """Whether a value is a row or a container of its own instead of one value."""
    return isinstance(value, list | tuple | dict | set | np.ndarray) or (
        hasattr(value, "__len__") and not isinstance(value, str | bytes) and getattr(value, "shape", ()) != ()
    )


def objects_as_numbers(values: NDArray[np.object_]) -> NDArray[Any] | None:
    """Return Python numbers as int64 or bool where all are, else as float64 with NaN for what is missing.

    None where anything else is among them.

    Examples
    --------
    >>> objects_as_numbers(np.array([1, None, 2.5], dtype=object))
    array([1. , nan, 2.5])
    """
    items = values.ravel().tolist()
    missing = [is_missing(v) for v in items]
    present = [v for v, gone in zip(items, missing, strict=True) if not gone]
    if not all(isinstance(v, _NUMBERS) for v in present):
        return None
    if present and len(present) == len(items) and all(isinstance(v, bool | np.bool_) for v in items):
        return np.array(items, dtype=np.bool_).reshape(values.shape)
    whole = all(isinstance(v, int | np.integer) and -(2**63) <= v < 2**63 for v in present)
    if whole and present and len(present) == len(items):
        return np.array(items, dtype=np.int64).reshape(values.shape)
    made = [np.nan if gone else _as_float(v) for v, gone in zip(items, missing, strict=True)]
    return np.array(made, dtype=np.float64).reshape(values.shape)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def objects_as_dates(values: NDArray[np.object_]) -> NDArray[np.datetime64] | None:
    """Return dates and times as datetime64 in microseconds, UTC where they know their zone.

    None where anything else is among them, or nothing is.
    """
    items = values.ravel().tolist()
    missing = [is_missing(v) for v in items]
    if all(missing):
        return None
    if not all(gone or isinstance(v, _DATES) for v, gone in zip(items, missing, strict=True)):
        return None
    made = ["NaT" if gone else _in_utc(v) for v, gone in zip(items, missing, strict=True)]
    return np.array(made, dtype="datetime64[us]").reshape(values.shape)


def _in_utc(value: Any) -> Any:
    """Return a date or time without its zone."""
    if isinstance(value, dt.datetime):
        return (value.astimezone(dt.UTC) if value.tzinfo is not None else value).replace(tzinfo=None)
    return value


def objects_as_text(values: NDArray[Any]) -> NDArray[np.str_]:
    """Return values as text, with the empty string for what is missing.

    Examples
    --------
    >>> objects_as_text(np.array(["a", None, 2], dtype=object)).tolist()
    ['a', '', '2']
    """
    texts = ["" if is_missing(v) else _text(v) for v in values.ravel().tolist()]
    return np.array(texts, dtype=np.str_).reshape(values.shape)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
