"""What ``class_weight`` and ``sample_weight`` do to the rows of train, as Keras reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.copies import Copies
from auditor.measures.tails import chernoff
from auditor.sources.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class ClassWeights:
    """Class weights against the classes of train.

    Attributes
    ----------
    classes : ndarray of int64, shape (k,)
        Classes as Keras numbers them: the argmax of one-hot rows, else the rounded label.
    counts : ndarray of int64, shape (k,)
        Rows of each.
    weights : ndarray of float64, shape (k,)
        Their weights; 1 where `class_weight` has no key.
    unkeyed : ndarray of bool, shape (k,)
        Classes without a key.
    """

    classes: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64]
    unkeyed: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """Mean weight of a row: the factor on the printed training loss."""
        return float((self.weights * self.counts).sum() / max(1, int(self.counts.sum())))

    @property
    def uniform(self) -> bool:
        """Whether every class weighs the same."""
        return bool(self.weights.max() <= self.weights.min() * (1 + 1e-6))


def class_ids(labels: Array) -> NDArray[np.int64] | None:
    """Return the class of each row as Keras finds it for ``class_weight``; None for text or no number.

    Examples
    --------
    >>> class_ids(np.eye(3)[[2, 0]]), class_ids(np.array([[1.0], [0.0]]))
    (array([2, 0]), array([1, 0]))
    """
    if labels.dtype.kind not in "iufb" or not labels.size:
        return None
    if labels.ndim > 1:
        labels = labels.argmax(axis=-1) if labels.shape[-1] != 1 else labels[..., 0]
    if labels.ndim != 1 or (labels.dtype.kind == "f" and not np.isfinite(labels).all()):
        return None
    return np.round(labels).astype(np.int64) if labels.dtype.kind == "f" else labels.astype(np.int64)


def class_weights(labels: Array, given: Mapping[Any, float]) -> ClassWeights | None:
    """Return what `given` makes of the classes of train; None where there are no class numbers."""
    ids = class_ids(labels)
    if ids is None:
        return None
    classes, counts = np.unique(ids, return_counts=True)
    weights = np.array([float(given.get(int(c), 1.0)) for c in classes])
    unkeyed = np.array([int(c) not in given for c in classes])
    return ClassWeights(classes, counts, weights, unkeyed)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows of one class that repeat an earlier train row, and how that compares with the other classes.

    `p_value` bounds the probability that as large a part of all repeats falls on this class, were rows
    repeated whatever their class.
    """

    share: float
    others: float
    p_value: float


def repeats_of_class(found: Copies, ids: NDArray[np.int64], one: int) -> Repeats:
    """Return the repeats of class `one` among the rows of train, whose classes are `ids`."""
    first = found.first[found.rows("train")]
    later = np.arange(first.size) + found.rows("train").start != first
    later &= ~found.blank[found.rows("train")]
    classes, inverse = np.unique(ids, return_inverse=True)
    counts, repeats = np.bincount(inverse), np.bincount(inverse, weights=later)
    shares, mine = repeats / counts, classes == one
    total = int(repeats.sum())
    p_value = (
        chernoff(float(repeats[mine][0]) / total, float(counts[mine][0]) / ids.size, total) if total else 1.0
    )
    return Repeats(float(shares[mine][0]), float(shares[~mine].max(initial=0.0)), p_value)
