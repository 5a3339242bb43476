"""Every route to near points, against every distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from auditor.hashing import ball, coordinates, kernels, packed, route, signs
from auditor.hashing.clusters import components, labelled
from auditor.hashing.groups import grouped, own_owners, pairs_of_groups
from auditor.hashing.points import Points, distances
from auditor.hashing.products import near_products
from auditor.hashing.route import Met, near_pairs
from auditor.hashing.verify import verified

LIMIT = 10**6

compiled = pytest.mark.skipif(not kernels.available(), reason="Numba is not installed, or compiles nothing.")

SEARCHES = [
    pytest.param(ball.arranged, id="NumPy"),
    pytest.param(packed.arranged, id="compiled", marks=compiled),
]
"""The two bodies of the exact search."""


def _points(flat: np.ndarray, **options: object) -> Points:
    return Points(flat, np.zeros(flat.shape[1]), np.ones(flat.shape[1]), **options)


def _brute(reference: np.ndarray, query: np.ndarray | None, radius: float) -> set[tuple[int, int]]:
    every = cdist(*(part.astype(np.float64) for part in (reference if query is None else query, reference)))
    if query is None:
        every[np.tril_indices(len(every))] = np.inf
    return set(zip(*map(np.ndarray.tolist, np.nonzero(every <= radius)), strict=True))


def _met(found: object) -> set[tuple[int, int]]:
    return set(zip(found.query.tolist(), found.reference.tolist(), strict=True))


def _by_products(reference: Points, query: Points | None, radius: float) -> object:
    reach = np.full(len(reference if query is None else query), radius)
    return verified(reference, query, reach, near_products(reference, query, radius), LIMIT)


def _family(rng: np.random.Generator, n: int, m: int, d: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and rows of which some lie near those."""
    reference = rng.normal(size=(n, d)).astype(np.float32)
    query = rng.normal(size=(m, d)).astype(np.float32)
    near = min(n, m) // 2
    step = rng.normal(size=(near, d))
    step *= apart / np.linalg.norm(step, axis=1, keepdims=True)
    query[:near] = reference[rng.permutation(n)[:near]] + step
    return reference, query


@pytest.mark.parametrize(
    "search",
    [
        _by_products,
        lambda a, b, r: ball.arranged(a, b, r).run(LIMIT),
        pytest.param(lambda a, b, r: packed.arranged(a, b, r).run(LIMIT), marks=compiled),
    ],
)
@pytest.mark.parametrize(
    ("shape", "radius"),
    [
        ((1, 1, 1), 0.5),
        ((30, 7, 2), 0.4),
        ((33, 1, 12), 4.0),
        ((3000, 2200, 3), 0.05),
        ((2300, 200, 40), 5.5),
        ((1100, 40, 300), 22.0),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_exact_routes_find_what_brute_force_finds(
    search, shape: tuple[int, int, int], radius: float, own: bool
) -> None:
    n, m, d = shape
    rng = np.random.default_rng(n)
    reference, query = _family(rng, n, m, d, 0.9 * radius)
    asked = None if own else query
    found = search(_points(reference), None if own else _points(query), radius)
    assert _met(found) == _brute(reference, asked, radius)
    assert found.complete
    assert np.all(np.diff(found.query) >= 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 120), st.integers(1, 120), st.integers(1, 20)),
    st.floats(0.0, 3.0),
    st.booleans(),
)
def test_exact_routes_agree_whatever_the_points(
    seed: int, shape: tuple[int, int, int], radius: float, own: bool
) -> None:
    n, m, d = shape
    rng = np.random.default_rng(seed)
    # whole numbers: many equal distances, and points, right at the radius
    reference = rng.integers(-3, 4, (n, d)).astype(np.int16)
    query = None if own else rng.integers(-3, 4, (m, d)).astype(np.int16)
    radius = float(np.sqrt(round(radius**2)))
    there = None if query is None else _points(query)
    wanted = _brute(reference, query, radius + 1e-6)
    wide = radius + 1e-6
    assert _met(_by_products(_points(reference), there, wide)) == wanted
    assert _met(ball.arranged(_points(reference), there, wide).run(LIMIT)) == wanted
    if kernels.available():
        assert _met(packed.arranged(_points(reference), there, wide).run(LIMIT)) == wanted


