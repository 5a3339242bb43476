"""The benchmark of detection and false alarms: what it plants, counts and prints, at tiny scale."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
COMMITTED = BENCHMARKS / "results" / "detection.json"


@pytest.fixture(scope="module", autouse=True)
def _importable():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


def module(name: str):
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def wine():
    return next(table for table in module("_tables").tables() if table.name == "sklearn/wine")


def test_scalers_are_told_with_the_rows_they_were_fitted_on(wine) -> None:
    run = module("detection")
    records = run.run_task(run.Task("scaler", wine.name, 0, "", 5000))
    standard = [one for one in records if one["kind"] in {"standard", "PCA"}]
    assert len(standard) == 20  # two scalers, five fits, two dtypes
    assert all(one["found"] and one["visible"] and one["named"] is not False for one in standard)


def test_maps_are_told(wine) -> None:
    run = module("detection")
    for family in ("unit", "function", "order"):
        records = run.run_task(run.Task(family, wine.name, 0, "", 5000))
        seen = [one for one in records if one["visible"]]
        assert np.mean([one["found"] for one in seen]) >= 0.75, family
        assert not any(one["crashed"] for one in records)


def test_fitted_objects_are_told_and_those_fitted_on_train_are_not(wine) -> None:
    run = module("detection")
    turns = [run.run_task(run.Task("object", wine.name, 0, "", 5000, turn)) for turn in (3, 4)]
    kinds = [{one["kind"] for one in records} for records in turns]
    assert kinds[0]
    assert not kinds[0] & kinds[1]
    records = turns[0] + turns[1]
    told = [one for one in records if one["family"] == "object" and one["visible"]]
    assert told
    assert all(one["found"] for one in told)
    assert not any(one["found"] for one in records if one["family"] == "object, on train")


def test_what_a_part_of_train_gives_too_is_not_counted_as_a_leak() -> None:
    is_tellable = module("_objects")._is_tellable
    before = np.arange(8.0).reshape(4, 2)
    after = before + np.array([0, 1])
    assert is_tellable(before, after, [before])
    assert not is_tellable(before, before, [])
    assert not is_tellable(before, after, [after + np.array([5, 0])])


def test_objects_come_in_groups_with_a_row_for_all() -> None:
    run = module("detection")
    counts: dict = {}
    base = {"fitted": "val", "dtype": "float64", "data": "a", "beside": [], "crashed": [], "family": "object"}
    for kind in ("decomposition: PCA", "decomposition: NMF", "impute: KNNImputer"):
        run._count(counts, [], {**base, "kind": kind, "visible": True, "found": True, "named": True})
    rows = run.table({"counts": counts}).splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        "object: decomposition",
        "object: impute",
        "object: all",
    ]
    assert "| 3 |" in rows[-1]


def test_a_planted_split_keeps_every_class_in_train(wine) -> None:
    for seed in range(3):
        train, val, test = module("_defects").split(wine, seed)
        assert set(wine.y[train]) == set(wine.y)
        assert sorted([*train, *val, *test]) == list(range(len(wine.X)))


def test_clean_cases_hold_no_row_twice() -> None:
    tables, clean = module("_tables"), module("_clean")
    X = np.random.default_rng(0).normal(size=(200, 4))
    table = tables.Table(
        "made", np.vstack([X, X[:20]]), np.zeros(220, dtype=np.int64), np.zeros(4, dtype=bool)
    )
    assert len(clean.distinct(table).X) == 200
    kinds = [case.kind for case in clean.clean(table, 0)]
    assert kinds[:2] == [clean.AS_FILED, "raw"]
    assert {"covariate shift", "a sub-population as test"} <= set(kinds)
    assert clean.why_true(table, clean.AS_FILED, "DUP001")
    assert not clean.why_true(table, "raw", "DUP001")


def test_keel_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "shop-1_vs_2.dat"
    file.write_text("@relation shop\n" + "1.5, red, yes\n?, blue, no\n" * 3)
    table = module("_tables").read_keel(file)
    assert table.X.shape == (6, 2)
    assert np.isnan(table.X[1, 0])
    assert table.categorical.tolist() == [False, True]
    assert table.y.tolist() == [1, 0] * 3


def test_results_of_other_families_are_kept_and_become_a_table() -> None:
    run = module("detection")
    counts: dict = {}
    alarms: list = []
    base = {
        "kind": "standard",
        "fitted": "train + val",
        "dtype": "float64",
        "data": "a",
        "beside": [],
        "crashed": [],
    }
    for found in (True, True, False):
        run._count(
            counts, alarms, {**base, "family": "scaler", "visible": True, "found": found, "named": found}
        )
    clean = {"family": "clean", "kind": "raw", "data": "a", "seed": 0, "warnings": ["SHP005"]}
    run._count(counts, alarms, {**clean, "errors": [("DUP001", "x", "true"), ("SCL001", "y", "")]})
    text = run.table({"counts": counts})
    assert "| scaler: standard, beyond train | .667 (.094 to .992) | 3 | 1 (.158 to 1) | - |" in text
    assert "| all | 1 | 1 (.025 to 1) | SCL001 1 | 1 | SHP005 1 |" in text
    assert [one["code"] for one in alarms] == ["DUP001", "SCL001"]


def test_the_interval_is_exact() -> None:
    bounds = module("_intervals").clopper_pearson(0, 2000)
    assert bounds[0] == 0
    assert bounds[1] == pytest.approx(1 - 0.025 ** (1 / 2000))


@pytest.mark.skipif(not COMMITTED.exists(), reason="no committed results")
def test_the_committed_results_hold_what_is_claimed() -> None:
    run = module("detection")
    results = json.loads(COMMITTED.read_text())
    assert set(run.FAMILIES) >= set(results["runs"]) >= {"scaler", "unit", "function", "order", "clean"}
    assert len(results["data"]) >= 20
    assert run.table(results).count("\n") > 20
    told = [held for held in results["counts"]["scaler"].items() if held[0].startswith(("standard", "PCA"))]
    total = run._sum(held for _, held in told)
    assert total["visible found"] >= 0.98 * total["visible"] > 300
