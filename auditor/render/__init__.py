"""Formats of a report, one file each. A renderer never computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor._report import Report

FORMATS = ("text", "json", "html", "markdown")
"""Names of the formats, the default first."""

SUFFIXES = {".json": "json", ".html": "html", ".htm": "html", ".md": "markdown"}
"""By suffix of a file: its format; any other holds text."""


def render(report: Report, form: str) -> str:
    """Return a report in one of ``FORMATS``.

    Examples
    --------
    >>> from auditor import Report
    >>> render(Report(()), "text")
    'Passed: no findings.  0 rules passed'
    """
    # Each format brings its own libraries; only the one asked for is loaded.
    if form == "json":
        return report.to_json()
    if form == "html":
        return report.to_html()
    if form == "markdown":
        return report.to_markdown()
    return str(report)


def format_of(path: Path | None) -> str:
    """Return the format that the suffix of a path asks for.

    Examples
    --------
    >>> format_of(Path("report.html")), format_of(Path("report.log")), format_of(None)
    ('html', 'text', 'text')
    """
    return "text" if path is None else SUFFIXES.get(path.suffix.lower(), "text")
