"""The mixer of `auditor.hashing.mix`, for one number at a time."""

from __future__ import annotations

from typing import Any

from numba import uint64

from auditor.hashing.kernels.compiling import inlined


@inlined
def mixed(value: Any) -> Any:
    """Return the number mixed, as `auditor.hashing.mix.mix` does."""
    value = uint64(value)
    value ^= value >> uint64(33)
    value *= uint64(0xFF51AFD7ED558CCD)
    value ^= value >> uint64(33)
    value *= uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> uint64(33)
    return value
