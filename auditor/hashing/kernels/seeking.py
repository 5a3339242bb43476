"""The search of a packed tree for the points within reach of queries.

Queries go down the tree in groups, those that lie together at once, and each node is read once for all that reach it
(the buffering of Arge's trees, 1995, within the processor's caches): a box that some of them reach keeps a list of these,
and the points of a block are compared with two of them at a time.
"""

# ruff: noqa: FURB136 - max and min heed what is not a number, which costs more than a choice
from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import frozen, fused, inlined
from auditor.hashing.kernels.trees import AXES, LANES

Floats = NDArray[np.float32]

GROUP = 256
"""Queries that go down the tree together at most."""

FEWER = 8
"""How many times fewer go together where the pairs of a group have no room."""


def sought(
    near: Floats,
    reach: Floats,
    blocks: NDArray[np.float32],
    tree: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    part: tuple[int, int, int],
    own: bool,
    room: int,
) -> tuple[tuple[int, int, int], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Seek the points within reach of queries.

    Parameters
    ----------
    near : ndarray of float32, shape (m, 13)
        Queries; empty where they are the points themselves.
    reach : ndarray of float32, shape (m,)
        Squared distance allowed to each.
    blocks, tree
        As `turned` and `boxes` made them.
    part : (int, int, int)
        Queries to answer, from one to another, and how many go together.
    own : bool
        Whether queries are the points themselves: then only what stands behind each is told.
    room : int
        Pairs that are told at once, at least one query's.

    Returns
    -------
    left : (int, int, int)
        Queries not answered, and how many should go together.
    query, place : ndarray of int32
        Pairs.
    work : ndarray of int64, shape (2,)
        Nodes and blocks that queries were compared with.
    """
    begin, end, group = part
    work = np.zeros(2, dtype=np.int64)
    near, reach, blocks = frozen(near), frozen(reach), frozen(blocks)
    made, levels = frozen(tree[0]), frozen(tree[1])
    while True:
        asked, place = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
        told = asked, place, work
        stopped, found = _sought(near, reach, blocks, made, levels, begin, end, group, own, *told)
        if stopped > begin or begin == end:
            if 2 * found * group * FEWER < room * (stopped - begin):
                group = min(GROUP, group * FEWER)
            return (stopped, end, group), asked[:found], place[:found], work
        if group > 1:
            group = max(1, group // FEWER)
        else:
            room *= 8  # not even one query's pairs had room


@inlined
def _gap(made: Any, at: Any, a: Any, t: Any, x: Any) -> Any:
    """Return the square of how far `x` is outside a box along an axis."""
    low, high = made[at, 0, a, t], made[at, 1, a, t]
    inside = low if low > x else x
    inside = inside if inside < high else high
    return (x - inside) * (x - inside)


@inlined
def _reached(  # noqa: PLR0917 - as kernels
    made: Any, at: Any, q: Any, reach: Any, who: Any, count: Any, gaps: Any, kept: Any, many: Any
) -> None:
    """List, for each box of a node, which of some queries reach it, and how many they are."""
    for t in range(LANES):
        many[t] = 0
    for k in range(count):
        i = who[k]
        bar = reach[i]
        q0, q1, q2, q3, q4, q5 = q[i, 0], q[i, 1], q[i, 2], q[i, 3], q[i, 4], q[i, 5]
        q6, q7, q8, q9, q10, q11 = q[i, 6], q[i, 7], q[i, 8], q[i, 9], q[i, 10], q[i, 11]
        for t in range(LANES):
            one = _gap(made, at, 0, t, q0) + _gap(made, at, 1, t, q1) + _gap(made, at, 2, t, q2)
            two = _gap(made, at, 3, t, q3) + _gap(made, at, 4, t, q4) + _gap(made, at, 5, t, q5)
            six = _gap(made, at, 6, t, q6) + _gap(made, at, 7, t, q7) + _gap(made, at, 8, t, q8)
            ten = _gap(made, at, 9, t, q9) + _gap(made, at, 10, t, q10) + _gap(made, at, 11, t, q11)
            gaps[t] = (one + two) + (six + ten)
        for t in range(LANES):  # without a branch: which boxes are within reach nobody can foresee
            kept[t, many[t]] = i
            many[t] += uint32(gaps[t] <= bar)


@inlined
def _compared(  # noqa: PLR0917 - as kernels
    blocks: Any, c: Any, q: Any, r: Any, least: Any, more: Any
) -> Any:
    """Return whether some points of a block are within reach of `q`, and whether some are of `r`.

    A product less half a square is half the squared distance, up to a constant.
    """
    q0, q1, q2, q3, q4, q5 = q[0], q[1], q[2], q[3], q[4], q[5]
    q6, q7, q8, q9, q10, q11 = q[6], q[7], q[8], q[9], q[10], q[11]
    r0, r1, r2, r3, r4, r5 = r[0], r[1], r[2], r[3], r[4], r[5]
    r6, r7, r8, r9, r10, r11 = r[6], r[7], r[8], r[9], r[10], r[11]
    true = np.int32(1)  # as wide as a coordinate, or half as many lanes are compared at once
    some = same = np.int32(0)
    for j in range(LANES):
        half, p0, p1, p2 = blocks[c, AXES, j], blocks[c, 0, j], blocks[c, 1, j], blocks[c, 2, j]
        p3, p4, p5, p6 = blocks[c, 3, j], blocks[c, 4, j], blocks[c, 5, j], blocks[c, 6, j]
        p7, p8, p9 = blocks[c, 7, j], blocks[c, 8, j], blocks[c, 9, j]
        p10, p11 = blocks[c, 10, j], blocks[c, 11, j]
        one = half + p0 * q0 + p1 * q1 + p2 * q2 + p3 * q3 + p4 * q4 + p5 * q5
        two = p6 * q6 + p7 * q7 + p8 * q8 + p9 * q9 + p10 * q10 + p11 * q11
        some = true if one + two >= least else some
        one = half + p0 * r0 + p1 * r1 + p2 * r2 + p3 * r3 + p4 * r4 + p5 * r5
        two = p6 * r6 + p7 * r7 + p8 * r8 + p9 * r9 + p10 * r10 + p11 * r11
        same = true if one + two >= more else same
    return some, same


@inlined
def _told(  # noqa: PLR0917 - kernels are called by position
    blocks: Any, c: Any, q: Any, least: Any, lanes: Any, i: Any, own: bool, asked: Any, place: Any, found: Any
) -> Any:
    """Put down which points of a block are within reach of a query, and return how many pairs there are now."""
    for j in range(LANES):
        lanes[j] = blocks[c, AXES, j]
    for a in range(AXES):
        x = q[a]
        for j in range(LANES):
            lanes[j] += blocks[c, a, j] * x
    for j in range(LANES):
        there = np.int64(c) * LANES + j
        if lanes[j] >= least and not (own and there <= i):
            if found < asked.size:
                asked[found], place[found] = i, there
            found += 1
    return found


@inlined
def _taken(  # noqa: PLR0917 - as kernels
    near: Any, blocks: Any, reach: Any, first: Any, own: bool, q: Any, bars: Any, least: Any
) -> None:
    """Copy queries from the first on, the squared distances allowed to them, and the products these ask for."""
    for k in range(min(q.shape[0], reach.size - first)):
        i = first + k
        square = np.float32(0.0)
        for a in range(AXES):
            q[k, a] = blocks[i // LANES, a, i % LANES] if own else near[i, a]
            square += q[k, a] * q[k, a]
        bars[k] = reach[i]
        least[k] = np.float32(0.5) * (square - bars[k])


@fused
def _sought(  # noqa: PLR0917 - kernels are called by position
    near: Any, reach: Any, blocks: Any, made: Any, levels: Any,
    begin: int, end: int, group: int, own: bool, asked: Any, place: Any, work: Any,
) -> Any:  # fmt: skip
    found, top = 0, levels.size - 2
    q, (bars, least) = np.empty((group, AXES), np.float32), np.empty((2, group), np.float32)
    kept, many = np.empty((top + 1, LANES, group + 1), np.uint32), np.empty((top + 1, LANES), np.uint32)
    cursor, nodes = np.empty(top + 1, np.int64), np.empty(top + 1, np.uint32)
    (gaps, lanes), every = np.empty((2, LANES), np.float32), np.arange(group).astype(np.uint32)
    for first in range(begin, end, group):
        before, size = found, min(group, end - first)
        _taken(near, blocks, reach, first, own, q, bars, least)
        level, nodes[top], cursor[top] = top, 0, 0
        work[0] += size
        _reached(made, uint32(levels[top]), q, bars, every, size, gaps, kept[top], many[top])
        while level <= top:
            t = cursor[level]
            if t == LANES:
                level += 1
                continue
            cursor[level] += 1
            count, c = many[level, t], nodes[level] * uint32(LANES) + uint32(t)
            if count == 0 or (own and (np.int64(c) + 1) * LANES ** (level + 1) <= first + 1):
                continue  # no query reaches it, or all its points have been queries
            who = kept[level, t]
            if level > 0:
                level -= 1
                nodes[level], cursor[level] = c, 0
                work[0] += count
                _reached(made, uint32(levels[level]) + c, q, bars, who, count, gaps, kept[level], many[level])
                continue
            work[1] += count
            who[count] = who[count - 1]  # none goes without another
            for k in range(0, count, 2):
                x, y = who[k], who[k + 1]
                some, same = _compared(blocks, c, q[x], q[y], least[x], least[y])
                if some + same == 0:  # nearly always: one test, where two would be foreseen less well
                    continue
                if some > 0:
                    found = _told(blocks, c, q[x], least[x], lanes, first + x, own, asked, place, found)
                if same > 0 and k + 1 < count:
                    found = _told(blocks, c, q[y], least[y], lanes, first + y, own, asked, place, found)
            if found > asked.size:
                return first, before
    return end, found
