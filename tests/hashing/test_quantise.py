"""Codes of values."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hashing.quantise import MISSING, codes, spreads


def test_spread_is_robust_and_never_zero() -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack(
        [
            rng.standard_cauchy(2000),
            np.full(2000, 3.0),
            np.zeros(2000),
            np.full(2000, np.nan),
            rng.random(2000),
        ]
    )
    rows[0, 4] = np.inf
    width = spreads(rows)
    assert width[0] < 50
    assert width[1] == 3.0
    assert width[2] == width[3] == 1.0
    assert 0.85 < width[4] < 0.95


def test_a_rare_value_still_gives_a_spread() -> None:
    column = np.zeros((1000, 1))
    column[3] = 5.0
    assert spreads(column).tolist() == [5.0]


def test_whole_rows_of_extremes() -> None:
    rows = np.array([[np.finfo(np.float64).max], [-np.finfo(np.float64).max]])
    assert np.isfinite(spreads(rows)).all()
    assert codes(np.array([[np.nan, np.inf, -np.inf]]), np.ones(3)).tolist() == [[MISSING, 2**62, -(2**62)]]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.floats(1e-3, 10))
@settings(max_examples=100, deadline=None)
def test_codes_keep_order_and_distance(values: list[float], width: float) -> None:
    column = np.sort(np.array(values))[:, None]
    whole = codes(column, np.array([width]))[:, 0]
    assert (np.diff(whole) >= 0).all()
    assert np.abs(np.diff(whole) - np.diff(column[:, 0]) / width).max() <= 1.0 + 1e-6
