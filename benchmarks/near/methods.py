"""What a method is to the benchmark, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from near.answers import Answer
from near.planted import Array, Planted

TASKS = ("images", "table", "embeddings", "windows")

FAMILIES = ("own", "indexes", "sketches", "suites", "copies", "signatures")
"""Modules of this package that define methods, in the order of the tables."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to find near copies.

    Attributes
    ----------
    name : str
        As it stands in the table.
    packages : tuple of str
        Modules that are imported before anything is measured; the time that takes is reported apart.
    setting : str
        What was set, for people.
    build : callable, optional
        Takes the data set, whose reference rows it indexes; returns the index.
    search : callable
        Takes the index (None without `build`), the data set and the query rows to ask for; returns the answer,
        row numbers of `query` counted from its start.
    grows : str
        How cost goes with rows where a subset has to do: ``"rows"``, or ``"pairs"`` for a cost that goes with
        their square. A method with `build` is asked for as many query rows as the limit allows, and that part is
        linear in them.
    tasks : tuple of str
        Data sets it can be run on.
    stage : str
        ``"near"`` for near copies, ``"copies"`` for exact ones, ``"signatures"`` for sketches alone.
    distribution : str
        Package that must be installed; its version is reported. Empty for none.
    """

    name: str
    packages: tuple[str, ...]
    setting: str
    search: Callable[[Any, Planted, Array], Answer]
    build: Callable[[Planted], Any] | None = None
    grows: str = "rows"
    tasks: tuple[str, ...] = TASKS
    stage: str = "near"
    distribution: str = ""


def all_methods() -> dict[str, Method]:
    """Return every method by ``stage/name``, in the order of the tables."""
    found = {}
    for family in FAMILIES:
        for method in import_module(f"near.{family}").METHODS:
            found[f"{method.stage}/{method.name}"] = method
    return found
