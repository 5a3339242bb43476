"""Twins of `auditor.hashing.mix.hash_vectors`, and of it after `auditor.hashing.mix.canonical` for floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import compiled, frozen, over_rows
from auditor.hashing.kernels.mixing import mixed

Hashes = NDArray[np.uint64]


def hash_words(words: Hashes, keys: Hashes, out: Hashes) -> None:
    """Hash the rows of `words`, shape (n, w), with w keys, into `out`, shape (n,)."""
    words, keys = frozen(words), frozen(keys)
    over_rows(lambda low, high: _hash_words(words[low:high], keys, out[low:high]), len(words), words.size)


@compiled
def _hash_words(words: Any, keys: Any, out: Any) -> None:
    n, width = words.shape
    low = uint64(0xFFFFFFFF)
    half = uint64(32)
    for i in range(n):
        total = uint64(0)
        if width == 1:
            total = words[i, 0] + keys[0]
        else:
            for k in range(width):
                keyed = words[i, k] + keys[k]
                total += (keyed & low) * (keyed >> half)
        out[i] = mixed(total)


def float_digests(rows: NDArray[np.floating[Any]], keys: Hashes, out: Hashes) -> None:
    """Hash contiguous rows of float32 or float64, shape (n, d), made canonical, into `out`, shape (n,).

    `keys` are as many as a row has words of 64 bits, the last one filled up with zeros.
    """
    keys = frozen(keys)
    body: Any = _digests64
    if rows.dtype.itemsize == 4:
        body = _digests32 if rows.shape[1] % 2 else _digests_pairs
    bits = frozen(rows.view(np.uint32 if body is _digests32 else np.uint64))
    over_rows(lambda low, high: body(bits[low:high], keys, out[low:high]), len(rows), rows.size)


@compiled
def _digests64(bits: Any, keys: Any, out: Any) -> None:
    n, width = bits.shape
    low = uint64(0xFFFFFFFF)
    half = uint64(32)
    sign = uint64(0x8000000000000000)
    infinity = uint64(0x7FF0000000000000)
    missing = uint64(0x7FF8000000000000)
    for i in range(n):
        total = uint64(0)
        for k in range(width):
            word = bits[i, k]
            size = word & ~sign
            word = uint64(0) if size == uint64(0) else word
            word = missing if size > infinity else word
            keyed = word + keys[k]
            total += keyed if width == 1 else (keyed & low) * (keyed >> half)
        out[i] = mixed(total)


@compiled
def _digests_pairs(words: Any, keys: Any, out: Any) -> None:
    """Hash rows of an even number of float32, two in a word."""
    n, width = words.shape
    low = uint64(0xFFFFFFFF)
    half = uint64(32)
    for i in range(n):
        total = uint64(0)
        for k in range(width):
            word = words[i, k]
            first = word & low
            second = word >> half
            size = first & uint64(0x7FFFFFFF)
            first = uint64(0) if size == uint64(0) else first
            first = uint64(0x7FC00000) if size > uint64(0x7F800000) else first
            size = second & uint64(0x7FFFFFFF)
            second = uint64(0) if size == uint64(0) else second
            second = uint64(0x7FC00000) if size > uint64(0x7F800000) else second
            keyed = (first | (second << half)) + keys[k]
            total += keyed if width == 1 else (keyed & low) * (keyed >> half)
        out[i] = mixed(total)


@compiled
def _digests32(bits: Any, keys: Any, out: Any) -> None:
    n, d = bits.shape
    width = (d + 1) // 2
    pairs = d // 2
    low = uint64(0xFFFFFFFF)
    half = uint64(32)
    for i in range(n):
        total = uint64(0)
        for k in range(pairs):
            first = np.uint32(bits[i, 2 * k])
            second = np.uint32(bits[i, 2 * k + 1])
            size = np.uint32(first & np.uint32(0x7FFFFFFF))
            first = np.uint32(0) if size == np.uint32(0) else first
            first = np.uint32(0x7FC00000) if size > np.uint32(0x7F800000) else first
            size = np.uint32(second & np.uint32(0x7FFFFFFF))
            second = np.uint32(0) if size == np.uint32(0) else second
            second = np.uint32(0x7FC00000) if size > np.uint32(0x7F800000) else second
            keyed = (uint64(first) | (uint64(second) << half)) + keys[k]
            total += keyed if width == 1 else (keyed & low) * (keyed >> half)
        if pairs < width:
            last = np.uint32(bits[i, d - 1])
            size = np.uint32(last & np.uint32(0x7FFFFFFF))
            last = np.uint32(0) if size == np.uint32(0) else last
            last = np.uint32(0x7FC00000) if size > np.uint32(0x7F800000) else last
            keyed = uint64(last) + keys[pairs]
            total += keyed if width == 1 else (keyed & low) * (keyed >> half)
        out[i] = mixed(total)
