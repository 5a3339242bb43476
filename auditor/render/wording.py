"""How reports say things, the same in every format: numbers, lists, places, and what was not found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from auditor._finding import Coverage, Finding, Outcome, Rows, Scalar, Severity, Status
from auditor._report import Report, SplitSummary
from auditor._rule import FAMILIES

LISTED = 8
"""Row numbers, features or labels written out before a list is cut."""

LONGEST = 60
"""Characters of a text value before it is cut."""

LABELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
"""What findings of each severity are called."""


def shown(value: Scalar, unit: str = "") -> str:
    """Return a measured value as people write it: four digits, thousands apart, the unit behind.

    Examples
    --------
    >>> shown(0.12345, "%"), shown(1234567), shown(0.000123456, "std"), shown(None), shown(True)
    ('12.35 %', '1,234,567', '0.0001235 std', '-', 'yes')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return printable(value if len(value) <= LONGEST else f"{value[:LONGEST]}...")
    share = unit == "%"
    text = _number(100 * value if share else value)
    return f"{text} {unit}" if unit else text


def _number(value: float) -> str:
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}"
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 1e4 and abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:,.4g}"


def printable(text: str) -> str:
    r"""Return text with control characters written out, so that no name can steer a terminal or hide text.

    Examples
    --------
    >>> printable("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    return "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char in "\n\t" or char.isprintable():
        return char
    return " " if char.isspace() and char > "\x9f" else char.encode("unicode_escape").decode()


def cut_list(values: Sequence[object]) -> str:
    """Return values with commas, the tail of a long list left out, and a run of numbers by its ends.

    Examples
    --------
    >>> cut_list(range(0, 100, 2)), cut_list(["a", "b"]), cut_list(range(100))
    ('0, 2, 4, 6, 8, 10, 12, 14, ...', 'a, b', '0 to 99')
    """
    if _is_run(values):
        return f"{values[0]} to {values[-1]}"
    head = ", ".join(printable(str(value)) for value in values[:LISTED])
    return f"{head}, ..." if len(values) > LISTED else head


def _is_run(values: Sequence[object]) -> bool:
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return len(numbers) == len(values) > 3 and all(b - a == 1 for a, b in pairwise(numbers))


def places(finding: Finding) -> list[tuple[str, str]]:
    """Return where a finding sits: pairs of what (``"val rows"``) and which (``"3, 17 (2 of 400)"``)."""
    found = [(f"{rows.split} rows", _rows(rows)) for rows in finding.rows if len(rows)]
    if finding.columns:
        found.append(("features", _with_count(finding.columns)))
    if finding.classes:
        found.append(("labels", _with_count(finding.classes)))
    return found


def _rows(rows: Rows) -> str:
    if len(rows) == rows.of:
        return f"all {rows.of:,}"
    return f"{cut_list(rows.indices.tolist())} ({len(rows):,} of {rows.of:,})"


def _with_count(values: Sequence[Scalar]) -> str:
    return cut_list(values) + (f" ({len(values):,})" if len(values) > LISTED else "")


def example_keys(examples: Iterable[tuple[tuple[str, Scalar], ...]]) -> list[str]:
    """Return the columns of a table of examples, in the order in which they come."""
    return list(dict.fromkeys(key for row in examples for key, _ in row))


def is_number(examples: Iterable[tuple[tuple[str, Scalar], ...]], column: str) -> bool:
    """Whether every value of a column of examples is a number, so that digits can stand under digits."""
    values = [value for row in examples for key, value in row if key == column]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def described(split: SplitSummary) -> tuple[str, str, str, str, str]:
    """Return the cells of a split: its name, rows, shape of a row, dtype, and whether it has labels."""
    shape = " x ".join(f"{length:,}" for length in split.feature_shape) or "1"
    features = "feature" if shape == "1" else "features" if len(split.feature_shape) <= 1 else ""
    rows = f"{split.n_rows:,} {'row' if split.n_rows == 1 else 'rows'}"
    return (
        split.name,
        rows,
        f"{shape} {features}".strip(),
        split.dtype,
        "labels" if split.has_labels else "no labels",
    )


def ruled(report: Report) -> str:
    """Say how many rules passed and how many had nothing to look at."""
    number = report.counts()
    parts = [f"{number['passed']} rule{'' if number['passed'] == 1 else 's'} passed"]
    if number["skipped"]:
        parts.append(f"{number['skipped']} skipped")
    return ", ".join(parts)


def passed(report: Report) -> list[tuple[str, str, list[str]]]:
    """Return the families with rules that passed: code, title and names of those rules."""
    done = [outcome for outcome in report.outcomes if outcome.status is Status.PASSED]
    return [
        (family, title, [o.name for o in done if o.code.startswith(family)])
        for family, title in FAMILIES.items()
        if any(o.code.startswith(family) for o in done)
    ]


def skipped(report: Report) -> list[tuple[str, str]]:
    """Return why rules were skipped and which, as pairs of a reason and codes."""
    reasons: dict[str, list[str]] = {}
    for outcome in report.outcomes:
        if outcome.status is Status.SKIPPED:
            reasons.setdefault(outcome.reason or "no reason given", []).append(outcome.code)
    return [(printable(reason), ", ".join(runs(codes))) for reason, codes in reasons.items()]


def runs(codes: Iterable[str]) -> list[str]:
    """Return codes with three or more in a row as one.

    Examples
    --------
    >>> runs(["DEP001", "PRE001", "PRE002", "PRE003", "PRE005"])
    ['DEP001', 'PRE001-003', 'PRE005']
    """
    groups: list[list[str]] = []
    for code in codes:
        follows = groups and groups[-1][-1][:3] == code[:3] and int(groups[-1][-1][3:]) + 1 == int(code[3:])
        if follows:
            groups[-1].append(code)
        else:
            groups.append([code])
    return [
        part for group in groups for part in ([f"{group[0]}-{group[-1][3:]}"] if len(group) > 2 else group)
    ]


def seen_in_part(report: Report) -> list[tuple[str, str]]:
    """Return what was looked at only in part, as pairs of a code and a sentence."""
    return [
        (outcome.code, sentence) for outcome in report.outcomes for sentence in _covered(outcome.coverage)
    ]


def _covered(parts: Sequence[Coverage]) -> Iterator[str]:
    """Yield a sentence for all parts that say the same of different splits."""
    alike: dict[tuple[str, str, float], list[Coverage]] = {}
    for part in parts:
        alike.setdefault((part.what, part.note, part.miss_probability), []).append(part)
    for (what, note, missed), group in alike.items():
        text = f"{', '.join(f'{part.examined:,} of {part.of:,}' for part in group)} {what}"
        if missed:
            text += f", missing a defect with probability {shown(missed)}"
        yield printable(f"{text}: {note}" if note else text)


def crash_place(outcome: Outcome) -> str:
    """Return where a rule broke: file and line of its innermost frame."""
    frames = [line.strip() for line in outcome.traceback.splitlines() if line.strip().startswith("File ")]
    return printable(frames[-1]) if frames else ""
