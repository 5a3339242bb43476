"""Single columns that tell the label almost perfectly, judged on rows they were not measured on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.digest import row_digests
from auditor.measures.labelled_rows import LabelledRows
from auditor.measures.ranking import (
    concordance,
    held_out_auc,
    learn_bins,
    lower_bound,
    neighbours_disagree,
    rank_correlations,
)

ROOM = 0.02
"""How far the interval of the measured share may reach below the wanted one: 120 rows without exception."""

ONE_CLASS_SURE = 0.995
"""The same for one class among several: about six hundred rows without exception."""

STANDS_OUT = 4.0
"""How many times fewer pairs out of order than the next best column, for a quantity."""

ALIKE = 0.9
"""Area from which an evaluation split is taken to follow train, and counts in the share."""

LEAST_FINITE = 0.5
"""Share of rows in which a column must be finite to be judged."""

ROWS_A_VALUE = 20
"""Rows that have a value, on average, where it is no rarity that names single rows."""

ROWS_A_BIN = 5
"""Rows that a bin holds on average, at least."""

WORTH_A_LOOK = 0.5
"""How often neighbours in a column's order may differ in class, against chance, for it to be judged."""

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
    wanted = np.flatnonzero((overall <= WORTH_A_LOOK) | (one <= 0.05))
    wanted = wanted[~np.isin(wanted, sorted(skip))]
    first = np.argsort(np.minimum(overall, one)[wanted], kind="stable")[:CANDIDATES]
    if not wanted.size:
        return [], 0
    rows = data.rows["train"][: 2 * JUDGED_ROWS]
    fresh = np.zeros(rows.size, dtype=bool)
    fresh[np.unique(row_digests(data.case.train.flat)[rows], return_index=True)[1]] = True
    judged = [_judge(data, int(column), least, fresh) for column in np.sort(wanted[first])]
    return [one for one in judged if one is not None], wanted.size


def _judge(data: LabelledRows, column: int, least: float, fresh: NDArray[np.bool_]) -> Telling | None:
    """Learn on one half of train which class each value belongs to, and check on the other rows.

    A row that repeats another, which `fresh` leaves out, would be known by heart, unless its value is
    that of many rows.
    """
    n_classes = len(data.labels.classes)
    x, codes = data.column("train", column, fresh.size), data.codes("train", fresh.size)
    finite = np.isfinite(x)
    if finite.mean() < LEAST_FINITE:
        return None
    few = np.unique(x[finite]).size <= finite.sum() // (2 * ROWS_A_VALUE)
    kept = finite if few else finite & fresh
    x, codes = x[kept], codes[kept]
    half = x.size // 2
    if np.unique(codes[:half]).size < 2:
        return None
    binned = learn_bins(x[:half], codes[:half], n_classes, ROWS_A_BIN)
    areas, counts = held_out_auc(binned, x[half:], codes[half:])
    held, sizes, shares = ["train"], [counts], [_mean(areas)]
    for split in data.evaluation:
        values = data.column(split, column, JUDGED_ROWS)
        known = np.isfinite(values)
        here, size = held_out_auc(binned, values[known], data.codes(split, JUDGED_ROWS)[known])
        if _mean(here) >= ALIKE:
            held.append(split)
            sizes.append(size)
            shares.append(_mean(here))
    share = float(np.average(shares, weights=[max(1, int(size.sum())) for size in sizes]))
    lowest = float(np.min(areas[np.isfinite(areas)], initial=1.0))
    if share >= least and shares[0] >= least and lowest >= 1 - 4 * (1 - least):
        total = np.sum(sizes, axis=0)
        bound = lower_bound(share, int(total.sum() - total.max()))
        return Telling(column, -1, share, bound, tuple(held)) if bound >= least - ROOM else None
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
    if (
        min(share, shares[0]) < least
        or bound < least - ROOM
        or 1 - (next_best or 0.5) < STANDS_OUT * (1 - share)
    ):
        return None
    return Telling(best, -1, share, bound, tuple(held), next_best)


def _follows(x: NDArray[np.float64], best: NDArray[np.float64], share: float) -> bool:
    """Whether `x` is nearer to the best column than that is to the label: another copy of it, no rival."""
    return 1 - concordance(x, best)[0] < (1 - share) / 2
