"""Rows interpolated between two rows of their class, by class: the trace that SMOTE and its kin leave.

Two rows a and b and a draw t make a row a + t (b - a): the three are on one line in every feature, to
rounding, also after any scaling feature by feature.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._finding import Coverage
from auditor.hashing.nearest import neighbours
from auditor.measures.bundles import bundled
from auditor.measures.class_rows import (
    HELD,
    ClassPools,
    ClassRows,
    Columns,
    class_pools,
    continuous_columns,
    no_news,
)
from auditor.measures.collinear import NEAREST, Triples, collinear_triples, field_of, twins
from auditor.measures.copies import Copies, Numbers
from auditor.measures.line_chances import LEVELS, Judged, Lines, judged, parallel, surprise

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

FIRST_LOOK = 1_500_000
"""Pairs of an anchor and a row looked at, over all classes of one evaluation split."""

SECOND_LOOK = 4_000_000
"""The same for a class where lines were found, to name the rows."""

DISTANCES_SEEN = 20_000_000
"""Distances from anchors to rows of their class computed at most, to find the nearest."""

FEWEST_ANCHORS = 32
INDEPENDENT = 2000
"""Rows from which linear relations between features are read."""

EVIDENCE = 64
"""Features whose agreement counts as evidence, which is asked of all of them."""

DEPENDENT = 1e-5
"""Share of a feature's spread up to which it is taken to follow from others."""

FEWEST_HITS, LEAST_RATE = 3, 0.02
"""Rows that must be on a line, and their share of those looked from."""

BITS = 30.0
"""Surprisal from which lines are no chance."""

CONTRAST = 5.0
"""Rate of lines over that of a class that was left as it came."""

SHARE = 0.05
"""Share of interpolated rows for which the miss probability of a sample is stated."""

COMPARABLE = 0.5
"""Rows of such a class, over those of the class held against it: the largest class is not oversampled."""


@dataclass(frozen=True, slots=True, eq=False)
class Interpolated:
    """Lines found among the rows of one class, over train and one evaluation split.

    Rows are numbered over all splits.

    Attributes
    ----------
    label : int
        Position of the class among all.
    total, rows, held_out : int
        Rows of the class, different ones, and those of them in the evaluation split only.
    anchors : ndarray of int64
        Held-out rows looked from.
    row, one, other : ndarray of int64, shape (t,)
        A held-out row on a line with two others.
    position : ndarray of float64, shape (t,)
        Where on the line it is: 0 at `one`, 1 at `other`.
    inside : ndarray of bool, shape (t,)
        Lines within the evaluation split; the others straddle the split.
    bits, bits_inside : float
        Surprisal of the straddling lines and of those inside, over all triples looked at.
    features : int
        Features in which the rows are on a line; 0 where no two are continuous, and none was looked for.
    flat : bool
        Whether the class is a line or a bundle of lines, so that lines say nothing.
    """

    label: int
    total: int
    rows: int
    held_out: int
    anchors: Numbers
    row: Numbers
    one: Numbers
    other: Numbers
    position: Floats
    inside: Masks
    bits: float
    bits_inside: float
    features: int
    flat: bool

    def hits(self, *, inside: bool) -> Numbers:
        """Return the anchors on a line inside the evaluation split, or on one that straddles the split."""
        return np.intersect1d(self.anchors, self.row[self.inside == inside])

    def rate(self, *, inside: bool) -> float:
        """Return the share of anchors on a line."""
        return self.hits(inside=inside).size / self.anchors.size

    def concerned(self, *, inside: bool) -> float:
        """Return how many held-out rows are on a line, estimated from those looked from."""
        return self.rate(inside=inside) * self.held_out

    def contrast(self, classes: tuple[Interpolated, ...], *, inside: bool) -> float:
        """Return the rate of lines over that of the class, of much the same size, that has the fewest.

        Lines that nature draws (features that follow from one another, filled gaps) are found in every
        class; oversampling spares the largest. 0 where there is no class to hold against.
        """
        others = [
            (other.hits(inside=inside).size + 1) / other.anchors.size
            for other in classes
            if other.label != self.label and not other.flat and other.total >= COMPARABLE * self.total
        ]
        return self.rate(inside=inside) / min(others, default=np.inf)

    def stands_out(self, classes: tuple[Interpolated, ...], *, inside: bool) -> bool:
        """Whether the class holds interpolated rows as another does not."""
        hits, bits = self.hits(inside=inside).size, self.bits_inside if inside else self.bits
        enough = (
            not self.flat and hits >= FEWEST_HITS and self.rate(inside=inside) >= LEAST_RATE and bits >= BITS
        )
        return enough and self.contrast(classes, inside=inside) >= CONTRAST


