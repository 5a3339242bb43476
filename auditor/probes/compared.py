"""Learned states held against each other, number by number, with the noise of refitting as the yardstick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.probes.learned import Learned

Floats = NDArray[np.float64]

MARGIN = 20.0
"""Refits on the same rows, in other orders and rounded otherwise, differ by noise; so many times that is none."""

CLEAR = 50.0
"""Times the tolerance by which a number has to differ from train's to count as different."""

REPRODUCIBLE = 1e-3
"""Noise, relative to a number's size, up to which it counts as determined by the rows."""

MOSTLY = 0.8
"""Share of an attribute's numbers that must be reproducible, or none of them is taken to be.

An attribute with a number for each row, such as labels or scores, agrees here and there by chance.
"""

EXACT = 1e-9
"""Relative difference up to which numbers fitted on the same rows in the same order are equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A learned state as one vector.

    Attributes
    ----------
    keys : tuple of str
        Paths of the attributes.
    sizes : ndarray of int64
        Numbers (or texts) of each.
    values : ndarray of float64, shape (N,)
        The numbers; NaN for texts.
    is_text : ndarray of bool, shape (N,)
    """

    keys: tuple[str, ...]
    sizes: NDArray[np.int64]
    values: Floats
    is_text: NDArray[np.bool_]

    def key_of(self, position: int) -> str:
        """Return the path of the number at `position`."""
        return self.keys[int(np.searchsorted(np.cumsum(self.sizes), position, side="right"))]


def as_numbers(state: Learned) -> Numbers:
    """Return a learned state as one vector."""
    keys = tuple(sorted(state))
    parts = [state[key].ravel() for key in keys]
    texts = [part.dtype.kind == "U" for part in parts]
    return Numbers(
        keys,
        np.array([part.size for part in parts], dtype=np.int64),
        np.concatenate(
            [np.full(p.size, np.nan) if t else p for p, t in zip(parts, texts, strict=True)] or [np.zeros(0)]
        ),
        np.concatenate(
            [np.full(p.size, t) for p, t in zip(parts, texts, strict=True)] or [np.zeros(0, dtype=bool)]
        ),
    )


def gaps(reference: Learned, other: Learned) -> Floats:
    """Return |reference - other| number by number, in the order of `as_numbers(reference)`.

    Infinite where a text differs, where only one is NaN, and throughout an attribute of another shape.
    """
    found = []
    for key in sorted(reference):
        a = reference[key].ravel()
        b = other[key].ravel() if key in other else None
        if b is None or reference[key].shape != other[key].shape or a.dtype.kind != b.dtype.kind:
            found.append(np.full(a.size, np.inf))
        elif a.dtype.kind == "U":
            found.append(np.where(a == b, 0.0, np.inf))
        else:
            with np.errstate(invalid="ignore"):
                gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
            found.append(np.where(np.isnan(gap), np.inf, gap))
    return np.concatenate(found) if found else np.zeros(0)


def noise(reference: Learned, refits: list[Learned]) -> Floats:
    """Return how far refits on the same rows differ, in the order of `as_numbers(reference)`.

    Attributes whose shape is not the reference's have no number of their own there: their noise is 0
    where all refits agree, and infinite where they do not.
    """
    first, rest = refits[0], refits[1:]
    found = []
    for key in sorted(reference):
        size = reference[key].size
        shapes = {state[key].shape for state in refits if key in state}
        if any(key not in state for state in refits) or len(shapes) > 1:
            found.append(np.full(size, np.inf))
            continue
        between = [gaps({key: first[key]}, {key: state[key]}) for state in rest]
        worst = np.max(between, axis=0) if between else np.zeros(first[key].size)
        if first[key].shape == reference[key].shape:
            found.append(worst)
            continue
        values = first[key].ravel()
        calm = first[key].dtype.kind == "U" or bool((worst <= REPRODUCIBLE * np.abs(values)).all())
        found.append(np.full(size, 0.0 if calm and np.isfinite(worst).all() else np.inf))
    return np.concatenate(found) if found else np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """What counts as equal, and which numbers are determined by the rows at all.

    Attributes
    ----------
    tolerance : ndarray of float64, shape (N,)
    reproducible : ndarray of bool, shape (N,)
    """

    tolerance: Floats
    reproducible: NDArray[np.bool_]

    def equal(self, gap: Floats) -> bool:
        """Whether all reproducible numbers agree, and there are any."""
        held = self.reproducible
        return bool(held.any() and (gap[held] <= self.tolerance[held]).all())

    def clearly_apart(self, gap: Floats) -> NDArray[np.bool_]:
        """Return reproducible numbers that differ beyond doubt."""
        return np.asarray(self.reproducible & (gap > CLEAR * self.tolerance))


