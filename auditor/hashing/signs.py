"""Candidates among points on the unit sphere: the sides of random planes they lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.coordinates import Candidates, Found
from auditor.hashing.points import Points

MOST_BANDS = 256
"""Bands tried at most."""

TOGETHER = 4
"""Bands made in one pass over the points, 8 bytes a point each."""

LEAST_BITS, MOST_BITS = 8, 40
"""Planes of one band."""

SAMPLE = 4096
"""Points on which it is measured how many meet in a band."""

PER_PLANE, PER_ROW = 0.0215, 120.0
"""Nanoseconds that a row of a band takes: for each coordinate and plane, and to be sorted and joined."""

PER_VALUE, PER_CANDIDATE, READ = 4.0, 60.0, 0.9
"""Nanoseconds for each coordinate of a candidate, for the candidate itself, and for making a coordinate."""


@dataclass(frozen=True, slots=True)
class Planes:
    """Planes of a band, bands, and the chance that a pair at the radius lies on one side of a plane.

    `cost` is what they take, in nanoseconds, and `miss` what they are expected to miss.
    """

    bits: int
    bands: int
    agree: float
    cost: float
    miss: float


def signed(
    reference: Points,
    query: Points | None,
    radius: float,
    planes: Planes,
    rng: np.random.Generator,
    *,
    limit: int,
) -> Candidates:
    """Return pairs of unit vectors within `radius` that lie on one side of all planes of some band.

    Two vectors at an angle t lie on one side of a random plane through the origin with probability 1 - t / pi
    (Charikar, 2002), whatever their directions: the miss probability holds for every pair at the radius.

    Parameters
    ----------
    reference, query, radius, rng, limit
        As for `auditor.hashing.coordinates.banded`.
    planes : Planes
        As `planned_signs` chose them.
    """
    found = Found(reference, query, radius, limit)
    used = 0
    while used < planes.bands:
        few = min(TOGETHER, planes.bands - used)
        normals = rng.normal(size=(reference.width, few * planes.bits)).astype(np.float32)
        ours = _sides(reference, normals, few)
        theirs = [None] * few if query is None else _sides(query, normals, few)
        room = True
        for keys, asked in zip(ours, theirs, strict=True):
            room = room and found.add(keys, asked)
        used += few
        if not room:
            break
    return found.answer(float((1.0 - planes.agree**planes.bits) ** used))


def planned_signs(
    reference: Points, radius: float, rng: np.random.Generator, *, asked: int, own: bool, miss: float
) -> Planes:
    """Return the planes and bands that cost least: few planes crowd, many miss.

    Parameters
    ----------
    reference, radius, rng, asked, own, miss
        As for `auditor.hashing.coordinates.planned`.
    """
    agree = 1.0 - 2.0 * np.arcsin(min(1.0, radius / 2.0)) / np.pi
    sample = reference.sample(SAMPLE)
    n, d = len(sample), reference.width
    hashed, pairs = (1, asked / 2.0) if own else (1 + asked / len(reference), float(asked))
    sides = (sample @ rng.normal(size=(d, MOST_BITS)).astype(np.float32)) > 0
    best: Planes | None = None
    for bits in range(LEAST_BITS, MOST_BITS + 1):
        count = np.unique(_words(sides[:, :bits]), return_counts=True)[1].astype(np.float64)
        crowd = pairs * len(reference) * (count * (count - 1.0)).sum() / (n * max(1, n - 1))
        meets = agree**bits
        bands = int(np.clip(np.ceil(np.log(miss) / np.log1p(-min(meets, 1.0 - 1e-12))), 1, MOST_BANDS))
        keyed = PER_PLANE * d * bits + READ * d / TOGETHER + PER_ROW
        work = bands * (hashed * len(reference) * keyed + (PER_VALUE * d + PER_CANDIDATE) * crowd)
        cost = work / (1.0 - (1.0 - meets) ** bands)
        if best is None or cost < best.cost:
            best = Planes(bits, bands, float(agree), float(cost), float((1.0 - meets) ** bands))
    assert best is not None  # noqa: S101 - there is at least one number of planes
    return best


def _words(sides: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return bits, shape (n, k), in the highest bits of words."""
    bytes_ = np.packbits(sides, axis=1)
    words = np.zeros((len(sides), 8), dtype=np.uint8)
    words[:, : bytes_.shape[1]] = bytes_
    return words.view(">u8").ravel().astype(np.uint64)


def _sides(points: Points, normals: NDArray[np.float32], bands: int) -> list[NDArray[np.uint64]]:
    """Return, for each band, one bit per point and plane, in the highest bits of a word for each point."""
    keys = [np.empty(len(points), dtype=np.uint64) for _ in range(bands)]
    bits = normals.shape[1] // bands
    for start, block in points.blocks():
        sides = (block @ normals) > 0
        for band, part in enumerate(keys):
            part[start : start + len(block)] = _words(sides[:, band * bits : (band + 1) * bits])
    return keys