@compiled
@pytest.mark.parametrize(
    "dtype", [bool, np.uint8, np.int8, np.uint16, np.int32, np.int64, np.float16, np.float32, np.float64]
)
@pytest.mark.parametrize("d", [2, 300])
def test_compiled_search_is_the_other_one_whatever_the_type(dtype: type, d: int) -> None:
    rng = np.random.default_rng(d)
    most = 2 if dtype is bool else 100
    reference = rng.integers(0, most, (900, d)).astype(dtype)
    query = reference[rng.permutation(900)[:200]].copy()
    query[:, 0] = rng.integers(0, most, 200).astype(dtype)
    here, there = _points(reference), _points(query)
    for radius in (0.0, 1.0, 9.0):
        one = ball.arranged(here, there, radius).run(LIMIT)
        two = packed.arranged(here, there, radius).run(LIMIT)
        assert _met(one) == _met(two)
        assert np.array_equal(one.distance, two.distance)


@compiled
@pytest.mark.parametrize(
    "options", [{}, {"unit": True}, {"contrast": 3}, {"bend": 1.5}, {"rows": np.arange(0, 700, 2)}]
)
@pytest.mark.parametrize("own", [False, True])
def test_compiled_search_is_the_other_one_whatever_is_missing(options: dict[str, object], own: bool) -> None:
    """Missing and infinite values stand at the centre, huge ones at a bound, where they are near each other."""
    rng = np.random.default_rng(4)
    reference = rng.normal(size=(700, 30)).astype(np.float32)
    reference[350:] = reference[:350] + np.float32(0.02) * rng.normal(size=(350, 30)).astype(np.float32)
    for k, value in enumerate([np.nan, np.inf, -np.inf, 3e9, 1e30, -1e38, 2e8]):
        reference[rng.permutation(700)[:40], k] = value
    centre, scale = rng.normal(size=30), rng.uniform(0.5, 2.0, 30)
    here = Points(reference, centre, scale, **options)
    there = None if own else Points(reference[100:400], centre, scale, **{**options, "rows": None})
    for radius in (0.05, 0.5, 3.0):
        one = ball.arranged(here, there, radius).run(LIMIT)
        two = packed.arranged(here, there, radius).run(LIMIT)
        assert _met(one) == _met(two)
        assert np.array_equal(one.distance, two.distance)
    assert one.query.size


@compiled
def test_threads_and_little_room_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    reference, query = rng.normal(size=(3000, 5)), rng.normal(size=(700, 5))
    wanted = ball.arranged(_points(reference), _points(query), 0.9).run(LIMIT)
    for count, room in ((1, 2**17), (3, 2**17), (2, 2), (40, 50)):
        monkeypatch.setattr(packed, "threads", lambda count=count: count)
        monkeypatch.setattr(packed, "ROOM", room)
        found = packed.arranged(_points(reference), _points(query), 0.9).run(LIMIT)
        assert np.array_equal(found.query, wanted.query)
        assert np.array_equal(found.reference, wanted.reference)


