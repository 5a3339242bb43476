"""What a method answered, and how right that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from near.planted import Numbers, Planted

JUDGED = 200_000
"""Pairs, of those reported, of which the distance is measured; beyond, a random draw of so many."""

CHECKED = 200
"""Rows reported without a partner that are judged by brute force; beyond, a random draw of so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Pairs of a query and a reference row; or, from tools that name no partner, query rows alone.

    Attributes
    ----------
    query : ndarray of int64, shape (k,)
    reference : ndarray of int64, shape (k,), or None
    """

    query: Numbers
    reference: Numbers | None


def scored(planted: Planted, answer: Answer, asked: Numbers | None = None) -> dict[str, Any]:
    """Return recall by kind, recall of all neighbours, and precision.

    Parameters
    ----------
    planted : Planted
    answer : Answer
    asked : ndarray of int64, optional
        Query rows that the method got to; all by default.

    Notes
    -----
    Recall: planted copies reported, by kind, of those whose query row was asked for. Precision: reported pairs
    that are planted or no farther apart than the radius, measured on the rows, of all pairs reported; where a
    tool reports rows, rows that have such a partner, found by brute force.
    """
    reached = np.ones(len(planted.query), dtype=bool)
    if asked is not None:
        reached[:] = False
        reached[asked] = True
    hit = _reported(planted, answer, planted.pairs)
    shares = {}
    for number, kind in enumerate(planted.kinds):
        of = (planted.kind == number) & reached[planted.pairs[:, 0]]
        shares[kind] = round(float(hit[of].mean()), 4) if of.any() else None
    known = planted.neighbours[reached[planted.neighbours[:, 0]]]
    found = _reported(planted, answer, known)
    judge = _row_precision if answer.reference is None else _pair_precision
    right, judged, total = judge(planted, answer)
    measured = [share for share in shares.values() if share is not None]
    return {
        "recall": shares,
        "worst": min(measured, default=None),
        "neighbours": round(float(found.mean()), 4) if found.size else None,
        "neighbours_known": int(found.size),
        "reports": "rows" if answer.reference is None else "pairs",
        "reported": total,
        "judged": judged,
        "precision": round(right / judged, 4) if judged else None,
    }


def _reported(planted: Planted, answer: Answer, pairs: Numbers) -> Any:
    if answer.reference is None:
        return np.isin(pairs[:, 0], answer.query)
    n = len(planted.reference)
    return np.isin(pairs[:, 0] * n + pairs[:, 1], answer.query * n + answer.reference)


def _pair_precision(planted: Planted, answer: Answer) -> tuple[int, int, int]:
    assert answer.reference is not None
    n = len(planted.reference)
    keys = np.unique(answer.query * n + answer.reference)
    some = np.random.default_rng(0).permutation(keys)[:JUDGED]
    near = planted.distances(np.column_stack(np.divmod(some, n))) <= planted.radius
    near |= np.isin(some, planted.pairs[:, 0] * n + planted.pairs[:, 1])
    return int(near.sum()), some.size, keys.size


def _row_precision(planted: Planted, answer: Answer) -> tuple[int, int, int]:
    rows = np.unique(answer.query)
    right = np.isin(rows, planted.pairs[:, 0])
    doubtful = np.random.default_rng(0).permutation(rows[~right])
    some = np.sort(doubtful[:CHECKED])
    near = np.unique(planted.within(some)[:, 0]).size if some.size else 0
    share = near / some.size if some.size else 0.0
    return int(right.sum()) + round(share * doubtful.size), rows.size, rows.size
