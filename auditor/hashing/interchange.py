"""Signatures for other libraries' indexes: datasketch's MinHash objects, made in batches, equal to its own bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import MissingDependencyError
from auditor.hashing.tokens import Tokens

BLOCK_ENTRIES = 2**21
"""Permuted hashes held at a time."""

_MERSENNE = np.uint64(2**61 - 1)
_LOW = np.uint64(2**32 - 1)


def to_datasketch(
    tokens: Tokens | Sequence[Iterable[bytes]], threshold: float = 0.9, num_perm: int = 128, seed: int = 1
) -> Any:
    """Return a `datasketch.MinHashLSH` index of all sets that are not empty, under their row numbers.

    Parameters
    ----------
    tokens, num_perm, seed
        As for `datasketch_minhashes`.
    threshold : float
        Jaccard similarity that the index is made for.

    Raises
    ------
    MissingDependencyError
        If datasketch is not installed.
    """
    index = _datasketch().MinHashLSH(threshold=threshold, num_perm=num_perm)
    for row, minhash in enumerate(datasketch_minhashes(tokens, num_perm, seed)):
        if not minhash.is_empty():
            index.insert(row, minhash, check_duplication=False)
    return index


def datasketch_minhashes(
    tokens: Tokens | Sequence[Iterable[bytes]], num_perm: int = 128, seed: int = 1, **options: Any
) -> list[Any]:
    """Return one `datasketch.MinHash` for each set, equal to what `update_batch` of its tokens makes.

    Parameters
    ----------
    tokens : Tokens, or sequence of iterables of bytes
        A token of `Tokens` is hashed as its eight bytes, little-endian; bytes as they are. To compare sets with
        an index that exists, give the bytes that it was made from.
    num_perm, seed
        Of the permutations. Those of one index are the same.
    **options
        Other arguments of `datasketch.MinHash`, such as ``scheme="legacy"`` for indexes made before its version 2.

    Raises
    ------
    MissingDependencyError
        If datasketch is not installed.
    """
    empty = _datasketch().MinHash(num_perm=num_perm, seed=seed, **options)
    values, starts = _hashed(tokens, empty)
    signatures = _signatures(values, starts, empty)
    made = []
    for signature in signatures:
        minhash = empty.copy()
        minhash.hashvalues = signature
        made.append(minhash)
    return made


def _datasketch() -> Any:
    try:
        import datasketch
    except ImportError:
        raise MissingDependencyError(
            "datasketch is needed for its index, and is not installed. Hint: pip install datasketch"
        ) from None
    return datasketch


def _hashed(tokens: Tokens | Sequence[Iterable[bytes]], empty: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the tokens of all sets hashed by the object's own function, and where each set begins.

    Each distinct token is hashed once.
    """
    dtype = empty.hashvalues.dtype
    if isinstance(tokens, Tokens):
        known, place = np.unique(tokens.ids, return_inverse=True)
        words = known.astype("<u8").tobytes()
        values = [empty.hashfunc(words[at : at + 8]) for at in range(0, len(words), 8)]
        return np.array(values, dtype=dtype)[place.ravel()], tokens.starts
    seen: dict[bytes, int] = {}
    found, ends = [], [0]
    for row in tokens:
        for token in row:
            value = seen.get(token)
            if value is None:
                value = seen[token] = empty.hashfunc(token)
            found.append(value)
        ends.append(len(found))
    return np.array(found, dtype=dtype), np.array(ends, dtype=np.int64)


def _signatures(values: NDArray[Any], starts: NDArray[np.int64], empty: Any) -> NDArray[Any]:
    """Return the signatures of sets of hashed tokens, shape (n, num_perm)."""
    made = np.tile(empty.hashvalues, (starts.size - 1, 1))
    scheme = getattr(empty, "scheme", "legacy")
    if scheme not in _PERMUTED or not _agrees(scheme, empty):
        for row, (low, high) in enumerate(pairwise(starts.tolist())):
            made[row] = _by_datasketch(empty, values[low:high])
        return made
    permuted = _PERMUTED[scheme]
    for start, stop in _blocks(starts, max(1, BLOCK_ENTRIES // made.shape[1])):
        rows = np.arange(start, stop)[np.diff(starts[start : stop + 1]) > 0]
        low = int(starts[start])
        if rows.size:
            entries = permuted(values[low : int(starts[stop])], *empty.permutations)
            made[rows] = np.minimum.reduceat(entries, starts[rows] - low, axis=0)
    return made


def _blocks(starts: NDArray[np.int64], tokens: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows with about that many tokens."""
    start = 0
    while start < starts.size - 1:
        stop = max(start + 1, int(np.searchsorted(starts, starts[start] + tokens, "right")) - 1)
        yield start, stop
        start = stop


def _agrees(scheme: str, empty: Any) -> bool:
    """Whether this version permutes as is known here: else it does the work itself."""
    some = np.array([0, 1, 2**31 + 5, 2**32 - 1], dtype=empty.hashvalues.dtype)
    return np.array_equal(
        _PERMUTED[scheme](some, *empty.permutations).min(axis=0), _by_datasketch(empty, some)
    )


def _by_datasketch(empty: Any, values: NDArray[Any]) -> NDArray[Any]:
    minhash = empty.copy()
    minhash.hashfunc = int
    minhash.update_batch(values.tolist())
    return np.asarray(minhash.hashvalues)


def _legacy(values: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(((values[:, None] * a + b) % _MERSENNE) & _LOW)


def _affine32(values: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(_finalized(values, (16, 0x85EBCA6B, 13, 0xC2B2AE35, 16))[:, None] * a + b)


def _affine64(values: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    mixed = _finalized(values, (33, 0xFF51AFD7ED558CCD, 33, 0xC4CEB9FE1A85EC53, 33))
    return np.asarray(mixed[:, None] * a + b)


def _finalized(values: NDArray[Any], constants: tuple[int, int, int, int, int]) -> NDArray[Any]:
    """Return the finalizer of MurmurHash3 (Appleby, 2011), of the width of the values."""
    first, multiply, second, again, last = (values.dtype.type(number) for number in constants)
    mixed = (values ^ (values >> first)) * multiply
    mixed = (mixed ^ (mixed >> second)) * again
    return np.asarray(mixed ^ (mixed >> last))


_PERMUTED = {"legacy": _legacy, "affine32": _affine32, "affine64": _affine64}
