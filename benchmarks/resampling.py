"""Rows made before the split: which samplers an audit tells, and what it says where they were used rightly.

Imbalanced real tables are resampled by imbalanced-learn before the split, on train alone, on the evaluation
splits alone, or not at all; in float64 and float32, as they are and scaled by train afterwards. Run

    pip install auditor[sklearn] imbalanced-learn -r benchmarks/requirements.txt
    python benchmarks/resampling.py --data FOLDER --jobs 2 --json benchmarks/results/resampling.json

where FOLDER holds ``.npz`` files of your own (`X` and `y`). Nothing is downloaded; a source that is not there
is left out, and the result says what was used.
"""

from __future__ import annotations

import argparse
import collections
import json
import time
import warnings
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import _tables
import numpy as np
from _intervals import rate
from numpy.typing import NDArray

Array = NDArray[Any]
Splits = list[tuple[Array, Array]]

SAMPLERS = {
    "RandomOverSampler": "RSM001",
    "with noise": "RSM001",
    "SMOTE": "RSM002",
    "BorderlineSMOTE": "RSM002",
    "SVMSMOTE": "RSM002",
    "ADASYN": "RSM002",
    "KMeansSMOTE": "RSM002",
    "SMOTENC": "RSM002",
}
"""How rows are made, and the rule that is to tell it."""

MADE = ("before the split", "train alone", "evaluation alone")
"""Where rows are made. The first is the defect, the second is right, the third a defect of its own (RSM003)."""

CODES = ("RSM001", "RSM002", "RSM003")

NOISE = 0.01
"""Noise on repeated rows, in standard deviations of each feature."""

LEAST_ROWS = 12
"""Rows of a class, at least; smaller classes are left out."""

IMBALANCE = 1.5
"""Rows of the largest class over those of the smallest, at least."""

FEW_VALUES = 10
"""Distinct values up to which a column is a category to SMOTENC, where the file has no text."""


@dataclass(frozen=True, slots=True)
class Task:
    """One table, one seed, one sampler or none."""

    name: str
    seed: int
    sampler: str
    folder: str
    rows: int


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", default="", help="folder of .npz files to add")
    parser.add_argument("--seeds", type=int, default=5, help="splits of each table")
    parser.add_argument(
        "--tables", action="append", help="only tables whose name holds this; repeatable", default=[]
    )
    parser.add_argument("--rows", type=int, default=1000, help="rows taken of a larger table")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--json", type=Path, help="where to write the results")
    given = parser.parse_args()
    for results in measure(given.seeds, given.data, given.tables, rows=given.rows, jobs=given.jobs):
        if given.json:
            given.json.parent.mkdir(parents=True, exist_ok=True)
            given.json.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(table(results))


def measure(
    seeds: int, folder: str = "", only: list[str] | None = None, *, rows: int = 1000, jobs: int = 1
) -> Iterator[dict[str, Any]]:
    """Yield the results after each seed.

    Parameters
    ----------
    seeds : int
        Splits of each table.
    folder : str
        Folder of ``.npz`` files, or empty.
    only : list of str
        Parts of the names of the tables to take; all where empty.
    rows : int
        Rows taken of a larger table.
    jobs : int
        Processes.
    """
    start = time.perf_counter()
    sets = [one for one in imbalanced(folder, rows) if not only or any(part in one.name for part in only)]
    records: list[dict[str, Any]] = []
    for seed in range(seeds):
        tasks = [Task(one.name, seed, sampler, folder, rows) for one in sets for sampler in ("", *SAMPLERS)]
        records += _records(tasks, jobs)
        yield {
            "data": {one.name: [*one.X.shape, int(np.unique(one.y).size)] for one in sets},
            "seeds": seed + 1,
            "rows": rows,
            "minutes": round((time.perf_counter() - start) / 60, 1),
            "counts": _counts(records),
            "missed": _missed(records),
            "alarms": [record for record in records if _is_alarm(record)],
        }


