"""What a metric of a compiled model says of its labels: how it reads them, and what a constant guess scores."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from auditor.measures.losses import BINARY_LOSSES, CROSSENTROPIES, DISTANCES, Metric
from auditor.measures.outlets import Match, finite
from auditor.sources.arrays import Array

THRESHOLDED = frozenset(
    {
        "binary_accuracy", "precision", "recall", "true_positives", "true_negatives", "false_positives",
        "false_negatives", "auc", "f1_score", "f_beta_score",
    }
)  # fmt: skip
"""Metrics that want one yes or no per output."""


class Reading(enum.Enum):
    """How a metric misreads what it is given."""

    SHAPES = "labels and outputs differ in shape"
    LOGITS = "a threshold for probabilities on logits"
    PROBABILITIES = "a threshold for logits on probabilities"
    ONE_HOT = "each column of a one-hot row counts"
    CODES = "labels other than 0 and 1"
    CLASS_NUMBERS = "class numbers taken for columns"
    EXACT = "outputs equal to their labels are counted"
    QUANTITIES = "accuracy of quantities"
    MAJORITY = "a constant guess scores as well"


@dataclass(frozen=True, slots=True)
class Score:
    """A misreading, and what a constant guess scores, where that is known."""

    reading: Reading
    metric: str
    guess: float | None = None


def resolved(metric: Metric, match: Match, labels: Array) -> str:
    """Return the metric that Keras takes for the name "accuracy"."""
    if metric.name != "accuracy" or match.outlet.shape is None:
        return metric.name
    if match.units == 1:
        return "binary_accuracy"
    sparse = labels.ndim < len(match.outlet.shape) + 1 or labels.shape[-1] == 1
    return "sparse_categorical_accuracy" if sparse else "categorical_accuracy"


def misread(metric: Metric, match: Match) -> Score | None:
    """Return how a metric misreads the labels of train; None where it reads them well."""
    labels = match.labels.get("train")
    if (
        labels is None
        or labels.dtype.kind not in "iufb"
        or match.outlet.shape is None
        or not finite(labels).size
    ):
        return None
    name = resolved(metric, match, labels)
    ids = labels.ndim <= len(match.outlet.shape) or labels.shape[-1] == 1
    several = match.units is not None and match.units > 1
    reading = _by_shape(name, ids=ids, several=several) or _by_value(
        name, metric, match, labels, several=several
    )
    if reading is not None:
        guess = _binary_guess(labels) if reading is Reading.ONE_HOT else None
        return Score(reading, name, guess)
    guess = (
        _majority(labels, ids=ids)
        if name.endswith("accuracy") and match.loss.name in CROSSENTROPIES
        else None
    )
    return None if guess is None else Score(Reading.MAJORITY, name, guess)


def _by_shape(name: str, *, ids: bool, several: bool) -> Reading | None:
    if not several:
        return None
    if name in THRESHOLDED and ids:
        return Reading.SHAPES
    if name == "categorical_accuracy" and ids:
        return Reading.CLASS_NUMBERS
    if name in {"sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"} and not ids:
        return Reading.SHAPES
    return None


def _by_value(name: str, metric: Metric, match: Match, labels: Array, *, several: bool) -> Reading | None:
    head, loss = match.outlet.head, match.loss
    values = finite(labels)
    if name == "exact_accuracy" and loss.name in CROSSENTROPIES:
        return Reading.EXACT
    if name.endswith("accuracy") and loss.name in DISTANCES and (values != np.rint(values)).any():
        return Reading.QUANTITIES
    if name == "binary_accuracy" and not np.isin(values, (0, 1)).all() and (values == np.rint(values)).all():
        return Reading.CODES
    if name in THRESHOLDED and loss.name in BINARY_LOSSES and head.activation:
        threshold = 0.5 if metric.threshold is None and name == "binary_accuracy" else metric.threshold
        outside = head.low < 0 or head.high > 1
        if outside and loss.from_logits and not metric.from_logits and threshold != 0:
            return Reading.LOGITS
        if not outside and threshold is not None and threshold <= 0:
            return Reading.PROBABILITIES
    rows = labels.reshape(-1, labels.shape[-1]) if several and labels.ndim > 1 else None
    if name == "binary_accuracy" and rows is not None and rows.shape[1] > 2:
        one_hot = np.isin(values, (0, 1)).all() and (rows.sum(axis=1) == 1).all()
        return Reading.ONE_HOT if one_hot else None
    return None


def _binary_guess(labels: Array) -> float:
    """Return the share of entries that a guess of the same answer for every column gets right."""
    share = float(finite(labels).astype(np.float64).mean())
    return max(share, 1 - share)


def _majority(labels: Array, *, ids: bool) -> float | None:
    """Return the share of the commonest class; None where labels are no classes."""
    if labels.dtype.kind == "f" and (finite(labels) != np.rint(finite(labels))).any():
        return None
    classes = finite(labels) if ids else labels.argmax(axis=-1).ravel()
    _, counts = np.unique(classes, return_counts=True)
    return float(counts.max() / counts.sum())
