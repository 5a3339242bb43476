"""Twins of the bodies of `auditor.hashing.minhash`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32, uint64
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import compiled, frozen, inlined, over_rows
from auditor.hashing.kernels.mixing import mixed

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Signatures = NDArray[np.uint32]

BLOCK_VALUES = 2**20
"""Codes worked on at a time, where they have to be copied first."""


def one_permutation(
    ids: Hashes,
    starts: Numbers,
    key: np.uint64,
    *,
    donors: Numbers,
    multiply: Signatures,
    add: Signatures,
    out: Signatures,
) -> None:
    """Sign sets of tokens into `out`, shape (n, length).

    `key` is added to tokens, `donors` are the bins that an empty one tries, shape (attempts, length), and tokens are
    multiplied with and added to `multiply` and `add` where a bin hashes them for itself, shape (length,) each.
    """
    ids, starts, donors, multiply, add = (frozen(part) for part in (ids, starts, donors, multiply, add))
    made = out if out.flags.c_contiguous else np.empty_like(out, order="C")

    def work(low: int, high: int) -> None:
        _one_permutation(ids, starts[low : high + 1], key, donors, multiply, add, made[low:high])

    over_rows(work, len(out), ids.size + out.size)
    if made is not out:
        out[:] = made


@inlined
def _finished(value: Any) -> Any:
    value = uint32(uint32(value ^ (value >> uint32(15))) * uint32(0x85EBCA6B))
    return min(value, uint32(0xFFFFFFFE))


@compiled
def _one_permutation(  # noqa: PLR0917 - kernels are called by position
    ids: Any, starts: Any, key: Any, donors: Any, multiply: Any, add: Any, out: Any
) -> None:
    n, length = out.shape
    empty = uint32(0xFFFFFFFF)
    largest = uint32(0xFFFFFFFE)
    half = uint64(32)
    bins = np.empty(length, dtype=np.uint32)
    least = np.empty(length, dtype=np.uint32)
    for i in range(n):
        bins[:] = empty
        for at in range(starts[i], starts[i + 1]):
            value = mixed(ids[at] + key)
            place = ((value >> half) * uint64(length)) >> half
            bins[place] = min(bins[place], uint32(value), largest)
        missing = 0
        for j in range(length):
            best = bins[j]
            for attempt in range(donors.shape[0]):
                if best != empty:
                    break
                best = bins[donors[attempt, j]]
            missing += best == empty
            out[i, j] = best
        if missing == 0 or starts[i] == starts[i + 1]:
            continue
        least[:] = empty
        for at in range(starts[i], starts[i + 1]):
            token = uint32(mixed(ids[at] + key))
            for j in range(length):
                least[j] = min(least[j], uint32(uint32(token * multiply[j]) + add[j]))
        for j in range(length):
            if out[i, j] == empty:
                out[i, j] = _finished(least[j])


def grouped(
    codes: NDArray[Any], order: Numbers, multiply: Signatures, *, add: Signatures, run: int, out: Signatures
) -> None:
    """Sign rows of codes, shape (n, d), into `out`, shape (n, length).

    `order` has the features as they are dealt, in runs of `run` neighbours as far as there are whole ones.
    """
    multiply, add = frozen(multiply), frozen(add)
    as_words = codes.dtype == np.uint8 and run == 8 and codes.shape[1] % 8 == 0
    dealt = frozen((order[::8] // 8 if as_words else order).astype(np.uint64))
    made = out if out.flags.c_contiguous else np.empty_like(out, order="C")
    step = max(1, BLOCK_VALUES // codes.shape[1])

    def work(low: int, high: int) -> None:
        for start in range(low, high, step):
            stop = min(high, start + step)
            block = codes[start:stop]
            if as_words:
                words = np.ascontiguousarray(block).view(np.uint64)
                _grouped_words(frozen(words), dealt, multiply, add, made[start:stop])
            else:
                _grouped(frozen(block.astype(np.uint32)), dealt, multiply, add, made[start:stop])

    over_rows(work, len(out), codes.size)
    if made is not out:
        out[:] = made


@inlined
def _least(dealt: Any, multiply: Any, add: Any, best: Any) -> None:
    """Write the least hash of each group, mixed."""
    d = dealt.size
    length = best.size
    for j in range(length):
        best[j] = uint32(0xFFFFFFFF)
    first = 0
    while first + 2 * length <= d:  # two at a time spare half of the reads of what is least so far
        a, b, c = dealt[first : first + length], multiply[first : first + length], add[first : first + length]
        middle, last = first + length, first + 2 * length
        e, f, g = dealt[middle:last], multiply[middle:last], add[middle:last]
        for j in range(length):
            left = uint32(uint32(uint32(a[j]) * b[j]) + c[j])
            right = uint32(uint32(uint32(e[j]) * f[j]) + g[j])
            best[j] = min(best[j], left, right)
        first = last
    while first < d:
        width = min(length, d - first)
        a, b, c = dealt[first : first + width], multiply[first : first + width], add[first : first + width]
        for j in range(width):
            best[j] = min(best[j], uint32(uint32(uint32(a[j]) * b[j]) + c[j]))
        first += length
    for j in range(length):
        best[j] = _finished(best[j])


@compiled
def _grouped_words(words: Any, runs: Any, multiply: Any, add: Any, out: Any) -> None:
    n, width = words.shape
    dealt = np.empty(8 * width, dtype=np.uint8)
    moved = dealt.view(np.uint64)
    for i in range(n):
        row = words[i]
        for k in range(width):
            moved[k] = row[runs[k]]
        _least(dealt, multiply, add, out[i])


@compiled
def _grouped(codes: Any, order: Any, multiply: Any, add: Any, out: Any) -> None:
    n, d = codes.shape
    dealt = np.empty(d, dtype=np.uint32)
    for i in range(n):
        row = codes[i]
        for k in range(d):
            dealt[k] = uint32(row[order[k]])
        _least(dealt, multiply, add, out[i])
