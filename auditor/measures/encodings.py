"""Whether two splits write the same labels in different ways."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._finding import Scalar
from auditor.measures.homogeneity import kolmogorov_smirnov, log_chance_of_absence, proportions_p_value
from auditor.measures.target import Encoding, Target, squeezed

BINARY_PAIRS = ((0, 1), (-1, 1), (1, 2), (0, 255), (0, 100))
"""Customary ways to number two classes."""

CHANCE = 1e-3
"""Probability below which chance is not taken as the explanation."""

LEAST_ROWS = 30
"""Rows that both splits need before the shapes of their distributions are compared."""

ANOTHER_UNIT = 8.0
"""Ratio of spreads from which a target of equal shape is on another scale."""

SAME_SHAPE = 0.1
"""Kolmogorov-Smirnov distance, once brought to one scale, up to which two distributions have one shape."""

_ONE_HOTS = {Encoding.ONE_HOT, Encoding.SMOOTHED}
_MATRICES = {*_ONE_HOTS, Encoding.MULTI_HOT, Encoding.VECTOR}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How a split writes its labels differently from train.

    Attributes
    ----------
    kind : str
        ``"form"``, ``"width"``, ``"numbers"``, ``"spelling"`` or ``"scale"``.
    here, there : str
        What the split holds, and what train holds.
    mend : str
        Code that brings the split to train's way; empty where none is known.
    same : tuple of (Scalar, Scalar)
        Labels of the split, and what train calls them; empty where all are concerned.
    """

    kind: str
    here: str
    there: str
    mend: str = ""
    same: tuple[tuple[Scalar, Scalar], ...] = ()

    def explains(self, label: Scalar) -> bool:
        """Whether a label unknown to train is train's own in another writing."""
        return not self.same or any(label == ours for ours, _ in self.same)


def disagreements(case: Case, labels: Target) -> Mapping[str, Disagreement]:
    """Product: for each evaluation split that writes its labels unlike train, how it does.

    Splits without labels, or whose labels are all missing, are left out.
    """
    ys = {split.name: squeezed(split.aligned_y) for split in case if split.aligned_y is not None}
    if "train" not in ys or not _present(ys["train"]):
        return {}
    found = {name: _disagreement(name, ys, labels) for name in ys if name != "train" and _present(ys[name])}
    return {name: how for name, how in found.items() if how is not None}


def _present(y: NDArray[Any]) -> bool:
    if y.dtype.kind == "f":
        return bool(np.isfinite(y).any())
    return bool((y != "").any()) if y.dtype.kind == "U" else y.size > 0


def _disagreement(name: str, ys: Mapping[str, NDArray[Any]], labels: Target) -> Disagreement | None:
    y, base = ys[name], ys["train"]
    ours, theirs = labels.encodings[name], labels.encodings["train"]
    if {ours, theirs} <= {Encoding.INTEGER, Encoding.BOOLEAN}:
        return _numbers(name, labels) if labels.is_classes else _scale(name, labels)
    if ours is theirs is Encoding.TEXT:
        return _spelling(name, labels)
    if ours in _MATRICES and theirs in _MATRICES:
        return _matrices(name, y, base, ours, theirs)
    if ours is Encoding.REAL and theirs is Encoding.REAL:
        return _scale(name, labels)
    if Encoding.REAL in {ours, theirs} and not {ours, theirs} & {Encoding.TEXT, *_MATRICES}:
        return _form(name, y, base, labels) if labels.is_classes else _scale(name, labels)
    return _form(name, y, base, labels)


def _describe(y: NDArray[Any], encoding: Encoding) -> str:
    """Return an encoding with an example: ``text such as 'cat'``, ``one-hot rows of 10 columns``."""
    if encoding in _ONE_HOTS:
        return f"{encoding.value} rows of {y.shape[1]} columns"
    if y.ndim > 1:
        return f"{encoding.value} of shape {y.shape[1:]}"
    known = y[np.isfinite(y)] if y.dtype.kind == "f" else y[y != ""] if y.dtype.kind == "U" else y
    shown = ", ".join(repr(v) for v in np.unique(known)[:3].tolist())
    return f"{encoding.value} such as {shown}"


