"""Rows as sets of tokens: columns that are not zero, pairs of column and value, words.

A token is a number of 48 bits: the column itself, or a hash of what it stands for. Two arrays made by one function
with the same settings can be compared.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from auditor._errors import InputError
from auditor.hashing.mix import canonical, mix

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Weights = NDArray[np.float64]

BLOCK_VALUES = 2**20
"""Values read at a time."""

BACKGROUND = 0.5
"""A value that more than this share of the rows hold in a column says nothing, and is no token."""

SAMPLED = 4096
"""Rows on which the background, and how much a token tells, is found."""

TOKEN_BITS = 48
"""Bits of a token: a number of a row, or of a pair of rows, rides beside them in a sort."""

ROW_BITS = 64 - TOKEN_BITS
"""The other bits."""

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Sets of tokens.

    Attributes
    ----------
    starts : ndarray of int64, shape (n + 1,)
        Where the tokens of each row begin in `ids`, and the end.
    ids : ndarray of uint64
        Tokens, distinct and ascending within a row.
    weights : ndarray of float64, optional
        What each token counts, positive, the same wherever it occurs; every token counts 1 by default.
    """

    starts: Numbers
    ids: Hashes
    weights: Weights | None = None

    def __len__(self) -> int:
        return int(self.starts.size - 1)

    @property
    def sizes(self) -> Numbers:
        """Tokens of each row."""
        return np.diff(self.starts)

    @property
    def rows(self) -> Numbers:
        """The row of each token."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, rows: NDArray[np.integer[Any]]) -> Tokens:
        """Return the sets of some rows."""
        sizes = self.sizes[rows]
        ends = np.cumsum(sizes)
        places = np.repeat(self.starts[rows] - ends + sizes, sizes) + np.arange(int(sizes.sum()))
        weights = None if self.weights is None else self.weights[places]
        return Tokens(np.concatenate([[0], ends]), self.ids[places], weights)

    def blocks(self, tokens: int = BLOCK_VALUES) -> Iterator[tuple[int, int]]:
        """Yield consecutive ranges of rows that hold about `tokens` tokens and rows together, at least one row."""
        load = self.starts + np.arange(self.starts.size)
        start = 0
        while start < len(self):
            stop = max(start + 1, int(np.searchsorted(load, load[start] + tokens, "right")) - 1)
            yield start, stop
            start = stop


def from_columns(rows: NDArray[np.integer[Any]], columns: NDArray[np.integer[Any]], n: int) -> Tokens:
    """Return sets of columns from coordinates of what is not zero, in any order; `n` is the number of rows.

    Examples
    --------
    >>> sets = from_columns(np.array([0, 2, 0]), np.array([5, 1, 5]), 3)
    >>> sets.sizes.tolist(), sets.ids.tolist()
    ([1, 0, 1], [5, 1])
    """
    ids = _column_ids(columns)
    width = int(ids.max()).bit_length() if ids.size else 0
    if width + int(n).bit_length() <= 64:
        word = (rows.astype(np.uint64) << np.uint64(width)) | ids
        word.sort()
        word = word[_fresh(word)]
        rows, ids = (word >> np.uint64(width)).astype(np.int64), word & np.uint64((1 << width) - 1)
        return Tokens(np.searchsorted(rows, np.arange(n + 1)), ids)
    order = np.lexsort((ids, rows))
    rows, ids = rows[order], ids[order]
    new = _fresh(rows) | _fresh(ids)
    return Tokens(np.searchsorted(rows[new], np.arange(n + 1)), ids[new])


def _column_ids(columns: NDArray[np.integer[Any]]) -> Hashes:
    if columns.size and int(columns.max()) >> TOKEN_BITS:
        raise InputError(f"Column {int(columns.max())} is beyond {TOKEN_BITS} bits.")
    return columns.astype(np.uint64)


def from_sparse(matrix: Any) -> Tokens:
    """Return the sets of columns of a SciPy sparse array or matrix that are neither zero nor missing.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from_sparse(csr_array(np.array([[0, 3, 0], [1, 0, np.nan]]))).ids.tolist()
    [1, 0]
    """
    compressed = matrix.tocsr()
    n = compressed.shape[0]
    if not compressed.has_canonical_format:
        compressed = compressed.copy()
        compressed.sum_duplicates()
    there = _there(compressed.data)
    rows = np.repeat(np.arange(n), np.diff(compressed.indptr))[there]
    return Tokens(np.searchsorted(rows, np.arange(n + 1)), _column_ids(compressed.indices[there]))


def from_binary(flat: NDArray[Any]) -> Tokens:
    """Return the sets of columns of `flat`, shape (n, d), that are neither zero nor missing.

    Examples
    --------
    >>> from_binary(np.array([[True, False, True], [False, False, False]])).sizes.tolist()
    [2, 0]
    """
    rows, columns = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    n, d = flat.shape
    step = max(1, BLOCK_VALUES // max(1, d))
    for start in range(0, n, step):
        at = np.flatnonzero(_there(flat[start : start + step]))
        rows.append(at // d + start)
        columns.append((at % d).astype(np.uint64))
    return Tokens(np.searchsorted(np.concatenate(rows), np.arange(n + 1)), np.concatenate(columns))


def _there(values: NDArray[Any]) -> NDArray[np.bool_]:
    there: NDArray[np.bool_] = values != 0
    return there & ~np.isnan(values) if values.dtype.kind == "f" else there


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The value that most rows hold in each column, where there is one.

    Attributes
    ----------
    values : ndarray, shape (d,)
        In the dtype tokens are made in.
    present : ndarray of bool, shape (d,)
        Whether the column has a background.
    """

    values: NDArray[Any]
    present: NDArray[np.bool_]


