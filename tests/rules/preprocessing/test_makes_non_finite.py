"""PRE006."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditor import Severity, Status, audit

COUNTS = np.random.default_rng(0).poisson(3, size=(90, 4)).astype(np.float64)


def run(preprocess, rows=COUNTS, **given):
    return audit(rows[:60], rows[60:], preprocess=preprocess, select="PRE006", **given)["PRE006"]


def test_rows_columns_and_cause() -> None:
    rows = COUNTS + 1
    rows[[4, 61], 2] = 0
    train, val = run(np.log, rows).findings
    assert (train.splits, val.splits) == (("train",), ("val",))
    assert train.rows[0].indices.tolist() == [4]
    assert val.rows[0].indices.tolist() == [1]
    assert train.columns == (2,)
    assert train.level is Severity.ERROR
    assert train.evidence["infinite values made"] == 1
    assert train.evidence["NaN values made"] == 0
    assert "came in as 0" in train.message
    assert dict(train.evidence.examples[0])["input"] == 0.0


def test_negative_values_and_float16() -> None:
    (finding,) = run(np.sqrt, np.vstack([np.ones((60, 2)), -np.ones((30, 2))])).findings
    assert finding.splits == ("val",)
    assert "0 or less" in finding.message
    found = run(lambda rows: (rows + 1e5).astype(np.float16))
    assert "float16 ends at 65,504" in found.findings[0].message


def test_rows_that_held_a_missing_value_are_left_out() -> None:
    rows = COUNTS + 1
    rows[3, 0] = np.nan
    found = run(np.log, rows)
    assert found.status is Status.PASSED
    assert (found.coverage[0].examined, found.coverage[0].of) == (59, 60)


def test_nothing_finite_to_judge_is_skipped() -> None:
    rows = COUNTS.copy()
    rows[:, 0] = np.nan
    assert run(np.log1p, rows).status is Status.SKIPPED


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float32])
def test_finite_results_pass(dtype: type) -> None:
    assert run(np.log1p, COUNTS.astype(dtype)).status is Status.PASSED


def test_frames_with_text() -> None:
    frame = pd.DataFrame({"a": COUNTS[:, 0], "b": "x"})
    found = run(lambda rows: np.log(rows[["a"]]), frame)
    assert found.status is Status.FAILED
    assert run(lambda rows: rows[["a"]], frame).status is Status.PASSED


def test_raw_rows_are_the_input() -> None:
    with np.errstate(divide="ignore"):
        made = np.log(COUNTS)
    found = run(np.log, made, raw_train=COUNTS[:60], raw_val=COUNTS[60:])
    assert found.status is Status.FAILED
    assert "raw_train" in found.findings[0].message
