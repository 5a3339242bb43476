"""Rows on a straight line through two others, to the arithmetic's precision.

Interpolation puts a row at a + t (b - a). By nature, rows stand on a line through two others only where
they stand on a grid, or where features follow from one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.nearest import neighbours

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Masks = NDArray[np.bool_]

LOOSEST = 2.0**-18
"""Largest residual searched for, over the size of the values: 64 roundings to single precision."""

TIGHT = 2.0**-36
"""The same for two features, where lesser precision proves nothing."""

NEAREST = 1024
"""Rows around an anchor among which lines are looked for."""

SKETCH = 16
"""Dimensions in which the nearest rows are found."""

SIZED = 10_000
"""Rows from which sizes and spreads are read."""

MOST = 64
"""Candidates verified per anchor on average, drawn at random where there are more, as on a grid."""

BLOCK = 2**16
"""Directions held at a time: they stay in cache."""

REACH = 4
"""Neighbours in the order of directions that are compared with each."""

OFFSET = 2.0**-8
"""Least spread of a feature over its size that counts fully in a projection, which is blurred by size."""


@dataclass(frozen=True, slots=True, eq=False)
class Triples:
    """Three rows on a line each, to at most ``LOOSEST``.

    Attributes
    ----------
    low, middle, high : ndarray of int64, shape (t,)
        The rows in their order on the line.
    position : ndarray of float64, shape (t,)
        Where the middle stands: 0 at `low`, 1 at `high`.
    residual : ndarray of float64, shape (t,)
        Distance from the line, over the size of the values: the largest over features.
    sharpness : ndarray of float64, shape (t,)
        Distance of the outer two, over the size of the values: the largest over features. A residual
        moves `position` by the residual over this.
    """

    low: Numbers
    middle: Numbers
    high: Numbers
    position: Floats
    residual: Floats
    sharpness: Floats

    @property
    def nearer(self) -> Floats:
        """Distance of the middle row from the nearer of the others, over that of the outer two."""
        return np.minimum(self.position, 1 - self.position)

    def only(self, kept: Masks) -> Triples:
        """Return some of the triples."""
        return Triples(
            self.low[kept],
            self.middle[kept],
            self.high[kept],
            self.position[kept],
            self.residual[kept],
            self.sharpness[kept],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Rows among which lines are looked for, and two random projections of them to planes.

    Attributes
    ----------
    rows : ndarray of float64, shape (n, d)
        Different rows, finite; no feature is constant.
    size, spread : ndarray of float64, shape (d,)
        Typical size of each feature's values, and their spread, both robust to far outliers.
    points : ndarray of float64, shape (n, 4)
        The coordinates in both planes.
    error : ndarray of float64, shape (n, 4)
        How far rounding may have moved each.
    sketch : ndarray of float32, shape (n, p), or None
        Coordinates in which neighbours are found; None where all rows are looked at.
    """

    rows: Floats
    size: Floats
    spread: Floats
    points: Floats
    error: Floats
    sketch: NDArray[np.float32] | None

    @property
    def around(self) -> int:
        """Rows looked at from each anchor, itself among them."""
        return self.rows.shape[0] if self.sketch is None else NEAREST


