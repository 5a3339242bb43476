"""Columns whose value is one and the same within each class: the label under another name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.labelled_rows import LabelledRows

TRIED = 1024
"""Columns that are followed up, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassValues:
    """Columns that have one value a class.

    Attributes
    ----------
    columns : ndarray of int64, shape (k,)
    classes : ndarray of int64, shape (c,)
        Codes of the classes seen.
    values : ndarray of float64, shape (k, c)
        The value of each column in each class.
    counts : ndarray of int64, shape (c,)
        Rows of each class.
    """

    columns: NDArray[np.int64]
    classes: NDArray[np.int64]
    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def separates(self) -> NDArray[np.bool_]:
        """Columns with another value in every class, shape (k,)."""
        ordered = np.sort(self.values, axis=1)
        return np.asarray((np.diff(ordered, axis=1) > 0).all(axis=1))

    @property
    def marks(self) -> NDArray[np.int64]:
        """Position of the one class that a column tells from all others, -1 where it is no such flag."""
        low, high = self.values.min(axis=1, keepdims=True), self.values.max(axis=1, keepdims=True)
        is_low, is_high = self.values == low, self.values == high
        flag = (is_low | is_high).all(axis=1)
        position = np.where(
            is_high.sum(axis=1) == 1,
            is_high.argmax(axis=1),
            np.where(is_low.sum(axis=1) == 1, is_low.argmax(axis=1), -1),
        )
        return np.where(flag, position, -1)

    def bits(self) -> NDArray[np.float64]:
        """Return each column's surprisal, shape (k,), had its values been dealt to the rows at random.

        Of all ways to deal them, as many agree with the classes as there are ways to exchange classes
        of equal size.
        """
        surprisal = np.empty(self.columns.size)
        for position, row in enumerate(self.values):
            _, level = np.unique(row, return_inverse=True)
            surprisal[position] = _deals(np.bincount(level, self.counts))
        _, alike = np.unique(self.counts, return_counts=True)
        return surprisal - sum(math.lgamma(k + 1) for k in alike.tolist()) / math.log(2)


def _deals(counts: NDArray[Any]) -> float:
    """Return the base-2 logarithm of the ways to arrange values that occur `counts` times."""
    ways = math.lgamma(float(counts.sum()) + 1) - sum(math.lgamma(count + 1) for count in counts.tolist())
    return ways / math.log(2)


def constant_within_classes(X: NDArray[Any], codes: NDArray[np.int64], slack: float = 0.0) -> ClassValues:
    """Return the columns with one finite value a class and not one value altogether.

    Parameters
    ----------
    X : ndarray, shape (n, d)
    codes : ndarray of int64, shape (n,)
        Classes, none missing.
    slack : float
        Above 0, columns too whose values form one cluster a class, each no wider than this share of the
        narrowest gap between clusters; the middle of the cluster stands for its value.

    Examples
    --------
    >>> X = np.array([[5.0, 1.0], [7.0, 2.0], [5.0, 3.0], [7.0, 4.0]])
    >>> found = constant_within_classes(X, np.array([0, 1, 0, 1]))
    >>> found.columns.tolist(), found.values.tolist()
    ([0], [[5.0, 7.0]])
    """
    order = np.argsort(codes, kind="stable")
    classes, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
    rows = X[order]
    low = np.minimum.reduceat(rows, starts, axis=0)
    high = np.maximum.reduceat(rows, starts, axis=0)
    kept = ((low == high) & np.isfinite(low)).all(axis=0) & (low[:1] != low).any(axis=0)
    if slack > 0 and classes.size > 1:
        kept |= _clustered(low, high, slack)
    columns = np.flatnonzero(kept)
    ends = low[:, columns].T.astype(np.float64), high[:, columns].T.astype(np.float64)
    return ClassValues(columns, classes, ends[0] + (ends[1] - ends[0]) / 2, counts)


def _clustered(low: NDArray[Any], high: NDArray[Any], slack: float) -> NDArray[np.bool_]:
    """Return the columns whose classes, from `low` to `high`, are narrow beside the gaps between them."""
    with np.errstate(invalid="ignore", over="ignore"):
        bottom, top = low.astype(np.float64), high.astype(np.float64)
        widest = (top - bottom).max(axis=0)
        order = np.argsort(bottom, axis=0, kind="stable")
        ends = np.take_along_axis(top, order, 0)[:-1], np.take_along_axis(bottom, order, 0)[1:]
        gap = (ends[1] - ends[0]).min(axis=0)
        return np.asarray(np.isfinite(widest) & (gap > 0) & (widest <= slack * gap))


def find_copies(data: LabelledRows, least_bits: float, slack: float = 0.0) -> ClassValues:
    """Return the columns with one value, or cluster, a class in all labelled rows of train, beyond chance.

    At most ``TRIED`` columns that are such on the screened rows are followed up, those with most values
    first.
    """
    flat, screened = data.case.train.flat, data.screened
    found = constant_within_classes(flat[screened], data.y["train"][screened].astype(np.int64), slack)
    levels = np.array([np.unique(row).size for row in found.values], dtype=np.int64)
    tried = np.sort(found.columns[np.argsort(-levels, kind="stable")[:TRIED]])
    rows = np.sort(data.rows["train"])
    whole = constant_within_classes(flat[np.ix_(rows, tried)], data.y["train"][rows].astype(np.int64), slack)
    sure = whole.bits() >= least_bits + np.log2(max(2, flat.shape[1]))
    return ClassValues(tried[whole.columns[sure]], whole.classes, whole.values[sure], whole.counts)


def splits_without_exception(
    data: LabelledRows, found: ClassValues, positions: Sequence[int], slack: float = 0.0
) -> dict[str, int]:
    """Return the labelled rows of train and of each evaluation split where every value is its class's."""
    by_code = np.full((len(positions), len(data.labels.classes)), np.nan)
    by_code[:, found.classes] = found.values[list(positions)]
    gap = np.diff(np.sort(found.values[list(positions)], axis=1), axis=1)
    reach = slack * np.min(gap, axis=1, where=gap > 0, initial=np.inf)
    held = {"train": int(found.counts.sum())}
    for split in data.evaluation:
        codes = data.codes(split)
        columns = (data.column(split, int(found.columns[position])) for position in positions)
        near = (np.abs(x - row[codes]) <= r for x, row, r in zip(columns, by_code, reach, strict=True))
        if all(rows.all() for rows in near):
            held[split] = codes.size
    return held
