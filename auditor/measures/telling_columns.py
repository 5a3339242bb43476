"""Single columns that tell the label almost perfectly, judged on rows they were not measured on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.labelled_rows import LabelledRows
from auditor.measures.ranking import (
    concordance,
    held_out_auc,
    learn_bins,
    lower_bound,
    neighbours_disagree,
    rank_correlations,
)

SURE = 0.97
"""What the interval of the measured share must stay above: about a hundred rows without exception."""

ONE_CLASS_SURE = 0.995
"""The same for one class among several: about six hundred rows without exception."""

STANDS_OUT = 4.0
"""How many times fewer pairs out of order than the next best column, for a quantity."""

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
        Area under the ROC curve, or share of pairs in order, on rows of train held back.
    bound : float
        Lower end of its 95 % interval.
    held : tuple of str
        Splits where it reaches the wanted share.
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
    x, codes = data.column("train", column, 2 * JUDGED_ROWS), data.codes("train", 2 * JUDGED_ROWS)
    finite = np.isfinite(x)
    first = np.arange(x.size) < x.size // 2
    learn, check = finite & first, finite & ~first
    if finite.mean() < 0.5 or np.unique(codes[learn]).size < 2:
        return None
    binned = learn_bins(x[learn], codes[learn], n_classes)
    areas, counts = held_out_auc(binned, x[check], codes[check])
    held, total = ["train"], counts
    for split in data.evaluation:
        values = data.column(split, column, JUDGED_ROWS)
        known = np.isfinite(values)
        here, size = held_out_auc(binned, values[known], data.codes(split, JUDGED_ROWS)[known])
        if known.mean() >= 0.5 and _mean(here) >= least:
            held.append(split)
            total = total + size
    lowest = float(np.min(areas[np.isfinite(areas)], initial=1.0))
    if _mean(areas) >= least and lowest >= 1 - 4 * (1 - least):
        bound = lower_bound(_mean(areas), int(total.sum() - total.max()))
        return Telling(column, -1, _mean(areas), bound, tuple(held)) if bound >= SURE else None
    return _one_class(column, areas, counts) if n_classes > 2 else None


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
    share, pairs = scores[best]
    bound = lower_bound(share, pairs)
    rivals = [
        s for c, (s, _) in scores.items() if c != best and not _follows(columns[c], columns[best], share)
    ]
    next_best = max(rivals, default=None)
    if share < least or bound < SURE or 1 - (next_best or 0.5) < STANDS_OUT * (1 - share):
        return None
    held = [split for split in data.evaluation if _concordance_in(data, split, best) >= least]
    return Telling(best, -1, share, bound, ("train", *held), next_best)


def _follows(x: NDArray[np.float64], best: NDArray[np.float64], share: float) -> bool:
    """Whether `x` is nearer to the best column than that is to the label: another copy of it, no rival."""
    return 1 - concordance(x, best)[0] < (1 - share) / 2


def _concordance_in(data: LabelledRows, split: str, column: int) -> float:
    x = data.column(split, column, JUDGED_ROWS)
    return concordance(x, data.y[split][data.rows[split][:JUDGED_ROWS]])[0] if np.isfinite(x).all() else 0.0
