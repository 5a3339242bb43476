"""Pairs of similar sets, against all pairs compared one by one."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from auditor.hashing import lsh
from auditor.hashing import sets as module
from auditor.hashing.jaccard import all_similar, jaccard, weights_of_rows
from auditor.hashing.natural_similarity import natural_similarity
from auditor.hashing.sets import Similar, alike, equal_sets, stacked
from auditor.hashing.shingles import from_sequences, from_strings
from auditor.hashing.tokens import (
    Tokens,
    background,
    from_binary,
    from_sets,
    from_sparse,
    from_values,
    weighed,
)

Rows = list[set[int]]


def brute(first: Rows, second: Rows | None, least: float) -> dict[tuple[int, int], float]:
    """Return all similar pairs, by the definition."""
    if second is None:
        pairs = ((j, i) for i, j in itertools.combinations(range(len(first)), 2))
    else:
        pairs = itertools.product(range(len(second)), range(len(first)))
    found = {}
    for q, r in pairs:
        a, b = (first if second is None else second)[q], first[r]
        if a | b and len(a & b) / len(a | b) >= least:
            found[q, r] = len(a & b) / len(a | b)
    return found


def pairs_of(found: Similar) -> dict[tuple[int, int], float]:
    pairs = list(zip(found.query.tolist(), found.reference.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert pairs == sorted(pairs)
    return dict(zip(pairs, found.similarity.tolist(), strict=True))


def by_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHEAP", -1.0)
    monkeypatch.setattr(module, "EXACT", -1.0)


SETS = st.lists(st.sets(st.integers(0, 8), max_size=6), max_size=12)


@given(SETS, st.one_of(st.none(), SETS), st.sampled_from([0.01, 0.3, 0.5, 0.8, 1.0]))
@settings(max_examples=150, deadline=None)
def test_against_all_pairs(first: Rows, second: Rows | None, least: float) -> None:
    found = alike(
        from_sets(first), None if second is None else from_sets(second), least, np.random.default_rng(0)
    )
    assert pairs_of(found) == brute(first, second, least)
    assert found.complete
    assert found.miss_probability == 0.0


def planted(n: int, changed: int, seed: int) -> tuple[Rows, list[tuple[int, int]]]:
    """Return random sets of 20 of 2,000 tokens, and after them copies of some with tokens replaced."""
    rng = np.random.default_rng(seed)
    rows = [set(rng.choice(2000, 20, replace=False).tolist()) for _ in range(n)]
    pairs = []
    for row in rng.permutation(n)[: n // 4].tolist():
        kept = sorted(rows[row])[changed:]
        pairs.append((len(rows), row))
        rows.append({*kept, *(5000 + rng.integers(0, 10**6, changed)).tolist()})
    return rows, pairs


@pytest.mark.parametrize(("changed", "least"), [(0, 0.9), (1, 0.9), (2, 0.8), (5, 0.6), (8, 0.4)])
@pytest.mark.parametrize("across", [False, True])
def test_bands_find_what_theory_says(
    monkeypatch: pytest.MonkeyPatch, changed: int, least: float, across: bool
) -> None:
    by_bands(monkeypatch)
    rows, pairs = planted(1200, changed, changed)
    tokens = from_sets(rows)
    if across:
        pairs = [(q - 1200, r) for q, r in pairs]
        tokens, query = from_sets(rows[:1200]), from_sets(rows[1200:])
    found = alike(tokens, query if across else None, least, np.random.default_rng(1))
    met = pairs_of(found)
    assert found.route == "minhash"
    assert found.miss_probability <= 0.0111
    true = (20 - changed) / (20 + changed)
    assert true >= least
    missed = sum(pair not in met for pair in pairs)
    assert missed <= 300 * 0.011 + 5 * np.sqrt(300 * 0.011)
    assert all(met[pair] == true for pair in pairs if pair in met)
    assert min(met.values()) >= least


def test_the_miss_probability_is_kept_at_the_threshold_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    by_bands(monkeypatch)
    rows, pairs = planted(4000, 4, 9)
    found = alike(from_sets(rows), None, 16 / 24, np.random.default_rng(2), miss=0.2)
    missed = np.mean([pair not in pairs_of(found) for pair in pairs])
    assert found.miss_probability <= 0.23
    assert missed <= found.miss_probability + 5 * np.sqrt(0.2 * 0.8 / len(pairs))


def test_a_giant_cluster_costs_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand equal sets, and ten thousand that differ in one token of thirty each."""
    by_bands(monkeypatch)
    n = 10_000
    equal = alike(from_values(np.ones((n, 5), dtype=int)), None, 0.9, np.random.default_rng(0), limit=50_000)
    assert equal.query.size == n - 1
    assert not equal.complete
    assert equal.left_out == n * (n - 1) // 2 - (n - 1)
    assert (equal.similarity == 1.0).all()
    rows = np.ones((n, 30), dtype=int)
    rows[np.arange(n), np.arange(n) % 30] = 2 + np.arange(n)
    near = alike(from_values(rows), None, 0.8, np.random.default_rng(0), limit=50_000)
    assert near.query.size <= 50_000
    assert not near.complete
    assert near.capped > 0
    assert near.measured < 10**6