def segments(case: Case, found: Copies, split: str, seed: int) -> tuple[Interpolated, ...]:
    """Product: the lines among the rows of each class, seen from rows of `split`.

    Classes are left out that have fewer than six different rows or none that is held out.
    """
    pools = class_pools(case, found, split)
    if pools.train.dtype.kind != "f" or pools.split.dtype.kind != "f":
        return ()
    made = []
    for label, pool in pools.classes.items():
        if not pool.in_train.all():
            rng = np.random.default_rng([seed, zlib.crc32(f"segments {split}".encode()), label])
            made.append(_looked_at(case, pools, label, rng))
    return tuple(made)


def coverage(classes: tuple[Interpolated, ...]) -> Iterator[Coverage]:
    """Yield what was looked at, where that was not every held-out row."""
    seen = [one for one in classes if one.features]
    looked, of = sum(one.anchors.size for one in seen), sum(one.held_out for one in seen)
    if looked < of:
        fewest = min(one.anchors.size for one in seen if one.anchors.size < one.held_out)
        yield Coverage(
            looked,
            of,
            "held-out rows looked from",
            miss_probability=(1 - SHARE) ** fewest,
            note=f"for a class of whose held-out rows {SHARE:.0%} were interpolated; more are looked from where "
            "lines are found",
        )


