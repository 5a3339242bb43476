"""Confidence intervals of scores."""

from __future__ import annotations

import math

NORMAL_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(share: float, n: int, z: float = NORMAL_95) -> tuple[float, float]:
    """Return the interval of Wilson (1927) for a share measured on `n` rows.

    Examples
    --------
    >>> tuple(round(end, 3) for end in wilson_interval(0.5, 100))
    (0.404, 0.596)
    """
    if n <= 0:
        return 0.0, 1.0
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def half_width(n: int, share: float = 0.5) -> float:
    """Return half the width of the 95 % interval of a score such as accuracy, widest at 0.5.

    Examples
    --------
    >>> round(half_width(30), 3), round(half_width(93), 3)
    (0.168, 0.1)
    """
    low, high = wilson_interval(share, n)
    return (high - low) / 2


def rows_for(half: float) -> int:
    """Return how many rows make the 95 % interval at share 0.5 at most `half` wide on each side.

    Examples
    --------
    >>> rows_for(0.1), rows_for(0.01)
    (93, 9600)
    """
    # Wilson at 0.5: half = z / (2 sqrt(n + z^2)).
    return max(1, math.ceil((NORMAL_95 / (2 * half)) ** 2 - NORMAL_95**2))