def yardstick(reference: Learned, refits: list[Learned]) -> Yardstick:
    """Derive tolerances from refits on the same rows: in other orders, with inputs rounded otherwise."""
    spread = noise(reference, refits)
    size = np.nan_to_num(np.abs(as_numbers(reference).values), nan=0.0, posinf=0.0)
    with np.errstate(invalid="ignore"):
        gap = gaps(reference, refits[0])
        # A number near zero is measured by how far it lies from train's, if that is more.
        size_here = np.maximum(size, np.where(np.isfinite(gap), gap, size))
        reproducible = np.isfinite(spread) & (spread <= REPRODUCIBLE * size_here)
        reproducible |= spread == 0
    reproducible = of_mostly(as_numbers(reference).sizes, reproducible)
    spread = np.maximum(spread, _usual_noise(as_numbers(reference).sizes, spread, size, reproducible) * size)
    tolerance = np.where(np.isfinite(spread), MARGIN * spread, 0.0) + 1e-12 * size
    return Yardstick(tolerance, reproducible)


def _usual_noise(
    sizes: NDArray[np.int64], spread: Floats, size: Floats, reproducible: NDArray[np.bool_]
) -> Floats:
    """Return, number by number, the median relative noise of its attribute's noisy numbers.

    A few refits may agree in one number by luck; its neighbours tell how far they usually differ.
    """
    usual = np.zeros(spread.size)
    for start, stop in zip(np.cumsum(sizes) - sizes, np.cumsum(sizes), strict=True):
        part = slice(int(start), int(stop))
        noisy = reproducible[part] & (spread[part] > 0) & (size[part] > 0)
        if noisy.any():
            usual[part] = np.median(spread[part][noisy] / size[part][noisy])
    return usual


def of_mostly(sizes: NDArray[np.int64], reproducible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the reproducible numbers of attributes most of whose numbers are."""
    if not reproducible.size:
        return reproducible
    owner = np.repeat(np.arange(sizes.size), sizes)
    share = np.bincount(owner, reproducible, sizes.size) / np.maximum(sizes, 1)
    return np.asarray(reproducible & (share[owner] >= MOSTLY))


def exactly(reference: Learned, gap: Floats) -> bool:
    """Whether a state equals the reference to nine digits throughout, and holds numbers that are not whole."""
    numbers = as_numbers(reference)
    size = np.nan_to_num(np.abs(numbers.values), nan=0.0, posinf=0.0)
    return bool(gap.size and (gap <= EXACT * size).all())


def distinct_precise(values: Floats, chosen: NDArray[np.bool_]) -> int:
    """Count different numbers with six significant digits or more.

    Numbers of fewer digits stand on a coarse grid, where two fits may meet by chance.

    Examples
    --------
    >>> distinct_precise(np.array([0.1, 1 / 3, 1 / 3, 2.0]), np.ones(4, dtype=bool))
    1
    """
    picked = np.unique(values[chosen & np.isfinite(values)])[:10_000]
    return sum(_digits(value) >= 6 for value in picked.tolist())


def _digits(value: float) -> int:
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    written: Any = narrow if float(narrow) == value else np.float64(value)
    text = np.format_float_scientific(written, unique=True, trim="-").split("e")[0]
    return len(text.strip("-").replace(".", "").rstrip("0"))
