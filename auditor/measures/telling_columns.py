"""Single columns that tell the label almost perfectly, judged on rows they were not measured on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.labelled_rows import LabelledRows
from auditor.measures.ranking import (
    BINS,
    concordance,
    held_out_auc,
    learn_bins,
    lower_bound,
    neighbours_disagree,
    rank_correlations,
)

SURE = 0.975
"""What the interval of the measured share must stay above: 120 rows without exception."""

ONE_CLASS_SURE = 0.995
"""The same for one class among several: about six hundred rows without exception."""

STANDS_OUT = 4.0
"""How many times fewer pairs out of order than the next best column, for a quantity."""

ALIKE = 0.9
"""Area from which an evaluation split is taken to follow train, and counts in the share."""

LEAST_FINITE = 0.5
"""Share of rows in which a column must be finite to be judged."""

FEW_VALUES_ROWS = 20
"""Rows a value must have on average for each to be a bin of its own."""

CANDIDATES = 64
"""Columns judged, at most."""

JUDGED_ROWS = 100_000
"""Rows that bins are learnt from, and rows of a split they are judged on, at most."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A column that tells the label.

    Attributes
    ----------
    column : int
    code : int
        The class it tells from the others; -1 where it tells them all, or orders a quantity.
    share : float
        Area under the ROC curve, or share of pairs in order, on rows of train held back and on the
        evaluation splits that follow train.
    bound : float
        Lower end of its 95 % interval.
    held : tuple of str
        Splits that follow train in it.
    next_best : float or None
        The share of the next best column, for a quantity.
    """

    column: int
    code: int
    share: float
    bound: float
    held: tuple[str, ...]
    next_best: float | None = None


def telling_classes(data: LabelledRows, skip: Collection[int], least: float) -> tuple[list[Telling], int]:
    """Return the columns that rank the classes, or one of them, with an area of `least`; and the candidates."""
    screened = data.screened
    codes = data.y["train"][screened].astype(np.int64)
    overall, one = neighbours_disagree(data.case.train.flat[screened], codes, len(data.labels.classes))
    wanted = np.flatnonzero((overall <= 0.25) | (one <= 0.05))
    wanted = wanted[~np.isin(wanted, sorted(skip))]
    first = np.argsort(np.minimum(overall, one)[wanted], kind="stable")[:CANDIDATES]
    judged = [_judge(data, int(column), least) for column in np.sort(wanted[first])]
    return [one for one in judged if one is not None], wanted.size


def _judge(data: LabelledRows, column: int, least: float) -> Telling | None:
    """Learn on one half of train which class each value belongs to, and check on the other rows."""
    n_classes = len(data.labels.classes)
    rows = {split: _finite(data, split, column) for split in data.rows}
    x, codes = rows["train"]
    if x.size < LEAST_FINITE * min(data.rows["train"].size, 2 * JUDGED_ROWS):
        return None
    few = np.unique(x).size <= np.clip(x.size // (2 * FEW_VALUES_ROWS), 2, BINS)
    if not few:
        # A value counts once a class, so that repeated rows are not learnt by heart.
        kept = _once(x, codes)
        x, codes = x[kept], codes[kept]
    half = x.size // 2
    if np.unique(codes[:half]).size < 2:
        return None
    binned = learn_bins(x[:half], codes[:half], n_classes, FEW_VALUES_ROWS if few else 5)
    areas, counts = held_out_auc(binned, x[half:], codes[half:])
    held, sizes, shares = ["train"], [counts], [_mean(areas)]
    for split in data.evaluation:
        here, size = held_out_auc(binned, *rows[split])
        if _mean(here) >= ALIKE:
            held.append(split)
            sizes.append(size)
            shares.append(_mean(here))
    share = float(np.average(shares, weights=[max(1, size.sum()) for size in sizes]))
    lowest = float(np.min(areas[np.isfinite(areas)], initial=1.0))
    if share >= least and shares[0] >= least and lowest >= 1 - 4 * (1 - least):
        total = np.sum(sizes, axis=0)
        bound = lower_bound(share, int(total.sum() - total.max()))
        return Telling(column, -1, share, bound, tuple(held)) if bound >= SURE else None
    return _one_class(column, areas, counts) if n_classes > 2 else None


def _finite(data: LabelledRows, split: str, column: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the finite values of a column among the labelled rows of a split, and their classes."""
    limit = JUDGED_ROWS * (2 if split == "train" else 1)
    x, codes = data.column(split, column, limit), data.codes(split, limit)
    finite = np.isfinite(x)
    return x[finite], codes[finite]


def _once(x: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row of each pair of value and class, in the order of rows."""
    order = np.lexsort((np.arange(x.size), codes, x))
    new = np.ones(x.size, dtype=bool)
    new[1:] = (x[order][1:] != x[order][:-1]) | (codes[order][1:] != codes[order][:-1])
    return np.sort(order[new])


def _mean(areas: NDArray[np.float64]) -> float:
    known = areas[np.isfinite(areas)]
    return float(known.mean()) if known.size else 0.0


def _one_class(column: int, areas: NDArray[np.float64], counts: NDArray[np.int64]) -> Telling | None:
    """Return the class that a column tells from all others without doubt, if there is one."""
    rarer = np.minimum(counts, counts.sum() - counts)
    bounds = [
        lower_bound(float(a), int(m)) if np.isfinite(a) else 0.0 for a, m in zip(areas, rarer, strict=True)
    ]
    best = int(np.argmax(bounds))
    if bounds[best] < ONE_CLASS_SURE:
        return None
    return Telling(column, best, float(areas[best]), bounds[best], ("train",))


def telling_order(data: LabelledRows, skip: Collection[int], least: float) -> Telling | None:
    """Return the column that orders a quantity almost perfectly, and far better than other columns do.

    The last value of a slow series orders the next one well, but so does the value before it.
    """
    screened = data.screened
    rho = rank_correlations(data.case.train.flat[screened], data.y["train"][screened])
    wanted = [c for c in np.argsort(-rho, kind="stable")[:CANDIDATES].tolist() if rho[c] >= 0.9]
    rows = data.rows["train"][screened.size :][: 2 * JUDGED_ROWS]
    y = data.y["train"][rows]
    columns = {c: data.case.train.flat[rows, c].astype(np.float64) for c in wanted if c not in skip}
    scores = {c: concordance(x, y) for c, x in columns.items() if np.isfinite(x).all()}
    if not scores:
        return None
    best = max(scores, key=lambda c: (scores[c][0], -c))
    rivals = [
        s
        for c, (s, _) in scores.items()
        if c != best and not _follows(columns[c], columns[best], scores[best][0])
    ]
    next_best = max(rivals, default=None)
    held, shares, pairs = ["train"], [scores[best][0]], [scores[best][1]]
    for split in data.evaluation:
        x = data.column(split, best, JUDGED_ROWS)
        here, size = concordance(x, data.y[split][data.rows[split][:JUDGED_ROWS]])
        if np.isfinite(x).all() and here >= ALIKE:
            held.append(split)
            shares.append(here)
            pairs.append(size)
    share = float(np.average(shares, weights=np.maximum(pairs, 1)))
    bound = lower_bound(share, sum(pairs))
    if min(share, shares[0]) < least or bound < SURE or 1 - (next_best or 0.5) < STANDS_OUT * (1 - share):
        return None
    return Telling(best, -1, share, bound, tuple(held), next_best)


def _follows(x: NDArray[np.float64], best: NDArray[np.float64], share: float) -> bool:
    """Whether `x` is nearer to the best column than that is to the label: another copy of it, no rival."""
    return 1 - concordance(x, best)[0] < (1 - share) / 2
