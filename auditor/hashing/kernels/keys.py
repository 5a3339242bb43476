"""Twins of how keys of bands are made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import compiled, frozen, over_rows
from auditor.hashing.kernels.mixing import mixed


def band_keys(signatures: NDArray[np.uint32], entries: NDArray[np.int64], out: NDArray[np.uint64]) -> None:
    """Make one key for each row of `signatures`, shape (n, length), from some entries, into `out`, shape (n,)."""
    signatures, entries = frozen(signatures), frozen(np.ascontiguousarray(entries, dtype=np.int64))

    def work(low: int, high: int) -> None:
        _band_keys(signatures[low:high], entries, out[low:high])

    over_rows(work, len(out), len(out) * entries.size)


@compiled
def _band_keys(signatures: Any, entries: Any, out: Any) -> None:
    for i in range(signatures.shape[0]):
        key = uint64(0)
        for column in entries:
            key = mixed(key + uint64(signatures[i, column]))
        out[i] = key


def coordinate_keys(
    block: NDArray[np.float32],
    width: NDArray[np.float32],
    *,
    shift: NDArray[np.float32],
    factors: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None:
    """Make one key for each point of `block`, shape (n, k), from the steps its coordinates lie in, into `out`.

    A step is ``floor(block / width + shift)``; `width`, `shift` and `factors` have one value for each coordinate.
    """
    block, width, shift, factors = (
        frozen(np.ascontiguousarray(part)) for part in (block, width, shift, factors)
    )

    def work(low: int, high: int) -> None:
        _coordinate_keys(block[low:high], width, shift, factors, out[low:high])

    over_rows(work, len(out), block.size)


@compiled
def _coordinate_keys(block: Any, width: Any, shift: Any, factors: Any, out: Any) -> None:
    for i in range(block.shape[0]):
        key = uint64(0)
        for k in range(block.shape[1]):
            step = np.int64(np.floor(np.float32(np.float32(block[i, k] / width[k]) + shift[k])))
            key += uint64(step) * factors[k]
        out[i] = mixed(key)