def test_thresholds_so_loose_that_everything_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).random((2000, 40)) < 0.8
    for bands in (False, True):
        if bands:
            by_bands(monkeypatch)
        found = alike(from_binary(rows), None, 0.01, np.random.default_rng(1), limit=3000)
        assert found.query.size == 3000
        assert not found.complete
        assert found.measured < 4_000_000


@pytest.mark.parametrize("own", [False, True])
def test_limits_hold_and_are_told(own: bool) -> None:
    rows = [{1, 2, k % 7} for k in range(60)]
    every = brute(rows, None if own else rows, 0.5)
    found = alike(from_sets(rows), None if own else from_sets(rows), 0.5, np.random.default_rng(0), limit=100)
    assert found.query.size <= 100
    assert not found.complete
    assert pairs_of(found).items() <= every.items()


@pytest.mark.parametrize("least", [0.5, 1.0, None])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], None),
        ([], []),
        ([set()], None),
        ([set(), set()], [set()]),
        ([{1}], None),
        ([{1}], [{1}]),
        ([{1}], []),
    ],
)
def test_tiny_and_empty(first: Rows, second: Rows | None, least: float | None) -> None:
    found = alike(
        from_sets(first), None if second is None else from_sets(second), least, np.random.default_rng(0)
    )
    assert pairs_of(found) == ({(0, 0): 1.0} if second == [{1}] else {})
    assert found.complete
    assert found.owner.size == len(first) + len(second or [])


@pytest.mark.parametrize("bad", [0.0, -1.0, 1.5, float("nan")])
def test_impossible_thresholds_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        alike(from_sets([{1}]), None, bad, np.random.default_rng(0))


def test_blank_rows_are_like_nothing_and_backgrounds_do_not_count() -> None:
    rng = np.random.default_rng(3)
    images = np.zeros((300, 400), dtype=np.uint8)
    for image in images[:200]:
        image[rng.choice(400, 30, replace=False)] = rng.integers(1, 255, 30)
    images[200:210] = images[:10]
    images[205, np.flatnonzero(images[205])[0]] = 0
    whole = alike(from_values(images), None, 0.8, np.random.default_rng(0))
    kept = alike(from_values(images, background(images)), None, 0.8, np.random.default_rng(0))
    assert whole.query.size > 10_000  # nearly all of every row is background
    assert kept.query.tolist() == list(range(200, 210))
    assert kept.reference.tolist() == list(range(10))
    assert np.array_equal(kept.similarity == 1.0, np.arange(10) != 5)


def test_one_answer_whatever_the_order_of_rows_and_the_kind_of_input() -> None:
    rng = np.random.default_rng(4)
    rows = rng.random((400, 60)) < 0.2
    rows[300:] = rows[:100]
    rows[300:350, 0] ^= True
    made = [
        alike(tokens, None, 0.7, np.random.default_rng(0))
        for tokens in (
            from_binary(rows), from_binary(rows.astype(np.float32)), from_sparse(sparse.coo_array(rows)),
            from_sets([np.flatnonzero(row).tolist() for row in rows]),
        )
    ]  # fmt: skip
    for other in made[1:]:
        assert pairs_of(other) == pairs_of(made[0])
    order = rng.permutation(400)
    moved = alike(from_binary(rows[order]), None, 0.7, np.random.default_rng(0))
    back = {tuple(sorted(order[[q, r]].tolist(), reverse=True)): s for (q, r), s in pairs_of(moved).items()}
    assert back == pairs_of(made[0])


def test_the_same_draws_give_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    by_bands(monkeypatch)
    tokens = from_sets(planted(500, 5, 0)[0])
    found = [pairs_of(alike(tokens, None, 0.5, np.random.default_rng(7))) for _ in range(2)]
    assert found[0] == found[1]


def test_signatures_in_parts_find_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    by_bands(monkeypatch)
    rows, pairs = planted(1000, 3, 5)
    monkeypatch.setattr(lsh, "MEMORY", 2**16)  # one band at a time
    found = alike(from_sets(rows), None, 0.7, np.random.default_rng(0))
    assert found.complete
    assert sum(pair in pairs_of(found) for pair in pairs) >= 240


