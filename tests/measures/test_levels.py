"""Features of few values in two splits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auditor.measures.levels import Levels, level_pairs


def pair(first: np.ndarray, second: np.ndarray) -> Levels:
    (one,) = level_pairs(first[:, None], second[:, None], np.array([0]))
    return one


def draws(values: list[float], n: int = 200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(values, size=n).astype(np.float64)


@pytest.mark.parametrize(("slope", "offset"), [(255.0, 0.0), (0.37, -1.2), (1.0, 0.25), (1 / 255, 0.0)])
def test_an_affine_image_is_found_exactly(slope: float, offset: float) -> None:
    one = pair(draws([0, 1, 2, 5]), slope * draws([0, 1, 2, 5], seed=1) + offset)
    assert (one.slope, one.offset) == (pytest.approx(slope), pytest.approx(offset))
    assert one.after <= one.noise


def test_a_rare_value_does_not_hide_the_map() -> None:
    first = draws([1, 2, 3, 4])
    first[0] = 55
    assert pair(first, 2.5 * draws([1, 2, 3, 4], seed=1) - 7).slope == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([1, 2, 3], [1, 2, 3], True),
        ([1, 2, 3], [1, 2], True),
        ([0, 1], [-0.65, 1.54], False),
        ([2011, 2012, 2013], [2014, 2015], None),
        ([1, 2, 3, 4], [0, 1 / 3, 2 / 3, 1], False),
        ([1, 2], [0, 1], None),
    ],
)
def test_whether_the_values_are_the_same(first, second, same) -> None:
    assert pair(draws(first), draws(second, seed=1)).same is same


def test_a_gain_is_not_far_and_a_scaler_is() -> None:
    values = [150, 160, 170, 180]
    assert not pair(draws(values), 1.24 * draws(values)).far
    assert pair(draws(values), draws(values) / 11).far
    assert pair(draws(values), draws(values) - 165.5).far


def test_what_varies_too_much_or_too_little_is_left_out() -> None:
    rng = np.random.default_rng(0)
    X = np.stack([rng.normal(size=300), np.zeros(300), rng.integers(0, 3, 300), np.full(300, np.nan)], axis=1)
    assert [one.column for one in level_pairs(X[:200], X[200:], np.arange(4))] == [2]


def test_no_map_is_no_number() -> None:
    one = pair(draws([0, 1, 2, 7]), draws([0, 3, 4, 5, 9], seed=1))
    assert math.isnan(one.slope)
    assert one.after == 1.0
