"""Which rows the table of a target, count or frequency encoding was computed on.

An encoded column holds one value a category: the mean of the target, or the number of rows, over the rows
that the table was made from. The rows that carry the value are the category's rows, so the table can be
computed again from any set of splits and compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.measures.labelled_rows import LabelledRows
from auditor.measures.linear import rounding

TABLE_COLUMNS = 128
"""Columns looked at, at most."""

MANY_CLASSES = 10
"""Classes beyond which the mean of one class against the rest is not looked for."""

LEAST_HITS = 5
"""Categories that must agree with the table, at least; two more where its scale is unknown."""

LEAST_BITS = 30.0
"""Surprisal that the agreeing categories must reach together."""

LEAST_SHARE = 0.6
"""Share of the categories that tell the tables apart which must agree; ties merge some categories."""

LEAST_ALIKE = 0.95
"""Correlation, over rows, of a column with a table, from which they are compared value by value."""

_WEIGHTS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 300.0)
"""Customary weights of the prior in a smoothed mean."""

_SIGMOIDS = ((20.0, 10.0), (1.0, 1.0))
"""Middle and slope of category_encoders' smoothing: the defaults now, and before 2.6."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows of one column gathered by value.

    Attributes
    ----------
    values : ndarray of float64, shape (g,)
        The distinct finite values.
    counts : mapping of str to ndarray of float64, shape (g,)
        By split, rows with each value.
    sums, squares : mapping of str to ndarray of float64, shape (t, g)
        By split with labels, sum of each target and of its squares.
    sizes : mapping of str to int
        Rows of each split.
    """

    values: NDArray[np.float64]
    counts: Mapping[str, NDArray[np.float64]]
    sums: Mapping[str, NDArray[np.float64]]
    squares: Mapping[str, NDArray[np.float64]]
    sizes: Mapping[str, int]

    def over(self, part: Mapping[str, NDArray[np.float64]], subset: Sequence[str]) -> NDArray[np.float64]:
        """Return the total of `part` over some splits."""
        return np.asarray(np.sum([part[name] for name in subset], axis=0), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was recognised.

    Attributes
    ----------
    kind : str
        In words, such as ``mean of the target``.
    uses_target : bool
        Whether labels went into the table.
    fitted_on : tuple of str
        The splits whose rows made it.
    agreeing, told_apart : int
        Categories whose value is the table's, among those where train alone would give another value.
    examples : tuple of tuples
        Of some agreeing categories: the value, the table's, and what train alone gives.
    """

    kind: str
    uses_target: bool
    fitted_on: tuple[str, ...]
    agreeing: int
    told_apart: int
    examples: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """What may have been averaged.

    Attributes
    ----------
    codes : mapping of str to ndarray of int64, shape (n,)
        By split with labels, class codes; empty for a quantity.
    weights : ndarray of float64, shape (t, n_classes)
        The number that each target gives each class.
    values : mapping of str to ndarray of float64, shape (n,)
        By split with labels, the quantity; empty for classes.
    """

    codes: Mapping[str, NDArray[np.int64]]
    weights: NDArray[np.float64]
    values: Mapping[str, NDArray[np.float64]]

    @property
    def steps(self) -> NDArray[np.float64]:
        """Distance of the lattice that each target lies on: 1 for whole numbers, else its rounding."""
        numbers = list(self.weights) if self.codes else [np.concatenate([np.zeros(1), *self.values.values()])]
        whole = [np.array_equal(y, np.rint(y)) for y in numbers]
        fine = [max(1e-6 * float(np.ptp(y)), 1e-300) for y in numbers]
        return np.where(whole, 1.0, fine)


def group_rows(columns: Mapping[str, NDArray[Any]], averaged: Averaged) -> Groups:
    """Gather the rows of one column, shape (n,), of every split by value."""
    stacked = np.concatenate([column.astype(np.float64) for column in columns.values()])
    finite = np.isfinite(stacked)
    values, inverse = np.unique(stacked[finite], return_inverse=True)
    position = np.full(stacked.size, -1, dtype=np.int64)
    position[finite] = inverse
    counts, sums, squares, sizes = {}, {}, {}, {}
    start = 0
    for name, column in columns.items():
        where = position[start : start + column.size]
        start += column.size
        known = where >= 0
        place, sizes[name] = where[known], column.size
        counts[name] = np.bincount(place, minlength=values.size).astype(np.float64)
        if name in averaged.codes:
            n_classes = averaged.weights.shape[1]
            both = np.bincount(
                place * n_classes + averaged.codes[name][known], minlength=values.size * n_classes
            )
            table = both.reshape(-1, n_classes).astype(np.float64).T
            sums[name], squares[name] = averaged.weights @ table, averaged.weights**2 @ table
        elif name in averaged.values:
            y = averaged.values[name][known]
            sums[name], squares[name] = (
                np.bincount(place, power, minlength=values.size).astype(np.float64)[None]
                for power in (y, y * y)
            )
    return Groups(values, counts, sums, squares, sizes)


