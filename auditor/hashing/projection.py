"""A short orthogonal projection: it never lengthens a distance, so what is far in it is far."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.points import Floats, Points

SAMPLE = 512
"""Points whose principal directions are taken."""

DENSE = 512
"""Up to this many features their covariance is decomposed; beyond, the Gram matrix of the sample."""

TILED = 2
"""Axes along which points are sorted into leaves."""

ROUNDING = 2e-6
"""Relative error of a squared float32 distance, generously."""


def directions(points: Points, k: int, size: int = SAMPLE) -> Floats:
    """Return up to `k` orthonormal directions in which `points` spread most, shape (d, <= k).

    They are those of about `size` points.

    Examples
    --------
    >>> flat = np.array([[0.0, 0.0], [0.0, 3.0], [0.1, -3.0]])
    >>> np.abs(directions(Points(flat, flat.mean(axis=0), np.ones(2)), 1)).round(1).ravel().tolist()
    [0.0, 1.0]
    """
    sample = points.sample(size).astype(np.float64)
    sample -= sample.mean(axis=0)
    d = sample.shape[1]
    if d <= DENSE:
        vectors = np.linalg.eigh(sample.T @ sample)[1][:, ::-1]
    else:
        left = np.linalg.eigh(sample @ sample.T)[1][:, ::-1]
        vectors = sample.T @ left[:, : min(k, len(sample))]
    k = max(1, min(k, d, len(sample)))
    # QR leaves orthonormal columns even where directions of no spread are kept
    return np.ascontiguousarray(np.linalg.qr(vectors[:, :k])[0], dtype=np.float32)


def project(points: Points, axes: Floats, out: Floats | None = None) -> Floats:
    """Return the coordinates of all points along `axes`, shape (n, k), block by block; in `out` where it is given."""
    if out is None:
        out = np.empty((len(points), axes.shape[1]), dtype=np.float32)
    plain = not points.contrast and points.bend is None and not points.unit
    if plain and points.flat.dtype.itemsize == 1:  # exact in float32 without being moved first
        turned = points.scale[:, None] * axes
        moved, turned = points.centre @ turned, turned.astype(np.float32)
        for start in range(0, len(points), points.step):
            part = slice(start, start + points.step)
            np.matmul(points.raw(part).astype(np.float32), turned, out=out[part])
        out -= moved.astype(np.float32)
        return out
    for start, block in points.blocks():
        np.matmul(block, axes, out=out[start : start + len(block)])
    return out


def slack(projected: Floats, others: Floats) -> float:
    """Return what rounding may add to a squared distance between two sets of projections."""
    return slack_of(
        max((float(np.einsum("ij,ij->i", p, p).max()) for p in (projected, others) if len(p)), default=0.0)
    )


def slack_of(largest: float) -> float:
    """Return the same, from the largest squared length of a projection."""
    return ROUNDING * largest * 4.0


def blur(points: Points, others: Points | None = None) -> float:
    """Return what rounding may add to the distance of two projections where all points lie far from the origin.

    A product with a direction is then a small difference of large numbers, however short it is itself.
    """
    middles = (
        part.sample(SAMPLE).mean(axis=0, dtype=np.float64) for part in (points, others) if part is not None
    )
    sizes = [float(np.linalg.norm(middle)) for middle in middles]
    return 2.0 * ROUNDING * max(sizes)


def leaves(projected: Floats, size: int) -> tuple[NDArray[np.signedinteger[Any]], NDArray[np.int64]]:
    """Order points so that runs of at most `size` lie close together.

    Sort-tile-recursive packing (Leutenegger, Edgington and Lopez, 1997): points are sorted along the first
    axis and cut into slabs, each slab along the second, and so on.

    Returns
    -------
    order : ndarray of int32 or int64, shape (n,)
        Row numbers, leaf after leaf.
    starts : ndarray of int64, shape (leaves + 1,)
        Where each leaf begins in `order`, and the end.
    """
    n, k = projected.shape
    wanted = max(1, -(-n // size))
    levels = min(k, TILED)
    cuts = max(1, round(wanted ** (1.0 / levels)))
    order: NDArray[np.signedinteger[Any]] = np.argsort(projected[:, 0], kind="stable")
    order = order.astype(np.int32) if n < 2**31 else order
    for level in range(1, levels):
        bounds = np.linspace(0, n, cuts**level + 1).astype(np.int64).tolist()
        for begin, end in pairwise(bounds):  # a slab at a time: the temporaries are small
            slab = order[begin:end]
            order[begin:end] = slab[np.argsort(projected[slab, level], kind="stable")]
    count = max(cuts ** (levels - 1), wanted)
    return order, np.unique(np.linspace(0, n, count + 1).astype(np.int64))
