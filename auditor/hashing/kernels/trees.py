"""A packed tree of boxes over short projections.

Points are brought into an order in which every `LANES` of them, every ``LANES**2`` and so on lie close together (the
bulk loading of an R-tree, Leutenegger, Edgington and Lopez, 1997, by halves across the widest direction as in a k-d
tree). Coordinates stand lane by lane, so that the points of a block, and the boxes of a node, are compared at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import compiled, frozen, inlined

Floats = NDArray[np.float32]

LANES = 32
"""Points of a block, and boxes of a node."""

AXES = 12
"""Coordinates of a point."""

PLANES = 13
"""What stands of a point in a block: its coordinates, and half its square, with a minus."""

FEW, CHOSEN = 2**14, 65
"""Of more rows the pivot is found among so many; fewer, which stay in the processor's caches, are moved only once."""

LOOKED = 64
"""Points by which it is judged in which direction a part is widest."""

ROW = np.uint64(0xFFFFFFFF)
"""What of a word names a row."""

ODD, SHORT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFFFF)
"""What mixes the ends of a part into places anywhere in it, sixteen bits each."""


def packed(points: Floats, order: NDArray[np.int32]) -> None:
    """Bring rows of `points`, shape (n, d), into the order of a tree, in place, and `order`, shape (n,), with them.

    Only the first twelve columns count.
    """
    _packed(points, order)


def turned(points: Floats, middle: Floats) -> NDArray[np.float32]:
    """Turn blocks of ordered points, shape (n, 13), so that planes stand lane by lane, in place: (n / 32, 13, 32).

    `middle`, shape (12,), is taken away from them.
    """
    _turned(points, frozen(middle))
    return points.reshape(-1, PLANES, LANES)


