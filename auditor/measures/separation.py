"""Whether a classifier tells the rows of two splits apart, against relabelled splits."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.drift import Bundles, drawn_rows, group_bundles
from auditor.measures.order import mid_ranks
from auditor.measures.target import Target

MAX_ROWS, MAX_FEATURES = 800, 500
"""Rows of each split and features the classifier sees."""

DRAWS = 999
"""Relabelled splits."""

LEAST_ROWS = 50
"""Rows that both splits need."""

RIDGE = 0.1
"""Ridge of the classifier, as a share of the mean eigenvalue of the kernel."""


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """How well rows of a split are told from train's.

    Attributes
    ----------
    area : float
        Area under the ROC curve of scores for rows left out.
    null : float
        Largest such area over the relabelled splits.
    p : float
        Share of relabelled splits with at least this area.
    columns : ndarray of int64
        Features by how much they tell, most first.
    rows : tuple of int
        Rows of train and of the split.
    """

    area: float
    null: float
    p: float
    columns: NDArray[np.int64]
    rows: tuple[int, int]


def separation(case: Case, name: str, labels: Target, seed: int) -> Separation | None:
    """Product: a kernel ridge classifier of train against a split, judged by leaving rows out.

    Features are replaced by their normal scores over both splits; the kernel is the product of rows and
    its square, so that differences of means, of spreads and of pairwise products show. Scores of rows
    left out come in closed form from the hat matrix H: ``(H y - diag(H) y) / (1 - diag(H))``. The null
    relabels rows (or whole groups) at random and scores again, which takes H as it is.

    Copies within train count once, so that upsampling does not tell its rows. None where no feature
    varies, or fewer than ``LEAST_ROWS`` rows are left.
    """
    rng = np.random.default_rng([seed, zlib.crc32(f"separation {name}".encode())])
    d = case.train.n_features
    columns = np.sort(rng.choice(d, min(d, MAX_FEATURES), replace=False))
    theirs, ours = drawn_rows(case, name, labels, rng, MAX_ROWS)
    theirs, ours = (rows[_first_copies(case[s].flat[rows])] for s, rows in (("train", theirs), (name, ours)))
    if min(theirs.size, ours.size) < LEAST_ROWS:
        return None
    rows = np.concatenate([case.train.flat[theirs][:, columns], case[name].flat[ours][:, columns]])
    scores, used = normal_scores(rows.astype(np.float64))
    if not used.size:
        return None
    hat = hat_matrix(scores)
    y = np.concatenate([np.zeros(theirs.size), np.ones(ours.size)])
    bundles = group_bundles(case, name, (theirs, ours), rng)
    relabelled = _relabelled(y, bundles, rng)
    areas = left_out_areas(hat, np.column_stack([y, relabelled]))
    order = np.argsort(-_telling(scores, y), kind="stable")
    p = float((1 + (areas[1:] >= areas[0]).sum()) / areas.size)
    return Separation(
        float(areas[0]), float(areas[1:].max()), p, columns[used[order]], (theirs.size, ours.size)
    )


def _telling(scores: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far means, or products with any feature (itself among them), differ between the splits, shape (d,)."""
    weights = np.where(y == 1, 1 / y.sum(), -1 / (y.size - y.sum()))
    products = np.abs(scores.T @ (scores * weights[:, None]))
    np.fill_diagonal(products, np.diag(products) / np.sqrt(2))
    return np.asarray(np.fmax(np.abs(weights @ scores), products.max(axis=1)))


def _first_copies(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return the sorted numbers of rows that are no copies of earlier ones."""
    plain = np.ascontiguousarray(rows)
    packed = plain.view(np.dtype((np.void, plain.dtype.itemsize * max(1, plain.shape[1])))).reshape(-1)
    return np.sort(np.unique(packed, return_index=True)[1]).astype(np.int64)


def normal_scores(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the columns that vary as normal scores of their ranks, and which columns these are.

    Missing values rank lowest; ties share their mean rank.
    """
    from scipy.special import ndtri

    values = np.where(np.isnan(rows), -np.inf, rows)
    used = np.flatnonzero((values != values[:1]).any(axis=0))
    made = np.empty((len(values), used.size))
    for i, column in enumerate(used):
        made[:, i] = ndtri((mid_ranks(values[:, column]) - 0.5) / len(values))
    spread = made.std(axis=0)
    return (made - made.mean(axis=0)) / np.where(spread > 0, spread, 1.0), used


def hat_matrix(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the hat matrix of kernel ridge regression with an intercept, shape (n, n)."""
    n, d = scores.shape
    linear = scores @ scores.T / d
    kernel = linear + 0.5 * linear**2 * np.sqrt(d)
    centred = kernel - kernel.mean(axis=0) - kernel.mean(axis=1)[:, None] + kernel.mean()
    ridge = RIDGE * max(float(np.trace(centred)) / n, 1e-12)
    # K (K + r I)^-1 = I - r (K + r I)^-1
    inverse = np.linalg.inv(centred + ridge * np.eye(n))
    return np.asarray(np.eye(n) - ridge * inverse + 1.0 / n)


def left_out_areas(hat: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area under the ROC curve of left-out scores for every column of labels.

    Parameters
    ----------
    hat : ndarray, shape (n, n)
    labels : ndarray of 0 and 1, shape (n, r)
    """
    diagonal = np.minimum(np.diag(hat), 1 - 1e-6)[:, None]
    scores = (hat @ labels - diagonal * labels) / (1 - diagonal)
    told = np.take_along_axis(labels, np.argsort(scores, axis=0), axis=0)
    ones = labels.sum(axis=0)
    above = (np.arange(1.0, len(labels) + 1) @ told) - ones * (ones + 1) / 2
    return np.asarray(above / np.maximum(ones * (len(labels) - ones), 1))


def _relabelled(
    y: NDArray[np.float64], bundles: Bundles | None, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return random relabellings of rows, or of whole bundles of groups, shape (n, DRAWS)."""
    if bundles is None:
        return np.column_stack([rng.permutation(y) for _ in range(DRAWS)])
    of = np.concatenate(bundles.of)
    made = np.zeros((y.size, DRAWS))
    for i in range(DRAWS):
        drawn = rng.permutation(bundles.train + bundles.here)[: bundles.here]
        made[:, i] = np.isin(of, drawn)
    return made
