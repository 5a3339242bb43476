"""Whether chance explains that rows stand in two splits.

Rows of few, coarse or dependent features repeat without being the same sample. The null is that rows of
both splits are independent draws: then a row has, on average, as many equals among n others as n times
the probability of its values, and it has them within a split as often as across.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.digest import exact_bits
from auditor.measures.copies import Copies, Numbers

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

COMPARED = 100_000_000
"""Values compared at most: judged rows x reference rows x features."""

MOST_JUDGED, FEWEST_JUDGED = 200, 20
MOST_REFERENCES, FEWEST_REFERENCES = 20_000, 50
PAIRS = 4000
"""Pairs of reference rows from which dependence between features is learned."""

FULL_TREE = 256
"""Features up to which any may depend on any other; in wider rows, only neighbours."""

NEAREST = 3
"""Nearest rows tried for what a row shares with them."""

MARGIN = 10.0
"""Copies must be this many times as many as chance makes: an effect size, and room for the model's error."""

MINORITY = 0.25
"""Share of copies below which surprising ones are put down to the model of chance."""

ALPHA = 1e-3
"""Level of the test of surprisal, over all rows of a split."""

ALPHA_EXCHANGE = 1e-6
"""Level of the test of exchangeability."""


@dataclass(frozen=True, slots=True, eq=False)
class Coincidences:
    """Rows of one split that equal a row of another, held against chance.

    Attributes
    ----------
    rows, matches : ndarray of int64, shape (m,)
        Rows of the split, and the first row of the other that each equals; blank ones left out.
    blank : ndarray of int64
        Rows that equal one of the other and hold one value in every feature.
    unexplained : ndarray of bool, shape (m,)
        Rows that chance does not explain.
    bits : float
        Surprisal of the values of a typical judged row, in bits.
    bits_needed : float
        Surprisal beyond which a single copy is no chance.
    repeat_rate : float
        Share of the other split's rows that it repeats itself, blank ones left out.
    judged, different : int
        Different rows whose surprisal was computed, of the different rows among `rows`.
    """

    rows: Numbers
    matches: Numbers
    blank: Numbers
    unexplained: Masks
    bits: float
    bits_needed: float
    repeat_rate: float
    judged: int
    different: int


