"""Numbers that a function holds, such as a mean and a spread: which rows they are the statistics of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.measures.columns import ColumnStatistics, describe_columns
from auditor.probes.compared import distinct_precise
from auditor.probes.feeds import Function, Splits, is_part_of
from auditor.probes.outputs import Cells, cells
from auditor.probes.reach import Held, held_by
from auditor.probes.refits import Verdict
from auditor.probes.rows import count_rows

Floats = NDArray[np.float64]

QUANTILE_VALUES = 2**25
"""Values up to which quartiles are computed; sorting more takes too long."""

MANY = 8
"""Numbers from which their distances taken together tell one statistic from another."""

MOST_SCALARS = 50
"""Single numbers of a function that are looked up, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """One statistic of some rows, a number per column.

    Attributes
    ----------
    name : str
        In words.
    power : int
        How it answers to a change of units x -> a x + b: 0 moves with the values (a v + b), 1 is a
        spread (a v), 2 a variance (a^2 v).
    values : ndarray of float64, shape (k,)
    """

    name: str
    power: int
    values: Floats

    def under(self, factor: float, offset: float) -> Floats:
        """Return the statistic of the values in other units."""
        if self.power == 0:
            return self.values * factor + offset
        made: Floats = self.values * factor**self.power
        return made


UNITS = (
    ("", 1.0, 0.0),
    (" of the values / 255", 1 / 255, 0.0),
    (" of the values / 127.5 - 1", 1 / 127.5, -1.0),
)
"""Changes of units that usually come before a mean is taken: words, factor, offset."""


def moment_statistics(parts: list[ColumnStatistics]) -> list[Statistic]:
    """Return the statistics that follow from the moments and extremes of parts of the rows."""
    with np.errstate(all="ignore"):
        counts = [np.maximum(part.count, 0) for part in parts]
        n = np.maximum(np.sum(counts, axis=0), 1)
        mean = np.sum([c * np.nan_to_num(p.mean) for c, p in zip(counts, parts, strict=True)], axis=0) / n
        within = [c * np.nan_to_num(p.variance) for c, p in zip(counts, parts, strict=True)]
        between = [c * (np.nan_to_num(p.mean) - mean) ** 2 for c, p in zip(counts, parts, strict=True)]
        variance = (np.sum(within, axis=0) + np.sum(between, axis=0)) / n
        low = np.fmin.reduce([part.minimum for part in parts])
        high = np.fmax.reduce([part.maximum for part in parts])
        sample = variance * n / np.maximum(n - 1, 1)
    return [
        Statistic("mean", 0, mean),
        Statistic("standard deviation", 1, np.sqrt(variance)),
        Statistic("standard deviation (ddof 1)", 1, np.sqrt(sample)),
        Statistic("variance", 2, variance),
        Statistic("variance (ddof 1)", 2, sample),
        Statistic("minimum", 0, low),
        Statistic("maximum", 0, high),
        Statistic("range", 1, high - low),
        Statistic("largest absolute value", 1, np.maximum(np.abs(low), np.abs(high))),
    ]


def quartile_statistics(values: Floats) -> list[Statistic]:
    """Return median and quartiles of the columns; none where there are no values."""
    if not values.size:
        return []
    known = ~np.isnan(values).all(axis=0)
    made = np.full((3, values.shape[1]), np.nan)
    made[:, known] = np.nanquantile(values[:, known], (0.25, 0.5, 0.75), axis=0)
    return [
        Statistic("median", 0, made[1]),
        Statistic("lower quartile", 0, made[0]),
        Statistic("upper quartile", 0, made[2]),
        Statistic("interquartile range", 1, made[2] - made[0]),
    ]


def constants_of(function: Function, splits: Splits, known: set[int]) -> list[Verdict]:
    """Return the numbers held by a function that are statistics of more rows than train's.

    An array must equal a statistic of a set of splits, column by column, to the precision it is stored
    in, and no number of train's.

    Parameters
    ----------
    function : Function
        The function.
    splits : tuple of str
        Splits that have rows.
    known : set of int
        Identities of objects that are judged by fitting them anew; what they hold is theirs.
    """
    items = [item for item in held_by((function.thing,)) if id(item.owner) not in known]
    held = [(item, made) for item in items if (made := _numbers(item)) is not None]
    if not held:
        return []
    try:
        tables = {name: _table(function.feed((name,))[0]) for name in splits}
    except (InputError, TypeError, ValueError):
        return []
    if "train" not in tables or len({table.width for table in tables.values()}) > 1:
        return []
    found = []
    scalars = 0
    for item, values in held:
        scalars += values.size == 1
        if values.size > 1 or scalars <= MOST_SCALARS:
            verdict = _looked_up(values, _names(item), tables)
            if verdict is not None:
                found.append(replace(verdict, name=item.name, serves=function.serves))
    return found


