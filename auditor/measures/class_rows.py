"""Different rows of each class over train and one evaluation split, and features that may be interpolated."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.copies import Copies, Numbers, label_ids
from auditor.measures.marginals import grid_step

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

FEWEST_ROWS = 6
"""Different rows from which a class is looked at."""

SAMPLED = 2000
"""Rows from which it is told whether a feature is continuous."""

HELD = 50_000
"""Rows held at a time."""

CONSIDERED = 1024
"""Features that are read to choose from, drawn at random where there are more."""

WIDEST = 128
"""Features chosen at most, drawn at random where there are more."""

GRIDS = 64
"""Features on grids that are kept."""

FEW, MOST = 0.05, 0.5
"""Shares of values that no other row has, from which a feature is taken as continuous."""

LARGEST = 1e60
"""Size of values from which squares may overflow."""

KNOWN_CLASSES, KNOWN_ROWS = 8, 5000
"""Classes, and rows of each, whose values and grids are no news."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassRows:
    """Different rows of one class, by ascending number over all splits, and where each stands.

    Attributes
    ----------
    total : int
        Rows of the class, copies too.
    numbers : ndarray of int64, shape (n,)
        The first of each.
    in_train, held_out : ndarray of bool, shape (n,)
        Whether it stands in train, and in the evaluation split.
    """

    total: int
    numbers: Numbers
    in_train: Masks
    held_out: Masks

    def only(self, kept: Numbers) -> ClassRows:
        """Return some of the rows."""
        return ClassRows(self.total, self.numbers[kept], self.in_train[kept], self.held_out[kept])


@dataclass(frozen=True, slots=True, eq=False)
class ClassPools:
    """Train, one evaluation split, and their rows by class.

    Attributes
    ----------
    train, split : ndarray, shape (n, d)
        The rows.
    offset : int
        Number over all splits of the evaluation split's first row.
    classes : dict of int to ClassRows
        By the number of the label; those with six different rows or more.
    """

    train: NDArray[Any]
    split: NDArray[Any]
    offset: int
    classes: dict[int, ClassRows]

    def rows(self, numbers: Numbers, columns: Numbers) -> Floats:
        """Return some features of rows, by ascending number over all splits, in float64."""
        first = int(np.searchsorted(numbers, self.train.shape[0]))
        parts = ((self.train, numbers[:first]), (self.split, numbers[first:] - self.offset))
        return np.concatenate([part[np.ix_(own, columns)].astype(np.float64) for part, own in parts])


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Features of a class that may have been interpolated, and those that stand on a grid with its step."""

    continuous: Numbers
    gridded: Numbers
    step: Floats


def class_pools(case: Case, found: Copies, split: str) -> ClassPools:
    """Return the rows of train and `split` by class; equal ones once, blank ones left out."""
    labels = label_ids(case)
    numbers = np.concatenate([np.arange(found.first.size)[found.rows(name)] for name in ("train", split)])
    ids = np.concatenate([labels["train"], labels[split]])
    kept = (ids >= 0) & ~found.blank[numbers]
    numbers, ids = numbers[kept], ids[kept]
    order = np.argsort(ids, kind="stable")
    edges = np.flatnonzero(np.r_[True, np.diff(ids[order]) > 0, True]) if ids.size else np.zeros(1, dtype=int)
    n_train = case.train.n_rows
    classes = {}
    for start, stop in pairwise(edges):
        own = numbers[order[start:stop]]
        different, place, member = np.unique(found.first[own], return_index=True, return_inverse=True)
        if different.size >= FEWEST_ROWS:
            in_train = np.bincount(member, own < n_train) > 0
            held_out = np.bincount(member, own >= n_train) > 0
            turn = np.argsort(own[place])
            rows = ClassRows(own.size, own[place][turn], in_train[turn], held_out[turn])
            classes[int(ids[order[start]])] = rows
    return ClassPools(case.train.flat, case[split].flat, found.rows(split).start, classes)


def continuous_columns(
    case: Case, pools: ClassPools, own: ClassRows, rng: np.random.Generator
) -> list[Columns]:
    """Return one or two choices of features that may have been interpolated, at most ``WIDEST`` of them.

    Interpolation leaves values that no other row has, and that stand on no grid unless they were rounded.
    A feature counts where one value in twenty is such; the second choice, if it differs, asks for one in
    two, which leaves out categories with many levels.
    """
    considered = np.sort(rng.permutation(pools.train.shape[1])[:CONSIDERED])
    considered = considered[~case.categorical[considered]]
    values = np.sort(pools.rows(np.sort(rng.permutation(own.numbers)[:SAMPLED]), considered), axis=0)
    fit = (np.abs(values) < LARGEST).all(axis=0)  # False for NaN
    considered, values = considered[fit], values[:, fit]
    new = np.ones(values.shape, dtype=bool)
    new[1:] = values[1:] != values[:-1]
    alone = new.copy()
    alone[:-1] &= new[1:]
    share = alone.mean(axis=0)
    step = np.array([grid_step(column[first]) for column, first in zip(values.T, new.T, strict=True)])
    gridded = np.flatnonzero(step > 0)[:GRIDS]
    choices: list[Columns] = []
    for bar in (FEW, MOST):
        columns = np.sort(rng.permutation(considered[(share >= bar) & (step == 0)])[:WIDEST])
        for start in range(0, own.numbers.size, HELD):
            columns = columns[_fit(pools.rows(own.numbers[start : start + HELD], columns))]
        if columns.size >= 2 and not any(np.array_equal(columns, known.continuous) for known in choices):
            choices.append(Columns(columns, considered[gridded], step[gridded]))
    return choices


def _fit(values: Floats) -> Masks:
    return np.asarray((np.abs(values) < LARGEST).all(axis=0))


def no_news(pools: ClassPools, numbers: Numbers, columns: Numbers) -> Masks:
    """Return which values of some rows are no news, shape (t, k).

    They recur in another row, or stand on a grid that all values of a class stand on; up to eight classes
    and 5,000 rows of each are looked at, the largest first. Values made by interpolation do neither.
    """
    rows, place = np.unique(numbers, return_inverse=True)
    tied = np.zeros((rows.size, columns.size), dtype=bool)
    if not rows.size:
        return tied
    here = pools.rows(rows, columns)
    for own in sorted(pools.classes.values(), key=lambda own: -own.numbers.size)[:KNOWN_CLASSES]:
        known = own.numbers[:: -(-own.numbers.size // KNOWN_ROWS)]
        itself = np.isin(rows, known)
        values = np.sort(pools.rows(known, columns), axis=0)
        for k in range(columns.size):
            column, asked = values[:, k], here[:, k]
            times = np.searchsorted(column, asked, "right") - np.searchsorted(column, asked)
            tied[:, k] |= times > itself
            levels = np.unique(column)
            levels = levels[np.isfinite(levels)]
            step = grid_step(levels)
            if step:
                steps = (asked - levels[0]) / step
                tied[:, k] |= np.abs(steps - np.rint(steps)) < 0.02
    return tied[place]
