"""SHP005."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit
from auditor.measures.intervals import half_width, rows_for


@pytest.mark.parametrize("n", [1, 2, 30, 92])
def test_small_evaluation_splits(n: int) -> None:
    (finding,) = audit(np.zeros((200, 2)), np.zeros((n, 2)), select="SHP005").findings
    assert finding.level is Severity.WARNING
    assert finding.evidence["rows of val"] == n
    assert finding.evidence["half width of the 95 % interval of an accuracy"] == half_width(n)


@pytest.mark.parametrize("n", [93, 1000])
def test_enough_rows(n: int) -> None:
    assert audit(np.zeros((5, 2)), np.zeros((n, 2)), select="SHP005")["SHP005"].status is Status.PASSED


@pytest.mark.parametrize("shape", [(0, 2), (0,), (0, 3, 3)])
def test_empty_splits_are_errors(shape: tuple[int, ...]) -> None:
    X = np.zeros((200, 2))
    (finding,) = audit(X, np.zeros(shape), select="SHP005").errors
    assert finding.splits == ("val",)
    report = audit(X[:0], X, X[:0], select="SHP005")
    assert [f.splits for f in report.errors] == [("train",), ("test",)]


def test_numbers_are_those_of_wilson() -> None:
    (finding,) = audit(np.zeros((200, 2)), np.zeros((30, 2)), select="SHP005").findings
    assert "between 63% and 90%" in finding.message
    assert finding.evidence["rows that halve it"] == rows_for(half_width(30) / 2)


def test_rarest_class_and_groups_are_evidence() -> None:
    (finding,) = audit(
        np.zeros((200, 2)),
        np.zeros((50, 2)),
        y_train=np.tile([0, 1], 100),
        y_val=np.repeat([0, 1], [46, 4]),
        groups_train=np.arange(200),
        groups_val=np.repeat(np.arange(200, 205), 10),
        select="SHP005",
    ).findings
    assert finding.evidence["rows of the rarest class"] == 4
    assert finding.evidence["groups in val"] == 5
    assert finding.evidence["half width of the interval of its recall"] == half_width(4)


def test_the_bar_can_be_moved() -> None:
    given = (np.zeros((200, 2)), np.zeros((40, 2)))
    assert audit(*given, select="SHP005", options={"SHP005.half_width": 0.2}).ok
    assert not audit(*given, select="SHP005", options={"SHP005.half_width": 0.2}).findings
    assert audit(*(np.zeros((500, 2)),) * 2, select="SHP005", options={"SHP005.half_width": 0.01}).findings


def test_train_alone_is_not_judged_by_its_size() -> None:
    assert audit(np.zeros((3, 2)), select="SHP005")["SHP005"].status is Status.PASSED
