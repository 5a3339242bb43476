"""The report as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from auditor import Report
from auditor.render.html import render_fragment, render_page

VOID = {"meta", "link", "img", "br", "hr"}


class Outline(HTMLParser):
    """Every tag with its attributes, and whether all were closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("name", ["clean", "failed", "hostile"])
@pytest.mark.parametrize("render", [render_fragment, render_page])
def test_well_formed_and_self_contained(name: str, render, request: pytest.FixtureRequest) -> None:
    text = render(request.getfixturevalue(name))
    outline = Outline(text)
    assert outline.open == []
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(outline.tags)
    names = {key for key, _ in outline.attributes}
    assert not {key for key in names if key.startswith("on")} | (names & {"src", "href", "style", "id"})
    assert not re.search(r"url\(|@import|https?:", text)


def test_hostile_names_are_text(hostile: Report) -> None:
    text = render_page(hostile)
    assert "<img" not in text
    assert "<script" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "&lt;/code&gt;&lt;/pre&gt;&lt;script&gt;alert(2)&lt;/script&gt;" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.encode("utf-8")


def test_page(failed: Report) -> None:
    text = render_page(failed)
    assert text.startswith("<!doctype html>")
    assert "<title>Failed: 1 error, 1 warning, 1 note and 1 rule crashed.</title>" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_contents(failed: Report) -> None:
    text = render_fragment(failed)
    assert text.count('<details class="finding') == 4
    assert text.index("SCL001") < text.index("DUP005") < text.index("DUP006") < text.index("DRF001")
    assert '<details class="finding error" open>' in text
    assert '<details class="finding info">' in text
    assert "X_test is 255 times as large as X_train" in text
    assert '<td class="number"><b>99.87 %</b></td>' in text
    assert "<pre><code>X_test = X_test / 255</code></pre>" in text
    assert "after preprocessing" in text
    assert "0x7f03a4b1c2d0" not in text
    assert "28 × 28" in text


def test_backticks_become_code(failed: Report) -> None:
    from dataclasses import replace

    finding = replace(failed.findings[0], message="call `fit(<X>)` & `transform`")
    text = render_fragment(Report((replace(failed.outcomes[0], findings=(finding,)),)))
    assert "call <code>fit(&lt;X&gt;)</code> &amp; <code>transform</code>" in text


def test_a_rule_of_the_book_says_why_it_matters(failed: Report) -> None:
    from dataclasses import replace

    finding = replace(failed.findings[0], code="SHP003", name="non-finite-values")
    text = render_fragment(Report((replace(failed.outcomes[0], findings=(finding,)),)))
    assert "Why it matters" in text
    assert "One NaN in a batch" in text


def test_clean_audit_shows_what_passed(clean: Report) -> None:
    text = render_fragment(clean)
    assert '<header class="passed">' in text
    assert '<details class="rest" open>\n<summary>What passed</summary>' in text
    assert "no groups given" in text
    assert "50,000 of 150,528 features" in text


def test_styles_stay_inside(clean: Report) -> None:
    """Every selector begins with the fragment's own class, so that nothing else in a notebook changes."""
    style = re.search(r"<style>(.*?)</style>", render_fragment(clean), re.DOTALL)[1]
    selectors = re.findall(r"(?:^|\})\s*([^{}@]+)\{", re.sub(r"@media[^{]*\{", "", style))
    for selector in selectors:
        for part in selector.split(","):
            assert ".auditor-report" in part, part


def test_same_report_same_bytes(failed: Report) -> None:
    assert render_page(failed) == render_page(failed)
