"""All pairs of points within a radius, by matrix products of blocks: exact, and best where the work is small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.points import Floats, Points
from auditor.hashing.projection import ROUNDING

Numbers = NDArray[np.int64]

SIDE = 2048
"""Points of a block, at most."""


def near_products(
    reference: Points, query: Points | None, radius: float
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield pairs of a query and a reference point that may lie within `radius`, a block at a time.

    The squared distance is |a|**2 + |b|**2 - 2 a.b, in float32; what that rounds is allowed for, so that no pair
    is lost and few are yielded in vain. None as `query` pairs the reference with itself, each pair once.
    """
    ours = reference if query is None else query
    high = min(ours.step, SIDE)
    wide = min(reference.step, SIDE)
    for top in range(0, len(ours), high):
        asked = ours.take(slice(top, top + high))
        length = np.einsum("ij,ij->i", asked, asked)
        for left in range(0 if query is not None else top // wide * wide, len(reference), wide):
            known = reference.take(slice(left, left + wide))
            i, j = _close(asked, length, known, radius)
            i, j = i + top, j + left
            yield (i, j) if query is not None else (i[i < j], j[i < j])


def _close(asked: Floats, length: Floats, known: Floats, radius: float) -> tuple[Numbers, Numbers]:
    """Return rows and columns of the pairs whose squared distance is not beyond the radius."""
    far = np.einsum("ij,ij->i", known, known)
    product = asked @ known.T
    product *= -2.0
    product += far
    slack = 4.0 * ROUNDING * float(length.max(initial=0.0) + far.max(initial=0.0))
    bar = (radius**2 + slack - length.astype(np.float64)).astype(np.float32)
    # float32 may round the bar itself down
    bar = np.nextafter(bar, np.float32(np.inf))
    return np.divmod(np.flatnonzero(product <= bar[:, None]), len(known))
