"""Signatures of a few bits an entry: less memory for a less certain estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def packed(signatures: NDArray[np.uint32], bits: int = 8) -> NDArray[np.uint8]:
    """Return the lowest 1, 2, 4, 8 or 16 bits of each entry, packed: b-bit MinHash (Li and König, 2010).

    Returns
    -------
    ndarray of uint8, shape (n, ceil(length * bits / 8))

    Examples
    --------
    >>> packed(np.array([[5, 2, 7, 1]], dtype=np.uint32), bits=2).tolist()
    [[109]]
    """
    if bits not in {1, 2, 4, 8, 16}:
        raise ValueError(f"bits is {bits}; wanted 1, 2, 4, 8 or 16.")
    if bits == 16:
        return np.ascontiguousarray(signatures.astype("<u2")).view(np.uint8)
    low = signatures.astype(np.uint8) & np.uint8(2**bits - 1)
    each = 8 // bits
    n, length = low.shape
    padded = np.zeros((n, -(-length // each) * each), dtype=np.uint8)
    padded[:, :length] = low
    together = padded[:, ::each].copy()
    for place in range(1, each):
        together <<= np.uint8(bits)
        together |= padded[:, place::each]
    return together


def packed_agreement(
    first: NDArray[np.uint8], second: NDArray[np.uint8], length: int, bits: int
) -> NDArray[np.float64]:
    """Return the estimated Jaccard similarity of packed signatures row by row.

    Unequal entries agree in b bits by chance once in 2**b, and that is taken off; the estimate is
    unbiased, and may so be less than 0.
    """
    unlike = np.bitwise_xor(first, second)
    if bits == 16:
        equal = (unlike.view("<u2") == 0).sum(axis=1)
    else:
        field = np.uint8(2**bits - 1)
        equal = np.zeros(len(unlike), dtype=np.int64)
        for place in range(8 // bits):
            equal += ((unlike >> np.uint8(place * bits) & field) == 0).sum(axis=1)
        equal -= unlike.shape[1] * (8 // bits) - length  # what pads the last byte is equal
    chance = 2.0**-bits
    return np.asarray((equal / length - chance) / (1.0 - chance))
