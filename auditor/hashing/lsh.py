"""Pairs of similar sets by bands of MinHash signatures: how long and how many, and the search itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.bands import CAP, Bands, bands_needed, distinct_pairs, meet
from auditor.hashing.jaccard import jaccard
from auditor.hashing.minhash import DONORS, Signatures, band_keys, one_permutation, weighted
from auditor.hashing.tokens import Hashes, Numbers, Tokens

Reals = NDArray[np.float64]

SAMPLE, SAMPLE_TOKENS = 4096, 2**20
"""Sets on which it is measured how many meet in a band, and their tokens, at most."""

LONGEST = 48
"""Entries of a band, at most."""

MOST_BANDS = 1024
"""Bands, at most."""

MEMORY = 2**28
"""Bytes of signatures held at a time."""

MOST_MEASURED = 2**31
"""Tokens of candidates that are compared, at most."""

PER_TOKEN, PER_ENTRY, PER_ROW = 30.0, 12.0, 120.0
"""Nanoseconds: to hash a token, to make an entry and its part of a key, to sort and join a row's key."""

PER_DONOR, PER_HASH = 15.0, 5.0
"""Nanoseconds that an empty entry takes to try another, and to hash a token for itself."""

PER_CANDIDATE, PER_ESTIMATE = 150.0, 0.8
"""Nanoseconds that a candidate takes, and each entry by which its similarity is estimated."""

JOINED, MOST_PARTNERS = 2**22, 4096
"""Candidates of one band, at most, where rows get more than `CAP` partners from a bucket, and these partners."""

CROWDED = 16.0
"""How many times the average candidates of a row may go into its cap before many a bucket is cut."""

