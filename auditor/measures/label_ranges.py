"""Which values of labels a Keras loss takes, and what it makes of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.losses import BINARY_LOSSES, ONE_HOT_LOSSES, SPARSE_LOSSES, Loss
from auditor.measures.outlets import finite
from auditor.measures.phrases import joined
from auditor.sources.arrays import Array

ROUNDING = 1e-3
"""How far beyond its range a label may lie: what float16 leaves of a sum or a division."""

SUM_ROUNDING = 1e-2
"""How far from 1 the sum of a row may lie: what float16 leaves of a distribution over many classes."""


@dataclass(frozen=True, slots=True, eq=False)
class Misfit:
    """Labels that a loss does not take.

    Attributes
    ----------
    rows : ndarray of bool, shape (n,)
        Rows with at least one such label.
    share : float
        Share of all labels.
    found : str
        What they are, to follow "y holds".
    effect : str
        What the loss makes of them.
    fix, code : str
        How to mend them.
    excess : float
        How far they lie beyond the range.
    """

    rows: NDArray[np.bool_]
    share: float
    found: str
    effect: str
    fix: str
    code: str
    excess: float = np.inf


def misfit(loss: Loss, labels: Array, units: int | None) -> Misfit | None:
    """Return what is wrong with labels under a loss; None where nothing is.

    Labels have the shape that the loss takes; NaN and infinity are left to other rules.
    """
    if labels.dtype.kind == "U":
        return _text(loss, labels)
    if loss.name in SPARSE_LOSSES:
        return _class_numbers(loss, labels, units)
    if loss.name in ONE_HOT_LOSSES:
        return _distributions(labels if labels.ndim > 1 else labels[:, None])
    if loss.name in BINARY_LOSSES or loss.name == "kl_divergence":
        return _probabilities(loss, labels)
    if loss.name in {"hinge", "squared_hinge", "categorical_hinge"}:
        return _signs(loss, labels)
    if loss.name in {"poisson", "mean_squared_logarithmic_error"}:
        return _counts(loss, labels)
    return _percentages(labels) if loss.name == "mean_absolute_percentage_error" else None


def values_shown(values: Array) -> str:
    """Return the distinct values of labels for a sentence: all if they are few, else their range.

    Examples
    --------
    >>> values_shown(np.array([1, -1, 1])), values_shown(np.linspace(0, 5, 9))
    ('-1 and 1', '0 to 5')
    """
    distinct = np.unique(values)
    if distinct.size > 4:
        return f"{distinct[0]:.4g} to {distinct[-1]:.4g}"
    return joined(f"{value:.4g}" for value in distinct.astype(np.float64))


def _made(
    wrong: NDArray[Any], found: str, effect: str, fix: str, code: str, *, excess: float = np.inf
) -> Misfit | None:
    if not wrong.any():
        return None
    rows: NDArray[np.bool_] = np.any(wrong.reshape(wrong.shape[0], -1), axis=1)
    return Misfit(rows, float(wrong.mean()), found, effect, fix, code, excess)


def _text(loss: Loss, labels: Array) -> Misfit | None:
    wrong = np.ones(labels.shape, dtype=bool)
    sparse = (
        ""
        if loss.name in SPARSE_LOSSES
        else "\n# then as the loss wants them, e.g. keras.utils.to_categorical(y_train)"
    )
    return _made(
        wrong,
        "text",
        "Keras takes numbers only, and fit raises ValueError",
        "Number the classes.",
        "classes, y_train = np.unique(y_train, return_inverse=True)\n"
        f"y_val = np.searchsorted(classes, y_val){sparse}",
    )


def _class_numbers(loss: Loss, labels: Array, units: int | None) -> Misfit | None:
    known = np.isfinite(labels) if labels.dtype.kind == "f" else np.ones(labels.shape, dtype=bool)
    if loss.ignored is not None:
        known &= labels != loss.ignored
    if not known.any():
        return None
    return _fractions(labels, known) or _negative(labels, known) or _from_one(labels, known, units)


def _fractions(labels: Array, known: NDArray[np.bool_]) -> Misfit | None:
    if labels.dtype.kind != "f":
        return None
    whole = np.trunc(labels)
    cut = known & (labels != whole)
    zeros = float((whole[known] == 0).mean())
    return _made(
        cut,
        f"fractions ({values_shown(labels[cut][:1000])})",
        f"Keras cuts them to whole class numbers, so that {zeros:.0%} of all labels become class 0, which is all that is learnt",
        "Pass the numbers of the classes; for a quantity take an output and a loss for quantities.",
        "y = np.rint(y * scale).astype(int)  # in every split; undo what scaled the labels",
    )


def _negative(labels: Array, known: NDArray[np.bool_]) -> Misfit | None:
    wrong = known & (labels < 0)
    shown = values_shown(labels[wrong][:1000])
    return _made(
        wrong,
        f"negative class numbers ({shown})",
        "fit raises an error, or its loss is NaN where the step is compiled",
        "Number the classes from 0, or name the class that does not count.",
        "classes, y_train = np.unique(y_train, return_inverse=True)\n"
        f"# or: keras.losses.SparseCategoricalCrossentropy(ignore_class={shown.split(' ')[0]})",
    )


def _from_one(labels: Array, known: NDArray[np.bool_], units: int | None) -> Misfit | None:
    values = labels[known]
    if units is None or values.min() != 1 or values.max() != units:
        return None
    return _made(
        known & (labels == units),
        f"classes numbered from 1 to {units}",
        f"{units} units stand for the classes 0 to {units - 1}, and fit raises an error, or its loss is NaN where the step "
        "is compiled",
        "Number the classes from 0.",
        "y_train, y_val = y_train - 1, y_val - 1",
    )


def _distributions(labels: Array) -> Misfit | None:
    sums = labels.sum(axis=-1, dtype=np.float64)
    known = np.isfinite(sums)
    padded = sums == 0  # padded steps, and rows that shall not count
    wrong = known & ~padded & ((np.abs(sums - 1) > SUM_ROUNDING) | (labels.min(axis=-1) < 0))
    if not wrong.any():
        return None
    hot = float((labels[wrong] != 0).sum(axis=-1).mean())
    return _made(
        wrong,
        f"rows that sum to {values_shown(sums[wrong][:1000])} ({hot:.3g} classes a row)",
        "softmax shares out a probability of 1 among the classes and can never reach such labels, so that the loss "
        "grows instead of falling",
        "Where a row may have several classes, let each unit say yes or no.",
        f'model.add(keras.layers.Dense({labels.shape[-1]}, activation="sigmoid"))  # as the last layer\n'
        'model.compile(loss="binary_crossentropy")',
    )


def _probabilities(loss: Loss, labels: Array) -> Misfit | None:
    if labels.dtype.kind == "b":
        return None
    with np.errstate(invalid="ignore"):
        wrong = np.isfinite(labels) & ((labels < -ROUNDING) | (labels > 1 + ROUNDING))
    if not wrong.any():
        return None
    values = finite(labels)
    effect = (
        f"{loss.label} of a label beyond [0, 1] falls without bound, below zero and on, while the output runs to 0 or 1"
        if loss.name in BINARY_LOSSES
        else f"{loss.label} cuts them to [0, 1]"
    )
    fix, code = _to_probabilities(np.unique(values[:100_000]))
    excess = float(max(values.max() - 1.0, -values.min()))
    return _made(wrong, f"values beyond [0, 1] ({values_shown(values)})", effect, fix, code, excess=excess)


def _to_probabilities(distinct: Array) -> tuple[str, str]:
    low, high = float(distinct[0]), float(distinct[-1])
    if distinct.size <= 2:
        change = {(-1.0, 1.0): "(y + 1) / 2", (1.0, 2.0): "y - 1"}.get(
            (low, high), f"(y == {high:g}).astype('float32')"
        )
        return "Write the two classes as 0 and 1.", f"y = {change}  # in every split"
    if np.array_equal(distinct, np.rint(distinct)) and low == 0 and high < 100:
        code = (
            f'model.add(keras.layers.Dense({int(high) + 1}, activation="softmax"))  # as the last layer\n'
            'model.compile(loss="sparse_categorical_crossentropy")'
        )
        return "For more than two classes take one unit a class and the loss for class numbers.", code
    code = (
        f"y = (y - {low:g}) / {high - low:g}  # in every split\n"
        '# or: Dense(1) as the last layer, with loss="mean_squared_error"'
    )
    return "Bring the labels to [0, 1], or take a loss for quantities.", code


def _signs(loss: Loss, labels: Array) -> Misfit | None:
    if labels.dtype.kind == "b":
        return None
    values = finite(labels)
    distinct = np.unique(values)
    if np.isin(distinct, (-1, 1)).all() or np.isin(distinct, (0, 1)).all():
        return None
    wrong = np.isfinite(labels) & ~np.isin(labels, (-1, 1))
    return _made(
        wrong,
        f"the values {values_shown(values)}",
        f"{loss.label} wants -1 and 1, or 0 and 1, and multiplies by whatever else it gets",
        "Write the two classes as -1 and 1.",
        f"y = np.where(y == {float(distinct[-1]):g}, 1, -1)  # in every split",
    )


def _counts(loss: Loss, labels: Array) -> Misfit | None:
    if labels.dtype.kind in "ub":
        return None
    with np.errstate(invalid="ignore"):
        wrong = np.isfinite(labels) & (labels < 0)
    effect = (
        "the loss is least where the output is 0, whatever the label"
        if loss.name == "poisson"
        else "the loss takes them for 0, so that nothing is learnt of them"
    )
    return _made(
        wrong,
        "values below 0",
        effect,
        "Take a loss that allows any number, or labels that are counts.",
        'model.compile(loss="mean_squared_error")',
        excess=float(-finite(labels).min()) if wrong.any() else 0.0,
    )


def _percentages(labels: Array) -> Misfit | None:
    wrong = np.abs(labels) < 1e-7
    return _made(
        np.asarray(wrong),
        "zeros",
        "the error is divided by the label, and by 1e-7 where that is 0: these rows outweigh all others by a factor of "
        "millions",
        "Take a loss that does not divide by the label.",
        'model.compile(loss="mean_absolute_error")',
    )
