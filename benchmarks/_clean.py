"""Cases in which nothing is wrong: what an audit calls an error here is a false alarm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from _defects import FRACTIONS, Floats, filled, split, table_scalers, whole_scalers
from _tables import Array, Table
from numpy.typing import NDArray

Rows = tuple[NDArray[np.int64], ...]

AS_FILED = "raw, repeated rows and all"
NEAR_COPIES = "the published list of CIFAR-10's near duplicates is what the set was made of"
IN_THE_DATA = {("data/cifar10_pairs", code): NEAR_COPIES for code in ("DUP001", "DUP002", "DUP003")} | {
    (
        "keel/satimage",
        "DUP004",
    ): "rows are the 3 x 3 neighbourhoods of the pixels of one picture, and overlap",
    (
        "statsmodels/randhie",
        "DUP002",
    ): "rows are a person's years: most differ from another in one feature alone",
    ("data/eeg_eye", "DUP002"): "rows are samples of one recording, 8 ms apart",
}
"""Errors that are true, by data set and code, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Clean:
    """One case without a defect.

    Attributes
    ----------
    kind : str
        How it was made.
    arguments : dict
        Keyword arguments of `auditor.audit`.
    """

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)


def clean(table: Table, seed: int) -> Iterator[Clean]:
    """Yield clean cases of one data set: raw, scaled on train only, and honestly shifted.

    Real files repeat rows, and a repeated row in two splits is a defect. The first case is the file as it
    is; for the others a row is taken once.

    Parameters
    ----------
    table : Table
        The data.
    seed : int
        Decides the split and every draw; scalers and dtypes take turns.
    """
    rng = np.random.default_rng([seed, *table.X.shape])
    rows = split(table, seed)
    yield Clean(AS_FILED, _arguments(table, rows, tuple(filled(table.X, rows[0])[part] for part in rows)))
    table = distinct(table)
    rows = split(table, seed)
    yield Clean("raw", _arguments(table, rows, tuple(filled(table.X, rows[0])[part] for part in rows)))
    yield from _scaled(table, rows, seed)
    yield from _in_time(table, seed)
    yield from _sub_population(table, rows, rng)
    yield from _instruments(table, rows, rng)
    yield from _covariate_shift(table, seed, rng)


def distinct(table: Table) -> Table:
    """Return the table with every row once, in the order of the first of them."""
    _, first = np.unique(table.X.reshape(len(table.X), -1), axis=0, return_index=True)
    kept = np.sort(first)
    time, groups = (None if a is None else a[kept] for a in (table.time, table.groups))
    return replace(table, X=table.X[kept], y=table.y[kept], time=time, groups=groups)


def why_true(table: Table, kind: str, code: str) -> str:
    """Return why an error of a clean case is true; empty where it is a false alarm."""
    if kind == AS_FILED and code == "DUP001":
        repeats = len(table.X) - len(distinct(table).X)
        return f"{repeats:,} of {len(table.X):,} rows repeat another, value for value" if repeats else ""
    return IN_THE_DATA.get((table.name, code), "")


