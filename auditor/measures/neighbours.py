"""How well labels of near rows agree, on a sample of rows and features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.columns import describe_columns

NEIGHBOURS = 5
"""Near rows that vote."""

MAX_TRAIN, MAX_EVALUATION, MAX_FEATURES = 3000, 1000, 512
"""Rows and features drawn: the distances of one case take well under a second."""

CLIP = 5.0
"""Standard deviations at which features are cut, so that single extreme values do not decide."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows drawn from a split.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Their numbers, sorted.
    points : ndarray of float32, shape (m, c)
        Their standardised features.
    """

    rows: NDArray[np.int64]
    points: NDArray[np.float32]


def draw_samples(
    case: Case, names: tuple[str, ...], rng: np.random.Generator, most: int = MAX_TRAIN
) -> dict[str, Sample]:
    """Return rows of train and of other splits on one scale: train's means and spreads.

    Parameters
    ----------
    names : tuple of str
        Splits of equal row shape; train among them.
    rng : Generator
        For the draws.
    most : int
        Rows of train, at most.
    """
    d = case.train.n_features
    columns = np.sort(rng.choice(d, min(d, MAX_FEATURES), replace=False))
    limits = {name: most if name == "train" else MAX_EVALUATION for name in names}
    drawn = {name: _drawn_rows(case[name].n_rows, limits[name], rng) for name in names}
    raw = {name: case[name].flat[rows][:, columns].astype(np.float64) for name, rows in drawn.items()}
    stats = describe_columns(raw["train"])
    usable = (stats.count > 1) & (stats.variance > 0) & np.isfinite(stats.variance)
    return {
        name: Sample(drawn[name], _standardised(values[:, usable], stats.mean[usable], stats.std[usable]))
        for name, values in raw.items()
    }


def _drawn_rows(n: int, limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.choice(n, limit, replace=False)) if n > limit else np.arange(n)


def _standardised(
    values: NDArray[np.float64], mean: NDArray[np.float64], std: NDArray[np.float64]
) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (values - mean) / std
    scaled[np.isnan(scaled)] = 0.0
    return np.clip(scaled, -CLIP, CLIP).astype(np.float32)


def squared_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return squared Euclidean distances, shape (n, m), never negative."""
    made = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    return np.asarray(np.maximum(made, 0, out=made))


def nearest(
    distances: NDArray[np.float32], *, beyond: float = 0.0, themselves: bool = False, k: int = NEIGHBOURS
) -> NDArray[np.int64]:
    """Return the columns of the nearest rows, shape (n, k); -1 where there are too few.

    Parameters
    ----------
    distances : ndarray, shape (n, m)
        Squared distances.
    beyond : float
        Squared distance below which a row does not count: copies and rows of the same origin, where
        the question is what farther rows say.
    themselves : bool
        Whether row i and column i are the same row, which does not vote for itself.
    k : int
        Rows that vote.
    """
    masked = np.where(distances < beyond, np.inf, distances)
    if themselves:
        np.fill_diagonal(masked, np.inf)
    there = min(k, masked.shape[1])
    if there == 0:
        return np.full((len(masked), k), -1, dtype=np.int64)
    found = np.argpartition(masked, there - 1, axis=1)[:, :there]
    found = np.where(np.isfinite(np.take_along_axis(masked, found, axis=1)), found, -1)
    return np.pad(found, ((0, 0), (0, k - there)), constant_values=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How labels agree with the vote of their neighbours.

    Attributes
    ----------
    skill : float
        Share of agreement beyond chance (Cohen's kappa) for classes, Spearman's correlation for
        quantities: 0 where labels are unrelated to the rows.
    z : float
        Standard errors from 0, were labels shuffled.
    n : int
        Rows compared.
    votes : ndarray, shape (n_rows,)
        The vote of each row's neighbours: a class id, -1 where none voted, or a mean rank, NaN where
        none voted.
    """

    skill: float
    z: float
    n: int
    votes: NDArray[Any]


def class_votes(found: NDArray[np.int64], codes: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Return the most frequent class among the neighbours of each row, the nearest id on ties."""
    labels = np.where(found >= 0, codes[np.maximum(found, 0)], -1)
    counts = np.stack([(labels == labels[:, [i]]).sum(axis=1) for i in range(labels.shape[1])], axis=1)
    counts[labels < 0] = 0
    best = np.argmax(counts * n_classes - np.maximum(labels, 0) / max(1, n_classes), axis=1)
    return np.where(counts.max(axis=1) > 0, np.take_along_axis(labels, best[:, None], axis=1)[:, 0], -1)


def class_agreement(votes: NDArray[np.int64], codes: NDArray[np.int64], n_classes: int) -> Agreement:
    """Return how votes agree with class ids."""
    usable = (votes >= 0) & (codes >= 0)
    ours, theirs = votes[usable], codes[usable]
    n = int(usable.sum())
    if not n:
        return Agreement(0.0, 0.0, 0, votes)
    p = np.bincount(ours, minlength=n_classes) / n
    q = np.bincount(theirs, minlength=n_classes) / n
    chance = float((p * q).sum())
    if chance > 1 - 1e-9:
        return Agreement(0.0, 0.0, n, votes)
    found = float((ours == theirs).mean())
    spread = np.sqrt(chance * (1 - chance) / n)
    return Agreement((found - chance) / (1 - chance), (found - chance) / max(spread, 1e-12), n, votes)


def rank_agreement(votes: NDArray[np.float64], ranks: NDArray[np.float64]) -> Agreement:
    """Return how votes agree with quantities, both as ranks."""
    usable = np.isfinite(votes) & np.isfinite(ranks)
    n = int(usable.sum())
    a, b = votes[usable], ranks[usable]
    if n < 3 or a.std() == 0 or b.std() == 0:
        return Agreement(0.0, 0.0, n, votes)
    r = float(np.corrcoef(a, b)[0, 1])
    return Agreement(r, r * np.sqrt(n - 1), n, votes)


def rank_votes(found: NDArray[np.int64], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean rank of the neighbours of each row, NaN where none is known."""
    values = np.where(found >= 0, ranks[np.maximum(found, 0)], np.nan)
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
