"""Labels that are none: missing, infinite, fractions among class ids, placeholders, broken one-hot rows."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._finding import Scalar, plain
from auditor.measures.target import Encoding, Target, is_whole, one_hot_rows, squeezed

MISSING_TEXTS = ("nan", "NaN", "NaT", "<NA>")
"""What missing values become when they are cast to text."""

PLACEHOLDERS = (
    *(-1, -9, -99, -100, -999, -9999, 99, 255, 999, 9999, 65535),
    *(2**31 - 1, 2**32 - 1, 2**64 - 1, -(2**31), -(2**63)),
)
"""Numbers customarily written where a label is unknown, ignored or void, and -1 in unsigned types."""

RARE_PLACEHOLDER = 0.02
"""Share of rows below which -1 beside 0 and 1 is taken for a placeholder: {-1, 0, 1} can be classes."""

RARE_FAULTS = 0.01
"""Share of rows up to which one-hot labels that are broken in every split are still taken for faults."""


class FaultKind(enum.StrEnum):
    """What is wrong with a label."""

    MISSING = "missing"
    INFINITE = "infinite"
    FRACTION = "a fraction among whole class ids"
    PLACEHOLDER = "a placeholder among class ids"
    NO_CLASS = "a one-hot row without a 1"
    BROKEN_ROW = "a one-hot row that does not sum to 1"


@dataclass(frozen=True, slots=True, eq=False)
class LabelFault:
    """One kind of fault in the labels of one split.

    Attributes
    ----------
    kind : FaultKind
        What is wrong.
    rows : ndarray of bool, shape (n,)
        Where.
    shown : tuple of Scalar
        Up to five of the distinct offending labels.
    certain : bool
        False where the labels may be meant: masked entries of several targets, half points of a
        rating, multi-label rows among one-hot ones.
    """

    kind: FaultKind
    rows: NDArray[np.bool_]
    shown: tuple[Scalar, ...]
    certain: bool = True


def label_faults(case: Case, labels: Target) -> Mapping[str, tuple[LabelFault, ...]]:
    """Product: the faults in the labels of every split that has one label per row."""
    ys = {split.name: squeezed(split.aligned_y) for split in case if split.aligned_y is not None}
    placeholders = _placeholders(labels)
    return {name: tuple(_faults(name, y, ys, labels, placeholders)) for name, y in ys.items()}


def faulty_rows(faults: tuple[LabelFault, ...], n: int) -> NDArray[np.bool_]:
    """Return which rows have any fault, shape (n,)."""
    rows = np.zeros(n, dtype=bool)
    for fault in faults:
        rows |= fault.rows
    return rows


def _faults(
    name: str,
    y: NDArray[Any],
    ys: Mapping[str, NDArray[Any]],
    labels: Target,
    placeholders: Mapping[Scalar, bool],
) -> Iterator[LabelFault]:
    yield from _missing(y, labels.encodings[name])
    if y.ndim == 1 and y.dtype.kind == "f" and labels.is_classes and name in labels.codes:
        yield from _fractions(y)
    if y.ndim == 1 and name in labels.codes:
        for value, certain in placeholders.items():
            rows = labels.codes[name] == labels.classes.index(value)
            if rows.any():
                yield LabelFault(FaultKind.PLACEHOLDER, rows, (value,), certain)
    if y.ndim == 1 and name in labels.values:
        yield from _outlying_placeholder(labels.values[name])
    if labels.encodings[name] is Encoding.ONE_HOT:
        yield from _broken_rows(name, y, ys, labels)


def _missing(y: NDArray[Any], encoding: Encoding) -> Iterator[LabelFault]:
    if encoding is Encoding.TEXT:
        stripped = np.char.strip(y)
        rows = (stripped == "") | np.isin(stripped, MISSING_TEXTS)
        if rows.any():
            yield LabelFault(FaultKind.MISSING, rows, tuple(np.unique(y[rows])[:5].tolist()))
        return
    if y.dtype.kind != "f" or not y.size:
        return
    flat = y.reshape(y.shape[0], -1)
    nan, infinite = np.isnan(flat), np.isinf(flat)
    if nan.any():
        # Several targets, some of them masked out in a row, is a custom of multi-task training.
        certain = flat.shape[1] == 1 or encoding is Encoding.ONE_HOT or bool(nan.all(axis=1).any())
        yield LabelFault(FaultKind.MISSING, nan.any(axis=1), ("nan",), certain)
    if infinite.any():
        shown = tuple(sorted({str(v) for v in flat[infinite][:1000].tolist()}))
        yield LabelFault(FaultKind.INFINITE, infinite.any(axis=1), shown)


def _fractions(y: NDArray[Any]) -> Iterator[LabelFault]:
    rows = np.isfinite(y) & ~is_whole(y)
    if rows.any():
        values = y[rows].astype(np.float64)
        certain = not bool(np.isin(values - np.floor(values), (0.0, 0.5)).all())
        shown = tuple(plain(v) for v in np.unique(values)[:5].tolist())
        yield LabelFault(FaultKind.FRACTION, rows, shown, certain)


def _placeholders(labels: Target) -> dict[Scalar, bool]:
    """Return class ids that are placeholders, and whether that is certain.

    The other ids must number the classes from 0 (or from 1) without a gap, so that the placeholder is
    the one that does not belong.
    """
    numbers = [v for v in labels.classes if isinstance(v, int) and not isinstance(v, bool)]
    if not labels.is_classes or len(numbers) != len(labels.classes):
        return {}
    found: dict[Scalar, bool] = {}
    for value in PLACEHOLDERS:
        core = sorted(set(numbers) - {value})
        if value not in numbers or len(core) < 2:
            continue
        gapless = core[0] in (0, 1) and core[-1] - core[0] + 1 == len(core)
        if not gapless or core[0] - 1 < value <= core[-1] + 1:
            continue
        found[value] = True
        if value == -1 and (len(core) == 2 or core[0] == 1):
            share = _share(labels, value)
            found[value] = False
            if core != [0, 1] or share > RARE_PLACEHOLDER:
                del found[value]
    return found


def _share(labels: Target, value: Scalar) -> float:
    position = labels.classes.index(value)
    counts = sum(
        (labels.counts(name) for name in labels.codes), np.zeros(len(labels.classes), dtype=np.int64)
    )
    return float(counts[position] / max(1, counts.sum()))


def _outlying_placeholder(values: NDArray[np.float64]) -> Iterator[LabelFault]:
    """Yield a number such as -999 that recurs far outside the range of all other quantities."""
    for value in PLACEHOLDERS:
        rows = values == value
        rest = values[~rows & np.isfinite(values)]
        if rows.sum() < 3 or rest.size < 30 or abs(value) < 99:
            continue
        low, high = float(rest.min()), float(rest.max())
        if value < low - (high - low) or value > high + (high - low):
            yield LabelFault(FaultKind.PLACEHOLDER, rows, (value,), certain=False)


def _broken_rows(
    name: str, y: NDArray[Any], ys: Mapping[str, NDArray[Any]], labels: Target
) -> Iterator[LabelFault]:
    finite = np.isfinite(y).all(axis=1) if y.dtype.kind == "f" else np.ones(y.shape[0], dtype=bool)
    broken = finite & ~one_hot_rows(y)
    if not broken.any():
        return
    intact_elsewhere = any(
        labels.encodings[other] is Encoding.ONE_HOT and other != name and one_hot_rows(ys[other]).all()
        for other in ys
        if ys[other].size
    )
    certain = intact_elsewhere or float(broken.mean()) <= RARE_FAULTS
    empty = broken & (y == 0).all(axis=1)
    for kind, rows in ((FaultKind.NO_CLASS, empty), (FaultKind.BROKEN_ROW, broken & ~empty)):
        if rows.any():
            with np.errstate(over="ignore"):
                sums = np.unique(np.round(y[rows].astype(np.float64).sum(axis=1), 6))[:5]
            yield LabelFault(kind, rows, tuple(plain(v) for v in sums.tolist()), certain)


def usable_codes(case: Case, labels: Target) -> Mapping[str, NDArray[np.int64]]:
    """Product: class ids as in `Target.codes`, with -1 also where a label is faulty."""
    faults = label_faults(case, labels)
    return {
        name: np.where(faulty_rows(faults[name], codes.size), -1, codes)
        for name, codes in labels.codes.items()
    }
