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

TABLE_COLUMNS = 200
"""Columns looked at, at most."""

MANY_CLASSES = 10
"""Classes beyond which the mean of one class against the rest is not looked for."""

LEAST_HITS = 5
"""Categories that must agree with the table, at least; two more where its scale is unknown."""

LEAST_BITS = 30.0
"""Surprisal that the agreeing categories must reach together."""

LEAST_SHARE = 0.6
"""Share of the categories that tell the tables apart which must agree; ties merge some categories."""

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
    counts : mapping of str to ndarray of int64, shape (g,)
        By split, rows with each value.
    sums, squares : mapping of str to ndarray of float64, shape (g,)
        By split with labels, sum of the target and of its squares.
    sizes : mapping of str to int
        Rows of each split.
    step : float
        Distance of the lattice that targets lie on: 1 for whole numbers, else their rounding.
    """

    values: NDArray[np.float64]
    counts: Mapping[str, NDArray[np.int64]]
    sums: Mapping[str, NDArray[np.float64]]
    squares: Mapping[str, NDArray[np.float64]]
    sizes: Mapping[str, int]
    step: float

    def over(self, part: Mapping[str, NDArray[Any]], subset: Sequence[str]) -> NDArray[np.float64]:
        """Return the total of `part` over some splits, shape (g,)."""
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


def group_rows(columns: Mapping[str, NDArray[Any]], targets: Mapping[str, NDArray[np.float64]]) -> Groups:
    """Gather the rows of one column of every split by value.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
    targets : mapping of str to ndarray of float64, shape (n,)
        Finite; a split without labels is left out.
    """
    names = list(columns)
    stacked = np.concatenate([columns[name].astype(np.float64) for name in names])
    finite = np.isfinite(stacked)
    values, inverse = np.unique(stacked[finite], return_inverse=True)
    position = np.full(stacked.size, -1, dtype=np.int64)
    position[finite] = inverse
    starts = np.cumsum([0, *(columns[name].size for name in names)])
    counts, sums, squares, sizes = {}, {}, {}, {}
    for name, start, stop in zip(names, starts[:-1], starts[1:], strict=True):
        where = position[start:stop]
        known = where >= 0
        counts[name] = np.bincount(where[known], minlength=values.size)
        sizes[name] = int(stop - start)
        if name in targets:
            y = targets[name][known]
            sums[name] = np.bincount(where[known], y, minlength=values.size).astype(np.float64)
            squares[name] = np.bincount(where[known], y * y, minlength=values.size).astype(np.float64)
    return Groups(values, counts, sums, squares, sizes, _step(list(targets.values())))


def _step(targets: Sequence[NDArray[np.float64]]) -> float:
    if all(np.array_equal(y, np.rint(y)) for y in targets):
        return 1.0
    return max(1e-6 * max(float(np.ptp(y)) for y in targets if y.size), 1e-300)


def find_table(groups: Groups, split: str, epsilon: float) -> Table | None:
    """Return the table that gave `split` its values, if it was made from rows of evaluation splits.

    Parameters
    ----------
    groups : Groups
    split : str
        An evaluation split.
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
    >>> groups = group_rows({s: x[rows] for s, rows in splits.items()}, {s: y[r] for s, r in splits.items()})
    >>> found = find_table(groups, "val", 1e-7)
    >>> found.kind, found.fitted_on, found.agreeing
    ('mean of the target', ('train', 'val'), 20)
    """
    here = groups.counts[split] > 0
    if int(here.sum()) < LEAST_HITS:
        return None
    found = []
    for subset in _subsets(groups, split):
        if "train" in groups.sums and all(name in groups.sums for name in subset):
            found += _target_tables(groups, subset, here, epsilon)
        found += _count_tables(groups, subset, here, epsilon)
    return max(found, key=lambda one: (one.uses_target, one.agreeing, -len(one.fitted_on)), default=None)


def _subsets(groups: Groups, split: str) -> list[tuple[str, ...]]:
    """Return every set of splits that `split` belongs to."""
    order = list(groups.counts)
    others = [name for name in order if name != split]
    parts = [part for size in range(len(others) + 1) for part in combinations(others, size)]
    return [tuple(sorted((*part, split), key=order.index)) for part in parts]


def _target_tables(
    groups: Groups, subset: Sequence[str], here: NDArray[np.bool_], epsilon: float
) -> list[Table]:
    """Compare with the mean of the target, plain and smoothed, over the rows of `subset`."""
    n, total = groups.over(groups.counts, subset), groups.over(groups.sums, subset)
    squares = groups.over(groups.squares, subset)
    variance = squares - total**2 / np.maximum(n, 1)  # of the sum of n targets
    mixed = here & (n > 1) & (variance > 1e-9 * squares)  # where all are equal, a copy of y looks the same
    bits = _lattice_bits(variance, groups.step)
    ours, theirs = _tables(groups, subset), _tables(groups, ("train",))
    found = []
    for kind, table in ours.items():
        made = _compare(groups.values, table, theirs[kind], mixed, bits=bits, epsilon=epsilon)
        if made is not None:
            found.append(Table(kind, True, tuple(subset), *made))
    return found


def _lattice_bits(variance: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return the surprisal of hitting one value exactly with a sum of targets of that variance.

    The sum lies on a lattice; near its mean each point has probability ``step / sqrt(2 pi variance)``.
    Even a column that is calibrated, its value being the expected target, hits no more often.
    """
    with np.errstate(over="ignore"):
        return np.maximum(0.5 * np.log2(2 * np.pi * np.maximum(variance, 1e-300) / step**2), 0.0)


