"""The benchmark of near copies: its data, its judgement, its processes and its tables, at tiny scale."""

from __future__ import annotations

import importlib
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
COMMITTED = BENCHMARKS / "results" / "near_duplicates.json"
QUICK = (
    "near/auditor",
    "near/scikit-learn brute",
    "near/SciPy cKDTree",
    "copies/auditor",
    "copies/Python set",
)


@pytest.fixture(scope="module", autouse=True)
def _importable():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


def near(module: str):
    return importlib.import_module(f"near.{module}")


@pytest.fixture(scope="module")
def planted():
    return near("data").make("table", 0.003, None)


@pytest.mark.parametrize("name", ["images", "table", "embeddings", "windows"])
def test_planted_copies_are_within_the_radius_and_drawn_once(name: str) -> None:
    made = near("data").make(name, 0.003, None)
    distance = made.distances(made.pairs)
    assert distance.max() <= made.radius
    assert (distance[made.kind == made.kinds.index("exact")] == 0.0).all()
    for side in (0, 1):
        assert np.unique(made.pairs[:, side]).size == len(made.pairs)
    assert sorted(np.unique(made.kind)) == list(range(len(made.kinds)))


def test_data_are_the_same_for_one_seed(planted) -> None:
    again, other = near("data").make("table", 0.003, None), near("data").make("table", 0.003, None, 1)
    assert (again.query == planted.query).all()
    assert not (other.query == planted.query).all()


def test_brute_force_finds_all_neighbours(planted) -> None:
    rows = np.arange(40)
    wanted = [
        (row, other)
        for row in rows
        for other in range(len(planted.reference))
        if planted.distances(np.array([[row, other]]))[0] <= planted.radius
    ]
    assert sorted(map(tuple, planted.within(rows).tolist())) == wanted


def test_a_data_set_is_saved_and_read(planted, tmp_path: Path) -> None:
    near("planted").save(planted, tmp_path)
    again = near("planted").load(tmp_path)
    for key in ("reference", "query", "pairs", "kind", "asked", "neighbours"):
        assert (getattr(again, key) == getattr(planted, key)).all()
    assert (again.kinds, again.radius) == (planted.kinds, planted.radius)


def test_a_cut_keeps_copies_with_their_originals(planted) -> None:
    part = planted.cut(planted.subset(0.3, 0.3))
    assert len(part.pairs) >= round(0.3 * len(planted.pairs))
    assert len(part.query) == round(0.3 * len(planted.query))
    assert part.distances(part.pairs).max() <= planted.radius
    assert (part.distances(part.neighbours) <= planted.radius).all()


def test_scores_count_kinds_and_false_pairs(planted) -> None:
    Answer, scored = near("answers").Answer, near("answers").scored
    known = planted.pairs[planted.kind != 1]
    false = next(
        np.array([[0, other]])
        for other in range(len(planted.reference))
        if planted.distances(np.array([[0, other]]))[0] > planted.radius
    )
    told = np.concatenate([known, false])
    score = scored(planted, Answer(told[:, 0], told[:, 1]))
    assert score["recall"][planted.kinds[1]] == score["worst"] == 0.0
    assert score["recall"][planted.kinds[0]] == 1.0
    assert score["precision"] == round(len(known) / (len(known) + 1), 4)
    rows = scored(planted, Answer(np.arange(len(planted.query)), None))
    assert rows["worst"] == 1.0
    assert 0.0 < rows["precision"] < 1.0


@pytest.mark.parametrize("name", QUICK)
def test_methods_find_what_they_are_for(planted, name: str) -> None:
    method = near("methods").all_methods()[name]
    result = near("worker").measured(planted, method, float("inf"))
    kinds = ["exact"] if method.stage == "copies" else planted.kinds
    assert [result["recall"][kind] for kind in kinds] == [1.0] * len(kinds)
    assert result["precision"] == 1.0
    assert not result["extrapolated"]


def test_a_limit_leaves_a_part_and_tells_the_cost_of_all(planted) -> None:
    method = near("methods").all_methods()["near/scikit-learn brute"]
    slow = replace(method, search=lambda index, data, query: _slowly(method.search(index, data, query)))
    result = near("worker").measured(planted, slow, 0.2)
    assert result["extrapolated"]
    assert result["queries"] < 1.0
    assert result["cpu"] > 0.2
    assert result["worst"] == 1.0


def _slowly(answer):
    import time

    end = time.process_time() + 0.03
    while time.process_time() < end:
        pass
    return answer


def test_a_process_of_its_own_and_one_that_fails(planted, tmp_path: Path) -> None:
    near("planted").save(planted, tmp_path)
    methods = near("methods").all_methods()
    run = near("runs").measured_apart
    assert run(tmp_path, methods["copies/Python set"], 5.0)["recall"]["exact"] == 1.0
    broken = replace(methods["copies/Python set"], name="nobody")
    assert "nobody" in run(tmp_path, broken, 5.0)["failed"]


def test_the_program_writes_results_that_make_tables(tmp_path: Path, capsys) -> None:
    main = importlib.import_module("near_duplicates").main
    out = tmp_path / "out.json"
    arguments = ["--scale", "0.002", "--only", "embeddings", "--json", str(out)]
    main([*arguments, "--peers", "SciPy"])
    main([*arguments, "--peers", "none", "--keep"])
    results = json.loads(out.read_text(encoding="utf-8"))
    rows = {row["method"]: row["run"] for row in results["tasks"]["embeddings"]["rows"]}
    assert rows.pop("auditor, compiled") == 2
    assert rows == {"auditor": 2, "auditor, nothing given": 2, "SciPy cKDTree": 1}
    assert "† measured in another run, on the same rows" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="scale"):
        main(["--json", str(out), "--keep", "--scale", "1"])


def test_a_missing_peer_is_a_row_with_the_reason(planted, tmp_path: Path) -> None:
    program = importlib.import_module("near_duplicates")
    method = replace(near("methods").all_methods()["near/faiss Flat"], packages=("no_such_package",))
    row = program._measured(tmp_path, method, 1.0, sys.executable)
    assert row["failed"] == "no_such_package is not installed"
    about = {"kinds": ["exact"], "nbytes": 8}
    assert "not run: no_such_package is not installed" in near("table")._found([row], about, [])


@pytest.mark.skipif(not COMMITTED.exists(), reason="no committed results")
def test_the_committed_results_make_tables() -> None:
    results = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert results["scale"] == 1.0
    text = near("table").table(results)
    for name, task in results["tasks"].items():
        assert f"### {name}" in text
        for row in task["rows"]:
            assert f"| {row['method']}" in text
    summary = near("table").summary(results)
    assert (
        len(re.findall(r"^\| auditor \|( [0-9.]+ s · [0-9.]+ · [0-9.]+ \|){4}$", summary, re.MULTILINE)) == 1
    )
    own = results["tasks"]["images"]["rows"][0]
    assert own["method"] == "auditor"
    assert own["worst"] >= 0.99
