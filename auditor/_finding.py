"""What an audit says: severities, findings with their evidence and fix, and outcomes."""

from __future__ import annotations

import enum
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor._errors import ConfigError

Scalar = bool | int | float | str | None
"""A value that every renderer can show."""

ROWS_LISTED = 1000
"""Row and column numbers written out per finding in JSON; the count is always whole."""


class Severity(enum.IntEnum):
    """How much a finding matters.

    ``ERROR``: the score is wrong or training will fail. ``WARNING``: it may be.
    ``INFO``: worth knowing.
    """

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The lower-case name used in reports and on the command line."""
        return self.name.lower()

    @classmethod
    def parse(cls, value: Severity | str) -> Severity:
        """Return the severity called `value`.

        Raises
        ------
        ConfigError
            If there is no such severity.

        Examples
        --------
        >>> Severity.parse("error")
        <Severity.ERROR: 3>
        """
        if isinstance(value, Severity):
            return value
        try:
            return cls[str(value).upper()]
        except KeyError:
            names = ", ".join(level.label for level in cls)
            raise ConfigError(f"Unknown severity {value!r}; wanted one of {names}.") from None


class Status(enum.StrEnum):
    """What became of a rule."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one split, by number.

    Attributes
    ----------
    split : str
        Name of the split.
    indices : ndarray of int64, shape (m,)
        Sorted, distinct row numbers; read-only.
    of : int
        Rows that the split has.
    """

    split: str
    indices: NDArray[np.int64]
    of: int

    @classmethod
    def where(cls, split: str, selected: ArrayLike, of: int | None = None) -> Rows:
        """Make from a boolean mask over the split, or from row numbers and the split's length.

        Examples
        --------
        >>> Rows.where("val", np.array([False, True, True])).indices
        array([1, 2])
        """
        given = np.asarray(selected)
        if given.dtype.kind == "b":
            indices, of = np.flatnonzero(given), given.size
        elif of is None:
            raise TypeError("row numbers need the length of their split")
        else:
            indices = np.unique(given)
        indices = indices.astype(np.int64)
        indices.flags.writeable = False
        return cls(split, indices, of)

    @property
    def share(self) -> float:
        """Share of the split's rows."""
        return len(self) / self.of if self.of else 0.0

    def __len__(self) -> int:
        return int(self.indices.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows):
            return NotImplemented
        return (self.split, self.of) == (other.split, other.of) and np.array_equal(
            self.indices, other.indices
        )

    def __hash__(self) -> int:
        return hash((self.split, self.of, self.indices.tobytes()))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, at most ``ROWS_LISTED`` row numbers."""
        listed = self.indices[:ROWS_LISTED].tolist()
        return {"split": self.split, "count": len(self), "of": self.of, "indices": listed}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured number and the value it was held against.

    Attributes
    ----------
    name : str
        What was measured, in words, e.g. ``"share of val rows"``.
    value : Scalar
        The measured value.
    threshold : Scalar
        The bar it crossed; None where the number only informs.
    unit : str
        ``"%"`` for shares (the value stays a fraction), ``"rows"``, ``"std"``, or empty.
    """

    name: str
    value: Scalar
    threshold: Scalar = None
    unit: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, floats at six significant digits so that reports do not depend on threads."""
        return {
            "name": self.name,
            "value": plain(self.value),
            "threshold": plain(self.threshold),
            "unit": self.unit,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers a sceptic would ask for.

    Attributes
    ----------
    measures : tuple of Measure
        The most telling one first.
    examples : tuple of tuples of (str, Scalar)
        A few concrete cases, each a row of a small table: ``(("val row", 3), ("train row", 17))``.
    """

    measures: tuple[Measure, ...] = ()
    examples: tuple[tuple[tuple[str, Scalar], ...], ...] = ()

    @classmethod
    def of(cls, *measures: Measure, examples: Sequence[Mapping[str, Any]] = ()) -> Evidence:
        """Make from measures and example rows given as mappings."""
        rows = tuple(tuple((key, plain(value)) for key, value in row.items()) for row in examples)
        return cls(measures, rows)

    def __getitem__(self, name: str) -> Scalar:
        """Return the value of the measure called `name`."""
        for measure in self.measures:
            if measure.name == name:
                return measure.value
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "measures": [measure.to_dict() for measure in self.measures],
            "examples": [dict(row) for row in self.examples],
        }


