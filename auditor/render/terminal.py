"""A report for people who read it in a terminal: the verdict, the findings, then what was not found."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor._finding import Evidence, Finding, Outcome, Severity
from auditor._report import Report, last_line
from auditor.render.wording import (
    LABELS,
    crash_place,
    described,
    example_keys,
    is_number,
    passed,
    places,
    printable,
    ruled,
    seen_in_part,
    shown,
    skipped,
)

WIDTH = 80
"""Columns of plain text."""

WIDEST = 100
"""Columns used of a wide terminal; longer lines are hard to read."""

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}

PLAIN = str.maketrans(
    {
        "×": "x", "·": "-", "–": "-", "—": "-", "−": "-", "…": "...", "≤": "<=", "≥": ">=", "≈": "~", "±": "+/-",
        "²": "^2", "³": "^3", "→": "->", "‘": "'", "’": "'", "“": '"', "”": '"', "•": "-",
        "✓": "ok", "✗": "x", "─": "-", "━": "-", "√": "sqrt", "∞": "inf", "≠": "!=", "°": " degrees", "¼": "1/4",
    }
)  # fmt: skip
"""Typographic characters as ASCII, for pipes, logs and old consoles; letters of any alphabet stay."""


def render_text(report: Report, *, width: int = WIDTH) -> str:
    """Return a report as plain text without escape codes, wrapped at `width` columns."""
    return as_text(partial(print_report, report), width)


def as_text(print_on: Callable[[Console], None], width: int = WIDTH) -> str:
    """Return what a function prints on a console, as plain text."""
    stream = io.StringIO()
    print_on(Console(file=stream, width=width, color_system=None, force_terminal=False, legacy_windows=False))
    lines = stream.getvalue().translate(PLAIN).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def print_report(report: Report, console: Console) -> None:
    """Print a report on a console, in colour where the console has any."""
    console.width = min(console.width, WIDEST)
    for part in _parts(report, console):
        console.print(part, crop=False, highlight=False, markup=False, emoji=False)


def render_brief(report: Report) -> str:
    """Return one line per finding, for logs; empty where there is nothing to say."""
    lines = [
        f"{finding.level.label} {finding.code} {finding.name}: {printable(finding.message)}"
        for finding in report.findings
        if finding.level > Severity.INFO
    ]
    lines += [f"crashed {o.code} {o.name}: {printable(last_line(o.traceback))}" for o in report.crashed]
    return "\n".join(lines)


def _parts(report: Report, console: Console) -> Iterator[RenderableType]:
    yield _verdict(report, console)
    yield ""
    yield _splits(report)
    for finding in report.findings:
        if finding.level > Severity.INFO:
            yield from _finding(finding, console)
    for outcome in report.crashed:
        yield from _crash(outcome, console)
    if report.findings:
        yield ""
        yield Text(f"More about a rule: auditor explain {report.findings[0].code}", style="dim")
    notes = report.at(Severity.INFO)
    if notes:
        yield from _notes(notes)
    yield from _quiet_part(report)


def _verdict(report: Report, console: Console) -> Text:
    failed = report.failed_at(report.fail_on)
    style = "bold red" if failed else "bold yellow" if report.warnings else "bold green"
    sign = ("✗ " if failed else "✓ ") if console.is_terminal else ""
    line = Text.assemble((f"{sign}{report.verdict()}", style))
    rules = ruled(report)
    if console.is_terminal:
        rules += f", {sum(outcome.seconds for outcome in report.outcomes):.1f} s"
    gap = "  " if line.cell_len + len(rules) + 2 <= console.width else "\n"
    return line.append(gap + rules, style="dim")


def _splits(report: Report) -> RenderableType:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for split in report.splits:
        table.add_row(*map(Text, described(split)))
    return _indented(table)


def _heading(title: Text, label: str, style: str, console: Console) -> Text:
    """Return ``── error SCL001 split-on-another-scale ──────``, across the whole width."""
    line = Text("── ", style=style)
    line.append(label, style=style)
    line.append(" ")
    line.append_text(title)
    room = console.width - line.cell_len - 1
    return line.append(f" {'─' * room}" if room > 1 else "", style=style.removeprefix("bold "))


def _finding(finding: Finding, console: Console) -> Iterator[RenderableType]:
    style = STYLES[finding.level]
    title = Text.assemble((finding.code, "bold"), " ", (printable(finding.name), "bold"))
    if finding.stage != "given":
        title.append(" after preprocessing", style="dim")
    yield ""
    yield _heading(title, LABELS[finding.level], style, console)
    yield _indented(Text(printable(finding.message)))
    if finding.evidence.measures:
        yield ""
        yield _indented(_evidence(finding), 4)
    where = [(what, Text(which)) for what, which in places(finding)]
    if where:
        yield ""
        yield _indented(_two_columns(where, "dim"), 4)
    if finding.evidence.examples:
        yield ""
        yield _indented(_examples(finding.evidence), 4)
    yield ""
    yield _indented(Text.assemble(("Fix: ", "bold green"), printable(finding.fix.summary)))
    if finding.fix.code:
        yield ""
        yield _code(finding.fix.code, console)


def _evidence(finding: Finding) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", ratio=None)
    table.add_column(justify="right", style="bold", overflow="fold")
    table.add_column(style="dim", overflow="fold")
    for measure in finding.evidence.measures:
        against = "" if measure.threshold is None else f"threshold {shown(measure.threshold, measure.unit)}"
        table.add_row(Text(printable(measure.name)), Text(shown(measure.value, measure.unit)), Text(against))
    return table


def _examples(evidence: Evidence) -> Table:
    keys = example_keys(evidence.examples)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for key in keys:
        side: Literal["right", "left"] = "right" if is_number(evidence.examples, key) else "left"
        table.add_column(Text(printable(key)), justify=side)
    for row in evidence.examples:
        cells = dict(row)
        table.add_row(*(Text(shown(cells[key]) if key in cells else "") for key in keys))
    return table


def _code(code: str, console: Console) -> Group:
    """Return lines that can be pasted: never wrapped, coloured where there is colour."""
    text = Text(printable(code.strip("\n")))
    if console.color_system is not None:
        from rich.syntax import Syntax

        text = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(text.plain)
        text.rstrip()
    lines = text.split("\n")
    joined = Text("\n").join(Text("    ").append_text(line) for line in lines)
    joined.no_wrap, joined.overflow = True, "ignore"
    return Group(joined)  # a Text on its own would be wrapped by the console


def _crash(outcome: Outcome, console: Console) -> Iterator[RenderableType]:
    title = Text.assemble((outcome.code, "bold"), " ", (printable(outcome.name), "bold"))
    yield ""
    yield _heading(title, "crashed", "bold magenta", console)
    yield _indented(Text(printable(last_line(outcome.traceback))))
    yield _indented(Text(crash_place(outcome), style="dim"))
    yield _indented(
        Text(
            "The rule broke, which says nothing about your data; the others ran. The JSON report has the traceback."
        )
    )


def _notes(notes: tuple[Finding, ...]) -> Iterator[RenderableType]:
    yield ""
    yield Text("Worth knowing", style="bold")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="blue", no_wrap=True)
    table.add_column()
    for finding in notes:
        text = Text(printable(finding.message)).append(f" {printable(finding.fix.summary)}", style="dim")
        table.add_row(finding.code, text)
    yield _indented(table)


def _quiet_part(report: Report) -> Iterator[RenderableType]:
    """Yield what passed, what was skipped and why, and what was seen only in part."""
    rows = [(family, Text(", ".join(names))) for family, _, names in passed(report)]
    if rows:
        yield ""
        yield Text("Passed", style="bold green")
        yield _indented(_two_columns(rows, "green"))
    why = [(codes, Text(reason)) for reason, codes in skipped(report)]
    if why:
        yield ""
        yield Text("Skipped", style="bold")
        yield _indented(_two_columns(why, "dim"))
    seen = [(code, Text(sentence)) for code, sentence in seen_in_part(report)]
    if seen:
        yield ""
        yield Text("Seen in part", style="bold")
        yield _indented(_two_columns(seen, "dim"))


def _two_columns(rows: list[tuple[str, Text]], style: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=style, max_width=34)
    table.add_column()
    for left, right in rows:
        table.add_row(Text(left), right)
    return table


def _indented(part: RenderableType, by: int = 2) -> Padding:
    return Padding(part, (0, 0, 0, by))