@given(SETS, SETS)
@settings(max_examples=100, deadline=None)
def test_similarities_by_the_definition(first: Rows, second: Rows) -> None:
    i, j = (part.ravel() for part in np.mgrid[: len(first), : len(second)])
    a, b = from_sets(first), from_sets(second)
    true = [len(first[p] & second[q]) / max(1, len(first[p] | second[q])) for p, q in zip(i, j, strict=True)]
    assert jaccard(a, b, i, j).tolist() == true
    found = {
        (q, p): s
        for parts in all_similar(a, b, 0.2)
        for q, p, s in zip(*(x.tolist() for x in parts), strict=True)
    }
    assert found == {(q, p): s for p, q, s in zip(i.tolist(), j.tolist(), true, strict=True) if s >= 0.2}


@given(SETS, st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_weighted_similarities_by_the_definition(rows: Rows, seed: int) -> None:
    weight = np.random.default_rng(seed).random(2**10) + 0.1
    plain = from_sets(rows)
    tokens = Tokens(plain.starts, plain.ids, weight[(plain.ids % np.uint64(2**10)).astype(int)])
    i, j = (part.ravel() for part in np.mgrid[: len(rows), : len(rows)])
    ids = [plain.ids[a:b] for a, b in itertools.pairwise(plain.starts)]

    def total(members: np.ndarray) -> float:
        return float(weight[(members % np.uint64(2**10)).astype(int)].sum())

    true = [
        total(np.intersect1d(ids[p], ids[q])) / max(1e-300, total(np.union1d(ids[p], ids[q])))
        for p, q in zip(i, j, strict=True)
    ]
    assert jaccard(tokens, tokens, i, j) == pytest.approx(np.array(true))
    assert weights_of_rows(tokens) == pytest.approx(np.array([total(part) for part in ids]))
    for q, p, s in all_similar(tokens, tokens, 0.1):
        assert s == pytest.approx(np.array(true).reshape(len(rows), -1)[p, q])


@pytest.mark.parametrize("bands", [False, True])
def test_weights_make_common_tokens_count_little(monkeypatch: pytest.MonkeyPatch, bands: bool) -> None:
    """Rows that share a template of 30 fields in 40 are not copies of each other."""
    if bands:
        by_bands(monkeypatch)
    rng = np.random.default_rng(6)
    rows = np.c_[np.zeros((600, 30), dtype=int), rng.integers(0, 10**6, (600, 10))]
    rows[500:] = rows[:100]
    rows[500:, 35] = -1
    tokens = from_values(rows)
    plain = alike(tokens, None, 0.6, np.random.default_rng(0))
    assert plain.query.size > 100_000
    heavy = alike(weighed(tokens)[0], None, 0.6, np.random.default_rng(0))
    assert set(pairs_of(heavy)) <= {(500 + k, k) for k in range(100)}
    assert heavy.query.size >= 97


def test_long_blocks_of_candidates() -> None:
    rng = np.random.default_rng(7)
    tokens = from_binary(rng.random((300, 300)) < 0.5)
    i, j = rng.integers(0, 300, (2, 70_000))
    found = jaccard(tokens, tokens, i, j)
    few = rng.permutation(70_000)[:200]
    assert np.array_equal(found[few], jaccard(tokens, tokens, i[few], j[few]))
    assert (found[i == j] == 1.0).all()


@given(SETS, SETS)
@settings(max_examples=100, deadline=None)
def test_equal_sets(first: Rows, second: Rows) -> None:
    rows = first + second
    true = [k if not row else rows.index(row) for k, row in enumerate(rows)]
    assert equal_sets([from_sets(first), from_sets(second)]).tolist() == true
    together = stacked([from_sets(first), from_sets(second)])
    assert together.ids.tolist() == from_sets(rows).ids.tolist()
    assert together.starts.tolist() == from_sets(rows).starts.tolist()


def test_digests_that_agree_by_accident_do_not_make_sets_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "mix", lambda values: values * np.uint64(0))
    assert equal_sets([from_sets([{1, 2}, {3, 4}, {2, 1}, {5}, {4, 3}])]).tolist() == [0, 1, 0, 3, 1]


# the data's own threshold


def clean(kind: str, n: int, seed: int) -> Tokens:
    """Sets without copies."""
    rng = np.random.default_rng(seed)
    if kind == "codes":
        return from_values(rng.integers(0, 6, (n, 12)))
    if kind == "skewed codes":
        return from_values(np.minimum(rng.geometric(0.5, (n, 15)), 6))
    if kind == "bits":
        return from_binary(rng.random((n, 64)) < 0.3)
    if kind == "baskets":
        return from_sets([np.minimum(rng.zipf(1.6, rng.integers(1, 9)), 500).tolist() for _ in range(n)])
    if kind == "topics":
        centres = rng.integers(0, 5000, (10, 60))
        return from_sets([centres[k % 10][rng.random(60) < 0.6].tolist() + rng.integers(0, 5000, 30).tolist()
                          for k in range(n)])  # fmt: skip
    words = np.array([f"w{k}" for k in range(3000)])
    return from_strings([" ".join(words[np.minimum(rng.zipf(1.4, 40), 2999)]) for _ in range(n)])


