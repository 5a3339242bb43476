"""Numbers that a function holds, such as a mean and a spread: which rows they are the statistics of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.probes.compared import distinct_precise
from auditor.probes.feeds import Function, Splits, is_part_of
from auditor.probes.outputs import cells
from auditor.probes.reach import Held, held_by
from auditor.probes.refits import Verdict
from auditor.probes.rows import count_rows
from auditor.probes.statistics import UNITS, Layout, Statistic

Floats = NDArray[np.float64]

MANY = 8
"""Numbers from which their distances taken together tell one statistic from another."""

MOST_SCALARS = 50
"""Single numbers of a function that are looked up, at most."""

MOST_COLUMNS = 100_000
"""Columns in whose statistics a single number is looked up, at most."""


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
        layouts = Layouts({name: _table(function.feed((name,))[0]) for name in splits})
    except (InputError, TypeError, ValueError):
        return []
    found = []
    scalars = 0
    for item, values in held:
        scalars += values.size == 1
        if values.size > 1 or scalars <= MOST_SCALARS:
            verdict = _looked_up(values, _names(item), layouts)
            if verdict is not None:
                found.append(replace(verdict, name=item.name, serves=function.serves))
    return found


def _numbers(held: Held) -> NDArray[Any] | None:
    """Return the numbers that a held object is; None where it is something else, or not precise."""
    value = held.value
    if held.direct or is_part_of(held) or isinstance(value, bool | int | str | bytes):
        return None
    if _is_list_of_numbers(held.owner):
        return None  # looked up as a whole
    if isinstance(value, float | np.floating):
        made = np.array([value])
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and 0 < value.size <= 2**22:
        made = value
    elif hasattr(value, "iloc") and not hasattr(value, "columns") and getattr(value.dtype, "kind", "") == "f":
        made = value.to_numpy()
    elif _is_list_of_numbers(value):
        made = np.array(value)
    else:
        return None
    wide = made.astype(np.float64).ravel()
    return made if distinct_precise(wide, np.isfinite(wide)) else None


def _is_list_of_numbers(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and 1 < len(value) <= 2**20
        and all(isinstance(part, float | np.floating) for part in value)
    )


def _names(held: Held) -> list[str]:
    index = getattr(held.value, "index", None)
    return [] if index is None or callable(index) else [str(name) for name in index]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Rows as numbers of shape (n, d), with the shape of one row and the names of numeric columns."""

    numbers: NDArray[Any]
    shape: tuple[int, ...]
    names: tuple[str, ...]


def _table(given: Any) -> _Table:
    if isinstance(given, np.ndarray) and given.dtype.kind in "iufb":
        return _Table(given.reshape(len(given), -1), given.shape[1:], ())
    made = cells(given, count_rows(given))
    names: tuple[str, ...] = ()
    if hasattr(given, "dtypes") and hasattr(given, "iloc"):
        kinds = [getattr(dtype, "kind", "O") for dtype in given.dtypes]
        names = tuple(str(c) for c, kind in zip(given.columns, kinds, strict=True) if kind in "iufb")
    return _Table(made.numbers, made.shape, names)


class Layouts:
    """Ways to lay out the rows of all splits, each made once."""

    def __init__(self, tables: dict[str, _Table]) -> None:
        self.tables = tables
        self._made: dict[Any, Layout] = {}
        if "train" not in tables or len({table.numbers.shape[1] for table in tables.values()}) > 1:
            raise ValueError("rows of the splits have different shapes")

    @property
    def rows(self) -> int:
        """Rows of all splits."""
        return sum(len(table.numbers) for table in self.tables.values())

    def layout(self, key: Any, arrange: Callable[[NDArray[Any]], NDArray[Any]]) -> Layout:
        """Return the layout known as `key`."""
        if key not in self._made:
            self._made[key] = Layout({name: arrange(t.numbers) for name, t in self.tables.items()})
        return self._made[key]

    def fitting(self, size: int, names: list[str]) -> list[Layout]:
        """Return layouts in which a statistic has `size` numbers."""
        train = self.tables["train"]
        width, shape = train.numbers.shape[1], train.shape
        found = []
        if names and set(names) <= set(train.names):
            columns = [train.names.index(name) for name in names]
            found.append(self.layout(tuple(columns), lambda numbers: numbers[:, columns]))
        elif size == width:
            found.append(self.columns())
        if len(shape) >= 2 and size == shape[-1] and size < width:
            found.append(self.layout("channels", lambda numbers: numbers.reshape(-1, shape[-1])))
        if size == 1 and width > 1:
            found.append(self.layout("all", lambda numbers: numbers.reshape(-1, 1)))
        return found

    def columns(self) -> Layout:
        """Return the layout of one column a feature."""
        return self.layout("columns", lambda numbers: numbers)


