"""Twin of how tokens that two sets share are counted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import compiled, frozen, over_rows

Numbers = NDArray[np.int64]


def shared_counts(
    first: tuple[Numbers, NDArray[np.uint64]],
    second: tuple[Numbers, NDArray[np.uint64]],
    i: Numbers,
    j: Numbers,
    *,
    out: Numbers,
) -> None:
    """Count the tokens that set ``i[k]`` of the first and ``j[k]`` of the second share, for every k, into `out`.

    Sets are given as where their tokens begin, and the tokens, ascending within each.
    """
    starts, ids, others, theirs = (frozen(part) for part in (*first, *second))
    left, right = frozen(np.ascontiguousarray(i)), frozen(np.ascontiguousarray(j))

    def work(low: int, high: int) -> None:
        _shared_counts(starts, ids, others, theirs, left[low:high], right[low:high], out[low:high])

    over_rows(work, i.size, 64 * i.size)


@compiled
def _shared_counts(  # noqa: PLR0917 - kernels are called by position
    starts: Any, ids: Any, others: Any, theirs: Any, i: Any, j: Any, out: Any
) -> None:
    for k in range(i.size):
        a, end = starts[i[k]], starts[i[k] + 1]
        b, stop = others[j[k]], others[j[k] + 1]
        count = 0
        while a < end and b < stop:
            left, right = ids[a], theirs[b]
            count += left == right
            a += left <= right
            b += right <= left
        out[k] = count
