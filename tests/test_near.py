"""near_duplicates: what counts as near, for every kind of input."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from auditor import InputError, NearDuplicates, NearDuplicatesWarning, near_duplicates


def _pairs(found: NearDuplicates) -> set[tuple[int, int]]:
    return set(map(tuple, found.pairs.tolist()))


def _table(rng: np.random.Generator, n: int, d: int = 8) -> np.ndarray:
    return rng.normal(size=(n, d)) * 10.0 ** np.arange(d) + 5.0


def _consistent(found: NearDuplicates) -> None:
    """What holds of every answer."""
    m = len(found)
    assert found.pairs.shape == (m, 2)
    assert found.pairs.dtype == np.int64
    assert found.distances.shape == found.similarities.shape == (m,)
    assert found.clusters.shape == (sum(found.n_rows),)
    assert len(_pairs(found)) == m
    shift = 0
    if len(found.n_rows) == 1:
        assert np.all(found.pairs[:, 0] < found.pairs[:, 1])
    else:
        shift = found.n_rows[0]
    assert np.array_equal(found.clusters[found.pairs[:, 0]], found.clusters[found.pairs[:, 1] + shift])
    assert np.array_equal(np.lexsort((found.pairs[:, 1], found.pairs[:, 0])), np.arange(m))
    labels = np.unique(found.clusters, return_index=True)
    assert np.array_equal(labels[0], np.arange(labels[0].size))
    assert np.all(np.diff(labels[1]) > 0)
    assert repr(found).startswith("NearDuplicates: ")
    assert found._repr_html_().startswith("<div>")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("own", [False, True])
def test_noisy_copies_in_a_table_are_found_and_nothing_else(dtype: type, own: bool) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8)).astype(dtype)
    Y = rng.normal(size=(200, 8)).astype(dtype)
    Y[:40] = X[100:140] + (rng.normal(size=(40, 8)) * 0.02).astype(dtype)
    wanted = {(100 + k, k) for k in range(40)}
    if own:
        found = near_duplicates(np.vstack([X, Y]))
        wanted = {(i, 600 + j) for i, j in wanted}
    else:
        found = near_duplicates(X, Y)
    _consistent(found)
    assert _pairs(found) == wanted
    assert found.coverage.complete
    assert found.coverage.miss_probability == 0.0
    assert "the data's own" in found.threshold_from


def test_columns_of_a_table_count_alike() -> None:
    rng = np.random.default_rng(1)
    X = _table(rng, 400)
    Y = X[:20] + rng.normal(size=(20, 8)) * 10.0 ** np.arange(8) * 1e-3
    assert _pairs(near_duplicates(X, Y)) == {(k, k) for k in range(20)}
    # as they stand, the last column decides alone
    far = near_duplicates(X, Y, threshold=1e3, kind="raw")
    assert _pairs(far) < {(i, j) for i in range(400) for j in range(20)}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("d", [1, 2, 5, 30, 300])
def test_rows_drawn_alike_are_no_near_duplicates(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(2000, d)), rng.normal(size=(500, d))
    assert len(near_duplicates(X, Y)) <= 3
    assert len(near_duplicates(np.vstack([X, Y]))) <= 3


def test_images_resaved_with_noise_are_found() -> None:
    X = load_digits().images.astype(np.uint8)
    rng = np.random.default_rng(0)
    Y = X[:100].astype(int) + rng.integers(-1, 2, (100, 8, 8)) * (rng.random((100, 8, 8)) < 0.15)
    Y = np.clip(Y, 0, 16).astype(np.uint8)
    found = near_duplicates(X[:900], np.concatenate([Y, X[900:]]))
    assert {(k, k) for k in range(100)} <= _pairs(found)
    assert len(found) <= 103


def test_threshold_is_a_distance_in_spreads() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(size=(500, 3)) * [1.0, 100.0, 0.01]
    found = near_duplicates(X, threshold=0.2)
    scaled = X / X.std(axis=0)
    gap = np.linalg.norm(scaled[:, None] - scaled, axis=2)
    wanted = set(zip(*map(np.ndarray.tolist, np.nonzero(np.triu(gap <= 0.2, 1))), strict=True))
    both = _pairs(found) ^ wanted
    assert all(abs(gap[i, j] - 0.2) < 0.02 for i, j in both)  # the spread is a robust one
    assert found.threshold == 0.2
    assert found.threshold_from == "given"


def test_raw_distances_are_what_they_say() -> None:
    rng = np.random.default_rng(3)
    X = rng.integers(0, 256, (300, 6, 5)).astype(np.uint8)
    Y = X[:30].copy()
    Y[:, 0, 0] ^= 8
    found = near_duplicates(X, Y, threshold=8.0, kind="raw")
    assert _pairs(found) == {(k, k) for k in range(30)}
    assert np.allclose(found.distances, 8.0)
    assert not len(near_duplicates(X, Y, threshold=7.99, kind="raw"))


def test_cosine_is_measured_whatever_the_length() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(500, 32))
    Y = np.vstack([X[:10] * 7.0, X[10:20] + 0.05 * rng.normal(size=(10, 32)), rng.normal(size=(50, 32))])
    found = near_duplicates(X, Y, threshold=0.99, kind="unit")
    assert _pairs(found) == {(k, k) for k in range(20)}
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (X, Y)]
    cosine = (unit[0][found.pairs[:, 0]] * unit[1][found.pairs[:, 1]]).sum(axis=1)
    assert np.allclose(found.similarities, cosine, atol=1e-5)
    assert np.allclose(found.similarities[:10], 1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_embeddings_of_unit_length_are_known_as_such(dtype: type) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 64))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(dtype)
    assert near_duplicates(X).kind == "unit"
    assert near_duplicates(X * dtype(2)).kind == "rows"
    assert near_duplicates(X[:, :4]).kind == "rows"


def test_sparse_flags_and_words_are_sets() -> None:
    rng = np.random.default_rng(6)
    flags = rng.random((300, 50)) < 0.3
    flags[200] = flags[10]
    flags[201] = flags[11]
    flags[201, 7] ^= True
    wanted = {(10, 200), (11, 201)}
    for X in (flags, sp.csr_matrix(flags), sp.coo_array(flags.astype(float)), flags.astype(np.uint8)):
        found = near_duplicates(X, threshold=0.85)
        _consistent(found)
        assert found.kind == "sets"
        assert _pairs(found) == wanted
        assert np.allclose(found.distances, 1.0 - found.similarities)
    tokens = [{f"c{column}" for column in np.flatnonzero(row)} for row in flags]
    assert _pairs(near_duplicates(tokens, threshold=0.85)) == wanted
    shared = np.logical_and(flags[11], flags[201]).sum() / np.logical_or(flags[11], flags[201]).sum()
    assert np.isclose(found.similarities[1], shared)
    across = near_duplicates(sp.csr_matrix(flags[:150]), sp.csr_matrix(flags[150:]), threshold=0.85)
    _consistent(across)
    assert _pairs(across) == {(i, j - 150) for i, j in wanted}


@pytest.mark.parametrize("holder", [list, tuple, pd.Series, lambda rows: np.array(rows, object)])
def test_texts_are_sets_of_shingles(holder: Any) -> None:
    texts = ["the quick brown fox jumps over the lazy dog", "the quick brown fox jumped over the lazy dog"]
    texts += [f"another text, number {k}, on {k * 37} matters" * 2 for k in range(5)]
    assert (0, 1) in _pairs(near_duplicates(holder(texts), threshold=0.6))


def test_categories_are_sets_of_column_and_value() -> None:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({f"c{k}": rng.choice(list("abcdefgh"), 300) for k in range(12)})
    frame.iloc[299] = frame.iloc[0]
    frame.iloc[299, 3] = "z"
    found = near_duplicates(frame, threshold=0.8)
    assert found.kind == "sets"
    assert _pairs(found) == {(0, 299)}
    assert np.isclose(found.similarities[0], 11 / 13)


def test_frames_of_numbers_are_rows() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(100, 4)), columns=list("abcd"))
    found = near_duplicates(frame, frame.iloc[:3] + 1e-6)
    assert found.kind == "rows"
    assert _pairs(found) == {(0, 0), (1, 1), (2, 2)}


def test_equal_rows_are_found_across_dtypes_and_orders() -> None:
    X = np.random.default_rng(9).integers(0, 200, (50, 30)).astype(np.uint8)
    Y = np.asfortranarray(X[:5].astype(np.float64))
    found = near_duplicates(X, Y, threshold=0.0)
    assert _pairs(found) == {(k, k) for k in range(5)}
    assert not found.distances.any()
    assert np.all(found.similarities == 1.0)


def test_missing_and_infinite_values() -> None:
    rng = np.random.default_rng(10)
    X = rng.normal(size=(200, 10))
    X[3, 4], X[5, 6], X[7] = np.nan, np.inf, np.nan
    Y = np.vstack([X[[3, 5, 7]], rng.normal(size=(20, 10))])
    found = near_duplicates(X, Y)
    _consistent(found)
    assert {(3, 0), (5, 1), (7, 2)} <= _pairs(found)
    assert np.isfinite(found.distances).all()


def test_a_million_equal_rows_stay_linear() -> None:
    X = np.zeros((1_000_000, 3), dtype=np.uint8)
    with pytest.warns(NearDuplicatesWarning, match="1,000,000 pairs"):
        found = near_duplicates(X)
    assert len(found) == 999_999
    assert not found.clusters.any()
    assert found.coverage.capped == 1_000_000 * 999_999 // 2 - 999_999
    assert not found.coverage.complete
    assert "not all are returned" in repr(found)


def test_half_the_rows_equal_and_half_the_features_constant() -> None:
    rng = np.random.default_rng(11)
    X = rng.normal(size=(30_000, 20)).astype(np.float32)
    X[:, 10:] = 3.0
    X[10_000:25_000] = X[7]
    X[29_999] = X[100] + np.float32(1e-4)
    with pytest.warns(NearDuplicatesWarning):
        found = near_duplicates(X)
    sizes = np.bincount(found.clusters)
    assert sizes.max() == 15_001
    assert found.clusters[29_999] == found.clusters[100]
    assert np.all(found.clusters[10_000:25_000] == found.clusters[7])


def test_a_rare_value_in_a_constant_column_tells_rows_apart() -> None:
    rng = np.random.default_rng(12)
    X = np.column_stack([rng.normal(size=(40_000, 3)), np.zeros(40_000)])
    Y = X[11:12].copy()
    Y[0, 3] = 1.0
    assert not len(near_duplicates(X, Y, threshold=0.01))


@pytest.mark.parametrize("kind", ["rows", "raw", "unit"])
def test_a_loose_threshold_warns_and_ends(kind: str) -> None:
    rng = np.random.default_rng(13)
    X = rng.normal(size=(5000, 6))
    threshold = -1.0 if kind == "unit" else 1e9
    with pytest.warns(NearDuplicatesWarning, match="stricter"):
        found = near_duplicates(X, threshold=threshold, kind=kind, limit=1000)
    assert len(found) == 1000
    assert not found.coverage.complete


def test_answers_are_the_same_each_time() -> None:
    rng = np.random.default_rng(14)
    X = rng.normal(size=(30_000, 40)).astype(np.float32)
    Y = X[:500] + np.float32(0.05) * rng.normal(size=(500, 40)).astype(np.float32)
    first, second = (near_duplicates(X, Y, threshold=1.0) for _ in range(2))
    assert np.array_equal(first.pairs, second.pairs)
    assert np.array_equal(first.distances, second.distances)
    assert first.coverage == second.coverage


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(15)
    X = rng.normal(size=(900, 7))
    X[500:520] = X[:20] + 1e-3
    order = rng.permutation(900)
    plain, mixed = near_duplicates(X, threshold=0.1), near_duplicates(X[order], threshold=0.1)
    back = {tuple(sorted((int(order[i]), int(order[j])))) for i, j in mixed.pairs}
    assert back == _pairs(plain)


def test_inputs_are_not_touched() -> None:
    X = np.random.default_rng(16).normal(size=(300, 40)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    X[3, 2] = np.nan
    before = X.copy()
    for kind in ("rows", "raw", "unit"):
        near_duplicates(X, kind=kind)
        assert np.array_equal(X, before, equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.integers(0, 40),
    st.integers(1, 6),
    st.sampled_from(["rows", "raw", "unit", "sets", "auto"]),
)
def test_equal_rows_are_always_pairs(seed: int, n: int, m: int, d: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    X, Y = rng.integers(0, 3, (n, d)), rng.integers(0, 3, (m, d))
    for found, other, own in (
        (near_duplicates(X, kind=kind), X, True),
        (near_duplicates(X, Y, kind=kind), Y, False),
    ):
        _consistent(found)
        equal = (X[:, None] == other).all(axis=2)
        if found.kind == "sets":  # sets of no tokens are like nothing
            continue
        wanted = np.triu(equal, 1) if own else equal
        got = np.zeros_like(wanted)
        got[found.pairs[:, 0], found.pairs[:, 1]] = True
        assert not (wanted & ~got).any()


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (2, 3), (3, 1), (5, 2, 2, 2), (4,)])
def test_small_inputs(shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(0).normal(size=shape)
    for kind in ("auto", "rows", "raw", "unit", "sets"):
        _consistent(near_duplicates(X, kind=kind))
        _consistent(near_duplicates(X, X[:1], kind=kind))
        _consistent(near_duplicates(X, X[:0], kind=kind))


def test_a_wide_row_costs_no_square() -> None:
    rng = np.random.default_rng(17)
    X = rng.integers(0, 256, (30, 224, 224, 3)).astype(np.uint8)
    Y = X[:2].copy()
    Y[0, 0, 0] ^= 1
    assert _pairs(near_duplicates(X, Y)) == {(0, 0), (1, 1)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"threshold": -1.0, "kind": "rows"}, "a distance is 0 or more"),
        ({"threshold": 1.5, "kind": "unit"}, "cosine"),
        ({"threshold": 0.0, "kind": "sets"}, "Jaccard"),
        ({"threshold": float("nan")}, "finite"),
        ({"threshold": "near"}, "wanted a number"),
        ({"kind": "hamming"}, "wanted one of auto, rows, raw, unit, sets"),
        ({"limit": 0}, "whole number from 1"),
        ({"Y": np.ones((3, 5))}, "rows of Y"),
        ({"Y": ["a", "b"]}, "different kinds"),
        ({"Y": {"a": 1}}, "Y is a dict"),
    ],
)
def test_what_makes_no_sense_is_said(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        near_duplicates(np.random.default_rng(0).normal(size=(10, 4)), **arguments)


def test_what_is_no_array_is_said() -> None:
    with pytest.raises(InputError, match="X is None"):
        near_duplicates(None)
    with pytest.raises(InputError, match="columns"):
        near_duplicates(sp.eye(4, format="csr"), sp.eye(5, format="csr"))


def test_to_datasketch() -> None:
    datasketch = pytest.importorskip("datasketch")
    found = near_duplicates([{"a", "b", "c", "d"}, {"x", "y"}, {"a", "b", "c", "d"}], threshold=0.7)
    index = found.to_datasketch()
    assert isinstance(index, datasketch.MinHashLSH)
    assert set(index.keys) == {0, 1, 2}
    with pytest.raises(InputError, match="compared as 'rows'"):
        near_duplicates(np.random.default_rng(0).normal(size=(30, 3))).to_datasketch()


def test_memory_beside_the_input_is_bounded() -> None:
    rng = np.random.default_rng(18)
    X = rng.normal(size=(300_000, 20)).astype(np.float32)
    near_duplicates(X[:1000])
    tracemalloc.start()
    near_duplicates(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000 * 64 + 2**25


def test_a_family_of_copies_does_not_set_the_threshold() -> None:
    rng = np.random.default_rng(19)
    X = rng.normal(size=(500, 12))
    X[250:] = X[:250] + 0.02 * rng.normal(size=(250, 12))  # every row has a copy
    found = near_duplicates(X)
    assert {(k, 250 + k) for k in range(250)} == _pairs(found)


@pytest.mark.parametrize(
    "lattice",
    [
        lambda rng: rng.poisson(3, (4000, 5)),
        lambda rng: rng.integers(0, 3, (4000, 12)),
        lambda rng: (rng.random((3000, 60)) < 0.4).astype(np.float32),
        lambda rng: np.round(rng.normal(size=(4000, 4)), 1),
        lambda rng: np.column_stack([rng.normal(size=(3000, 3)), rng.integers(0, 3, (3000, 4))]),
        lambda rng: rng.standard_t(2, (4000, 8)),
    ],
)
def test_neighbours_on_a_lattice_or_in_heavy_tails_are_natural(lattice: Any) -> None:
    found = near_duplicates(lattice(np.random.default_rng(20)), kind="rows")
    assert int((found.distances > 0).sum()) <= 4


def test_points_far_from_the_origin_keep_their_digits() -> None:
    rng = np.random.default_rng(21)
    X = 1e9 + rng.normal(size=(2000, 3))
    Y = X[:50] + 1e-4
    assert _pairs(near_duplicates(X, Y)) == {(k, k) for k in range(50)}
    line = rng.normal(size=(100_000, 1))
    assert len(near_duplicates(line)) <= 4