def imbalanced(folder: str, rows: int) -> Iterator[_tables.Table]:
    """Yield the tables whose classes differ in size and that have three continuous features.

    Classes of a handful of rows are left out, and missing values are filled with the column's median.
    """
    for found in _tables.tables(folder or None, rows):
        sizes = np.bincount(found.y)
        kept = sizes[found.y] >= LEAST_ROWS
        left = sizes[sizes >= LEAST_ROWS]
        if left.size > 1 and left.max() >= IMBALANCE * left.min() and found.continuous >= 3:
            X = found.X[kept].astype(np.float64)
            middle = np.nan_to_num(np.nanmedian(np.where(np.isfinite(X), X, np.nan), axis=0))
            yield replace(found, X=np.where(np.isfinite(X), X, middle), y=found.y[kept])


@cache
def _held(folder: str, rows: int) -> dict[str, _tables.Table]:
    return {one.name: one for one in imbalanced(folder, rows)}


def _records(tasks: list[Task], jobs: int) -> Iterator[dict[str, Any]]:
    if jobs <= 1:
        for task in tasks:
            yield from run_task(task)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for records in pool.map(run_task, tasks):
            yield from records


def run_task(task: Task) -> list[dict[str, Any]]:
    """Return a record of every case of a task; none where the sampler cannot make rows of the table."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    found = _held(task.folder, task.rows)[task.name]
    records = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for made in MADE if task.sampler else ("nowhere",):
            splits = _made(found, task, made)
            if splits is None:
                continue
            records += [_record(task, made, form, arrays) for form, arrays in _forms(splits)]
    return records


def _made(found: _tables.Table, task: Task, made: str) -> Splits | None:
    """Return train, val and test of a table, resampled where it is said; None where that cannot be."""
    rng = np.random.default_rng([task.seed, zlib.crc32(task.name.encode())])
    X, y = found.X, found.y
    try:
        if made == "before the split":
            return _split(*resampled(X, y, task.sampler, task.seed, found.categorical), rng)
        splits = _split(X, y, rng)
        chosen = {"train alone": (0,), "evaluation alone": (1, 2), "nowhere": ()}[made]
        for i in chosen:
            splits[i] = resampled(*splits[i], task.sampler, task.seed, found.categorical)
    except (ValueError, RuntimeError):  # too few neighbours, no cluster to fill
        return None
    return splits


def _split(X: Array, y: Array, rng: np.random.Generator) -> Splits:
    order = rng.permutation(len(y))
    first, second = int(0.6 * len(y)), int(0.8 * len(y))
    return [(X[rows], y[rows]) for rows in (order[:first], order[first:second], order[second:])]


def resampled(X: Array, y: Array, sampler: str, seed: int, text: Array) -> tuple[Array, Array]:
    """Return rows with the smaller classes filled up by a sampler.

    Parameters
    ----------
    X : ndarray, shape (n, d)
    y : ndarray of int, shape (n,)
    sampler : str
        A key of ``SAMPLERS``.
    seed : int
    text : ndarray of bool, shape (d,)
        Columns that are text in the file.

    Raises
    ------
    ValueError, RuntimeError
        Where the sampler cannot.
    """
    from imblearn import over_sampling  # type: ignore[import-untyped]

    if sampler == "with noise":
        rows, labels = over_sampling.RandomOverSampler(random_state=seed).fit_resample(X, y)
        noise = np.random.default_rng(seed).normal(size=(len(rows) - len(X), X.shape[1]))
        rows[len(X) :] += NOISE * X.std(axis=0) * noise
        return rows, labels
    if sampler == "SMOTENC":
        few = np.array([np.unique(column).size <= FEW_VALUES for column in X.T]) | text
        if few.all() or not few.any():
            raise ValueError("no features of both kinds")
        made = over_sampling.SMOTENC(np.flatnonzero(few).tolist(), random_state=seed)
    elif sampler == "KMeansSMOTE":
        made = over_sampling.KMeansSMOTE(random_state=seed, cluster_balance_threshold=0.05)
    else:
        made = getattr(over_sampling, sampler)(random_state=seed)
    rows, labels = made.fit_resample(X, y)
    if len(rows) == len(X):
        raise ValueError("nothing was made")
    return rows, labels


def _forms(splits: Splits) -> Iterator[tuple[str, Splits]]:
    """Yield splits in both precisions, as they are and standardised by train."""
    centre, spread = splits[0][0].mean(axis=0), splits[0][0].std(axis=0)
    scaled = [((X - centre) / np.where(spread > 0, spread, 1.0), y) for X, y in splits]
    for dtype in (np.float64, np.float32):
        for name, arrays in (("as it is", splits), ("scaled", scaled)):
            yield f"{dtype.__name__}, {name}", [(X.astype(dtype), y) for X, y in arrays]


def _record(task: Task, made: str, form: str, splits: Splits) -> dict[str, Any]:
    from auditor import audit

    names = ("train", "val", "test")
    given: dict[str, Any] = {f"X_{name}": X for name, (X, _) in zip(names, splits, strict=True)}
    given |= {f"y_{name}": y for name, (_, y) in zip(names, splits, strict=True)}
    report = audit(**given, select=CODES)
    return {
        "data": task.name,
        "seed": task.seed,
        "sampler": task.sampler,
        "made": made,
        "form": form,
        "codes": sorted({one.code for one in report.findings}),
        "errors": sorted({one.code for one in report.errors}),
        "crashed": [one.code for one in report.crashed],
    }


def _is_alarm(record: dict[str, Any]) -> bool:
    """Whether something was told that was not so: any error unless before the split, any word where all is right."""
    wrong = {
        "before the split": [],
        "evaluation alone": record["errors"],
        "train alone": record["codes"],
        "nowhere": record["codes"],
    }[record["made"]]
    return bool(wrong or record["crashed"])


def _found(record: dict[str, Any]) -> bool:
    return bool({"RSM001", "RSM002"} & set(record["errors"]))


def _counts(records: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Return cases and what was told of them, by sampler, place and form."""
    counts: dict[str, collections.Counter[str]] = {}
    for record in records:
        key = " | ".join((record["sampler"], record["made"], record["form"]))
        held = counts.setdefault(key, collections.Counter(cases=0, found=0, named=0, warned=0, alarms=0))
        held["cases"] += 1
        held["found"] += _found(record)
        held["named"] += SAMPLERS.get(record["sampler"], "") in record["errors"]
        held["warned"] += "RSM003" in record["codes"]
        held["alarms"] += _is_alarm(record)
    return {key: dict(held) for key, held in counts.items()}


