"""The report: what can be asked of it."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from auditor import AuditFailed, ConfigError, Finding, Fix, Outcome, Report, Rows, Severity, Status, audit
from auditor._finding import Evidence, Measure
from auditor._report import SplitSummary, last_line

SPLITS = (SplitSummary("train", 6, (2,), "float64", True), SplitSummary("val", 4, (2,), "float64", False))


def found(code: str, severity: Severity, *drop: Rows) -> Outcome:
    finding = Finding(
        f"{code} says so.",
        Evidence.of(Measure("share", np.float32(0.5), 0.1, "%")),
        Fix("Mend it.", "mend()", drop),
        splits=("val",),
        severity=severity,
        code=code,
        name=f"name-of-{code.lower()}",
    )
    return Outcome(code, finding.name, Status.FAILED, (finding,))


def report_of(*outcomes: Outcome, **more) -> Report:
    return Report(outcomes, SPLITS, **more)


NOTE, WARNING, ERROR = (found(f"SHP00{n}", level) for n, level in enumerate(Severity, 1))
PASSED = Outcome("SHP004", "constant-features", Status.PASSED)
CRASHED = Outcome(
    "SHP005", "too-few-rows", Status.CRASHED, traceback="Traceback\n  here\nKeyError: <a at 0x7f12345678>\n"
)


def test_order_is_by_severity_then_by_the_rule_book() -> None:
    other = found("DUP001", Severity.WARNING)
    report = report_of(other, NOTE, WARNING, ERROR)
    assert [finding.code for finding in report.findings] == ["SHP003", "DUP001", "SHP002", "SHP001"]
    assert [finding.code for finding in report.errors] == ["SHP003"]
    assert [finding.code for finding in report.warnings] == ["DUP001", "SHP002"]


@pytest.mark.parametrize(
    ("outcomes", "ok", "failed_at"),
    [
        ((), True, []),
        ((PASSED,), True, []),
        ((NOTE,), True, ["info"]),
        ((WARNING, NOTE), True, ["info", "warning"]),
        ((ERROR,), False, ["info", "warning", "error"]),
        ((CRASHED, PASSED), False, ["info", "warning", "error"]),
    ],
)
def test_levels(outcomes: tuple[Outcome, ...], ok: bool, failed_at: list[str]) -> None:
    report = report_of(*outcomes)
    assert report.ok is ok
    for level in ("info", "warning", "error"):
        assert report.failed_at(level) is (level in failed_at)
        if level in failed_at:
            with pytest.raises(AuditFailed) as caught:
                report.raise_if_failed(level)
            assert caught.value.report is report
            assert str(caught.value).startswith("Failed: ")
        else:
            report.raise_if_failed(level)


def test_the_level_of_the_audit_is_the_default() -> None:
    report_of(WARNING).raise_if_failed()
    with pytest.raises(AuditFailed, match="SHP002 warning: SHP002 says so"):
        report_of(WARNING, fail_on=Severity.WARNING).raise_if_failed()
    with pytest.raises(AuditFailed, match="SHP001 info: SHP001 says so"):
        report_of(NOTE).raise_if_failed("info")


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ((PASSED,), "Passed: no findings."),
        ((NOTE,), "Passed: 1 note."),
        ((WARNING, found("DUP001", Severity.WARNING), NOTE), "Passed: 2 warnings and 1 note."),
        ((ERROR, WARNING, NOTE), "Failed: 1 error, 1 warning and 1 note."),
        ((CRASHED,), "Failed: 1 rule crashed."),
        ((ERROR, CRASHED), "Failed: 1 error and 1 rule crashed."),
    ],
)
def test_verdict(outcomes: tuple[Outcome, ...], verdict: str) -> None:
    assert report_of(*outcomes).verdict() == verdict


def test_summary_has_the_verdict_and_a_line_per_finding() -> None:
    assert report_of(ERROR, NOTE, CRASHED).summary() == (
        "Failed: 1 error, 1 note and 1 rule crashed.\nSHP003 error: SHP003 says so.\nSHP005 crashed: KeyError: <a at 0x...>"
    )


def test_outcomes_by_code_and_by_name() -> None:
    report = report_of(ERROR, PASSED)
    assert report["SHP003"] is ERROR
    assert report["constant-features"] is PASSED
    assert "SHP003" in report
    assert "constant-features" in report
    assert "SHP009" not in report
    with pytest.raises(KeyError, match="'SHP009' was not run; the report holds SHP003, SHP004"):
        report["SHP009"]


def test_masks_of_rows_to_drop() -> None:
    twice = (Rows.where("val", [1], 4), Rows.where("train", [0, 5], 6))
    report = report_of(
        found("DUP001", Severity.ERROR, *twice), found("DUP005", Severity.WARNING, Rows.where("val", [3], 4))
    )
    masks = report.rows_to_drop()
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "train": [True, False, False, False, False, True],
        "val": [False, True, False, False],
    }
    assert report.rows_to_drop("warning")["val"].tolist() == [False, True, False, True]
    assert not report_of(ERROR).rows_to_drop()["val"].any()


def test_masks_for_an_unknown_split() -> None:
    with pytest.raises(ConfigError, match="unknown split 'dev'"):
        report_of(found("DUP001", Severity.ERROR, Rows.where("dev", [1], 4))).rows_to_drop()


def test_json_is_plain_and_stable() -> None:
    report = report_of(ERROR, PASSED, CRASHED, fail_on=Severity.WARNING, seed=3)
    text = report.to_json()
    assert (
        text
        == report_of(ERROR, replace(PASSED, seconds=9.0), CRASHED, fail_on=Severity.WARNING, seed=3).to_json()
    )
    data = json.loads(text)
    assert data == report.to_dict()
    assert data["ok"] is False
    assert (data["fail_on"], data["seed"], data["counts"]["crashed"]) == ("warning", 3, 1)
    assert data["outcomes"][0]["findings"][0]["evidence"]["measures"][0]["value"] == 0.5
    assert "0x7f12345678" not in text
    assert "timings" not in data
    assert set(report.to_dict(timings=True)["timings"]) == {"SHP003", "SHP004", "SHP005"}


def test_json_of_names_that_are_no_text() -> None:
    broken = replace(PASSED, status=Status.SKIPPED, reason='column "\udc80é" \x00')
    text = report_of(broken).to_json()
    assert text.encode("utf-8")
    assert json.loads(text)["outcomes"][0]["reason"] == broken.reason


def test_the_report_cannot_be_changed_and_is_compared_by_value() -> None:
    report = report_of(ERROR, PASSED)
    with pytest.raises(FrozenInstanceError):
        report.seed = 4  # type: ignore[misc]
    same = report_of(ERROR, replace(PASSED, seconds=3.0))
    assert report == same
    assert hash(report) == hash(same)
    assert report != report_of(PASSED)


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])  # noqa: S301
def test_reports_can_be_sent_around(through) -> None:
    report = report_of(found("DUP001", Severity.ERROR, Rows.where("val", [1, 3], 4)), CRASHED)
    _ = report.findings
    assert through(report) == report
    assert through(report).to_json() == report.to_json()


def test_failures_can_be_sent_around() -> None:
    """A test runner that works in processes pickles exceptions."""
    report = report_of(ERROR)
    with pytest.raises(AuditFailed) as caught:
        report.raise_if_failed()
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert again.report == report
    assert str(again) == str(caught.value)


def test_a_report_keeps_no_input() -> None:
    X = np.arange(40.0).reshape(20, 2)
    report = audit(X, X[:4], select=["SHP"])
    for outcome in report.outcomes:
        for finding in outcome.findings:
            for rows in (*finding.rows, *finding.fix.drop):
                assert not np.shares_memory(rows.indices, X)


@pytest.mark.parametrize(
    ("traceback", "line"),
    [("", "no traceback"), ("\n", "no traceback"), ("a\nValueError: b\n\n", "ValueError: b")],
)
def test_last_line(traceback: str, line: str) -> None:
    assert last_line(traceback) == line


def test_formats_are_at_hand() -> None:
    report = report_of(ERROR)
    assert str(report) == repr(report)
    assert "Failed: 1 error." in str(report)
    assert report.to_html().startswith("<!doctype html>")
    assert report._repr_html_().lstrip().startswith('<div class="auditor-report">')
    assert report.to_markdown().startswith("## ")
