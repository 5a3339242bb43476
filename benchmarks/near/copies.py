"""Exact copies alone: the digests of `auditor`, data frames, sorted rows, a set; beside reading the rows once."""

from __future__ import annotations

from typing import Any

import numpy as np

from near.answers import Answer
from near.methods import Method
from near.own import compile_all
from near.planted import Array, Planted
from near.signatures import nothing

TASKS = ("images", "table")


def _flat(rows: Array) -> Array:
    return rows.reshape(len(rows), -1)


def _auditor(_: Any, planted: Planted, query: Array) -> Answer:
    from auditor.hashing.digest import representatives

    n = len(planted.reference)
    first = representatives([_flat(planted.reference), _flat(query)])[n:]
    copies = np.flatnonzero(first < n)
    return Answer(copies, first[copies])


def _compiled(_: Any, planted: Planted, query: Array) -> Answer:
    compile_all()
    return _auditor(None, planted, query)


def _read(_: Any, planted: Planted, query: Array) -> Answer:
    """Take the exclusive or of all words: as little as can be done with every byte."""
    for side in (planted.reference, query):
        flat = np.ascontiguousarray(side).reshape(-1).view(np.uint8)
        np.bitwise_xor.reduce(flat[: flat.size // 8 * 8].view(np.uint64))
    return nothing()


def _set(_: Any, planted: Planted, query: Array) -> Answer:
    known = {row.tobytes(): number for number, row in enumerate(_flat(planted.reference))}
    found = [known.get(row.tobytes(), -1) for row in _flat(query)]
    partner = np.array(found, dtype=np.int64)
    copies = np.flatnonzero(partner >= 0)
    return Answer(copies, partner[copies])


def _pooled(planted: Planted, query: Array) -> Array:
    return np.concatenate([_flat(planted.reference), _flat(query)])


def _unique(_: Any, planted: Planted, query: Array) -> Answer:
    n = len(planted.reference)
    _, first, group = np.unique(_pooled(planted, query), axis=0, return_index=True, return_inverse=True)
    partner = first[group.reshape(-1)[n:]]
    copies = np.flatnonzero(partner < n)
    return Answer(copies, partner[copies].astype(np.int64))


def _pandas(_: Any, planted: Planted, query: Array) -> Answer:
    import pandas as pd

    repeats = pd.DataFrame(_pooled(planted, query)).duplicated().to_numpy()
    return Answer(np.flatnonzero(repeats[len(planted.reference) :]), None)


def _polars(_: Any, planted: Planted, query: Array) -> Answer:
    import polars as pl

    frames = [pl.DataFrame(_flat(side)) for side in (planted.reference, query)]
    here = frames[1].with_row_index("row").join(frames[0], on=frames[0].columns, how="semi")
    return Answer(here["row"].to_numpy().astype(np.int64), None)


METHODS = [
    Method(
        "auditor", ("auditor",), "digests, grouped, compared", _auditor,
        tasks=TASKS, stage="copies", distribution="auditor",
    ),
    Method(
        "auditor, compiled", ("auditor", "numba"), "the same, twins compiled", _compiled,
        tasks=TASKS, stage="copies", distribution="auditor",
    ),
    Method("reading the rows once", (), "exclusive or of all words", _read, tasks=TASKS, stage="copies"),
    Method("Python set", (), "the bytes of each row", _set, tasks=TASKS, stage="copies"),
    Method("np.unique", (), "axis=0, both sides pooled", _unique, tasks=TASKS, stage="copies"),
    Method(
        "pandas", ("pandas",), "duplicated, both sides pooled; rows, no partners", _pandas,
        tasks=TASKS, stage="copies", distribution="pandas",
    ),
    Method(
        "Polars", ("polars",), "semi join on all columns; rows, no partners", _polars,
        tasks=TASKS, stage="copies", distribution="polars",
    ),
]  # fmt: skip
