"""Bundles of lines: rows whose features are piecewise linear in one variable, or proportional within groups."""

from __future__ import annotations

import numpy as np

from auditor.measures.collinear import LOOSEST, Field, Floats, Numbers, Triples, collinear_triples

LINES = 16
"""Lines looked at."""

THICK = 5
"""Rows on a line from which it may be one of a bundle."""

HUBS = 8
"""Rows of a line from which other lines are looked for."""

CLEAR = 2.0**-8
"""Least distance between rows of a line that gives it a direction, over the size of the values."""

CROSSING = 1024.0
"""Distance of a row from a line, over the residuals of lines, from which it is on another."""


def bundled(field: Field, triples: Triples, row: Numbers, rng: np.random.Generator) -> bool:
    """Return whether most lines, one through each `row`, hold five rows or more and none that is on another.

    Interpolation draws several lines from a row as soon as it puts several rows on one; a bundle does not.

    Parameters
    ----------
    field : Field
        The rows.
    triples : Triples
        Lines among them.
    row : ndarray of int64, shape (t,)
        A row on each.
    rng : numpy.random.Generator
        Draws the lines that are looked at.
    """
    order = rng.permutation(triples.low.size)
    firsts = np.unique(row[order], return_index=True)[1]  # one line a row: long ones hold most triples
    chosen = order[rng.permutation(firsts)[:LINES]]
    if not chosen.size:
        return False
    within = float(np.clip(8 * np.quantile(triples.residual, 0.9), 2.0**-48, LOOSEST))
    ends = [(int(triples.low[k]), int(triples.high[k])) for k in chosen]
    thick = [
        (low, high, on) for low, high in ends if (on := _on_line(field, low, high, within)).size >= THICK
    ]
    if 2 * len(thick) < chosen.size:
        return False
    # the outermost were interpolated between, or from; the others are drawn
    hubs = [np.r_[on[0], on[-1], rng.permutation(on[1:-1])[: HUBS - 2]] for _, _, on in thick]
    others = collinear_triples(field, np.unique(np.concatenate(hubs)), rng)
    others = others.only((others.residual <= within) & (others.sharpness * others.nearer >= CLEAR))
    held = np.stack([others.low, others.middle, others.high], axis=1)
    lonely = 0
    for (low, high, _), asked in zip(thick, hubs, strict=True):
        beside = np.unique(held[np.isin(held, asked).any(axis=1)])
        lonely += bool((_off_line(field, low, high, beside) <= CROSSING * within).all())
    return bool(2 * lonely >= chosen.size)


def _on_line(field: Field, low: int, high: int, within: float) -> Numbers:
    """Return the rows on the line through two, in their order."""
    t, points, error = _along(field, low, high, slice(None)), field.points, field.error
    off = points - points[low] - t[:, None] * (points[high] - points[low])
    slack = error + (1 + np.abs(t))[:, None] * (error[low] + error[high])
    on: Numbers = np.flatnonzero((np.abs(off) <= 2 * slack).all(axis=1))
    on = on[_off_line(field, low, high, on) <= 4 * within]
    return on[np.argsort(t[on], kind="stable")]


def _off_line(field: Field, low: int, high: int, rows: Numbers) -> Floats:
    """Return how far rows are from the line through two, over the size of the values, the most of any feature."""
    t = _along(field, low, high, rows)
    off = field.rows[rows] - field.rows[low] - t[:, None] * (field.rows[high] - field.rows[low])
    unit = (1 + np.abs(t))[:, None] * (np.abs(field.rows[rows]) + field.size)
    distance: Floats = np.abs(off / unit).max(axis=1)
    return distance


def _along(field: Field, low: int, high: int, rows: Numbers | slice) -> Floats:
    """Return where rows are along the line through two: 0 at one, 1 at the other."""
    along, off = field.points[high] - field.points[low], field.points[rows] - field.points[low]
    position: Floats = off @ along / max(float(along @ along), np.finfo(np.float64).tiny)
    return position
