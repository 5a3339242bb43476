"""Evaluation rows that are copies of train rows after a flip, a turn, a shift, an inversion, a gain and offset."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.hashing.digest import exact_dtype, row_digests
from auditor.hashing.mix import canonical
from auditor.hashing.points import Points, distances
from auditor.measures.closeness import LEAST_ROWS, poisson_tail, unit_scale
from auditor.measures.copies import Copies
from auditor.measures.near_rows import Surroundings, near_copies, surroundings
from auditor.measures.transforms import LEAST_SIDE, Transform, transforms

Numbers = NDArray[np.int64]
Masks = NDArray[np.bool_]

FEATURES = 1024
"""Features by which rows are compared at first; on larger rows these are drawn."""

GATHERED = 2**27
"""Values of evaluation rows that are rearranged before something is found; rows are drawn beyond."""

WORK = 2**26
"""Distances computed for all changes together before something is found."""

LEAST_COPIES = 3
"""Rows that must be copies: one could be a coincidence of empty rows."""

HIGHEST_P = 1e-6
"""Probability that copies after one change arise by chance."""

EXCESS = 4.0
"""Copies are reported where they are this many times what repeats of unchanged rows explain."""

UNSEEN = 0.05
"""Repeats that are granted where none was seen."""

CHANGED = 1.5
"""A copy lies this many times nearer after the change than before it."""

LEAST_GAIN = 0.05
"""Rows within this share of their own contrast before the change are as good as unchanged: DUP002's."""


