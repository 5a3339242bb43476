"""DEP001."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

TRAIN = np.repeat(np.arange(10, 20), 5)
VAL = np.repeat([18, 30, 31], [4, 3, 3])


def _audit(train: object, val: object, test: object = None, **more: object) -> Report:
    given = {"train": train, "val": val, "test": test}
    arrays = {f"X_{k}": np.zeros((len(v), 2)) for k, v in given.items() if v is not None}
    ids = {f"groups_{k}": v for k, v in given.items()}
    return audit(**arrays, **ids, **more, select="DEP001")


@pytest.mark.parametrize("dtype", ["i2", "u8", "f4", "f8", "U3", "O", "M8[D]"])
@pytest.mark.parametrize("other", ["i2", "f8", "U3"])
def test_ids_of_every_dtype(dtype: str, other: str) -> None:
    if (dtype == "M8[D]") != (other == "M8[D]") and dtype == "M8[D]":
        other = dtype
    (finding,) = _audit(TRAIN.astype(dtype), VAL.astype(other)).errors
    assert finding.splits == ("val", "train")
    assert finding.rows[0].indices.tolist() == [0, 1, 2, 3]
    assert finding.rows[1].indices.tolist() == list(range(40, 45))
    assert finding.evidence["share of val rows"] == 0.4
    assert finding.evidence["groups in val and train"] == 1
    assert finding.evidence["groups in val"] == 3
    assert finding.fix.drop == finding.rows[:1]


def test_dropping_mends() -> None:
    report = _audit(TRAIN, VAL)
    keep = ~report.rows_to_drop()["val"]
    assert _audit(TRAIN, VAL[keep]).ok


def test_all_rows_shared_cannot_be_dropped() -> None:
    assert _audit(TRAIN, TRAIN[::2]).errors[0].fix.drop == ()


def test_every_pair_of_splits() -> None:
    report = _audit(TRAIN, [10, 40, 41], [41, 50, 11])
    assert [(f.splits, f.level) for f in report.findings] == [
        (("val", "train"), Severity.ERROR),
        (("test", "train"), Severity.ERROR),
        (("test", "val"), Severity.WARNING),
    ]


def test_disjoint_groups_pass() -> None:
    assert _audit(TRAIN, VAL[4:])["DEP001"].status is Status.PASSED
    assert _audit(np.arange(20), np.arange(20, 30))["DEP001"].status is Status.PASSED


def test_missing_ids_are_no_group() -> None:
    assert _audit([1, 1, None, None], [2, None, None])["DEP001"].status is Status.PASSED
    assert _audit(["a", "a", "", ""], ["b", "", ""])["DEP001"].status is Status.PASSED


@pytest.mark.parametrize(
    ("train", "val", "more", "reason"),
    [
        (np.arange(40), np.arange(10), {}, "number the rows"),
        (np.arange(1, 41), np.arange(1, 11), {}, "number the rows"),
        (np.zeros(40), np.zeros(10), {}, "one group"),
        (
            np.tile([4, 7], 20),
            np.tile([4, 7], 5),
            {"y_train": np.tile([0, 1], 20), "y_val": np.tile([0, 1], 5)},
            "labels",
        ),
        (np.arange(40), None, {}, "groups given for train only"),
    ],
)
def test_ids_that_are_no_groups_are_skipped(train: object, val: object, more: dict, reason: str) -> None:
    outcome = _audit(train, val, **more)["DEP001"]
    assert outcome.status is Status.SKIPPED
    assert reason in outcome.reason


def test_several_groups_of_a_class_are_groups() -> None:
    y = TRAIN % 2
    assert _audit(TRAIN, VAL, y_train=y, y_val=VAL % 2).errors


def test_empty_splits() -> None:
    assert not _audit(TRAIN, []).crashed
    assert not _audit(TRAIN[:0], VAL).crashed
