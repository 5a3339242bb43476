"""What an audit finds, and what it finds where nothing is wrong, on real data.

Defects of scale, function, order and fit are planted in real tables, images and series, and the audit is
asked; and it is asked about thousands of cases without a defect. Run

    pip install auditor[sklearn] -r benchmarks/requirements.txt
    python benchmarks/detection.py --data FOLDER --jobs 2 --json benchmarks/results/detection.json

where FOLDER holds ``.npz`` files of your own (`X`, and `y`, `time` and `groups` where there). Nothing is
downloaded; a source that is not there is left out, and the result says what was used.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import time
import warnings
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _clean
import _defects
import _objects
import _tables
from _intervals import rate

FAMILIES = ("scaler", "unit", "function", "order", "object", "clean")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One data set, one seed, one family of cases; `turn` numbers tables and seeds in one row."""

    family: str
    name: str
    seed: int
    folder: str
    rows: int
    turn: int = 0


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", default="", help="folder of .npz files to add")
    parser.add_argument("--seeds", type=int, default=5, help="splits of each data set")
    parser.add_argument("--tables", default="", help="only data sets whose name holds this")
    parser.add_argument("--only", action="append", choices=FAMILIES, help="only this family; repeatable")
    parser.add_argument("--rows", type=int, default=1500, help="rows taken of a larger data set")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin nothing after so long")
    parser.add_argument("--json", type=Path, help="file to write; other families that it holds are kept")
    given = parser.parse_args()
    results = measure(
        tuple(given.only or FAMILIES),
        given.seeds,
        given.data,
        only=given.tables,
        rows=given.rows,
        jobs=given.jobs,
        minutes=given.minutes,
    )
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        if given.json.exists():
            results = merged(json.loads(given.json.read_text()), results)
        given.json.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(table(results))


def measure(
    families: tuple[str, ...],
    seeds: int,
    folder: str = "",
    *,
    only: str = "",
    rows: int = 1500,
    jobs: int = 1,
    minutes: float = 1e9,
) -> dict[str, Any]:
    """Return the counts of every family.

    Parameters
    ----------
    families : tuple of str
        See ``FAMILIES``.
    seeds : int
        Splits of each data set; fitted objects take turns over tables and seeds.
    folder : str
        Folder of ``.npz`` files, or empty.
    only : str
        Part of the names of the data sets to take; all where empty.
    rows : int
        Rows taken of a larger data set.
    jobs : int
        Processes.
    minutes : float
        Time after which no data set is begun; the results say how much was left out.
    """
    start = time.perf_counter()
    sets = [one for one in data_sets(folder, rows) if only in one.name]
    tasks = [
        Task(family, one.name, seed, folder, rows, at * seeds + seed)
        for family in families
        for at, one in enumerate(one for one in sets if family != "object" or not one.is_image)
        for seed in range(seeds)
    ]
    # One seed after the other, shuffled, so that what time cuts off is more of the same.
    tasks.sort(key=lambda task: (task.seed, zlib.crc32(f"{task.family} {task.name}".encode())))
    counts: dict[str, dict[str, Any]] = {}
    alarms: list[Record] = []
    done = said = 0
    for records in _results(tasks, jobs, start + 60 * minutes):
        done += 1
        for record in records:
            _count(counts, alarms, record)
        print(f"{done:,} of {len(tasks):,}", *alarms[said:], sep="\n", file=sys.stderr)
        said = len(alarms)
    run = {
        "data sets": len(sets),
        "seeds": seeds,
        "rows": rows,
        "left out": [len(tasks) - done, len(tasks)],
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }
    return {
        "data": {one.name: [len(one.X), *one.X.shape[1:]] for one in sets},
        "runs": dict.fromkeys(families, run),
        "counts": counts,
        "alarms": sorted(alarms, key=str),
    }


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return new results, with those of families that were not measured again taken from the old.

    Examples
    --------
    >>> old = {"data": {}, "runs": {"unit": 1}, "counts": {"unit": 2}, "alarms": []}
    >>> merged(old, {"data": {}, "runs": {"order": 3}, "counts": {"order": 4}, "alarms": []})["counts"]
    {'unit': 2, 'order': 4}
    """
    made = {key: {**old[key], **new[key]} for key in ("data", "runs", "counts")}
    return made | {"alarms": new["alarms"] if "clean" in new["runs"] else old["alarms"]}


def data_sets(folder: str, rows: int) -> Iterator[_tables.Table]:
    """Yield tables, image sets and windows of series."""
    yield from _tables.tables(folder or None, rows)
    yield from _tables.images(folder or None, rows)
    yield from _tables.windows(folder or None, rows)


def _results(tasks: list[Task], jobs: int, end: float) -> Iterator[list[Record]]:
    if jobs <= 1:
        for task in tasks:
            if time.perf_counter() < end:
                yield run_task(task)
        return
    with ProcessPoolExecutor(jobs) as pool:
        waiting = collections.deque(tasks)
        running: set[Future[list[Record]]] = set()
        while waiting or running:
            while waiting and len(running) < 2 * jobs:
                if time.perf_counter() >= end:
                    waiting.clear()
                    break
                running.add(pool.submit(run_task, waiting.popleft()))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()


_held: dict[tuple[str, int], dict[str, _tables.Table]] = {}


def run_task(task: Task) -> list[Record]:
    """Return a record of every case of a task."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    key = (task.folder, task.rows)
    if key not in _held:
        _held[key] = {one.name: one for one in data_sets(*key)}
    found = _held[key][task.name]
    run = {"clean": _run_clean, "object": _run_objects}.get(task.family, _run_planted)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(run(task, found))


