"""Rows with a label, in random order, so that what one half suggests the other can confirm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.target import Target

SCREENED_ROWS, SCREENED_VALUES = 2000, 4 * 10**6
"""Rows, and values, that many columns are screened on."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Rows of train, and of the splits that can be compared with it, whose label is known.

    Attributes
    ----------
    case : Case
    labels : Target
    y : mapping of str to ndarray of float64, shape (n,)
        By split, class codes or quantities of all rows.
    rows : mapping of str to ndarray of int64, shape (m,)
        By split, the numbers of the rows whose label is known, in random order.
    """

    case: Case
    labels: Target
    y: Mapping[str, NDArray[np.float64]]
    rows: Mapping[str, NDArray[np.int64]]

    @property
    def evaluation(self) -> tuple[str, ...]:
        """Evaluation splits with labels."""
        return tuple(name for name in self.rows if name != "train")

    @property
    def screened(self) -> NDArray[np.int64]:
        """Rows of train to screen columns on: at most half of them, so that others can confirm."""
        rows = self.rows["train"]
        width = max(1, self.case.train.n_features)
        return rows[: min(rows.size // 2, SCREENED_ROWS, max(64, SCREENED_VALUES // width))]

    def column(self, split: str, column: int, limit: int | None = None) -> NDArray[np.float64]:
        """Values of a column in `rows` of a split, the first `limit`."""
        return np.asarray(self.case[split].flat[self.rows[split][:limit], column], dtype=np.float64)

    def codes(self, split: str, limit: int | None = None) -> NDArray[np.int64]:
        """Class codes in `rows` of a split, the first `limit`."""
        return self.y[split][self.rows[split][:limit]].astype(np.int64)


def labelled_rows(case: Case, labels: Target, rng: Callable[[str], np.random.Generator]) -> LabelledRows:
    """Return the rows with a label of train and of comparable splits; `rng` gives each split its generator."""
    known = labels.codes if labels.is_classes else labels.values
    y, rows = {}, {}
    for split in (case.train, *case.comparable):
        if split.name not in known:
            continue
        values = known[split.name].astype(np.float64)
        present = np.flatnonzero(values >= 0 if labels.is_classes else np.isfinite(values))
        if present.size:
            y[split.name], rows[split.name] = values, rng(split.name).permutation(present)
    return LabelledRows(case, labels, y, rows)
