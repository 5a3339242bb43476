"""Similarity of sets, measured on their tokens: what two have in common over what either has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.kernels import twin
from auditor.hashing.tokens import TOKEN_BITS, Tokens

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

BLOCK_TOKENS = 2**19
"""Tokens compared at a time."""

PRODUCTS = 2**22
"""Entries of a product of sets held at a time."""

DENSE_ROWS, DENSE_COLUMNS = 2048, 2**13
"""Rows and columns of a full matrix, at most."""

DENSE_SHARE = 0.01
"""Share of the products of a full matrix that are not zero from which on full matrices are faster."""

MATRIX_COLUMNS = 2**31 - 1
"""Tokens below which they can be columns of a matrix as they are."""


def jaccard(first: Tokens, second: Tokens, i: Numbers, j: Numbers) -> Reals:
    """Return the Jaccard similarity of set ``i[k]`` of `first` and ``j[k]`` of `second`, for every k.

    Weighted where the sets are: the weights of what they share over the weights of all. Two empty sets are unlike.

    Examples
    --------
    >>> from auditor.hashing.tokens import from_sets
    >>> sets = from_sets(["abcd", "abce", ""])
    >>> jaccard(sets, sets, np.array([0, 0, 2]), np.array([1, 0, 2])).tolist()
    [0.6, 1.0, 0.0]
    """
    if first.weights is None or second.weights is None:
        kernel = twin("shared_counts", int(first.sizes[i].sum() + second.sizes[j].sum()))
        if kernel is not None:
            common = np.empty(i.size, dtype=np.int64)
            kernel((first.starts, first.ids), (second.starts, second.ids), i, j, out=common)
            return np.asarray(common / np.maximum(1, first.sizes[i] + second.sizes[j] - common))
    found = np.zeros(i.size)
    load = np.cumsum(first.sizes[i] + second.sizes[j] + 1)
    start = 0
    while start < i.size:
        before = load[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(load, before + BLOCK_TOKENS, "right")))
        stop = min(stop, start + 2 ** (64 - TOKEN_BITS))
        a, b = first.take(i[start:stop]), second.take(j[start:stop])
        found[start:stop] = _shared(a, b) if a.weights is None or b.weights is None else _shared_weight(a, b)
        start = stop
    return found


def _shared(a: Tokens, b: Tokens) -> Reals:
    word = np.concatenate([_words(a), _words(b)])
    word.sort()
    twice = word[1:][
        word[1:] == word[:-1]
    ]  # tokens are distinct within a row, so the two rows share this one
    common = np.bincount((twice >> np.uint64(TOKEN_BITS)).astype(np.int64), minlength=len(a))
    return np.asarray(common / np.maximum(1, a.sizes + b.sizes - common))


def _words(tokens: Tokens) -> NDArray[np.uint64]:
    return (tokens.rows.astype(np.uint64) << np.uint64(TOKEN_BITS)) | tokens.ids


def _shared_weight(a: Tokens, b: Tokens) -> Reals:
    word = np.concatenate([_words(a), _words(b)])
    order = np.argsort(word, kind="stable")
    word = word[order]
    weight = np.concatenate([a.weights, b.weights])[order]
    again = np.flatnonzero(word[1:] == word[:-1]) + 1
    pair = (word >> np.uint64(TOKEN_BITS)).astype(np.int64)
    common = np.bincount(pair[again], weight[again], minlength=len(a))
    either = np.bincount(pair, weight, minlength=len(a)) - common
    return np.asarray(np.where(either > 0, common / np.where(either > 0, either, 1.0), 0.0))


def weights_of_rows(tokens: Tokens) -> Reals:
    """Return the weight of each set: the number of its tokens where they have none."""
    if tokens.weights is None:
        return tokens.sizes.astype(np.float64)
    return np.bincount(tokens.rows, tokens.weights, minlength=len(tokens)).astype(np.float64)


def all_similar(reference: Tokens, query: Tokens, least: float) -> Iterator[tuple[Numbers, Numbers, Reals]]:
    """Yield all pairs of a query and a reference set whose similarity is at least `least`, and not 0.

    By sparse matrix products of blocks: exact, and best where few pairs share anything, or there are few.

    Yields
    ------
    query, reference : ndarray of int64
    similarity : ndarray of float64
    """
    there, asked = _matrices(reference, query)
    full, mine = weights_of_rows(reference), weights_of_rows(query)
    step = max(1, PRODUCTS // max(1, len(reference)))
    if multiplies_fully(reference, query, there.shape[1]):
        for first in range(0, len(reference), DENSE_ROWS):
            block = there[first : first + DENSE_ROWS].astype(np.float32).toarray()
            for start in range(0, len(query), DENSE_ROWS):
                shared = asked[start : start + DENSE_ROWS].astype(np.float32).toarray() @ block.T
                sizes = mine[start : start + DENSE_ROWS, None] + full[None, first : first + DENSE_ROWS]
                # shared / (sizes - shared) >= least, with room for rounding; what is exact follows
                bar = np.maximum(least / (1.0 + least) * sizes.astype(np.float32) - 0.5, 0.5)
                i, j = np.divmod(np.flatnonzero(shared >= bar), len(block))
                yield _similar(i + start, j + first, shared[i, j].astype(np.float64), (mine, full), least)
        return
    transposed = there.T.tocsr()
    for start in range(0, len(query), step):
        product = (asked[start : start + step] @ transposed).tocoo()
        i, j = product.row.astype(np.int64) + start, product.col.astype(np.int64)
        yield _similar(i, j, product.data, (mine, full), least)


def _similar(
    i: Numbers, j: Numbers, shared: Reals, sizes: tuple[Reals, Reals], least: float
) -> tuple[Numbers, Numbers, Reals]:
    """Return the pairs that are similar enough, by what they share."""
    similarity = shared / (sizes[0][i] + sizes[1][j] - shared)
    kept = similarity >= least
    return i[kept], j[kept], np.minimum(similarity[kept], 1.0)


def multiplies_fully(reference: Tokens, query: Tokens, width: int) -> bool:
    """Whether sets are so dense that products of full matrices are faster; exact, since counts are small."""
    if reference.weights is not None or width > DENSE_COLUMNS:
        return False
    shares = [part.ids.size / max(1, len(part) * width) for part in (reference, query)]
    return shares[0] * shares[1] > DENSE_SHARE


def _matrices(reference: Tokens, query: Tokens) -> tuple[Any, Any]:
    """Return sets as sparse matrices whose product is what they share."""
    from scipy.sparse import csr_array

    columns = [reference.ids.astype(np.int64), query.ids.astype(np.int64)]
    width = 1 + max((int(part.max()) for part in columns if part.size), default=0)
    if width > MATRIX_COLUMNS or width > 4 * (reference.ids.size + query.ids.size) + 1024:
        known, place = np.unique(np.concatenate(columns), return_inverse=True)
        columns, width = [place[: reference.ids.size], place[reference.ids.size :]], max(1, known.size)
    data = [np.ones(reference.ids.size), np.ones(query.ids.size)]
    if reference.weights is not None:
        data[0] = reference.weights
    there, asked = (
        csr_array((values, column, tokens.starts), shape=(len(tokens), width))
        for values, column, tokens in zip(data, columns, (reference, query), strict=True)
    )
    return there, asked
