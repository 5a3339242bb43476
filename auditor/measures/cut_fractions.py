"""One split cut to whole numbers where another has fractions of a spread of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.columns import blocks
from auditor.measures.marginals import Floats

FIRST = 64
SAMPLE_ROWS = 5000
SAMPLE_VALUES = 2_000_000
WIDEST = 1000.0
"""Range of values that a step of 1 can be coarse in."""

CHANCE = 1e-6

COARSE = 0.5
"""Steps of 1 blur values whose standard deviation is less than one over this."""

AGREE = 0.1
"""Total variation that the counts of whole numbers keep within."""

LEVELS = 16
"""Different values of the split with fractions, at least: it was not cut by nature."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A split of whole numbers beside one with fractions.

    Attributes
    ----------
    fractions : float
        Share of the other split's rows that have some.
    log_chance : float
        Natural log of the chance that none of this split's rows has any.
    levels, kept : int
        Different values in the other split (up to a bound), and in this one.
    std : float
        Standard deviation of the other split's values.
    """

    fractions: float
    log_chance: float
    levels: int
    kept: int
    std: float


def cut_fractions(case: Case, split: str, reference: str) -> Cut | None:
    """Product: whether a split holds whole numbers only, where fractions are what the other consists of.

    Null: rows of both splits come from one population. With a share f of the reference's rows holding
    fractions, none of n rows does with the chance (1 - f)^n. The whole numbers have to be as frequent as
    the reference's values cut off, rounded down or rounded are, so that another scale is not taken for it;
    and a step has to be coarse beside the spread.
    """
    part, other = case[split], case[reference]
    if other.X.dtype.kind != "f" or part.X.dtype.kind not in "iufb" or not part.n_rows or not other.n_rows:
        return None
    if not _is_whole(part.flat[:FIRST]):
        return None
    limit = max(FIRST, min(SAMPLE_ROWS, SAMPLE_VALUES // other.n_features))
    seen = other.flat[spaced(other.n_rows, limit)].astype(np.float64)
    low, high = float(seen.min()), float(seen.max())
    if not (np.isfinite(seen).all() and high - low <= WIDEST):
        return None
    std, fractions = float(seen.std()), float((seen != np.rint(seen)).any(axis=1).mean())
    if std <= 0 or std * COARSE > 1 or fractions == 0:
        return None
    log_chance = part.n_rows * math.log1p(-min(fractions, 1 - 1e-12))
    levels = int(np.unique(seen[:256]).size)
    if log_chance > math.log(CHANCE) or levels < LEVELS:
        return None
    kept: dict[float, int] = {}
    for block in blocks(part.flat):
        if not _is_whole(block) or block.min() < low - 1 or block.max() > high + 1:
            return None
        values, counts = np.unique(block, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            kept[value] = kept.get(value, 0) + count
    apart = min(_apart(cut(seen), kept) for cut in (np.trunc, np.floor, np.rint))
    return None if apart > AGREE else Cut(fractions, log_chance, levels, len(kept), std)


def _is_whole(block: NDArray[Any]) -> bool:
    return block.dtype.kind != "f" or bool((block == np.rint(block)).all())


def _apart(values: Floats, counts: dict[float, int]) -> float:
    """Return the total variation between the values and counts of whole numbers."""
    levels, own = np.unique(values, return_counts=True)
    mine = dict(zip(levels.tolist(), (own / own.sum()).tolist(), strict=True))
    total = sum(counts.values())
    return float(sum(abs(mine.get(k, 0.0) - counts.get(k, 0) / total) for k in sorted({*mine, *counts}))) / 2
