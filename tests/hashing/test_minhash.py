"""Signatures of sets: estimates against the exact Jaccard similarity, within what chance allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hashing.bbit import packed, packed_agreement
from auditor.hashing.minhash import (
    DONORS,
    EMPTY,
    _key,
    agreement,
    band_keys,
    bin_keys,
    donor_bins,
    feature_keys,
    grouped,
    grouped_agreement,
    many_permutations,
    one_permutation,
    weighted,
)
from auditor.hashing.mix import mix
from auditor.hashing.tokens import Tokens, from_columns, from_sets, from_values

SIGMAS = 5.0
"""Standard errors an estimate may be off: 3 in 10 million by chance."""


def pair(union: int, shared: int, first: int, seed: int = 0, *, consecutive: bool = False) -> Tokens:
    """Return two sets of known similarity: the first has `first` tokens that the other lacks."""
    draw = np.random.default_rng(seed)
    base = np.arange(union) if consecutive else draw.choice(2**24, union, replace=False)
    a, b = base[: shared + first], np.r_[base[:shared], base[shared + first :]]
    return from_columns(np.r_[np.zeros(a.size, int), np.ones(b.size, int)], np.r_[a, b], 2)


def scalar_mix(value: int) -> int:
    """The mixer of the core, in plain Python."""
    mask = 2**64 - 1
    value &= mask
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & mask
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & mask
    return value ^ value >> 33


def entry(value: int) -> int:
    return min(value & 0xFFFFFFFF, 0xFFFFFFFE)


def finished(value: int) -> int:
    return min((value ^ value >> 15) * 0x85EBCA6B % 2**32, 2**32 - 2)


def plain_one_permutation(rows: list[list[int]], length: int, seed: int) -> list[list[int]]:
    """One permutation hashing by the definition, in plain Python."""
    donors = donor_bins(length, seed).tolist()
    multiply, add = (part.tolist() for part in bin_keys(length, seed))
    made = []
    for row in rows:
        values = [scalar_mix(token + int(_key(seed))) for token in row]
        bins: list[int] = [int(EMPTY)] * length
        for value in values:
            at = (value >> 32) * length >> 32
            bins[at] = min(bins[at], entry(value))
        filled = list(bins)
        for place in range(length):
            if bins[place] == EMPTY and row:
                copies = [bins[tried[place]] for tried in donors if bins[tried[place]] != EMPTY]
                own = [((value % 2**32) * multiply[place] + add[place]) % 2**32 for value in values]
                filled[place] = copies[0] if copies else finished(min(own))
        made.append(filled)
    return made


@given(
    st.lists(st.sets(st.integers(0, 2**48 - 1), max_size=30), max_size=6),
    st.sampled_from([1, 2, 3, 7, 16, 100]),
    st.integers(0, 2**62),
)
@settings(max_examples=60, deadline=None)
def test_against_plain_python(rows: list[set[int]], length: int, seed: int) -> None:
    flat = np.array([token for row in rows for token in sorted(row)], dtype=np.uint64)
    starts = np.cumsum([0, *(len(row) for row in rows)])
    made = one_permutation(Tokens(starts, flat), length, seed)
    assert made.tolist() == plain_one_permutation([sorted(row) for row in rows], length, seed)


@pytest.mark.parametrize("consecutive", [False, True])
@pytest.mark.parametrize(
    ("union", "shared", "first"),
    [
        (2, 1, 1),
        (2, 1, 0),
        (5, 4, 1),
        (12, 3, 4),
        (40, 30, 5),
        (300, 150, 75),
        (3000, 2700, 100),
        (60, 6, 27),
    ],
)
@pytest.mark.parametrize("made", [one_permutation, weighted, many_permutations])
def test_estimates_are_unbiased(made: object, union: int, shared: int, first: int, consecutive: bool) -> None:
    tokens = pair(union, shared, first, consecutive=consecutive)
    if made is weighted:
        tokens = Tokens(tokens.starts, tokens.ids, np.full(tokens.ids.size, 0.7))
    true = shared / union
    length, seeds = (64, 60) if made is not one_permutation else (128, 120)
    found = [
        agreement(*np.vsplit(made(tokens, length, seed), 2))[0]  # type: ignore[operator]
        for seed in range(seeds)
    ]
    # entries of one signature may lean together where bins copy few others: at worst as one does by itself
    error = np.std(found) / np.sqrt(seeds)
    binomial = np.sqrt(true * (1 - true) / length)
    assert abs(np.mean(found) - true) < SIGMAS * max(error, binomial / np.sqrt(seeds))
    assert np.std(found) < 1.6 * binomial


def test_weighted_sets_agree_as_their_weights_do() -> None:
    tokens = pair(40, 20, 10)
    weight = np.random.default_rng(1).lognormal(sigma=1.5, size=2**12)[(tokens.ids % 2**12).astype(int)]
    sets = Tokens(tokens.starts, tokens.ids, weight)
    both = np.isin(tokens.ids, tokens.ids[np.unique(tokens.ids, return_index=True)[1]])
    assert both.all()
    known, where, count = np.unique(tokens.ids, return_index=True, return_counts=True)
    true = weight[where][count == 2].sum() / weight[where].sum()
    found = [agreement(*np.vsplit(weighted(sets, 64, seed), 2))[0] for seed in range(200)]
    assert known.size == 40
    assert abs(true - 0.5) > 0.03  # the weights matter
    assert abs(np.mean(found) - true) < SIGMAS * np.std(found) / np.sqrt(200)


def test_a_heavy_token_among_many_light_ones_decides() -> None:
    sets = from_sets([["heavy", *range(50)], ["heavy", *range(100, 150)]])
    heavy = np.intersect1d(sets.take(np.array([0])).ids, sets.take(np.array([1])).ids)
    sets = Tokens(sets.starts, sets.ids, np.where(sets.ids == heavy[0], 1000.0, 0.1))
    assert agreement(*np.vsplit(weighted(sets, 256), 2))[0] > 0.97


@pytest.mark.parametrize("made", [one_permutation, many_permutations])
@pytest.mark.parametrize("length", [1, 8, 128])
def test_empty_sets_are_like_nothing(made: object, length: int) -> None:
    signatures = made(from_sets([[], ["a"], []]), length)  # type: ignore[operator]
    assert (signatures[[0, 2]] == EMPTY).all()
    assert (signatures[1] != EMPTY).all()
    assert agreement(signatures[:1], signatures[2:])[0] == 0.0
    assert made(from_sets([]), length).shape == (0, length)  # type: ignore[operator]


def test_a_row_is_signed_alike_whatever_stands_beside_it() -> None:
    rng = np.random.default_rng(2)
    rows = from_sets([rng.choice(500, rng.integers(0, 40), replace=False).tolist() for _ in range(3000)])
    whole = one_permutation(rows, 64, 5)
    picked = rng.permutation(3000)[:700]
    assert np.array_equal(one_permutation(rows.take(picked), 64, 5), whole[picked])
    weights = 0.5 + (rows.ids % np.uint64(7)).astype(np.float64)
    heavy = Tokens(rows.starts, rows.ids, weights)
    assert np.array_equal(weighted(heavy.take(picked), 32, 5), weighted(heavy, 32, 5)[picked])


def test_a_buffer_is_written_to_whatever_its_strides() -> None:
    tokens = pair(30, 20, 5)
    wide = np.zeros((2, 64), dtype=np.uint32)
    half = wide[:, ::2]
    assert one_permutation(tokens, 32, 1, out=half) is half
    assert np.array_equal(half, one_permutation(tokens, 32, 1))
    assert not wide[:, 1::2].any()
    codes = np.random.default_rng(0).integers(0, 9, size=(2, 90), dtype=np.uint8)
    assert np.array_equal(grouped(codes, 32, 1, out=half), grouped(codes, 32, 1))
    for bad in (np.zeros((2, 31), np.uint32), np.zeros((2, 32), np.int64)):
        with pytest.raises(ValueError, match="out is"):
            one_permutation(tokens, 32, out=bad)
    with pytest.raises(ValueError, match="length"):
        one_permutation(tokens, 0)


def test_donors_are_the_same_for_all_rows_and_differ_between_bins() -> None:
    donors = donor_bins(64, 3)
    assert donors.shape == (DONORS, 64)
    assert 0 <= donors.min() <= donors.max() < 64
    assert np.unique(donors, axis=1).shape[1] == 64
    assert not np.array_equal(donors, donor_bins(64, 4))


def plain_grouped(row: list[int], length: int, seed: int) -> list[int]:
    order, multiply, add = (part.tolist() for part in feature_keys(len(row), seed))
    best = [2**32 - 1] * length
    for place, feature in enumerate(order):
        value = (row[feature] * multiply[place] + add[place]) % 2**32
        best[place % length] = min(best[place % length], value)
    return [finished(value) for value in best]


@pytest.mark.parametrize(
    "dtype", [bool, np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
)
@pytest.mark.parametrize(
    ("d", "length"), [(1, 1), (7, 7), (50, 16), (129, 128), (64, 64), (512, 128), (787, 100)]
)
def test_grouped_against_plain_python(dtype: type, d: int, length: int) -> None:
    rows = np.random.default_rng(d).integers(0, 100, size=(20, d)).astype(dtype)
    rows[0] = np.zeros(d)
    if np.dtype(dtype).kind == "i":
        rows[1] = -1
    made = grouped(rows, length, 9)
    assert made.tolist() == [plain_grouped([int(v) for v in row], length, 9) for row in rows]
    assert np.array_equal(made, grouped(np.asfortranarray(rows), length, 9))


@pytest.mark.parametrize(
    ("d", "length", "share"),
    [(784, 128, 0.9), (784, 128, 0.3), (100, 64, 0.8), (70_000, 64, 0.95), (33, 8, 0.5)],
)
def test_groups_agree_as_the_hypergeometric_law_has_it(d: int, length: int, share: float) -> None:
    rng = np.random.default_rng(d)
    seeds = 100 if d < 1000 else 10
    found = []
    for seed in range(seeds):
        rows = np.tile(rng.integers(0, 200, d, dtype=np.uint8), (2, 1))
        rows[1, rng.choice(d, d - round(share * d), replace=False)] += 1
        found.append(agreement(*np.vsplit(grouped(rows, length, seed), 2))[0])
    true = grouped_agreement(share, d, length)
    assert abs(np.mean(found) - true) < SIGMAS * np.sqrt(true * (1 - true) / length / seeds)


def test_groups_of_one_feature_agree_exactly_as_features_do() -> None:
    rows = np.tile(np.arange(30, dtype=np.uint8), (2, 1))
    rows[1, :9] += 1
    assert agreement(*np.vsplit(grouped(rows, 30), 2))[0] == pytest.approx(21 / 30)
    assert grouped_agreement(0.7, 30, 30) == pytest.approx(0.7)


@given(st.integers(1, 300), st.floats(0, 1), st.data())
@settings(max_examples=100, deadline=None)
def test_groups_agree_between_jaccard_and_the_share(d: int, share: float, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, d))
    true = round(share * d) / d
    assert true / (2 - true) - 1e-9 <= grouped_agreement(share, d, length) <= true + 1e-9


def test_more_than_65535_features_differ_wherever_they_do() -> None:
    rows = np.zeros((3, 150_528), dtype=np.uint8)
    rows[1, 70_000] = rows[2, 70_000 - 65_536] = 1
    found = [
        agreement(*(grouped(rows[[0, k]], 64, seed)[i : i + 1] for i in (0, 1)))[0]
        for k in (1, 2)
        for seed in range(3)
    ]
    assert min(found) >= 1 - 1 / 64
    order = feature_keys(150_528, 0)[0]
    assert np.array_equal(np.sort(order), np.arange(150_528))


def test_codes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bits"):
        grouped(np.array([[2**32, 0]]), 1)
    with pytest.raises(ValueError, match="integers"):
        grouped(np.zeros((1, 2)), 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="groups"):
        grouped(np.zeros((1, 2), dtype=np.uint8), 3)
    assert grouped(np.zeros((0, 5), dtype=np.int64), 2).shape == (0, 2)


@given(st.sampled_from([1, 2, 4, 8, 16]), st.integers(1, 40), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_packed_entries_are_the_lowest_bits(bits: int, length: int, n: int, seed: int) -> None:
    signatures = np.random.default_rng(seed).integers(0, 2**32, size=(n, length), dtype=np.uint32)
    words = packed(signatures, bits)
    assert words.shape == (n, -(-length * bits // 8))
    other = signatures.copy()
    other[:, ::3] += 1
    if n:
        equal = (signatures % 2**bits == other % 2**bits).mean(axis=1)
        chance = 2.0**-bits
        assert packed_agreement(words, packed(other, bits), length, bits) == pytest.approx(
            (equal - chance) / (1 - chance)
        )


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("shared", [0, 60, 180])
def test_packed_estimates_are_unbiased(bits: int, shared: int) -> None:
    true, length, seeds = shared / 200, 128, 150
    tokens = pair(200, shared, (200 - shared) // 2)
    found = []
    for seed in range(seeds):
        words = packed(one_permutation(tokens, length, seed), bits)
        found.append(packed_agreement(words[:1], words[1:], length, bits)[0])
    equal = true + (1 - true) * 2.0**-bits
    error = np.sqrt(equal * (1 - equal) / length / seeds) / (1 - 2.0**-bits)
    assert abs(np.mean(found) - true) < SIGMAS * max(error, 1e-4)


def test_packing_other_widths_is_refused() -> None:
    with pytest.raises(ValueError, match="bits"):
        packed(np.zeros((1, 4), dtype=np.uint32), 3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_keys_are_equal_where_all_entries_are(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    signatures = rng.integers(0, 2, size=(60, 12), dtype=np.uint32)
    entries = rng.choice(12, rows, replace=False)
    keys = band_keys(signatures, entries)
    assert np.unique(keys).size == np.unique(signatures[:, entries], axis=0).shape[0]
    expected = []
    for row in signatures.tolist():
        key = 0
        for column in entries.tolist():
            key = scalar_mix(key + row[column])
        expected.append(key)
    assert keys.tolist() == expected
    buffer = np.zeros(60, dtype=np.uint64)
    assert band_keys(signatures, entries, out=buffer) is buffer
    assert np.array_equal(buffer, keys)


def test_the_scalar_mixer_is_the_core_s() -> None:
    values = np.random.default_rng(0).integers(0, 2**63, 50, dtype=np.uint64)
    assert [scalar_mix(int(v)) for v in values] == mix(values.copy()).tolist()


@pytest.mark.parametrize("count", [16, 64])
def test_bands_recall_what_theory_says(count: int) -> None:
    """Pairs of one similarity meet in a band as often as 1 - (1 - J**r)**b."""
    rng = np.random.default_rng(count)
    rows, pairs, size = 4, 1500, 40
    for shared in (15, 25, 34):
        true = shared / (2 * size - shared)
        base = np.argsort(rng.random((pairs, 400)), axis=1)
        a, b = base[:, :size], np.c_[base[:, :shared], base[:, size : 2 * size - shared]]
        tokens = from_columns(
            np.repeat(np.arange(2 * pairs), size), np.concatenate([a, b]).ravel(), 2 * pairs
        )
        signatures = one_permutation(tokens, count * rows, 11)
        met = np.zeros(pairs, dtype=bool)
        for band in range(count):
            keys = band_keys(signatures, np.arange(band * rows, (band + 1) * rows))
            met |= keys[:pairs] == keys[pairs:]
        theory = 1 - (1 - true**rows) ** count
        # copied entries lean a little together: allow 2 % beyond chance
        assert abs(met.mean() - theory) < SIGMAS * np.sqrt(theory * (1 - theory) / pairs) + 0.02


def test_values_and_groups_tell_the_same_of_dense_rows() -> None:
    rng = np.random.default_rng(3)
    rows = np.tile(rng.integers(0, 30, 300), (2, 1))
    rows[1, :30] += 1
    exact = 270 / 330
    by_tokens = [agreement(*np.vsplit(one_permutation(from_values(rows), 128, s), 2))[0] for s in range(60)]
    assert abs(np.mean(by_tokens) - exact) < SIGMAS * np.sqrt(exact * (1 - exact) / 128 / 60)
