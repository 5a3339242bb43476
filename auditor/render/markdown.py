"""A report as Markdown, for a pull request's comment or a README."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor._finding import Evidence, Finding, Severity
from auditor._report import Report, last_line
from auditor.render.wording import (
    LABELS,
    described,
    example_keys,
    passed,
    places,
    printable,
    ruled,
    seen_in_part,
    shown,
    skipped,
)

SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}


def render_markdown(report: Report) -> str:
    """Return a report as Markdown that GitHub shows as meant, whatever names the data bring."""
    lines = [
        f"## {'❌' if report.failed_at(report.fail_on) else '✅'} {report.verdict()}",
        "",
        *_splits(report),
    ]
    for finding in report.findings:
        lines += _finding(finding)
    for outcome in report.crashed:
        lines += [
            "",
            f"### 💥 {outcome.code} {_text(outcome.name)} (crashed)",
            "",
            _text(last_line(outcome.traceback)),
        ]
    return "\n".join([*lines, *_rest(report)]) + "\n"


def _splits(report: Report) -> list[str]:
    if not report.splits:
        return []
    return _table(
        ["split", "rows", "features", "dtype", "labels"],
        [list(map(_text, described(s))) for s in report.splits],
    )


def _finding(finding: Finding) -> Iterator[str]:
    after = " after preprocessing" if finding.stage != "given" else ""
    label = LABELS[finding.level]
    yield from ("", f"### {SIGNS[finding.level]} {finding.code} {_text(finding.name)}{after} ({label})", "")
    yield _text(finding.message)
    measures = [
        [
            _text(m.name),
            _text(shown(m.value, m.unit)),
            "" if m.threshold is None else _text(shown(m.threshold, m.unit)),
        ]
        for m in finding.evidence.measures
    ]
    if measures:
        yield from ("", *_table(["measured", "value", "threshold"], measures))
    where = [[_text(what), _text(which)] for what, which in places(finding)]
    if where:
        yield from ("", *(f"- {what}: {which}" for what, which in where))
    if finding.evidence.examples:
        yield from ("", *_examples(finding.evidence))
    yield from ("", f"**Fix.** {_text(finding.fix.summary)}")
    if finding.fix.code:
        yield from ("", *_fenced(finding.fix.code))


def _examples(evidence: Evidence) -> list[str]:
    keys = example_keys(evidence.examples)
    cells = [dict(row) for row in evidence.examples]
    rows = [[_text(shown(row[key])) if key in row else "" for key in keys] for row in cells]
    return _table(list(map(_text, keys)), rows)


def _rest(report: Report) -> Iterator[str]:
    """Yield what passed, what was skipped and why, folded away."""
    yield from ("", "<details>", f"<summary>{ruled(report)}</summary>", "")
    for family, title, names in passed(report):
        yield f"- **{family}** {title}: {', '.join(map(_text, names))}"
    for reason, codes in skipped(report):
        yield f"- skipped {codes}: {_text(reason)}"
    for code, sentence in seen_in_part(report):
        yield f"- {code} looked at {_text(sentence)}"
    yield from ("", "</details>")


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _fenced(code: str) -> list[str]:
    """Return a block of code behind a fence longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}python", printable(code.strip("\n")), fence]


def _text(text: str) -> str:
    """Return text that is shown as it is, on one line: no markup, no HTML, no mention; `code` stays code."""
    parts = re.split(r"(`[^`\n|]+`)", " ".join(printable(text).split()))
    return "".join(part if n % 2 else _escaped(part) for n, part in enumerate(parts))


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("@", "&commat;")
    # An underscore inside a word, as in X_train, is no markup.
    return re.sub(r"[\\`*{}\[\]#|~]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)
