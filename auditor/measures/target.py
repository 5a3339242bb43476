"""What the labels are: how each split encodes them, and one common set of class ids."""

from __future__ import annotations

import enum
from collections.abc import Mapping
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


class Encoding(enum.StrEnum):
    """How a split writes its labels."""

    TEXT = "text"
    BOOLEAN = "booleans"
    INTEGER = "whole numbers"
    ONE_HOT = "one-hot"
    MULTI_HOT = "multi-hot"
    REAL = "real numbers"
    VECTOR = "vectors of real numbers"


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
        The distinct labels over all splits, sorted; empty for quantities.
    codes : mapping of str to ndarray of int64, shape (n,)
        Positions in `classes`, -1 where the label is missing; empty for quantities. Splits whose
        encoding differs from train's are left out.
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
    labels = {split.name: _squeezed(split.aligned_y) for split in case if split.aligned_y is not None}
    encodings = {name: label_encoding(y) for name, y in labels.items()}
    lead = encodings.get("train", next(iter(encodings.values()), None))
    same = {name: y for name, y in labels.items() if encodings[name] == lead}
    if lead in {Encoding.TEXT, Encoding.BOOLEAN, Encoding.ONE_HOT, Encoding.INTEGER}:
        flat = {name: np.argmax(y, axis=1) if lead is Encoding.ONE_HOT else y for name, y in same.items()}
        if lead is not Encoding.INTEGER or _whole_numbers_are_classes(list(flat.values())):
            classes, codes = _joint_codes(flat)
            return Target(encodings, True, classes, codes, {})
    values = {n: y.astype(np.float64) for n, y in same.items() if y.ndim == 1 and y.dtype.kind in "iufb"}
    return Target(encodings, False, (), {}, values)


def label_encoding(y: NDArray[Any]) -> Encoding:
    """Return how labels are written.

    Examples
    --------
    >>> label_encoding(np.eye(3)).value, label_encoding(np.array([0.0, 2.0])).value
    ('one-hot', 'whole numbers')
    """
    if y.dtype.kind == "U":
        return Encoding.TEXT
    if y.ndim >= 2:
        return _vector_encoding(y.reshape(y.shape[0], -1))
    if y.dtype.kind == "b":
        return Encoding.BOOLEAN
    if y.dtype.kind in "iu":
        return Encoding.INTEGER
    finite = y[np.isfinite(y)]
    whole = finite.size > 0 and np.array_equal(finite, np.rint(finite)) and np.abs(finite).max() < 2**53
    return Encoding.INTEGER if whole and np.unique(finite).size <= FEW_CLASSES else Encoding.REAL


def _vector_encoding(y: NDArray[Any]) -> Encoding:
    finite = y[np.isfinite(y).all(axis=1)] if y.dtype.kind == "f" else y
    if not finite.size or not np.isin(finite, (0, 1)).all():
        return Encoding.VECTOR
    exclusive = (finite.astype(np.int64).sum(axis=1) == 1).mean()
    return Encoding.ONE_HOT if exclusive > 0.5 and y.shape[1] > 1 else Encoding.MULTI_HOT


def _squeezed(y: NDArray[Any] | None) -> NDArray[Any]:
    assert y is not None  # noqa: S101 - narrowed by the caller
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _whole_numbers_are_classes(ys: list[NDArray[Any]]) -> bool:
    """Tell class ids from counts and ages.

    Class ids are few, or number their classes without gaps from 0 or 1 and give each class several
    rows; quantities that happen to be whole leave gaps and rare values in their tails.
    """
    everything = np.concatenate([y[np.isfinite(y)] if y.dtype.kind == "f" else y for y in ys])
    if not everything.size:
        return False
    distinct, counts = np.unique(everything, return_counts=True)
    if distinct.size <= FEW_CLASSES:
        return distinct.size <= 2 or distinct.size <= everything.size / 2
    gapless = distinct[0] in (0, 1) and int(distinct[-1]) - int(distinct[0]) + 1 == distinct.size
    return bool(gapless and distinct.size <= MANY_CLASSES and (counts == 1).mean() < 0.05)


def _joint_codes(
    labels: Mapping[str, NDArray[Any]],
) -> tuple[tuple[Scalar, ...], dict[str, NDArray[np.int64]]]:
    known = {}
    for name, y in labels.items():
        known[name] = (
            np.isfinite(y)
            if y.dtype.kind == "f"
            else (y != "" if y.dtype.kind == "U" else np.ones(y.shape, bool))
        )
    levels = np.unique(np.concatenate([y[known[name]] for name, y in labels.items()]))
    codes = {}
    for name, y in labels.items():
        codes[name] = np.full(y.shape, -1, dtype=np.int64)
        codes[name][known[name]] = np.searchsorted(levels, y[known[name]])
    whole = levels.dtype.kind == "f"
    return tuple(int(v) if whole else v for v in levels.tolist()), codes