@pytest.mark.parametrize("arranged", SEARCHES)
@pytest.mark.parametrize("offset", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("along", [True, False])
def test_points_far_from_the_origin_lose_no_pair(arranged: object, offset: float, along: bool) -> None:
    """Their projections are small differences of large numbers, along the offset or across it."""
    rng = np.random.default_rng(7)
    reference = rng.normal(size=(1000, 30)) * np.r_[np.ones(3), np.full(27, 0.05)]
    if along:
        reference = reference[:, :1] + 1e-3 * rng.normal(size=(1000, 30))
    else:
        reference -= reference.mean(axis=1, keepdims=True)
    query = reference[rng.integers(0, 1000, 300)] + 0.01 * rng.normal(size=(300, 30))
    reference, query = reference + offset, query + offset
    apart = cdist(query, reference)
    radius = float(np.quantile(apart, 0.02))
    found = _met(arranged(_points(reference), _points(query), radius).run(LIMIT))
    assert _brute(reference, query, radius * (1.0 - 1e-9)) <= found


@compiled
@pytest.mark.parametrize("n", [33, 1000, 20_000])
@pytest.mark.parametrize("pattern", ["any", "rising", "falling", "there and back", "in turn", "one value"])
def test_trees_are_cut_across_one_axis(n: int, pattern: str) -> None:
    """Some axis parts the rows on either side of a cut near the middle, whatever order they came in."""
    from auditor.hashing.kernels import trees

    rng, rows = np.random.default_rng(n), np.arange(n)
    points = np.zeros((n, trees.PLANES), dtype=np.float32)
    points[:, : trees.AXES] = rng.normal(size=(n, trees.AXES)) * rng.uniform(0.5, 2.0, trees.AXES)
    points[rng.permutation(n)[: n // 4], 3] = -0.0
    columns = {
        "rising": rows,
        "falling": -rows,
        "there and back": np.minimum(rows, n - rows),
        "in turn": rows % 2,
    }
    points[:, 0] = columns.get(pattern, points[:, 0])
    if pattern == "one value":
        points[:] = 1.0
    before, order = points.copy(), np.arange(n, dtype=np.int32)
    trees.packed(points, order)
    assert np.array_equal(np.sort(order), rows)
    assert np.array_equal(points, before[order])
    unit = max(size for size in (trees.LANES, trees.LANES**2, trees.LANES**3) if size < n)
    cuts = [
        cut
        for cut in range(unit, n, unit)
        if (points[:cut].max(axis=0) <= points[cut:].min(axis=0))[: trees.AXES].any()
    ]
    assert any(abs(cut - n / 2) <= unit for cut in cuts)


@compiled
def test_equal_projections_are_ordered_all_the_same() -> None:
    """All points on one spot but a few: halves cannot be told apart, and no point may get lost."""
    flat = np.zeros((2100, 4), dtype=np.float32)
    flat[::100] = np.random.default_rng(0).normal(size=(21, 4))
    found = packed.arranged(_points(flat), _points(flat[:150]), 1e-3).run(LIMIT)
    assert _met(found) == _brute(flat, flat[:150], 1e-3)


@compiled
def test_what_a_compiled_search_costs_is_told_beforehand() -> None:
    rng = np.random.default_rng(0)
    reference, query = rng.uniform(size=(50_000, 3)), rng.uniform(size=(5000, 3))
    search = packed.arranged(_points(reference), _points(query), 0.01)
    assert search.cost() < search.within(0.1).cost() < search.within(1.0).cost() / 10


@compiled
def test_the_compiled_search_is_taken_where_it_stands_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    flat = rng.normal(size=(30_000, 6)).astype(np.float32)
    plain = near_pairs(_points(flat), None, 0.1, rng, limit=LIMIT)
    monkeypatch.setattr(kernels, "_ACCOUNTS", kernels._Accounts())
    monkeypatch.setitem(kernels.SAVED, "sought", ("seeking", 1.0))
    run = packed.Search.run
    asked = []
    monkeypatch.setattr(packed.Search, "run", lambda self, limit: asked.append(limit) or run(self, limit))
    for _ in range(2):  # compiled on the way, and ready
        found = near_pairs(_points(flat), None, 0.1, rng, limit=LIMIT)
        assert np.array_equal(found.query, plain.query)
        assert np.array_equal(found.reference, plain.reference)
        assert np.array_equal(found.distance, plain.distance)
    assert len(asked) == 2


def test_radius_of_each_query_within_one_set() -> None:
    rng = np.random.default_rng(3)
    flat = rng.normal(size=(400, 3)).astype(np.float32)
    reach = rng.uniform(0.0, 0.6, 400)
    found = ball.within(_points(flat), None, reach)
    every = cdist(flat, flat)
    wanted = {(i, j) for i in range(400) for j in range(i + 1, 400) if every[i, j] <= reach[i]}
    assert _met(found) == wanted


@pytest.mark.parametrize("arranged", SEARCHES)
def test_limit_is_kept_and_told(arranged) -> None:
    flat = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    for found in (
        arranged(_points(flat), None, 10.0).run(50),
        verified(_points(flat), None, np.full(300, 10.0), near_products(_points(flat), None, 10.0), 50),
    ):
        assert found.query.size == 50
        assert not found.complete


def test_an_estimate_is_near_the_candidates() -> None:
    rng = np.random.default_rng(0)
    reference, query = rng.uniform(size=(8000, 3)), rng.uniform(size=(1500, 3))
    search = ball.arranged(_points(reference), _points(query), 0.05)
    found = search.run(LIMIT)
    assert found.candidates / 2 < search.met() < 2 * found.candidates
    wide = search.within(0.1)
    assert wide.entries() > search.entries()
    assert _met(wide.run(LIMIT)) == _brute(reference, query, 0.1)


@pytest.mark.parametrize("own", [False, True])
def test_coordinate_bands_keep_their_promise(own: bool) -> None:
    rng = np.random.default_rng(5)
    d, radius = 24, 0.5
    reference, query = _family(rng, 3000, 2000, d, radius)
    if own:
        reference, query = np.vstack([reference, query]), None
    here, there = _points(reference), None if query is None else _points(query)
    asked = len(reference if query is None else query)
    grid = coordinates.planned(here, radius, rng, asked=asked, own=own, miss=0.01)
    found = coordinates.banded(here, there, radius * 1.0001, grid, rng, limit=LIMIT)
    wanted = _brute(reference, query, radius * 1.0001)
    assert _met(found) <= wanted
    missed = 1.0 - len(_met(found)) / len(wanted)
    # 1,000 pairs right at the radius: four standard errors
    assert missed <= found.miss_probability + 4 * np.sqrt(0.01 / 1000)
    assert found.miss_probability <= 0.02
    assert found.measured < 0.02 * len(reference) * asked


def test_coordinate_bands_never_miss_an_edit_of_one_feature() -> None:
    rng = np.random.default_rng(6)
    reference = rng.normal(size=(5000, 12)).astype(np.float32)
    query = reference[:1200].copy()
    query[np.arange(1200), np.arange(1200) % 12] += 1.0
    here, there = _points(reference), _points(query)
    grid = coordinates.planned(here, 1.01, rng, asked=1200, own=False, miss=0.01)
    found = coordinates.banded(here, there, 1.01, grid, rng, limit=LIMIT)
    assert {(i, i) for i in range(1200)} <= _met(found)


def test_constant_columns_are_never_sampled() -> None:
    rng = np.random.default_rng(7)
    reference = np.zeros((3000, 40), dtype=np.float32)
    reference[:, ::4] = rng.normal(size=(3000, 10))
    query = reference[:500] + np.float32(1e-4)
    here = _points(reference)
    grid = coordinates.planned(here, 0.01, rng, asked=500, own=False, miss=0.01)
    assert set(grid.columns.tolist()) <= set(range(0, 40, 4))
    found = coordinates.banded(here, _points(query), 0.01, grid, rng, limit=LIMIT)
    assert _met(found) >= {(i, i) for i in range(500)}
    assert coordinates.planned(_points(np.ones((50, 3))), 0.1, rng, asked=50, own=True, miss=0.01) is None


@pytest.mark.parametrize("own", [False, True])
def test_planes_keep_their_promise(own: bool) -> None:
    rng = np.random.default_rng(8)
    reference, query = _family(rng, 3000, 2000, 48, 0.0)
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    turn = rng.normal(size=query.shape)
    turn -= np.einsum("ij,ij->i", turn, query)[:, None] * query
    query = 0.98 * query + np.sqrt(1 - 0.98**2) * turn / np.linalg.norm(turn, axis=1, keepdims=True)
    if own:
        reference, query = np.vstack([reference, query]), None
    here, there = _points(reference, unit=True), None if query is None else _points(query, unit=True)
    radius = np.sqrt(2 - 2 * 0.98) + 1e-4
    asked = len(reference if query is None else query)
    planes = signs.planned_signs(here, radius, rng, asked=asked, own=own, miss=0.01)
    found = signs.signed(here, there, radius, planes, rng, limit=LIMIT)
    wanted = _brute(reference, query, radius)
    assert _met(found) <= wanted
    assert len(wanted) >= 900
    assert 1.0 - len(_met(found)) / len(wanted) <= found.miss_probability + 4 * np.sqrt(0.01 / len(wanted))
    assert found.miss_probability <= 0.01


def test_unit_points_have_unit_length_and_none_stays_none() -> None:
    flat = np.array([[3.0, 4.0], [0.0, 0.0], [-1e-3, 0.0]])
    made = _points(flat, unit=True).take(slice(None))
    assert np.allclose(made, [[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]])


def test_points_by_rows_are_those_rows() -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(50, 4))
    few = _points(flat).among(np.array([7, 3, 3, 49]))
    assert len(few) == 4
    assert np.array_equal(few.take(slice(1, 3)), flat[[3, 3]].astype(np.float32))
    assert np.array_equal(few.among(np.array([3])).take(slice(None)), flat[[49]].astype(np.float32))
    assert np.allclose(
        distances(few, _points(flat), np.array([0]), np.array([49]))[0], np.linalg.norm(flat[7] - flat[49])
    )


def test_taking_points_leaves_the_array_alone() -> None:
    flat = np.array([[np.nan, 2e9], [1.0, 2.0]], dtype=np.float32)
    before = flat.copy()
    made = _points(flat, unit=True).take(slice(0, 2))
    assert np.array_equal(flat, before, equal_nan=True)
    assert not np.shares_memory(made, flat)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool])
