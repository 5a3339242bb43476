"""Twins of `auditor.hashing.mix.hash_vectors`, and of it after `auditor.hashing.mix.canonical` for floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32, uint64
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import compiled, frozen, inlined, over_rows
from auditor.hashing.kernels.mixing import mixed

Hashes = NDArray[np.uint64]

LANES = 8
"""Words that are hashed at once: at least as many as any machine can."""

NARROW = 96
"""Numbers of 32 bits up to which rows are made canonical together: sums along short rows are what compilers do worst."""

PART = 4096
"""Numbers of 32 bits made canonical at a time: they stay in the nearest cache."""


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
    if rows.dtype.itemsize == 4 and rows.shape[1] <= NARROW:
        _whole_lanes(rows.view(np.uint32), keys, out)
        return
    body: Any = _digests64 if rows.dtype.itemsize == 8 else _wide32
    bits, keys = frozen(rows.view(np.dtype(f"u{rows.dtype.itemsize}"))), frozen(keys)
    over_rows(lambda low, high: body(bits[low:high], keys, out[low:high]), len(rows), rows.size)


def _whole_lanes(bits: NDArray[np.uint32], keys: Hashes, out: Hashes) -> None:
    """Hash short rows of float32, a multiple of `LANES` words at a time.

    What follows a row is read with it, and multiplied with 0. The last rows, which have nothing behind them, are
    copied.
    """
    n, d = bits.shape
    padded, used = np.zeros((2, -(-keys.size // LANES) * LANES), dtype=np.uint64)
    padded[: keys.size], used[: keys.size] = keys, 0xFFFFFFFF
    padded, used = frozen(padded), frozen(used)
    span = 2 * padded.size
    whole = max(0, n - -(-span // d))
    values = frozen(bits.reshape(-1))

    def work(low: int, high: int) -> None:
        _digests32(values[low * d :], d, padded, used, out[low:high])

    if whole:
        over_rows(work, whole, whole * d)
    last = np.zeros((n - whole) * d + span, dtype=np.uint32)
    last[: (n - whole) * d] = bits[whole:].reshape(-1)
    _digests32(frozen(last), d, padded, used, out[whole:])


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


@inlined
def _canonical32(bits: Any, made: Any) -> None:
    """Write the bits of float32 with no minus zero and one NaN."""
    for j in range(bits.size):
        value = bits[j]
        size = value & uint32(0x7FFFFFFF)
        value = uint32(0) if size == uint32(0) else value
        made[j] = uint32(0x7FC00000) if size > uint32(0x7F800000) else value


@inlined
def _canonical_rows(bits: Any, d: Any, stride: Any, made: Any, n: Any) -> None:
    """Write `n` rows one after another, a row of an odd number with 0 for the second half of its last word."""
    if d == stride:
        _canonical32(bits[: n * d], made[: n * d])
        return
    for i in range(n):
        _canonical32(bits[i * d : i * d + stride], made[i * stride : (i + 1) * stride])
        made[i * stride + d] = uint32(0)


@inlined
def _sums(words: Any, stride: Any, keys: Any, used: Any, out: Any) -> None:
    low, half = uint64(0xFFFFFFFF), uint64(32)
    for i in range(out.size):
        row = words[i * stride : i * stride + keys.size]
        total = uint64(0)
        for k in range(keys.size):
            keyed = row[k] + keys[k]
            total += (keyed & used[k] & low) * (keyed >> half)
        out[i] = total


@compiled
def _digests32(bits: Any, d: Any, keys: Any, used: Any, out: Any) -> None:
    """Hash rows of float32: some are made canonical, side by side, then read again by words."""
    stride = d if d % 2 == 0 else 2 * keys.size
    step = max(8, min(64, PART // stride // 8 * 8))
    made = np.zeros(step * stride + 2 * keys.size, dtype=np.uint32)
    words = made.view(np.uint64)
    for start in range(0, out.size, step):
        n = min(step, out.size - start)
        _canonical_rows(bits[start * d :], d, stride, made, n)
        part = out[start : start + n]
        if d <= 2:
            for i in range(n):
                part[i] = words[i * stride // 2] + keys[0]
        else:
            _sums(words, stride // 2, keys, used, part)
        for i in range(n):
            part[i] = mixed(part[i])


@compiled
def _wide32(bits: Any, keys: Any, out: Any) -> None:
    low, half = uint64(0xFFFFFFFF), uint64(32)
    d = bits.shape[1]
    made = np.zeros(PART, dtype=np.uint32)
    words = made.view(np.uint64)
    for i in range(out.size):
        total = uint64(0)
        for start in range(0, d, PART):
            n = min(PART, d - start)
            _canonical32(bits[i, start : start + n], made[:n])
            if n % 2:
                made[n] = uint32(0)
            part = keys[start // 2 : (start + n + 1) // 2]
            for k in range(part.size):
                keyed = words[k] + part[k]
                total += (keyed & low) * (keyed >> half)
        out[i] = mixed(total)