def _looked_up(values: NDArray[Any], names: list[str], layouts: Layouts) -> Verdict | None:
    flat = values.astype(np.float64).ravel()
    precision = _precision(values, layouts.rows)
    for layout in layouts.fitting(values.size, names):
        verdict = _compared(flat, precision, layout, _fits)
        if verdict is not None:
            return verdict
    columns = layouts.columns()
    if values.size == 1 and 1 < columns.width <= MOST_COLUMNS and precision < 1e-9:
        # A single precise number may be the statistic of any one column.
        return _compared(np.repeat(flat, columns.width), precision, columns, _fits_somewhere)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """A statistic of a set of splits that the held numbers equal."""

    splits: Splits
    words: str
    power: int
    on_train: Floats
    columns: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How held numbers follow from a statistic.

    Attributes
    ----------
    added : float
        A small number that was added, against division by zero.
    columns : ndarray of bool
        Columns that fit.
    """

    added: float
    columns: NDArray[np.bool_]


Unit = tuple[str, float, float]

Fits = Callable[[Floats, Statistic, Unit, float, Floats], Fit | None]
"""From held numbers, a statistic, its units, their precision and train's spread."""


def _matches(
    held: Floats,
    statistics: tuple[list[Statistic], list[Statistic]],
    precision: float,
    spread: Floats,
    fits: Fits,
) -> Iterator[_Match]:
    for one, train in zip(*statistics, strict=True):
        for unit in UNITS:
            fit = fits(held, one, unit, precision, spread)
            if fit is None:
                continue
            words, factor, offset = unit
            expected = train.under(factor, offset) + fit.added
            apart = _apart(held, expected, one.under(factor, offset) + fit.added, precision, factor * spread)
            apart &= fit.columns
            if distinct_precise(held, apart):
                yield _Match((), one.name + words, one.power, expected, apart)


def _compared(held: Floats, precision: float, layout: Layout, fits: Fits) -> Verdict | None:
    """Return whose statistic the held numbers are; None where they are nobody's."""
    names = tuple(layout.arrays)
    sets = [s for size in range(len(names), 0, -1) for s in itertools.combinations(names, size)]
    sets = sorted((s for s in sets if s != ("train",)), key=lambda s: "train" not in s)
    spread = layout.spread()
    for quartiles in (False, True):
        on_train = layout.statistics(("train",), quartiles=quartiles)
        if any(fits(held, one, unit, precision, spread) is not None for one in on_train for unit in UNITS):
            return Verdict("", "train")
        matches = []
        for splits in sets:
            both = (layout.statistics(splits, quartiles=quartiles), on_train)
            matches += [replace(m, splits=splits) for m in _matches(held, both, precision, spread, fits)]
        if matches:
            return _verdict(held, matches, layout)
    return None


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


def _fits(held: Floats, statistic: Statistic, unit: Unit, precision: float, spread: Floats) -> Fit | None:
    """Compare held numbers with a statistic, all columns alike.

    Columns without spread are left out: a spread of zero is often replaced.
    """
    _, factor, offset = unit
    expected = statistic.under(factor, offset)
    usable = np.isfinite(expected) & np.isfinite(held)
    if statistic.power:
        usable &= expected > 0
    if usable.sum() < max(1, 0.5 * held.size):
        return None
    gap, allowed = (held - expected)[usable], precision * (np.abs(expected) + factor * spread)[usable]
    if (np.abs(gap) <= allowed).all():
        return Fit(0.0, usable)
    added = float(np.median(gap))
    if not statistic.power or not 1e-13 < added < 2e-2:
        return None
    nearest = float(10.0 ** np.rint(np.log10(added)))
    close = abs(added - nearest) <= 1e-3 * nearest + float(np.median(allowed))
    return Fit(nearest, usable) if close and (np.abs(gap - nearest) <= allowed).all() else None


def _fits_somewhere(
    held: Floats, statistic: Statistic, unit: Unit, precision: float, spread: Floats
) -> Fit | None:
    """Compare one number, repeated, with the statistic of each column; which columns fit."""
    _, factor, offset = unit
    expected = statistic.under(factor, offset)
    with np.errstate(invalid="ignore"):
        fits = np.abs(held - expected) <= precision * (np.abs(expected) + factor * spread)
    return Fit(0.0, fits) if fits.any() else None


def _verdict(held: Floats, matches: list[_Match], layout: Layout) -> Verdict:
    first = matches[0]
    alike = [match for match in matches if match.words == first.words]
    train = layout.moments("train")
    moments = {name: layout.moments(name) for name in layout.arrays}
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
