"""Signatures alone: how fast rows of images become 128 entries each."""

from __future__ import annotations

from typing import Any

import numpy as np

from near.answers import Answer
from near.methods import Method
from near.own import compile_all
from near.planted import Array, Planted
from near.sketches import PERMUTATIONS, datasketch_signatures, rensa_digests

TASKS = ("images",)


def nothing() -> Answer:
    """Return the answer of a method that is only timed."""
    return Answer(np.zeros(0, dtype=np.int64), None)


def _grouped(_: Any, planted: Planted, query: Array) -> Answer:
    from auditor.hashing.minhash import grouped

    for side in (planted.reference, query):
        grouped(side.reshape(len(side), -1), PERMUTATIONS)
    return nothing()


def _compiled(_: Any, planted: Planted, query: Array) -> Answer:
    compile_all()
    return _grouped(None, planted, query)


def _rensa(_: Any, planted: Planted, query: Array) -> Answer:
    for side in (planted.reference, query):
        rensa_digests(planted, side)
    return nothing()


def _datasketch(_: Any, planted: Planted, query: Array) -> Answer:
    for side in (planted.reference, query):
        datasketch_signatures(planted, side)
    return nothing()


METHODS = [
    Method(
        "auditor, NumPy", ("auditor",), "grouped MinHash of every pixel's value", _grouped,
        tasks=TASKS, stage="signatures", distribution="auditor",
    ),
    Method(
        "auditor, compiled", ("auditor", "numba"), "the same, twins compiled", _compiled,
        tasks=TASKS, stage="signatures", distribution="auditor",
    ),
    Method(
        "Rensa", ("rensa",), "R-MinHash of every inked pixel's bin", _rensa,
        tasks=TASKS, stage="signatures", distribution="rensa",
    ),
    Method(
        "datasketch", ("datasketch",), "MinHash.bulk of every inked pixel's bin", _datasketch,
        tasks=TASKS, stage="signatures", distribution="datasketch",
    ),
]  # fmt: skip
