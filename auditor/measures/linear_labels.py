"""Labels that are an exact linear function of few columns, verified on rows that did not find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor.measures.labelled_rows import LabelledRows
from auditor.measures.linear import Linear, exact_linear, rounding

LEAST_BITS = 40.0
"""Surprisal of the rows that verify a function, beyond that of choosing its columns."""

FINEST = 2e-2
"""Rounding, in standard deviations of the label, up to which agreement says something."""

COUNTED_ROWS = 100_000
"""Rows of a split whose patterns are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearLabel:
    """A verified function.

    Attributes
    ----------
    function : Linear
    found_on : int
        Rows of train that it was found on.
    held : mapping of str to int
        By split where no row contradicts it, the rows that confirm it.
    patterns : int
        Different combinations of the columns' values among those rows.
    """

    function: Linear
    found_on: int
    held: Mapping[str, int]
    patterns: int


def linear_label(data: LabelledRows) -> LinearLabel | None:
    """Return the exact linear function of the features that the label is, if it is one.

    None for three classes or more that are text.
    """
    numbers, train, screened = _numbers(data), data.case.train, data.screened
    if numbers is None or train.y is None:
        return None
    epsilon = rounding(train.flat.dtype, train.y.dtype)
    found = exact_linear(train.flat[screened], numbers["train"][screened], epsilon)
    if found is None:
        return None
    unused = {split: rows[screened.size if split == "train" else 0 :] for split, rows in data.rows.items()}
    held = {s: rows for s, rows in unused.items() if _agree(found, data.case[s], rows, numbers[s])}
    if "train" not in held:
        return None
    bits, patterns = _bits(data, found, held, numbers)
    if bits < LEAST_BITS + len(found.columns) * np.log2(max(2, train.n_features)):
        return None
    return LinearLabel(found, screened.size, {split: rows.size for split, rows in held.items()}, patterns)


def _numbers(data: LabelledRows) -> Mapping[str, NDArray[np.float64]] | None:
    if not data.labels.is_classes:
        return data.y
    classes = data.labels.classes
    if len(classes) == 2:
        return data.y
    if isinstance(classes[0], str):
        return None
    values = np.array(classes, dtype=np.float64)
    return {split: values[np.maximum(y, 0).astype(np.int64)] for split, y in data.y.items()}


def _agree(found: Linear, split: Split, rows: NDArray[np.int64], y: NDArray[np.float64]) -> bool:
    step = 2**18
    parts = (rows[start : start + step] for start in range(0, rows.size, step))
    return all((found.excess(_chosen(split, found, part), y[part]) <= 1).all() for part in parts)


def _chosen(split: Split, found: Linear, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(split.flat[np.ix_(rows, np.array(found.columns))], dtype=np.float64)


def _bits(
    data: LabelledRows,
    found: Linear,
    held: Mapping[str, NDArray[np.int64]],
    numbers: Mapping[str, NDArray[np.float64]],
) -> tuple[float, int]:
    """Return the surprisal of the rows that verify a function, and their different patterns of values.

    Rows that repeat a pattern verify nothing new, and as many patterns as there are unknowns always fit.
    Each of the others could have had any label that occurs; the commonest sets its surprisal.
    """
    some = {split: rows[:COUNTED_ROWS] for split, rows in held.items()}
    chosen = np.concatenate([_chosen(data.case[s], found, rows) for s, rows in some.items()])
    y = np.concatenate([numbers[split][rows] for split, rows in some.items()])
    patterns = int(np.unique(chosen, axis=0).shape[0])
    if not float(np.median(found.tolerance(chosen, y))) <= FINEST * float(y.std()):
        return 0.0, patterns
    common = np.unique(y, return_counts=True)[1].max() / y.size
    return -float(np.log2(common)) * max(0, patterns - len(found.columns) - 1), patterns
