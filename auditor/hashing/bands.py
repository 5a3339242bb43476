"""Locality-sensitive bands: rows that agree in one band become candidates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.mix import mix

Numbers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

CAP = 64
"""Partners taken for one row from one bucket."""

BLOCK = 2**16
"""Keys whose pairs are made at a time."""


@dataclass(frozen=True, slots=True)
class Bands:
    """How signatures are cut: `count` bands of `rows` entries."""

    count: int
    rows: int

    @property
    def length(self) -> int:
        """Entries used."""
        return self.count * self.rows

    def recall(self, agreement: float) -> float:
        """Probability that two rows whose entries agree with this probability meet in a band.

        Examples
        --------
        >>> round(Bands(16, 8).recall(0.8), 3), round(Bands(16, 8).recall(0.3), 3)
        (0.947, 0.001)
        """
        return float(1.0 - (1.0 - agreement**self.rows) ** self.count)


def bands_needed(agreement: float, rows: int, miss: float) -> int:
    """Return how many bands of `rows` entries miss pairs at `agreement` with at most probability `miss`.

    Examples
    --------
    >>> bands_needed(0.8, 6, 0.01), bands_needed(1.0, 6, 0.01)
    (16, 1)
    """
    meets = min(max(agreement, 0.0) ** rows, 1.0 - 1e-15)
    if meets <= 0.0:
        raise ValueError(f"agreement is {agreement} over {rows} entries; wanted more than 0.")
    return max(1, math.ceil(math.log(miss) / math.log1p(-meets)))


def choose_bands(agreement: float, length: int, miss: float = 0.01) -> Bands:
    """Return the longest bands of a signature that miss pairs at `agreement` with at most this probability.

    As many bands of them as it takes; all the signature has of single entries where nothing is enough.

    Examples
    --------
    >>> choose_bands(0.8, 128)
    Bands(count=16, rows=6)
    """
    for rows in range(length, 1, -1):
        if agreement**rows <= 0.0:
            continue
        count = bands_needed(agreement, rows, miss)
        if count * rows <= length:
            return Bands(count, rows)
    return Bands(length, 1)


def meet(reference: Hashes, query: Hashes | None, cap: int = CAP) -> tuple[Numbers, Numbers, int]:
    """Return pairs of a query and a reference row with equal keys.

    Keys are cut to make room for row numbers in one 64-bit word, so that a plain sort joins them, in 8 bytes a
    row. Rarely, keys that differ meet; pairs are to be verified anyway. Work and answer are linear in the number
    of rows, however many are equal.

    Parameters
    ----------
    reference : ndarray of uint64, shape (n,)
        Mixed in their leading bits, as `auditor.hashing.mix.mix` leaves them.
    query : ndarray of uint64, shape (m,), or None
        None pairs the reference with itself, each pair once, the later row as the query.
    cap : int
        Most reference rows taken for one query row. Of a fuller bucket, each row is given others, and every
        band others again, so that no row hides behind the first ones.

    Returns
    -------
    query, reference : ndarray of int64
        Row numbers.
    capped : int
        Pairs left out.

    Examples
    --------
    >>> keys = np.array([7, 9, 7], dtype=np.uint64) << np.uint64(40)
    >>> [part.tolist() for part in meet(keys, keys[:1])[:2]]
    [[0, 0], [0, 2]]
    """
    n, m = reference.size, 0 if query is None else query.size
    bits = np.uint64(max(1, int(n + m).bit_length()))
    numbers = (np.uint64(1) << bits) - np.uint64(1)
    word = np.empty(n + m, dtype=np.uint64)
    np.bitwise_and(reference, ~numbers, out=word[:n])
    if query is not None:
        np.bitwise_and(query, ~numbers, out=word[n:])
    for start in range(0, n + m, BLOCK):
        word[start : start + BLOCK] |= np.arange(start, min(start + BLOCK, n + m), dtype=np.uint64)
    word.sort()
    held = np.uint32 if n + m < 2**32 else np.int64  # there may be more pairs than rows
    ours, theirs, left = [np.zeros(0, dtype=held)], [np.zeros(0, dtype=held)], 0
    for part in _whole_runs(word, numbers):
        i, j, capped = _met(part, bits, n, cap, own=query is None)
        ours.append(i.astype(held))
        theirs.append(j.astype(held))
        left += capped
    del word
    asked = np.concatenate(ours, dtype=np.int64)
    ours.clear()
    return asked, np.concatenate(theirs, dtype=np.int64), left


def _whole_runs(word: Hashes, numbers: np.uint64) -> Iterator[Hashes]:
    """Yield sorted words, about `BLOCK` at a time, those that agree beyond `numbers` together."""
    start = 0
    while start < word.size:
        stop = min(start + BLOCK, word.size)
        stop = int(np.searchsorted(word, word[stop - 1] | numbers, "right"))
        yield word[start:stop]
        start = stop


def _met(word: Hashes, bits: np.uint64, n: int, cap: int, *, own: bool) -> tuple[Numbers, Numbers, int]:
    """Return what `meet` does, from sorted words; rows from `n` on are the query's, unless both are one."""
    word = _shared(word, bits)
    key, row = word >> bits, (word & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    fresh = np.ones(key.size, dtype=bool)
    fresh[1:] = key[1:] != key[:-1]
    first = np.flatnonzero(fresh)
    run = np.cumsum(fresh) - 1
    if own:
        asked = np.flatnonzero(~fresh)
        there = asked - first[run[asked]]
    else:  # reference rows have the lower numbers, so they stand first in a run
        references = np.bincount(run[row < n], minlength=first.size)
        asked = np.flatnonzero((row >= n) & (references[run] > 0))
        there = references[run[asked]]
    taken = np.minimum(there, cap)
    total = int(taken.sum())
    offset = np.arange(total) - np.repeat(np.cumsum(taken) - taken, taken)
    crowded = there > cap
    begin = np.zeros(asked.size, dtype=np.int64)
    draw = mix(word[asked[crowded]]) >> np.uint64(1)
    begin[crowded] = draw.astype(np.int64) % there[crowded]
    offset = (offset + np.repeat(begin, taken)) % np.repeat(there, taken)
    ours = np.repeat(row[asked] - (0 if own else n), taken)
    theirs = row[np.repeat(first[run[asked]], taken) + offset]
    return ours, theirs, int((there - taken).sum())


def _shared(word: Hashes, bits: np.uint64) -> Hashes:
    """Return the sorted words whose leading bits another has too."""
    same = (word[1:] ^ word[:-1]) < np.uint64(1) << bits
    among = np.zeros(word.size, dtype=bool)
    among[1:] = same
    among[:-1] |= same
    return word[among]


def distinct_pairs(first: list[Numbers], second: list[Numbers], width: int) -> tuple[Numbers, Numbers]:
    """Return distinct pairs of several bands, sorted; `width` is beyond every number in `second`.

    Examples
    --------
    >>> [part.tolist() for part in distinct_pairs([np.array([3, 1, 3])], [np.array([0, 2, 0])], 5)]
    [[1, 3], [2, 0]]
    """
    if not first:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    word = np.concatenate([a * width + b for a, b in zip(first, second, strict=True)])
    word.sort()
    fresh = np.ones(word.size, dtype=bool)
    fresh[1:] = word[1:] != word[:-1]
    i, j = np.divmod(word[fresh], max(1, width))
    return i, j