def _form(name: str, y: NDArray[Any], base: NDArray[Any], labels: Target) -> Disagreement:
    ours, theirs = labels.encodings[name], labels.encodings["train"]
    mend = ""
    if ours in _ONE_HOTS and theirs is Encoding.INTEGER:
        mend = f"y_{name} = np.argmax(y_{name}, axis=1)"
    elif theirs in _ONE_HOTS and ours is Encoding.INTEGER:
        mend = f"y_{name} = np.eye({base.shape[1]}, dtype=y_train.dtype)[y_{name}.astype(int)]"
    elif ours is Encoding.TEXT and theirs is Encoding.INTEGER and _all_numbers(y):
        mend = f"y_{name} = y_{name}.astype(float).astype(y_train.dtype)"
    elif theirs is Encoding.TEXT and ours is Encoding.INTEGER:
        mend = f"y_{name} = y_{name}.astype(str)" if _all_numbers(base) else ""
    elif Encoding.TEXT in {ours, theirs}:
        mend = (
            "from sklearn.preprocessing import LabelEncoder\n"
            "encoder = LabelEncoder().fit(labels_train)  # one encoder, fitted on train's text\n"
            f"y_train, y_{name} = encoder.transform(labels_train), encoder.transform(labels_{name})"
        )
    return Disagreement("form", _describe(y, ours), _describe(base, theirs), mend)


def _all_numbers(texts: NDArray[Any]) -> bool:
    return all(_number(text) is not None for text in np.unique(texts[texts != ""]).tolist())


def _number(text: str) -> float | None:
    if not re.fullmatch(r"\s*[-+]?\d+(\.\d*)?\s*", text):
        return None
    return float(text)


def _matrices(
    name: str, y: NDArray[Any], base: NDArray[Any], ours: Encoding, theirs: Encoding
) -> Disagreement | None:
    if y.shape[1:] != base.shape[1:]:
        mend = ""
        if y.ndim == base.ndim == 2:
            mend = (
                f"classes = np.unique(labels_train)  # one list of classes for every split\n"
                f"y_{name} = (labels_{name}[:, None] == classes).astype(y_train.dtype)"
            )
        return Disagreement("width", _describe(y, ours), _describe(base, theirs), mend)
    if ours is theirs or {ours, theirs} == _ONE_HOTS or not {ours, theirs} & _ONE_HOTS:
        return None
    return Disagreement("form", _describe(y, ours), _describe(base, theirs))


def _numbers(name: str, labels: Target) -> Disagreement | None:
    """Tell the same classes under other numbers: another pair for two classes, or all shifted by one."""
    if name not in labels.codes or "train" not in labels.codes:
        return None
    ours, theirs = labels.counts(name), labels.counts("train")
    numbers = [int(v) for v in labels.classes if v is not None]
    if any(abs(v) >= 2**53 for v in numbers):
        return None
    classes = np.array(numbers, dtype=np.int64)
    here, there = classes[ours > 0], classes[theirs > 0]
    pair, base = tuple(here.tolist()), tuple(there.tolist())
    if pair != base and pair in BINARY_PAIRS and base in BINARY_PAIRS:
        if {pair, base} != {(0, 1), (1, 2)} or proportions_p_value(
            ours[ours > 0], theirs[theirs > 0]
        ) > CHANCE:
            return Disagreement("numbers", _listed(pair), _listed(base), _pair_mend(name, pair, base))
        return None
    for shift in (1, -1):
        if _shifted(here, there, ours, theirs, shift):
            sign = "-" if shift > 0 else "+"
            return Disagreement("numbers", _listed(pair), _listed(base), f"y_{name} = y_{name} {sign} 1")
    return None


def _listed(values: tuple[int, ...]) -> str:
    if len(values) > 4 and values[-1] - values[0] + 1 == len(values):
        return f"{values[0]} to {values[-1]}"
    return "{" + ", ".join(map(str, values[:8])) + (", ..." if len(values) > 8 else "") + "}"


def _pair_mend(name: str, pair: tuple[int, ...], base: tuple[int, ...]) -> str:
    return f"y_{name} = np.where(y_{name} == {pair[1]}, {base[1]}, {base[0]})"