@dataclass(frozen=True, slots=True)
class Fix:
    """The change that mends a finding.

    Attributes
    ----------
    summary : str
        One sentence.
    code : str
        Lines that can be pasted; may be empty.
    drop : tuple of Rows
        Rows whose removal mends the finding; empty where removing rows does not.
    """

    summary: str
    code: str = ""
    drop: tuple[Rows, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "summary": self.summary,
            "code": self.code,
            "drop": [rows.to_dict() for rows in self.drop],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect found.

    A rule yields findings without `code`, `name` and, mostly, `severity`; the engine fills them in.

    Attributes
    ----------
    message : str
        One or two sentences, with the numbers, in the user's words.
    evidence : Evidence
        What was measured, and against what.
    fix : Fix
        How to mend it.
    splits : tuple of str
        Splits concerned; the odd one out first.
    rows : tuple of Rows
        Rows concerned, whole.
    columns : tuple of int
        Features concerned, as numbers in the flattened row.
    classes : tuple of Scalar
        Labels concerned.
    severity : Severity or None
        None stands for the rule's default.
    code, name : str
        The rule's code and name.
    stage : str
        ``"given"`` for the arrays as they came, ``"preprocessed"`` for what the callable made of them.
    about : str
        What else tells it from its rule's other findings: a model's output, a layer, an argument.
    """

    message: str
    evidence: Evidence
    fix: Fix
    splits: tuple[str, ...] = ()
    rows: tuple[Rows, ...] = ()
    columns: tuple[int, ...] = ()
    classes: tuple[Scalar, ...] = ()
    severity: Severity | None = None
    code: str = ""
    name: str = ""
    stage: str = "given"
    about: str = ""

    @property
    def level(self) -> Severity:
        """The severity, once the engine has set it."""
        return Severity.ERROR if self.severity is None else self.severity

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that stay the same while the defect is the same.

        Made of the code, the splits, and the features, labels and parts of a model concerned; not of
        row numbers or measured values, which move when data are appended.
        """
        parts = [self.code, *self.splits, *map(str, self.columns[:64]), *map(str, self.classes)]
        parts += [self.about] if self.about else []
        return hashlib.blake2b(
            "\x1f".join(parts).encode("utf-8", "backslashreplace"), digest_size=8
        ).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.level.label,
            "stage": self.stage,
            "message": self.message,
            "splits": list(self.splits),
            "rows": [rows.to_dict() for rows in self.rows],
            "columns": list(self.columns[:ROWS_LISTED]),
            "n_columns": len(self.columns),
            "classes": [plain(value) for value in self.classes],
            "evidence": self.evidence.to_dict(),
            "fix": self.fix.to_dict(),
            "fingerprint": self.fingerprint,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a rule really looked at. A rule that looked at everything yields none.

    Attributes
    ----------
    examined, of : int
        Items looked at and items there are.
    what : str
        The items: ``"rows"``, ``"pairs"``, ``"features"``.
    miss_probability : float
        Probability that a defect of the stated size lies outside what was looked at.
    note : str
        Why, and how to widen it.
    """

    examined: int
    of: int
    what: str = "rows"
    miss_probability: float = 0.0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "examined": self.examined,
            "of": self.of,
            "what": self.what,
            "miss_probability": plain(self.miss_probability),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one rule.

    Attributes
    ----------
    code, name : str
        The rule.
    status : Status
        Passed, failed, skipped or crashed.
    findings : tuple of Finding
        In order of severity.
    reason : str
        Why it was skipped.
    traceback : str
        Where it crashed.
    coverage : tuple of Coverage
        What it looked at, where that was not everything.
    seconds : float
        Wall time spent; not part of a report's identity.
    """

    code: str
    name: str
    status: Status
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    traceback: str = ""
    coverage: tuple[Coverage, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    def __bool__(self) -> bool:
        """Whether the rule found something."""
        return bool(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without timings."""
        return {
            "code": self.code,
            "name": self.name,
            "status": self.status.value,
            "reason": self.reason,
            "traceback": self.traceback,
            "coverage": [part.to_dict() for part in self.coverage],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def plain(value: Any) -> Scalar:
    """Return `value` as a JSON scalar: NumPy scalars unwrapped, floats at six significant digits.

    Examples
    --------
    >>> plain(np.float32(0.1)), plain(float("nan")), plain(np.int64(3))
    (0.1, 'nan', 3)
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
