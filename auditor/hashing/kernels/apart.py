"""Which rows are farther apart than a radius, for certain: candidates of a search judged by values as they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.kernels.compiling import bounding, frozen, inlined
from auditor.hashing.sampling import spaced

STRIDE = 128
"""Coordinates after which two rows may already be too far apart."""

JUDGED = 64
"""Pairs by which it is judged which coordinates to look at first."""

TOGETHER = 64
"""Pairs whose rows are fetched together."""

HUGE = 1e8
"""Coordinates beyond are held at a bound, and near each other there."""


def apart(
    left: NDArray[Any],
    right: NDArray[Any],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    *,
    scale: NDArray[np.float64],
    radius: float,
) -> NDArray[np.bool_]:
    """Return which rows ``left[i[k]]`` and ``right[j[k]]`` are farther apart than `radius`, for certain.

    Rows are moved alike and multiplied with `scale`. What rounding might decide, and what is missing or huge, is left to
    be measured.
    """
    out = np.zeros(i.size, dtype=np.bool_)
    left, right = (part.view(np.uint8) if part.dtype == bool else part for part in (left, right))
    single = left.dtype == np.float32 or left.dtype.itemsize <= 2  # differences of which float32 holds well
    kind = np.float32 if single else np.float64
    bar = kind(radius**2 * (1.0 + 1e-4) + 1e-30)
    checked = left.dtype.kind == "f"
    arrays = (left, right, i, j, scale.astype(kind), _telling(left, right, i, j, scale))
    _APART[kind](*(frozen(part) for part in arrays), bar, checked, out)
    return out


def _telling(
    left: NDArray[Any],
    right: NDArray[Any],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    scale: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return where runs of `STRIDE` coordinates begin, those in which some of the pairs differ most before others."""
    starts = np.arange(0, left.shape[1], STRIDE)
    if starts.size == 1:
        return starts
    some = spaced(i.size, JUDGED)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = ((left[i[some]].astype(np.float64) - right[j[some]]) * scale) ** 2
    gaps[~np.isfinite(gaps)] = 0.0
    return starts[np.argsort(-np.add.reduceat(gaps.mean(axis=0), starts), kind="stable")]


@inlined
def _fetched(  # noqa: PLR0917 - as kernels
    rows: Any, which: Any, start: int, stop: int, first: int, last: int
) -> Any:
    """Read of each of some rows what lies at both ends and in the middle of a run of coordinates.

    Rows lie anywhere in memory: read one upon another they arrive together, where judging each waits for it alone.
    """
    seen = 0.0
    for k in range(start, stop):
        row = which[k]
        seen += np.float64(rows[row, first]) + np.float64(rows[row, (first + last) // 2])
        seen += np.float64(rows[row, last])
    return seen


def _apart_in(kind: Any) -> Any:
    """Return the kernel that reckons in numbers of a kind."""

    @bounding
    def body(  # noqa: PLR0917 - kernels are called by position
        left: Any, right: Any, i: Any, j: Any, scale: Any, parts: Any, bar: Any, checked: bool, out: Any
    ) -> float:
        d, seen = left.shape[1], 0.0
        for k in range(i.size):
            if k % TOGETHER == 0:
                stop, first, last = min(i.size, k + TOGETHER), parts[0], min(d, parts[0] + STRIDE) - 1
                seen += _fetched(left, i, k, stop, first, last) + _fetched(right, j, k, stop, first, last)
            a, b = left[i[k]], right[j[k]]
            total = kind(0.0)
            looked = 0
            while looked < parts.size and not total > bar:
                for t in range(parts[looked], min(d, parts[looked] + STRIDE)):
                    gap = (kind(a[t]) - kind(b[t])) * scale[t]
                    total += gap * gap
                looked += 1
            far = total > bar
            for part in range(looked if far and checked else 0):
                for t in range(parts[part], min(d, parts[part] + STRIDE)):
                    factor = abs(scale[t])
                    far &= (abs(kind(a[t])) * factor < HUGE) & (abs(kind(b[t])) * factor < HUGE)
            out[k] = far
        return seen  # or nothing would be fetched

    return body


_APART = {kind: _apart_in(kind) for kind in (np.float32, np.float64)}