def _numbers(held: Held) -> NDArray[Any] | None:
    """Return the numbers that a held object is; None where it is something else, or not precise."""
    value = held.value
    if held.direct or is_part_of(held) or isinstance(value, bool | int | str | bytes):
        return None
    if isinstance(value, float | np.floating):
        made = np.array([value])
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and 0 < value.size <= 2**22:
        made = value
    elif hasattr(value, "iloc") and not hasattr(value, "columns") and getattr(value.dtype, "kind", "") == "f":
        made = value.to_numpy()
    elif isinstance(value, list | tuple) and value and all(isinstance(v, float | np.floating) for v in value):
        made = np.array(value)
    else:
        return None
    wide = made.astype(np.float64).ravel()
    return made if distinct_precise(wide, np.isfinite(wide)) else None


def _names(held: Held) -> list[str]:
    index = getattr(held.value, "index", None)
    return [] if index is None or callable(index) else [str(name) for name in index]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Rows as numbers, with the shape of one row and the names of numeric columns."""

    rows: Cells
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        return int(self.rows.numbers.shape[1])


def _table(given: Any) -> _Table:
    made = cells(given, count_rows(given))
    names: tuple[str, ...] = ()
    if hasattr(given, "dtypes") and hasattr(given, "iloc"):
        kinds = [getattr(dtype, "kind", "O") for dtype in given.dtypes]
        names = tuple(str(c) for c, kind in zip(given.columns, kinds, strict=True) if kind in "iufb")
    return _Table(made, names)


def _looked_up(values: NDArray[Any], names: list[str], tables: dict[str, _Table]) -> Verdict | None:
    flat = values.astype(np.float64).ravel()
    for arrange in _arrangements(values, names, tables["train"]):
        rows = sum(len(table.rows) for table in tables.values())
        verdict = _compared(flat, _precision(values, rows), {n: arrange(t) for n, t in tables.items()})
        if verdict is not None:
            return verdict
    return None


def _precision(values: NDArray[Any], n: int) -> float:
    """Return the relative error that statistics of `n` rows may carry in the dtype they are stored in.

    Adding one row after the other rounds n times: errors grow with the square root of n. A single number
    comes of a sum in pairs, whose error hardly grows.
    """
    single = values.dtype.itemsize <= 4 or bool((values.astype(np.float32) == values).all())
    if not single:
        return 1e-10
    eps = float(np.finfo(np.float32).eps)
    return 8 * eps if values.size == 1 else 4 * eps * math.sqrt(max(64, n))


def _arrangements(values: NDArray[Any], names: list[str], train: _Table) -> Iterator[Any]:
    """Yield ways to lay out rows so that a statistic has as many numbers as are held."""
    width, shape = train.width, train.rows.shape
    if names and set(names) <= set(train.names):
        columns = [train.names.index(name) for name in names]
        yield lambda table: table.rows.numbers[:, columns]
    elif values.size == width:
        yield lambda table: table.rows.numbers
    if len(shape) >= 2 and values.size == shape[-1] and values.size < width:
        yield lambda table: table.rows.numbers.reshape(-1, shape[-1])
    if values.size == 1 and width > 1:
        yield lambda table: table.rows.numbers.reshape(-1, 1)
        if _precision(values, 1) < 1e-9:
            for column in range(min(width, 1000)):
                yield lambda table, column=column: table.rows.numbers[:, [column]]


def _compared(held: Floats, precision: float, arrays: dict[str, Floats]) -> Verdict | None:
    moments = {name: describe_columns(values) for name, values in arrays.items()}
    sets = [s for size in range(len(arrays), 0, -1) for s in itertools.combinations(arrays, size)]
    sets = sorted((s for s in sets if s != ("train",)), key=lambda s: "train" not in s)

    def of_moments(splits: Splits) -> list[Statistic]:
        return moment_statistics([moments[name] for name in splits])

    def of_quartiles(splits: Splits) -> list[Statistic]:
        values = (
            np.concatenate([arrays[name] for name in splits])
            if total <= QUANTILE_VALUES
            else np.zeros((0, 1))
        )
        return quartile_statistics(values)

    total = sum(values.size for values in arrays.values())
    spread = np.nan_to_num(moments["train"].std)
    for statistics in (of_moments, of_quartiles):
        on_train = statistics(("train",))
        if any(_fits(held, one, units, precision, spread) is not None for one in on_train for units in UNITS):
            return None
        matches = [
            m
            for splits in sets
            for m in _matches(held, (statistics(splits), on_train), precision, spread, splits)
        ]
        if matches:
            return _verdict(held, matches, moments)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """A statistic of a set of splits that the held numbers equal."""

    splits: Splits
    words: str
    power: int
    on_train: Floats
    columns: NDArray[np.bool_]


def _matches(
    held: Floats,
    statistics: tuple[list[Statistic], list[Statistic]],
    precision: float,
    spread: Floats,
    splits: Splits,
) -> Iterator[_Match]:
    for one, train in zip(*statistics, strict=True):
        for words, factor, offset in UNITS:
            added = _fits(held, one, (words, factor, offset), precision, spread)
            if added is None:
                continue
            expected = train.under(factor, offset) + added
            apart = _apart(held, expected, one.under(factor, offset) + added, precision, factor * spread)
            if distinct_precise(held, apart):
                yield _Match(splits, one.name + words, one.power, expected, apart)


def _apart(
    held: Floats, on_train: Floats, matched: Floats, precision: float, spread: Floats
) -> NDArray[np.bool_]:
    """Return the numbers that are not train's, beyond doubt; none where some doubt is left.

    Either they differ by far more than their precision; or many differ by more, and lie far nearer to
    the statistic they match.
    """
    known = np.isfinite(on_train) & np.isfinite(held) & np.isfinite(matched)
    gap = np.where(known, np.abs(held - on_train), 0.0)
    allowed = precision * (np.abs(on_train) + spread)
    clear = known & (gap > 50 * allowed)
    if clear.any() or known.sum() < MANY:
        return np.asarray(clear)
    near = np.where(known, np.abs(held - matched), 0.0)
    ratio = math.sqrt(float((gap**2).sum()) / max(float((near**2).sum()), 1e-300))
    beyond = known & (gap > 3 * allowed)
    return np.asarray(beyond & (ratio > 10))


def _fits(
    held: Floats, statistic: Statistic, units: tuple[str, float, float], precision: float, spread: Floats
) -> float | None:
    """Return what was added to a statistic (a small number, against division by zero) to give what is held.

    None where it does not fit. Columns without spread are left out: a spread of zero is often replaced.
    """
    _, factor, offset = units
    expected = statistic.under(factor, offset)
    usable = np.isfinite(expected) & np.isfinite(held)
    if statistic.power:
        usable &= expected > 0
    if usable.sum() < max(1, 0.5 * held.size):
        return None
    gap, allowed = (held - expected)[usable], precision * (np.abs(expected) + factor * spread)[usable]
    if (np.abs(gap) <= allowed).all():
        return 0.0
    added = float(np.median(gap))
    if not statistic.power or not 1e-13 < added < 2e-2:
        return None
    nearest = 10.0 ** np.rint(np.log10(added))
    close = abs(added - nearest) <= 1e-3 * nearest + float(np.median(allowed))
    return nearest if close and (np.abs(gap - nearest) <= allowed).all() else None


def _verdict(held: Floats, matches: list[_Match], moments: dict[str, ColumnStatistics]) -> Verdict:
    first = matches[0]
    alike = [match for match in matches if match.words == first.words]
    train = moments["train"]
    with np.errstate(all="ignore"):
        if first.power == 0:
            # In whatever units the statistic is, train's own spread in the same units is the yardstick.
            factor = next((f for words, f, _ in UNITS if words and first.words.endswith(words)), 1.0)
            moves = np.abs(held - first.on_train) / (factor * train.std)
        else:
            low = np.fmin.reduce([part.minimum for part in moments.values()])
            high = np.fmax.reduce([part.maximum for part in moments.values()])
            farthest = np.maximum(high - train.mean, train.mean - low) / train.std
            moves = np.abs(first.on_train / held - 1) * farthest
    moves = np.where(np.isfinite(moves) & first.columns, moves, 0.0)
    column = int(np.argmax(moves))
    return Verdict(
        "",
        "beyond",
        tuple(dict.fromkeys(match.splits for match in alike)),
        where=first.words,
        fitted=float(held[column]),
        on_train=float(first.on_train[column]),
        equal=int(held.size),
        differing=int(first.columns.sum()),
        moved=float(moves[column]),
    )
