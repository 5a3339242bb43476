"""Rows as points, and their short projection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hashing.points import Points, distances
from auditor.hashing.projection import directions, leaves, project, slack

DTYPES = [bool, np.uint8, np.int8, np.int32, np.uint64, np.float16, np.float32, np.float64]


def _points(flat: np.ndarray, *, contrast: int = 0) -> Points:
    d = flat.shape[1]
    return Points(flat, np.full(d, 0.5), np.linspace(0.5, 2.0, d), contrast)


@pytest.mark.parametrize("dtype", DTYPES)
def test_points_are_moved_and_scaled(dtype: type) -> None:
    flat = np.random.default_rng(0).integers(0, 2, size=(50, 7)).astype(dtype)
    wanted = (flat.astype(np.float64) - 0.5) * np.linspace(0.5, 2.0, 7)
    points = _points(flat).take(slice(10, 20))
    assert points.dtype == np.float32
    assert np.allclose(points, wanted[10:20], rtol=1e-6)


def test_missing_and_infinite_values_stand_at_the_centre() -> None:
    flat = np.array([[np.nan, np.inf, -np.inf, 1e308]])
    points = Points(flat, np.ones(4), np.ones(4)).take(slice(None))
    assert points.tolist() == [[0.0, 0.0, 0.0, 1e9]]


def test_far_values_are_bent_and_keep_their_order() -> None:
    flat = np.array([[4.0, 5.0, 6.0, -999.0, 1e6]])
    points = Points(flat, np.zeros(5), np.ones(5), bend=5.0).take(slice(None))[0]
    assert points[:2].tolist() == [4.0, 5.0]
    assert 5.5 < points[2] < 6.0
    assert -12.0 < points[3] < -11.0
    assert points[4] > 18.0


def test_contrast_is_blind_to_gain_and_offset() -> None:
    flat = np.random.default_rng(0).normal(size=(5, 30))
    one, other = (Points(f, np.zeros(30), np.ones(30), 1).take(slice(None)) for f in (flat, 3.0 * flat + 7.0))
    assert np.allclose(one, other, atol=1e-6)
    blank = Points(np.full((2, 30), 4.0), np.zeros(30), np.ones(30), 1).take(slice(None))
    assert not blank.any()


def test_distances_block_by_block() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 3000)), rng.normal(size=(30, 3000))
    i, j = rng.integers(0, 40, 900), rng.integers(0, 30, 900)
    first, second = (Points(x, np.zeros(3000), np.ones(3000)) for x in (a, b))
    assert np.allclose(distances(first, second, i, j), np.linalg.norm(a[i] - b[j], axis=1), rtol=1e-5)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_projection_never_lengthens(n: int, d: int, k: int, seed: int) -> None:
    flat = np.random.default_rng(seed).normal(size=(n, d)) * 10.0
    points = Points(flat, flat.mean(axis=0), np.ones(d))
    axes = directions(points, k)
    assert np.allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=1e-5)
    short = project(points, axes).astype(np.float64)
    i, j = np.triu_indices(n)
    true = np.linalg.norm(flat[i] - flat[j], axis=1)
    assert (np.linalg.norm(short[i] - short[j], axis=1) ** 2 <= true**2 + slack(short, short) + 1e-9).all()


@pytest.mark.parametrize("d", [3, 600])
def test_directions_are_those_of_largest_spread(d: int) -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(700, d)) * 0.01
    flat[:, 1] += rng.normal(size=700) * 5.0
    axes = directions(Points(flat, np.zeros(d), np.ones(d)), 1)
    assert abs(axes[1, 0]) > 0.999


def test_small_integers_are_projected_without_being_moved_first() -> None:
    flat = np.random.default_rng(0).integers(0, 256, size=(300, 20)).astype(np.uint8)
    points = Points(flat, flat.mean(axis=0), np.full(20, 0.1))
    axes = directions(points, 4)
    assert np.allclose(project(points, axes), points.take(slice(None)) @ axes, atol=1e-3)


@given(st.integers(1, 500), st.integers(1, 5), st.integers(1, 64), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_leaves_hold_every_point_once(n: int, k: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    projected = np.round(rng.normal(size=(n, k)), 1).astype(np.float32)
    order, starts = leaves(projected, size)
    assert np.array_equal(np.sort(order), np.arange(n))
    assert starts[0] == 0
    assert starts[-1] == n
    assert (np.diff(starts) > 0).all()
    assert np.diff(starts).max() <= 2 * size
