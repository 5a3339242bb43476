"""The same rows, rounded otherwise: what arithmetic alone may do to a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.rows import with_numbers


def rounded(rows: Any, rng: np.random.Generator) -> Any:
    """Return rows whose fractional values are moved by at most one unit in the last place.

    Equal values stay equal, and whole numbers stay as they are, so that categories and ties survive. Rows
    that hold no numbers come back as they are.
    """
    salt = np.uint64(rng.integers(1, 2**63))
    shaken = with_numbers(rows, lambda values: _shaken(values, salt))
    return rows if shaken is None else shaken


def _shaken(values: NDArray[Any], salt: np.uint64) -> NDArray[Any]:
    if values.dtype.kind != "f":
        return values
    eps = float(np.finfo(values.dtype).eps)
    # 32 bits are draw enough, and half as much to compute on.
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = np.ascontiguousarray(values, dtype=np.float32 if values.itemsize <= 4 else np.float64)
        bits = narrow.view(np.uint32).reshape(*values.shape, -1)
        mixed = (bits[..., 0] ^ bits[..., -1]) * np.uint32(0x9E3779B1) + np.uint32(
            salt & np.uint64(0xFFFFFFFF)
        )
        mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x85EBCA6B)
        draw = (mixed >> np.uint32(8)).astype(narrow.dtype) * (2.0**-23) - 1
        moved = narrow * (1 + narrow.dtype.type(eps) * draw.astype(narrow.dtype))
        return np.where(np.isfinite(narrow) & (narrow != np.rint(narrow)), moved, narrow)
