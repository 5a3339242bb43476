"""How far the features of two splits are from one population, feature by feature and together."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.homogeneity import cohen_w, proportions_p_value, total_variation
from auditor.measures.target import Target

MAX_ROWS, MAX_FEATURES = 4000, 1000
"""Rows of each split and features that are compared."""

FALSE_DISCOVERIES = 1e-3
"""Expected share of false alarms among the features reported (Benjamini and Hochberg, 1995)."""

SIDES = 64
"""Bundles of groups that are exchanged, at most."""

DRAWS = 2000
"""Random splits of whole groups."""

MIXED = 0.1
"""Cohen's w from which another mixture of classes is taken out."""

_BLOCK = 2**21


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """Distances of the features of a split from train's.

    Attributes
    ----------
    columns : ndarray of int64, shape (c,)
        Features compared.
    distances : ndarray of float64, shape (c,)
        Kolmogorov-Smirnov distance; for category codes, total variation distance.
    p : ndarray of float64, shape (c,)
        P-values of a random split of rows, or of whole groups (then corrected for all features).
    significant : ndarray of bool, shape (c,)
        At the false discovery rate, or the family-wise level where groups were exchanged.
    rows : tuple of int
        Rows compared of train and of the split.
    reason : str
        Why nothing could be said; empty where it could.
    """

    columns: NDArray[np.int64]
    distances: NDArray[np.float64]
    p: NDArray[np.float64]
    significant: NDArray[np.bool_]
    rows: tuple[int, int]
    reason: str = ""


def feature_drift(case: Case, name: str, labels: Target, seed: int) -> Drift:
    """Product: how far each feature of a split is from train's, on a sample of rows and features.

    Missing values count as the lowest value, so that a change of their share is drift too.
    """
    rng = np.random.default_rng([seed, zlib.crc32(f"drift {name}".encode())])
    d = case.train.n_features
    columns = np.sort(rng.choice(d, min(d, MAX_FEATURES), replace=False))
    theirs, ours = drawn_rows(case, name, labels, rng, MAX_ROWS)
    if min(theirs.size, ours.size) < 2:
        none = np.zeros(columns.size)
        return Drift(columns, none, none + 1, none > 0, (theirs.size, ours.size), "no class in common")
    here, there = case[name].flat[ours][:, columns], case.train.flat[theirs][:, columns]
    categorical = case.categorical[columns]
    distances, p = _distances(there, here, categorical)
    rows = (theirs.size, ours.size)
    bundles = group_bundles(case, name, (theirs, ours), rng)
    if bundles is None:
        return Drift(columns, distances, p, _discoveries(p), rows)
    if not enough_bundles(bundles):
        return Drift(columns, distances, p, np.zeros(p.size, dtype=bool), rows, "too few groups to exchange")
    p = _grouped_p(there, here, bundles, rng)
    return Drift(columns, distances, p, p < FALSE_DISCOVERIES, rows)


def drawn_rows(
    case: Case, name: str, labels: Target, rng: np.random.Generator, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return sorted row numbers of train and of a split, up to `limit` each.

    Where class proportions differ, rows of train are drawn in the split's proportions, so that another
    mixture of classes is not taken for drift within them.
    """
    codes = [labels.codes.get(split) for split in ("train", name)]
    if codes[0] is not None and codes[1] is not None:
        counts = [np.bincount(c[c >= 0], minlength=len(labels.classes)) for c in codes if c is not None]
        if cohen_w(*counts) >= MIXED and proportions_p_value(*counts) < FALSE_DISCOVERIES:
            return _in_proportion(codes[0], codes[1], rng, limit)
    return _some(np.arange(case.train.n_rows), rng, limit), _some(np.arange(case[name].n_rows), rng, limit)


def _some(rows: NDArray[np.int64], rng: np.random.Generator, limit: int) -> NDArray[np.int64]:
    return np.sort(rng.choice(rows, limit, replace=False)) if rows.size > limit else rows


def _in_proportion(
    theirs: NDArray[np.int64], ours: NDArray[np.int64], rng: np.random.Generator, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of both with the class proportions of the second, of the classes that both hold."""
    shared = np.intersect1d(theirs[theirs >= 0], ours[ours >= 0])
    here = _some(np.flatnonzero(np.isin(ours, shared)), rng, limit)
    members = {int(c): np.flatnonzero(theirs == c) for c in shared}
    wanted = {c: int((ours[here] == c).sum()) for c in members}
    ratio = min(
        [rows.size / wanted[c] for c, rows in members.items() if wanted[c]] + [limit / max(1, here.size)]
    )
    parts = [_some(rows, rng, int(ratio * wanted[c])) for c, rows in members.items() if wanted[c]]
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64), here


