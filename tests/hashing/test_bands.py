"""Bands and the join of their keys."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditor.hashing import bands as banding
from auditor.hashing.bands import Bands, bands_needed, choose_bands, distinct_pairs, meet
from auditor.hashing.mix import mix


def joined(reference: np.ndarray, query: np.ndarray | None) -> set[tuple[int, int]]:
    """Return pairs with equal keys, by the definition."""
    if query is None:
        return {
            (j, i)
            for i, j in itertools.combinations(range(reference.size), 2)
            if reference[i] == reference[j]
        }
    return {(q, r) for q in range(query.size) for r in range(reference.size) if query[q] == reference[r]}


KEYS = hnp.arrays(np.uint64, st.integers(0, 40), elements=st.integers(0, 12))


@given(KEYS, st.one_of(st.none(), KEYS))
@settings(max_examples=200, deadline=None)
def test_pairs_with_equal_keys_meet_and_no_others(reference: np.ndarray, query: np.ndarray | None) -> None:
    asked = None if query is None else mix(query.copy())
    ours, theirs, capped = meet(mix(reference.copy()), asked)
    pairs = list(zip(ours.tolist(), theirs.tolist(), strict=True))
    assert capped == 0
    assert len(set(pairs)) == len(pairs)
    assert set(pairs) == joined(reference, query)


@pytest.mark.parametrize("own", [True, False])
def test_a_giant_bucket_costs_its_rows_and_not_their_square(own: bool) -> None:
    n = 50_000
    keys = np.full(n, 0x1234_5678_9ABC_DEF0, dtype=np.uint64)
    ours, theirs, capped = meet(keys, None if own else keys.copy(), cap=8)
    every = n * (n - 1) // 2 if own else n * n
    assert ours.size + capped == every
    assert ours.size <= 8 * n
    assert np.bincount(ours, minlength=n)[8:].min() == 8
    assert np.unique(ours * n + theirs).size == ours.size
    assert not own or (theirs < ours).all()


def test_partners_of_a_crowded_bucket_are_spread_and_differ_between_bands() -> None:
    first = meet(mix(np.full(2000, 5, np.uint64)), mix(np.full(300, 5, np.uint64)), cap=4)
    second = meet(mix(np.full(2000, 6, np.uint64)), mix(np.full(300, 6, np.uint64)), cap=4)
    assert np.unique(first[1]).size > 600  # not the first four over and over
    assert np.mean(first[1] == second[1]) < 0.05


def test_nothing_meets_nothing() -> None:
    none = np.zeros(0, dtype=np.uint64)
    some = np.ones(3, dtype=np.uint64)
    for reference, query in ((none, None), (none, none), (some, none), (none, some), (some[:1], None)):
        assert [part.size for part in meet(reference, query)[:2]] == [0, 0]


def test_the_input_is_left_as_it_was() -> None:
    keys = mix(np.array([3, 1, 3, 2], dtype=np.uint64))
    before = keys.copy()
    meet(keys, keys)
    assert np.array_equal(keys, before)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("block", [1, 3, 100])
def test_parts_do_not_show(block: int, own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(block)
    keys, asked = (mix(rng.integers(0, 150, 500).astype(np.uint64)) for _ in range(2))
    keys[:3], asked[:2] = np.uint64(2**64 - 1), np.uint64(2**64 - 1)  # nothing comes after these
    whole = meet(keys, None if own else asked, cap=3)
    monkeypatch.setattr(banding, "BLOCK", block)
    parts = meet(keys, None if own else asked, cap=3)
    assert whole[2] == parts[2] > 0
    assert all(np.array_equal(a, b) for a, b in zip(whole[:2], parts[:2], strict=True))


@given(st.floats(0.05, 0.999), st.integers(1, 12), st.floats(1e-6, 0.5))
@settings(max_examples=200, deadline=None)
def test_as_few_bands_as_miss_no_more_than_stated(agreement: float, rows: int, miss: float) -> None:
    count = bands_needed(agreement, rows, miss)
    assume(count < 10**6)
    assert 1.0 - Bands(count, rows).recall(agreement) <= miss * (1 + 1e-6)
    assert count == 1 or 1.0 - Bands(count - 1, rows).recall(agreement) > miss * (1 - 1e-6)


@pytest.mark.parametrize("agreement", [0.1, 0.5, 0.8, 0.95, 1.0])
def test_bands_fill_no_more_than_the_signature(agreement: float) -> None:
    bands = choose_bands(agreement, 128)
    assert bands.length <= 128
    assert 1.0 - bands.recall(agreement) <= 0.01
    longer = Bands(bands_needed(agreement, bands.rows + 1, 0.01), bands.rows + 1)
    assert longer.length > 128


def test_where_nothing_is_enough_single_entries_are_taken() -> None:
    assert choose_bands(0.001, 64) == Bands(64, 1)
    with pytest.raises(ValueError, match="agreement"):
        bands_needed(0.0, 3, 0.01)


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20), max_size=4))
def test_distinct_pairs(bands: list[list[tuple[int, int]]]) -> None:
    parts = [np.array(band, dtype=np.int64).reshape(-1, 2) for band in bands]
    i, j = distinct_pairs([part[:, 0] for part in parts], [part[:, 1] for part in parts], 10)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == sorted({pair for band in bands for pair in band})