@dataclass(frozen=True, slots=True, eq=False)
class Transformed:
    """Copies found after changes.

    Attributes
    ----------
    rows, partner : ndarray of int64, shape (m,)
        Evaluation rows, ascending, and the train rows they are copies of.
    change : ndarray of int64, shape (m,)
        Which of `names` was done to each.
    exact : ndarray of bool, shape (m,)
        Whether the copy is equal value for value after it.
    names : tuple of str
        What was done.
    looked : int
        Rows of the split that were looked at.
    repeats : float
        Share of rows that repeat unchanged.
    """

    rows: Numbers
    partner: Numbers
    change: Numbers
    exact: Masks
    names: tuple[str, ...]
    looked: int
    repeats: float

    def only(self, kept: Masks) -> Transformed:
        """Return some of the copies."""
        return replace(
            self,
            rows=self.rows[kept],
            partner=self.partner[kept],
            change=self.change[kept],
            exact=self.exact[kept],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What is compared: distinct train rows, evaluation rows without an exact copy, and their repeats."""

    train: Split
    split: Split
    of: Numbers
    rows: Numbers
    repeats: float

    @property
    def dtype(self) -> np.dtype[Any]:
        return exact_dtype(self.train.X.dtype, self.split.X.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    rows: Numbers
    partner: Numbers
    change: int
    exact: bool


def why_not_transformed(train: Split) -> str:
    """Return why the rows of train have no transformed copies to speak of, or the empty string."""
    if not any(side >= LEAST_SIDE for side in train.feature_shape):
        return f"rows have no axis of at least {LEAST_SIDE} positions"
    if len(train.feature_shape) == 1 and not unit_scale(train)[2]:
        return "columns are in different units, so their order means nothing"
    return ""


def transformed_across(case: Case, found: Copies, split: str, seed: int) -> Transformed | None:
    """Product: copies of train rows in `split` after a change; None where no row is left to look at."""
    owners = found.first[found.rows("train")]
    distinct = np.flatnonzero(owners == np.arange(owners.size))
    rows = np.flatnonzero(found.match(split, "train") < 0)
    if not rows.size:
        return None
    rng = np.random.default_rng([seed, zlib.crc32(f"transformed {split}".encode())])
    return transformed_copies(case.train, case[split], distinct, rows, rng)


def transformed_copies(
    train: Split, split: Split, of: Numbers, rows: Numbers, rng: np.random.Generator
) -> Transformed:
    """Find evaluation rows that are copies of train rows after one of `transforms`.

    Parameters
    ----------
    train, split : Split
        Of one feature shape.
    of, rows : ndarray of int64
        Distinct rows of train; rows of the split that equal none of them.
    rng : Generator
        Draws rows and features where there are too many.
    """
    seen = train.n_rows + split.n_rows
    repeats = (train.n_rows - of.size + split.n_rows - rows.size + UNSEEN) / seen
    both = _Rows(train, split, of, rows, repeats)
    changes = transforms(train.feature_shape)
    drawn = _drawn(rows, GATHERED // (FEATURES * len(changes)), rng)
    hits = list(_exact(both, changes, drawn, rng))
    if of.size >= LEAST_ROWS:
        known = np.unique(np.concatenate([hit.rows for hit in hits])) if hits else rows[:0]
        left = replace(both, rows=np.setdiff1d(rows, known))
        hits += _near(left, changes, np.setdiff1d(drawn, known), rng)
    return _gathered(hits, changes, drawn.size if not hits else rows.size, repeats)


def _drawn(rows: Numbers, wanted: int, rng: np.random.Generator) -> Numbers:
    return rows if rows.size <= max(64, wanted) else np.sort(rng.choice(rows, max(64, wanted), replace=False))


def _some(change: Transform, rng: np.random.Generator, most: int = FEATURES) -> Numbers:
    """Return positions in the features of a change, drawn where there are many; whole runs of channels."""
    n = change.target.size // change.parts
    if n * change.parts <= most:
        return np.arange(change.target.size)
    one = np.sort(rng.choice(n, max(1, most // change.parts), replace=False))
    return (np.arange(change.parts)[:, None] * n + one).ravel()


def _exact(
    both: _Rows, changes: tuple[Transform, ...], drawn: Numbers, rng: np.random.Generator
) -> Iterator[_Hits]:
    """Yield copies that are equal value for value, change by change; over all rows once some are found."""
    known: dict[bytes, tuple[Numbers, NDArray[np.uint64], NDArray[np.uint64], Numbers]] = {}
    for number, change in enumerate(changes):
        if not change.exact:
            continue
        key = change.target.tobytes()
        if key not in known:
            picked = _some(change, rng)
            theirs = _digests(both.train.flat, both.of, change.target[picked], both.dtype)
            order = np.argsort(theirs, kind="stable")
            same = _digests(both.split.flat, both.rows, change.target[picked], both.dtype)
            known[key] = picked, theirs[order], same, both.of[order]
        picked, theirs, same, owners = known[key]
        asked = drawn
        found = _matches(both, change, (picked, theirs, same, owners), asked)
        if found[0].size and asked.size < both.rows.size:
            asked = both.rows
            found = _matches(both, change, (picked, theirs, same, owners), asked)
        if found[0].size >= LEAST_COPIES and _beyond_repeats(found[0].size, asked.size, both.repeats):
            yield _Hits(*found, number, exact=True)


def _digests(flat: NDArray[Any], rows: Numbers, columns: Numbers, dtype: np.dtype[Any]) -> NDArray[np.uint64]:
    """Return digests of some features of some rows, block by block."""
    step = max(1, 2**20 // max(1, columns.size))
    parts = [row_digests(flat[rows[i : i + step]][:, columns], dtype) for i in range(0, rows.size, step)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _matches(
    both: _Rows,
    change: Transform,
    train: tuple[Numbers, NDArray[np.uint64], NDArray[np.uint64], Numbers],
    asked: Numbers,
) -> tuple[Numbers, Numbers]:
    """Return evaluation rows and the train rows they equal after a change, unless they do before it."""
    picked, theirs, same, owners = train
    ours = _digests(both.split.flat, asked, change.source[picked], both.dtype)
    before = same[np.searchsorted(both.rows, asked)]
    place = np.minimum(np.searchsorted(theirs, ours), theirs.size - 1)
    unchanged = np.minimum(np.searchsorted(theirs, before), theirs.size - 1)
    at = np.flatnonzero((theirs[place] == ours) & (ours != before) & (theirs[unchanged] != before))
    rows, partner = asked[at], owners[place[at]]
    kept = np.zeros(rows.size, dtype=bool)
    step = max(1, 2**20 // change.target.size)
    for i in range(0, rows.size, step):
        part = slice(i, i + step)
        mine = canonical(both.split.flat[rows[part]][:, change.source], both.dtype)
        other = canonical(both.train.flat[partner[part]][:, change.target], both.dtype)
        equal = ((mine == other) | ((mine != mine) & (other != other))).all(axis=1)  # noqa: PLR0124 - NaN
        kept[part] = equal & (mine != mine[:, :1]).any(axis=1)
    return rows[kept], partner[kept]


def _beyond_repeats(count: int, looked: int, repeats: float) -> bool:
    expected = looked * repeats
    p = float(poisson_tail(np.array([count]), np.array([expected]))[0])
    return count > EXCESS * expected and p < HIGHEST_P


def _near(
    both: _Rows, changes: tuple[Transform, ...], drawn: Numbers, rng: np.random.Generator
) -> Iterator[_Hits]:
    """Yield copies that are near after a change, in contrast: freed of gain and offset."""
    around: dict[tuple[bytes, int], tuple[Numbers, Surroundings]] = {}
    work = WORK // (2 * len(changes))
    changes = changes if drawn.size else ()
    for number, change in enumerate(changes):
        key = change.target.tobytes(), change.parts
        if key not in around:
            picked = _some(change, rng, 2 * FEATURES)
            here = _points(both.train.flat, change.target[picked], change.parts)
            around[key] = picked, surroundings(here, both.of, rng, WORK // 4)
        picked, near = around[key]
        usual = change.source is change.target  # an inversion, a gain: made without being asked for
        few = both.rows if usual else _drawn(drawn, work // both.of.size, rng)
        found = _nearer(both, change, (picked, near), few, rng)
        if found is not None and not usual and few.size < both.rows.size:
            more = _drawn(both.rows, 2**29 // both.of.size, rng)
            found = _nearer(both, change, (picked, near), more, rng) or found
        if found is not None:
            yield _Hits(*found, number, exact=False)


def _points(flat: NDArray[Any], columns: Numbers, parts: int, sign: int = 1) -> Points:
    d = columns.size
    return Points(flat, np.zeros(d), np.full(d, float(sign)), contrast=parts, columns=columns)


def _nearer(
    both: _Rows,
    change: Transform,
    train: tuple[Numbers, Surroundings],
    asked: Numbers,
    rng: np.random.Generator,
) -> tuple[Numbers, Numbers] | None:
    picked, around = train
    flat = both.split.flat[asked]
    there = _points(flat, change.source[picked], change.parts, change.sign)
    usual = change.source is change.target
    work = WORK // 4 if usual else 2**62
    found, _ = near_copies(around, there, np.arange(asked.size), rng, work=work, screen=usual)
    if found is None or not found.foreign:
        return None
    at = found.cross.rows[found.close]
    partner = found.cross.partner[found.close]
    if usual and change.sign > 0:
        before = _before_gain(
            flat[at][:, change.source[picked]], both.train.flat[partner][:, change.target[picked]]
        )
    else:
        unchanged = _points(flat, change.target[picked], change.parts)
        before = distances(unchanged, around.here, at, partner)
    changed = before > np.maximum(CHANGED * found.distance[found.close], LEAST_GAIN)
    count = int(changed.sum())
    if count < LEAST_COPIES or not _beyond_repeats(count, asked.size, both.repeats):
        return None
    return asked[at[changed]], partner[changed]


def _before_gain(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far rows lie from their partners as they stand, in units of the partner's contrast."""
    mine, other = ours.astype(np.float64), theirs.astype(np.float64)
    mine, other = (np.where(np.isfinite(x), x, 0.0) for x in (mine, other))
    contrast = other - other.mean(axis=1, keepdims=True)
    size = np.sqrt((contrast**2).sum(axis=1))
    return np.asarray(
        np.sqrt(((mine - other) ** 2).sum(axis=1)) / np.maximum(size, np.finfo(np.float64).tiny)
    )


def _gathered(hits: list[_Hits], changes: tuple[Transform, ...], looked: int, repeats: float) -> Transformed:
    """Give each row the first change that explains it, exact ones before others."""
    ordered = sorted(hits, key=lambda hit: (not hit.exact, hit.change))
    parts = [
        (hit.rows, hit.partner, np.full(hit.rows.size, hit.change), np.full(hit.rows.size, hit.exact))
        for hit in ordered
    ]
    empty = np.zeros(0, dtype=np.int64)
    rows, partner, change, exact = (
        (np.concatenate(part) for part in zip(*parts, strict=True))
        if parts
        else (empty, empty, empty, empty > 0)
    )
    first = np.unique(rows, return_index=True)[1]
    names = tuple(change.name for change in changes)
    return Transformed(rows[first], partner[first], change[first], exact[first], names, looked, repeats)
