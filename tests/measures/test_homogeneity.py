"""Tests of counts and distributions keep their false alarm rate, and find what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.measures.homogeneity import (
    chi_square,
    cohen_w,
    grouped_p_value,
    kolmogorov_smirnov,
    log_chance_of_absence,
    proportions_p_value,
    total_variation,
)


@pytest.mark.parametrize(
    ("k", "kept", "drawn", "concentration"),
    [(2, 100, 30, 1.0), (2, 1000, 20, 0.1), (10, 1000, 200, 1.0), (10, 200, 40, 0.3), (50, 60, 10, 1.0)],
)
def test_proportions_keep_their_level(k: int, kept: int, drawn: int, concentration: float) -> None:
    rng = np.random.default_rng(k * kept)
    p = rng.dirichlet(np.full(k, concentration))
    alarms = 0
    for _ in range(1500):
        total = rng.multinomial(kept + drawn, p)
        here = rng.multivariate_hypergeometric(total, drawn)
        alarms += proportions_p_value(total - here, here) < 0.02
    assert alarms <= 30 + 3.5 * math.sqrt(30)


def test_chi_square_agrees_with_the_textbook() -> None:
    statistic, p = chi_square(np.array([[10, 20, 30], [6, 9, 17]]))
    assert statistic == pytest.approx(0.27157465150403504, rel=1e-12)
    assert p == pytest.approx(0.873028283380073, rel=1e-12)


@pytest.mark.parametrize("table", [np.zeros((2, 3)), np.array([[5, 0], [7, 0]]), np.array([[0, 0], [3, 4]])])
def test_nothing_to_compare(table: np.ndarray) -> None:
    assert chi_square(table)[1] == 1.0
    assert proportions_p_value(*table.astype(int)) == 1.0


def test_a_rare_class_in_a_small_split_is_found() -> None:
    assert proportions_p_value(np.array([950, 50]), np.array([10, 10])) < 1e-6
    assert proportions_p_value(np.array([10, 10]), np.array([950, 50])) < 1e-6
    assert proportions_p_value(np.array([950, 50]), np.array([19, 1])) > 0.5


def test_effect_sizes() -> None:
    assert total_variation(np.array([1, 1]), np.array([1, 0])) == 0.5
    assert cohen_w(np.array([500, 500]), np.array([500, 500])) == 0.0
    assert cohen_w(np.array([9900, 100]), np.array([9785, 215])) == pytest.approx(0.092, abs=1e-3)
    assert cohen_w(np.zeros(2), np.array([1, 1])) >= 0


@given(st.integers(0, 8), st.integers(1, 12), st.integers(0, 12))
def test_chance_of_absence_is_hypergeometric(count: int, kept: int, drawn: int) -> None:
    total = kept + drawn
    if count > total:
        return
    expected = math.comb(total - count, drawn) / math.comb(total, drawn) if count <= kept else 0.0
    found = log_chance_of_absence(count, kept, drawn)
    assert math.exp(found) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_kolmogorov_smirnov() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_cauchy(400), rng.standard_cauchy(300)
    distance, p = kolmogorov_smirnov(a, b)
    assert p > 0.01
    assert kolmogorov_smirnov(a, b + 2)[1] < 1e-9
    assert kolmogorov_smirnov(np.exp(a / 50), np.exp(b / 50)) == (distance, p)
    assert kolmogorov_smirnov(np.array([np.nan]), a) == (0.0, 1.0)


def test_whole_groups_are_exchanged() -> None:
    rng = np.random.default_rng(2)
    shares = rng.beta(0.3, 0.3, 60)
    table = rng.binomial(30, shares)[:, None] * [1, -1] + [0, 30]
    p = []
    for seed in range(40):
        drawn = np.random.default_rng(seed).permutation(60) < 12
        p.append(grouped_p_value(table, drawn, cohen_w, np.random.default_rng(seed), draws=200))
    assert 0.3 < np.mean(p) < 0.7
    assert np.mean(np.array(p) < 0.05) < 0.2
    extreme = shares <= np.sort(shares)[11]
    assert grouped_p_value(table, extreme, cohen_w, rng, draws=500) == pytest.approx(1 / 501)


def test_many_groups_are_joined() -> None:
    rng = np.random.default_rng(3)
    table = rng.multinomial(3, [0.5, 0.5], size=12_001)
    drawn = rng.random(12_001) < 0.2
    assert grouped_p_value(table, drawn, cohen_w, rng, draws=50) > 0.02