SIEVED = 0.1
"""Share of the miss probability that candidates may be lost to the estimate by their signatures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Bands, and what they are expected to take.

    Attributes
    ----------
    bands : Bands
    crowd : float
        Candidates of one row in one band.
    cost : float
        Nanoseconds.
    """

    bands: Bands
    crowd: float
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Pairs of sets found alike.

    Attributes
    ----------
    query, reference : ndarray of int64, shape (m,)
        Row numbers, sorted.
    similarity : ndarray of float64, shape (m,)
    miss_probability : float
        Of a pair at the threshold, at most.
    measured : int
        Candidates compared on their tokens.
    capped : int
        Candidates left out of crowded buckets, those of several bands several times.
    complete : bool
        Whether all bands were searched, and all candidates compared.
    """

    query: Numbers
    reference: Numbers
    similarity: Reals
    miss_probability: float
    measured: int
    capped: int
    complete: bool


def signed(tokens: Tokens, length: int, seed: int) -> Signatures:
    """Return signatures of sets, weighted where they are."""
    if tokens.weights is None:
        return one_permutation(tokens, length, seed)
    return weighted(tokens, length, seed)


def planned(
    reference: Tokens, query: Tokens | None, threshold: float, miss: float, rng: np.random.Generator
) -> Plan:
    """Return the bands that take least: short ones crowd, long ones have to be many.

    How many rows meet in a band of 1, 2, ... entries is measured on a sample.
    """
    rows = len(reference) + (0 if query is None else len(query))
    asked = len(reference) if query is None else len(query)
    size = reference.ids.size / max(1, len(reference))
    met = _crowding(reference, rng) * len(reference) / (2.0 if query is None else 1.0)
    cap = partners(asked)
    plans: list[Plan] = []
    for r in range(1, LONGEST + 1):
        count = min(MOST_BANDS, bands_needed(threshold, r, miss)) if threshold**r > 0 else MOST_BANDS
        if plans and count == MOST_BANDS:
            break
        hashed = rows * (PER_TOKEN * size + count * (r * _per_entry(size, r * count) + PER_ROW))
        joined = asked * count * min(float(met[r - 1]), cap) * (PER_CANDIDATE + PER_ESTIMATE * r * count)
        plans.append(Plan(Bands(count, r), float(met[r - 1]), hashed + joined))
    # crowded buckets are cut: only where all are, by families too large to compare, are such bands taken
    return min([plan for plan in plans if CROWDED * plan.crowd <= cap] or plans, key=lambda plan: plan.cost)


def partners(asked: int) -> int:
    """Return the partners that each of some rows is given from a bucket, at most."""
    return max(CAP, min(MOST_PARTNERS, JOINED // max(1, asked)))


def _per_entry(size: float, length: int) -> float:
    """Return the nanoseconds an entry takes: of small sets, most are empty."""
    empty = math.exp(-size / length)
    return PER_ENTRY + PER_DONOR * empty * DONORS + PER_HASH * size * empty ** (1 + DONORS)


def _crowding(reference: Tokens, rng: np.random.Generator) -> Reals:
    """Return the share of pairs of sets that meet in a band of 1, 2, ... entries."""
    n = len(reference)
    mean = max(1.0, reference.ids.size / max(1, n))
    wanted = min(n, SAMPLE, max(64, int(SAMPLE_TOKENS / mean)))
    some = reference.take(np.sort(rng.choice(n, wanted, replace=False)))
    signatures = signed(some, LONGEST, int(rng.integers(2**62)))
    met = np.zeros(LONGEST)
    for r in range(LONGEST):
        count = np.unique(band_keys(signatures, np.arange(r + 1)), return_counts=True)[1].astype(np.float64)
        met[r] = (count * (count - 1.0)).sum() / (wanted * max(1, wanted - 1))
        if met[r] == 0:
            break
    return met


def search(
    reference: Tokens,
    query: Tokens | None,
    threshold: float,
    plan: Plan,
    rng: np.random.Generator,
    *,
    limit: int,
    miss: float,
) -> Alike:
    """Return pairs of sets whose similarity is at least the threshold, as far as they meet in a band.

    Parameters
    ----------
    reference, query : Tokens
        Without empty sets. None pairs the reference with itself, the later row as the query.
    threshold : float
        Least similarity.
    plan : Plan
        As `planned` gives it.
    rng : Generator
        Draws the seeds of signatures.
    limit : int
        Pairs at most; the search ends where there are more.
    miss : float
        Probability that was planned with.

    Notes
    -----
    Signatures are made for as many bands at a time as fit into `MEMORY`, and candidates joined and compared one band
    at a time, each pair once.
    """
    found = _Found(reference, query, threshold, limit)
    bands, rows = plan.bands, len(reference) + (0 if query is None else len(query))
    at_once = max(1, min(bands.count, MEMORY // (4 * bands.rows * max(1, rows))))
    used = 0
    while used < bands.count and not found.full:
        count = min(at_once, bands.count - used)
        length, seed = count * bands.rows, int(rng.integers(2**62))
        here = signed(reference, length, seed)
        there = None if query is None else signed(query, length, seed)
        slack = math.sqrt(math.log(bands.count / (SIEVED * miss)) / (2.0 * length))
        for band in range(count):
            entries = np.arange(band * bands.rows, (band + 1) * bands.rows)
            found.add((here, there), entries, threshold - slack)
            used += 1
            if found.full:
                break
    missed = 1.0 - Bands(used, bands.rows).recall(threshold)
    return found.answer(min(1.0, missed + SIEVED * miss), complete=used == bands.count and not found.full)


class _Found:
    """Similar pairs so far, and the candidates that were compared."""

    def __init__(self, reference: Tokens, query: Tokens | None, threshold: float, limit: int) -> None:
        self.reference, self.query, self.threshold, self.limit = reference, query, threshold, limit
        self.seen: Numbers = np.zeros(0, dtype=np.int64)
        self.pairs: list[tuple[Numbers, Numbers, Reals]] = []
        self.kept = self.measured = self.compared = self.capped = 0

    @property
    def full(self) -> bool:
        """Whether there are more pairs than wanted, or more work than allowed."""
        return self.kept > self.limit or self.compared > MOST_MEASURED

    def add(self, signatures: tuple[Signatures, Signatures | None], entries: Numbers, least: float) -> None:
        """Join one band, and compare the candidates whose signatures may be as similar as wanted."""
        here, there = signatures
        keys: Hashes | None = None if there is None else band_keys(there, entries)
        asked = len(self.reference if self.query is None else self.query)
        i, j, left = meet(band_keys(here, entries), keys, partners(asked))
        self.capped += left
        i, j = distinct_pairs([i], [j], len(self.reference))
        word = i * len(self.reference) + j
        new = _absent(word, self.seen)
        i, j = i[new], j[new]
        # a sorted array of both, merged
        self.seen = np.sort(np.concatenate([self.seen, word[new]]), kind="stable")
        ours = here if there is None else there
        likely = np.flatnonzero(_estimates(ours, here, i, j) >= least)
        self._compare(i[likely], j[likely])

    def _compare(self, i: Numbers, j: Numbers) -> None:
        ours = self.reference if self.query is None else self.query
        load = np.cumsum(ours.sizes[i] + self.reference.sizes[j])
        cuts = np.searchsorted(load, np.arange(2**24, int(load[-1]) if load.size else 0, 2**24))
        for low, high in zip([0, *cuts.tolist()], [*cuts.tolist(), i.size], strict=True):
            if self.full or low == high:
                return
            part = slice(low, high)
            similarity = jaccard(ours, self.reference, i[part], j[part])
            near = similarity >= self.threshold
            self.pairs.append((i[part][near], j[part][near], similarity[near]))
            self.kept += int(near.sum())
            self.measured += high - low
            self.compared += int(load[high - 1] - (load[low - 1] if low else 0))

    def answer(self, missed: float, *, complete: bool) -> Alike:
        """Return the pairs, sorted, at most the limit."""
        empty = np.zeros(0, dtype=np.int64)
        parts = [(empty, empty, np.zeros(0)), *self.pairs]
        i, j, similarity = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.lexsort((j, i))[: self.limit]
        return Alike(
            i[order], j[order], similarity[order], missed, self.measured, self.capped, complete=complete
        )


def _absent(word: Numbers, seen: Numbers) -> NDArray[np.bool_]:
    """Tell which sorted words are not among the sorted ones seen."""
    if not seen.size:
        return np.ones(word.size, dtype=bool)
    at = np.minimum(np.searchsorted(seen, word), seen.size - 1)
    return np.asarray(seen[at] != word)


def _estimates(first: Signatures, second: Signatures, i: Numbers, j: Numbers) -> Reals:
    """Return the share of entries in which rows agree, pair by pair."""
    found = np.empty(i.size)
    step = max(1, 2**20 // first.shape[1])
    for start in range(0, i.size, step):
        part = slice(start, start + step)
        found[part] = (first[i[part]] == second[j[part]]).mean(axis=1)
    return found
