"""Groups of equal rows: their members, and pairs of groups made pairs of rows within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**16
"""Rows whose pairs are made at a time."""

Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows by the group they belong to; groups are numbered by their first rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Rows, group after group, ascending within each.
    starts : ndarray of int64, shape (g + 1,)
        Where each group begins in `rows`, and the end.
    """

    rows: Numbers
    starts: Numbers

    @property
    def sizes(self) -> Numbers:
        """Rows of each group."""
        return np.diff(self.starts)

    @property
    def first(self) -> Numbers:
        """The first row of each group."""
        return self.rows[self.starts[:-1]]


def grouped(owner: Numbers) -> Groups:
    """Return the groups of rows with one owner, which is the first row of the group.

    Examples
    --------
    >>> groups = grouped(np.array([0, 1, 0, 3]))
    >>> groups.rows.tolist(), groups.starts.tolist()
    ([0, 2, 1, 3], [0, 2, 3, 4])
    """
    numbers = np.arange(owner.size + 1)
    if np.array_equal(owner, numbers[:-1]):
        return Groups(numbers[:-1], numbers)
    del numbers
    rows = np.argsort(owner, kind="stable")
    fresh = np.ones(owner.size + 1, dtype=bool)
    ordered = owner[rows]
    fresh[1:-1] = ordered[1:] != ordered[:-1]
    del ordered
    return Groups(rows, np.flatnonzero(fresh))


def own_owners(owner: Numbers, n: int) -> Numbers:
    """Return, for each row from `n` on, counted from there, the first of these rows with its owner.

    Examples
    --------
    >>> own_owners(np.array([0, 1, 1, 3, 1]), 2)
    array([0, 1, 0])
    """
    local = owner[n:] - n
    before = np.flatnonzero(local < 0)
    _, at, inverse = np.unique(local[before], return_index=True, return_inverse=True)
    local[before] = before[at][inverse]
    return local


def pairs_of_groups(ours: Groups, theirs: Groups | None, pairs: Pairs, *, limit: int) -> tuple[Pairs, int]:
    """Return pairs of rows for pairs of groups, and how many are left out.

    Parameters
    ----------
    ours, theirs : Groups
        None stands for pairs within `ours`: then rows of one group are pairs too, and each pair is given once,
        the lower row first.
    pairs : tuple of ndarray, shape (p,)
        Positions of groups of `ours` and `theirs`, and the distance of their rows.
    limit : int
        Pairs of rows, at most. Where there are more, a pair of groups is one of their first rows, save where the
        distance is 0: there every row is paired with the first row of the other group, so that none is without
        a partner.
    """
    other = theirs or ours
    i, j, distance = pairs
    total = int((ours.sizes[i] * other.sizes[j]).sum())
    sizes = ours.sizes
    if theirs is None:
        total += int((sizes * (sizes - 1) // 2).sum())
    whole = total <= limit
    same = distance == 0.0
    parts = [_product(ours, other, i, j, distance)] if whole else [
        (ours.first[i], other.first[j], distance), *_stars(ours, other, i[same], j[same])
    ]  # fmt: skip
    if theirs is None:
        parts.extend(_inside(ours) if whole else [_star(ours)])
    first, second, apart = (np.concatenate(side) for side in zip(*parts, strict=True))
    del parts
    if theirs is None:
        lower = np.minimum(first, second)
        np.maximum(first, second, out=second)
        first = lower
    order = np.lexsort((second, first))[:limit]
    return (first[order], second[order], apart[order]), total - order.size


def _product(ours: Groups, theirs: Groups, i: Numbers, j: Numbers, distance: NDArray[np.float64]) -> Pairs:
    """Return every row of one group with every row of the other."""
    wide = theirs.sizes[j]
    count = ours.sizes[i] * wide
    place = _counting(count)
    wide = np.repeat(wide, count)
    first = ours.rows[np.repeat(ours.starts[i], count) + place // wide]
    second = theirs.rows[np.repeat(theirs.starts[j], count) + place % wide]
    return first, second, np.repeat(distance, count)


def _inside(groups: Groups) -> Iterator[Pairs]:
    """Yield all pairs of rows of one group, those of about `BLOCK` rows at a time."""
    sizes = groups.sizes
    many = np.flatnonzero(sizes > 1)
    load = np.cumsum(sizes[many]) // BLOCK
    for some in np.split(many, np.flatnonzero(np.diff(load)) + 1):
        start = np.repeat(groups.starts[some], sizes[some])
        place = _counting(sizes[some])  # each row with those before it
        first = np.repeat(start + place, place)
        second = np.repeat(start, place) + _counting(place)
        yield groups.rows[second], groups.rows[first], np.zeros(first.size)


def _star(groups: Groups) -> Pairs:
    """Return the first row of each group with its others."""
    many = np.flatnonzero(groups.sizes > 1)
    rest = groups.sizes[many] - 1
    second = np.repeat(groups.starts[many] + 1, rest) + _counting(rest)
    return np.repeat(groups.first[many], rest), groups.rows[second], np.zeros(second.size)


def _stars(ours: Groups, theirs: Groups, i: Numbers, j: Numbers) -> list[Pairs]:
    """Return the first row of each group with the others of its partner, both ways."""
    right, left = theirs.sizes[j] - 1, ours.sizes[i] - 1
    to = theirs.rows[np.repeat(theirs.starts[j] + 1, right) + _counting(right)]
    of = ours.rows[np.repeat(ours.starts[i] + 1, left) + _counting(left)]
    return [
        (np.repeat(ours.first[i], right), to, np.zeros(to.size)),
        (of, np.repeat(theirs.first[j], left), np.zeros(of.size)),
    ]


def _counting(sizes: Numbers) -> Numbers:
    """Return 0, 1, ... up to each of the sizes, one after another."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