@pytest.mark.parametrize("kind", ["codes", "skewed codes", "bits", "baskets", "topics", "texts"])
@pytest.mark.parametrize("n", [30, 300, 900])
def test_sets_that_are_alike_by_nature_are_not_reported(kind: str, n: int) -> None:
    near = 0
    for seed in range(3):
        tokens = clean(kind, 2 * n, seed)
        first, second = tokens.take(np.arange(n)), tokens.take(np.arange(n, 2 * n))
        for found in (
            alike(first, second, None, np.random.default_rng(0)),
            alike(first, None, None, np.random.default_rng(0)),
        ):
            near += int((found.similarity < 1.0).sum())
            assert found.natural is not None
            assert 0 < found.threshold <= 1.0
    assert (
        near <= 4
    )  # a tenth of a pair is expected in each of six searches, and steps of whole tokens are coarse


@pytest.mark.parametrize("kind", ["bits", "topics", "texts"])
@pytest.mark.parametrize("bands", [False, True])
def test_near_copies_are_found_by_the_data_s_own_threshold(
    monkeypatch: pytest.MonkeyPatch, kind: str, bands: bool
) -> None:
    if bands:
        by_bands(monkeypatch)
    tokens = clean(kind, 600, 0)
    rows = [tokens.ids[a:b].tolist() for a, b in itertools.pairwise(tokens.starts)]
    query = [row[1:] for row in rows[:50]] + [[*row, 2**40 + k] for k, row in enumerate(rows[50:100])]
    second = from_sets([[int(token) for token in row] for row in query])
    first = from_sets([[int(token) for token in row] for row in rows])
    found = alike(first, second, None, np.random.default_rng(1))
    met = pairs_of(found)
    assert sum((k, k) in met for k in range(100)) >= 97
    assert len(met) <= 103


def test_families_of_up_to_four_do_not_hide_copies() -> None:
    rng = np.random.default_rng(8)
    centres = rng.random((150, 200)) < 0.3
    rows = np.repeat(centres, 4, axis=0)
    rows[np.arange(600), rng.integers(0, 200, 600)] ^= True
    found = alike(from_binary(rows), None, None, np.random.default_rng(0))
    assert found.query.size == 150 * 6
    assert (found.query // 4 == found.reference // 4).all()


def test_too_few_sets_tell_nothing_but_equal_ones() -> None:
    rows = [{k, k + 1, k + 2} for k in range(0, 30, 3)]
    found = alike(from_sets(rows), from_sets([rows[3], {0, 1, 2, 5}]), None, np.random.default_rng(0))
    assert (found.route, found.natural, pairs_of(found)) == ("equal", None, {(0, 3): 1.0})
    assert natural_similarity(from_sets(rows), None) is None


def test_sets_that_share_nothing_at_all() -> None:
    tokens = from_sets([{10 * k + i for i in range(5)} for k in range(100)])
    found = alike(tokens, None, None, np.random.default_rng(0))
    assert not found.query.size
    assert found.complete


def test_shifted_sequences_are_near_by_their_shingles() -> None:
    series = np.random.default_rng(9).integers(0, 1000, 4000)
    windows = np.lib.stride_tricks.sliding_window_view(series, 100)[::50]
    found = alike(from_sequences(windows, 3), None, 0.3, np.random.default_rng(0))
    assert found.query.tolist() == list(range(1, len(windows)))
    assert np.array_equal(found.reference, found.query - 1)


def test_importing_the_route_loads_neither_scipy_nor_numba_nor_datasketch() -> None:
    code = "import sys, auditor.hashing.sets; print({'scipy', 'numba', 'datasketch'} & set(sys.modules))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout == "set()\n"


@pytest.mark.parametrize("least", [0.0, 0.3, 0.5])
def test_full_matrices_find_the_same_pairs(monkeypatch: pytest.MonkeyPatch, least: float) -> None:
    rng = np.random.default_rng(10)
    first, second = from_binary(rng.random((300, 50)) < 0.5), from_binary(rng.random((90, 50)) < 0.4)

    def found() -> set[tuple[int, int, float]]:
        return {
            pair
            for q, r, s in all_similar(first, second, least)
            for pair in zip(*(x.tolist() for x in (q, r, s)), strict=True)
        }

    full = found()
    monkeypatch.setattr("auditor.hashing.jaccard.DENSE_COLUMNS", 0)
    assert found() == full
    assert full
