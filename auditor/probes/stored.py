"""Fitted objects that keep the rows they were fitted on: neighbours, kernels, support vectors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.learned import Learned
from auditor.sources.arrays import is_sparse

FOUND = 0.995
"""Share of kept rows that must stand in the splits before they count as theirs."""

FOREIGN = 0.01
"""Share of kept rows that must stand in an evaluation split and not in train."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows that a fitted object keeps, looked up in the splits.

    Attributes
    ----------
    foreign : dict of str to int
        By evaluation split: kept rows that stand in it and not in train.
    sets : tuple of tuples of str
        The smallest sets of splits that hold all kept rows; those of as many rows as are kept, if any.
    kept : int
        Rows kept.
    whole : bool
        Whether some set has as many rows as are kept: an object may also keep a few of those it saw.
    """

    foreign: dict[str, int]
    sets: tuple[tuple[str, ...], ...]
    kept: int
    whole: bool = True


def stored_rows(state: Learned, rows: Mapping[str, Any]) -> Stored | None:
    """Look up the rows that a fitted object keeps.

    Parameters
    ----------
    state : mapping of str to ndarray
        What it has learned.
    rows : mapping of str to object
        Rows of each split, as the object would have been given them.

    Returns
    -------
    Stored or None
        None where the object keeps no rows, or others than those of the splits.
    """
    wide = [v for v in state.values() if v.ndim == 2 and v.dtype.kind == "f" and len(v) > 1]
    arrays = {name: array for name, given in rows.items() if wide and (array := _numbers(given)) is not None}
    if "train" not in arrays or len(arrays) < 2:
        return None
    wide = [values for values in wide if values.shape[1] == arrays["train"].shape[1]]
    known = {name: set(row_keys(array)) for name, array in arrays.items()} if wide else {}
    sizes = {name: len(array) for name, array in arrays.items()}
    every = [found for values in wide if (found := _looked_up(row_keys(values), known, sizes)) is not None]
    # An object may keep its rows in several places, and only some of them in one.
    return max(every, key=lambda found: (bool(found.foreign), found.kept), default=None)


def _looked_up(kept: list[int], known: Mapping[str, set[int]], sizes: Mapping[str, int]) -> Stored | None:
    everywhere = set().union(*known.values())
    if sum(key in everywhere for key in kept) < FOUND * len(kept):
        return None
    foreign = [key for key in kept if key not in known["train"]]
    counts = {name: sum(key in keys for key in foreign) for name, keys in known.items() if name != "train"}
    if not foreign:
        return Stored({}, (("train",),), len(kept), len(kept) == sizes["train"])
    if len(foreign) < FOREIGN * len(kept):
        return None
    wanted = set(kept) & everywhere
    covers = [
        splits
        for size in range(1, len(known) + 1)
        for splits in itertools.combinations(known, size)
        if wanted <= set().union(*(known[name] for name in splits))
    ]
    whole = [splits for splits in covers if sum(sizes[name] for name in splits) == len(kept)]
    least = min(len(splits) for splits in covers)
    sets = whole or [splits for splits in covers if len(splits) == least]
    counts = {name: count for name, count in counts.items() if count}
    return Stored(counts, tuple(sets), len(kept), bool(whole))


def _numbers(given: Any) -> NDArray[Any] | None:
    if is_sparse(given):
        return None
    try:
        array = np.asarray(given)
        return array.reshape(len(array), -1) if array.dtype.kind in "iuf" else array.astype(np.float64)
    except (TypeError, ValueError):
        return None


def row_keys(array: NDArray[Any]) -> list[int]:
    """Return a key for each row: equal for equal rows, whatever the dtype, up to float32."""
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32) + np.float32(0)
    narrow[np.isnan(narrow)] = np.nan
    return [hash(row.tobytes()) for row in np.ascontiguousarray(narrow)]
