"""Twin of how digests that occur once are passed over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import compiled

PER_DIGEST = 8
"""Bits kept for a digest, at least: then at most one in eight that occurs once is taken for one that does not."""

MOST_BITS = 2**30
"""Bits kept in all."""


def repeated(digests: NDArray[np.uint64], out: NDArray[np.bool_]) -> None:
    """Mark, in `out`, shape (n,), digests that may occur twice: all that do, and a few that share leading bits.

    Every digest sets one of so many bits, and those that find it set are noted in as many others (Bloom, 1970, with
    one hash, since digests are hashes). Both fit into a near cache where the digests themselves do not.
    """
    bits = min(MOST_BITS, 1 << max(6, (PER_DIGEST * digests.size - 1).bit_length()))
    seen, again = np.zeros((2, bits // 64), dtype=np.uint64)
    _repeated(digests, np.uint64(65 - bits.bit_length()), seen, again, out)


@compiled
def _repeated(digests: Any, shift: Any, seen: Any, again: Any, out: Any) -> None:
    one, six, last = uint64(1), uint64(6), uint64(63)
    for i in range(digests.size):
        place = digests[i] >> shift
        bit = one << (place & last)
        known = seen[place >> six]
        again[place >> six] |= known & bit
        seen[place >> six] = known | bit
    for i in range(digests.size):
        place = digests[i] >> shift
        out[i] = ((again[place >> six] >> (place & last)) & one) != uint64(0)
