"""Near copies that people judged: how well scores of closeness rank them, and what DUP002 reports.

CIFAR-10's test set holds near copies of its training pictures. Barz and Denzler (2020) had them judged by eye
and published the list (ciFAIR). Held against that list is the order in which a score puts test pictures; its
average precision is 1 where all listed ones come first. Run

    pip install auditor
    python benchmarks/cifar_pairs.py --data FOLDER --json benchmarks/results/cifar_pairs.json

where FOLDER holds ``cifar10_pairs.npz`` with `X_train`, `X_test` (uint8, n x 32 x 32 x 3) and `pairs`, each a
train row, a test row, and the judgement. A part of CIFAR-10 will do: every listed pair and other rows, drawn at
random. Nothing is downloaded.

The scores, all better where they are lower:

- nearest: Euclidean distance of pixels to the nearest train picture.
- nearest / second: that over the distance to the second nearest, the ratio test of Lowe (2004).
- DUP002: distance to the nearest over the distance to the last neighbour of DUP002's ladder, in the 32
  principal coordinates of pictures brought to one mean and one contrast.
- DUP002, both sides: the same over the geometric mean of that and of the distance from the nearest train picture
  to its own last neighbour. DUP002 does not use it: it measures how much the other side would add.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor import audit
from auditor._case import make_case
from auditor.hashing.nearest import neighbours
from auditor.hashing.projection import directions, project
from auditor.measures.closeness import ladder, points
from auditor.measures.near_rows import AXES

Array = NDArray[Any]
Reals = NDArray[np.float64]

FILE = "cifar10_pairs.npz"


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", required=True, help=f"folder that holds {FILE}")
    parser.add_argument("--json", default="", help="where to write the results")
    arguments = parser.parse_args()
    with np.load(Path(arguments.data) / FILE) as archive:
        train, test, pairs = archive["X_train"], archive["X_test"], archive["pairs"]
    listed = np.zeros(len(test), dtype=bool)
    listed[pairs[:, 1]] = True
    result = {
        "train": len(train),
        "test": len(test),
        "listed": int(listed.sum()),
        "average precision": {
            name: round(average_precision(listed, score), 4) for name, score in scores(train, test).items()
        },
        "DUP002": reported(train, test, listed),
    }
    print(markdown(result))
    if arguments.json:
        Path(arguments.json).parent.mkdir(parents=True, exist_ok=True)
        Path(arguments.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def scores(train: Array, test: Array) -> dict[str, Reals]:
    """Return the scores of test pictures by name; lower is nearer."""
    flat = [np.asarray(part.reshape(len(part), -1), dtype=np.float32) for part in (train, test)]
    plain = neighbours(flat[0], flat[1], 2)[0]
    case = make_case(X={"train": train, "val": test})
    here, there = points(case.train, case["val"])
    axes = directions(here, AXES)
    reference, every = project(here, axes), np.arange(len(train))
    cross = ladder(reference, every, project(there, axes), np.arange(len(test)))
    own = ladder(reference, every, reference, every, own=True)
    partners = own.distance[cross.partner, -1]
    return {
        "nearest": plain[:, 0],
        "nearest / second": plain[:, 0] / plain[:, 1],
        "DUP002": cross.ratio,
        "DUP002, both sides": cross.distance[:, 0] / np.sqrt(cross.distance[:, -1] * partners),
    }


def average_precision(listed: NDArray[np.bool_], score: Reals) -> float:
    """Return the mean precision at each listed row, rows in the order of their score.

    Examples
    --------
    >>> average_precision(np.array([True, False, True]), np.array([0.1, 0.2, 0.3]))
    0.8333333333333333
    """
    hits = listed[np.argsort(score, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, hits.size + 1)
    return float(precision[hits].mean())


def reported(train: Array, test: Array, listed: NDArray[np.bool_]) -> dict[str, Any]:
    """Return what DUP002 reports of test pictures, and how much of that is listed."""
    start = time.process_time()
    outcome = audit(train, X_test=test, select="DUP002")["DUP002"]
    made: dict[str, Any] = {"cpu seconds": round(time.process_time() - start, 2), "level": "none"}
    for finding in outcome.findings:
        rows = finding.rows[0].indices
        made |= {
            "level": finding.level.label,
            "rows": int(rows.size),
            "precision": round(float(listed[rows].mean()), 3),
            "recall": round(float(listed[rows].sum() / listed.sum()), 3),
        }
    return made


def markdown(result: dict[str, Any]) -> str:
    """Return the result as a table and a sentence."""
    lines = [
        f"{result['listed']} of {result['test']:,} test pictures are listed; {result['train']:,} in train.",
        "",
        "| score | average precision |",
        "| --- | --- |",
        *(f"| {name} | {value:.3f} |" for name, value in result["average precision"].items()),
    ]
    found = result["DUP002"]
    if found["level"] != "none":
        said = (
            f"DUP002 reports {found['rows']} of them ({found['level']}): precision {found['precision']:.3f}"
        )
        lines += ["", f"{said}, recall {found['recall']:.3f}, {found['cpu seconds']} s."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
