"""The nearest of many points with few coordinates, by blocked matrix products."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.points import Floats

ENTRIES = 2**19
"""Distances computed at a time."""

LEAST_BLOCK = 64
"""Query points asked at a time, at least."""

PROBED = 2048
"""Points by which it is estimated how far the neighbours reach."""


def neighbours(
    reference: Floats,
    query: Floats,
    k: int,
    exclude: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the `k` reference points nearest to each query point.

    Parameters
    ----------
    reference : ndarray of float32, shape (n, p)
    query : ndarray of float32, shape (m, p)
    k : int
        How many.
    exclude : ndarray of int64, shape (m,), optional
        One reference point that a query is not to be paired with, itself as a rule; -1 for none.

    Returns
    -------
    distance : ndarray of float64, shape (m, k)
        Ascending; infinite where fewer points remain.
    index : ndarray of int64, shape (m, k)
        Which points; -1 where fewer remain.

    Examples
    --------
    >>> line = np.arange(5, dtype=np.float32)[:, None]
    >>> distance, index = neighbours(line, line[:1] + np.float32(0.25), 2)
    >>> distance.tolist(), index.tolist()
    ([[0.25, 0.75]], [[0, 1]])
    """
    n, m = len(reference), len(query)
    distance, index = np.full((m, k), np.inf), np.full((m, k), -1, dtype=np.int64)
    if not n or not m or not k:
        return distance, index
    # a product with one more column is half the squared distance, up to a constant of the query
    far = np.vstack([-reference.T, 0.5 * np.einsum("ij,ij->i", reference, reference)])
    step = max(LEAST_BLOCK, ENTRIES // n)
    width = max(1, ENTRIES // min(m, step))
    for start in range(0, m, step):
        near = query[start : start + step]
        asked = np.column_stack([near, np.ones(len(near), dtype=np.float32)])
        own = None if exclude is None else exclude[start : start + step]
        row, found = _candidates(asked, far, min(n, k + 1), width, own)
        gap = reference[found] - near[row]
        measured = np.sqrt(np.einsum("ij,ij->i", gap, gap, dtype=np.float64))
        _enter(start + row, found, measured, distance, index)
    return distance, index


def _candidates(
    asked: Floats, far: Floats, wanted: int, width: int, own: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of at least the `wanted` lowest products of each row; never its own."""
    n = far.shape[1]
    rank = 2 * wanted * PROBED // n + 4
    if n > 4 * PROBED and rank < PROBED // 2:
        probed = asked @ np.ascontiguousarray(far[:, :: n // PROBED])
        bar = np.partition(probed, rank, axis=1)[:, rank]
        row, found = _below(asked, far, bar, width)
        if np.bincount(row, minlength=len(asked)).min() > wanted:
            return _without(row, found, own)
    score = asked @ far
    bar = np.partition(score, wanted - 1, axis=1)[:, wanted - 1]
    return _without(*np.divmod(np.flatnonzero(score <= bar[:, None]), n), own)


def _below(
    asked: Floats, far: Floats, bar: Floats, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of products up to a bar for each row, a run of columns at a time."""
    n = far.shape[1]
    buffer = np.empty((len(asked), min(n, width)), dtype=np.float32)
    rows, columns = [], []
    for begin in range(0, n, width):
        part = far[:, begin : begin + width]
        score = np.matmul(asked, part, out=buffer[:, : part.shape[1]])
        row, column = np.divmod(np.flatnonzero(score <= bar[:, None]), part.shape[1])
        rows.append(row)
        columns.append(column + begin)
    row, column = np.concatenate(rows), np.concatenate(columns)
    if n > width:
        order = np.argsort(row, kind="stable")
        row, column = row[order], column[order]
    return row, column


def _without(
    row: NDArray[np.int64], found: NDArray[np.int64], own: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if own is None:
        return row, found
    others = found != own[row]
    return row[others], found[others]


def _enter(
    row: NDArray[np.int64],
    found: NDArray[np.int64],
    measured: NDArray[np.float64],
    distance: NDArray[np.float64],
    index: NDArray[np.int64],
) -> None:
    """Enter the first k finds of each row, by distance, then number."""
    # one sort by row, then distance; rows ascend already, and so do numbers within a row
    if not row.size:
        return
    reach = float(measured.max()) * 1.001 or 1.0
    order = np.argsort((row - row[0]) + np.minimum(measured / reach, 0.9999), kind="stable")
    row, found, measured = row[order], found[order], measured[order]
    first = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
    rank = np.arange(row.size) - np.repeat(first, np.diff(np.r_[first, row.size]))
    keep = rank < distance.shape[1]
    distance[row[keep], rank[keep]] = measured[keep]
    index[row[keep], rank[keep]] = found[keep]
