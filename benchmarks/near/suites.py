"""Suites of data checks that look for repeated rows: cleanlab's Datalab, deepchecks."""

from __future__ import annotations

from typing import Any

import numpy as np

from near.answers import Answer
from near.methods import Method
from near.planted import Array, Planted


def _cleanlab(_: Any, planted: Planted, query: Array) -> Answer:
    """Both sides in one pool, as Datalab wants it; its own threshold, on its own scale of distances."""
    from cleanlab import Datalab

    points = np.concatenate([planted.points(planted.reference), planted.points(query)])
    lab = Datalab(data={"row": np.arange(len(points))}, verbosity=0)
    lab.find_issues(features=points, issue_types={"near_duplicate": {}})
    sets = lab.get_issues("near_duplicate")["near_duplicate_sets"].iloc[len(planted.reference) :]
    size = np.array([len(found) for found in sets], dtype=np.int64)
    asked = np.repeat(np.arange(len(query), dtype=np.int64), size)
    partner = np.concatenate([np.zeros(0, dtype=np.int64), *map(np.asarray, sets)]).astype(np.int64)
    across = partner < len(planted.reference)
    return Answer(asked[across], partner[across])


def _deepchecks(_: Any, planted: Planted, query: Array) -> Answer:
    """Equal rows only: that is all it looks for. It names the rows it found by their labels."""
    import pandas as pd
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import TrainTestSamplesMix

    def dataset(rows: Array) -> Any:
        flat = rows.reshape(len(rows), -1)
        frame = pd.DataFrame(flat, columns=[f"f{i}" for i in range(flat.shape[1])])
        return Dataset(frame, cat_features=[])

    check = TrainTestSamplesMix(n_samples=10**9, n_to_show=10**9)
    result = check.run(dataset(planted.reference), dataset(query))
    rows = [row for text in result.value["data"].index for row in _named(text)]
    return Answer(np.unique(np.asarray(rows, dtype=np.int64)), None)


def _named(text: str) -> list[int]:
    """Return the query rows that deepchecks names, on the second line of ``Train indices: 4 / Test indices: 7, 9``."""
    named = next(line for line in text.split("\n") if line.startswith("Test indices: "))
    numbers = named.removeprefix("Test indices: ").split("..")[0]
    return [int(number) for number in numbers.split(",") if number.strip()]


METHODS = [
    Method(
        "cleanlab Datalab", ("cleanlab",), "near_duplicate on both sides pooled, its own threshold",
        _cleanlab, grows="pairs", distribution="cleanlab",
    ),
    Method(
        "deepchecks", ("deepchecks.tabular",), "TrainTestSamplesMix: equal rows only",
        _deepchecks, tasks=("table",), distribution="deepchecks",
    ),
]  # fmt: skip
