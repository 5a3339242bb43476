"""How kernels are compiled and run: cached on disk where that can be, and on blocks of rows by several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar, cast

import numba
from numpy.typing import NDArray

from auditor.hashing.kernels import threads

Function = TypeVar("Function", bound=Callable[..., Any])

LEAST = 2**17
"""Values for which another thread is worth its start."""


def compiled(function: Function) -> Function:
    """Return the function compiled at its first call, without the interpreter's lock.

    The machine code is kept on disk beside the source or, where that cannot be written, in the user's own cache; where
    neither can, it is compiled anew in every process.
    """
    return cast(Function, _Forgiving(function, frozenset()))


def bounding(function: Function) -> Function:
    """Return the function compiled so that sums may be taken in any order: for bounds with room for that."""
    return cast(Function, _Forgiving(function, frozenset({"reassoc"})))


def fused(function: Function) -> Function:
    """Return the function compiled so that products need not be rounded before they are added: for bounds as well."""
    return cast(Function, _Forgiving(function, frozenset({"contract"})))


class _Forgiving:
    """A compiled function that does without its cache where that cannot be made, or writing to it fails after all."""

    def __init__(self, function: Any, liberties: frozenset[str]) -> None:
        self.function, self.settings = function, {"nogil": True, "fastmath": set(liberties)}
        try:
            self.made = numba.njit(function, cache=True, **self.settings)
        except (RuntimeError, OSError):  # no place to write to
            self.made = numba.njit(function, **self.settings)

    def __call__(self, *args: Any) -> Any:
        try:
            return self.made(*args)
        except OSError:  # a full or vanished disk; the kernels themselves touch no file
            self.made = numba.njit(self.function, **self.settings)
            return self.made(*args)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to: arrays that can and cannot be would be compiled for apart."""
    view = array.view()
    view.flags.writeable = False
    return view


def inlined(function: Function) -> Function:
    """Return a function to be used by kernels."""
    made: Function = numba.njit(function, inline="always")
    return made


def over_rows(work: Callable[[int, int], None], n: int, values: int) -> None:
    """Call ``work(start, stop)`` for ranges that make up `n` rows, in as many threads as `values` repay.

    The result does not depend on how many there are: rows do not meet.
    """
    parts = max(1, min(threads(), values // LEAST, n))
    if parts == 1:
        work(0, n)
        return
    edges = [n * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        for done in [pool.submit(work, low, high) for low, high in pairwise(edges)]:
            done.result()