def _arguments(table: Table, rows: Rows, parts: tuple[Array, ...], *, timed: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {}
    known = bool(np.ptp(table.y))
    for name, part, X in zip(("train", "val", "test"), rows, parts, strict=True):
        made[f"X_{name}"] = X
        if known:
            made[f"y_{name}"] = table.y[part]
        if timed and table.time is not None:
            made[f"time_{name}"] = table.time[part]
    return made


def _scaled(table: Table, rows: Rows, seed: int) -> Iterator[Clean]:
    """Yield three scalers fitted on train alone, another three for each seed, in alternating dtypes."""
    values = filled(table.X, rows[0])
    scalers = {**(whole_scalers(table) if table.is_image else table_scalers())}
    names = sorted(scalers)
    for turn in range(min(3, len(names))):
        name = names[(3 * seed + turn) % len(names)]
        transform = scalers[name](values[rows[0]])
        dtype = ("float64", "float32")[(seed + turn) % 2]
        parts = tuple(transform(values[part]).astype(dtype) for part in rows)
        yield Clean(f"{name}, of train only", _arguments(table, rows, parts))
    if table.is_image and table.X.dtype == np.uint8:
        shares = tuple((values[part] / 255).astype("float32") for part in rows)
        yield Clean("all divided by 255", _arguments(table, rows, shares))


def _in_time(table: Table, seed: int) -> Iterator[Clean]:
    """Yield a split in order of time, where there is one: the future is evaluated on, and may differ."""
    if table.time is None:
        return
    order = np.argsort(table.time, kind="stable")
    first, second = (int(part * len(order)) for part in FRACTIONS[seed % len(FRACTIONS)])
    first, second = (_after_tie(table.time[order], cut) for cut in (first, second))
    rows = (order[:first], order[first:second], order[second:])
    yield from _honest("in order of time", table, rows, timed=True)


def _after_tie(time: Array, cut: int) -> int:
    """Move a cut to where the time changes."""
    return int(np.searchsorted(time, time[min(cut, len(time) - 1)], "right"))


def _sub_population(table: Table, rows: Rows, rng: np.random.Generator) -> Iterator[Clean]:
    """Yield a test split of one sub-population: the upper third of one feature."""
    if table.is_image:
        return
    values = filled(table.X, rows[0])
    wide = np.flatnonzero([np.unique(column).size >= 10 for column in values.T])
    if not wide.size:
        return
    column = values[:, rng.choice(wide)]
    apart = column > np.quantile(column, 2 / 3)
    rest = rng.permutation(np.flatnonzero(~apart))
    cut = int(0.8 * len(rest))
    yield from _honest("a sub-population as test", table, (rest[:cut], rest[cut:], np.flatnonzero(apart)))


def _instruments(table: Table, rows: Rows, rng: np.random.Generator) -> Iterator[Clean]:
    """Yield evaluation splits measured with instruments whose gains differ by 0.5 to 2 %.

    Counts, ages and ratings are not measured with one: a whole number times 1.01 is no honest value.
    """
    values = filled(table.X, rows[0])
    columns = values.reshape(len(values), -1).T.astype(float)
    measured = np.array([np.unique(c).size >= 10 and (table.is_image or (c % 1 != 0).any()) for c in columns])
    if not measured.any():
        return
    parts = [values[rows[0]]]
    for part in rows[1:]:
        gain = 1 + rng.uniform(0.005, 0.02, measured.size) * rng.choice([-1, 1], measured.size)
        gain = np.where(measured, gain[0] if table.is_image else gain, 1.0)
        parts.append(values[part] * gain.reshape(values.shape[1:]))
    yield Clean("instruments of slightly different gain", _arguments(table, rows, tuple(parts)))


def _covariate_shift(table: Table, seed: int, rng: np.random.Generator) -> Iterator[Clean]:
    """Yield a test split drawn with weights that grow along a random direction."""
    flat = filled(table.X, np.arange(len(table.X))).reshape(len(table.X), -1)
    std = flat.std(axis=0)
    z = ((flat - flat.mean(axis=0)) / np.where(std > 0, std, 1)) @ rng.normal(size=flat.shape[1])
    z = np.clip((z - z.mean()) / (z.std() or 1.0), -3, 3)
    weights = np.exp(0.7 * z)
    share = 1 - FRACTIONS[seed % len(FRACTIONS)][1]
    test = rng.choice(len(z), max(2, int(share * len(z))), replace=False, p=weights / weights.sum())
    rest = rng.permutation(np.setdiff1d(np.arange(len(z)), test))
    cut = int(0.8 * len(rest))
    yield from _honest("covariate shift", table, (rest[:cut], rest[cut:], np.sort(test)))


def _honest(kind: str, table: Table, rows: Rows, *, timed: bool = False) -> Iterator[Clean]:
    """Yield a case without rows of a class that train lacks: those would be a defect (LBL002)."""
    known = np.unique(table.y[rows[0]])
    rows = (rows[0], *(part[np.isin(table.y[part], known)] for part in rows[1:]))
    if min(map(len, rows)) < 5:
        return
    values: Floats = filled(table.X, rows[0])
    yield Clean(kind, _arguments(table, rows, tuple(values[part] for part in rows), timed=timed))
