"""The benchmark of rows made before the split: what it makes, counts and prints, at tiny scale."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("imblearn")
pytest.importorskip("threadpoolctl")

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
COMMITTED = BENCHMARKS / "results" / "resampling.json"
ROWS = 250


@pytest.fixture(scope="module")
def run():
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("resampling")
    sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize("sampler", ["RandomOverSampler", "SMOTE"])
def test_rows_made_before_the_split_are_told_and_no_others(run, sampler: str) -> None:
    records = run.run_task(run.Task("sklearn/breast_cancer", 0, sampler, "", ROWS))
    assert len(records) == 12
    for record in records:
        errors = {"before the split": [run.SAMPLERS[sampler]]}.get(record["made"], [])
        assert record["errors"] == errors, record
        assert not record["crashed"]


def test_nothing_is_told_where_nothing_was_made(run) -> None:
    records = run.run_task(run.Task("sklearn/breast_cancer", 0, "", "", ROWS))
    assert [record["codes"] for record in records] == [[]] * 4
    assert {record["made"] for record in records} == {"nowhere"}


def test_what_samplers_make(run) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(120, 4)), rng.integers(0, 3, 120)])
    y, text = (np.arange(120) % 4 == 0).astype(int), np.zeros(5, dtype=bool)
    for sampler in ("RandomOverSampler", "with noise", "SMOTE", "SMOTENC"):
        rows, labels = run.resampled(X, y, sampler, 0, text)
        assert np.bincount(labels).tolist() == [90, 90]
        np.testing.assert_array_equal(rows[:120], X)
    assert set(np.unique(rows[:, 4])) == {0.0, 1.0, 2.0}
    with pytest.raises(ValueError, match="both kinds"):
        run.resampled(X[:, :4], y, "SMOTENC", 0, text[:4])


def test_forms_are_scaled_by_train_alone(run) -> None:
    rng = np.random.default_rng(1)
    splits = [(rng.normal(3, 2, size=(n, 3)), np.zeros(n)) for n in (60, 20, 20)]
    forms = dict(run._forms(splits))
    assert set(forms) == {"float64, as it is", "float64, scaled", "float32, as it is", "float32, scaled"}
    np.testing.assert_allclose(forms["float64, scaled"][0][0].mean(axis=0), 0, atol=1e-12)
    assert abs(forms["float64, scaled"][1][0].mean()) > 1e-6
    assert all(X.dtype == np.float32 for X, _ in forms["float32, as it is"])


def test_counts_and_table(run) -> None:
    one = {"data": "a", "seed": 0, "form": "float64, scaled", "crashed": []}
    records = [
        {**one, "sampler": "SMOTE", "made": "before the split", "codes": ["RSM002"], "errors": ["RSM002"]},
        {**one, "sampler": "SMOTE", "made": "before the split", "codes": [], "errors": []},
        {**one, "sampler": "SMOTE", "made": "train alone", "codes": ["RSM003"], "errors": []},
        {**one, "sampler": "", "made": "nowhere", "codes": [], "errors": []},
    ]
    results = {"data": {"a": [9, 3, 2]}, "seeds": 1, "counts": run._counts(records)}
    assert run._missed(records) == {"SMOTE": {"a": 1}}
    assert [run._is_alarm(record) for record in records] == [False, False, True, False]
    printed = run.table(results)
    assert "| SMOTE | .500 (.013 to .987) | 2 | .500 (.013 to .987) | 1 of 1 | - | 0 of 0 |" in printed
    assert "nowhere: 1 of 2" in printed


def test_committed_results_can_be_printed(run) -> None:
    if not COMMITTED.exists():
        pytest.skip("no results committed")
    results = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert len(results["data"]) >= 8
    assert all(sampler in run.table(results) for sampler in run.SAMPLERS)
    assert str(Path.home()) not in COMMITTED.read_text(encoding="utf-8")
