"""Words, numbers and lists that every format shares."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Coverage, Outcome, Report, Rows, Status
from auditor._report import SplitSummary
from auditor.render.wording import (
    cut_list,
    described,
    passed,
    places,
    printable,
    ruled,
    runs,
    seen_in_part,
    shown,
    skipped,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "%", "50 %"),
        (1.0, "%", "100 %"),
        (0.00001234, "%", "0.001234 %"),
        (12, "rows", "12 rows"),
        (0.3, "std", "0.3 std"),
        (1_680_000_000.0, "", "1,680,000,000"),
        (3714.159, "", "3,714"),
        (12345.678, "", "12,346"),
        (1.5e12 + 0.5, "", "1.5e+12"),
        (1e300, "", "1e+300"),
        (1.25e-112, "", "1.25e-112"),
        (0, "", "0"),
        (-0.0, "", "0"),
        (-3.5, "", "-3.5"),
        (float("nan"), "", "nan"),
        (float("inf"), "%", "inf %"),
        (10**30, "", "1" + ",000" * 10),
        ("nan", "", "nan"),
        (False, "", "no"),
        ("x" * 61, "", "x" * 60 + "..."),
    ],
)
def test_values(value: object, unit: str, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain ünïcode 日本\n", "plain ünïcode 日本\n"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\x85", "a\\rb\\x85"),
        ("non\xa0breaking\u2028line", "non breaking line"),
        ("\u202edesrever\ud800", "\\u202edesrever\\ud800"),
    ],
)
def test_control_characters_are_written_out(text: str, safe: str) -> None:
    assert printable(text) == safe


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([1, 2, 3], "1, 2, 3"),
        ([4, 5, 6, 7], "4 to 7"),
        ([4, 5, 6, 8], "4, 5, 6, 8"),
        ([7, 6, 5, 4], "7, 6, 5, 4"),
        (["cat\x1b", 3, None, True], "cat\\x1b, 3, None, True"),
        ([3, *range(10, 30)], "3, 10, 11, 12, 13, 14, 15, 16, ..."),
    ],
)
def test_lists(values: list, text: str) -> None:
    assert cut_list(values) == text


def test_places(failed: Report) -> None:
    scale, labels, note = failed.findings
    assert places(scale) == [("features", "100 to 399 (300)")]
    assert places(labels) == [
        ("val rows", "3, 72, 141, 210, 279, 348, 417, 486, ... (13 of 1,000)"),
        ("labels", "cat, 7"),
    ]
    assert places(note) == [("train rows", "all 6,000")]


def test_no_rows_are_no_place(failed: Report) -> None:
    from dataclasses import replace

    finding = replace(failed.findings[2], rows=(Rows.where("val", np.zeros(4, dtype=bool)),))
    assert places(finding) == []


@pytest.mark.parametrize(
    ("split", "cells"),
    [
        (SplitSummary("train", 1, (), "bool", True), ("train", "1 row", "1 feature", "bool", "labels")),
        (SplitSummary("val", 2, (1,), "int8", False), ("val", "2 rows", "1 feature", "int8", "no labels")),
        (
            SplitSummary("val", 0, (150528,), "f", False),
            ("val", "0 rows", "150,528 features", "f", "no labels"),
        ),
        (SplitSummary("test", 9, (64, 20), "f", True), ("test", "9 rows", "64 x 20", "f", "labels")),
    ],
)
def test_splits(split: SplitSummary, cells: tuple[str, ...]) -> None:
    assert described(split) == cells


def test_what_passed_stands_by_family(clean: Report) -> None:
    families = {code: names for code, _, names in passed(clean)}
    assert list(families) == ["DUP", "RSM", "SCL", "LBL", "SHP", "TGT"]
    assert families["RSM"] == ["oversampled-before-split"]
    assert ruled(clean) == "22 rules passed, 7 skipped"


def test_what_was_skipped_stands_by_reason(clean: Report) -> None:
    assert skipped(clean) == [
        ("no preprocess given", "PRE001-005"),
        ("no groups given", "DEP001"),
        ("no time given", "DEP002"),
    ]


def test_runs_do_not_join_families() -> None:
    assert runs(["DUP001", "DUP002", "RSM003", "RSM004", "RSM005"]) == ["DUP001", "DUP002", "RSM003-005"]


def test_coverage() -> None:
    parts = (Coverage(1, 2), Coverage(10_000, 20_000, "pairs", 0.05, "a cap"), Coverage(3, 4))
    report = Report((Outcome("DUP002", "near-copies-across-splits", Status.PASSED, coverage=parts),))
    assert seen_in_part(report) == [
        ("DUP002", "1 of 2, 3 of 4 rows"),
        ("DUP002", "10,000 of 20,000 pairs, missing a defect with probability 0.05: a cap"),
    ]
