"""Rows as points: what distances are measured on, made block by block and never kept whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK_BYTES = 2**20
"""Bytes of float32 points made at a time."""

FARTHEST = 1e9
"""Coordinates beyond are held at this, so that squares stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Rows of an array, moved, scaled, and optionally put on the unit sphere.

    Attributes
    ----------
    flat : ndarray, shape (n, d)
        The rows; any dtype, any strides.
    centre : ndarray of float64, shape (d,)
        Taken away first. Missing and infinite values stand there, at the centre.
    scale : ndarray of float64, shape (d,)
        Multiplied with; 0 leaves a feature out.
    contrast : int
        Equal runs of coordinates, such as channels, each of which is then freed of its own mean and brought to
        unit length; 0 for none.
    bend : float, optional
        Coordinate beyond which only the logarithm grows, so that single far values do not decide.
    columns : ndarray of int64, shape (k,), optional
        Features that count, in this order; all by default. Centre and scale have one value for each.
    rows : ndarray of int32 or int64, shape (m,), optional
        Rows that count, in this order; all by default. They are the points 0 to m - 1.
    unit : bool
        Whether points are brought to unit length; those of no length stay at the centre.
    """

    flat: NDArray[Any]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    contrast: int = 0
    bend: float | None = None
    columns: NDArray[np.int64] | None = None
    rows: NDArray[np.signedinteger[Any]] | None = None
    unit: bool = False

    def __len__(self) -> int:
        return int(self.flat.shape[0] if self.rows is None else self.rows.size)

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.flat.shape[1] if self.columns is None else self.columns.size)

    @property
    def step(self) -> int:
        """Rows of a block."""
        return max(1, BLOCK_BYTES // (4 * max(1, self.width)))

    def only(self, columns: NDArray[np.int64]) -> Points:
        """Return the points in some of their coordinates; contrast and unit length would see the others."""
        where = columns if self.columns is None else self.columns[columns]
        return replace(self, centre=self.centre[columns], scale=self.scale[columns], columns=where)

    def among(self, rows: NDArray[np.signedinteger[Any]]) -> Points:
        """Return some of the points, in the order of `rows`."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])

    def raw(self, rows: slice | NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Return the values that points are made of, shape (len(rows), d)."""
        where = rows if self.rows is None else self.rows[rows]
        some: NDArray[Any]
        if isinstance(where, slice) or not self.flat.flags.c_contiguous:
            some = self.flat[where]
        else:  # quicker than an index, but it would copy an array of other strides whole
            some = np.take(self.flat, where, axis=0)
        if self.columns is None:
            return some
        return np.take(some, self.columns, axis=1) if some.flags.c_contiguous else some[:, self.columns]

    @property
    def still(self) -> bool:
        """Whether points are float32 values as they stand, before they are brought to unit length."""
        return bool(self.flat.dtype == np.float32 and not self.centre.any() and (self.scale == 1.0).all())

    def take(self, rows: slice | NDArray[np.integer[Any]]) -> Floats:
        """Return points as float32, shape (len(rows), d)."""
        return self._made(rows, np.float32)

    def fine(self, rows: slice | NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return points as float64, shape (len(rows), d)."""
        return self._made(rows, np.float64)

    def _made(self, rows: slice | NDArray[np.integer[Any]], dtype: Any) -> NDArray[Any]:
        raw = self.raw(rows)
        block: NDArray[np.floating[Any]]
        if dtype == np.float32 and self.still:
            block = np.array(raw) if np.shares_memory(raw, self.flat) else raw
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                working = dtype if self.flat.dtype.itemsize < 4 else np.float64
                block = np.subtract(raw, self.centre, dtype=working, casting="unsafe")
                block = np.multiply(block, self.scale, out=block, casting="unsafe")
        if self.flat.dtype.kind == "f":
            finite = np.isfinite(block)
            if not finite.all():
                block[~finite] = 0.0
            np.clip(block, -FARTHEST, FARTHEST, out=block)
        if self.bend is not None:
            beyond = np.abs(block) > self.bend
            far = block[beyond]
            block[beyond] = np.sign(far) * (self.bend + np.log1p(np.abs(far) - self.bend))
        points = np.asarray(block, dtype=dtype)
        if self.contrast:
            parts = points.reshape(len(points), self.contrast, -1)
            parts -= parts.mean(axis=2, keepdims=True)
            length = np.sqrt(np.einsum("ijk,ijk->ij", parts, parts))
            parts /= np.where(length > 0, length, 1.0)[:, :, None]
        if self.unit:
            length = np.sqrt(np.einsum("ij,ij->i", points, points))
            points /= np.where(length > 0, length, 1.0)[:, None]
        return points

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """Yield the first row number and the points of consecutive blocks."""
        for start in range(0, len(self), self.step):
            yield start, self.take(slice(start, start + self.step))

    def sample(self, n: int) -> Floats:
        """Return about `n` points, evenly spaced over the rows."""
        return self.take(slice(None, None, max(1, len(self) // max(1, n))))


def distances(
    first: Points, second: Points, i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the distance between point ``i[k]`` of `first` and point ``j[k]`` of `second`, for every k."""
    found = np.empty(i.size)
    step = max(1, BLOCK_BYTES // (4 * max(1, first.width)))
    small = _whole_and_plain(first) and _whole_and_plain(second)
    fine = any(part.flat.dtype.itemsize >= 4 and not part.still for part in (first, second))
    factor = first.scale.astype(np.float32)
    for start in range(0, i.size, step):
        part = slice(start, start + step)
        if small:  # differences of small whole numbers are exact, and the centre cancels
            gap = first.raw(i[part]).astype(np.float32)
            gap -= second.raw(j[part])
            gap *= factor
            found[part] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
        else:
            left, right = (
                points.fine(rows[part]) if fine else points.take(rows[part])
                for points, rows in ((first, i), (second, j))
            )
            apart = left - right
            found[part] = np.sqrt(np.einsum("ij,ij->i", apart, apart, dtype=np.float64))
    return found


def _whole_and_plain(points: Points) -> bool:
    """Whether points are bytes that are only moved and scaled."""
    return points.flat.dtype.itemsize == 1 and points.bend is None and not points.contrast and not points.unit