def field_of(rows: Floats, rng: np.random.Generator) -> Field:
    """Return rows, shape (n, d), with the projections by which lines are found among them."""
    n, d = rows.shape
    some = rows[:: max(1, n // SIZED)]
    size = np.median(np.abs(some), axis=0)
    low, origin, high = np.quantile(some, [0.1, 0.5, 0.9], axis=0)
    spread = np.where(high > low, high - low, rows.std(axis=0))
    spread = np.maximum(spread, np.finfo(np.float64).tiny)
    size = np.maximum(size, spread)
    unit = np.maximum(spread, OFFSET * size)[:, None]
    drawn = rng.normal(size=(d, 4))
    weights = drawn / unit
    centred = rows - origin
    moved = np.sqrt((((np.abs(rows) + size) / unit[:, 0]) ** 2) @ (drawn**2))
    error = (TIGHT if d == 2 else LOOSEST) * moved
    sketch = None
    if n > 2 * NEAREST:  # finding neighbours costs as much as looking at twice as many
        sketch = (centred @ (rng.normal(size=(d, min(d, SKETCH))) / unit)).astype(np.float32)
    return Field(rows, size, spread, centred @ weights, error, sketch)


def collinear_triples(field: Field, anchors: Numbers, rng: np.random.Generator) -> Triples:
    """Return triples of rows on one line that hold one of `anchors`, shape (m,).

    From an anchor, two rows on one line through it lie in the same or in the opposite direction, also
    under a projection to a plane, where a direction is one number. Sorting those finds the candidates
    among all pairs of an anchor's ``NEAREST`` rows in n log n; each is then verified in every feature.
    """
    d = field.rows.shape[1]
    found = [np.zeros((0, 3), dtype=np.int64)]
    step = max(1, BLOCK // field.around)
    for start in range(0, anchors.size, step):
        some = anchors[start : start + step]
        candidates = _candidates(field, some, _nearest(field, some), planar=d == 2)
        if candidates.shape[0] > MOST * some.size:
            candidates = candidates[rng.permutation(candidates.shape[0])[: MOST * some.size]]
        found.append(candidates)
    triples = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    chunk = max(1, 2**20 // d)
    starts = range(0, max(1, triples.shape[0]), chunk)
    parts = [_on_one_line(field, triples[start : start + chunk]) for start in starts]
    return Triples(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def twins(field: Field) -> Masks:
    """Return which rows equal an earlier or later one but for rounding, shape (n,).

    Twins are neighbours in the order of one projection and agree in all four.
    """
    order = np.argsort(field.points[:, 0], kind="stable")
    points, error = field.points[order], field.error[order]
    twin = np.zeros(order.size, dtype=bool)
    for offset in range(1, min(REACH, order.size - 1) + 1):
        near = (np.abs(points[offset:] - points[:-offset]) <= error[offset:] + error[:-offset]).all(axis=1)
        twin[offset:] |= near
        twin[:-offset] |= near
    marked = np.zeros(order.size, dtype=bool)
    marked[order] = twin
    return marked


def _nearest(field: Field, anchors: Numbers) -> Numbers:
    """Return the ``NEAREST`` rows of each anchor, itself among them, or all, shape (m, k)."""
    if field.sketch is None:
        return np.broadcast_to(np.arange(field.rows.shape[0]), (anchors.size, field.rows.shape[0]))
    _, near = neighbours(field.sketch, field.sketch[anchors], NEAREST)
    return near


def _candidates(field: Field, anchors: Numbers, near: Numbers, *, planar: bool) -> Numbers:
    """Return (anchor, row, row) whose directions from the anchor agree in both planes, shape (c, 3)."""
    n = near.shape[1]
    first, within = _directions(field, slice(0, 2), anchors[:, None], near)
    first[near == anchors[:, None]] = 4.0  # the anchor itself points nowhere
    bits = max(1, (n - 1).bit_length())
    keys = ((first + 1.0) * 2.0 ** (60 - bits)).astype(np.uint64) << np.uint64(bits)
    keys |= np.arange(n, dtype=np.uint64)
    keys.sort(axis=1)
    order = (keys & np.uint64((1 << bits) - 1)).astype(np.int64)
    first, within = np.take_along_axis(first, order, 1), np.take_along_axis(within, order, 1)
    triples = [np.zeros((3, 0), dtype=np.int64)]
    for offset in range(1, min(REACH, n - 2) + 1):
        close = first[:, offset:] - first[:, :-offset] <= within[:, offset:] + within[:, :-offset]
        at, place = np.nonzero(close)
        one, two = near[at, order[at, place]], near[at, order[at, place + offset]]
        found = np.stack([anchors[at], one, two])
        if not planar:
            here, loose = _directions(field, slice(2, 4), found[0], one)
            there, looser = _directions(field, slice(2, 4), found[0], two)
            found = found[:, np.abs(here - there) <= loose + looser]
        triples.append(found)
    return np.concatenate(triples, axis=1).T


def _directions(field: Field, plane: slice, anchors: Numbers, rows: Numbers) -> tuple[Floats, Floats]:
    """Return the directions of rows from anchors in a plane, in [-1, 1], and their uncertainty.

    Opposite directions are the same number. Instead of an angle, the share of the two coordinates.
    """
    x, y = (np.ascontiguousarray(axis) for axis in field.points[:, plane].T)
    x, y = x[rows] - x[anchors], y[rows] - y[anchors]
    length = np.maximum(np.abs(x) + np.abs(y), np.finfo(np.float64).tiny)
    both = field.error[:, plane].sum(axis=1)
    uncertainty = np.minimum(2.0 * (both[rows] + both[anchors]) / length, 2.0)
    return np.where(y < 0, -x, x) / length, uncertainty


def _on_one_line(field: Field, triples: Numbers) -> tuple[NDArray[np.generic], ...]:
    """Return low, middle, high, position, residual and sharpness of the triples on a line in every feature."""
    rows, size, spread = field.rows, field.size, field.spread
    sides = [((rows[triples[:, i]] - rows[triples[:, j]]) / spread) ** 2 for i, j in ((1, 2), (0, 2), (0, 1))]
    middle = np.argmax(np.stack([side.sum(axis=1) for side in sides]), axis=0)  # opposite the longest side
    turn = np.array([[1, 0, 2], [0, 1, 2], [0, 2, 1]])[middle]
    low, mid, high = np.take_along_axis(triples, turn, axis=1).T
    a, b, m = rows[low], rows[high], rows[mid]
    unit = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.abs(m)) + size
    along, off = (b - a) / unit, (m - a) / unit
    position = (along * off).sum(axis=1) / np.maximum((along**2).sum(axis=1), np.finfo(np.float64).tiny)
    residual = np.abs(off - position[:, None] * along).max(axis=1)
    kept = (residual <= LOOSEST) & (position > 0) & (position < 1)
    sharpness = np.abs(along).max(axis=1)
    return low[kept], mid[kept], high[kept], position[kept], residual[kept], sharpness[kept]


def near_fraction(position: Floats, within: Floats) -> Masks:
    """Return which positions are simple fractions, as on a grid they are, shape (t,).

    A fraction is simple if its denominator q is such that a position drawn at random is within `within`
    of one of that or a smaller denominator once in a hundred times. Those are among the convergents of
    its continued fraction (Legendre).

    Examples
    --------
    >>> near_fraction(np.array([1 / 3, 0.5, 0.31830988618]), np.full(3, 1e-12))
    array([ True,  True, False])
    """
    largest = np.clip(np.sqrt(0.01 / within), 1.0, 1e5)
    simple = np.zeros(position.shape, dtype=bool)
    rest = position.copy()
    before, denominator = np.zeros(position.shape), np.ones(position.shape)
    for _ in range(40):
        inside = denominator <= largest
        nearest = np.rint(position * denominator) / denominator
        simple |= inside & (np.abs(nearest - position) <= within)
        rest = rest - np.floor(rest)
        going = inside & ~simple & (rest > 1e-15)
        if not going.any():
            break
        rest = np.where(going, 1.0 / np.where(going, rest, 1.0), 0.0)
        before, denominator = denominator, np.where(going, np.floor(rest) * denominator + before, 1e300)
    return simple
