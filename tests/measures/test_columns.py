"""Statistics of columns, against NumPy on whole arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditor.measures import columns
from auditor.measures.columns import describe_columns

DTYPES = [
    bool,
    np.int8,
    np.uint8,
    np.int16,
    np.uint16,
    np.int32,
    np.int64,
    np.float16,
    np.float32,
    np.float64,
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_numpy(dtype: type) -> None:
    X = np.random.default_rng(0).integers(0, 100, size=(257, 7)).astype(dtype)
    stats = describe_columns(X)
    wide = X.astype(np.float64)
    np.testing.assert_allclose(stats.mean, wide.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(stats.variance, wide.var(axis=0), rtol=1e-13)
    np.testing.assert_array_equal(stats.minimum, wide.min(axis=0))
    np.testing.assert_array_equal(stats.maximum, wide.max(axis=0))
    np.testing.assert_array_equal(stats.n_zero, (wide == 0).sum(axis=0))
    assert stats.count.tolist() == [257] * 7


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 40), st.integers(1, 5)),
        elements=st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf]),
    )
)
@settings(max_examples=150, deadline=None)
def test_non_finite_values_are_counted_and_left_out(X: np.ndarray) -> None:
    stats = describe_columns(X)
    for j in range(X.shape[1]):
        finite = X[np.isfinite(X[:, j]), j]
        assert stats.count[j] == finite.size
        assert stats.n_nan[j] == np.isnan(X[:, j]).sum()
        assert stats.n_infinite[j] == np.isinf(X[:, j]).sum()
        if not finite.size:
            assert np.isnan([stats.mean[j], stats.variance[j], stats.minimum[j], stats.maximum[j]]).all()
            continue
        assert stats.minimum[j] == finite.min()
        assert stats.maximum[j] == finite.max()
        assert stats.mean[j] == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9)
        assert stats.variance[j] == pytest.approx(finite.var(), rel=1e-9, abs=1e-6)


def test_blocks_merge_without_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    X = 1e8 + np.random.default_rng(1).normal(size=(5000, 3))
    monkeypatch.setattr(columns, "BLOCK_BYTES", 8 * 3 * 64)
    stats = describe_columns(X)
    np.testing.assert_allclose(stats.variance, X.var(axis=0), rtol=1e-7)
    np.testing.assert_allclose(stats.mean, X.mean(axis=0), rtol=1e-14)


def test_constant_columns_have_no_variance_at_all() -> None:
    stats = describe_columns(np.full((1001, 2), 0.1))
    assert stats.variance.tolist() == [0.0, 0.0]
    assert stats.constant.all()


def test_half_precision_does_not_overflow() -> None:
    stats = describe_columns(
        np.full((10, 1), 60000, dtype=np.float16) * np.array([[1], [-1]] * 5, np.float16)
    )
    assert stats.std[0] == 60000.0


def test_the_largest_floats_are_survived() -> None:
    big = np.finfo(np.float64).max
    stats = describe_columns(np.array([[big], [-big]]))
    assert stats.maximum[0] == big
    assert np.isinf(stats.variance[0])


def test_no_rows() -> None:
    stats = describe_columns(np.zeros((0, 3)))
    assert stats.count.tolist() == [0, 0, 0]
    assert np.isnan(stats.mean).all()
    assert not stats.constant.any()
