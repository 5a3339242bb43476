"""Render results as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

TITLES = {"near": "Near copies", "copies": "Exact copies alone", "signatures": "Signatures alone"}

GIGA = 1e9


def table(results: Row) -> str:
    """Return the tables of all data sets, with what was measured and how.

    Parameters
    ----------
    results : dict
        As ``near_duplicates.py --json`` writes it.
    """
    parts = []
    for name, task in results["tasks"].items():
        about = task["about"]
        parts.append(f"### {name}\n\n{_introduction(about)}")
        for stage, title in TITLES.items():
            rows = [row for row in task["rows"] if row["stage"] == stage]
            if rows:
                make = _found if stage == "near" else _timed
                parts.append(f"**{title}**\n\n{make(rows, about, task['rows'])}")
    memory = "Memory: peak beyond the two arrays and the libraries."
    return "\n\n".join([*parts, f"{_notes(results)} {memory}"])


def summary(results: Row) -> str:
    """Return one table of near copies, a line for each method and a column for each data set: for a README.

    A cell holds the processor time, as seconds or times that of `auditor`, the recall of the worst kind, and
    precision.
    """
    tasks = results["tasks"]
    lines: dict[str, dict[str, str]] = {}
    for name, task in tasks.items():
        near = [row for row in task["rows"] if row["stage"] == "near"]
        own = _own(near)
        for row in near:
            lines.setdefault(row["method"], {})[name] = _cell(row, own)
    head = ("time · recall · precision", *(_sized(name, task["about"]) for name, task in tasks.items()))
    body = [[method, *(cells.get(name, "") for name in tasks)] for method, cells in lines.items()]
    return f"{_markdown(head, body)}\n\n{_notes(results)}"


def _cell(row: Row, own: Row | None) -> str:
    if "failed" in row:
        return "not run"
    time = f"{_seconds(row)} s" if own is None or row is own else f"x {_ratio(row, own)}{_star(row)}"
    return f"{time} · {_share(row['worst'])} · {_share(row['precision']) or '-'}"


def _sized(name: str, about: Row) -> str:
    width = math.prod(about["reference"][1:])
    return f"{name}, {about['reference'][0]:,} x {about['query'][0]:,} x {width:,}"


def _own(rows: list[Row]) -> Row | None:
    return next((row for row in rows if row["method"] == "auditor" and "failed" not in row), None)


def _introduction(about: Row) -> str:
    shape = " x ".join(f"{size:,}" for size in about["reference"][1:])
    return (
        f"{about['source']}. {about['reference'][0]:,} x {about['query'][0]:,} rows of {shape} {about['dtype']}, "
        f"{about['planted']:,} planted copies ({', '.join(about['kinds'])}); within {about['radius']:.4g}."
    )


def _found(rows: list[Row], about: Row, _: list[Row]) -> str:
    own = _own(rows)
    head = (
        "method",
        "processor s",
        "x auditor",
        "wall, x auditor",
        "worst recall",
        "kinds below .99",
        "precision",
        "memory, B a row",
    )
    lines = []
    for row in rows:
        if "failed" in row:
            lines.append([_named(row), f"not run: {row['failed'].replace('|', '/')}", *[""] * 6])
            continue
        lines.append(
            [
                _named(row),
                _seconds(row),
                _ratio(row, own),
                _ratio(row, own, "wall"),
                _share(row["worst"]),
                ", ".join(f"{kind} {_share(row['recall'][kind])}" for kind in _missed(row, about)) or "none",
                _share(row["precision"]) + (" of rows" if row["reports"] == "rows" else ""),
                f"{max(row['memory_bytes_per_row'], 0.0):,.0f}",
            ]
        )
    return _markdown(head, lines)


def _timed(rows: list[Row], about: Row, all_rows: list[Row]) -> str:
    read = next(
        (row for row in all_rows if row["method"].startswith("reading") and "failed" not in row), None
    )
    head = ("method", "processor s", "GB/s", "x reading", "recall of exact copies", "memory, B a row")
    lines = []
    for row in rows:
        if "failed" in row:
            lines.append([_named(row), f"not run: {row['failed'].replace('|', '/')}", *[""] * 4])
            continue
        searched = row["stage"] == "copies" and not row["method"].startswith("reading")
        lines.append(
            [
                _named(row),
                _seconds(row),
                f"{about['nbytes'] / max(row['cpu'], 1e-9) / GIGA:.3g}",
                _ratio(row, read),
                _share(row["recall"]["exact"]) if searched else "",
                f"{max(row['memory_bytes_per_row'], 0.0):,.0f}",
            ]
        )
    return _markdown(head, lines)


def _missed(row: Row, about: Row) -> list[str]:
    return [kind for kind in about["kinds"] if (row["recall"][kind] or 0.0) < 0.99]


def _named(row: Row) -> str:
    version = (
        "" if row.get("version") is None or row["method"].startswith("auditor") else f" {row['version']}"
    )
    return f"{row['method']}{version}: {row['setting']}"


def _seconds(row: Row) -> str:
    return f"{row['cpu']:.3g}{_star(row)}"


def _dagger(row: Row, to: Row) -> str:
    return "" if row.get("run") == to.get("run") else "†"


def _star(row: Row) -> str:
    return "*" if row["extrapolated"] else ""


def _ratio(row: Row, to: Row | None, of: str = "cpu") -> str:
    if to is None or row is to:
        return "1" if row is to else ""
    ratio = row[of] / max(to[of], 1e-9)
    return (f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}") + _dagger(row, to)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def _notes(results: Row) -> str:
    machine, limit = results["machine"], results["limit"]
    stars = f"\\* beyond {limit:g} s: measured on a part of the rows, told for all. " if limit else ""
    rows = [row for task in results["tasks"].values() for row in task["rows"]]
    daggers = (
        "† measured in another run, on the same rows. " if len({row.get("run") for row in rows}) > 1 else ""
    )
    return (
        f"{machine['processor']}, one thread, processor time (user and system) of the call after a first one on "
        "a hundredth of the rows, least of up to three; imports not counted. "
        f"{stars}{daggers}Precision: reported pairs that are planted or truly within the radius."
    )
