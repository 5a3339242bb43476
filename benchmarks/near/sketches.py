"""MinHash and its bands: datasketch and Rensa, on one token for each feature and the bin its value is in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from near.answers import Answer
from near.methods import Method
from near.planted import Array, Planted

PERMUTATIONS = 128

Hashes = NDArray[np.uint64]


def codes(planted: Planted, rows: Array) -> NDArray[np.uint8]:
    """Return the bin of every value, shape (n, d): 64 grey levels wide, or half a standard deviation.

    0 stands for the background of an image, which carries no token. Under narrower bins of grey levels these
    methods miss most images that went through JPEG or were resized; so they report many that are not near.
    """
    flat = rows.reshape(len(rows), -1)
    if flat.dtype == np.uint8:
        return flat >> np.uint8(6)
    sample = planted.reference[:: max(1, len(planted.reference) // 10_000)]
    sample = sample.reshape(len(sample), -1)
    sd = np.maximum(sample.std(axis=0), 1e-9)
    centred: NDArray[np.float32] = (flat - sample.mean(axis=0)) * (2.0 / sd)
    centred += np.float32(8.0)
    return np.clip(centred, 1.0, 15.0).astype(np.uint8)


def tokens(planted: Planted, rows: Array) -> tuple[Hashes, Hashes]:
    """Return the hashes of all tokens, row after row, and where each row's start, shape (n + 1,)."""
    bins = codes(planted, rows)
    number = np.arange(bins.shape[1], dtype=np.uint64) * np.uint64(16) + bins
    number *= np.uint64(0x9E3779B97F4A7C15)
    number ^= number >> np.uint64(29)
    number *= np.uint64(0xBF58476D1CE4E5B9)
    number ^= number >> np.uint64(32)
    there = bins > 0
    ends = np.cumsum(there.sum(axis=1), dtype=np.uint64)
    return number[there], np.concatenate([np.zeros(1, dtype=np.uint64), ends])


def rensa_digests(planted: Planted, rows: Array) -> Any:
    """Return Rensa's matrix of signatures, by the fastest way in that it has."""
    import rensa

    hashes, starts = tokens(planted, rows)
    make = rensa.RMinHash.digest_matrix_from_flat_token_hashes
    return make(hashes, starts, PERMUTATIONS, 42)


def _rensa(_: Any, planted: Planted, query: Array) -> Answer:
    import rensa

    index = rensa.RMinHashLSH(0.8, PERMUTATIONS, 16)
    index.insert_matrix(rensa_digests(planted, planted.reference))
    matrix = rensa_digests(planted, query)
    flags = index.insert_matrix_and_query_duplicate_flags(matrix, len(planted.reference))
    return Answer(np.flatnonzero(np.asarray(flags, dtype=bool)).astype(np.int64), None)


def datasketch_signatures(planted: Planted, rows: Array) -> Any:
    """Return datasketch's signatures, made in bulk."""
    from datasketch import MinHash

    named = [
        [b"%d_%d" % (column, row[column]) for column in np.flatnonzero(row).tolist()]
        for row in codes(planted, rows)
    ]
    return MinHash.bulk(named, num_perm=PERMUTATIONS)


def _datasketch(_: Any, planted: Planted, query: Array) -> Answer:
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=0.7, num_perm=PERMUTATIONS)
    with index.insertion_session() as session:
        for row, signature in enumerate(datasketch_signatures(planted, planted.reference)):
            session.insert(row, signature)
    found = [index.query(signature) for signature in datasketch_signatures(planted, query)]
    asked = np.repeat(np.arange(len(found), dtype=np.int64), [len(rows) for rows in found])
    return Answer(asked, np.array([row for rows in found for row in rows], dtype=np.int64))


METHODS = [
    Method(
        "Rensa", ("rensa",), "R-MinHash, 128 permutations, 16 bands; rows, no partners",
        _rensa, distribution="rensa",
    ),
    Method(
        "datasketch", ("datasketch",), "MinHash, 128 permutations, LSH at .7",
        _datasketch, distribution="datasketch",
    ),
]  # fmt: skip