def test_distances_of_bytes_are_exact(dtype: type) -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(0, 2 if dtype is bool else 120, (40, 784)).astype(dtype)
    b = rng.integers(0, 2 if dtype is bool else 120, (30, 784)).astype(dtype)
    if dtype is np.int8:
        a -= 60
    i, j = np.arange(30), np.arange(30)[::-1].copy()
    wanted = np.linalg.norm(a[i].astype(np.float64) - b[j].astype(np.float64), axis=1)
    assert np.allclose(distances(_points(a), _points(b), i, j), wanted, rtol=1e-6)


def test_route_is_exact_where_that_is_cheap_and_sampled_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(2)
    small = rng.normal(size=(200, 10))
    assert near_pairs(_points(small), None, 0.5, rng, limit=LIMIT).route == "products"
    flat = rng.normal(size=(40_000, 4)).astype(np.float32)
    assert near_pairs(_points(flat), None, 0.01, rng, limit=LIMIT).route == "projection"
    monkeypatch.setattr(route, "PLANNING", 0.0)
    wide = rng.normal(size=(40_000, 64)).astype(np.float32)
    found = near_pairs(_points(wide), None, 0.8, rng, limit=LIMIT)
    assert found.route == "coordinates"
    assert 0.0 < found.miss_probability <= 0.02
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    assert near_pairs(_points(wide, unit=True), None, 0.1, rng, limit=LIMIT, sphere=True).route == "signs"


