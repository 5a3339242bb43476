"""Groups of equal rows, and what they take: parts that bound memory do not show in the answer."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hashing import groups
from auditor.hashing.clusters import components, labelled
from auditor.hashing.digest import representatives
from auditor.hashing.groups import grouped, pairs_of_groups


def owners(values: list[int]) -> np.ndarray:
    return np.array([values.index(value) for value in values], dtype=np.int64)


@given(st.lists(st.integers(0, 20), max_size=30))
def test_groups_hold_the_rows_of_one_owner(values: list[int]) -> None:
    owner = owners(values)
    made = grouped(owner)
    held = [made.rows[a:b].tolist() for a, b in zip(made.starts[:-1], made.starts[1:], strict=True)]
    assert held == [np.flatnonzero(owner == first).tolist() for first in np.unique(owner)]


def test_rows_that_equal_none_are_groups_of_their_own() -> None:
    made = grouped(np.arange(5))
    assert made.rows.tolist() == made.first.tolist() == [0, 1, 2, 3, 4]
    assert made.sizes.tolist() == [1] * 5
    assert grouped(np.arange(0)).starts.tolist() == [0]


@pytest.mark.parametrize("block", [1, 5, 64])
def test_parts_do_not_show(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = owners(np.random.default_rng(0).integers(0, 40, 200).tolist())
    made, none = grouped(owner), np.zeros(0, dtype=np.int64)
    whole, left = pairs_of_groups(made, None, (none, none, np.zeros(0)), limit=10**6)
    monkeypatch.setattr(groups, "BLOCK", block)
    parts, other = pairs_of_groups(made, None, (none, none, np.zeros(0)), limit=10**6)
    assert left == other == 0
    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))
    assert whole[0].size == sum(k * (k - 1) // 2 for k in made.sizes.tolist())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=25),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=15),
)
def test_labels_are_the_components_of_pairs_and_equal_rows(
    values: list[int], pairs: list[tuple[int, int]]
) -> None:
    owner = owners(values)
    linked = np.array(pairs, dtype=np.int64).reshape(-1, 2) % owner.size
    rows = np.arange(owner.size)
    every = components(owner.size, np.r_[linked[:, 0], owner], np.r_[linked[:, 1], rows])
    wanted = np.unique(every, return_inverse=True)[1]
    assert labelled(owner, linked[:, 0], linked[:, 1]).tolist() == wanted.tolist()


def test_equal_rows_are_found_in_less_than_64_bytes_a_row() -> None:
    n = 400_000
    few = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    for rows in (few, few[np.arange(n) // 2], few[np.zeros(n, dtype=np.int64)]):
        tracemalloc.start()
        try:
            made = grouped(representatives([rows]))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert made.rows.size == n
        # and what a block takes, whatever the rows
        assert peak < 64 * n + 2**23
