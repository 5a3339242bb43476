"""Raw bytes where a network wants small numbers, and features that a scaler left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.columns import ColumnStatistics
from auditor.measures.scaler_traces import Scaler, Trace
from auditor.measures.whole_pixels import WholeRows, ordered_axes, roughness

SCALED = (Scaler.STANDARD, Scaler.STANDARD_SAMPLE, Scaler.MIN_MAX, Scaler.MIN_MAX_SYMMETRIC)
"""Scalers that give every feature one spread or range."""

EXACT = 1e-5
"""Distance from 0 and 1, or from the ends of a range, at which a feature counts as scaled."""

CENTRED = 0.01
"""Mean, in standard deviations, of features that were centred."""

LEVELS = 10
"""Different values from which a feature is a measurement and no code."""

SMOOTH = 0.7
"""Roughness below which rows are pictures."""

BRIGHT = 128
"""Least highest byte of pictures in 0..255."""


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Features on their own scale among scaled ones.

    Attributes
    ----------
    columns : ndarray of int64
        The features, the widest first.
    spread : ndarray of float64
        Their standard deviations.
    scaled : int
        Features that were scaled.
    typical : float
        Median standard deviation of those.
    scaler : Scaler
        What they show the trace of.
    """

    columns: NDArray[np.int64]
    spread: NDArray[np.float64]
    scaled: int
    typical: float
    scaler: Scaler


def left_out(case: Case, traces: tuple[Trace, ...], train: ColumnStatistics, factor: float) -> LeftOut | None:
    """Return features that spread `factor` times wider than those that show a scaler's trace, or None.

    Codes, of few values or declared as categories, are left alone; half of the other features, and three
    at least, have to show the trace over the rows of train, which is an identity.
    """
    trace = next((one for one in traces if one.scaler in SCALED and one.fitted == ("train",)), None)
    if trace is None or any(one.scaler in (Scaler.WHITENED, Scaler.PCA) for one in traces):
        return None
    std = train.std
    if trace.scaler in (Scaler.STANDARD, Scaler.STANDARD_SAMPLE):
        near = np.sqrt(train.count / np.maximum(train.count - 1, 1)) if trace.scaler is SCALED[1] else 1.0
        shown = (np.abs(train.mean) <= EXACT) & (np.abs(std * near - 1) <= EXACT)
    else:
        low = 0.0 if trace.scaler is Scaler.MIN_MAX else -1.0
        shown = (np.abs(train.minimum - low) <= EXACT) & (np.abs(train.maximum - 1) <= EXACT)
    varies = (train.variance > 0) & ~case.categorical
    scaled = np.flatnonzero(shown & varies)
    if scaled.size < 3 or scaled.size < 0.5 * varies.sum():
        return None
    typical = float(np.median(std[scaled]))
    centred = np.abs(train.mean) < CENTRED * std  # by the same transform, which did not tame them
    wide = np.flatnonzero(varies & ~shown & ~centred & (std > factor * typical))
    wide = np.array([j for j in wide if _is_measured(case, int(j))], dtype=np.int64)
    if not wide.size:
        return None
    wide = wide[np.argsort(-std[wide], kind="stable")]
    return LeftOut(wide, std[wide], int(scaled.size), typical, trace.scaler)


def _is_measured(case: Case, column: int) -> bool:
    values = case.train.flat[spaced(case.train.n_rows, 2000), column]
    return bool(np.unique(values[np.isfinite(values)]).size >= LEVELS)


def raw_pixels(case: Case, split: str, found: WholeRows | None) -> tuple[int, int] | None:
    """Return the least and largest byte of a split of pictures in 0..255, or None.

    Pictures have two ordered axes along which neighbours resemble each other.
    """
    axes = ordered_axes(case[split].X.shape)
    if found is None or found.slope != 1 or len(axes) < 2:
        return None
    low, high = int(found.rows.min()), int(found.rows.max())
    if low < 0 or not BRIGHT <= high <= 255:
        return None
    rough = roughness(found.rows, axes)
    return (low, high) if rough.rows and rough.median < SMOOTH else None