def test_exact_routes_draw_nothing() -> None:
    flat = np.random.default_rng(2).normal(size=(20_000, 4)).astype(np.float32)
    found: list[Met] = [
        near_pairs(_points(flat), None, 0.05, np.random.default_rng(seed), limit=LIMIT) for seed in (0, 1)
    ]
    assert found[0].route in {"products", "projection"}
    assert _met(found[0]) == _met(found[1])
    assert np.array_equal(found[0].distance, found[1].distance)


@pytest.mark.parametrize("n", [0, 1])
def test_routes_of_nothing(n: int) -> None:
    rng = np.random.default_rng(0)
    few, many = _points(np.ones((n, 3))), _points(np.ones((5, 3)))
    assert not near_pairs(few, None, 1.0, rng, limit=LIMIT).query.size
    assert near_pairs(few, many, 1.0, rng, limit=LIMIT).query.size == 5 * n
    assert near_pairs(many, few, 1.0, rng, limit=LIMIT).query.size == 5 * n


def test_costs_are_ordered_as_they_should() -> None:
    assert route.products_cost(1000, 1000, 50, own=True) < route.products_cost(1000, 1000, 50, own=False)
    assert route.products_cost(1000, 1000, 50, own=False) < route.products_cost(1000, 2000, 50, own=False)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60))
