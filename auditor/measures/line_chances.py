"""How probable it is that a row is on the line through two others by chance, feature by feature."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.collinear import LOOSEST, Field, Triples, near_fraction

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Masks = NDArray[np.bool_]

LEVELS = (2.0**-46, 2.0**-41, 2.0**-36, 2.0**-31, 2.0**-26, 2.0**-22, LOOSEST)
"""Residuals at which lines are judged: from 64 roundings to double precision to what scaling or a detour
over single precision leaves of it."""

STRAIGHT = 16.0
"""Distance of the outer rows over the root of a level: a curve of curvature c is straight to a level L
over a distance of sqrt(8 L / c)."""

DIRECTION, ASIDE = 1e-7, 1e-5
"""Angles up to which lines have one direction, and distances, in spreads, from which they are two lines."""

INFORMATIVE = 50.0
"""Roundings by which rows must differ in a feature for it to count."""


WIDE = 0.1
"""Surprisal, over that at the precision where it is greatest, from which another precision is as good."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Three rows on a line each, one of them the row in question.

    Attributes
    ----------
    triples : Triples
        The rows in order.
    row : ndarray of int64, shape (t,)
        The one of the three in question.
    telling : ndarray of int64, shape (k,)
        Features of which none follows from the others.
    tied : ndarray of bool, shape (t, k)
        Values of that row that are no news: others have them, or they stand on a grid.
    relations : ndarray of float64, shape (r, d)
        Linear relations that all rows of the class obey, as vectors over the features.
    """

    triples: Triples
    row: Numbers
    telling: Numbers
    tied: Masks
    relations: Floats

    def only(self, kept: Masks) -> Lines:
        """Return some of the lines."""
        return Lines(self.triples.only(kept), self.row[kept], self.telling, self.tied[kept], self.relations)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Lines at the level where they surprise most.

    Attributes
    ----------
    triples : Triples
        The lines that count.
    row : ndarray of int64, shape (t,)
        The row in question.
    log2 : ndarray of float64, shape (t,)
        Log2 of the probability of each by chance.
    """

    triples: Triples
    row: Numbers
    log2: Floats

    def only(self, kept: Masks) -> Judged:
        """Return some of the lines."""
        return Judged(self.triples.only(kept), self.row[kept], self.log2[kept])


def parallel(field: Field, triples: Triples, telling: Numbers) -> tuple[Masks, int]:
    """Return which lines in two features have another beside them in the same direction, and the other directions.

    Two pairs of rows drawn from two continuous features are never parallel. Rows that share a value, turned
    by a rotation, are, and rows whose features differ by one of a few constants, as logarithms of products
    do: there a line is no coincidence.

    Parameters
    ----------
    field : Field
        The rows.
    triples : Triples
        Lines among them.
    telling : ndarray of int64, shape (2,)
        The features.

    Returns
    -------
    shared : ndarray of bool, shape (t,)
    lone : int
        Directions of the lines that are not.
    """
    first, last = (field.rows[at][:, telling] / field.spread[telling] for at in (triples.low, triples.high))
    across = last - first
    angle = np.arctan2(across[:, 1], across[:, 0]) % np.pi
    angle = np.where(angle > np.pi - DIRECTION, angle - np.pi, angle)
    aside = first[:, 1] * np.cos(angle) - first[:, 0] * np.sin(angle)
    order = np.argsort(angle, kind="stable")
    group = np.cumsum(np.diff(angle[order], prepend=-np.inf) > DIRECTION) - 1
    least, most = np.full(order.size, np.inf), np.full(order.size, -np.inf)
    np.minimum.at(least, group, aside[order])
    np.maximum.at(most, group, aside[order])
    shared = np.zeros(order.size, dtype=bool)
    shared[order] = (most - least)[group] > ASIDE
    return shared, int(np.unique(group[~shared[order]]).size)


