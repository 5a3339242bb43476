"""Features that hardly vary in train and lie orders of magnitude further out in an evaluation split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.columns import ColumnStatistics, blocks

BEYOND_REACH = 100.0
"""Times farther out than nine in ten features of train ever stray."""

BEYOND_SPREAD = 1e3
"""Times the standard deviation of a typical feature of train."""

BEYOND_OWN_REACH = 1e4
"""Times farther out than the feature itself strays in train, where it is not quite constant."""

PLAUSIBLE = 1e5
"""Times the standard deviation of a typical feature that a feature in its own units may well take."""

FEW_LEVELS = 32
"""Rounding noise around a constant takes few values; a feature with more of them varies."""


@dataclass(frozen=True, slots=True, eq=False)
class Explosion:
    """Features of an evaluation split that explode.

    Attributes
    ----------
    columns : ndarray of int64, shape (k,)
        The features, the farthest out first.
    reach : ndarray of float64, shape (k,)
        How far from train's centre the split strays in each; infinite where it holds infinity.
    spread : ndarray of float64, shape (k,)
        Train's standard deviation in each.
    bar : float
        Distance from the centre beyond which a value counts as exploded.
    typical : float
        How far nine in ten features of train stray at most.
    rows : ndarray of int64, shape (m,)
        Rows that hold an exploded value, in order.
    row_reach : ndarray of float64, shape (m,)
        The farthest exploded value of each of these rows, with its sign.
    row_column : ndarray of int64, shape (m,)
        The feature it stands in.
    share : float
        Share of the split's sum of squares that the exploded values make up.
    certain : bool
        Whether a feature that is constant in train strays farther than nature makes plausible.
    """

    columns: NDArray[np.int64]
    reach: NDArray[np.float64]
    spread: NDArray[np.float64]
    bar: float
    typical: float
    rows: NDArray[np.int64]
    row_reach: NDArray[np.float64]
    row_column: NDArray[np.int64]
    share: float
    certain: bool


def explosion(case: Case, split: str, train: ColumnStatistics, given: ColumnStatistics) -> Explosion | None:
    """Return the exploding features of a split, or None.

    Parameters
    ----------
    case : Case
        With train and `split` of one feature shape.
    split : str
        An evaluation split.
    train, given : ColumnStatistics
        Of train and of the split.
    """
    centre, reach = _centre_and_reach(train)
    varied = np.isfinite(reach) & (reach > 0) & ~_constant(case, train) & ~case.categorical
    if not varied.any():
        return None
    typical = float(np.quantile(reach[varied], 0.9))
    scale = float(np.median(train.std[varied]))
    bar = max(BEYOND_REACH * typical, BEYOND_SPREAD * scale)
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.fmax(np.abs(given.minimum - centre), np.abs(given.maximum - centre))
    away[given.n_infinite > 0] = np.inf
    far = (away > bar) & (train.count > 0) & (train.n_infinite == 0) & ~case.categorical
    far &= _constant(case, train) | (away / BEYOND_OWN_REACH > reach)  # a quotient does not overflow
    columns = np.flatnonzero(far)
    columns = columns[[_few_levels(case.train.flat[:, column]) for column in columns]]
    if not columns.size:
        return None
    columns = columns[np.argsort(-away[columns], kind="stable")]
    rows, row_reach, row_column, share = _exploded(case[split].flat, columns, centre, bar)
    certain = bool((_constant(case, train)[columns] & (away[columns] > PLAUSIBLE * scale)).any())
    return Explosion(
        columns, away[columns], train.std[columns], bar, typical, rows, row_reach, row_column, share, certain
    )


def _centre_and_reach(train: ColumnStatistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with np.errstate(over="ignore", invalid="ignore"):
        reach = np.fmax(train.maximum - train.mean, train.mean - train.minimum)
    return np.where(train.constant, train.minimum, train.mean), reach


def _constant(case: Case, train: ColumnStatistics) -> NDArray[np.bool_]:
    """Columns that do not vary, or only by the rounding of their dtype."""
    dtype = case.train.X.dtype
    if dtype.kind != "f":
        return train.constant
    with np.errstate(over="ignore", invalid="ignore"):
        wobble = train.maximum - train.minimum
    largest = np.fmax(np.abs(train.minimum), np.abs(train.maximum))
    return np.asarray(train.constant | (wobble <= 8 * float(np.finfo(dtype).eps) * largest))


def _few_levels(column: NDArray[Any]) -> bool:
    """Whether a column has no more levels than rounding noise around a constant would have."""
    head = column[: 64 * FEW_LEVELS]
    return bool(np.unique(head).size <= FEW_LEVELS and np.unique(column).size <= FEW_LEVELS)


def _exploded(
    flat: NDArray[Any], columns: NDArray[np.int64], centre: NDArray[np.float64], bar: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], float]:
    """Return exploded rows, their farthest value and its feature, and the values' share of squares."""
    rows, values, features = [], [], []
    exploded_squares = all_squares = 0.0
    start = 0
    for block in blocks(flat):
        away = _distances(block, columns, centre)
        beyond = np.abs(away) > bar
        hit = np.flatnonzero(beyond.any(axis=1))
        farthest = np.abs(away[hit]).argmax(axis=1)
        rows.append(hit + start)
        values.append(away[hit, farthest])
        features.append(columns[farthest])
        # In units of the bar, so that no square overflows before a value exceeds 1e154 bars.
        exploded_squares += _squares(np.where(beyond, away, 0.0) / bar)
        everything = _squares(_distances(block, np.arange(flat.shape[1]), centre) / bar)
        all_squares += everything
        start += len(block)
    share = exploded_squares / all_squares if 0 < all_squares < np.inf else 1.0
    return np.concatenate(rows), np.concatenate(values), np.concatenate(features), share


def _distances(
    block: NDArray[Any], columns: NDArray[np.int64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        away: NDArray[np.float64] = block[:, columns].astype(np.float64) - np.nan_to_num(centre[columns])
    away[np.isnan(away)] = 0.0
    return away


def _squares(values: NDArray[np.float64]) -> float:
    with np.errstate(over="ignore"):
        return float(np.square(values).sum())


def farthest_first(found: Explosion, limit: int) -> Iterator[tuple[int, float, int]]:
    """Yield up to `limit` exploded rows with their farthest value and feature, the farthest first."""
    order = np.argsort(-np.abs(found.row_reach), kind="stable")[:limit]
    for i in order:
        yield int(found.rows[i]), float(found.row_reach[i]), int(found.row_column[i])
