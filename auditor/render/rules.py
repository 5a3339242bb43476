"""The rule book: one rule's page, and the list of all rules."""

from __future__ import annotations

import json
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor._rule import FAMILIES, Rule, registry
from auditor.render.terminal import WIDEST, as_text
from auditor.render.wording import LABELS

URGENT = {"error": "bold red", "warning": "yellow", "note": "blue"}


def rule_page(rule: Rule) -> str:
    """Return the page of a rule as Markdown, under its code and name."""
    about = f"{LABELS[rule.severity]} by default, since {rule.since}"
    if not rule.default:
        about += f", off unless selected (`--select {rule.code}`)"
    if rule.needs:
        about += f"; needs {', '.join(rule.needs)}"
    return f"# {rule.code} {rule.name}\n\n*{about}*\n\n{rule.page}\n"


def render_rules(form: str) -> str:
    """Return every rule, as ``"text"``, ``"json"`` or ``"markdown"``."""
    known = list(registry().values())
    if form == "json":
        return json.dumps([_plain(rule) for rule in known], indent=2, ensure_ascii=False)
    if form == "markdown":
        lines = ["| code | name | severity | what it finds |", "| --- | --- | --- | --- |"]
        lines += [f"| {r.code} | {r.name} | {_severity(r)} | {_cell(r.summary)} |" for r in known]
        return "\n".join(lines)
    return as_text(print_rules)


def print_rules(console: Console) -> None:
    """Print every rule on a console, family by family."""
    console.width = min(console.width, WIDEST)
    known = list(registry().values())
    longest = max((len(rule.name) for rule in known), default=0)
    for family, members in groupby(known, lambda rule: rule.family):
        console.print(Text.assemble((family, "bold cyan"), "  ", (FAMILIES[family], "bold")))
        table = Table.grid(padding=(0, 2))
        for style, width in (("bold", 6), ("", longest), ("dim", None)):
            table.add_column(style=style, width=width)
        for rule in members:
            label = _severity(rule)
            what = Text.assemble((label, URGENT[LABELS[rule.severity]]), f"  {rule.summary}")
            table.add_row(rule.code, rule.name, what)
        console.print(Padding(table, (0, 0, 1, 2)))


def _plain(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.label,
        "summary": rule.summary,
        "needs": list(rule.needs),
        "options": dict(rule.options),
        "default": rule.default,
        "since": rule.since,
    }


def _severity(rule: Rule) -> str:
    return LABELS[rule.severity] if rule.default else f"{LABELS[rule.severity]}, off"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