def judged(field: Field, lines: Lines, tried: float) -> Judged:
    """Return the lines that chance, grids, filled gaps and smooth curves do not explain.

    The null is that the features of a row say nothing of each other once one of them has told where on the
    line it would be. Lines are judged at several precisions; of those where they surprise most, or a tenth as
    much, the one counts that finds most rows.

    Parameters
    ----------
    field : Field
        The rows.
    lines : Lines
        Lines among them.
    tried : float
        Triples looked at.
    """
    none = lines.only(np.zeros(lines.row.size, dtype=bool))
    told, bits = [Judged(none.triples, none.row, np.zeros(0))], [0.0]
    for level in LEVELS:
        triples = lines.triples
        within = 4 * level / np.maximum(triples.sharpness, 1e-300)
        kept = (triples.residual <= level) & (triples.sharpness >= STRAIGHT * math.sqrt(level))
        some = lines.only(kept & ~near_fraction(triples.position, within))
        log2 = _log2_probability(field, some, level)
        bits.append(surprise(log2, tried))
        some = some.only(log2 < 0)
        told.append(Judged(some.triples, some.row, log2[log2 < 0]))
    wide = [k for k, surprisal in enumerate(bits) if surprisal >= WIDE * max(bits)]
    return told[max(wide, key=lambda k: np.unique(told[k].row).size)]


def _log2_probability(field: Field, lines: Lines, level: float) -> Floats:
    """Return log2 of the probability that a row is on a line by chance, given one feature of it; 0: not told.

    In each feature the value falls within the rounding of the one value on the line, out of a range as
    wide as the distance of the two rows that are nearest to each other. The feature that tells most is
    spent on where on the line the row is.
    """
    triples, row, rows = lines.triples, lines.row, field.rows
    total, count, most = (np.zeros(row.size) for _ in range(3))
    for k, j in enumerate(lines.telling.tolist()):
        a, b, m, r = (rows[at, j] for at in (triples.low, triples.high, triples.middle, row))
        top = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.abs(m))
        rounding = 2 * level * (top + field.size[j])
        apart = np.abs(b - a) * triples.nearer
        met = (r == a).astype(int) + (r == b) + (r == m)
        told = (apart > INFORMATIVE * rounding) & ~lines.tied[:, k] & (met == 1)
        share = rounding / np.where(told, apart, np.inf)
        bits = np.where(told, -np.log2(np.clip(share, 1e-300, 1.0)), 0.0)
        total, count, most = total + bits, count + told, np.maximum(most, bits)
    free = _free(field, lines)
    share = np.minimum(1.0, free / np.maximum(count, 1))
    return np.where(np.minimum(count, free) >= 2, share * (most - total), 0.0)


def _free(field: Field, lines: Lines) -> Floats:
    """Return in how many features that vary along each line rows may differ freely, shape (t,).

    Of shares that sum to one, two vary where the others are zero, and the second follows from the first.
    """
    low, high = field.rows[lines.triples.low], field.rows[lines.triples.high]
    varying = low != high
    if not lines.relations.size or not varying.size:
        return np.full(lines.row.size, np.inf)
    kinds, kind = np.unique(varying, axis=0, return_inverse=True)
    free = [float(some.sum() - _rank(lines.relations[:, some])) for some in kinds]
    return np.asarray(free)[kind.ravel()]


def _rank(vectors: Floats) -> int:
    """Return the rank of unit vectors cut to some features, those with a part of a thousandth counted."""
    return int(np.linalg.matrix_rank(vectors, tol=1e-3)) if vectors.size else 0


def surprise(log2: Floats, tried: float, choices: int = 1) -> float:
    """Return the bits by which some events are more than chance, of `tried` that had these probabilities.

    For the k least likely, Chernoff's bound on k or more events with a mean of `tried` times the largest
    of their probabilities; the best k, corrected for having chosen it, and them among `choices`.

    Examples
    --------
    >>> round(surprise(np.array([-20.0, -20.0]), 2.0**10)), surprise(np.array([-5.0]), 2.0**10)
    (18, 0.0)
    """
    ordered = np.sort(log2[log2 < 0])
    if not ordered.size:
        return 0.0
    k = np.arange(1, ordered.size + 1)
    mean = math.log2(tried) + ordered
    bits = k * (np.log2(k) - mean - math.log2(math.e)) + 2.0 ** np.minimum(mean, 60) * math.log2(math.e)
    return max(0.0, float(np.where(mean < np.log2(k), bits, 0.0).max()) - math.log2(ordered.size * choices))
