"""Runs of labels, and consecutive parts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from auditor.measures.order import class_order, mid_ranks, rank_parts


def test_moments_of_runs_are_exact() -> None:
    codes = np.array([0, 0, 0, 1, 1, 2])
    runs = [class_order(np.array(p), 3).runs for p in itertools.permutations(codes.tolist())]
    order = class_order(codes, 3)
    assert order.expected_runs == pytest.approx(np.mean(runs))
    assert order.z == pytest.approx((3 - np.mean(runs)) / np.std(runs))


@pytest.mark.parametrize(("n", "k"), [(100, 2), (150, 10), (1000, 100)])
def test_random_order_is_random(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    orders = [class_order(rng.integers(0, k, n), k) for _ in range(300)]
    z = np.array([order.z for order in orders])
    assert abs(z.mean()) < 0.25
    assert 0.85 < z.std() < 1.15
    assert max(order.distances.max() for order in orders) < 0.45
    assert np.mean([order.distances.mean() for order in orders]) < 0.1


@pytest.mark.parametrize("codes", [[], [0], [0, 0, 0], [0, 1]])
def test_few_rows(codes: list[int]) -> None:
    order = class_order(np.array(codes, dtype=np.int64), 2)
    assert np.isfinite(order.z)
    assert np.isfinite(order.distances).all()


def test_ranks() -> None:
    np.testing.assert_array_equal(mid_ranks(np.array([5, 1, 5, 5])), [3, 1, 3, 3])
    assert rank_parts(np.ones(50))[0] == 0
    assert rank_parts(np.arange(4.0))[0] == 0
    between, means = rank_parts(np.arange(500.0) ** 3)
    assert between == pytest.approx(0.96, abs=1e-3)
    assert np.all(np.diff(means) > 0)
    assert rank_parts(np.random.default_rng(0).normal(size=2000))[0] < 0.02
