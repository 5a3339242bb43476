"""Digests of rows, and groups of equal rows: exact copies found in linear time.

Equality is of values, not of bytes: -0.0 equals 0.0, any NaN equals any NaN, and 7 is 7 in every dtype.
Equal digests only nominate; rows are grouped after they have been compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from auditor.hashing.kernels import twin
from auditor.hashing.mix import canonical, hash_vectors, join, word_keys

Rows = NDArray[Any]
Equal = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]

CHUNK_BYTES = 2**22
"""Bytes of rows made canonical at a time."""

BLOCK = 2**16
"""Digests worked on at a time: temporaries stay in cache."""

_EXACT_IN_FLOAT64 = 2**53
_TOP = 2.0**63


def exact_dtype(*dtypes: DTypeLike) -> np.dtype[Any]:
    """Return the dtype in which rows of all the given ones can be compared.

    It holds every value of each exactly, save that 64-bit integers among other types meet in float64;
    what that rounds away, `row_digests` and `representatives` keep beside it.

    Examples
    --------
    >>> exact_dtype(np.uint8, np.float32), exact_dtype(np.int32, np.float32), exact_dtype(bool)
    (dtype('float32'), dtype('float64'), dtype('uint8'))
    """
    return np.result_type(*(_plain(np.dtype(dtype)) for dtype in dtypes))


def _plain(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return bool as uint8, and float16, on which arithmetic is slow, as float32."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def row_digests(
    flat: Rows, dtype: DTypeLike = np.float64, out: NDArray[np.uint64] | None = None
) -> NDArray[np.uint64]:
    """Return a 64-bit digest of every row of `flat`, shape (n, d); equal rows have equal digests.

    Parameters
    ----------
    flat : ndarray of bool, integer or float, shape (n, d)
        Rows; contiguous or not.
    dtype : dtype
        As `exact_dtype` gives it for all arrays whose digests are to be compared. Under the default
        that is any.
    out : ndarray of uint64, shape (n,), optional
        Buffer to write to.

    Returns
    -------
    ndarray of uint64, shape (n,)

    Examples
    --------
    >>> a, b = row_digests(np.array([[7, 0]], dtype=np.uint8)), row_digests(np.array([[7.0, -0.0]]))
    >>> bool(a == b)
    True
    """
    digests = np.empty(flat.shape[0], dtype=np.uint64) if out is None else out
    if flat.shape[1] == 0:
        digests[:] = 0
        return digests
    kernel = _float_twin(flat, np.dtype(dtype))
    if kernel is not None:
        kernel(flat, word_keys(-(-flat.shape[1] * flat.dtype.itemsize // 8)), digests)
        return digests
    if _are_words(flat, np.dtype(dtype)):
        digests[:] = hash_vectors(flat)
        return digests
    for start, block in _chunks(flat):
        values, remainder = _exact(block, np.dtype(dtype))
        part = hash_vectors(values)
        if remainder is not None:
            rest = remainder.any(axis=1)
            part[rest] = join(part[rest], hash_vectors(remainder[rest]))
        digests[start : start + part.size] = part
    return digests


def _float_twin(flat: Rows, dtype: np.dtype[Any]) -> Callable[..., None] | None:
    """Return the compiled body that makes floats canonical and hashes them in one pass, where it can and repays."""
    suits = dtype in {np.dtype(np.float32), np.dtype(np.float64)} and flat.dtype == dtype
    return twin("float_digests", flat.size) if suits and flat.flags.c_contiguous else None


def _are_words(flat: Rows, dtype: np.dtype[Any]) -> bool:
    """Whether rows can be hashed as they stand: whole numbers that fill words."""
    whole = flat.dtype == dtype and dtype.kind in "iu" and flat.flags.c_contiguous
    return whole and flat.shape[1] * dtype.itemsize % 8 == 0


def representatives(parts: Sequence[Rows], dtype: DTypeLike | None = None) -> NDArray[np.int64]:
    """Return, for each row of the stacked arrays, the number of the first row equal to it.

    Time and memory are linear in the number of rows, however many are equal.

    Parameters
    ----------
    parts : sequence of ndarray, each of shape (n_k, d)
        Stacked in thought only.
    dtype : dtype, optional
        Type in which they are compared; `exact_dtype` of all by default.

    Returns
    -------
    ndarray of int64, shape (sum of n_k,)

    Examples
    --------
    >>> representatives([np.array([[1, 2], [3, 4]]), np.array([[3.0, 4.0], [5.0, 6.0]])])
    array([0, 1, 1, 3])
    """
    shared = exact_dtype(*(part.dtype for part in parts)) if dtype is None else np.dtype(dtype)
    edges = np.cumsum([0, *(part.shape[0] for part in parts)]).tolist()
    digests = np.empty(edges[-1], dtype=np.uint64)
    for part, low, high in zip(parts, edges[:-1], edges[1:], strict=True):
        row_digests(part, shared, digests[low:high])
    return first_equal(digests, lambda left, right: _equal(parts, left, right, shared))


def first_equal(digests: NDArray[np.uint64], equal: Equal) -> NDArray[np.int64]:
    """Return, for each row, the number of the first row equal to it.

    Parameters
    ----------
    digests : ndarray of uint64, shape (n,)
        Equal where rows are. Overwritten by the answer.
    equal : callable
        Tells for two arrays of row numbers which of the pairs are equal.
    """
    rows, starts = _runs(digests)
    first = digests.view(np.int64)
    for start in range(0, first.size, BLOCK):
        first[start : start + BLOCK] = np.arange(start, min(start + BLOCK, first.size))
    while rows.size:  # once, unless digests of different rows agree: then once per different row of a run
        leaders = rows[starts]
        same = equal(leaders, rows)
        if same.all():
            first[rows] = leaders
            break
        first[rows[same]] = leaders[same]
        rows, starts = rows[~same], _starts(starts[~same])
    return first


def exact_bits(flat: Rows, dtype: DTypeLike) -> NDArray[Any]:
    """Return values as unsigned integers that are equal where the values are, shape (n, d).

    Parameters
    ----------
    flat : ndarray, shape (n, d)
    dtype : dtype
        As `exact_dtype` gives it.

    Examples
    --------
    >>> exact_bits(np.array([[-0.0, 1.0]]), np.float64)[0, 0]
    np.uint64(0)
    """
    values = canonical(flat, dtype)
    return values.view(np.dtype(f"u{values.dtype.itemsize}"))


def _chunks(flat: Rows) -> Iterator[tuple[int, Rows]]:
    step = max(1, CHUNK_BYTES // (8 * max(1, flat.shape[1])))
    for start in range(0, flat.shape[0], step):
        yield start, flat[start : start + step]


def _runs(digests: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that share their digest's leading bits with another, and where each one's run starts."""
    kernel = twin("repeated", digests.size)
    if kernel is None:
        return _sorted_runs(digests)
    among = np.empty(digests.size, dtype=np.bool_)
    kernel(digests, among)
    suspects: NDArray[np.int64] = np.flatnonzero(among)
    rows, starts = _sorted_runs(digests[suspects])
    return suspects[rows], starts


