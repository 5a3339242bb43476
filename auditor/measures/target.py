"""What the labels are: how each split writes them, and one common set of class ids."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._finding import Scalar

FEW_CLASSES = 20
"""Up to this many distinct whole numbers are taken as classes whatever their spacing."""

MANY_CLASSES = 10_000
"""Beyond this many distinct whole numbers, labels are taken as quantities."""

MOSTLY_EXCLUSIVE = 0.9
"""Share of rows with exactly one 1 from which columns of 0 and 1 are taken as one-hot.

Under independent labels, one a row on average, the share is at most 0.5; labels that exclude each
other this strongly are classes, and the remaining rows are faults.
"""

MOSTLY_WHOLE = 0.95
"""Share of whole numbers from which the fractions among them are taken as faults."""


class Encoding(enum.StrEnum):
    """How a split writes its labels."""

    TEXT = "text"
    BOOLEAN = "booleans"
    INTEGER = "whole numbers"
    ONE_HOT = "one-hot"
    SMOOTHED = "smoothed one-hot"
    MULTI_HOT = "multi-hot"
    REAL = "real numbers"
    VECTOR = "vectors of real numbers"


_NUMBERS = {Encoding.BOOLEAN, Encoding.INTEGER, Encoding.REAL}
_ONE_HOTS = {Encoding.ONE_HOT, Encoding.SMOOTHED}


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Labels of all splits on common ground.

    Attributes
    ----------
    encodings : mapping of str to Encoding
        By split, those with one label per row.
    is_classes : bool
        Whether the labels name classes; else they are quantities.
    classes : tuple of Scalar
        The distinct labels over all splits, sorted; empty for quantities. For one-hot labels, the
        numbers of the columns that occur.
    codes : mapping of str to ndarray of int64, shape (n,)
        Positions in `classes`, -1 where the label is missing or no class (a fraction among whole
        numbers, a one-hot row without exactly one 1); empty for quantities. Splits whose encoding
        differs from train's are left out.
    values : mapping of str to ndarray of float64, shape (n,)
        One number per row, for quantities with one column.
    """

    encodings: Mapping[str, Encoding]
    is_classes: bool
    classes: tuple[Scalar, ...]
    codes: Mapping[str, NDArray[np.int64]]
    values: Mapping[str, NDArray[np.float64]]

    def counts(self, split: str) -> NDArray[np.int64]:
        """Rows of each class in a split, shape (n_classes,)."""
        codes = self.codes[split]
        return np.bincount(codes[codes >= 0], minlength=len(self.classes))


def target(case: Case) -> Target:
    """Product: the labels of all splits that have one for every row."""
    labels = {s.name: squeezed(s.aligned_y) for s in case if s.aligned_y is not None}
    encodings = _joint_encodings(labels)
    full = [name for name, y in labels.items() if y.size]
    lead = next(iter(full or labels), None)
    if lead is None:
        return Target({}, False, (), {}, {})
    same = {name: y for name, y in labels.items() if _alike(name, lead, labels, encodings)}
    same |= {name: labels[lead][:0] for name, y in labels.items() if not len(y)}
    kind = encodings[lead]
    if kind in {Encoding.TEXT, Encoding.BOOLEAN} or kind in _ONE_HOTS:
        return Target(encodings, True, *_joint_codes({n: _class_ids(y) for n, y in same.items()}), {})
    if kind is Encoding.INTEGER:
        whole = {n: y for n, y in same.items() if encodings[n] is not Encoding.REAL}
        if _many_of_each(labels[lead]) or whole_numbers_are_classes(list(whole.values())):
            return Target(encodings, True, *_joint_codes(whole), {})
    values = {n: y.astype(np.float64) for n, y in same.items() if y.ndim == 1 and y.dtype.kind in "iufb"}
    return Target(encodings, False, (), {}, values)


def squeezed(y: NDArray[Any] | None) -> NDArray[Any]:
    """Return labels without axes of length 1, the rows' apart.

    Examples
    --------
    >>> squeezed(np.zeros((3, 1))).shape, squeezed(np.zeros((3, 1, 2))).shape
    ((3,), (3, 2))
    """
    assert y is not None  # noqa: S101 - narrowed by the caller
    return y.reshape(y.shape[0], *(length for length in y.shape[1:] if length != 1))


