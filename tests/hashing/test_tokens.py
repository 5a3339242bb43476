"""Rows as sets of tokens."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from auditor._errors import InputError
from auditor.hashing.tokens import (
    TOKEN_BITS,
    Tokens,
    background,
    from_binary,
    from_columns,
    from_hashes,
    from_sets,
    from_sparse,
    from_values,
    value_dtype,
    weighed,
)

DTYPES = [
    bool,
    np.uint8,
    np.int8,
    np.uint16,
    np.int32,
    np.int64,
    np.uint64,
    np.float16,
    np.float32,
    np.float64,
]


def members(tokens: Tokens) -> list[list[int]]:
    return [
        tokens.ids[low:high].tolist() for low, high in zip(tokens.starts, tokens.starts[1:], strict=False)
    ]


def valid(tokens: Tokens) -> bool:
    """Whether tokens are distinct and ascending within rows, and fit their bits."""
    return (
        tokens.starts[0] == 0
        and tokens.starts[-1] == tokens.ids.size
        and all(row == sorted(set(row)) and (not row or row[-1] < 2**TOKEN_BITS) for row in members(tokens))
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_coordinates_in_any_order_and_repeated(cells: list[tuple[int, int]]) -> None:
    rows, columns = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    tokens = from_columns(rows, columns, 6)
    assert members(tokens) == [sorted({c for r, c in cells if r == row}) for row in range(6)]


def test_columns_that_leave_no_room_beside_row_numbers() -> None:
    wide = 2**47
    tokens = from_columns(np.array([70_000, 0, 70_000]), np.array([wide, 3, wide]), 100_000)
    assert tokens.sizes.sum() == 2
    assert tokens.take(np.array([70_000])).ids.tolist() == [wide]
    assert valid(from_columns(np.array([70_000, 0]), np.array([5, 2**TOKEN_BITS - 1]), 2**17))
    with pytest.raises(InputError, match="beyond 48 bits"):
        from_columns(np.array([0]), np.array([2**TOKEN_BITS]), 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_rows_of_every_type_are_one_set(dtype: type) -> None:
    rows = np.random.default_rng(0).integers(0, 2, size=(50, 70)).astype(dtype)
    tokens = from_binary(rows)
    assert members(tokens) == [np.flatnonzero(row).tolist() for row in rows]
    for kind in (sparse.csr_array, sparse.coo_array, sparse.csc_matrix):
        if dtype is not np.float16:  # which SciPy does not take
            assert members(from_sparse(kind(rows))) == members(tokens)


def test_zeros_stored_repeats_and_missing_values_of_a_sparse_array() -> None:
    made = sparse.csr_array(
        (np.array([1.0, -1.0, 0.0, np.nan, 2.0, 3.0]), np.array([1, 1, 2, 0, 4, 3]), np.array([0, 4, 6]))
    )
    before = made.copy()
    assert members(from_sparse(made)) == [[], [3, 4]]
    assert (made.data.tobytes(), made.indices.tobytes()) == (before.data.tobytes(), before.indices.tobytes())


def test_more_than_65535_columns() -> None:
    rows = np.zeros((3, 150_528), dtype=np.uint8)
    rows[0, 150_527] = rows[1, 150_527] = rows[2, 150_527 - 65_536] = 9
    assert members(from_binary(rows)) == [[150_527], [150_527], [84_991]]
    values = from_values(rows, background(rows))
    assert members(values)[0] == members(values)[1] != members(values)[2]


def test_blocks_do_not_show() -> None:
    rows = np.random.default_rng(1).integers(0, 3, size=(3000, 1000), dtype=np.uint8)  # several blocks
    whole, tail = from_values(rows), from_values(rows[2000:])
    assert members(whole.take(np.arange(2000, 3000))) == members(tail)
    assert members(from_binary(rows).take(np.array([2999]))) == [np.flatnonzero(rows[2999]).tolist()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_are_one_token_in_every_type(dtype: type) -> None:
    codes = np.random.default_rng(2).integers(0, 2, size=(20, 9))
    joint = value_dtype(dtype, np.int64)
    assert members(from_values(codes.astype(dtype), dtype=joint)) == members(from_values(codes, dtype=joint))


@given(hnp.arrays(np.int64, (6, 5), elements=st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1))))
@settings(max_examples=100, deadline=None)
def test_rows_share_the_tokens_of_the_columns_in_which_they_agree(rows: np.ndarray) -> None:
    tokens = from_values(rows)
    assert valid(tokens)
    for i, ours in enumerate(members(tokens)):
        for j, theirs in enumerate(members(tokens)):
            assert len(set(ours) & set(theirs)) == int((rows[i] == rows[j]).sum())


def test_missing_values_and_zeros_of_either_sign_are_values() -> None:
    nan = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    tokens = members(from_values(np.array([[-0.0, nan[0]], [0.0, nan[1]], [1.0, 0.0]])))
    assert tokens[0] == tokens[1]
    assert not set(tokens[0]) & set(tokens[2])


@pytest.mark.parametrize("dtype", DTYPES)
def test_background_is_what_most_rows_hold(dtype: type) -> None:
    rows = np.zeros((100, 4), dtype=dtype)
    rows[:49, 1] = 1  # fewer than half
    rows[:60, 2] = 1
    rows[::2, 3] = 1  # exactly half: none
    found = background(rows)
    assert found.present.tolist() == [True, True, True, False]
    assert [bool(value) for value in found.values[:3]] == [False, False, True]
    assert from_values(rows, found).sizes.sum() == 49 + 40 + 100


def test_a_background_that_is_missing() -> None:
    rows = np.array([[np.nan, 1.0]] * 9 + [[3.0, np.nan]])
    assert from_values(rows, background(rows)).sizes.tolist() == [0] * 9 + [2]


def test_constant_and_blank_rows_have_no_tokens() -> None:
    rows = np.full((30, 5), 7)
    assert not from_values(rows, background(rows)).ids.size
    assert not from_binary(np.zeros((30, 5))).ids.size


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (1, 1)])
def test_empty_and_tiny_arrays(shape: tuple[int, int]) -> None:
    for dtype in (bool, np.int32, np.float32):
        rows = np.ones(shape, dtype=dtype)
        for tokens in (from_binary(rows), from_values(rows), from_values(rows, background(rows))):
            assert len(tokens) == shape[0]
            assert valid(tokens)
    assert len(from_sparse(sparse.csr_array(shape))) == shape[0]


def test_sets_of_words_numbers_bytes_and_tuples() -> None:
    rows = [
        {"a", 1},
        {"a", 1.0},
        {"a", True},
        {"a", "1"},
        {"a", b"1"},
        {("a", 1)},
        {("a", "1")},
        {0.5, None},
        set(),
    ]
    found = members(from_sets(rows))
    assert found[0] == found[1] == found[2] == members(from_sets([{np.int8(1), np.str_("a")}]))[0]
    assert len({tuple(row) for row in found}) == len(rows) - 2
    assert len({number for row in found for number in row}) == 8


def test_order_and_repeats_within_a_set_do_not_matter() -> None:
    tokens = from_sets([["b", "a", "b"], ["a", "b"]])
    assert valid(tokens)
    assert members(tokens)[0] == members(tokens)[1]


def test_tuples_are_not_confused_with_others_of_the_same_letters() -> None:
    tokens = from_sets([[("ab", "c"), ("a", "bc"), "abc", ("abc",), (("ab",), "c")]])
    assert tokens.sizes.tolist() == [5]


def test_words_are_hashed_alike_in_every_process() -> None:
    code = "from auditor.hashing.tokens import from_sets; print(from_sets([['word', 7, (1, 'x'), 2.5]]).ids.tolist())"
    found = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                            env={"PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")}  # fmt: skip
    assert found == {f"{from_sets([['word', 7, (1, 'x'), 2.5]]).ids.tolist()}\n"}


def test_a_token_of_no_fixed_order_is_refused() -> None:
    with pytest.raises(InputError, match="frozenset"):
        from_sets([[frozenset("ab")]])


@given(st.lists(st.lists(st.integers(0, 2**TOKEN_BITS - 1), max_size=6), max_size=8))
def test_ragged_hashes(rows: list[list[int]]) -> None:
    flat = np.array([token for row in rows for token in row], dtype=np.uint64)
    tokens = from_hashes(flat, np.array([len(row) for row in rows], dtype=np.int64))
    assert members(tokens) == [sorted(set(row)) for row in rows]


def test_more_rows_than_ride_in_one_sort() -> None:
    n = 70_000
    tokens = from_hashes(np.repeat(np.arange(n, dtype=np.uint64), 2), np.full(n, 2))
    assert np.array_equal(tokens.ids, np.arange(n, dtype=np.uint64))
    assert (tokens.sizes == 1).all()


@given(hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 8))), st.integers(1, 30))
def test_blocks_cover_all_rows_once_and_take_picks(rows: np.ndarray, size: int) -> None:
    tokens = from_binary(rows)
    edges = list(tokens.blocks(size))
    assert [row for low, high in edges for row in range(low, high)] == list(range(len(rows)))
    picked = np.arange(len(rows))[::-1].repeat(2)
    assert members(tokens.take(picked)) == [members(tokens)[row] for row in picked]


def test_weights_tell_rare_tokens_from_common_ones() -> None:
    rows = np.zeros((400, 3), dtype=bool)
    rows[:, 0] = rows[:100, 1] = rows[:1, 2] = True
    tokens, query = weighed(from_binary(rows), from_binary(np.ones((1, 4), dtype=bool)))
    assert query is not None
    assert query.weights is not None
    assert tokens.weights is not None
    common, some, rare, unseen = query.weights
    assert 0 < common < 0.01
    assert 1.9 < some < 2.1
    assert 8 < rare < unseen
    assert np.array_equal(tokens.weights[tokens.ids == 1], np.full(100, some))
    assert np.array_equal(tokens.take(np.array([0])).weights, [common, some, rare])
