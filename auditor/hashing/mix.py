"""Hashes of short vectors: many at a time, equal for equal values, mixed beyond linearity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from auditor.hashing.kernels import twin

HASH_BYTES = 2**20
"""Bytes of vectors hashed at a time: temporaries stay in cache."""

NARROW = 6
"""Words up to which a loop over words beats a sum along short rows."""

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_FIRST = np.uint64(0xFF51AFD7ED558CCD)
_SECOND = np.uint64(0xC4CEB9FE1A85EC53)
_STEP = np.uint64(0x9E3779B97F4A7C15)


def common_dtype(first: DTypeLike, second: DTypeLike) -> np.dtype[Any]:
    """Return the type in which equal values of two arrays have equal bits.

    Two floats meet in the narrower one, since one array may be the other, stored in fewer bits; whole
    numbers and floats meet in the float; whole numbers in a type that holds both.

    Examples
    --------
    >>> common_dtype(np.float32, np.float64), common_dtype(np.uint8, np.float32)
    (dtype('float32'), dtype('float32'))
    """
    a, b = np.dtype(first), np.dtype(second)
    floats = [t for t in (a, b) if t.kind == "f"]
    if floats:
        return min(floats, key=lambda t: t.itemsize)
    joint = np.result_type(a, b)
    return np.dtype(np.uint8) if joint.kind == "b" else joint


def canonical(values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return `values` as contiguous `dtype` in which equal values have equal bits.

    Minus zero becomes zero, and every NaN the same NaN. A new array where anything had to change.

    Examples
    --------
    >>> canonical(np.array([-0.0]), np.float64).view(np.uint64)
    array([0], dtype=uint64)
    """
    target = np.dtype(dtype)
    if target.kind != "f":
        return np.ascontiguousarray(values, dtype=target)
    cast = np.empty(values.shape, dtype=target)
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # a float64 beyond the narrower type's range is infinite there
        np.add(values, target.type(0), out=cast, casting="unsafe")
    missing = np.isnan(cast)
    if missing.any():
        cast[missing] = np.nan
    return cast


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix 64-bit numbers in place, so that each bit depends on all; a bijection. Returns `values`.

    The finalizer of MurmurHash3 (Appleby, 2011).
    """
    values ^= values >> np.uint64(33)
    values *= _FIRST
    values ^= values >> np.uint64(33)
    values *= _SECOND
    values ^= values >> np.uint64(33)
    return values


def join(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hashes of concatenations from the hashes of their two parts; order matters.

    The left part is mixed first: a multiple of it would meet its mirror image wherever the two parts
    differ by a power of two that the multiplier's low bits cannot tell.
    """
    return mix(mix(left + _STEP) * _STEP + right)


def hash_vectors(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Return one 64-bit hash for each vector along the last axis of canonical `values`.

    Parameters
    ----------
    values : ndarray, shape (..., w)
        Contiguous, as `canonical` returns them.

    Returns
    -------
    ndarray of uint64, shape (...)

    Notes
    -----
    NH of Black et al. (UMAC, 1999): the sum over 64-bit words of the product of their keyed halves, which
    no fixed pair of inputs makes collide for more than 2**-32 of the keys, mixed once more. Changing two
    features never cancels, as it does under a linear hash.
    """
    words = _words(values.reshape(-1, values.shape[-1]))
    n, width = words.shape
    keys = word_keys(width)
    hashes = np.zeros(n, dtype=np.uint64)
    kernel = twin("hash_words", words.size)
    if kernel is not None:
        kernel(words, keys, hashes)
        return hashes.reshape(values.shape[:-1])
    step = max(1, HASH_BYTES // (8 * width))
    tiled = np.tile(keys, min(step, n) if width > NARROW else 0)
    for start in range(0, n, step):
        block, part = words[start : start + step], hashes[start : start + step]
        if width == 1:  # a product of halves loses bits that one word alone cannot spare
            part += block[:, 0] + keys[0]
        elif width <= NARROW:
            for k in range(width):
                keyed = block[:, k] + keys[k]
                part += (keyed & _LOW) * (keyed >> _HALF)
        else:
            high = (block.reshape(-1) + tiled[: block.size]).reshape(block.shape)
            low = high & _LOW
            high >>= _HALF
            np.einsum("ij,ij->i", low, high, out=part)
        mix(part)
    return hashes.reshape(values.shape[:-1])


def _words(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """Return rows as 64-bit words, padded with zeros."""
    size = rows.shape[1] * rows.dtype.itemsize
    if size % 8 == 0:
        return rows.view(np.uint64)
    if rows.shape[1] == 1:
        return rows.view(np.dtype(f"u{rows.dtype.itemsize}")).astype(np.uint64)
    padded = np.zeros((rows.shape[0], -(-size // 8) * 8), dtype=np.uint8)
    padded[:, :size] = rows.view(np.uint8)
    return padded.view(np.uint64)


def word_keys(n: int) -> NDArray[np.uint64]:
    """Return `n` fixed odd keys, one for each word of a vector."""
    return mix(np.arange(1, n + 1, dtype=np.uint64) * _STEP) | np.uint64(1)