def _sorted_runs(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the same by sorting, in place.

    Row numbers ride in the trailing bits of the digests, so that one plain sort groups rows and keeps
    their order, several times faster than an argsort.
    """
    n = keys.size
    bits = np.uint64(max(1, int(n - 1).bit_length()))
    numbers = (np.uint64(1) << bits) - np.uint64(1)
    blocks = [slice(start, min(n, start + BLOCK)) for start in range(0, n, BLOCK)]
    for block in blocks:
        keys[block] &= ~numbers
        keys[block] |= np.arange(block.start, block.stop, dtype=np.uint64)
    keys.sort()
    in_run = np.zeros(n, dtype=bool)
    for block in blocks:
        ahead = slice(block.start + 1, min(n, block.stop + 1))
        same = keys[ahead] ^ keys[block.start : ahead.stop - 1] <= numbers
        in_run[ahead] |= same
        in_run[block.start : ahead.stop - 1] |= same
    keys = keys[in_run]
    rows = (keys & numbers).astype(np.int64)
    return rows, _starts(keys >> bits)


def _starts(runs: NDArray[Any]) -> NDArray[np.int64]:
    """Return, for each position, the first position of its run of equal values."""
    fresh = np.ones(runs.size, dtype=bool)
    fresh[1:] = runs[1:] != runs[:-1]
    positions: NDArray[np.int64] = np.flatnonzero(fresh)
    owners: NDArray[np.int64] = positions[np.cumsum(fresh) - 1]
    return owners


def _equal(
    parts: Sequence[Rows], left: NDArray[np.int64], right: NDArray[np.int64], dtype: np.dtype[Any]
) -> NDArray[np.bool_]:
    """Compare stacked rows pair by pair."""
    equal: NDArray[np.bool_] = left == right
    pairs = np.flatnonzero(~equal)
    step = max(1, CHUNK_BYTES // (32 * max(1, parts[0].shape[1])))  # both sides, as they are and as bits
    for start in range(0, pairs.size, step):
        block = pairs[start : start + step]
        (a, a_rest), (b, b_rest) = (_gather(parts, side[block], dtype) for side in (left, right))
        equal[block] = (a == b).all(axis=1) & (a_rest == b_rest).all(axis=1)
    return equal


def _gather(
    parts: Sequence[Rows], rows: NDArray[np.int64], dtype: np.dtype[Any]
) -> tuple[NDArray[Any], NDArray[np.uint64]]:
    """Return the bits of stacked rows by number, and what rounding took from them."""
    values = np.empty((rows.size, parts[0].shape[1]), dtype=dtype)
    rest = np.zeros((rows.size, values.shape[1] if any(_rounds(p, dtype) for p in parts) else 0), np.uint64)
    edges = np.cumsum([0, *(part.shape[0] for part in parts)])
    for part, low, high in zip(parts, edges[:-1], edges[1:], strict=True):
        inside = (rows >= low) & (rows < high)
        values[inside], remainder = _exact(part[rows[inside] - low], dtype)
        if remainder is not None:
            rest[inside] = remainder
    return values.view(np.dtype(f"u{dtype.itemsize}")), rest


def _rounds(rows: Rows, dtype: np.dtype[Any]) -> bool:
    """Whether casting can round: 64-bit integers among floats."""
    return dtype.kind == "f" and rows.dtype.kind in "iu" and rows.dtype.itemsize == 8


def _exact(block: Rows, dtype: np.dtype[Any]) -> tuple[Rows, NDArray[np.uint64] | None]:
    """Return rows as canonical `dtype`, and what that rounded away; None where it is nothing.

    Only 64-bit integers beyond 2**53 are rounded. The remainder is taken modulo 2**64, in which signed
    and unsigned integers of one value agree.
    """
    values = canonical(block, dtype)
    if not _rounds(block, dtype):
        return values, None
    wide = values.astype(np.float64)
    if not wide.size or np.abs(wide).max() <= _EXACT_IN_FLOAT64:
        return values, None
    upper = wide >= _TOP
    wrapped = np.where(wide >= 2 * _TOP, -_TOP, np.where(upper, wide - _TOP, wide))
    rounded = wrapped.astype(np.int64).view(np.uint64) + np.where(upper, np.uint64(2**63), np.uint64(0))
    remainder = np.ascontiguousarray(block).view(np.uint64) - rounded
    return values, remainder if remainder.any() else None
