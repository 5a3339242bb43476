"""Near and exact copies across two sides of a data set: speed, memory, recall and precision beside the peers.

``python benchmarks/near_duplicates.py --data FOLDER --json OUT.json`` plants copies of known originals, by kind,
runs every method in a process of its own on one thread, and prints Markdown tables. What is measured is processor
time, user and system, of the call after a first call on a hundredth of the rows; imports are reported apart.
Packages of the peers are in ``requirements.txt``; one that is not installed is a row that says so.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from near.data import SIZES, make
from near.methods import Method, all_methods
from near.planted import Planted, save
from near.runs import measured_apart
from near.table import table


def main(arguments: list[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    kept = _kept(options)
    results: dict[str, Any] = {
        "machine": {
            "system": platform.system(),
            "processor": _processor(),
            "python": platform.python_version(),
        },
        "scale": options.scale,
        "limit": options.limit if math.isfinite(options.limit) else None,
        "runs": kept.get("runs", 0) + 1,
        "tasks": dict(kept.get("tasks", {})),
    }
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only or SIZES:
            planted = make(name, options.scale, options.data, options.seed)
            save(planted, Path(scratch) / name)
            before = kept.get("tasks", {}).get(name, {}).get("rows", [])
            about = _about(planted)
            del planted
            rows = _rows(Path(scratch) / name, name, options, before, results["runs"])
            results["tasks"][name] = {"about": about, "rows": rows}
            if options.json:
                options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))


def _rows(
    folder: Path, task: str, options: argparse.Namespace, before: list[dict[str, Any]], run: int
) -> list[dict[str, Any]]:
    """Return a row for each method: measured now, or as it was before where it is not chosen."""
    interpreters = dict(pair.split("=", 1) for pair in options.python)
    earlier = {(row["stage"], row["method"]): row for row in before}
    chosen = _chosen(options.peers, task)
    rows = []
    for method in all_methods().values():
        if method in chosen:
            interpreter = interpreters.get(method.name, sys.executable)
            rows.append({**_measured(folder, method, options.limit, interpreter), "run": run})
        elif (method.stage, method.name) in earlier:
            rows.append(earlier[method.stage, method.name])
        else:
            continue
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of rows (default: 1)")
    parser.add_argument("--only", nargs="*", choices=SIZES, help="data sets (default: all)")
    parser.add_argument(
        "--peers",
        nargs="*",
        help="methods beside auditor's, by part of their name; none for none (default: all)",
    )
    parser.add_argument("--data", type=Path, help="folder with mnist_train.npz and mnist_test.npz")
    parser.add_argument(
        "--limit", type=float, default=60.0, help="processor seconds a method may take (default: 60)"
    )
    parser.add_argument(
        "--python",
        nargs="*",
        default=[],
        metavar="METHOD=PYTHON",
        help="interpreters for methods that need their own",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the results here, after each data set")
    parser.add_argument(
        "--keep", action="store_true", help="keep what --json holds of methods that --peers leaves out"
    )
    return parser


def _kept(options: argparse.Namespace) -> dict[str, Any]:
    """Return earlier results, of which rows that are not measured anew are kept."""
    if not options.keep:
        return {}
    kept: dict[str, Any] = json.loads(options.json.read_text(encoding="utf-8"))
    if kept["scale"] != options.scale:
        raise SystemExit(f"{options.json} was measured at scale {kept['scale']}.")
    return kept


def _chosen(peers: list[str] | None, task: str) -> list[Method]:
    wanted = [method for method in all_methods().values() if task in method.tasks]
    if peers is None:
        return wanted
    own = ("auditor", "reading")
    return [m for m in wanted if m.name.startswith(own) or any(p.lower() in m.name.lower() for p in peers)]


def _measured(folder: Path, method: Method, limit: float, interpreter: str) -> dict[str, Any]:
    known = {"stage": method.stage, "method": method.name, "setting": method.setting}
    missing = [name for name in method.packages if interpreter == sys.executable and not _there(name)]
    if missing:
        return {**known, "failed": f"{missing[0].split('.')[0]} is not installed"}
    return {**known, **measured_apart(folder, method, limit, interpreter)}


def _there(package: str) -> bool:
    return find_spec(package.split(".", 1)[0]) is not None


def _about(planted: Planted) -> dict[str, Any]:
    return {
        "source": planted.source,
        "reference": list(planted.reference.shape),
        "query": list(planted.query.shape),
        "dtype": str(planted.reference.dtype),
        "nbytes": planted.nbytes,
        "planted": len(planted.pairs),
        "kinds": list(planted.kinds),
        "radius": round(planted.radius, 6),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
