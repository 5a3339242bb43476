"""Systematic samples: positions at even distances, so that no part of the rows or columns is left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spaced(count: int, limit: int) -> NDArray[np.int64]:
    """Return up to `limit` evenly spaced positions out of `count`, the first and the last among them.

    Parameters
    ----------
    count : int
        Number of rows, columns or whatever is sampled.
    limit : int
        Most positions to return; all where there are no more.

    Returns
    -------
    ndarray of int64
        The positions, ascending and distinct.

    Examples
    --------
    >>> spaced(9, 3).tolist(), spaced(2, 3).tolist(), spaced(0, 3).tolist()
    ([0, 4, 8], [0, 1], [])
    """
    return np.unique(np.linspace(0, count - 1, min(count, limit)).astype(np.int64))
