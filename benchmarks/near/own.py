"""`auditor.near_duplicates`, asked as the peers are, and left to find its own threshold."""

from __future__ import annotations

from typing import Any

from near.answers import Answer
from near.methods import Method
from near.planted import Array, Planted


def compile_all() -> None:
    """Let the compiled twins stand in from the first value on, as they do in a process that has worked a while.

    By itself `auditor` compiles only where that repays.
    """
    from auditor.hashing import kernels

    if not kernels.available():
        raise ImportError("Numba is not installed, or does not work here")
    for name, (module, _) in kernels.SAVED.items():
        kernels.SAVED[name] = (module, 1e9)


def _compiled(_: Any, planted: Planted, query: Array) -> Answer:
    compile_all()
    return _given(None, planted, query)


def _given(_: Any, planted: Planted, query: Array) -> Answer:
    """Ask for the same radius on the same points as the peers; integers need not be made floats first."""
    from auditor import near_duplicates

    reference = planted.reference
    if planted.name == "embeddings":
        found = near_duplicates(reference, query, kind="unit", threshold=1.0 - planted.radius**2 / 2.0)
    else:
        found = near_duplicates(reference, query, kind="raw", threshold=planted.radius)
    return Answer(found.pairs[:, 1], found.pairs[:, 0])


def _left(_: Any, planted: Planted, query: Array) -> Answer:
    from auditor import near_duplicates

    found = near_duplicates(planted.reference, query)
    return Answer(found.pairs[:, 1], found.pairs[:, 0])


METHODS = [
    Method("auditor", ("auditor",), "near_duplicates, the radius given", _given, distribution="auditor"),
    Method(
        "auditor, nothing given", ("auditor",), "near_duplicates(X, Y), its own threshold", _left,
        distribution="auditor",
    ),
    Method(
        "auditor, compiled", ("auditor", "numba"), "the radius given, twins compiled", _compiled,
        distribution="auditor",
    ),
]  # fmt: skip