def test_components_are_the_graphs(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array([p[k] for p in pairs], dtype=np.int64) for k in (0, 1))
    matrix = np.zeros((30, 30))
    matrix[first, second] = 1
    _, wanted = connected_components(matrix, directed=False)
    found = components(30, first, second)
    assert len(set(zip(found.tolist(), wanted.tolist(), strict=True))) == len(set(wanted.tolist()))
    assert np.all(found <= np.arange(30))
    labels = labelled(np.arange(30), first, second)
    assert np.array_equal(labels, np.unique(found, return_inverse=True)[1])


def test_a_long_chain_is_one_cluster() -> None:
    n = 100_000
    order = np.random.default_rng(0).permutation(n)
    assert not components(n, order[:-1], order[1:]).any()


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(0, 8), st.booleans())
def test_pairs_of_groups_are_all_pairs_of_their_rows(data: st.DataObject, n: int, m: int, own: bool) -> None:
    values = data.draw(st.lists(st.integers(0, 4), min_size=n + m, max_size=n + m))
    owner = np.array([values.index(value) for value in values], dtype=np.int64)
    ours = grouped(owner[:n])
    assert np.array_equal(ours.first, np.unique(owner[:n]))
    if own:
        everyone = {(i, j) for i in range(len(ours.first)) for j in range(i)}
        chosen = [pair for pair in sorted(everyone) if data.draw(st.booleans())]
        theirs = None
        wanted = {(i, j) for j in range(n) for i in range(j) if owner[i] == owner[j]}
    else:
        theirs = grouped(own_owners(owner, n))
        assert theirs.rows.size == m
        everyone = {(i, j) for i in range(len(ours.first)) for j in range(len(theirs.first))}
        chosen = [pair for pair in sorted(everyone) if data.draw(st.booleans())]
        wanted = set()
    other = theirs or ours
    for i, j in chosen:
        for a in ours.rows[ours.starts[i] : ours.starts[i + 1]].tolist():
            for b in other.rows[other.starts[j] : other.starts[j + 1]].tolist():
                wanted.add((min(a, b), max(a, b)) if own else (a, b))
    i, j = (np.array([pair[k] for pair in chosen], dtype=np.int64) for k in (0, 1))
    (first, second, distance), left = pairs_of_groups(ours, theirs, (i, j, np.ones(i.size)), limit=10**6)
    assert left == 0
    assert sorted(wanted) == list(zip(first.tolist(), second.tolist(), strict=True))
    assert distance.size == first.size


def test_many_equal_rows_stay_linear() -> None:
    owner = np.zeros(500_000, dtype=np.int64)
    none = np.zeros(0, dtype=np.int64)
    (first, second, distance), left = pairs_of_groups(
        grouped(owner), None, (none, none, np.zeros(0)), limit=10**6
    )
    assert first.size == 499_999
    assert not first.any()
    assert np.array_equal(second, np.arange(1, 500_000))
    assert left == 500_000 * 499_999 // 2 - 499_999
    assert not distance.any()
    two = grouped(np.zeros(300_000, dtype=np.int64))
    zero = np.zeros(1, dtype=np.int64)
    (first, second, _), left = pairs_of_groups(two, two, (zero, zero, np.zeros(1)), limit=10**6)
    assert set(first.tolist()) == set(second.tolist()) == set(range(300_000))
    assert left == 300_000**2 - first.size
