"""A packed tree of boxes over short projections, and the search for what lies within a radius in it.

Points are brought into an order in which every `LANES` of them, every ``LANES**2`` and so on lie close together (the
bulk loading of an R-tree, Leutenegger, Edgington and Lopez, 1997, by halves across the widest direction as in a k-d
tree). Coordinates stand lane by lane, so that the points of a block, and the boxes of a node, are compared at once.
"""

# ruff: noqa: FURB136 - max and min heed what is not a number, which costs more than a choice
from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import bounding, compiled, frozen, fused, inlined
from auditor.hashing.sampling import spaced

Floats = NDArray[np.float32]

LANES = 32
"""Points of a block, and boxes of a node."""

AXES = 12
"""Coordinates of a point."""

PLANES = 13
"""What stands of a point in a block: its coordinates, and half its square, with a minus."""

FEW, CHOSEN = 1024, 65
"""Of more rows the pivot is found among so many."""

STRIDE = 128
"""Coordinates after which two rows may already be too far apart."""

JUDGED = 64
"""Pairs by which it is judged which coordinates to look at first."""

HUGE = 1e8
"""Coordinates beyond are held at a bound, and near each other there."""

LOOKED = 128
"""Points by which it is judged in which direction a part is widest."""


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


def sought(
    near: Floats,
    reach: Floats,
    blocks: NDArray[np.float32],
    tree: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    part: tuple[int, int],
    own: bool,
    room: int,
) -> tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Seek the points within reach of queries.

    Parameters
    ----------
    near : ndarray of float32, shape (m, 13)
        Queries; empty where they are the points themselves.
    reach : ndarray of float32, shape (m,)
        Squared distance allowed to each.
    blocks, tree
        As `turned` and `boxes` made them.
    part : (int, int)
        Queries to answer.
    own : bool
        Whether queries are the points themselves: then only what stands behind each is told.
    room : int
        Pairs that are told at once, at least one query's.

    Returns
    -------
    stopped : int
        The first query not answered.
    query, place : ndarray of int32
        Pairs.
    work : ndarray of int64, shape (2,)
        Nodes and blocks looked at.
    """
    begin, end = part
    work = np.zeros(2, dtype=np.int64)
    near, reach, blocks = frozen(near), frozen(reach), frozen(blocks)
    made, levels = frozen(tree[0]), frozen(tree[1])
    while True:
        asked, place = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
        stopped, found = _sought(near, reach, blocks, made, levels, begin, end, own, asked, place, work)
        if stopped > begin or begin == end:
            return stopped, asked[:found], place[:found], work
        room *= 8  # not even one query's pairs had room


def apart(
    left: NDArray[Any],
    right: NDArray[Any],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    *,
    scale: NDArray[np.float64],
    radius: float,
) -> NDArray[np.bool_]:
    """Return which rows ``left[i[k]]`` and ``right[j[k]]`` are farther apart than `radius`, for certain.

    Rows are moved alike and multiplied with `scale`. What rounding might decide, and what is missing or huge, is left to
    be measured.
    """
    out = np.zeros(i.size, dtype=np.bool_)
    left, right = (part.view(np.uint8) if part.dtype == bool else part for part in (left, right))
    single = left.dtype == np.float32 or left.dtype.itemsize <= 2  # differences of which float32 holds well
    kind = np.float32 if single else np.float64
    bar = kind(radius**2 * (1.0 + 1e-4) + 1e-30)
    checked = left.dtype.kind == "f"
    arrays = (left, right, i, j, scale.astype(kind), _telling(left, right, i, j, scale))
    _APART[kind](*(frozen(part) for part in arrays), bar, checked, out)
    return out


def _telling(
    left: NDArray[Any],
    right: NDArray[Any],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    scale: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return where runs of `STRIDE` coordinates begin, those in which some of the pairs differ most before others."""
    starts = np.arange(0, left.shape[1], STRIDE)
    if starts.size == 1:
        return starts
    some = spaced(i.size, JUDGED)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = ((left[i[some]].astype(np.float64) - right[j[some]]) * scale) ** 2
    gaps[~np.isfinite(gaps)] = 0.0
    return starts[np.argsort(-np.add.reduceat(gaps.mean(axis=0), starts), kind="stable")]