def value_dtype(*dtypes: DTypeLike) -> np.dtype[Any]:
    """Return the dtype in which equal values of arrays of the given ones are one token.

    Examples
    --------
    >>> value_dtype(np.uint8, bool), value_dtype(np.uint8, np.float32), value_dtype(np.uint64)
    (dtype('int64'), dtype('float64'), dtype('uint64'))
    """
    kinds = {np.dtype(dtype).kind for dtype in dtypes}
    if "f" in kinds:
        return np.dtype(np.float64)
    wide = any(np.dtype(dtype) == np.uint64 for dtype in dtypes)
    return np.dtype(np.uint64) if wide and not kinds & {"i"} else np.dtype(np.int64)


def background(flat: NDArray[Any], dtype: DTypeLike | None = None, share: float = BACKGROUND) -> Background:
    """Return the value that more than `share` of the rows of `flat`, shape (n, d), hold in each column.

    Examples
    --------
    >>> found = background(np.array([[0, 1], [0, 2], [7, 3]]))
    >>> found.values[found.present].tolist(), found.present.tolist()
    ([0], [True, False])
    """
    target = value_dtype(flat.dtype) if dtype is None else np.dtype(dtype)
    n, d = flat.shape
    if not n:
        return Background(np.zeros(d, dtype=target), np.zeros(d, dtype=bool))
    values, present = np.zeros(d, dtype=target), np.zeros(d, dtype=bool)
    some = flat[:: -(-n // SAMPLED)]
    step = max(1, BLOCK_VALUES // len(some))
    for start in range(0, d, step):
        part = slice(start, start + step)
        ordered = canonical(some[:, part], target)
        ordered.sort(axis=0)
        middle = ordered[len(ordered) // 2]  # a value that most rows hold is the median of any order
        held = ((ordered == middle) | _both_missing(ordered, middle)).mean(axis=0)
        values[part], present[part] = middle, held > max(share, 0.5)
    return Background(values, present)


def _both_missing(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_] | np.bool_:
    return np.isnan(left) & np.isnan(right) if left.dtype.kind == "f" else np.False_


def from_values(
    flat: NDArray[Any], dropped: Background | None = None, dtype: DTypeLike | None = None
) -> Tokens:
    """Return the sets of (column, value) of `flat`, shape (n, d).

    Parameters
    ----------
    flat : ndarray of bool, integer or float, shape (n, d)
        Categorical codes, or values rounded to few. NaN is a value; -0.0 is 0.
    dropped : Background, optional
        Values that are no tokens, each in its column.
    dtype : dtype, optional
        As `value_dtype` gives it for all arrays to be compared.

    Notes
    -----
    The column's number stands in the leading bits of a token, and in the others the value itself, where it is a
    whole number that fits, or a hash: tokens of one row are distinct and ascending as they are made, values of
    different columns never meet, and codes are never confused.

    Examples
    --------
    >>> a, b = from_values(np.array([[7, 0]])), from_values(np.array([[7.0, -0.0]]), dtype=np.int64)
    >>> bool((a.ids == b.ids).all())
    True
    """
    target = value_dtype(flat.dtype) if dtype is None else np.dtype(dtype)
    rows, ids = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    n, d = flat.shape
    bits = TOKEN_BITS - int(d).bit_length()
    if bits < 8:
        raise InputError(f"{d} columns are too many.")
    step = max(1, BLOCK_VALUES // max(1, d))
    for start in range(0, n, step):
        block = canonical(flat[start : start + step], target)
        there = np.ones(block.shape, dtype=bool)
        if dropped is not None:
            there = (block != dropped.values) & ~_both_missing(block, dropped.values) | ~dropped.present
        at = np.flatnonzero(there)
        rows.append(at // d + start)
        ids.append(((at % d).astype(np.uint64) << np.uint64(bits)) | _value_ids(block.ravel()[at], bits))
    return Tokens(np.searchsorted(np.concatenate(rows), np.arange(n + 1)), np.concatenate(ids))


def _value_ids(values: NDArray[Any], bits: int) -> Hashes:
    """Return values as numbers of some bits: whole ones that fit as they are, others hashed, apart from these."""
    half = np.uint64(1) << np.uint64(bits - 1)
    words = values.view(np.uint64)
    hashed = (mix(words + _STEP) >> np.uint64(65 - bits)) | half
    if values.dtype.kind == "f":
        return hashed
    moved = words + (half >> np.uint64(1))
    return np.where(moved < half, moved, hashed)


def from_sets(rows: Iterable[Iterable[Any]]) -> Tokens:
    """Return sets of words, numbers, bytes, or tuples of these, one for each of `rows`.

    Equal numbers are one token whatever their type, as in a Python set; ``1`` and ``"1"`` are two.

    Examples
    --------
    >>> from_sets([["a", "b", "a"], {1, 1.0}, []]).sizes.tolist()
    [2, 1, 0]
    """
    known: dict[Any, int] = {}
    ids: list[int] = []
    sizes: list[int] = []
    for row in rows:
        before = len(ids)
        for token in row:
            number = known.get(token)
            if number is None:
                number = known[token] = _digest(token)
            ids.append(number)
        sizes.append(len(ids) - before)
    return from_hashes(np.array(ids, dtype=np.uint64), np.array(sizes, dtype=np.int64))


def _digest(token: Any) -> int:
    digest = hashlib.blake2b(_bytes(token), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> (64 - TOKEN_BITS)


def _bytes(token: Any) -> bytes:
    """Return bytes that are equal for equal tokens, in every process."""
    if isinstance(token, str):
        return b"s" + token.encode("utf-8", "surrogatepass")
    if isinstance(token, (bytes, bytearray)):
        return b"b" + bytes(token)
    if isinstance(token, (float, np.floating)):
        value = float(token)
        return b"i%d" % int(value) if value.is_integer() else b"f" + struct.pack("<d", value)
    if isinstance(token, (SupportsIndex, np.bool_)):
        return b"i%d" % int(token)
    if isinstance(token, tuple):
        parts = [_bytes(part) for part in token]
        return b"t" + b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    if token is None:
        return b"n"
    raise InputError(
        f"A token is of type {type(token).__name__}.", hint="Use strings, bytes, numbers, or tuples of these."
    )


def from_hashes(ids: Hashes, sizes: Numbers) -> Tokens:
    """Return sets from tokens of `TOKEN_BITS` bits, row after row, in any order and with repeats.

    Examples
    --------
    >>> from_hashes(np.array([9, 4, 9, 4], dtype=np.uint64), np.array([3, 1])).ids.tolist()
    [4, 9, 4]
    """
    starts = np.concatenate([[0], np.cumsum(sizes)])
    kept, counts = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=np.int64)]
    step = 2**ROW_BITS
    for start in range(0, sizes.size, step):
        stop = min(sizes.size, start + step)
        word = np.repeat(np.arange(stop - start, dtype=np.uint64), sizes[start:stop]) << np.uint64(TOKEN_BITS)
        word |= ids[starts[start] : starts[stop]]
        word.sort()
        word = word[_fresh(word)]
        counts.append(np.bincount((word >> np.uint64(TOKEN_BITS)).astype(np.int64), minlength=stop - start))
        kept.append(word & np.uint64((1 << TOKEN_BITS) - 1))
    return Tokens(np.concatenate([[0], np.cumsum(np.concatenate(counts))]), np.concatenate(kept))


def _fresh(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which values differ from the one before."""
    fresh = np.ones(ordered.size, dtype=bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return fresh


def weighed(reference: Tokens, query: Tokens | None = None) -> tuple[Tokens, Tokens | None]:
    """Return the sets with each token weighing what it tells: the binary logarithm of how rarely it occurs.

    A token of every row weighs next to nothing. Counted on the reference, on `SAMPLED` rows of it.

    Examples
    --------
    >>> sets, _ = weighed(from_sets([["a", "b"], ["a", "c"], ["a", "d"]]))
    >>> sets.weights.min() < 0.2 < 1.0 < sets.weights.max()
    np.True_
    """
    n = len(reference)
    some = reference.take(np.arange(0, n, max(1, -(-n // SAMPLED))))
    known, count = np.unique(some.ids, return_counts=True)
    weight = np.log2((len(some) + 1.0) / (count + 0.5))
    unseen = float(np.log2((len(some) + 1.0) / 0.5))

    def with_weights(tokens: Tokens) -> Tokens:
        at = np.searchsorted(known, tokens.ids)
        found = np.append(known, np.uint64(0))[at] == tokens.ids
        found &= at < known.size
        return Tokens(tokens.starts, tokens.ids, np.where(found, np.append(weight, unseen)[at], unseen))

    return with_weights(reference), None if query is None else with_weights(query)