def _shifted(
    here: NDArray[np.int64],
    there: NDArray[np.int64],
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    shift: int,
) -> bool:
    """Whether a split numbers its classes from 1 and train from 0 (or the other way about).

    All of the split's ids must be train's, shifted; one must be unknown to train as it stands; train's
    first (or last) must be missing by more than chance; and the proportions must agree once shifted.
    """
    if there.size < 3 or here.size < 2 or there[-1] - there[0] + 1 != there.size:
        return False
    if there[0] != (0 if shift > 0 else 1) or not np.isin(here - shift, there).all():
        return False
    edge, beyond = (there[0], there[-1] + 1) if shift > 0 else (there[-1], there[0] - 1)
    if beyond not in here or edge in here:
        return False
    n_train, n_here = int(theirs.sum()), int(ours.sum())
    at_edge = int(theirs[theirs > 0][0 if shift > 0 else -1])
    if log_chance_of_absence(at_edge, n_train, n_here) > math.log(CHANCE):
        return False
    moved = np.zeros_like(theirs[theirs > 0])
    moved[np.searchsorted(there, here - shift)] = ours[ours > 0]
    return proportions_p_value(moved, theirs[theirs > 0]) > CHANCE


def _spelling(name: str, labels: Target) -> Disagreement | None:
    """Tell labels that differ from train's only by case, spaces, punctuation or how a number is written."""
    if name not in labels.codes or "train" not in labels.codes:
        return None
    known = {str(c) for c, n in zip(labels.classes, labels.counts("train"), strict=True) if n}
    unseen = [
        str(c) for c, n in zip(labels.classes, labels.counts(name), strict=True) if n and str(c) not in known
    ]
    by_letters: dict[str, list[str]] = {}
    for text in sorted(known):
        by_letters.setdefault(letters(text), []).append(text)
    same = tuple(
        (text, by_letters[letters(text)][0]) for text in unseen if len(by_letters.get(letters(text), ())) == 1
    )
    if not same:
        return None
    shown = ", ".join(f"{ours!r}" for ours, _ in same[:3])
    base = ", ".join(f"{theirs!r}" for _, theirs in same[:3])
    mend = f"renamed = {dict(same[:20])!r}\ny_{name} = np.array([renamed.get(label, label) for label in y_{name}])"
    return Disagreement("spelling", shown, base, mend, same)


def letters(text: str) -> str:
    """Return a label without case, outer punctuation and kinds of spaces.

    Examples
    --------
    >>> letters(" <=50K. ") == letters("<=50k"), letters("1.0") == letters("1")
    (True, True)
    """
    number = _number(text)
    if number is not None:
        return repr(number)
    made = unicodedata.normalize("NFKC", text).casefold().strip(" \t\r\n.,;:'\"`")
    return re.sub(r"[\s_-]+", " ", made)


def _scale(name: str, labels: Target) -> Disagreement | None:
    """Tell a quantity that is scaled in one split only: the same shape, another location and spread."""
    if name not in labels.values or "train" not in labels.values:
        return None
    ours, theirs = (v[np.isfinite(v)] for v in (labels.values[name], labels.values["train"]))
    if min(ours.size, theirs.size) < LEAST_ROWS:
        return None
    spread_here, spread_there = _spread(ours), _spread(theirs)
    if not (spread_here > 0 and spread_there > 0):
        return None
    ratio = spread_here / spread_there
    if 1 / ANOTHER_UNIT < ratio < ANOTHER_UNIT:
        return None
    levels = np.linspace(0.05, 0.95, 19)
    slope, offset = np.polyfit(np.quantile(ours, levels), np.quantile(theirs, levels), 1)
    distance, p = kolmogorov_smirnov(ours * slope + offset, theirs)
    if slope <= 0 or (distance > SAME_SHAPE and p < CHANCE):
        return None
    here, there = (f"median {np.median(v):.4g}, interquartile range {_spread(v):.4g}" for v in (ours, theirs))
    return Disagreement("scale", here, there)


def _spread(values: NDArray[np.float64]) -> float:
    low, high = np.percentile(values, (25, 75))
    return float(high - low)
