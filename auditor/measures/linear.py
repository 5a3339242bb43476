"""Exact linear functions of few columns: found on some rows, to be verified on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 6
"""Columns that the greedy search takes before it gives up."""

DENSE = 256
"""Up to this many columns the whole least-squares problem is solved where the greedy search fails."""

ROUNDINGS = 4.0
"""Rounding errors allowed a term, in spacings of the coarsest arithmetic that made the values."""

LARGEST = 1e100
"""Size from which values are left out: their products are no longer finite."""

_BLOCK = 2**22
"""Values of a block of columns made float64 at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """``y = sum(coefficients * X[:, columns]) + intercept``.

    Attributes
    ----------
    columns : tuple of int
        In order of number.
    coefficients : ndarray of float64, shape (k,)
    intercept : float
    epsilon : float
        Relative rounding of the arithmetic that the identity is held to.
    """

    columns: tuple[int, ...]
    coefficients: NDArray[np.float64]
    intercept: float
    epsilon: float

    def excess(self, chosen: NDArray[Any], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each row's residual over what rounding explains, shape (n,).

        Parameters
        ----------
        chosen : ndarray, shape (n, k)
            The values of `columns`; a row that is not finite has an infinite excess.
        y : ndarray, shape (n,)
        """
        values = np.asarray(chosen, dtype=np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            residual = np.abs(values @ self.coefficients + self.intercept - y)
            tolerance = self.tolerance(values, y)
            found = residual / tolerance
        return np.where(np.isfinite(found) & np.isfinite(tolerance), found, np.inf)

    def tolerance(self, chosen: NDArray[Any], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what rounding explains of each row's residual, shape (n,): the sum of its terms' sizes."""
        terms = np.abs(chosen) @ np.abs(self.coefficients) + np.abs(y) + abs(self.intercept)
        return np.asarray(ROUNDINGS * self.epsilon * np.maximum(terms, np.finfo(float).tiny))


def rounding(*dtypes: np.dtype[Any]) -> float:
    """Return the relative rounding of the coarsest of `dtypes`, and single precision at least.

    Values kept in double precision have often passed through single precision before.

    Examples
    --------
    >>> round(rounding(np.dtype("float64")), 10), round(rounding(np.dtype("float16")), 6)
    (1.192e-07, 0.000977)
    """
    floats = [float(np.finfo(dtype).eps) for dtype in dtypes if dtype.kind == "f"]
    return max([float(np.finfo(np.float32).eps), *floats])


def exact_linear(X: NDArray[Any], y: NDArray[np.float64], epsilon: float) -> Linear | None:
    """Return the exact linear function that `y` is of few columns of `X`, if it is one.

    Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993) over all columns, up to ``FEW``;
    where it fails and there are at most ``DENSE`` columns, the full least-squares solution, from which
    columns are taken away while it stays exact. A column with values that are not finite is left out.

    Parameters
    ----------
    X : ndarray, shape (n, d)
        Rows to find the function on; others should verify it.
    y : ndarray of float64, shape (n,)
        Finite.
    epsilon : float
        Relative rounding of the arithmetic, see `rounding`.

    Returns
    -------
    Linear or None
        None, too, where fewer than three rows more than unknowns are left to contradict it.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> found = exact_linear(X, X[:, 1] + 2 * X[:, 4] - 3, 1e-7)
    >>> found.columns, found.coefficients.round(6).tolist()
    ((1, 4), [1.0, 2.0])
    """
    n = y.size
    if n < 5 or not 0 < np.ptp(y) < LARGEST:
        return None
    chosen: list[int] = []
    residual = y - y.mean()
    while len(chosen) < min(FEW, n - 4):
        best = _most_correlated(X, residual, chosen)
        if best is None:
            break
        chosen.append(best)
        found = _solve(X, y, chosen, epsilon)
        if _holds(found, X, y):
            return _thinned(found, X, y)
        residual = y - (X[:, found.columns].astype(np.float64) @ found.coefficients + found.intercept)
    usable = _usable(X) if X.shape[1] <= DENSE else np.zeros(0, dtype=np.int64)
    if len(chosen) < usable.size <= n - 4:
        found = _solve(X, y, usable.tolist(), epsilon)
        if _holds(found, X, y):
            return _thinned(found, X, y)
    return None


def _usable(X: NDArray[Any]) -> NDArray[np.int64]:
    values = X.astype(np.float64)
    finite = np.isfinite(values).all(axis=0)
    bounded = np.abs(np.where(finite, values, 0.0)).max(axis=0) < LARGEST
    return np.flatnonzero(finite & bounded & (values[:1] != values).any(axis=0))


def _most_correlated(X: NDArray[Any], residual: NDArray[np.float64], taken: Sequence[int]) -> int | None:
    """Return the column whose correlation with the residual is greatest, None where all are constant."""
    best, column = 0.0, None
    step = max(1, _BLOCK // X.shape[0])
    for start in range(0, X.shape[1], step):
        block = X[:, start : start + step].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            size = np.abs(block).max(axis=0)  # so that squares stay finite
            block /= np.where(size > 0, size, 1.0)
            block -= block.mean(axis=0)
            norm = np.sqrt((block * block).sum(axis=0))
            score = np.abs(residual @ block) / norm
        score[~np.isfinite(score) | (norm < 1e-12) | (size > LARGEST)] = -1.0
        score[[c - start for c in taken if start <= c < start + step]] = -1.0
        here = int(np.argmax(score))
        if score[here] > best:
            best, column = float(score[here]), start + here
    return column


def _solve(X: NDArray[Any], y: NDArray[np.float64], columns: Sequence[int], epsilon: float) -> Linear:
    """Return the least-squares solution on centred columns of unit spread."""
    order = tuple(sorted(columns))
    values = X[:, order].astype(np.float64)
    size = np.abs(values).max(axis=0)  # so that sums stay finite
    values /= size
    centre = values.mean(axis=0)
    spread = np.abs(values - centre).max(axis=0)
    spread[spread == 0] = 1.0
    solution = np.linalg.lstsq((values - centre) / spread, y - y.mean(), rcond=1e-11)[0] / spread
    return Linear(order, solution / size, float(y.mean() - centre @ solution), epsilon)


def _holds(found: Linear, X: NDArray[Any], y: NDArray[np.float64]) -> bool:
    return bool((found.excess(X[:, found.columns], y) <= 1).all())


def _thinned(found: Linear, X: NDArray[Any], y: NDArray[np.float64]) -> Linear:
    """Take away the column that matters least, again and again, while the function stays exact."""
    while len(found.columns) > 1:
        weight = np.abs(found.coefficients) * X[:, found.columns].astype(np.float64).std(axis=0)
        light = set(np.flatnonzero(weight <= 1e-6 * weight.max()).tolist()) or {int(np.argmin(weight))}
        kept = [column for position, column in enumerate(found.columns) if position not in light]
        fewer = _solve(X, y, kept, found.epsilon)
        if not _holds(fewer, X, y):
            return found
        found = fewer
    return found