def _missed(records: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    missed: dict[str, collections.Counter[str]] = {}
    for record in records:
        if record["made"] == MADE[0] and not _found(record):
            missed.setdefault(record["sampler"], collections.Counter())[record["data"]] += 1
    return {sampler: dict(names) for sampler, names in missed.items()}


def table(results: dict[str, Any]) -> str:
    """Return the results as Markdown: a row for each sampler.

    Parameters
    ----------
    results : dict
        What `measure` yields, or the file that it was written to.
    """
    counts = results["counts"]
    heads = (
        "rows made by",
        "before the split: told (95 %)",
        "cases",
        "by the rule meant",
        "train alone: told",
        "evaluation alone: told by RSM003",
        "by RSM001, RSM002",
    )
    lines = [f"| {' | '.join(heads)} |", "| --- | --- | ---: | --- | --- | --- | --- |"]
    for sampler in SAMPLERS:
        before, train, evaluation = (_sum(counts, f"{sampler} | {made} |") for made in MADE)
        lines.append(
            f"| {sampler} | {rate(before['found'], before['cases'])} | {before['cases']:,} | "
            f"{rate(before['named'], before['cases'])} | {train['alarms']} of {train['cases']:,} | "
            f"{rate(evaluation['warned'], evaluation['cases'])} | "
            f"{evaluation['found']} of {evaluation['cases']:,} |"
        )
    train, none = _sum(counts, " | train alone |"), _sum(counts, " | nowhere |")
    alarms, cases = train["alarms"] + none["alarms"], train["cases"] + none["cases"]
    total = (
        f"Told where rows were made on train alone or nowhere: {alarms} of {cases:,} ({rate(alarms, cases)}), on "
        f"{len(results['data'])} tables, {results['seeds']} splits each."
    )
    return "\n".join([*lines, "", total])


def _sum(counts: dict[str, dict[str, int]], part: str) -> collections.Counter[str]:
    total: collections.Counter[str] = collections.Counter()
    for key, held in counts.items():
        if key.startswith(part) or (part.startswith(" ") and part in key):
            total.update(held)
    return total


if __name__ == "__main__":
    main()
