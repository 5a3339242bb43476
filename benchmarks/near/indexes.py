"""Nearest-neighbour indexes: faiss, scikit-learn, SciPy, PyNNDescent, each asked for what is within the radius."""

from __future__ import annotations

from typing import Any

import numpy as np

from near.answers import Answer
from near.methods import Method
from near.planted import Array, Planted


def _pairs(lengths: Array, reference: Array) -> Answer:
    query = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    return Answer(query, np.asarray(reference, dtype=np.int64))


def _nearest(distance: Array, reference: Array, radius: float) -> Answer:
    """Keep nearest neighbours, shape (m, k), that are near enough."""
    which, place = np.nonzero((distance <= radius) & (reference >= 0))
    return Answer(which.astype(np.int64), reference[which, place].astype(np.int64))


def _faiss_flat(planted: Planted) -> Any:
    import faiss

    points = planted.points(planted.reference)
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points)
    return index


def _faiss_range(index: Any, planted: Planted, query: Array) -> Answer:
    # Float32 rounds squared distances of equal rows up; what is beyond the radius by more is none of ours.
    ends, _, found = index.range_search(planted.points(query), planted.radius**2 * (1.0 + 1e-5) + 1e-6)
    return _pairs(np.diff(ends.astype(np.int64)), found)


def _faiss_ivf(planted: Planted) -> Any:
    import faiss

    points = planted.points(planted.reference)
    # Of 1, 2 and 4 sqrt(n) lists and 1 to 12 probed, the fastest that finds .99 of each kind of copy in the table.
    lists = max(1, min(int(2 * np.sqrt(len(points))), len(points) // 40))
    coarse = faiss.IndexFlatL2(points.shape[1])
    index = faiss.IndexIVFFlat(coarse, points.shape[1], lists)
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = 4, 64, 1
    index.train(points)
    index.add(points)
    index.nprobe = 4
    return index, coarse


def _faiss_ivf_search(index: Any, planted: Planted, query: Array) -> Answer:
    return _faiss_one(index[0], planted, query)


def _faiss_hnsw(planted: Planted) -> Any:
    import faiss

    points = planted.points(planted.reference)
    index = faiss.IndexHNSWFlat(points.shape[1], 16)
    index.hnsw.efConstruction, index.hnsw.efSearch = 40, 32
    index.add(points)
    return index


def _faiss_one(index: Any, planted: Planted, query: Array) -> Answer:
    squared, found = index.search(planted.points(query), 1)
    return _nearest(squared, found, planted.radius**2 * (1.0 + 1e-5) + 1e-6)


def _sklearn_brute(planted: Planted) -> Any:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(radius=planted.radius, algorithm="brute", n_jobs=1)
    return index.fit(planted.points(planted.reference))


def _sklearn_search(index: Any, planted: Planted, query: Array) -> Answer:
    found = index.radius_neighbors(planted.points(query), return_distance=False)
    return _pairs(np.array([part.size for part in found]), np.concatenate(found))


def _kd_tree(planted: Planted) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(planted.points(planted.reference), balanced_tree=False, compact_nodes=False)


def _kd_search(index: Any, planted: Planted, query: Array) -> Answer:
    bound = planted.radius * (1.0 + 1e-6)
    distance, found = index.query(planted.points(query), k=1, distance_upper_bound=bound)
    return _nearest(distance[:, None], found[:, None], bound)


def _pynndescent(planted: Planted) -> Any:
    import pynndescent

    points = planted.points(planted.reference)
    index = pynndescent.NNDescent(points, n_neighbors=15, n_jobs=1, random_state=0)
    index.prepare()
    return index


def _pynndescent_search(index: Any, planted: Planted, query: Array) -> Answer:
    found, distance = index.query(planted.points(query), k=1)
    return _nearest(distance, found, planted.radius * (1.0 + 1e-5) + 1e-4)


METHODS = [
    Method(
        "faiss Flat", ("faiss",), "exact, range search",
        _faiss_range, _faiss_flat, distribution="faiss-cpu",
    ),
    Method(
        "faiss IVF", ("faiss",), "2 sqrt(n) lists, 4 probed, nearest one",
        _faiss_ivf_search, _faiss_ivf, distribution="faiss-cpu",
    ),
    Method(
        "faiss HNSW", ("faiss",), "M 16, ef 40 and 32, nearest one",
        _faiss_one, _faiss_hnsw, distribution="faiss-cpu",
    ),
    Method(
        "scikit-learn brute", ("sklearn.neighbors",), "exact, radius neighbours",
        _sklearn_search, _sklearn_brute, distribution="scikit-learn",
    ),
    Method(
        "SciPy cKDTree", ("scipy.spatial",), "exact, nearest one within the radius",
        _kd_search, _kd_tree, distribution="scipy",
    ),
    Method(
        "PyNNDescent", ("pynndescent",), "15 neighbours, nearest one",
        _pynndescent_search, _pynndescent, tasks=("images",), distribution="pynndescent",
    ),
]  # fmt: skip