def _run_planted(task: Task, found: _tables.Table) -> Iterator[Record]:
    from auditor import audit

    for case in _defects.planted(task.family, found, task.seed):
        report = audit(*case.splits, select=case.select)
        hits = [one for one in report.findings if one.code in case.wanted]
        yield {
            "family": task.family,
            "kind": case.kind,
            "fitted": case.fitted,
            "dtype": case.dtype,
            "data": task.name,
            "visible": case.visible,
            "found": bool(hits),
            "named": None if case.told is None else any(set(one.splits) == case.told for one in hits),
            "beside": sorted({one.code for one in report.errors if one.code not in case.wanted}),
            "crashed": [one.code for one in report.crashed],
        }


def _run_objects(task: Task, found: _tables.Table) -> Iterator[Record]:
    from auditor import audit

    for case in _objects.fitted_cases(found, task.seed, task.turn):
        report = audit(**case.arguments, select="PRE001", options={"PRE001.seconds": 300})
        hits = [one for one in report.findings if one.level.label != "info"]
        on_train = case.fitted == ("train",)
        yield {
            "family": "object, on train" if on_train else "object",
            "kind": case.kind,
            "fitted": " + ".join(case.fitted),
            "dtype": "float64",
            "data": task.name,
            "visible": case.reproducible and (on_train or case.tellable),
            "found": bool(hits),
            "named": None if on_train else any(set(one.splits) == set(case.fitted) for one in hits),
            "beside": [],
            "crashed": [one.code for one in report.crashed],
        }


def _run_clean(task: Task, found: _tables.Table) -> Iterator[Record]:
    from auditor import audit

    for case in _clean.clean(found, task.seed):
        report = audit(**case.arguments)
        codes = [one.code for one in report.crashed]
        said = [(one.code, one.message) for one in report.errors] + [(code, "crashed") for code in codes]
        errors = [(code, text, _clean.why_true(found, case.kind, code)) for code, text in said]
        yield {
            "family": "clean",
            "kind": case.kind,
            "data": task.name,
            "seed": task.seed,
            "errors": errors,
            "warnings": sorted({one.code for one in report.warnings}),
        }


