"""Pairs of similar sets: equal ones first, then near ones, by products where that is cheap and by bands elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.hashing import lsh
from auditor.hashing.digest import first_equal
from auditor.hashing.groups import Groups, grouped, own_owners, pairs_of_groups
from auditor.hashing.interchange import to_datasketch
from auditor.hashing.jaccard import all_similar, multiplies_fully
from auditor.hashing.mix import mix
from auditor.hashing.natural_similarity import Natural, natural_similarity
from auditor.hashing.tokens import Numbers, Tokens

__all__ = ["Similar", "alike", "equal_sets", "stacked", "to_datasketch"]

Reals = NDArray[np.float64]

COMPARED = 2**20
"""Tokens of equal sets compared at a time."""

SAMPLE = 512
"""Sets on which it is measured what two of them share."""

PER_PRODUCT, PER_SHARING = 8.0, 25.0
"""Nanoseconds of the exact route: for a token shared, and for a pair that shares any."""

PER_COLUMN, PER_ENTRY = 0.05, 8.0
"""Nanoseconds of the same by full matrices: for a column, and for a pair."""

EXACT = 3.0
"""The exact route is taken where it costs at most this many times the other, or `CHEAP`."""

EFFORT, LEAST_EFFORT = 1e4, 3e9
"""Nanoseconds a row that the loosest of the data's own thresholds may take, and in all whatever the rows."""

CHEAP = 5e8
"""Nanoseconds that the exact route may take without being compared."""

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Similar:
    """Pairs of similar sets, and how they were found.

    Attributes
    ----------
    query, reference : ndarray of int64, shape (m,)
        Row numbers, sorted by the query's; within one array each pair once, the later row as the query.
    similarity : ndarray of float64, shape (m,)
        Jaccard similarity, measured on the tokens; 1 for equal sets.
    threshold : float
        Least similarity searched.
    natural : Natural or None
        What made the threshold, where it was the data's own.
    miss_probability : float
        That a pair at the threshold was missed, at most. 0 on the exact route.
    measured : int
        Pairs of distinct sets compared.
    capped : int
        Candidates left out of crowded buckets.
    left_out : int
        Pairs found, and left out beyond the limit.
    complete : bool
        Whether all pairs found are here, and the search came to its end.
    route : str
        ``"products"``, exact; ``"minhash"``; or ``"equal"`` where too few sets tell what is natural.
    owner : ndarray of int64, shape (n + m,)
        For each set of the reference, then of the query, the first of all that equals it. Empty sets are like nothing,
        and their own.
    """

    query: Numbers
    reference: Numbers
    similarity: Reals
    threshold: float
    natural: Natural | None
    miss_probability: float
    measured: int
    capped: int
    left_out: int
    complete: bool
    route: str
    owner: Numbers