def find_table(groups: Groups, split: str, steps: NDArray[np.float64], epsilon: float) -> Table | None:
    """Return the table that gave `split` its values, if it was made from rows of evaluation splits.

    Parameters
    ----------
    groups : Groups
    split : str
        An evaluation split.
    steps : ndarray of float64, shape (t,)
        Distance of the lattice that each target lies on.
    epsilon : float
        Relative rounding of the values, see `auditor.measures.linear.rounding`.

    Returns
    -------
    Table or None
        None where no table is recognised, or where train alone gives the same values.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> category = rng.integers(0, 20, 4000)
    >>> y = (rng.random(4000) < 0.2 + 0.03 * category).astype(float)
    >>> x = (np.bincount(category, y) / np.bincount(category))[category]  # over all rows: it leaks
    >>> splits = {"train": slice(0, 3000), "val": slice(3000, None)}
    >>> averaged = Averaged({}, np.zeros((0, 0)), {s: y[r] for s, r in splits.items()})
    >>> groups = group_rows({s: x[r] for s, r in splits.items()}, averaged)
    >>> found = find_table(groups, "val", averaged.steps, 1e-7)
    >>> found.kind, found.fitted_on, found.agreeing
    ('mean of the target', ('train', 'val'), 20)
    """
    here = groups.counts[split] > 0
    if int(here.sum()) < LEAST_HITS:
        return None
    found = []
    fractions = not np.array_equal(groups.values, np.rint(groups.values))  # means are hardly ever all whole
    for subset in _subsets(groups, split):
        if fractions and "train" in groups.sums and all(name in groups.sums for name in subset):
            found += _target_tables(groups, subset, here, steps, epsilon)
        found += _count_tables(groups, subset, here, epsilon)
    return max(found, key=lambda one: (one.uses_target, one.agreeing, -len(one.fitted_on)), default=None)


def _subsets(groups: Groups, split: str) -> list[tuple[str, ...]]:
    """Return every set of splits that `split` belongs to."""
    order = list(groups.counts)
    others = [name for name in order if name != split]
    parts = [part for size in range(len(others) + 1) for part in combinations(others, size)]
    return [tuple(sorted((*part, split), key=order.index)) for part in parts]


def _target_tables(
    groups: Groups,
    subset: Sequence[str],
    here: NDArray[np.bool_],
    steps: NDArray[np.float64],
    epsilon: float,
) -> list[Table]:
    """Compare with the mean of each target, plain and smoothed, over the rows of `subset`."""
    n, total = groups.over(groups.counts, subset), groups.over(groups.sums, subset)
    squares = groups.over(groups.squares, subset)
    variance = squares - total**2 / np.maximum(n, 1)  # of the sum of n targets
    mixed = here & (n > 1) & (variance > 1e-9 * squares)  # where all are equal, a copy of y looks the same
    bits = _lattice_bits(variance, steps[:, None])
    if not (mixed.sum(axis=1) >= LEAST_HITS).any():
        return []
    ours, theirs = _tables(groups, subset), _tables(groups, ("train",))
    found = []
    for kind, table in ours.items():
        for which in np.flatnonzero(_alike(groups.values, table, np.where(mixed, n, 0.0))).tolist():
            by_train = theirs[kind][which]
            made = _compare(
                groups.values, table[which], by_train, mixed[which], bits=bits[which], epsilon=epsilon
            )
            if made is not None:
                found.append(Table(kind, True, tuple(subset), *made))
    return found