def _count(counts: dict[str, dict[str, Any]], alarms: list[Record], record: Record) -> None:
    """Add a record to the counts, and an error in a clean case to the alarms."""
    if record["family"] == "clean":
        held = counts.setdefault("clean", {}).setdefault(
            record["kind"], {"cases": 0, "alarmed": 0, "errors": {}, "warnings": {}, "in the data": 0}
        )
        held["cases"] += 1
        for code in record["warnings"]:
            held["warnings"][code] = held["warnings"].get(code, 0) + 1
        held["alarmed"] += any(not why for *_, why in record["errors"])
        for code, message, why in record["errors"]:
            held["in the data"] += bool(why)
            if not why:
                held["errors"][code] = held["errors"].get(code, 0) + 1
            alarm = {key: record[key] for key in ("data", "seed", "kind")}
            alarms.append({**alarm, "code": code, "message": message[:300], "in the data": why})
        return
    key = " | ".join((record["kind"], record["fitted"], record["dtype"]))
    held = counts.setdefault(record["family"], {}).setdefault(
        key,
        {"cases": 0, "found": 0, "visible": 0, "visible found": 0, "named": 0, "missed": {}, "beside": {}},
    )
    held["cases"] += 1
    held["found"] += record["found"]
    held["visible"] += record["visible"]
    held["visible found"] += record["visible"] and record["found"]
    held["named"] += bool(record["named"]) and record["visible"]
    if record["visible"] and not record["found"]:
        held["missed"][record["data"]] = held["missed"].get(record["data"], 0) + 1
    for code in (*record["beside"], *record["crashed"]):
        held["beside"][code] = held["beside"].get(code, 0) + 1


def table(results: dict[str, Any]) -> str:
    """Return the results as Markdown: detection by kind of defect, then false alarms by rule.

    Parameters
    ----------
    results : dict
        What `measure` returned, or the file that it was written to.
    """
    counts = results["counts"]
    lines = []
    if set(counts) - {"clean"}:
        lines += [
            "| what was planted | told where it can be seen (95 %) | cases | set named rightly | told elsewhere |",
            "| --- | --- | ---: | --- | --- |",
            *(line for family in FAMILIES[:-1] for line in _detection(family, counts.get(family, {}))),
        ]
    if "object, on train" in counts:
        held = _sum(counts["object, on train"].values())
        alarmed = rate(held["found"], held["cases"])
        lines += ["", f"Objects fitted on train alone: {held['cases']:,}; told: {alarmed}."]
    if "clean" in counts:
        lines += ["", *_alarms(counts["clean"])]
    return "\n".join(lines)


def _sum(parts: Iterable[dict[str, Any]]) -> collections.Counter[str]:
    total: collections.Counter[str] = collections.Counter()
    for part in parts:
        total.update({key: value for key, value in part.items() if isinstance(value, int)})
    return total


def _detection(family: str, counts: dict[str, Any]) -> Iterator[str]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for key, held in counts.items():
        kind, fitted, _ = key.split(" | ")
        several = ", each split by itself" if fitted == _defects.EACH else ", beyond train"
        name = {"scaler": kind + several, "object": kind.split(":")[0]}.get(family, kind)
        groups.setdefault(f"{family}: {name}", []).append(held)
    if family == "object" and counts:
        groups["object: all"] = list(counts.values())
    for name, parts in groups.items():
        total = _sum(parts)
        hidden = total["cases"] - total["visible"]
        elsewhere = rate(total["found"] - total["visible found"], hidden)
        named = rate(total["named"], total["visible found"]) if total["named"] else "-"
        yield (
            f"| {name} | {rate(total['visible found'], total['visible'])} | {total['visible']:,} | {named} | "
            f"{elsewhere} |"
        )


def _alarms(counts: dict[str, Any]) -> Iterator[str]:
    yield "| clean cases | cases | with a false error (95 %) | by rule | true errors in the data | warnings |"
    yield "| --- | ---: | --- | --- | ---: | --- |"
    every: dict[str, Any] = {"cases": 0, "alarmed": 0, "in the data": 0, "errors": {}, "warnings": {}}
    for kind, held in counts.items():
        yield _alarm(kind, held)
        for key in ("cases", "alarmed", "in the data"):
            every[key] += held[key]
        for level in ("errors", "warnings"):
            for code, count in held[level].items():
                every[level][code] = every[level].get(code, 0) + count
    yield _alarm("all", every)


def _alarm(kind: str, held: dict[str, Any]) -> str:
    listed = [
        ", ".join(f"{code} {count}" for code, count in sorted(held[level].items())) or "none"
        for level in ("errors", "warnings")
    ]
    alarmed = rate(held["alarmed"], held["cases"])
    return f"| {kind} | {held['cases']:,} | {alarmed} | {listed[0]} | {held['in the data']} | {listed[1]} |"


if __name__ == "__main__":
    main()