def coincidences(case: Case, found: Copies, split: str, other: str, seed: int) -> Coincidences:
    """Product: rows of `split` that equal a row of `other`, and which of them chance does not explain.

    A copy is unexplained where its values are too surprising for a coincidence (`expected_equals`), or
    where copies across the splits are far more frequent than within either (`_straddles`). A few
    surprising ones among many that chance explains are put down to the model of chance, where the other
    split repeats itself as well.
    """
    matches, blank = found.match(split, other), found.blank[found.rows(split)]
    rows = np.flatnonzero((matches >= 0) & ~blank)
    n, n_other = case[split].n_rows, case[other].n_rows
    owners = found.first[found.rows(split)][rows]
    groups, leader, member, weight = np.unique(
        owners, return_index=True, return_inverse=True, return_counts=True
    )
    rng = np.random.default_rng([seed, zlib.crc32(f"coincidences {split} {other}".encode())])
    most = int(np.clip(COMPARED // (1000 * case[split].n_features), FEWEST_JUDGED, MOST_JUDGED))
    judged = np.sort(rng.permutation(groups.size)[:most])
    chance = expected_equals(case, found, (split, other), rows[leader[judged]], rng)
    limit = boundary(chance, weight[judged] * np.float64(rows.size / max(1, int(weight[judged].sum()))), n)
    strange = np.zeros(groups.size, dtype=bool)
    strange[judged] = chance <= limit
    if judged.size < groups.size and strange[judged].mean() > 0.5:
        strange[:] = True  # what most of the sample are, the rest is taken to be
    again = [_repeated(found, name) for name in (split, other)]
    if strange[member].sum() < MINORITY * rows.size and rows.size / n < MARGIN * again[1] / n_other:
        strange[:] = False
    straddles = _straddles(rows.size, again, (n, n_other))
    bits = np.log2(max(1, n_other) / np.maximum(chance, 1e-300))
    return Coincidences(
        rows=rows,
        matches=matches[rows],
        blank=np.flatnonzero((matches >= 0) & blank),
        unexplained=strange[member] | straddles,
        bits=float(np.median(bits)) if bits.size else 0.0,
        bits_needed=math.log2(max(1, n * n_other) * MARGIN / ALPHA),
        repeat_rate=again[1] / max(1, n_other),
        judged=int(judged.size),
        different=int(groups.size),
    )


def _repeated(found: Copies, split: str) -> int:
    """Return how many rows of a split equal another of its rows, blank ones left out."""
    rows = found.rows(split)
    return int(((found.counts(split)[rows] > 1) & ~found.blank[rows]).sum())


def _straddles(copies: int, again: list[int], sizes: tuple[int, int]) -> bool:
    """Whether rows are shared between two splits that hardly repeat themselves.

    Independent rows find an equal in the other split as often as a row of that split does. The number
    shared is held against that by a binomial tail and must be `MARGIN` times as many. A split cleared of
    repeats says nothing, so that the other one must be short of repeats as well.
    """
    from scipy.special import betainc

    (own, other), (n, n_other) = again, sizes
    if copies == 0 or copies / n < MARGIN * (other + 1) / n_other:
        return False
    if own > 2 + copies * n / n_other / 5:
        return False
    return bool(betainc(copies, other + 1, n / (n + n_other)) < ALPHA_EXCHANGE)


def boundary(chance: Floats, weight: Floats, n_rows: int) -> float:
    """Return the largest expectation at which copies outnumber chance; -1 for none.

    Of n rows that expect at most t equals each, at most n * t have one on average. The copies seen among
    those are held against `MARGIN` times that by a Poisson tail, at every t that occurs, with a
    correction for the steps.
    """
    from scipy.special import gammainc

    order = np.argsort(chance, kind="stable")
    seen = np.floor(np.cumsum(weight[order]) + 1e-9)
    tail = gammainc(np.maximum(seen, 1.0), MARGIN * n_rows * chance[order])
    passed = np.flatnonzero(tail * max(1.0, math.log2(2 * max(1, chance.size))) < ALPHA)
    return float(chance[order][passed[-1]]) if passed.size else -1.0


def expected_equals(
    case: Case, found: Copies, pair: tuple[str, str], rows: Numbers, rng: np.random.Generator
) -> Floats:
    """Return how many rows of the second split would equal each of some rows of the first by chance.

    The probability of a row's values is the larger of two estimates, from train rows that differ from it:
    the product over features of a value's frequency, given the feature it most depends on
    (`_surprisal`), and the same for those features only that tell it from its nearest row (`_beside`).

    Returns
    -------
    ndarray of float64, shape (m,)
    """
    split, train = case[pair[0]], case.train
    if not rows.size:
        return np.zeros(0)
    wanted = COMPARED // (rows.size * split.n_features)
    sample = rng.permutation(train.n_rows)[: int(np.clip(wanted, FEWEST_REFERENCES, MOST_REFERENCES))]
    raw = exact_bits(train.flat[np.sort(sample)], found.dtype)
    owners = found.first[found.rows("train")][np.sort(sample)]
    distinct = np.unique(owners, return_index=True)[1]
    reference, owners = raw[distinct], owners[distinct]
    rarity = _rarity(raw)
    parent = _parents(reference, split.feature_shape, rng)
    chance = np.empty(rows.size)
    groups = found.first[found.rows(split.name)][rows]
    for k, subject in enumerate(exact_bits(split.flat[rows], found.dtype)):
        agree = (reference == subject)[owners != groups[k]]
        bits = _surprisal(agree, rarity, parent)
        p = 2.0 ** -float(bits.sum())
        if agree.shape[0]:
            p = max(p, _beside(agree, bits))
        chance[k] = case[pair[1]].n_rows * p
    return chance


def _rarity(raw: NDArray[Any]) -> Floats:
    """Return, per feature, how much rarer a value seen once is than once in as many rows.

    Values seen once make up about 2 * n2 / n1 times their share of the rows, where n1 and n2 values were
    seen once and twice (Good, 1953).
    """
    ordered = np.sort(np.ascontiguousarray(raw.T), axis=1)
    edge = np.ones((ordered.shape[0], ordered.shape[1] + 1), dtype=bool)
    edge[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    once = (edge[:, 1:] & edge[:, :-1]).sum(axis=1)
    twice = (edge[:, 2:] & ~edge[:, 1:-1] & edge[:, :-2]).sum(axis=1)
    rarity: Floats = np.minimum(1.0, 2.0 * (twice + 1.0) / np.maximum(once, 1.0))
    return rarity


def _parents(reference: NDArray[Any], shape: tuple[int, ...], rng: np.random.Generator) -> Numbers:
    """Return, for each feature, the one it most depends on, -1 for none; without cycles.

    Two features depend on each other as far as rows that agree on one agree more often on the other. The
    features make a maximum spanning tree (Chow and Liu, 1968); in wide rows, each depends on a neighbour.
    """
    n, d = reference.shape
    n_pairs = int(np.clip(COMPARED // (10 * d), FEWEST_REFERENCES, PAIRS))
    if n < 2:
        return np.full(d, -1)
    left, right = rng.integers(0, n, n_pairs), rng.integers(0, n - 1, n_pairs)
    right += right >= left
    agree = reference[left] == reference[right]
    alone = agree.sum(axis=0) / n_pairs
    if d <= FULL_TREE:
        counts = agree.astype(np.float32)
        return _spanning_tree(_shared_bits((counts.T @ counts) / n_pairs, alone[:, None] * alone, n_pairs))
    parent, best = np.full(d, -1), np.zeros(d)
    stride = 1
    for size in reversed(shape):
        child = np.flatnonzero((np.arange(d) // stride) % size > 0)
        both = (agree[:, child] & agree[:, child - stride]).sum(axis=0) / n_pairs
        bits = _shared_bits(both, alone[child] * alone[child - stride], n_pairs)
        better = bits > best[child]
        parent[child[better]], best[child[better]] = child[better] - stride, bits[better]
        stride *= size
    return parent


def _shared_bits(both: NDArray[Any], independent: Floats, n_pairs: int) -> Floats:
    """Return log2 of how much oftener two features agree together than if independent."""
    enough = both * n_pairs >= 5
    ratio = np.where(enough, both, 1.0) / np.where(enough, independent, 1.0)
    bits: Floats = np.log2(ratio)
    return bits


def _spanning_tree(weight: Floats) -> Numbers:
    """Return each node's parent in a maximum spanning forest of the positive weights (Prim, 1957)."""
    d = weight.shape[0]
    parent, best, waiting = np.full(d, -1), np.zeros(d), np.ones(d, dtype=bool)
    for _ in range(d):
        node = int(np.argmax(np.where(waiting, best, -1.0)))
        waiting[node] = False
        better = waiting & (weight[node] > best)
        parent[better], best[better] = node, weight[node][better]
    return parent


def _surprisal(agree: Masks, rarity: Floats, parent: Numbers) -> Floats:
    """Return the bits of each of a row's values, given the value its feature depends on, shape (d,).

    `agree`, shape (n, d), says which values of other rows equal the row's.
    """
    count = agree.sum(axis=0)
    p = (count + 1.0) / (agree.shape[0] + 1.0) * np.where(count == 0, rarity, 1.0)
    child = np.flatnonzero(parent >= 0)
    both = (agree[:, child] & agree[:, parent[child]]).sum(axis=0)
    given = both / np.maximum(count[parent[child]], 1)
    p[child] = np.maximum(p[child], np.where(both >= 2, given, 0.0))
    bits: Floats = -np.log2(p)
    return bits


def _beside(agree: Masks, bits: Floats) -> float:
    """Return the probability of a row's values by way of its nearest row.

    What the two agree on is as frequent as it is among the rows, whatever depends on what; only where they
    differ are the features taken one by one.
    """
    n = agree.shape[0]
    apart = float(bits.sum()) - agree @ bits
    best = 0.0
    for nearest in np.argsort(apart, kind="stable")[:NEAREST]:
        alike = int(agree[:, agree[nearest]].all(axis=1).sum())
        best = max(best, alike / n * 2.0 ** -float(apart[nearest]))
    return best
