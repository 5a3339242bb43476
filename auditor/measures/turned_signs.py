"""Whether features of one split have the other sign."""

from __future__ import annotations

import math

import numpy as np

from auditor.measures.feature_order import (
    APART,
    CERTAIN,
    REVERSED,
    Reordered,
    Sides,
    distance,
    not_by_shift,
)
from auditor.measures.marginals import Floats

STRONG = 0.25
"""Correlation from which its sign means something."""

STEADY = 9.0
"""Difference of sums of squares, as of three standard errors, by which correlations tell nothing."""

ZEROS = 5
"""Zeros in both splits that no cut at zero leaves."""


def turned_signs(sides: Sides, correlations: tuple[Floats, Floats]) -> Reordered | None:
    """Return features that have the other sign: mirrored, and of other sign throughout, or correlated so.

    One feature alone, symmetric and uncorrelated, may be the one that the splits were cut by. `correlations` are
    `rank_correlations` of both sides.
    """
    flipped, after, proven, certain = [], [], False, False
    first, second = correlations
    for j in range(sides.columns.size):
        a, b = sides.first[:, j], sides.second[:, j]
        mirrored = distance(a, -b)
        if mirrored > sides.noise:
            continue
        others = np.arange(sides.columns.size) != j
        evidence, against = _reversal(first[j, others], second[j, others], len(a), len(b))
        clear = sides.apart[j] > max(sides.noise, APART) and sides.apart[j] - mirrored > APART / 2
        reversed_ = evidence > REVERSED and against < (-0.7 if clear else -0.9)
        reversed_ = reversed_ and (clear or _kept(first, second, j, len(a), len(b)))
        skewed = clear and not_by_shift(a, b)
        turned = clear and mirrored < APART and _one_sided(a, b)
        told = reversed_ or (turned and evidence > -STEADY and _no_cut(a, b, sides.columns.size))
        if told or turned or (skewed and evidence > -REVERSED / 2):
            flipped.append(j)
            after.append(mirrored)
            proven |= bool(told)
            certain |= bool(reversed_)
    if not flipped or (not proven and len(flipped) < 2):
        return None
    columns = sides.columns[flipped]
    before = float(np.median(sides.apart[flipped]))
    return Reordered(
        "signs",
        columns,
        columns,
        before,
        float(np.median(after)),
        sides.noise,
        certain=certain or len(flipped) > 1,
    )


def _kept(first: Floats, second: Floats, j: int, n: int, m: int) -> bool:
    """Whether all correlations agree once a feature's sign is turned, those of the others among themselves too.

    A part of the rows may reverse a correlation (Simpson, 1951), but it changes the others as well.
    """
    signs = np.ones(len(first))
    signs[j] = -1
    z = [np.arctanh(np.clip(part, -0.995, 0.995)) for part in (first, second * np.outer(signs, signs))]
    gaps = (z[0] - z[1])[np.triu_indices(len(first), 1)]
    off = float(np.mean(gaps**2)) / (1 / (n - 3) + 1 / (m - 3))
    return off <= 1 + 4 * math.sqrt(2 / gaps.size)  # four standard errors of a mean of squares


def _no_cut(a: Floats, b: Floats, tried: int) -> bool:
    """Whether the splits cannot be the two sides of one feature that was cut at zero.

    Zeros would all be on one side. And where a density falls away from zero on both sides, the share of
    the sizes below some bound that lie below x is at least ``x / bound``; that a sample stays short of it by
    as much as this one is tested by the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's
    constant (1990), for four bounds, at one in a million.
    """
    if min(np.sum(a == 0), np.sum(b == 0)) >= ZEROS:
        return True
    sizes = np.sort(np.abs(np.concatenate([a, b])))
    sizes = sizes[sizes > 0]
    for part in (sizes[: max(1, sizes.size * quarter // 4)] for quarter in (1, 2, 3, 4)):
        short = part / part[-1] - np.searchsorted(part, part, "left") / part.size
        if float(short.max()) > math.sqrt((CERTAIN + math.log(4 * tried)) / (2 * part.size)):
            return True
    return False


def _reversal(here: Floats, there: Floats, n: int, m: int) -> tuple[float, float]:
    """Return how much better reversed correlations fit than the same ones, and their cosine.

    By Fisher's z, each has a standard error of ``1 / sqrt(n - 3)``; the first figure is the difference of
    the two sums of squares. Only correlations that are strong in a split count.
    """
    strong = np.maximum(np.abs(here), np.abs(there)) > STRONG
    if not strong.any():
        return 0.0, 0.0
    z = [np.arctanh(np.clip(part[strong], -0.995, 0.995)) for part in (here, there)]
    size = sorted(float(np.linalg.norm(part)) for part in z)
    if size[0] < size[1] / 2:
        return 0.0, 0.0  # another feature, not this one reversed
    cosine = float(z[0] @ z[1]) / (size[0] * size[1])
    return -4 * float(z[0] @ z[1]) / (1 / (n - 3) + 1 / (m - 3)), cosine


def _one_sided(a: Floats, b: Floats) -> bool:
    """Whether one split has no negative value and the other no positive one, and most are not zero."""
    apart = (a.min() >= 0 >= b.max()) or (b.min() >= 0 >= a.max())
    return bool(apart and min(np.mean(a != 0), np.mean(b != 0)) > 0.5)
