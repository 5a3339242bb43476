"""Evenly spaced positions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.hashing.sampling import spaced


@given(st.integers(2, 10**6), st.integers(2, 300))
def test_positions_reach_both_ends_at_even_distances(count: int, limit: int) -> None:
    positions = spaced(count, limit)
    assert positions.size == min(count, limit)
    assert (positions[0], positions[-1]) == (0, count - 1)
    assert np.ptp(np.diff(positions)) <= 1


def test_one_position_is_the_first() -> None:
    assert spaced(10, 1).tolist() == [0]


def test_nothing_has_no_position() -> None:
    assert spaced(0, 5).dtype == np.int64
    assert spaced(0, 5).size == 0
