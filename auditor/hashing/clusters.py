"""Connected components of pairs: union-find on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def components(n: int, first: Numbers, second: Numbers) -> Numbers:
    """Return, for each of `n` rows, the least row it is connected with through pairs, shape (n,).

    Roots are hooked on smaller ones and paths halved, all pairs at once (Shiloach and Vishkin, 1982): a number of
    rounds that grows with the logarithm of the longest chain.

    Examples
    --------
    >>> components(6, np.array([4, 1]), np.array([1, 0]))
    array([0, 0, 2, 3, 0, 5])
    """
    parent = np.arange(n, dtype=np.int64)
    first, second = first.astype(np.int64), second.astype(np.int64)
    while first.size:
        a, b = parent[first], parent[second]
        low, high = np.minimum(a, b), np.maximum(a, b)
        np.minimum.at(parent, high, low)
        while True:
            grand = parent[parent]
            if np.array_equal(grand, parent):
                break
            parent = grand
        apart = parent[first] != parent[second]
        first, second = first[apart], second[apart]
    return parent


def labelled(owner: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """Return cluster labels, numbered by first rows, of rows that are equal or connected through pairs.

    Parameters
    ----------
    owner : ndarray of int64, shape (n,)
        For each row the first that equals it.
    first, second : ndarray of int64, shape (m,)
        Rows of each pair.

    Examples
    --------
    >>> labelled(np.array([0, 1, 0, 3]), np.array([1]), np.array([3]))
    array([0, 1, 0, 1])
    """
    least = owner
    if first.size:
        linked, at = np.unique(np.concatenate([owner[first], owner[second]]), return_inverse=True)
        root = np.arange(owner.size)
        root[linked] = linked[components(linked.size, at[: first.size], at[first.size :])]
        least = root[owner]
        del root
    number = np.cumsum(least == np.arange(owner.size))
    number -= 1
    return number[least]
