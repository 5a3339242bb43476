"""How often the rows of each class stand in train and an evaluation split together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.measures.copies import Copies, Numbers, label_ids

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Repetition:
    """Repetition of rows by class, over train and one evaluation split taken together.

    Rows are equal if features and label are. Each attribute has shape (n_classes,).

    Attributes
    ----------
    rows, held_out : ndarray of int64
        Rows in both splits, and those of them in the evaluation split.
    different : ndarray of int64
        Different rows.
    repeated : ndarray of int64
        Different rows that stand more than once.
    spread : ndarray of float64
        Variance of how often a different row stands, beyond what drawing at random makes, over the
        square of its mean: 0 where every row is repeated alike, large where few rows make up most repeats.
    straddling : ndarray of int64
        Evaluation rows that equal a train row.
    expected : ndarray of float64
        Evaluation rows that would equal a train row, had rows been dealt to the splits at random.
    """

    rows: Numbers
    held_out: Numbers
    different: Numbers
    repeated: Numbers
    spread: Floats
    straddling: Numbers
    expected: Floats


def repetition(case: Case, found: Copies, split: str, n_classes: int) -> Repetition:
    """Product: repetition by class over train and `split`, rows with one value in every feature left out."""
    return _counted(*_labelled(found, label_ids(case), ("train", split)), n_classes)


def own_repetition(case: Case, found: Copies, split: str, n_classes: int) -> Repetition:
    """Product: the same over the rows of one split by itself; none straddle."""
    return _counted(*_labelled(found, label_ids(case), (split,)), n_classes)


def _counted(owners: Numbers, ids: Numbers, held_out: NDArray[np.bool_], n_classes: int) -> Repetition:
    order = np.lexsort((ids, owners))
    owners, ids, held_out = owners[order], ids[order], held_out[order]
    fresh = np.ones(owners.size, dtype=bool)
    fresh[1:] = (owners[1:] != owners[:-1]) | (ids[1:] != ids[:-1])
    starts = np.flatnonzero(fresh)
    size = np.diff(np.append(starts, owners.size))
    outside = np.add.reduceat(held_out.astype(np.int64), starts) if starts.size else size
    kind = ids[starts]

    def by_class(values: NDArray[np.generic]) -> Floats:
        counts = np.bincount(kind, weights=values.astype(np.float64), minlength=n_classes)
        return counts.astype(np.float64)

    rows, different, n_out = by_class(size), by_class(np.ones(size.size)), by_class(outside)
    share = (n_out / np.maximum(rows, 1))[kind]
    mean = rows / np.maximum(different, 1)
    variance = by_class((size - mean[kind]) ** 2) / np.maximum(different - 1, 1)
    return Repetition(
        rows=rows.astype(np.int64),
        held_out=n_out.astype(np.int64),
        different=different.astype(np.int64),
        repeated=by_class(size > 1).astype(np.int64),
        spread=(variance - mean) / np.maximum(mean, 1) ** 2,
        straddling=by_class(np.where(outside < size, outside, 0)).astype(np.int64),
        expected=by_class(size * share * (1 - share ** np.maximum(size - 1, 0))),
    )


def _labelled(
    found: Copies, labels: Mapping[str, Numbers], splits: tuple[str, ...]
) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """Return group, label and whether it is not of train, of each labelled row that is not blank."""
    owners = [found.first[found.rows(name)] for name in splits]
    ids = np.concatenate([labels[name] for name in splits])
    held_out = np.repeat([name != "train" for name in splits], [part.size for part in owners])
    joined = np.concatenate(owners)
    kept = (ids >= 0) & ~found.blank[joined]
    return joined[kept], ids[kept], held_out[kept]
