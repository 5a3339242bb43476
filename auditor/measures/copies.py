"""Groups of equal rows over train and the evaluation splits that can be compared with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.digest import CHUNK_BYTES, exact_dtype, representatives
from auditor.measures.target import target

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Which rows equal one another, value for value.

    Rows are numbered through the splits, train first, then val and test.

    Attributes
    ----------
    splits : tuple of str
        Train, and the evaluation splits that are not empty and have its shape.
    edges : tuple of int
        Number of the first row of each split, and of rows in all.
    first : ndarray of int64, shape (n,)
        Number of the first row equal to each row; its own where that is the first.
    blank : ndarray of bool, shape (n,)
        Rows with an equal that hold one value in all of several features, as empty images do.
    dtype : dtype
        Type in which rows were compared.
    """

    splits: tuple[str, ...]
    edges: tuple[int, ...]
    first: Numbers
    blank: NDArray[np.bool_]
    dtype: np.dtype[Any]

    def rows(self, split: str) -> slice:
        """Where the rows of a split stand among all."""
        position = self.splits.index(split)
        return slice(self.edges[position], self.edges[position + 1])

    def counts(self, *splits: str) -> Numbers:
        """How often the row with each number stands in some splits (in all by default), shape (n,)."""
        wanted = [self.first[self.rows(split)] for split in splits or self.splits]
        return np.bincount(np.concatenate(wanted), minlength=self.first.size)[self.first]

    def match(self, split: str, other: str) -> Numbers:
        """For each row of `split`, the first row of `other` equal to it, or -1, shape (n_split,)."""
        owners = self.first[self.rows(other)]
        place = np.full(self.first.size, -1, dtype=np.int64)
        place[owners[::-1]] = np.arange(owners.size - 1, -1, -1)
        matched: Numbers = place[self.first[self.rows(split)]]
        return matched


def copies(case: Case) -> Copies:
    """Product: which rows of train and of the comparable evaluation splits equal one another."""
    splits = (case.train, *case.comparable)
    parts = [split.flat for split in splits]
    dtype = _meeting_dtype(parts)
    first = representatives(parts, dtype)
    edges = (0, *np.cumsum([part.shape[0] for part in parts]).tolist())
    return Copies(tuple(split.name for split in splits), edges, first, _blank(parts, first), dtype)


def label_agreement(found: Copies, labels: Mapping[str, Numbers], split: str, other: str) -> NDArray[np.int8]:
    """Return, for each row of `split`, whether an equal row of `other` carries its label, shape (n_split,).

    1 where one does, 0 where equals carry other labels only, -1 where there is no equal or no label.

    Parameters
    ----------
    found : Copies
    labels : mapping of str to ndarray of int64
        As `label_ids` gives them.
    split, other : str
        Names of splits.
    """
    agreement = np.full(found.rows(split).stop - found.rows(split).start, -1, dtype=np.int8)
    if split not in labels or other not in labels:
        return agreement
    span = 1 + max(int(ids.max(initial=0)) for ids in labels.values())
    known = {name: labels[name] >= 0 for name in (split, other)}
    owners = {name: found.first[found.rows(name)] for name in (split, other)}
    pairs = {name: owners[name] * span + labels[name] for name in (split, other)}
    labelled = _among(owners[split], owners[other][known[other]]) & known[split]
    agreement[labelled] = _among(pairs[split][labelled], pairs[other][known[other]])
    return agreement


def _among(wanted: Numbers, there: Numbers) -> NDArray[np.bool_]:
    """Return which of `wanted` occur in `there`."""
    ordered = np.sort(there)
    if not ordered.size:
        return np.zeros(wanted.size, dtype=bool)
    place = np.minimum(np.searchsorted(ordered, wanted), ordered.size - 1)
    return np.asarray(ordered[place] == wanted)


def label_ids(case: Case) -> Mapping[str, Numbers]:
    """Product: a number for each label, equal where labels are, by split; -1 where one is missing.

    Splits without a label per row are left out, and those that write labels in another way than train.
    """
    labels = target(case)
    if labels.is_classes:
        return labels.codes
    named = {s.name: s.aligned_y for s in case if s.name in labels.encodings and s.aligned_y is not None}
    lead = next(iter(named), None)
    if lead is None:
        return {}
    columns = {
        name: y.reshape(y.shape[0], int(np.prod(y.shape[1:])))
        for name, y in named.items()
        if y.dtype.kind != "U"
    }
    alike = {
        name: y
        for name, y in columns.items()
        if labels.encodings[name] == labels.encodings[lead] and y.shape[1] == columns[lead].shape[1]
    }
    ids = representatives(list(alike.values()))
    edges = np.cumsum([0, *(y.shape[0] for y in alike.values())]).tolist()
    numbered = {}
    for (name, y), (low, high) in zip(alike.items(), pairwise(edges), strict=True):
        missing = np.isnan(y).any(axis=1) if y.dtype.kind == "f" else np.zeros(len(y), dtype=bool)
        numbered[name] = np.where(missing, -1, ids[low:high])
    return numbered


def _meeting_dtype(parts: Sequence[NDArray[Any]]) -> np.dtype[Any]:
    """Return the type in which rows are compared.

    That is an exact one; or, where splits hold floats of different widths, the narrowest of them, since
    one may have been cast, unless rows of one split that differ would then be equal.
    """
    exact = exact_dtype(*(part.dtype for part in parts))
    floats = {part.dtype for part in parts if part.dtype.kind == "f"}
    if len(floats) < 2:
        return exact
    narrow = min(floats, key=lambda dtype: dtype.itemsize)
    keeps = all(
        np.unique(representatives([part], narrow)).size == np.unique(representatives([part])).size
        for part in parts
        if part.dtype != narrow
    )
    return narrow if keeps else exact


def _blank(parts: Sequence[NDArray[Any]], first: Numbers) -> NDArray[np.bool_]:
    blank = np.zeros(first.size, dtype=bool)
    if parts[0].shape[1] < 2:
        return blank
    repeated = np.unique(first[first != np.arange(first.size)])
    edges = np.cumsum([0, *(part.shape[0] for part in parts)])
    step = max(1, CHUNK_BYTES // (8 * parts[0].shape[1]))
    for part, low, high in zip(parts, edges[:-1], edges[1:], strict=True):
        own = repeated[(repeated >= low) & (repeated < high)]
        for start in range(0, own.size, step):
            numbers = own[start : start + step]
            rows = part[numbers - low]
            lead = rows[:, :1]
            same = rows == lead
            if rows.dtype.kind == "f":
                same |= np.isnan(rows) & np.isnan(lead)
            blank[numbers] = same.all(axis=1)
    return np.asarray(blank[first])
