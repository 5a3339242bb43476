"""The report in a terminal, and as plain text."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from auditor import Report
from auditor.render.terminal import print_report, render_brief, render_text


def lines_of(report: Report, **options) -> list[str]:
    return render_text(report, **options).splitlines()


def test_clean_audit_is_under_a_screen(clean: Report) -> None:
    lines = lines_of(clean)
    assert lines[0] == "Passed: no findings.  22 rules passed, 7 skipped"
    assert len(lines) <= 30
    text = "\n".join(lines)
    assert "  train   6,000 rows   28 x 28   float32   labels\n" in text
    assert "  test         1 row   28 x 28   uint8     no labels\n" in text
    assert (
        "  DUP  exact-copies-across-splits, overlapping-windows-across-splits,\n       conflicting-labels\n"
        in text
    )
    assert "  PRE001-005  no preprocess given\n" in text
    assert "  SCL001  50,000 of 150,528 features, missing a defect with probability 0.01:\n" in text


def test_verdict_then_findings_then_what_passed(failed: Report) -> None:
    text = render_text(failed)
    order = [
        "Failed: 1 error, 1 warning, 1 note and 1 rule crashed.",
        "-- error SCL001 split-on-another-scale ---",
        "-- warning DUP005 conflicting-labels after preprocessing ---",
        "-- crashed DRF001 feature-drift ---",
        "More about a rule: auditor explain SCL001\n",
        "Worth knowing\n  DUP006  train repeats 12 of its own rows. Nothing to do unless",
        "Passed\n",
        "Skipped\n",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


def test_a_finding_has_its_evidence_and_its_fix(failed: Report) -> None:
    assert render_text(failed).split("-- ")[1].split("\n", 1)[1].splitlines() == [
        "  X_test is 255 times as large as X_train: it was not divided by 255 like the",
        "  others.",
        "",
        "    ratio of spreads, median over features        255  threshold 1.05",
        "    share of features that agree              99.87 %  threshold 90 %",
        "    p value                                 1.25e-112  threshold 0.001",
        "",
        "    features  100 to 399 (300)",
        "",
        "    feature  train std   test std",
        "    (3, 17)        0.3      79.12",
        "    (14, 9)  0.0001234  1,234,570",
        "",
        "  Fix: Divide X_test by 255, as X_train was.",
        "",
        "    X_test = X_test / 255",
        "",
    ]


def test_a_crash_says_where_without_an_address(failed: Report) -> None:
    text = render_text(failed)
    assert "ValueError: operands could not be broadcast together with <object at 0x...>" in text
    assert 'rules/drift/feature_drift.py", line 33' in text


@pytest.mark.parametrize("width", [60, 80, 100])
def test_prose_wraps(failed: Report, width: int) -> None:
    assert max(map(len, lines_of(failed, width=width))) <= width


def test_code_is_never_wrapped(failed: Report) -> None:
    from dataclasses import replace

    code = "first = 1\n" + "second = " + " + ".join("a" * 9 for _ in range(12)) + "\n    third = 3"
    finding = replace(failed.findings[0], fix=replace(failed.findings[0].fix, code=code))
    report = Report((replace(failed.outcomes[0], findings=(finding,)),))
    assert "\n".join(f"    {line}" for line in code.splitlines()) in render_text(report)


@pytest.mark.parametrize("name", ["clean", "failed", "hostile"])
def test_plain_text_is_ascii_without_escapes_or_trailing_space(
    name: str, request: pytest.FixtureRequest
) -> None:
    text = render_text(request.getfixturevalue(name))
    assert text.isascii()
    assert "\x1b" not in text
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)


def test_letters_of_any_alphabet_stay(failed: Report) -> None:
    from dataclasses import replace

    finding = replace(failed.findings[0], message="'größe' and '年' − 3 × σ…")
    text = render_text(Report((replace(failed.outcomes[0], findings=(finding,)),)))
    assert "'größe' and '年' - 3 x σ..." in text


def on_terminal(report: Report, **options) -> str:
    stream = io.StringIO()
    print_report(report, Console(file=stream, force_terminal=True, legacy_windows=False, **options))
    return stream.getvalue()


def test_colour_on_a_terminal(failed: Report, clean: Report) -> None:
    red = on_terminal(failed, width=80, color_system="standard")
    assert "\x1b[1;31m✗ Failed" in red
    assert "── " in red
    assert "\x1b[1;32m✓ Passed" in on_terminal(clean, width=80, color_system="standard")


def test_no_color_leaves_no_colour(failed: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = on_terminal(failed, width=80)
    assert not re.search(r"\x1b\[[\d;]*3\d", text)


def test_names_cannot_steer_the_terminal(hostile: Report) -> None:
    text = on_terminal(hostile, width=80, color_system=None)
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m\\u202e" in text


def test_wide_terminals_are_not_filled(failed: Report) -> None:
    assert max(map(len, on_terminal(failed, width=300, color_system=None).splitlines())) <= 100


def test_brief(failed: Report, clean: Report) -> None:
    assert render_brief(clean) == ""
    lines = render_brief(failed).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "error SCL001 split-on-another-scale",
        "warning DUP005 conflicting-labels",
        "crashed DRF001 feature-drift",
    ]


def test_empty_report() -> None:
    assert render_text(Report(())) == "Passed: no findings.  0 rules passed"
