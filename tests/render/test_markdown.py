"""The report as Markdown."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from auditor import Report
from auditor.render.markdown import render_markdown


def shown_as(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_sections_in_order(failed: Report) -> None:
    heads = re.findall("^#+ .+$", render_markdown(failed), re.MULTILINE)
    assert heads == [
        "## ❌ Failed: 1 error, 1 warning, 1 note and 1 rule crashed.",
        "### ❌ SCL001 split-on-another-scale (error)",
        "### ⚠️ DUP005 conflicting-labels after preprocessing (warning)",
        "### ℹ️ DUP006 copies-within-split (note)",
        "### 💥 DRF001 feature-drift (crashed)",
    ]


def test_evidence_and_fix(failed: Report) -> None:
    text = render_markdown(failed)
    assert "| share of features that agree | 99.87 % | 90 % |" in text
    assert "| (14, 9) | 0.0001234 | 1,234,570 |" in text
    assert "X_test is 255 times as large as X_train" in text
    assert "**Fix.** Divide X_test by 255, as X_train was.\n\n```python\nX_test = X_test / 255\n```" in text


def test_clean(clean: Report) -> None:
    text = render_markdown(clean)
    assert text.startswith("## ✅ Passed: no findings.\n\n| split | rows |")
    assert "<summary>22 rules passed, 7 skipped</summary>" in text
    assert "- skipped PRE001-005: no preprocess given" in text


def test_hostile_names_are_text(hostile: Report) -> None:
    html = shown_as(render_markdown(hostile))
    assert not re.search(r"<(img|script|a|em)\b", html)
    assert "&lt;img src=x onerror=alert(1)&gt;|`*_[a](javascript:b)" in html
    assert html.count("<table>") == 3
    assert html.count("<pre>") == 1
    assert "\\x1b[31m\\u202e" in html


@pytest.mark.parametrize(
    "text", ["a|b", "*a*", "_a_", "<b>", "@someone", "a\n\n# b", "`a|b`", "&lt;", "\\", "~~a~~"]
)
def test_text_is_shown_as_it_is(text: str) -> None:
    from html import unescape

    from auditor.render.markdown import _text

    html = shown_as(f"| a |\n| - |\n| {_text(text)} |")
    assert unescape(re.search("<td>(.*)</td>", html)[1]) == " ".join(text.split())
    assert "@" not in _text(text)