def _tables(groups: Groups, subset: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the value that each customary encoding gives every category, by the encoding's name."""
    n, total = groups.over(groups.counts, subset), groups.over(groups.sums, subset)
    squares = groups.over(groups.squares, subset)
    rows = max(float(n.sum()), 1.0)
    prior = float(total.sum()) / rows
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = total / n
        within = squares / n - mean**2  # the variance of the target inside the category
        between = float(squares.sum()) / rows - prior**2
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
    line = _line(table[usable], values[usable])
    for scale, offset, spent in ((1.0, 0.0, 0), (*line, 2)):
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


def _line(table: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and offset of `values` over `table`, exact where most categories lie on the line."""
    order = np.argsort(table, kind="stable")
    x, v = table[order], values[order]
    gap = max(1, x.size // 3)  # neighbours far apart, so that rounding matters little
    run, rise = x[gap:] - x[:-gap], v[gap:] - v[:-gap]
    apart = run > 0
    if not apart.any():
        return 1.0, 0.0
    slope = float(np.median(rise[apart] / run[apart]))
    rest = v - slope * x
    near = np.abs(rest - np.median(rest)) <= 1e-4 * np.ptp(v)
    if near.sum() >= 3 and np.ptp(x[near]) > 0:
        centred = x[near] - x[near].mean()
        slope = float(centred @ v[near] / (centred @ centred))
    return slope, float(np.median(v - slope * x))


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
    distinct = 1 + (np.diff(ordered, axis=0) > 0).sum(axis=0)
    wanted = np.flatnonzero((distinct >= LEAST_HITS) & (distinct <= 0.5 * ordered.shape[0]))
    complete = {split: y for split, y in data.y.items() if data.rows[split].size == y.size}
    averaged = _averaged(data, complete)
    found = []
    for column in wanted[:TABLE_COLUMNS].tolist():
        columns = {split.name: split.flat[:, column] for split in splits}
        epsilon = rounding(case.train.flat.dtype)
        grouped = [group_rows(columns, targets) for targets in averaged]
        for split in case.comparable:
            tables = (find_table(groups, split.name, epsilon) for groups in grouped)
            table = next((one for one in tables if one is not None), None)
            if table is not None:
                found.append((column, split.name, table))
    return found, int(wanted.size)


def _averaged(
    data: LabelledRows, complete: Mapping[str, NDArray[np.float64]]
) -> list[Mapping[str, NDArray[np.float64]]]:
    """Return what may have been averaged: the target, or each class against the rest."""
    n_classes = len(data.labels.classes)
    classes = range(n_classes) if 2 < n_classes <= MANY_CLASSES else ()
    flags = [{split: (y == c).astype(np.float64) for split, y in complete.items()} for c in classes]
    return [complete, *flags]
