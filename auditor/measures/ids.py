"""Group ids of several splits on common ground, and row numbers that pass for ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def joint_ids(
    groups: Mapping[str, NDArray[Any]],
) -> tuple[NDArray[Any], dict[str, NDArray[np.int64]]]:
    """Return the distinct ids of all splits, and each row's position among them, -1 where it has none.

    Numbers are compared with numbers whatever their dtype. Where one split holds numbers and another
    text, text that writes a whole number (``"7"``, ``"007"``, ``"7.0"``) is read as that number.

    Examples
    --------
    >>> ids, codes = joint_ids({"train": np.array([1, 2]), "val": np.array(["2", "x"])})
    >>> ids.tolist(), codes["val"].tolist()
    (['1', '2', 'x'], [1, 2])
    """
    mixed = len({g.dtype.kind if g.dtype.kind in "UmM" else "number" for g in groups.values()}) > 1
    plain = {name: _as_text(g) if mixed else g for name, g in groups.items()}
    known = {name: _known(g) for name, g in plain.items()}
    ids = np.unique(np.concatenate([g[known[name]] for name, g in plain.items()]))
    codes = {}
    for name, g in plain.items():
        codes[name] = np.full(g.shape, -1, dtype=np.int64)
        codes[name][known[name]] = np.searchsorted(ids, g[known[name]])
    return ids, codes


def _known(groups: NDArray[Any]) -> NDArray[np.bool_]:
    if groups.dtype.kind == "f":
        return np.asarray(~np.isnan(groups))
    if groups.dtype.kind in "mM":
        return np.asarray(~np.isnat(groups))
    return np.asarray(groups != "") if groups.dtype.kind == "U" else np.ones(groups.shape, dtype=bool)


def _as_text(groups: NDArray[Any]) -> NDArray[np.str_]:
    """Return ids as text, whole numbers without sign of how they were written."""
    distinct, inverse = np.unique(groups, return_inverse=True)
    texts = [_whole(str(value).strip()) for value in distinct.tolist()]
    return np.array(texts, dtype=np.str_)[inverse.reshape(-1)] if texts else np.zeros(0, dtype=np.str_)


def _whole(text: str) -> str:
    if text == "nan":
        return ""
    match = re.fullmatch(r"([-+]?)0*(\d+)(\.0*)?", text)
    return text if match is None else match[1].replace("+", "") + match[2]


def are_row_numbers(ids: NDArray[Any]) -> bool:
    """Whether ids merely number the rows in their order, from 0 or from 1.

    Examples
    --------
    >>> are_row_numbers(np.arange(5)), are_row_numbers(np.array([0, 0, 1]))
    (True, False)
    """
    if ids.dtype.kind not in "iuf" or ids.size < 2 or ids[0] not in (0, 1):
        return False
    return np.array_equal(ids, np.arange(ids.size) + int(ids[0]))
