"""Exact linear functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.measures.linear import LARGEST, exact_linear, rounding

EPSILON = rounding(np.dtype(np.float64))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 6), size=st.floats(-6, 6))
def test_finds_the_function_whatever_the_units(seed: int, k: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 30)) * 10.0 ** rng.uniform(-3, 3, 30)
    columns = np.sort(rng.choice(30, k, replace=False))
    weights = rng.choice([-1, 1], k) * rng.uniform(0.5, 2, k) * 10.0**size / X[:, columns].std(axis=0)
    found = exact_linear(X, X[:, columns] @ weights + 10.0**size, EPSILON)
    assert found is not None
    assert found.columns == tuple(columns.tolist())
    np.testing.assert_allclose(found.coefficients, weights, rtol=1e-6)
    assert found.intercept == pytest.approx(10.0**size, rel=1e-4)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_too_few_rows_to_contradict(n: int) -> None:
    assert exact_linear(np.arange(2.0 * n).reshape(n, 2), np.arange(float(n)), EPSILON) is None


def test_constant_targets_and_enormous_values_are_left_alone() -> None:
    X = np.random.default_rng(0).normal(size=(50, 3))
    assert exact_linear(X, np.ones(50), EPSILON) is None
    assert exact_linear(X * LARGEST * 10, X[:, 0], EPSILON) is None
    assert exact_linear(X, X[:, 0] * LARGEST * 10, EPSILON) is None


def test_excess_counts_rounding_and_rows_that_are_not_finite() -> None:
    X = np.random.default_rng(0).normal(size=(50, 3))
    y = X[:, 0] - X[:, 2]
    found = exact_linear(X, y, EPSILON)
    assert found is not None
    off = y.copy()
    off[3] += 1e-3
    assert np.flatnonzero(found.excess(X[:, [0, 2]], off) > 1).tolist() == [3]
    broken = X[:, [0, 2]].copy()
    broken[5, 1] = np.nan
    assert np.isinf(found.excess(broken, y)[5])
