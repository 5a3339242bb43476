"""Findings and their parts."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from auditor import ConfigError, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._finding import ROWS_LISTED, plain


def _finding(**changes) -> Finding:
    made = Finding(
        "m",
        Evidence.of(Measure("share", 0.25, 0.0, "%"), examples=[{"val row": np.int64(3)}]),
        Fix("f"),
        code="DUP001",
    )
    return dataclasses.replace(made, **changes)


def test_rows_from_a_mask_and_from_numbers() -> None:
    mask = Rows.where("val", np.array([True, False, True]))
    assert mask == Rows.where("val", [2, 0, 0], of=3)
    assert hash(mask) == hash(Rows.where("val", [0, 2], of=3))
    assert (len(mask), mask.of, mask.share) == (2, 3, 2 / 3)
    assert mask != Rows.where("test", [0, 2], of=3)


def test_row_numbers_need_a_length() -> None:
    with pytest.raises(TypeError, match="length"):
        Rows.where("val", [1, 2])


def test_rows_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Rows.where("val", [1], of=2).indices[0] = 0


def test_long_lists_are_cut_and_counted() -> None:
    data = Rows.where("val", np.ones(ROWS_LISTED + 5, dtype=bool)).to_dict()
    assert (len(data["indices"]), data["count"]) == (ROWS_LISTED, ROWS_LISTED + 5)


def test_findings_are_plain_json() -> None:
    data = _finding(severity=Severity.WARNING, classes=(np.int64(1), "a")).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data["severity"] == "warning"
    assert data["evidence"]["examples"] == [{"val row": 3}]


def test_the_fingerprint_names_the_defect_not_its_extent() -> None:
    base = _finding(splits=("val",), columns=(1, 2))
    grown = dataclasses.replace(base, message="other", rows=(Rows.where("val", [1], of=9),))
    assert base.fingerprint == grown.fingerprint
    others = [
        _finding(splits=("test",), columns=(1, 2)),
        _finding(splits=("val",), columns=(1,)),
        _finding(code="X"),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_evidence_by_name() -> None:
    assert _finding().evidence["share"] == 0.25
    with pytest.raises(KeyError):
        _finding().evidence["other"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1 / 3, 0.333333),
        (np.float32(2), 2.0),
        (float("inf"), "inf"),
        (None, None),
        (True, True),
        ((1, 2), "(1, 2)"),
    ],
)
def test_plain_values(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_severities_are_ordered_and_parsed() -> None:
    assert Severity.INFO < Severity.WARNING < Severity.ERROR
    assert Severity.parse("Warning") is Severity.WARNING
    with pytest.raises(ConfigError, match="fatal"):
        Severity.parse("fatal")
