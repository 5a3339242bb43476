"""A report as HTML: a fragment for notebooks, and a page of its own. No scripts, nothing from outside."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from auditor._errors import ConfigError
from auditor._finding import Severity
from auditor._report import Report, last_line, package_version
from auditor._rule import find_rule
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


def render_fragment(report: Report) -> str:
    """Return HTML for a notebook's cell; its styles reach nothing outside of it."""
    return _environment().get_template("fragment.html.j2").render(_content(report))


def render_page(report: Report) -> str:
    """Return a whole HTML page."""
    return _environment().get_template("page.html.j2").render(_content(report))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("auditor.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"prose": _prose, "printable": printable, "shown": shown}
    return made


def _content(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "failed": report.failed_at(report.fail_on),
        "labels": LABELS,
        "notes": Severity.INFO,
        "splits": list(map(described, report.splits)),
        "places": places,
        "keys": example_keys,
        "number": lambda examples, key: Markup(' class="number"') if is_number(examples, key) else "",
        "why": _why,
        "last_line": last_line,
        "crash_place": crash_place,
        "ruled": ruled(report),
        "passed": passed(report),
        "skipped": skipped(report),
        "seen": seen_in_part(report),
        "version": package_version(),
    }


def _why(code: str) -> str:
    """Return why a rule's findings matter, as its page has it."""
    try:
        return find_rule(code).section("Why it matters")
    except ConfigError:
        return ""


def _prose(text: str) -> Markup:
    """Escape text, and set what stands between backticks as code."""
    parts = re.split(r"`([^`\n]+)`", printable(text))
    code = partial(Markup("<code>{}</code>").format)
    return Markup().join(code(part) if n % 2 else escape(part) for n, part in enumerate(parts))
