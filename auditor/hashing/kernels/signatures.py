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

BIN_START = 64
"""Tokens hashed in the time it takes to begin with another bin."""

LINE = 64
"""Bytes of a line of the cache."""


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


@inlined
def _hashes(ids: Any, key: Any, length: Any, place: Any, token: Any) -> None:
    """Write the bin of each token, and its hash."""
    half = uint64(32)
    for t in range(ids.size):
        value = mixed(ids[t] + key)
        place[t] = uint32(((value >> half) * length) >> half)
        token[t] = uint32(value)


@compiled
def _one_permutation(  # noqa: PLR0917 - kernels are called by position
    ids: Any, starts: Any, key: Any, donors: Any, multiply: Any, add: Any, out: Any
) -> None:
    n, length = out.shape
    empty, largest = uint32(0xFFFFFFFF), uint32(0xFFFFFFFE)
    most = 0
    for i in range(n):
        most = max(most, starts[i + 1] - starts[i])
    place, token = np.empty(most, dtype=np.uint32), np.empty(most, dtype=np.uint32)
    bins, lacking = np.empty(length, dtype=np.uint32), np.empty(length + 1, dtype=np.uint32)
    for i in range(n):
        size = starts[i + 1] - starts[i]
        _hashes(ids[starts[i] : starts[i + 1]], key, uint64(length), place, token)
        bins[:] = empty
        for t in range(size):
            bins[place[t]] = min(bins[place[t]], token[t], largest)
        missing = 0
        for j in range(length):
            out[i, j] = bins[j]
            lacking[missing] = j
            missing += bins[j] == empty
        if size == 0:
            continue
        for attempt in range(donors.shape[0]):
            left = 0
            for k in range(missing):
                j = lacking[k]
                value = bins[donors[attempt, j]]
                out[i, j] = value
                lacking[left] = j
                left += value == empty
            missing = left
        if missing:
            _hashed_again(token[:size], lacking[:missing], multiply, add, bins, out[i])


@inlined
def _hashed_again(  # noqa: PLR0917 - as kernels
    token: Any, lacking: Any, multiply: Any, add: Any, least: Any, out: Any
) -> None:
    """Write the least new hash of the tokens to bins that lack one: bin by bin, or all at once where they are many."""
    if lacking.size * (token.size + BIN_START) <= token.size * out.size:
        for k in range(lacking.size):
            j = lacking[k]
            factor, summand, best = multiply[j], add[j], uint32(0xFFFFFFFF)
            for t in range(token.size):
                best = min(best, uint32(uint32(token[t] * factor) + summand))
            out[j] = _finished(best)
        return
    least[:] = uint32(0xFFFFFFFF)
    for t in range(token.size):
        value = token[t]
        for j in range(least.size):
            least[j] = min(least[j], uint32(uint32(value * multiply[j]) + add[j]))
    for k in range(lacking.size):
        out[lacking[k]] = _finished(least[lacking[k]])


def grouped(
    codes: NDArray[Any], order: Numbers, multiply: Signatures, *, add: Signatures, run: int, out: Signatures
) -> None:
    """Sign rows of codes, shape (n, d), into `out`, shape (n, length).

    `order` has the features as they are dealt, in runs of `run` neighbours as far as there are whole ones.
    """
    multiply, add = frozen(_aligned(multiply)), frozen(_aligned(add))
    as_words = codes.dtype == np.uint8 and run == 8 and codes.shape[1] % 8 == 0
    dealt = frozen((order[::8] // 8 if as_words else order).astype(np.uint64))
    made = out if out.flags.c_contiguous else np.empty_like(out, order="C")
    step = max(1, BLOCK_VALUES // codes.shape[1])

    def work(low: int, high: int) -> None:
        best = _aligned(np.zeros(out.shape[1], dtype=np.uint32))
        row = _aligned(np.zeros(codes.shape[1], dtype=np.uint8 if as_words else np.uint32))
        for start in range(low, high, step):
            stop = min(high, start + step)
            block = codes[start:stop]
            if as_words:
                words = np.ascontiguousarray(block).view(np.uint64)
                _grouped_words(frozen(words), dealt, multiply, add, row, best, made[start:stop])
            else:
                values = frozen(block.astype(np.uint32))
                _grouped(values, dealt, multiply, add, row, best, made[start:stop])

    over_rows(work, len(out), codes.size)
    if made is not out:
        out[:] = made


def _aligned(values: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that begins where a line of the cache does: vectors across two of them take twice the time."""
    held = np.empty(values.nbytes + LINE, dtype=np.uint8)
    first = -held.ctypes.data % LINE
    copy = held[first : first + values.nbytes].view(values.dtype)
    copy[:] = values
    return copy


@inlined
def _least(dealt: Any, multiply: Any, add: Any, best: Any, out: Any) -> None:
    """Write the least hash of each group, mixed, into `out`; `best` is for work.

    Three features of a group at a time spare most reads and writes of what is least so far.
    """
    d = dealt.size
    length = best.size
    for j in range(length):
        best[j] = uint32(0xFFFFFFFF)
    first = 0
    while first + 3 * length <= d:
        middle, last, end = first + length, first + 2 * length, first + 3 * length
        a0, b0, c0 = dealt[first:middle], multiply[first:middle], add[first:middle]
        a1, b1, c1 = dealt[middle:last], multiply[middle:last], add[middle:last]
        a2, b2, c2 = dealt[last:end], multiply[last:end], add[last:end]
        for j in range(length):
            x = uint32(uint32(uint32(a0[j]) * b0[j]) + c0[j])
            y = uint32(uint32(uint32(a1[j]) * b1[j]) + c1[j])
            z = uint32(uint32(uint32(a2[j]) * b2[j]) + c2[j])
            best[j] = min(best[j], x, y, z)
        first = end
    while first < d:
        width = min(length, d - first)
        a, b, c = dealt[first : first + width], multiply[first : first + width], add[first : first + width]
        for j in range(width):
            best[j] = min(best[j], uint32(uint32(uint32(a[j]) * b[j]) + c[j]))
        first += length
    for j in range(length):
        out[j] = _finished(best[j])


@compiled
def _grouped_words(  # noqa: PLR0917 - kernels are called by position
    words: Any, runs: Any, multiply: Any, add: Any, dealt: Any, best: Any, out: Any
) -> None:
    n, width = words.shape
    moved = dealt.view(np.uint64)
    for i in range(n):
        row = words[i]
        for k in range(width):
            moved[k] = row[runs[k]]
        _least(dealt, multiply, add, best, out[i])


@compiled
def _grouped(  # noqa: PLR0917 - kernels are called by position
    codes: Any, order: Any, multiply: Any, add: Any, dealt: Any, best: Any, out: Any
) -> None:
    n, d = codes.shape
    for i in range(n):
        row = codes[i]
        for k in range(d):
            dealt[k] = uint32(row[order[k]])
        _least(dealt, multiply, add, best, out[i])
