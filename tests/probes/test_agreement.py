"""Two arrays of rows, and how they differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.probes.agreement import agreement

RNG = np.random.default_rng(0)
X = RNG.normal(5, [1.0, 10.0, 0.1, 100.0], size=(500, 4))


def test_equal_rows() -> None:
    assert agreement(X, X.copy()).kind == "equal"
    assert agreement(X[:0], X[:0]).kind == "equal"
    assert agreement(X, X.astype(np.float32)).kind == "equal"
    assert agreement(X, X.astype(np.float16)).kind == "equal"
    assert agreement(X.astype(np.int64), X.astype(np.int64)).kind == "equal"
    broken = X.copy()
    broken[3, 1] = np.nan
    broken[4, 0] = np.inf
    assert agreement(broken, broken.copy()).kind == "equal"


@pytest.mark.parametrize("factor", [255.0, 1 / 255, 1000.0, -1.0, 2.0, 127.5, 1 / 100])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_factor(factor: float, dtype: type) -> None:
    found = agreement(X.astype(dtype), (X * factor).astype(dtype))
    assert found.kind == "factor"
    assert found.slope == factor
    assert (found.columns, found.compared) == (4, 4)
    assert found.share == 1.0


def test_a_factor_with_an_offset_for_each_feature() -> None:
    found = agreement((X / 255 - X.mean(0)) / X.std(0), (X - X.mean(0)) / X.std(0))
    assert found.kind == "slope"
    assert found.slope == 255.0


def test_another_scaler() -> None:
    found = agreement((X - 5) / X.std(0), (X - X.min(0)) / np.ptp(X, axis=0))
    assert found.kind == "affine"
    assert found.columns == 4


def test_another_order() -> None:
    found = agreement(X, X[RNG.permutation(len(X))])
    assert found.kind == "order"
    assert found.share > 0.9


def test_anything_else() -> None:
    assert agreement(X, np.exp(X / 100)).kind == "other"
    assert agreement(X, X[:, :3]).kind == "shape"


def test_few_rows_are_counted_and_shown() -> None:
    changed = X.copy()
    changed[[7, 9], 2] += 1
    found = agreement(X, changed)
    assert found.share == pytest.approx(2 / 500)
    assert found.in_std == pytest.approx(1 / X[:, 2].std(), rel=1e-6)
    assert [example[:2] for example in found.examples] == [(7, 2), (9, 2)]


def test_rounding_near_zero_does_not_count() -> None:
    centred = X - X.mean(axis=0)
    assert agreement(centred, centred + 1e-9 * X.std(axis=0)).kind == "equal"


def test_heavy_tails_do_not_hide_a_difference() -> None:
    wild = np.random.default_rng(1).standard_cauchy(size=(2000, 2)) * 10
    wild[0] = 1e12
    assert agreement(wild, wild + 1).kind != "equal"
    assert agreement(wild, wild.astype(np.float32)).kind == "equal"


def test_constant_and_two_valued_features() -> None:
    rows = np.column_stack([np.ones(50), np.arange(50) % 2])
    assert agreement(rows, rows).kind == "equal"
    assert agreement(rows, rows * 255).kind == "factor"
    assert agreement(rows[:, :1], rows[:, :1] + 1).kind == "other"


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 30), d=st.integers(1, 4), seed=st.integers(0, 1000), scale=st.floats(1e-8, 1e8))
def test_no_rows_disagree_with_themselves(n: int, d: int, seed: int, scale: float) -> None:
    rows = np.random.default_rng(seed).standard_cauchy((n, d)) * scale
    assert agreement(rows, rows.copy()).kind == "equal"
    assert agreement(rows, rows + 0.1 * (1 + np.abs(rows))).kind != "equal"
