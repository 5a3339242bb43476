"""Confidence intervals of a rate."""

from __future__ import annotations


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a binomial rate (Clopper and Pearson, 1934).

    It holds its level whatever the rate is, also at 0 and at 1, where intervals from a normal
    approximation shrink to a point.

    Parameters
    ----------
    hits, trials : int
        Successes, and how often it was tried.
    confidence : float
        Level of the interval.

    Examples
    --------
    >>> [round(bound, 3) for bound in clopper_pearson(0, 100)]
    [0.0, 0.036]
    >>> clopper_pearson(0, 0)
    (0.0, 1.0)
    """
    from scipy.special import betaincinv

    if not trials:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials else 1.0
    return low, high


def rate(hits: int, trials: int) -> str:
    """Return a rate and its 95 % interval as a table shows them.

    Examples
    --------
    >>> rate(98, 100)
    '.980 (.930 to .998)'
    >>> rate(0, 0)
    '-'
    """
    if not trials:
        return "-"
    low, high = clopper_pearson(hits, trials)
    return f"{_short(hits / trials)} ({_short(low)} to {_short(high)})"


def _short(share: float) -> str:
    text = f"{share:.3f}"
    return "1" if text == "1.000" else text[1:]