def _distances(
    there: NDArray[Any], here: NDArray[Any], categorical: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.special import kolmogorov

    n, m = len(there), len(here)
    distances = np.concatenate(
        [
            distribution_distances(there[:, part].astype(np.float64), here[:, part].astype(np.float64))
            for part in _parts(here.shape[1], n + m)
        ]
    )
    p = np.asarray(kolmogorov(distances * math.sqrt(n * m / (n + m))), dtype=np.float64)
    for column in np.flatnonzero(categorical):
        both = np.concatenate([there[:, column], here[:, column]])
        _, codes = np.unique(both, return_inverse=True)
        counts = [np.bincount(part, minlength=codes.max() + 1) for part in (codes[:n], codes[n:])]
        distances[column], p[column] = total_variation(*counts), proportions_p_value(*counts)
    return distances, p


def _parts(d: int, rows: int) -> list[slice]:
    width = max(1, _BLOCK // max(1, rows))
    return [slice(start, min(d, start + width)) for start in range(0, d, width)]


def distribution_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Kolmogorov-Smirnov distance of each column, shape (d,); NaN counts as the lowest value.

    Examples
    --------
    >>> distribution_distances(np.array([[1.0], [2]]), np.array([[2.0], [np.nan]]))
    array([0.5])
    """
    both = np.concatenate([a, b])
    both[np.isnan(both)] = -np.inf
    order = np.argsort(both, axis=0, kind="stable")
    ordered = np.take_along_axis(both, order, axis=0)
    steps = np.where(order < len(a), 1 / max(1, len(a)), -1 / max(1, len(b)))
    reached = np.abs(np.cumsum(steps, axis=0))
    last = np.ones(ordered.shape, dtype=bool)
    last[:-1] = ordered[1:] != ordered[:-1]
    return np.asarray(np.where(last, reached, 0.0).max(axis=0))


def _discoveries(p: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which p-values are discoveries at ``FALSE_DISCOVERIES`` (Benjamini and Hochberg, 1995)."""
    order = np.argsort(p)
    passed = p[order] <= FALSE_DISCOVERIES * np.arange(1, p.size + 1) / p.size
    made = np.zeros(p.size, dtype=bool)
    if passed.any():
        made[order[: int(np.flatnonzero(passed)[-1]) + 1]] = True
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Bundles:
    """Whole groups, bundled so that bundles of both splits can be exchanged.

    Attributes
    ----------
    of : tuple of ndarray of int64
        Bundle of each drawn row of train and of the split.
    train, here : int
        Bundles of each; numbers run on from train's to the split's.
    """

    of: tuple[NDArray[np.int64], NDArray[np.int64]]
    train: int
    here: int


def group_bundles(
    case: Case,
    name: str,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    rng: np.random.Generator,
) -> Bundles | None:
    """Return bundles of the groups of both splits; None where rows, not groups, were split.

    Each bundle holds equally many groups, so that under the null bundles are exchangeable as groups are.
    """
    ours, theirs = case[name].groups, case.train.groups
    if ours is None or theirs is None or ours.dtype.kind != theirs.dtype.kind:
        return None
    here, there = np.unique(ours), np.unique(theirs)
    if np.intersect1d(here, there).size or here.size + there.size == ours.size + theirs.size:
        return None
    several = max(1, -(-(here.size + there.size) // SIDES))
    of = []
    start = 0
    for ids, groups, drawn in ((there, theirs, rows[0]), (here, ours, rows[1])):
        bundle = rng.permutation(ids.size) // several
        of.append(start + bundle[np.searchsorted(ids, groups[drawn])])
        start += -(-ids.size // several)
    n_train = -(-there.size // several)
    return Bundles((of[0], of[1]), n_train, start - n_train)


def enough_bundles(bundles: Bundles) -> bool:
    """Whether there are enough ways to exchange bundles for a p-value below the level."""
    return math.comb(bundles.train + bundles.here, bundles.here) >= 2 / FALSE_DISCOVERIES


def _grouped_p(
    there: NDArray[Any], here: NDArray[Any], bundles: Bundles, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return p-values over random splits of whole bundles, corrected for all features (Westfall and Young, 1993)."""
    cells = 16
    tables = _tables(there, here, bundles, cells)
    total = tables.sum(axis=0)
    observed = _table_distances(total, tables[bundles.train :].sum(axis=0))
    hits = np.zeros(observed.size)
    for _ in range(DRAWS):
        drawn = rng.permutation(len(tables))[: bundles.here]
        hits += _table_distances(total, tables[drawn].sum(axis=0)).max() >= observed
    return (hits + 1) / (DRAWS + 1)


def _tables(there: NDArray[Any], here: NDArray[Any], bundles: Bundles, cells: int) -> NDArray[np.float64]:
    """Return the rows of each bundle in each bin of each feature, shape (bundles, d, cells)."""
    both = np.concatenate([there, here]).astype(np.float64)
    both[np.isnan(both)] = -np.inf
    of = np.concatenate(bundles.of)
    made = np.zeros((bundles.train + bundles.here, both.shape[1], cells))
    order = np.sort(both, axis=0)
    edges = order[np.linspace(0, len(both) - 1, cells + 1).astype(np.int64)[1:-1]]
    for column in range(both.shape[1]):
        bins = np.searchsorted(edges[:, column], both[:, column], side="right")
        made[:, column] = np.bincount(of * cells + bins, minlength=len(made) * cells).reshape(-1, cells)
    return made


def _table_distances(total: NDArray[np.float64], here: NDArray[np.float64]) -> NDArray[np.float64]:
    there = total - here
    a, b = (np.cumsum(t, axis=1) / np.maximum(t.sum(axis=1, keepdims=True), 1) for t in (there, here))
    return np.asarray(np.abs(a - b).max(axis=1))