def alike(
    reference: Tokens,
    query: Tokens | None,
    threshold: float | None,
    rng: np.random.Generator,
    *,
    limit: int = 2**22,
    miss: float = 0.01,
) -> Similar:
    """Return pairs of sets whose Jaccard similarity is at least the threshold.

    Parameters
    ----------
    reference : Tokens
        n sets.
    query : Tokens or None
        m sets, made by the same function; None pairs the reference with itself.
    threshold : float or None
        Above 0, at most 1. None for the data's own: see `auditor.hashing.natural_similarity`.
    rng : Generator
        Draws samples and permutations.
    limit : int
        Pairs at most.
    miss : float
        Probability, at most, of missing a pair at the threshold.

    Notes
    -----
    Of equal sets one goes on, so that many copies cost no more than few. Every pair is measured on its tokens;
    signatures only nominate.

    Examples
    --------
    >>> from auditor.hashing.tokens import from_sets
    >>> sets = from_sets(["abcdefghij", "klmnop", "abcdefghi", "klmnop"])
    >>> found = alike(sets, None, 0.8, np.random.default_rng(0))
    >>> found.reference.tolist(), found.query.tolist(), found.similarity.tolist()
    ([0, 1], [2, 3], [0.9, 1.0])
    """
    if threshold is not None and not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold is {threshold}; wanted above 0, and at most 1.")
    n = len(reference)
    owner = equal_sets([reference] if query is None else [reference, query])
    left = _distinct(reference, owner[:n])
    right = None if query is None else _distinct(query, own_owners(owner, n))
    met, natural, least, route = _searched(left, right, threshold, rng, limit=limit, miss=miss)
    i, j, place = _with_equal(met, left, right, owner)
    theirs = None if right is None else right.groups
    (first, second, place), left_out = pairs_of_groups(left.groups, theirs, (i, j, place), limit=limit)
    order = np.lexsort((first, second))
    similarity = np.append(1.0, met.similarity)[place.astype(np.int64)]
    return Similar(
        second[order],
        first[order],
        similarity[order],
        least,
        natural,
        met.miss_probability,
        met.measured,
        met.capped,
        left_out,
        met.complete and not left_out,
        route,
        owner,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Distinct:
    """The distinct sets that are not empty, and all rows by the set they hold."""

    sets: Tokens
    groups: Groups
    of: Numbers  # the group of each of `sets`


def _distinct(tokens: Tokens, owner: Numbers) -> _Distinct:
    groups = grouped(owner)
    of = np.flatnonzero(tokens.sizes[groups.first] > 0)
    return _Distinct(tokens.take(groups.first[of]), groups, of)


def equal_sets(parts: Sequence[Tokens]) -> Numbers:
    """Return, for each set of the parts one after another, the first that equals it; empty ones equal none.

    Examples
    --------
    >>> from auditor.hashing.tokens import from_sets
    >>> equal_sets([from_sets(["ab", ""]), from_sets(["ba", "c", ""])])
    array([0, 1, 0, 3, 4])
    """
    sets = stacked(parts)
    digests = np.zeros(len(sets), dtype=np.uint64)
    full = np.flatnonzero(sets.sizes)
    for start, stop in sets.blocks():
        rows = full[np.searchsorted(full, start) : np.searchsorted(full, stop)]
        if rows.size:
            ids = mix(sets.ids[sets.starts[start] : sets.starts[stop]] + _STEP)
            digests[rows] = np.add.reduceat(ids, sets.starts[rows] - sets.starts[start])
    first: Numbers = np.arange(len(sets))
    first[full] = full[first_equal(mix(digests[full] + _STEP), lambda a, b: _equal(sets, full[a], full[b]))]
    return first


def stacked(parts: Sequence[Tokens]) -> Tokens:
    """Return the sets of all parts, one after another."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(part.ids.size for part in parts)])
    starts = [part.starts[:-1] + shift for part, shift in zip(parts, before[:-1], strict=True)]
    weights = [part.weights for part in parts if part.weights is not None]
    return Tokens(
        np.concatenate([*starts, before[-1:]]),
        np.concatenate([part.ids for part in parts]),
        np.concatenate(weights) if len(weights) == len(parts) else None,
    )


def _equal(sets: Tokens, left: Numbers, right: Numbers) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = left == right
    sizes = sets.sizes
    asked = np.flatnonzero(~equal & (sizes[left] == sizes[right]))
    load = np.cumsum(sizes[left[asked]]) // COMPARED
    for part in np.split(asked, np.flatnonzero(np.diff(load)) + 1):
        if part.size:
            a, b = sets.take(left[part]), sets.take(right[part])
            equal[part] = np.bincount(a.rows, a.ids != b.ids, minlength=part.size) == 0
    return equal


def _searched(
    left: _Distinct,
    right: _Distinct | None,
    threshold: float | None,
    rng: np.random.Generator,
    *,
    limit: int,
    miss: float,
) -> tuple[lsh.Alike, Natural | None, float, str]:
    """Return near pairs of distinct sets, what is natural where asked, the threshold and the route."""
    here, there = left.sets, None if right is None else right.sets
    nothing = np.zeros(0, dtype=np.int64)
    none = lsh.Alike(nothing, nothing, np.zeros(0), 0.0, 0, 0, complete=True)
    if not len(here) or (there is not None and not len(there)):
        return (
            none,
            None,
            1.0 if threshold is None else threshold,
            "equal" if threshold is None else "products",
        )
    natural = natural_similarity(here, there) if threshold is None else None
    if threshold is None and natural is None:
        return none, None, 1.0, "equal"
    wanted = natural.thresholds if natural is not None else (float(threshold or 1.0),)
    if wanted[-1] >= 1.0:  # equal sets, which are known
        return none, natural, 1.0, "products"
    exact = _exact_cost(here, there, rng)
    route, least = "products", wanted[0]
    if exact > CHEAP:
        rows = len(here) + (0 if there is None else len(there))
        for least in wanted:
            plan = lsh.planned(here, there, least, miss, rng)
            if min(plan.cost, exact) <= max(LEAST_EFFORT, EFFORT * rows):
                break
        route = "products" if exact <= EXACT * plan.cost else "minhash"
    if route == "products":
        met = _products(here, there, least, limit)
    else:
        met = lsh.search(here, there, least, plan, rng, limit=limit, miss=miss)
    if natural is not None:
        ours = here if there is None else there
        keep = natural.kept(ours, met.query, met.similarity)
        met = replace(
            met, query=met.query[keep], reference=met.reference[keep], similarity=met.similarity[keep]
        )
    return met, natural, least, route


def _exact_cost(reference: Tokens, query: Tokens | None, rng: np.random.Generator) -> float:
    """Return the nanoseconds that products of all pairs take, by what pairs of a sample share."""
    asked = reference if query is None else query
    few = [
        part.take(np.sort(rng.choice(len(part), min(len(part), SAMPLE), replace=False)))
        for part in (reference, asked)
    ]
    counts = [np.unique(part.ids, return_counts=True) for part in few]
    _, here, there = np.intersect1d(counts[0][0], counts[1][0], assume_unique=True, return_indices=True)
    shared = float((counts[0][1][here] * counts[1][1][there].astype(np.float64)).sum())
    each = shared / (len(few[0]) * len(few[1]))  # tokens that a pair shares, on average
    pairs = float(len(reference)) * len(asked)
    width = 1 + max((int(part.ids.max()) for part in few if part.ids.size), default=0)
    if multiplies_fully(reference, asked, width):
        return pairs * (PER_COLUMN * width + PER_ENTRY)
    return pairs * (PER_PRODUCT * each + PER_SHARING * min(1.0, each))


def _products(reference: Tokens, query: Tokens | None, threshold: float, limit: int) -> lsh.Alike:
    """Return the similar pairs by products of all."""
    asked = reference if query is None else query
    empty = np.zeros(0, dtype=np.int64)
    parts = [(empty, empty, np.zeros(0))]
    kept = 0
    for i, j, similarity in all_similar(reference, asked, threshold):
        once = i > j if query is None else np.ones(i.size, dtype=bool)
        parts.append((i[once], j[once], similarity[once]))
        kept += int(once.sum())
        if kept > limit:
            break
    i, j, similarity = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((j, i))[:limit]
    pairs = len(reference) * len(asked) if query is not None else len(reference) * (len(reference) - 1) // 2
    return lsh.Alike(i[order], j[order], similarity[order], 0.0, pairs, 0, complete=kept <= limit)


def _with_equal(
    met: lsh.Alike, left: _Distinct, right: _Distinct | None, owner: Numbers
) -> tuple[Numbers, Numbers, Reals]:
    """Return pairs of groups: those met, each with its place from 1, and those of equal sets across, with 0."""
    place = np.arange(1.0, met.query.size + 1.0)
    i, j = left.of[met.reference], met.query
    if right is None:
        j = left.of[j]
        return np.minimum(i, j), np.maximum(i, j), place
    n = left.groups.rows.size
    j = right.of[j]
    of = owner[n:][right.groups.first]  # the first of all sets that equals this one
    other = of[j] != left.groups.first[i]
    b = np.flatnonzero(of < n)
    a = np.searchsorted(left.groups.first, of[b])
    return np.r_[i[other], a], np.r_[j[other], b], np.r_[place[other], np.zeros(a.size)]