@inlined
def _pivot(points: Any, low: int, high: int, k: int, axis: int, some: Any) -> Any:  # noqa: PLR0917
    if high - low <= FEW:
        a, b, c = points[low, axis], points[(low + high) // 2, axis], points[high - 1, axis]
        return max(min(a, b), min(max(a, b), c))
    step = (high - low) // some.size
    for t in range(some.size):
        x = points[low + t * step, axis]
        at = t
        while at > 0 and some[at - 1] > x:
            some[at] = some[at - 1]
            at -= 1
        some[at] = x
    return some[(k - low) * some.size // (high - low)]


@inlined
def _least(points: Any, order: Any, low: int, high: int, k: int, axis: int, some: Any) -> None:  # noqa: PLR0917
    """Bring the k-th row along an axis to its place among the rows from low to high.

    By Hoare's selection; the pivot of many is the k-th, about, of some of them (Floyd and Rivest, 1975).
    """
    while high - low > 1:
        pivot = _pivot(points, low, high, k, axis, some)
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
def _widest(points: Any, low: int, high: int, sums: Any, squares: Any) -> int:
    """Return the axis along which some of the rows from low to high vary most."""
    for a in range(AXES):
        sums[a] = squares[a] = 0.0
    count = 0
    for i in range(low, high, max(1, (high - low) // LOOKED)):
        count += 1
        for a in range(AXES):
            x = np.float64(points[i, a]) - np.float64(points[low, a])
            sums[a] += x
            squares[a] += x * x
    most, widest = -1.0, 0
    for a in range(AXES):
        spread = squares[a] - sums[a] * sums[a] / count
        if spread > most:
            most, widest = spread, a
    return widest


@compiled
def _packed(points: Any, order: Any) -> None:
    sums, squares = np.empty(AXES), np.empty(AXES)
    some = np.empty(CHOSEN, dtype=points.dtype)
    stack = np.empty((128, 2), dtype=np.int64)
    stack[0, 0], stack[0, 1] = 0, points.shape[0]
    top = 0
    while top >= 0:
        low, high = stack[top, 0], stack[top, 1]
        top -= 1
        unit = LANES
        while unit * LANES < high - low:
            unit *= LANES
        middle = ((low + high) // 2 + unit // 2) // unit * unit
        if middle <= low:
            middle += unit
        if middle >= high:
            middle -= unit
        if middle <= low or middle >= high:
            continue
        _least(points, order, low, high, middle, _widest(points, low, high, sums, squares), some)
        if middle - low > LANES:
            top += 1
            stack[top, 0], stack[top, 1] = low, middle
        if high - middle > LANES:
            top += 1
            stack[top, 0], stack[top, 1] = middle, high


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


@inlined
def _within_reach(made: Any, at: Any, q: Any, bar: Any, gaps: Any, kept: Any) -> Any:  # noqa: PLR0917
    """Put the boxes of a node that are within reach of `q` into `kept`, and return how many they are."""
    zero = np.float32(0.0)
    for t in range(LANES):
        gaps[t] = zero
    for a in range(0, AXES, 2):
        x, y = q[a], q[a + 1]
        for t in range(LANES):
            g, h = made[at, 0, a, t] - x, x - made[at, 1, a, t]
            g = g if g > h else h
            g = g if g > zero else zero
            u, v = made[at, 0, a + 1, t] - y, y - made[at, 1, a + 1, t]
            u = u if u > v else v
            u = u if u > zero else zero
            gaps[t] += g * g + u * u
    count = np.int32(0)
    for t in range(LANES):  # without a branch: which boxes are within reach nobody can foresee
        kept[count] = t
        count += np.int32(gaps[t] <= bar)
    return count


@inlined
def _compared(blocks: Any, c: Any, q: Any, least: Any, lanes: Any) -> Any:
    """Return how many points of a block are within reach of `q`, and put what tells so into `lanes`.

    A product less half a square is half the squared distance, up to a constant.
    """
    q0, q1, q2, q3, q4, q5 = q[0], q[1], q[2], q[3], q[4], q[5]
    q6, q7, q8, q9, q10, q11 = q[6], q[7], q[8], q[9], q[10], q[11]
    some = np.int32(0)
    for j in range(LANES):
        one = blocks[c, AXES, j] + blocks[c, 0, j] * q0 + blocks[c, 1, j] * q1 + blocks[c, 2, j] * q2
        two = blocks[c, 3, j] * q3 + blocks[c, 4, j] * q4 + blocks[c, 5, j] * q5 + blocks[c, 6, j] * q6
        six = blocks[c, 7, j] * q7 + blocks[c, 8, j] * q8 + blocks[c, 9, j] * q9
        whole = (one + two) + (six + blocks[c, 10, j] * q10 + blocks[c, 11, j] * q11)
        lanes[j] = whole
        some += np.int32(whole >= least)
    return some


@fused
def _sought(  # noqa: PLR0917 - kernels are called by position
    near: Any, reach: Any, blocks: Any, made: Any, levels: Any,
    begin: int, end: int, own: bool, asked: Any, place: Any, work: Any,
) -> Any:  # fmt: skip
    found = 0
    kept = np.empty(LANES + 1, dtype=np.uint32)
    stack, height = np.empty(LANES * 8, dtype=np.uint32), np.empty(LANES * 8, dtype=np.int64)
    gaps, lanes, q = np.empty(LANES, np.float32), np.empty(LANES, np.float32), np.empty(AXES, np.float32)
    for i in range(begin, end):
        before, bar, top = found, reach[i], 0
        square = np.float32(0.0)
        for a in range(AXES):
            q[a] = blocks[i // LANES, a, i % LANES] if own else near[i, a]
            square += q[a] * q[a]
        least = np.float32(0.5) * (square - bar)
        stack[0], height[0] = 0, levels.size - 2
        while top >= 0:
            node, level = stack[top], height[top]
            top -= 1
            work[0] += 1
            count = _within_reach(made, uint32(levels[level]) + node, q, bar, gaps, kept)
            for k in range(count):
                c = node * uint32(LANES) + kept[k]
                if own and (np.int64(c) + 1) * LANES ** (level + 1) <= i + 1:
                    continue  # all its points have been queries
                if level > 0:
                    top += 1
                    stack[top], height[top] = c, level - 1
                    continue
                work[1] += 1
                if _compared(blocks, c, q, least, lanes) == 0:
                    continue
                for j in range(LANES):
                    there = np.int64(c) * LANES + j
                    if lanes[j] >= least and not (own and there <= i):
                        if found < asked.size:
                            asked[found], place[found] = i, there
                        found += 1
        if found > asked.size:
            return i, before
    return end, found


def _apart_in(kind: Any) -> Any:
    """Return the kernel that reckons in numbers of a kind."""

    @bounding
    def body(  # noqa: PLR0917 - kernels are called by position
        left: Any, right: Any, i: Any, j: Any, scale: Any, parts: Any, bar: Any, checked: bool, out: Any
    ) -> None:
        d = left.shape[1]
        for k in range(i.size):
            a, b = left[i[k]], right[j[k]]
            total = kind(0.0)
            looked = 0
            while looked < parts.size and not total > bar:
                for t in range(parts[looked], min(d, parts[looked] + STRIDE)):
                    gap = (kind(a[t]) - kind(b[t])) * scale[t]
                    total += gap * gap
                looked += 1
            far = total > bar
            for part in range(looked if far and checked else 0):
                for t in range(parts[part], min(d, parts[part] + STRIDE)):
                    factor = abs(scale[t])
                    far &= abs(kind(a[t])) * factor < HUGE and abs(kind(b[t])) * factor < HUGE
            out[k] = far

    return body


_APART = {kind: _apart_in(kind) for kind in (np.float32, np.float64)}