def boxes(blocks: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the boxes of all levels, shape (nodes, 2, 12, 32), and where each level begins, the lowest first."""
    sizes = [-(-len(blocks) // LANES)]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // LANES))
    levels = np.cumsum([0, *sizes])
    made = np.empty((int(levels[-1]), 2, AXES, LANES), dtype=np.float32)
    made[:, 0], made[:, 1] = np.inf, -np.inf
    _enclosed(blocks, made)
    for lower, upper, end in zip(levels, levels[1:], levels[2:], strict=False):
        _joined(made[lower:upper], made[upper:end])
    return made, levels


@inlined
def _least(  # noqa: PLR0917 - as kernels
    points: Any, order: Any, low: int, high: int, k: int, axis: int, some: Any
) -> None:
    """Bring the k-th row along an axis to its place among the rows from low to high.

    By Hoare's selection; the pivot is, of some of many, the one beyond about the k-th, so that what holds the k-th is
    small (Floyd and Rivest, 1975).
    """
    while high - low > 1:
        count, step = min(some.size, high - low), max(1, (high - low) // some.size)
        for t in range(count):
            x, at = points[low + t * step, axis], t
            while at > 0 and some[at - 1] > x:
                some[at] = some[at - 1]
                at -= 1
            some[at] = x
        at = (k - low) * count // (high - low)
        at += 1 if 2 * at < count else -1
        pivot = some[max(0, min(at, count - 1))]
        i, j = low, high - 1
        while i <= j:
            while points[i, axis] < pivot:
                i += 1
            while points[j, axis] > pivot:
                j -= 1
            if i <= j:
                for t in range(points.shape[1]):
                    points[i, t], points[j, t] = points[j, t], points[i, t]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if k <= j:
            high = j + 1
        elif k >= i:
            low = i
        else:
            break


@inlined
def _least_word(words: Any, low: int, high: int, wanted: int) -> None:
    """Bring the one wanted of the words from low to high, all different, to its place.

    By Lomuto's partition without a branch: on which side of the pivot a word is nobody can foresee. The pivot is the
    middle one of three from anywhere, so that no pattern of the rows makes it a bad one again and again.
    """
    while high - low > 1:
        size, mixed = np.uint64(high - low), (np.uint64(low) * ODD + np.uint64(high)) * ODD
        p = low + np.int64((mixed >> np.uint64(48)) * size >> np.uint64(16))
        q = low + np.int64((mixed >> np.uint64(32) & SHORT) * size >> np.uint64(16))
        r = low + np.int64((mixed >> np.uint64(16) & SHORT) * size >> np.uint64(16))
        a, b, c = words[p], words[q], words[r]
        pivot = max(min(a, b), min(max(a, b), c))
        words[p if pivot == a else q if pivot == b else r] = words[low]
        end = low + 1
        for i in range(low + 1, high):
            word = words[i]
            words[i], words[end] = words[end], word
            end += int(word < pivot)
        end -= 1
        words[low], words[end] = words[end], pivot
        if wanted < end:
            high = end
        elif wanted > end:
            low = end + 1
        else:
            break


@inlined
def _widest(points: Any, rows: Any, count: int, sums: Any, squares: Any) -> int:
    """Return the axis along which some rows vary most."""
    for a in range(AXES):
        sums[a] = squares[a] = 0.0
    for i in range(count):
        for a in range(AXES):
            x = np.float64(points[rows[i], a]) - np.float64(points[rows[0], a])
            sums[a] += x
            squares[a] += x * x
    most, widest = -1.0, 0
    for a in range(AXES):
        spread = squares[a] - sums[a] * sums[a] / count
        if spread > most:
            most, widest = spread, a
    return widest


@inlined
def _cut(low: int, high: int) -> int:
    """Return where a part is cut in two, at a multiple of the rows of a node."""
    unit = LANES
    while unit * LANES < high - low:
        unit *= LANES
    middle = ((low + high) // 2 + unit // 2) // unit * unit
    if middle <= low:
        middle += unit
    return middle if middle < high else middle - unit


@inlined
def _word(bits: Any, row: Any) -> Any:
    """Return a word that stands in the order of a coordinate, given its bits, and names its row."""
    sign = np.uint32(0x80000000)
    held = ~bits if bits & sign else bits | sign
    return (np.uint64(held) << np.uint64(32)) | np.uint64(row)


@inlined
def _placed(  # noqa: PLR0917 - as kernels
    words: Any, size: int, points: Any, order: Any, held: Any, places: Any
) -> None:
    """Bring rows into the order of the words that name them."""
    for i in range(size):
        row = np.int64(words[i] & ROW)
        for t in range(points.shape[1]):
            held[i, t] = points[row, t]
        places[i] = order[row]
    for i in range(size):
        for t in range(points.shape[1]):
            points[i, t] = held[i, t]
        order[i] = places[i]


@inlined
def _settled(  # noqa: PLR0917 - as kernels
    points: Any, order: Any, words: Any, held: Any, places: Any, looked: Any, sums: Any, squares: Any
) -> None:
    """Bring few rows into the order of a tree: words take their places until the order is known."""
    size, bits = points.shape[0], points.view(np.uint32)
    for i in range(size):
        words[i] = np.uint64(i)
    stack = np.empty((64, 2), dtype=np.int64)
    stack[0, 0], stack[0, 1], top = 0, size, 0
    while top >= 0:
        low, high = stack[top, 0], stack[top, 1]
        top -= 1
        if high - low <= LANES:
            continue
        count = min(looked.size, high - low)
        for i in range(count):
            looked[i] = np.int64(words[low + i * ((high - low) // count)] & ROW)
        axis = _widest(points, looked, count, sums, squares)
        for i in range(low, high):
            row = np.int64(words[i] & ROW)
            words[i] = _word(bits[row, axis], row)
        middle = _cut(low, high)
        _least_word(words, low, high, middle)
        stack[top + 1, 0], stack[top + 1, 1] = low, middle
        stack[top + 2, 0], stack[top + 2, 1] = middle, high
        top += 2
    _placed(words, size, points, order, held, places)


@compiled
def _packed(points: Any, order: Any) -> None:
    n = points.shape[0]
    sums, squares, looked = np.empty(AXES), np.empty(AXES), np.empty(LOOKED, dtype=np.int64)
    some = np.empty(CHOSEN, dtype=points.dtype)
    words, places = np.empty(min(n, FEW), dtype=np.uint64), np.empty(min(n, FEW), dtype=order.dtype)
    held = np.empty((words.size, points.shape[1]), dtype=points.dtype)
    stack = np.empty((64, 2), dtype=np.int64)
    stack[0, 0], stack[0, 1], top = 0, n, 0
    while top >= 0:
        low, high = stack[top, 0], stack[top, 1]
        top -= 1
        if high - low <= FEW:
            _settled(points[low:high], order[low:high], words, held, places, looked, sums, squares)
            continue
        for i in range(LOOKED):
            looked[i] = low + i * ((high - low) // LOOKED)
        middle = _cut(low, high)
        _least(points, order, low, high, middle, _widest(points, looked, LOOKED, sums, squares), some)
        stack[top + 1, 0], stack[top + 1, 1] = low, middle
        stack[top + 2, 0], stack[top + 2, 1] = middle, high
        top += 2


@compiled
def _turned(points: Any, middle: Any) -> None:
    held = np.empty((LANES, PLANES), dtype=points.dtype)
    lanes = points.reshape(-1, PLANES, LANES)
    for b in range(lanes.shape[0]):
        for t in range(LANES):
            total = np.float32(0.0)
            for a in range(AXES):
                x = points[b * LANES + t, a] - middle[a]
                held[t, a] = x
                total += x * x
            held[t, AXES] = np.float32(-0.5) * total
        for a in range(PLANES):
            for t in range(LANES):
                lanes[b, a, t] = held[t, a]


@compiled
def _enclosed(blocks: Any, made: Any) -> None:
    for b in range(blocks.shape[0]):
        for a in range(AXES):
            low, high = np.float32(np.inf), np.float32(-np.inf)
            for t in range(LANES):
                x = blocks[b, a, t]
                if x < np.inf:  # the last block is filled up with infinite points
                    low, high = min(low, x), max(high, x)
            made[b // LANES, 0, a, b % LANES], made[b // LANES, 1, a, b % LANES] = low, high


@compiled
def _joined(lower: Any, upper: Any) -> None:
    for b in range(lower.shape[0]):
        for a in range(AXES):
            low, high = np.float32(np.inf), np.float32(-np.inf)
            for t in range(LANES):
                low, high = min(low, lower[b, 0, a, t]), max(high, lower[b, 1, a, t])
            upper[b // LANES, 0, a, b % LANES], upper[b // LANES, 1, a, b % LANES] = low, high