def _lattice_bits(variance: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the surprisal of hitting one value exactly with a sum of targets of that variance.

    The sum lies on a lattice; near its mean each point has probability ``step / sqrt(2 pi variance)``.
    Even a column that is calibrated, its value being the expected target, hits no more often.
    """
    with np.errstate(over="ignore"):
        return np.maximum(0.5 * np.log2(2 * np.pi * np.maximum(variance, 1e-300) / step**2), 0.0)


def _tables(groups: Groups, subset: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the value that each customary encoding gives every category, shape (t, g), by its name."""
    n, total = groups.over(groups.counts, subset), groups.over(groups.sums, subset)
    squares = groups.over(groups.squares, subset)
    rows = max(float(n.sum()), 1.0)
    prior = total.sum(axis=1, keepdims=True) / rows
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = total / n
        within = squares / n - mean**2  # the variance of the target inside the category
        between = squares.sum(axis=1, keepdims=True) / rows - prior**2
        trust = between * n / (between * n + within)  # scikit-learn's smooth="auto"
        tables = {
            "mean of the target": mean,
            "smoothed mean of the target (empirical Bayes)": trust * mean + (1 - trust) * prior,
        }
        for middle, slope in _SIGMOIDS:
            trust = 1 / (1 + np.exp(-(n - middle) / slope))
            name = f"smoothed mean of the target (sigmoid {middle:g}, {slope:g})"
            tables[name] = trust * mean + (1 - trust) * prior
        for weight in _WEIGHTS:
            name = f"smoothed mean of the target (weight {weight:g})"
            tables[name] = (total + weight * prior) / (n + weight)
    return tables


def _alike(
    values: NDArray[np.float64], tables: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return the tables, shape (t, g), that go with `values` over the rows of every category: a quick look."""
    usable = (rows > 0) & np.isfinite(tables)
    weight = np.where(usable, rows, 0.0)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    v = values - (weight * values).sum(axis=1, keepdims=True)
    m = np.where(usable, tables, 0.0)
    m = m - (weight * m).sum(axis=1, keepdims=True)
    together, own, theirs = ((weight * pair).sum(axis=1) for pair in (v * m, v * v, m * m))
    return np.asarray((together**2 >= LEAST_ALIKE**2 * own * theirs) & (usable.sum(axis=1) >= LEAST_HITS))


def _compare(
    values: NDArray[np.float64],
    table: NDArray[np.float64],
    by_train: NDArray[np.float64],
    usable: NDArray[np.bool_],
    *,
    bits: NDArray[np.float64],
    epsilon: float,
) -> tuple[int, int, tuple[tuple[float, float, float], ...]] | None:
    """Return (agreeing, told apart, examples) where `values` are `table`, as they are or rescaled."""
    usable = usable & np.isfinite(table)
    if int(usable.sum()) < LEAST_HITS:
        return None
    lines = ((1.0, 0.0, 0), *_line(table[usable], values[usable]))
    for scale, offset, spent in lines:
        made, other = scale * table + offset, scale * by_train + offset
        size = abs(scale) * np.abs(table[usable]).max() + abs(offset) + np.abs(values[usable]).max()
        slack = 16 * epsilon * size
        if not np.isfinite(slack) or not slack <= 1e-3 * np.ptp(values[usable]):
            continue
        telling = usable & ~(np.abs(other - made) <= 4 * slack)
        agrees = usable & (np.abs(values - made) <= slack)
        hits = telling & agrees
        count = min(int(hits.sum()), np.unique(np.rint(made[hits] / slack)).size)
        surprisal = bits[hits].sum() - spent * bits[hits].max(initial=0.0)
        if (
            count >= LEAST_HITS + spent
            and surprisal >= LEAST_BITS
            and hits.sum() >= LEAST_SHARE * telling.sum()
            and agrees.sum() >= LEAST_SHARE * usable.sum()
        ):
            return int(hits.sum()), int(telling.sum()), _examples(values, made, other, hits)
    return None


def _line(table: NDArray[np.float64], values: NDArray[np.float64]) -> list[tuple[float, float, int]]:
    """Return slope, offset and unknowns of the line that most categories lie on, if they do."""
    order = np.argsort(table, kind="stable")
    x, v = table[order], values[order]
    gap = max(1, x.size // 3)  # neighbours far apart, so that rounding matters little
    run, rise = x[gap:] - x[:-gap], v[gap:] - v[:-gap]
    apart = run > 0
    if not apart.any():
        return []
    slope = _middle(rise[apart] / run[apart])
    rest = v - slope * x
    near = np.abs(rest - _middle(rest)) <= 1e-4 * (v.max() - v.min())
    if near.sum() < LEAST_SHARE * x.size:
        return []
    centred = x[near] - x[near].mean()
    slope = float(centred @ v[near] / max(float(centred @ centred), 1e-300))
    return [(slope, _middle(v - slope * x), 2)]


def _middle(values: NDArray[np.float64]) -> float:
    """Return the upper median."""
    return float(np.sort(values)[values.size // 2])


def _count_tables(
    groups: Groups, subset: Sequence[str], here: NDArray[np.bool_], epsilon: float
) -> list[Table]:
    """Compare with the number, and the share, of rows of `subset` in each category.

    Categories of equal count share their value, so the rows that carry it are a multiple of it: of a
    number that is not a count, one in v is.
    """
    n, in_train = groups.over(groups.counts, subset), groups.over(groups.counts, ("train",))
    rows = float(sum(groups.sizes[name] for name in subset))
    train_rows = float(max(groups.sizes["train"], 1))
    found = []
    for kind, whole, train_whole in (("number of rows", 1.0, 1.0), ("share of rows", rows, train_rows)):
        wanted, holds = _multiples(groups.values * whole, n, epsilon)
        _, explained = _multiples(groups.values * train_whole, in_train, epsilon)
        telling = here & ~explained
        hits = telling & holds
        bits = float(np.log2(np.maximum(wanted[hits], 1)).sum())
        if (
            hits.sum() >= LEAST_HITS
            and bits >= LEAST_BITS
            and hits.sum() >= 0.9 * telling.sum()
            and (here & holds).sum() >= 0.9 * here.sum()
        ):
            examples = _examples(groups.values, n / whole, in_train / train_whole, hits)
            found.append(Table(kind, False, tuple(subset), int(hits.sum()), int(telling.sum()), examples))
    return found


def _multiples(
    counts: NDArray[np.float64], n: NDArray[np.float64], epsilon: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return `counts` as whole numbers, and where they are whole and divide `n`."""
    wanted = np.rint(counts)
    slack = 4 * epsilon * np.abs(wanted) + 1e-9
    whole = (np.abs(counts - wanted) <= slack) & (slack < 0.05) & (wanted >= 1)
    safe = np.where(whole, wanted, 1.0)
    return wanted, whole & (n >= safe) & (np.fmod(n, safe) == 0)


def _examples(
    values: NDArray[np.float64],
    made: NDArray[np.float64],
    by_train: NDArray[np.float64],
    hits: NDArray[np.bool_],
) -> tuple[tuple[float, float, float], ...]:
    chosen = np.flatnonzero(hits)[:5]
    return tuple((float(values[i]), float(made[i]), float(by_train[i])) for i in chosen)


def tables_beyond_train(data: LabelledRows) -> tuple[list[tuple[int, str, Table]], int]:
    """Return (column, evaluation split, table) of the encodings made with evaluation rows, and the candidates.

    Only columns with at most half as many values as rows are looked at, the first ``TABLE_COLUMNS``.
    """
    case = data.case
    splits = (case.train, *case.comparable)
    ordered = np.sort(case.train.flat[data.screened], axis=0)
    distinct = 1 + (ordered[1:] > ordered[:-1]).sum(axis=0)
    wanted = np.flatnonzero((distinct >= LEAST_HITS) & (distinct <= 0.5 * ordered.shape[0]))
    averaged = _averaged(data)
    steps, epsilon = averaged.steps, rounding(case.train.flat.dtype)
    found = []
    for column in wanted[:TABLE_COLUMNS].tolist():
        columns = {split.name: split.flat[:, column] for split in splits}
        groups = group_rows(columns, averaged)
        for split in case.comparable:
            table = find_table(groups, split.name, steps, epsilon)
            if table is not None:
                found.append((column, split.name, table))
    return found, int(wanted.size)


def _averaged(data: LabelledRows) -> Averaged:
    """Return what may have been averaged, where no label is missing: the target, and each of some classes."""
    complete = {split: y for split, y in data.y.items() if data.rows[split].size == y.size}
    if not data.labels.is_classes:
        return Averaged({}, np.zeros((0, 0)), complete)
    classes = data.labels.classes
    n_classes = len(classes)
    numbers = range(n_classes) if isinstance(classes[0], str) else classes
    weights = np.array([numbers], dtype=np.float64)
    if 2 < n_classes <= MANY_CLASSES:
        weights = np.concatenate([weights, np.eye(n_classes)])
    return Averaged({split: y.astype(np.int64) for split, y in complete.items()}, weights, {})
