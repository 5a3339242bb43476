"""The unit that stored values are whole multiples of: integers, 1/255, 1/127.5 - 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor._case import Case
from auditor.hashing.sampling import spaced

SAMPLE_VALUES = 400_000
LEVELS = 16
"""Different values needed to call something a lattice; masks and classes have fewer."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A way to store whole numbers from 0 to `top`.

    Attributes
    ----------
    words : str
        How the values look.
    scale, offset : float
        ``value * scale + offset`` is the whole number.
    top : int
        The largest whole number that fits.
    """

    words: str
    scale: float
    offset: float
    top: int


INTEGERS = Unit("whole numbers", 1.0, 0.0, 65535)
UNITS = (
    INTEGERS,
    Unit("multiples of 1/255 in [0, 1]", 255.0, 0.0, 255),
    Unit("multiples of 1/127.5 in [-1, 1]", 127.5, 127.5, 255),
    Unit("multiples of 1/255² below 1/255", 65025.0, 0.0, 255),
    Unit("multiples of 1/256 in [0, 1)", 256.0, 0.0, 255),
    Unit("multiples of 1/65535 in [0, 1]", 65535.0, 0.0, 65535),
)


@dataclass(frozen=True, slots=True)
class Lattice:
    """The unit of a split's values, and the least and largest whole number met."""

    unit: Unit
    low: int
    high: int


def lattice_of(case: Case, split: str) -> Lattice | None:
    """Product: the unit that every value of a split is a whole multiple of, or None."""
    flat = case[split].flat
    if not flat.size or flat.dtype.kind not in "fiu" or flat.dtype == np.float16:
        return None
    columns = spaced(flat.shape[1], SAMPLE_VALUES // 16)
    rows = spaced(flat.shape[0], max(16, SAMPLE_VALUES // columns.size))
    values = flat[rows][:, columns].astype(np.float64)
    if not np.isfinite(values).all():
        return None
    # A float32 is off by 6e-8 of itself, which the scale magnifies.
    tolerance = 1e-6 if flat.dtype == np.float64 else 2e-3
    for unit in UNITS:
        with np.errstate(over="ignore"):  # values near the largest float are no lattice of ours
            whole = values * unit.scale + unit.offset
        low, high = whole.min(), whole.max()
        if low < -tolerance or high > unit.top + tolerance:
            continue
        nearest = np.rint(whole)
        if np.abs(whole - nearest).max() <= tolerance and np.unique(nearest).size >= LEVELS:
            return Lattice(unit, int(nearest.min()), int(nearest.max()))
    return None
