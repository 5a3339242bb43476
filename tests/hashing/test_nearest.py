"""Nearest points, and all points within a radius, against every distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from auditor.hashing import ball, nearest
from auditor.hashing.ball import within
from auditor.hashing.nearest import neighbours
from auditor.hashing.points import Points


def _points(flat: np.ndarray) -> Points:
    return Points(flat, np.zeros(flat.shape[1]), np.ones(flat.shape[1]))


@pytest.mark.parametrize(
    ("n", "m", "p", "k"), [(1, 1, 1, 3), (5, 3, 2, 4), (700, 50, 3, 55), (9000, 90, 8, 10)]
)
@pytest.mark.parametrize("own", [False, True])
def test_neighbours(n: int, m: int, p: int, k: int, own: bool) -> None:
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(n, p)).astype(np.float32)
    query = reference[:m] if own else rng.normal(size=(m, p)).astype(np.float32)
    every = cdist(query.astype(np.float64), reference.astype(np.float64))
    if own:
        every[np.arange(len(query)), np.arange(len(query))] = np.inf
    wanted = np.pad(np.sort(every, axis=1), ((0, 0), (0, k)), constant_values=np.inf)[:, :k]
    distance, index = neighbours(reference, query, k, np.arange(len(query)) if own else None)
    assert np.allclose(distance, wanted, atol=1e-5)
    found = index >= 0
    assert np.array_equal(found, np.isfinite(distance))
    rows = np.repeat(np.arange(len(query))[:, None], k, axis=1)
    assert np.allclose(every[rows[found], index[found]], distance[found], atol=1e-5)


def test_neighbours_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    reference, query = rng.normal(size=(10_000, 4)), rng.normal(size=(200, 4))
    whole = neighbours(reference.astype(np.float32), query.astype(np.float32), 7)
    monkeypatch.setattr(nearest, "ENTRIES", 2**12)
    parts = neighbours(reference.astype(np.float32), query.astype(np.float32), 7)
    assert np.array_equal(whole[1], parts[1])


def test_equal_points_are_found_though_there_are_many() -> None:
    reference = np.zeros((20_000, 3), dtype=np.float32)
    distance, _ = neighbours(reference, reference[:3], 5, np.arange(3))
    assert not distance.any()


def test_a_tiny_distance_keeps_its_digits() -> None:
    reference = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32) * 100
    query = reference[:5] + np.float32(1e-4)
    gap = np.linalg.norm(query.astype(np.float64) - reference[:5], axis=1)
    assert np.allclose(neighbours(reference, query, 1)[0][:, 0], gap, rtol=1e-6)


def _all_pairs(a: np.ndarray, b: np.ndarray, radius: object) -> set[tuple[int, int]]:
    i, j = np.nonzero(cdist(b, a) <= np.broadcast_to(radius, len(b))[:, None])
    return set(zip(i.tolist(), j.tolist(), strict=True))


@given(
    st.integers(1, 300),
    st.integers(1, 200),
    st.sampled_from([1, 2, 5, 20, 40]),
    st.floats(0.05, 2),
    st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_within_finds_all_pairs_and_no_others(n: int, m: int, d: int, radius: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    b[: m // 2] = a[rng.integers(0, n, m // 2)] + rng.normal(size=(m // 2, d)) * radius / 4
    a, b = a.astype(np.float32).astype(np.float64), b.astype(np.float32).astype(np.float64)
    near = within(_points(a), _points(b), radius)
    wanted = _all_pairs(a, b, radius)
    on_the_edge = _all_pairs(a, b, radius * 1.00001) - _all_pairs(a, b, radius * 0.99999)
    found = set(zip(near.query.tolist(), near.reference.tolist(), strict=True))
    assert found ^ wanted <= on_the_edge
    assert near.complete
    assert np.allclose(near.distance, np.linalg.norm(b[near.query] - a[near.reference], axis=1), rtol=1e-5)
    assert (np.diff(near.query) >= 0).all()


def test_each_query_has_its_own_radius() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(400, 3)), rng.normal(size=(100, 3))
    radius = rng.uniform(0.0, 1.0, 100)
    near = within(_points(a), _points(b), radius)
    assert set(zip(near.query.tolist(), near.reference.tolist(), strict=True)) == _all_pairs(a, b, radius)


def test_pairs_within_one_set_are_told_once() -> None:
    a = np.random.default_rng(0).normal(size=(300, 4))
    near = within(_points(a), None, 0.8)
    wanted = {(i, j) for i, j in _all_pairs(a, a, 0.8) if i < j}
    assert set(zip(near.query.tolist(), near.reference.tolist(), strict=True)) == wanted


def test_a_radius_that_takes_everything_is_bounded_and_says_so() -> None:
    a = np.random.default_rng(0).normal(size=(3000, 2))
    near = within(_points(a), _points(a), 100.0, limit=10_000)
    assert not near.complete
    assert near.query.size <= 10_000


def test_a_search_that_would_cost_too_much_is_not_begun() -> None:
    a = np.random.default_rng(0).normal(size=(2000, 2))
    near = within(_points(a), _points(a), 1.0, most=1000)
    assert not near.complete
    assert near.candidates == 0


def test_within_nothing() -> None:
    a, none = np.zeros((5, 2)), np.zeros((0, 2))
    for near in (within(_points(none), _points(a), 1.0), within(_points(a), _points(none), 1.0)):
        assert near.complete
        assert not near.query.size


def test_rounding_loses_no_copy_far_from_the_origin() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(2000, 30)) * 1e4
    near = within(_points(a), _points(a[:500] + 1e-3), 0.05)
    assert set(range(500)) <= set(near.query[near.query == near.reference].tolist())


def test_few_distances_are_computed_where_points_are_spread() -> None:
    rng = np.random.default_rng(0)
    a = rng.uniform(size=(20_000, 3)).astype(np.float32)
    arranged = ball.arranged(_points(a), _points(a[:2000]), 0.01)
    assert arranged.entries() < 0.3 * 20_000 * 2000