def _looked_at(case: Case, pools: ClassPools, label: int, rng: np.random.Generator) -> Interpolated:
    """Return the lines of a class: from a few of its held-out rows, then from more where there are any."""
    pool, shares = pools.classes[label], len(pools.classes)
    outside = rng.permutation(np.flatnonzero(~pool.in_train))
    made = _told(label, pool, np.sort(outside), None)
    for columns in continuous_columns(case, pools, pool, rng):
        looked = 0
        for look in (FIRST_LOOK, SECOND_LOOK):
            anchors = np.sort(outside[: _budget(pool.numbers.size, look // shares)])
            if anchors.size > looked:
                made = _told(label, pool, anchors, _look(pools, pool, columns, anchors, rng))
                looked = anchors.size
            if not made.row.size:
                break
        if made.row.size:
            break
    return made


def _budget(rows: int, look: int) -> int:
    """Return how many anchors are looked from in a class of so many rows."""
    return max(FEWEST_ANCHORS, min(look // min(rows, NEAREST), DISTANCES_SEEN // rows))


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Lines of a class that count, the rows that they are among, and the triples looked at."""

    pool: ClassRows
    lines: Judged
    tried: float
    features: int
    flat: bool


def _look(
    pools: ClassPools, pool: ClassRows, columns: Columns, anchors: Numbers, rng: np.random.Generator
) -> _Seen:
    """Return the lines through some anchors, held-out rows of a class, that nature does not explain."""
    if pool.numbers.size > HELD:
        pool, anchors = _around(pools, pool, columns.continuous, anchors, rng)
    field = field_of(pools.rows(pool.numbers, columns.continuous), rng)
    anchors = anchors[~twins(field)[anchors]]
    triples = collinear_triples(field, anchors, rng)
    triples = triples.only(~_on_grid(pools, pool, columns, triples))
    outside = ~pool.in_train
    row = np.where(outside[triples.low], triples.low, triples.high)
    row = np.where(outside[triples.middle], triples.middle, row)
    telling, relations = _independent(field.rows, rng)
    tied = no_news(pools, pool.numbers[row], columns.continuous[telling])
    tried = max(1, anchors.size) * field.around**2 / 2
    lines = judged(field, Lines(triples, row, telling, tied, relations), tried)
    flat = telling.size < 2
    if telling.size == 2:  # a line is one coincidence
        shared, lone = parallel(field, lines.triples, telling)
        lines, flat = lines.only(~shared), shared.size >= FEWEST_HITS > lone
    flat = flat or (lines.row.size > 0 and bundled(field, lines.triples, lines.row, rng))
    return _Seen(pool, lines, tried, columns.continuous.size, flat)


def _around(
    pools: ClassPools, pool: ClassRows, columns: Numbers, anchors: Numbers, rng: np.random.Generator
) -> tuple[ClassRows, Numbers]:
    """Return the rows of a large class that are nearest to some anchors, and where those are among them."""
    some = pools.rows(pool.numbers[:: pool.numbers.size // INDEPENDENT], columns)
    low, origin, high = np.quantile(some, [0.1, 0.5, 0.9], axis=0)
    spread = np.where(high > low, high - low, np.maximum(some.std(axis=0), 1e-300))
    weights = rng.normal(size=(columns.size, min(columns.size, 16))) / spread[:, None]
    parts = [
        ((pools.rows(pool.numbers[start : start + HELD], columns) - origin) @ weights).astype(np.float32)
        for start in range(0, pool.numbers.size, HELD)
    ]
    sketch = np.concatenate(parts)
    kept = np.union1d(anchors, neighbours(sketch, sketch[anchors], NEAREST)[1])
    return pool.only(kept), np.searchsorted(kept, anchors)


def _on_grid(pools: ClassPools, pool: ClassRows, columns: Columns, triples: Triples) -> Masks:
    """Return the lines on which three different values of a grid are also in line, shape (t,).

    An interpolated value would have left the grid, and one that was rounded back the line.
    """
    natural = np.zeros(triples.low.size, dtype=bool)
    if not natural.size:
        return natural
    for j, step in zip(columns.gridded.tolist(), columns.step.tolist(), strict=True):
        values = pools.rows(pool.numbers, np.array([j]))[:, 0]
        low, middle, high = (values[at] for at in (triples.low, triples.middle, triples.high))
        off = np.abs(middle - low - triples.position * (high - low))
        natural |= (np.abs(high - low) > 0.5 * step) & (off < 0.02 * step)
    return natural


def _independent(rows: Floats, rng: np.random.Generator) -> tuple[Numbers, Floats]:
    """Return columns of which none is a linear function of the others, and the linear relations.

    At most ``EVIDENCE`` columns are looked at. The relations, shape (r, d), are vectors whose product with
    a row, but for a scale of each column, is the same for all rows.
    """
    from scipy.linalg import qr, svd

    columns = np.sort(rng.permutation(rows.shape[1])[:EVIDENCE])
    some = rows[rng.permutation(rows.shape[0])[: max(INDEPENDENT, 4 * columns.size)]][:, columns]
    centred = some - some.mean(axis=0)
    centred /= np.maximum(np.abs(centred).max(axis=0), np.finfo(np.float64).tiny)
    triangle, pivots = qr(centred, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    free = diagonal > DEPENDENT * diagonal[0]
    kept: Numbers = np.sort(columns[pivots[: diagonal.size][free]])
    relations = np.zeros((columns.size - int(free.sum()), rows.shape[1]))
    if relations.size:
        vectors = svd(triangle, full_matrices=True)[2]
        relations[:, columns[pivots]] = vectors[int(free.sum()) :]
    return kept, relations


def _told(label: int, pool: ClassRows, anchors: Numbers, seen: _Seen | None) -> Interpolated:
    """Return what was seen of a class; None stands for a class in which nothing can be seen."""
    if seen is None:
        none, no = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        row, one, other, position, inside = none, none, none, np.zeros(0), no
        log2, tried = np.zeros(0), 1.0
    else:
        triples, row, near = seen.lines.triples, seen.lines.row, seen.pool
        one = np.where(row == triples.low, triples.middle, triples.low)
        other = np.where(row == triples.high, triples.middle, triples.high)
        t = triples.position
        position = np.where(row == triples.low, -t / (1 - t), np.where(row == triples.high, 1 / t, t))
        inside = near.held_out[one] & near.held_out[other]
        row, one, other = near.numbers[row], near.numbers[one], near.numbers[other]
        log2, tried = seen.lines.log2, seen.tried
    return Interpolated(
        label=label,
        total=pool.total,
        rows=pool.numbers.size,
        held_out=int((~pool.in_train).sum()),
        anchors=pool.numbers[anchors],
        row=row,
        one=one,
        other=other,
        position=position,
        inside=inside,
        bits=surprise(log2[~inside], tried, len(LEVELS)),
        bits_inside=surprise(log2[inside], tried, len(LEVELS)),
        features=0 if seen is None else seen.features,
        flat=seen is not None and seen.flat,
    )