def label_encoding(y: NDArray[Any]) -> Encoding:
    """Return how one array of labels is written.

    Examples
    --------
    >>> label_encoding(np.eye(3)).value, label_encoding(np.array([0.0, 2.0])).value
    ('one-hot', 'whole numbers')
    """
    if y.dtype.kind == "U":
        return Encoding.TEXT
    if y.ndim >= 2:
        return _vector_encoding(y)
    if y.dtype.kind == "b":
        return Encoding.BOOLEAN
    if y.dtype.kind in "iu":
        return Encoding.INTEGER
    finite = y[np.isfinite(y)].astype(np.float64)
    if not finite.size:
        return Encoding.REAL
    whole = is_whole(finite)
    if whole.all():
        return Encoding.INTEGER
    classes = whole.mean() >= MOSTLY_WHOLE and np.unique(finite[whole]).size >= 2
    return Encoding.INTEGER if classes and whole_numbers_are_classes([finite[whole]]) else Encoding.REAL


def is_whole(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which finite numbers are whole and small enough to be told from their neighbours."""
    if y.dtype.kind != "f":
        return np.ones(y.shape, dtype=bool)
    values = y.astype(np.float64)
    return np.asarray((values == np.rint(values)) & (np.abs(values) < 2**53))


def one_hot_rows(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows of a matrix hold exactly one 1 and otherwise 0, shape (n,)."""
    return np.asarray(((y == 0) | (y == 1)).all(axis=1) & ((y == 1).sum(axis=1) == 1))


def _smoothed_rows(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows sum to 1 with one large entry and all others equal, as label smoothing makes."""
    if y.dtype.kind != "f" or y.shape[1] < 2:
        return np.zeros(y.shape[0], dtype=bool)
    tolerance = max(1e-6, 4 * float(np.finfo(y.dtype).eps) * y.shape[1])
    values = np.sort(y.astype(np.float64), axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        level = values[:, -2] - values[:, 0] <= tolerance
        total = np.abs(values.sum(axis=1) - 1.0) <= tolerance
        return np.asarray(level & total & (values[:, 0] >= -tolerance) & (values[:, -1] > 0.5))


def _vector_encoding(y: NDArray[Any]) -> Encoding:
    if not y.size:
        return Encoding.VECTOR
    if y.ndim > 2:
        return Encoding.MULTI_HOT if bool(np.isin(y, (0, 1)).all()) else Encoding.VECTOR
    present = y[np.isfinite(y).all(axis=1)] if y.dtype.kind == "f" else y
    if not len(present):
        return Encoding.VECTOR
    exclusive = one_hot_rows(present) if y.shape[1] > 1 else np.zeros(len(present), dtype=bool)
    if exclusive.mean() >= MOSTLY_EXCLUSIVE:
        return Encoding.ONE_HOT
    if bool(((present == 0) | (present == 1)).all()):
        return Encoding.MULTI_HOT
    return Encoding.SMOOTHED if (exclusive | _smoothed_rows(present)).mean() == 1.0 else Encoding.VECTOR


def _joint_encodings(labels: Mapping[str, NDArray[Any]]) -> dict[str, Encoding]:
    """Return the encoding of every split, each in the light of the first that has rows.

    A few rows alone can mislead: real numbers that happen to be whole, labels of which no two happen
    to meet in a row.
    """
    alone = {name: label_encoding(y) for name, y in labels.items()}
    lead = next((name for name, y in labels.items() if y.size), None)
    if lead is None:
        return alone
    made = {}
    for name, y in labels.items():
        own, first = alone[name], alone[lead]
        if not y.size:
            own = first
        elif own is Encoding.INTEGER and first is Encoding.REAL:
            own = Encoding.REAL
        elif own is Encoding.REAL and first in {Encoding.INTEGER, Encoding.BOOLEAN}:
            finite = y[np.isfinite(y)] if y.dtype.kind == "f" else y
            own = Encoding.INTEGER if not finite.size or is_whole(finite).mean() > 0.5 else Encoding.REAL
        elif y.ndim == labels[lead].ndim == 2 and y.shape[1] == labels[lead].shape[1]:
            own = _like_lead(y, own, first)
        made[name] = own
    return made


def _like_lead(y: NDArray[Any], own: Encoding, first: Encoding) -> Encoding:
    if {own, first} == {Encoding.ONE_HOT, Encoding.MULTI_HOT}:
        if first is Encoding.MULTI_HOT:
            return Encoding.MULTI_HOT
        return Encoding.ONE_HOT if one_hot_rows(y).mean() > 0.5 else Encoding.MULTI_HOT
    if own is Encoding.VECTOR and first in _ONE_HOTS:
        usable = one_hot_rows(y) | _smoothed_rows(y)
        return first if usable.mean() > 0.5 else Encoding.VECTOR
    return own


def _alike(
    name: str, lead: str, labels: Mapping[str, NDArray[Any]], encodings: Mapping[str, Encoding]
) -> bool:
    """Whether two splits write their labels so that equal labels are equal values."""
    one, other = encodings[name], encodings[lead]
    if one in _NUMBERS and other in _NUMBERS:
        return True
    if labels[name].shape[1:] != labels[lead].shape[1:]:
        return False
    return one is other or (one in _ONE_HOTS and other in _ONE_HOTS)


def _class_ids(y: NDArray[Any]) -> NDArray[Any]:
    """Return one label per row: the column of the largest entry for one-hot rows, NaN for faulty ones."""
    if y.ndim == 1:
        return y
    if not y.size:
        return np.zeros(y.shape[0])
    usable = one_hot_rows(y) | _smoothed_rows(y)
    finite = np.where(np.isfinite(y), y, -1.0) if y.dtype.kind == "f" else y
    return np.where(usable, np.argmax(finite, axis=1), np.nan)


def whole_numbers_are_classes(ys: Sequence[NDArray[Any]]) -> bool:
    """Tell class ids from counts and ages.

    Class ids are few, or number their classes without gaps from 0 or 1, one stray placeholder such
    as -1 or 255 apart. Counts that are many leave gaps in their tails: where a value is expected once
    or twice, some values occur once and about as many not at all.
    """
    parts = [y[np.isfinite(y)] if y.dtype.kind == "f" else y for y in ys]
    everything = np.concatenate([part.astype(np.float64) for part in parts]) if parts else np.zeros(0)
    everything = everything[is_whole(everything)]
    if not everything.size:
        return False
    distinct, counts = np.unique(everything, return_counts=True)
    if distinct.size <= FEW_CLASSES:
        return bool(distinct.size <= 2 or distinct.size <= everything.size / 2)
    if distinct[-1] - distinct[-2] > 1:
        distinct, counts = distinct[:-1], counts[:-1]
    elif distinct[1] - distinct[0] > 1 or distinct[0] == -1:
        distinct, counts = distinct[1:], counts[1:]
    gapless = distinct[0] in (0, 1) and distinct[-1] - distinct[0] + 1 == distinct.size
    return bool(gapless and distinct.size <= MANY_CLASSES and (counts == 1).mean() < 0.05)


def _many_of_each(y: NDArray[Any]) -> bool:
    """Whether one split alone shows that its numbers name classes: ten rows of each, on average."""
    distinct = np.unique(y[np.isfinite(y)] if y.dtype.kind == "f" else y).size
    return 10 * distinct <= y.size and whole_numbers_are_classes([y])


def _joint_codes(
    labels: Mapping[str, NDArray[Any]],
) -> tuple[tuple[Scalar, ...], dict[str, NDArray[np.int64]]]:
    """Return the sorted distinct labels of all splits, and each split's positions among them."""
    plain = {name: y.astype(np.int64) if y.dtype.kind == "b" else y for name, y in labels.items()}
    known = {name: _is_label(y) for name, y in plain.items()}
    levels = np.unique(np.concatenate([y[known[name]] for name, y in plain.items()]))
    codes = {}
    for name, y in plain.items():
        codes[name] = np.full(y.shape, -1, dtype=np.int64)
        codes[name][known[name]] = np.searchsorted(levels, y[known[name]])
    if all(y.dtype.kind == "b" for y in labels.values()):
        return tuple(bool(v) for v in levels.tolist()), codes
    return tuple(int(v) if levels.dtype.kind == "f" else v for v in levels.tolist()), codes


def _is_label(y: NDArray[Any]) -> NDArray[np.bool_]:
    if y.dtype.kind == "U":
        return np.asarray(np.char.strip(y) != "")
    if y.dtype.kind == "f":
        return np.asarray(np.isfinite(y) & is_whole(y))
    return np.ones(y.shape, dtype=bool)
