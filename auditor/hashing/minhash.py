"""MinHash signatures of sets, in batches: every token is hashed once, not once per entry.

Two sets agree in an entry of their signatures with a probability of their Jaccard similarity, what they share over
what either has.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.kernels import twin
from auditor.hashing.mix import mix
from auditor.hashing.tokens import Tokens

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Signatures = NDArray[np.uint32]

EMPTY = np.uint32(0xFFFFFFFF)
"""Entry of the signature of an empty set; no hash is this large."""

BATCH_TOKENS = 2**18
"""Tokens, or values, hashed at a time: temporaries stay in cache."""

DONORS = 4
"""Bins an empty one tries to copy before it hashes the row's tokens for itself."""

TURNS = 16
"""Points a weighted token emits before the later ones are drawn for each entry by itself."""

RUN = 8
"""Neighbouring features that are dealt together: bytes that a machine moves at once."""

MANY = 512
"""Features from which on they are."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def one_permutation(tokens: Tokens, length: int, seed: int = 0, out: Signatures | None = None) -> Signatures:
    """Return signatures by one permutation hashing, shape (n, length).

    Parameters
    ----------
    tokens : Tokens
        n sets.
    length : int
        Entries, at least 1.
    seed : int
        Signatures are comparable if they have one seed and length.
    out : ndarray of uint32, shape (n, length), optional
        Buffer to write to.

    Notes
    -----
    The range of one hash is cut into `length` bins, and an entry is the least hash of its bin (Li, Owen and
    Zhang, 2012). An empty bin copies another, tried in an order that is drawn for each bin and the same for
    all sets: optimal densification (Shrivastava, 2017), after which entries agree as those of independent
    permutations do. A bin that finds `DONORS` others empty takes the least of new hashes of all tokens: what
    one set finds among its donors, their union would find too, so entries agree as before, and small sets,
    which would try long, cost little.

    Examples
    --------
    >>> from auditor.hashing.tokens import from_sets
    >>> made = one_permutation(from_sets(["abcdefgh", "abcdefgh", "rstuvwxy"]), 64)
    >>> made.shape, bool((made[0] == made[1]).all()), bool((made[0] == made[2]).any())
    ((3, 64), True, False)
    """
    made = _buffer(len(tokens), length, out)
    donors = donor_bins(length, seed)
    kernel = twin("one_permutation", tokens.ids.size + made.size)
    if kernel is not None:
        multiply, add = bin_keys(length, seed)
        kernel(tokens.ids, tokens.starts, _key(seed), donors=donors, multiply=multiply, add=add, out=made)
        return made
    for start, stop in tokens.blocks(max(BATCH_TOKENS, length)):
        ids = tokens.ids[tokens.starts[start] : tokens.starts[stop]]
        part = np.full((stop - start, length), EMPTY, dtype=np.uint32)
        hashes = hashed(ids, seed)
        row = np.repeat(np.arange(stop - start), tokens.sizes[start:stop])
        place = row * length + ((hashes >> _HALF) * np.uint64(length) >> _HALF).astype(np.int64)
        np.minimum.at(part.reshape(-1), place, _entry(hashes))
        starts = tokens.starts[start : stop + 1] - tokens.starts[start]
        _densify(part, (hashes & _LOW).astype(np.uint32), starts, donors=donors, seed=seed)
        made[start:stop] = part
    return made


def _buffer(n: int, length: int, out: Signatures | None) -> Signatures:
    if length < 1:
        raise ValueError(f"length is {length}; wanted at least 1.")
    if out is None:
        return np.empty((n, length), dtype=np.uint32)
    if out.shape != (n, length) or out.dtype != np.uint32:
        raise ValueError(f"out is {out.dtype} of shape {out.shape}; wanted uint32 of shape {(n, length)}.")
    return out


def hashed(ids: Hashes, seed: int) -> Hashes:
    """Return tokens hashed under a seed."""
    return mix(ids + _key(seed))


def _key(*numbers: int) -> np.uint64:
    """Return a number that is different for different lists of numbers."""
    key = np.zeros(1, dtype=np.uint64)
    for number in numbers:
        key = mix(key * _STEP + np.uint64((number + 1) & 0xFFFFFFFFFFFFFFFF))
    return np.uint64(key[0])


def _entry(hashes: Hashes) -> Signatures:
    return np.minimum((hashes & _LOW).astype(np.uint32), EMPTY - np.uint32(1))


def donor_bins(length: int, seed: int) -> Numbers:
    """Return the bins that each empty bin tries, in this order, shape (DONORS, length)."""
    tried = np.arange(DONORS * length, dtype=np.uint64).reshape(DONORS, length)
    drawn = mix(mix(tried + _STEP) + _key(seed, 1))
    donors: Numbers = ((drawn >> _HALF) * np.uint64(length) >> _HALF).astype(np.int64)
    return donors


def bin_keys(length: int, seed: int) -> tuple[Signatures, Signatures]:
    """Return what tokens are multiplied with and added to where a bin hashes them for itself, shape (length,)."""
    keys = mix(np.arange(1, length + 1, dtype=np.uint64) * _STEP + _key(seed, 2))
    return (keys >> _HALF).astype(np.uint32) | np.uint32(1), (keys & _LOW).astype(np.uint32)


def _finished(least: Signatures) -> Signatures:
    """Mix, in place, what is least, so that its lowest bits tell as much as others; a bijection but for the last."""
    least ^= least >> np.uint32(15)
    least *= np.uint32(0x85EBCA6B)
    return np.minimum(least, EMPTY - np.uint32(1), out=least)


def _densify(
    signatures: Signatures, hashes: Signatures, starts: Numbers, *, donors: Numbers, seed: int
) -> None:
    """Fill empty bins, in place; rows without tokens stay empty."""
    original = signatures.copy()
    row, bin_ = np.nonzero(original == EMPTY)
    sizes = np.diff(starts)
    row, bin_ = row[sizes[row] > 0], bin_[sizes[row] > 0]
    for tried in donors:
        taken = original[row, tried[bin_]]
        filled = taken != EMPTY
        signatures[row[filled], bin_[filled]] = taken[filled]
        row, bin_ = row[~filled], bin_[~filled]
    multiply, add = bin_keys(signatures.shape[1], seed)
    load = np.cumsum(sizes[row])
    cuts = np.searchsorted(load, np.arange(BATCH_TOKENS, int(load[-1]) if load.size else 0, BATCH_TOKENS))
    for low, high in pairwise([0, *cuts.tolist(), row.size]):
        if low < high:
            at, each, which = row[low:high], sizes[row[low:high]], bin_[low:high]
            first = np.cumsum(each) - each
            entries = hashes[np.repeat(starts[at] - first, each) + np.arange(int(each.sum()))]
            entries *= np.repeat(multiply[which], each)
            entries += np.repeat(add[which], each)
            signatures[at, which] = _finished(np.minimum.reduceat(entries, first))


def many_permutations(tokens: Tokens, length: int, seed: int = 0) -> Signatures:
    """Return signatures by `length` independent hashes of every token, shape (n, length): the reference.

    Broder (1997). It costs `length` times what `one_permutation` does.
    """
    made = np.full((len(tokens), length), EMPTY, dtype=np.uint32)
    row = tokens.rows
    for entry in range(length):
        column = np.full(len(tokens), EMPTY, dtype=np.uint32)
        np.minimum.at(column, row, _entry(mix(tokens.ids + _key(seed, 3, entry))))
        made[:, entry] = column
    return made


def weighted(tokens: Tokens, length: int, seed: int = 0, out: Signatures | None = None) -> Signatures:
    """Return signatures of weighted sets, shape (n, length): entries agree as the weights shared over all.

    Parameters
    ----------
    tokens, length, seed, out
        As for `one_permutation`; tokens must have weights.

    Notes
    -----
    Every token emits points in time at the rate of its weight, each into a random entry, and an entry is
    the first point it receives: an exponential race, as in Ertl's ProbMinHash (2020). A token is done
    once its next point comes later than the first of every entry. Since points come without memory, the later ones
    of a token that has emitted `TURNS` can be drawn for each entry by itself; the same point whatever the set.
    """
    if tokens.weights is None:
        raise ValueError("Tokens have no weights.")
    made = _buffer(len(tokens), length, out)
    for start, stop in tokens.blocks(max(BATCH_TOKENS // 4, length)):
        part = slice(int(tokens.starts[start]), int(tokens.starts[stop]))
        row = np.repeat(np.arange(stop - start), tokens.sizes[start:stop])
        first = _race(tokens.ids[part], tokens.weights[part], row, n=stop - start, length=length, seed=seed)
        # in float32 what the logarithm's last digit leaves open is gone
        bits = first.astype(np.float32).view(np.uint32).astype(np.uint64)
        made[start:stop] = np.where(np.isinf(first), EMPTY, _entry(mix(bits + _key(seed, 4))))
    return made


def _race(
    ids: Hashes, weights: NDArray[np.float64], row: Numbers, *, n: int, length: int, seed: int
) -> NDArray[np.float64]:
    """Return when each entry of each row receives its first point."""
    first = np.full((n, length), np.inf)
    time = np.zeros(ids.size)
    for turn in range(TURNS):
        draw = mix(ids + _key(seed, 5, turn))
        time = time + _waiting(draw) / weights
        place = row * length + ((draw & _LOW) * np.uint64(length) >> _HALF).astype(np.int64)
        np.minimum.at(first.reshape(-1), place, time)
        going = time < first.max(axis=1)[row]
        ids, weights, row, time = ids[going], weights[going], row[going], time[going]
        if not ids.size:
            return first
    rate = length / weights
    for entry in range(length):  # each entry receives its share of what is still to come
        later = time + _waiting(mix(ids + _key(seed, 6, entry))) * rate
        np.minimum.at(first[:, entry], row, later)
    return first


def _waiting(draw: Hashes) -> NDArray[np.float64]:
    """Return exponential variables from hashes' leading bits."""
    uniform = ((draw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return np.asarray(-np.log(uniform))


def grouped(
    codes: NDArray[np.integer], length: int, seed: int = 0, out: Signatures | None = None
) -> Signatures:
    """Return signatures of dense rows of small codes, shape (n, length), where every feature is a token.

    Parameters
    ----------
    codes : ndarray of bool or integer, shape (n, d)
        Between -2**31 and 2**32; ``d >= length``.
    length, seed, out
        As for `one_permutation`.

    Notes
    -----
    Features are permuted once and cut into `length` groups, whose sizes differ by one at most; an entry
    is the least hash of (feature, code) in its group. Each feature is hashed once, by a multiplication and a sum
    in 32 bits under keys of its own: of one feature only two codes compete in a pair of rows, and pairs of these are
    independent under such hashes, so that consecutive codes do no harm. No bin is empty. The two codes of a
    feature in which rows differ fall into one group, not into any two, so entries agree a little more often than the
    Jaccard similarity: as `grouped_agreement` has it. Where there are many features, they are dealt in runs of
    `RUN` neighbours, which go to neighbouring groups.
    """
    n, d = codes.shape
    made = _buffer(n, length, out)
    if d < length:
        raise ValueError(f"{d} features cannot be cut into {length} groups.")
    small = _small(codes)
    order, multiply, add = feature_keys(d, seed)
    kernel = twin("grouped", small.size)
    if kernel is not None:
        kernel(small, order, multiply, add=add, run=_run(d), out=made)
        return made
    step = max(1, BATCH_TOKENS // d)
    for start in range(0, n, step):
        hashes = np.take(small[start : start + step], order, axis=1).astype(np.uint32)
        hashes *= multiply
        hashes += add
        least = hashes[:, :length]
        for first in range(length, d, length):
            more = hashes[:, first : first + length]
            np.minimum(least[:, : more.shape[1]], more, out=least[:, : more.shape[1]])
        made[start : start + step] = _finished(least)
    return made


def _small(codes: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return codes of 32 bits at most, unchanged where they are."""
    if codes.dtype.kind == "b":
        return codes.view(np.uint8)
    if codes.dtype.kind not in "iu":
        raise ValueError(f"codes are {codes.dtype}; wanted integers.")
    if codes.dtype.itemsize < 8 or not codes.size:
        return codes
    if int(codes.min()) < -(2**31) or int(codes.max()) >= 2**32:
        raise ValueError("codes are beyond 32 bits.")
    return codes.astype(np.uint32)


def _run(d: int) -> int:
    return RUN if d >= MANY else 1


def feature_keys(d: int, seed: int) -> tuple[Numbers, Signatures, Signatures]:
    """Return the order in which features are dealt to groups, and what each is multiplied with and added to."""
    run = _run(d)
    drawn = np.argsort(
        mix(np.arange(1, d // run + 1, dtype=np.uint64) * _STEP + _key(seed, 7)), kind="stable"
    )
    dealt = (drawn[:, None] * run + np.arange(run)).ravel()
    order: Numbers = np.concatenate([dealt, np.arange(dealt.size, d)])  # the last few are no whole run
    keys = mix((order.astype(np.uint64) + np.uint64(1)) * _STEP + _key(seed, 8))
    return order, (keys >> _HALF).astype(np.uint32) | np.uint32(1), (keys & _LOW).astype(np.uint32)


def grouped_agreement(share: float, d: int, length: int) -> float:
    """Return how often entries of `grouped` agree where a share of `d` features does, in no order.

    In a group of g features of which k agree, k of 2g - k tokens are shared, and k is hypergeometric.

    Examples
    --------
    >>> round(grouped_agreement(0.9, 784, 128), 4), round(0.9 / (2.0 - 0.9), 4)
    (0.8391, 0.8182)
    """
    from scipy.special import gammaln

    agree = round(share * d)

    def log_ways(n: int, k: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))

    total = 0.0
    larger = d % length
    for size, groups in ((d // length, length - larger), (d // length + 1, larger)):
        k = np.arange(max(0, size - (d - agree)), min(size, agree) + 1.0)
        ways = log_ways(agree, k) + log_ways(d - agree, size - k) - log_ways(d, np.array([float(size)]))
        total += groups * float((np.exp(ways) * k / (2.0 * size - k)).sum())
    return total / length


def agreement(first: Signatures, second: Signatures) -> NDArray[np.float64]:
    """Return the estimated Jaccard similarity of signatures row by row; empty sets are like nothing."""
    return np.asarray(((first == second) & (first != EMPTY)).mean(axis=1))


def band_keys(signatures: Signatures, entries: Numbers, out: Hashes | None = None) -> Hashes:
    """Return one key for each row from some of its entries: equal where all of them are.

    Parameters
    ----------
    signatures : ndarray of uint32, shape (n, length)
    entries : ndarray of int64, shape (r,)
        Columns of the band.
    out : ndarray of uint64, shape (n,), optional
        Buffer to write to.
    """
    keys = np.empty(len(signatures), dtype=np.uint64) if out is None else out
    kernel = twin("band_keys", len(signatures) * entries.size)
    if kernel is not None:
        kernel(signatures, entries, keys)
        return keys
    step = max(1, BATCH_TOKENS // max(1, entries.size))
    for start in range(0, len(signatures), step):
        key = np.zeros(len(signatures[start : start + step]), dtype=np.uint64)
        for column in entries:
            key += signatures[start : start + step, column]
            mix(key)
        keys[start : start + step] = key
    return keys
