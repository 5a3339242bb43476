"""Rows that are sets: sparse matrices, texts, lists of tokens, flags and categories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.hashing.shingles import from_strings
from auditor.hashing.tokens import (
    Tokens,
    background,
    from_binary,
    from_sets,
    from_sparse,
    from_values,
    value_dtype,
)
from auditor.sources.arrays import is_sparse

FLAG_COLUMNS = 8
"""Columns of zeros and ones from which on an array of whole numbers is taken for sets."""

PEEKED = 64
"""Items looked at to tell what a list holds."""


def listed(value: Any) -> str:
    """Return ``"texts"`` or ``"tokens"`` for a list of such, ``""`` for anything else.

    Examples
    --------
    >>> listed(["a b", "c"]), listed([{1, 2}, {3}]), listed([["a", "b"], []]), listed([[1, 2]])
    ('texts', 'tokens', 'tokens', '')
    """
    if isinstance(value, list | tuple):
        items = list(value[:PEEKED])
    elif getattr(value, "ndim", 0) == 1 and str(getattr(value, "dtype", "")).lower().startswith(
        ("obj", "<u", "str")
    ):
        items = [
            value.iloc[k] if hasattr(value, "iloc") else value[k] for k in range(min(len(value), PEEKED))
        ]
    else:
        return ""
    if items and all(isinstance(item, str) for item in items):
        return "texts"
    if items and all(isinstance(item, set | frozenset) for item in items):
        return "tokens"
    if items and all(isinstance(item, list | tuple | set | frozenset) for item in items):
        return "tokens" if any(isinstance(token, str | bytes) for item in items for token in item) else ""
    return ""


def only_flags(array: NDArray[Any]) -> bool:
    """Whether an array holds nothing but zeros and ones, and stands for sets: booleans, or whole numbers in many columns."""
    if array.dtype.kind == "b":
        return True
    if array.dtype.kind not in "iu" or not array.size or array[0].size < FLAG_COLUMNS:
        return False
    some = array[:: max(1, len(array) // 1024)]
    return bool(some.min() >= 0 and some.max() <= 1 and array.min() >= 0 and array.max() <= 1)


def read_sets(
    X: Any, Y: Any, arrays: tuple[NDArray[Any], NDArray[Any] | None] | None
) -> tuple[Tokens, Tokens | None]:
    """Return the rows of one or two inputs as sets of tokens that can be compared.

    Parameters
    ----------
    X, Y : object
        As the user passed them; Y may be None.
    arrays : tuple of ndarray, optional
        Both as arrays, where they are arrays or data frames: zeros and ones become the sets of columns that are one,
        other values pairs of column and value, without values that most rows share.

    Raises
    ------
    InputError
        If the two are not of one kind, or of different width.
    """
    given = [X] if Y is None else [X, Y]
    kinds = {"sparse" if is_sparse(part) else listed(part) for part in given if _counts(part)}
    if arrays is not None:
        made = _from_arrays([part for part in arrays if part is not None])
    elif len(kinds) > 1:
        raise InputError(
            f"X and Y are of different kinds: {' and '.join(sorted(kind or 'array' for kind in kinds))}.",
            hint="pass both as one kind.",
        )
    elif kinds == {"sparse"}:
        widths = {int(part.shape[1]) for part in given}
        if len(widths) > 1:
            raise InputError(
                f"X and Y have {' and '.join(map(str, sorted(widths)))} columns.", hint="use one encoder."
            )
        made = [from_sparse(part) for part in given]
    elif kinds == {"texts"}:
        made = [from_strings([_text(text, row) for row, text in enumerate(part)]) for part in given]
    else:
        made = [_from_lists(part) for part in given]
    return made[0], made[1] if len(made) > 1 else None


def _counts(part: Any) -> bool:
    return is_sparse(part) or len(part) > 0


def _text(value: Any, row: int) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"row {row} is a {type(value).__name__} among texts.", hint="leave missing texts out, or pass ''."
        )
    return value


def _from_lists(rows: Any) -> Tokens:
    try:
        return from_sets(rows)
    except TypeError as error:
        raise InputError(
            f"rows are not sets of tokens: {error}.", hint="pass a list of sets of strings."
        ) from None


def _from_arrays(parts: list[NDArray[Any]]) -> list[Tokens]:
    flats = [part.reshape(len(part), int(np.prod(part.shape[1:], dtype=np.int64))) for part in parts]
    if all(_zeros_and_ones(flat) for flat in flats):
        return [from_binary(flat) for flat in flats]
    dtype = value_dtype(*(flat.dtype for flat in flats))
    dropped = background(flats[0], dtype)
    return [from_values(flat, dropped, dtype) for flat in flats]


def _zeros_and_ones(flat: NDArray[Any]) -> bool:
    step = max(1, 2**20 // max(1, flat.shape[1]))
    blocks = (flat[start : start + step] for start in range(0, len(flat), step))
    return all(bool(((block == 0) | (block == 1)).all()) for block in blocks)
