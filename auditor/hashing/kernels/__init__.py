"""Compiled twins of the bodies of the hashing core: the same signatures, the same bits, less time.

They are compiled by Numba, where it is installed, and only where the work repays that: `twin` keeps the accounts.
Nothing here imports Numba before.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

IMPORT_SECONDS = 0.6
"""What it takes to import Numba."""

COMPILE_SECONDS, LOAD_SECONDS = 1.5, 0.2
"""What it takes to compile one kernel, and to load it from the cache on disk."""

SAVED = {
    "hash_words": ("digests", 1.0e-9),
    "float_digests": ("digests", 0.8e-9),
    "repeated": ("repeats", 4e-9),
    "one_permutation": ("signatures", 10e-9),
    "grouped": ("signatures", 1.3e-9),
    "band_keys": ("keys", 3e-9),
    "coordinate_keys": ("keys", 4e-9),
    "shared_counts": ("sets", 6e-9),
    "sought": ("seeking", 1e-9),
}
"""The module of each kernel, and the seconds it saves a value (a word, a number, a digest, a token or entry, a
code, a coordinate, a nanosecond foreseen): measured on one core, with AVX-512, against the NumPy bodies."""


@dataclass(slots=True)
class _Accounts:
    """Seconds that kernels not compiled would have saved so far, and the kernels that have been."""

    lost: dict[str, float] = field(default_factory=dict)
    loaded: dict[str, Callable[..., None]] = field(default_factory=dict)


_ACCOUNTS = _Accounts()


def twin(name: str, values: int) -> Callable[..., None] | None:
    """Return the compiled kernel of that name, or None where the NumPy body is the better choice.

    A kernel is compiled once the time it would have saved in this process, this call's included, is what it takes
    to compile it. Whenever the work ends, no more than twice the time is spent that foresight would have needed.

    Parameters
    ----------
    name : str
        One of `SAVED`.
    values : int
        Values to be worked on now.
    """
    kernel = _ACCOUNTS.loaded.get(name)
    if kernel is not None:
        return kernel
    module, saved = SAVED[name]
    price = LOAD_SECONDS if _kept(module) else COMPILE_SECONDS
    price += 0.0 if "numba" in sys.modules else IMPORT_SECONDS
    lost = _ACCOUNTS.lost.get(name, 0.0) + values * saved
    _ACCOUNTS.lost[name] = lost
    if lost < price or not available():
        return None
    kernel = load(module, name)
    _ACCOUNTS.loaded[name] = kernel
    return kernel


def ready(name: str) -> bool:
    """Whether the kernel of that name has been compiled or loaded in this process."""
    return name in _ACCOUNTS.loaded


@cache
def _kept(module: str) -> bool:
    """Whether kernels of the module stand in the cache beside it, from an earlier process."""
    cached = Path(__file__).parent / "__pycache__"
    return "NUMBA_CACHE_DIR" not in os.environ and any(cached.glob(f"{module}.*.nbi"))


def load(module: str, name: str) -> Callable[..., None]:
    """Return a kernel of a module of this package, whatever it costs."""
    kernel: Callable[..., None] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return kernel


@cache
def available() -> bool:
    """Whether Numba is installed, works, compiles, and the machine keeps low bytes first."""
    if sys.byteorder != "little" or importlib.util.find_spec("numba") is None:
        return False
    try:
        import numba
    except Exception:  # noqa: BLE001 - a version that does not suit NumPy's raises what it likes
        return False
    disabled: Any = numba.config.DISABLE_JIT
    return not disabled


@cache
def threads() -> int:
    """Return how many threads to use: ``NUMBA_NUM_THREADS`` where it is set, else the processors that are ours.

    Those are the ones this process may run on, and no more than its control group grants.
    """
    wanted = os.environ.get("NUMBA_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    affinity = getattr(os, "sched_getaffinity", None)
    ours = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    granted = _granted()
    return max(1, ours if granted is None else min(ours, granted))


def _granted(root: str = "/sys/fs/cgroup") -> int | None:
    """Return the processors that the control group grants, rounded up; None where it sets no bound."""
    try:
        with open(f"{root}/cpu.max", encoding="ascii") as file:  # noqa: PTH123 - no more modules at import
            quota, period = file.read().split()[:2]
    except (OSError, ValueError):
        try:
            with (
                open(f"{root}/cpu/cpu.cfs_quota_us", encoding="ascii") as first,  # noqa: PTH123 - as above
                open(f"{root}/cpu/cpu.cfs_period_us", encoding="ascii") as second,  # noqa: PTH123 - as above
            ):
                quota, period = first.read().strip(), second.read().strip()
        except OSError:
            return None
    try:
        granted = -(-int(quota) // int(period))
    except (ValueError, ZeroDivisionError):  # "max"
        return None
    return granted if granted > 0 else None
