"""Measure one method on one data set, in a process of its own: ``python -m near.worker FOLDER METHOD LIMIT``.

The last line printed is the result, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from near.answers import Answer, scored
from near.methods import Method, all_methods
from near.planted import Array, Numbers, Planted, load

AGAIN = 8.0
"""Processor seconds within which a method is run again, so that its first call can be told from the next ones."""

RUNS = 3

SMALL = 0.01
"""Share of the rows that a method is tried on first: it compiles, and loads what it loads late."""

PILOT = 0.06
"""Share of the rows from which the cost of all is foreseen."""

PARTS = 40
"""Parts in which query rows are asked for where the limit may come first."""


@dataclass(slots=True)
class Clock:
    """Processor and wall seconds since it was made."""

    cpu: float = field(default_factory=time.process_time)
    wall: float = field(default_factory=time.perf_counter)

    def read(self) -> tuple[float, float]:
        """Return processor seconds and wall seconds."""
        return time.process_time() - self.cpu, time.perf_counter() - self.wall


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One run: what it cost, on what share of the rows, and what it found."""

    cpu: float
    wall: float
    references: float
    queries: float
    planted: Planted
    answer: Answer
    asked: Numbers | None

    @property
    def whole(self) -> bool:
        """Whether it was run on all rows."""
        return self.references == self.queries == 1.0


def resident(key: str) -> float:
    """Return ``VmRSS`` or ``VmHWM`` of this process in MB; NaN where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def forget_peak() -> None:
    """Let ``VmHWM`` start again from what is resident now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def once(method: Method, planted: Planted, limit: float = np.inf, seed: int = 0) -> Run:
    """Run a method on a data set, asking for as many query rows as the limit allows."""
    whole = Clock()
    if method.build is None:
        answer = method.search(None, planted, planted.query)
        return Run(*whole.read(), 1.0, 1.0, planted, answer, None)
    index = method.build(planted)
    built = whole.read()
    order = np.random.default_rng(seed).permutation(len(planted.query))
    searching, found, asked = Clock(), [], 0
    for part in np.array_split(order, PARTS) if limit < np.inf else [np.arange(order.size)]:
        spent = searching.read()[0]
        if asked and spent + built[0] > limit and spent > limit / 4.0:
            break
        found.append(_numbered(method.search(index, planted, planted.query[part]), part))
        asked += part.size
    share, searched = asked / order.size, searching.read()
    cpu, wall = (built[k] + searched[k] / share for k in (0, 1))
    reached = None if limit == np.inf else order[:asked]
    return Run(cpu, wall, 1.0, share, planted, _joined(found), reached)


def _numbered(answer: Answer, rows: Array) -> Answer:
    return Answer(rows[answer.query].astype(np.int64), answer.reference)


def _joined(answers: list[Answer]) -> Answer:
    query = np.concatenate([answer.query for answer in answers])
    partners = [answer.reference for answer in answers if answer.reference is not None]
    return Answer(query, np.concatenate(partners) if partners else None)


def scaled(run: Run, method: Method, share: float) -> Run:
    """Return a run on a share of the rows with the cost of all, as the method's cost grows.

    Searching an index grows with the query rows and, at least a little, with what is in the index; that little is
    left out, so that the cost of all is rather told too low.
    """
    if share == 1.0:
        return run
    factor = (1.0 / share) ** (2 if method.grows == "pairs" else 1)
    return replace(
        run,
        cpu=run.cpu * factor,
        wall=run.wall * factor,
        references=share,
        queries=share * run.queries,
    )


def share_within(method: Method, planted: Planted, limit: float) -> float:
    """Return the share of the rows that the method is foreseen to do within the limit, from a pilot.

    Of an index only what building takes counts: query rows are asked for until the limit.
    """
    if limit == np.inf:
        return 1.0
    power = 2.0 if method.grows == "pairs" else 1.0
    share = 0.0
    for tried in (SMALL, PILOT):
        pilot = planted.cut(planted.subset(tried, tried))
        spent = min(_piloted(method, pilot) for _ in range(2))  # the first may compile
        share = max(tried, tried * (limit / spent) ** (1.0 / power))
        if share < 2.0 * PILOT:
            break
    return min(1.0, share)


def _piloted(method: Method, planted: Planted) -> float:
    clock = Clock()
    if method.build is None:
        method.search(None, planted, planted.query)
    else:
        method.build(planted)
    return max(clock.read()[0], 1e-9)


def measured(planted: Planted, method: Method, limit: float) -> dict[str, Any]:
    """Return what a method costs and finds."""
    clock, before = Clock(), resident("VmRSS")
    for package in method.packages:
        import_module(package)
    imported = clock.read()
    clock = Clock()
    with suppress(Exception):  # so few rows may be too few for it; what follows will tell
        once(method, planted.cut(planted.subset(SMALL, SMALL)))
    warmed = clock.read()
    share = share_within(method, planted, limit)
    data = planted if share == 1.0 else planted.cut(planted.subset(share, share))
    loaded = resident("VmRSS")
    forget_peak()
    runs = [once(method, data, limit)]
    peak = resident("VmHWM")
    while len(runs) < RUNS and sum(run.cpu for run in runs) + runs[0].cpu < AGAIN:
        runs.append(once(method, data, limit))
    best = scaled(min(runs, key=lambda run: run.cpu), method, share)
    return {
        "cpu": round(best.cpu, 6),
        "wall": round(best.wall, 6),
        "cpu_runs": [round(scaled(run, method, share).cpu, 6) for run in runs],
        "import_cpu": round(imported[0], 4),
        "small_cpu": round(warmed[0], 4),
        "memory_mb": round(peak - loaded, 2),
        "memory_bytes_per_row": round((peak - loaded) * 1e6 / data.rows, 1),
        "library_mb": round(loaded - before, 2),
        "references": round(best.references, 4),
        "queries": round(best.queries, 4),
        "extrapolated": not best.whole,
        "version": version(method.distribution) if method.distribution else None,
        **scored(best.planted, best.answer, best.asked),
    }


def main(folder: str, name: str, limit: str) -> None:
    """Print the result of one method as the last line."""
    method = all_methods()[name]
    try:
        result = measured(load(Path(folder)), method, float(limit))
    except Exception as error:  # noqa: BLE001 - a peer may fail in any way; the row says how
        result = {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:160]}
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
