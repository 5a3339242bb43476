"""Defects of scale, function and order, planted in real data; each knows what should be said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from _tables import Array, Table
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Transform = Callable[[Floats], Floats]
Fit = Callable[[Floats], Transform]

SPLITS = ("train", "val", "test")
FRACTIONS = ((0.6, 0.8), (0.8, 0.9), (0.7, 0.85))
"""Where train and val end, by the seed."""

FITTED = (("train", "val"), SPLITS, ("val",), ("test",))
"""Sets of splits, other than train alone, that a scaler is fitted on once."""

DTYPES = ("float64", "float32")
EACH = "each split by itself"
TRACES = ("SCL002", "SCL003")
MAPS = ("SCL001", "SCL002", "SCL003", "SCL004", "SCL007", "SCL008")

ENOUGH_COLUMNS = 3
ENOUGH_LEVELS = 10
VISIBLE = 0.3
"""Kolmogorov distance between a column and what was made of it from which the change can be seen."""

SAME = 0.1
"""Standard deviations, of the narrower of the two, by which a value may move and count as the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """One defect in one split of one data set.

    Attributes
    ----------
    family, kind, dtype : str
        What was done, e.g. ``"scaler"``, ``"standard"``, ``"float32"``.
    fitted : str
        What it was fitted on, or the split that it was done to.
    splits : tuple of ndarray
        Rows of train, val and test.
    wanted : frozenset of str
        Codes that tell it.
    told : frozenset of str or None
        Splits that the finding should name; None where that is not asked.
    select : tuple of str
        Rules that are run.
    visible : bool
        Whether the data have what the defect can be seen by: three columns of ten distinct values for
        a trace, columns that the change moves for a map.
    """

    family: str
    kind: str
    dtype: str
    fitted: str
    splits: tuple[Array, ...]
    wanted: frozenset[str]
    told: frozenset[str] | None
    select: tuple[str, ...]
    visible: bool


def split(table: Table, seed: int) -> tuple[NDArray[np.int64], ...]:
    """Return row numbers of train, val and test, drawn at random with every class in train."""
    rng = np.random.default_rng([seed, len(table.X)])
    order = rng.permutation(len(table.X))
    firsts = np.sort(np.unique(table.y[order], return_index=True)[1])
    order = np.concatenate([order[firsts], np.delete(order, firsts)])
    first, second = (int(part * len(order)) for part in FRACTIONS[seed % len(FRACTIONS)])
    return rng.permutation(order[:first]), order[first:second], order[second:]


def filled(X: Array, train: NDArray[np.int64]) -> Floats:
    """Return rows as float64 with missing values at train's medians."""
    values = X.astype(np.float64)
    if np.isnan(values).any():
        medians = np.nanmedian(values[train], axis=0)
        values = np.where(np.isnan(values), np.nan_to_num(medians), values)
    return values


def enough_columns(parts: tuple[Floats, ...]) -> bool:
    """Whether every split has three columns of ten distinct values, without which nothing shows."""
    flats = [part.reshape(len(part), -1) for part in parts]
    counts = [[np.unique(column).size >= ENOUGH_LEVELS for column in flat.T] for flat in flats]
    return int(np.all(counts, axis=0).sum()) >= ENOUGH_COLUMNS


def planted(family: str, table: Table, seed: int) -> Iterator[Planted]:
    """Yield the defects of a family in one data set.

    Parameters
    ----------
    family : {"scaler", "unit", "function", "order"}
        Which.
    table : Table
        The data.
    seed : int
        Decides the split and every draw.
    """
    rows = split(table, seed)
    values = filled(table.X, rows[0])
    parts = tuple(values[part] for part in rows)
    made = {"scaler": _scaled, "unit": _units, "function": _functions, "order": _orders}
    yield from made[family](parts, table, seed)


def _estimator(make: Callable[[Floats], Any]) -> Fit:
    def fit(rows: Floats) -> Transform:
        fitted = make(rows).fit(rows)
        return lambda part: np.asarray(fitted.transform(part), dtype=np.float64)

    return fit


def _moments(axis: tuple[int, ...] | int | None, ddof: int = 0) -> Fit:
    def fit(rows: Floats) -> Transform:
        mean, std = rows.mean(axis=axis), rows.std(axis=axis, ddof=ddof)
        std = np.where(std > 0, std, 1.0)
        return lambda part: (part - mean) / std

    return fit


def _components(*, whiten: bool) -> Fit:
    def fit(rows: Floats) -> Transform:
        from sklearn.decomposition import PCA

        # Components without variance hold rounding noise, which whitening would blow up.
        centred = rows - rows.mean(axis=0)
        width = max(1, int(np.linalg.matrix_rank(centred, tol=1e-9 * np.linalg.norm(centred))))
        fitted = PCA(width, whiten=whiten, svd_solver="full").fit(rows)
        return lambda part: np.asarray(fitted.transform(part), dtype=np.float64)

    return fit


def table_scalers() -> Mapping[str, Fit]:
    """Return, by name, functions that fit a scaler on rows of a table and return its transform."""
    from sklearn import preprocessing as sp

    def quantiles(rows: Floats, shape: str) -> Any:
        return sp.QuantileTransformer(n_quantiles=min(1000, len(rows)), output_distribution=shape)

    return {
        "standard": _moments(0),
        "standard, ddof 1": _moments(0, ddof=1),
        "PCA": _components(whiten=False),
        "PCA, whitened": _components(whiten=True),
        "power": _estimator(lambda _: sp.PowerTransformer()),
        "quantile, uniform": _estimator(lambda rows: quantiles(rows, "uniform")),
        "quantile, normal": _estimator(lambda rows: quantiles(rows, "normal")),
        "robust": _estimator(lambda _: sp.RobustScaler()),
        "min-max": _estimator(lambda _: sp.MinMaxScaler()),
        "min-max to [-1, 1]": _estimator(lambda _: sp.MinMaxScaler((-1, 1))),
        "max-abs": _estimator(lambda _: sp.MaxAbsScaler()),
    }


def whole_scalers(table: Table) -> Mapping[str, Fit]:
    """Return the scalers of rows of more than one dimension: one mean and std for all, or per channel."""
    made = {"one mean and std": _moments(None)}
    if table.has_channels:
        made["mean and std per channel"] = _moments(tuple(range(table.X.ndim - 1)))
    return made


def _scaled(parts: tuple[Floats, ...], table: Table, _: int) -> Iterator[Planted]:
    """Yield every scaler fitted on every set beyond train, and on each split by itself, in both dtypes."""
    scalers = whole_scalers(table) if table.is_image else table_scalers()
    visible = table.is_image or enough_columns(parts)
    for kind, fit in scalers.items():
        for fitted in FITTED:
            transform = fit(np.concatenate([parts[SPLITS.index(name)] for name in fitted]))
            made = tuple(transform(part) for part in parts)
            for dtype in DTYPES:
                yield _scaler(kind, fitted, made, dtype, visible=visible)
        made = tuple(fit(part)(part) for part in parts)
        if len({part.shape[1:] for part in made}) == 1:
            for dtype in DTYPES:
                yield _scaler(kind, (), made, dtype, visible=visible)


def _scaler(
    kind: str, fitted: tuple[str, ...], made: tuple[Floats, ...], dtype: str, *, visible: bool
) -> Planted:
    splits = tuple(part.astype(dtype) for part in made)
    code = frozenset({"SCL002" if fitted else "SCL003"})
    told = frozenset(fitted) if fitted else None
    return Planted("scaler", kind, dtype, " + ".join(fitted) or EACH, splits, code, told, TRACES, visible)


def _units(parts: tuple[Floats, ...], table: Table, seed: int) -> Iterator[Planted]:
    """Yield another unit in one split, as read and before a scaler fitted on train, and scalers forgotten."""
    from sklearn import preprocessing as sp

    where = SPLITS[seed % 3]
    at = SPLITS.index(where)
    for kind, factor in (("x 255", 255.0), ("/ 255", 1 / 255), ("x 1000", 1000.0)):
        made = (*parts[:at], parts[at] * factor, *parts[at + 1 :])
        yield from _map("unit", kind, where, parts, made, "SCL001")
    if table.is_image and table.X.dtype == np.uint8:
        shares = tuple(part / 255 for part in parts)
        made = (*shares[:at], parts[at], *shares[at + 1 :])
        yield from _map("unit", "not divided by 255", where, shares, made, "SCL001")
        made = (*shares[:at], shares[at] / 255, *shares[at + 1 :])
        yield from _map("unit", "divided by 255 twice", where, shares, made, "SCL001")
        return
    for kind, scaler in (
        ("standard scaler forgotten", sp.StandardScaler()),
        ("min-max scaler forgotten", sp.MinMaxScaler()),
        ("robust scaler forgotten", sp.RobustScaler()),
    ):
        if table.is_image:
            continue
        scaler.fit(parts[0])
        scaled = tuple(scaler.transform(part) for part in parts)
        made = (*scaled[:at], parts[at], *scaled[at + 1 :])
        yield from _map("unit", kind, where, scaled, made, "SCL001")


FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "square": np.square,
    "exp": np.exp,
}


def _functions(parts: tuple[Floats, ...], table: Table, seed: int) -> Iterator[Planted]:
    """Yield a function applied to one split: to every column it can be applied to."""
    if table.is_image:
        return
    where = SPLITS[seed % 3]
    at = SPLITS.index(where)
    everything = np.concatenate(parts)
    for kind, function in FUNCTIONS.items():
        # Powers of large numbers are not made by anybody, nor logarithms of negative ones.
        columns = np.abs(everything).max(axis=0) < 50 if kind == "exp" else everything.min(axis=0) >= 0
        part = parts[at].copy()
        part[:, columns] = function(part[:, columns])
        made = (*parts[:at], part, *parts[at + 1 :])
        yield from _map("function", kind, where, parts, made, "SCL008", "SCL001")
    low, high = np.quantile(parts[0], (0.05, 0.95), axis=0)
    made = (*parts[:at], np.clip(parts[at], low, high), *parts[at + 1 :])
    for case in _map("function", "clipped at 5 % and 95 %", where, parts, made, "SCL008"):
        # Counts and codes have atoms of their own; a clipped measurement has none but at its ends.
        fine = sum(np.unique(column).size >= 0.8 * len(column) for column in parts[at].T)
        yield replace(case, visible=fine >= 2)


def _orders(parts: tuple[Floats, ...], table: Table, seed: int) -> Iterator[Planted]:
    """Yield columns in another order, mirrored columns, swapped channels."""
    where = SPLITS[seed % 3]
    at = SPLITS.index(where)
    if table.is_image:
        if table.X.dtype == np.uint8:
            made = (*parts[:at], 255 - parts[at], *parts[at + 1 :])
            yield from _map("order", "inverted", where, parts, made, "SCL007")
        if table.X.shape[-1] == 3:
            made = (*parts[:at], parts[at][..., ::-1], *parts[at + 1 :])
            yield from _map("order", "channels swapped", where, parts, made, "SCL007")
        return
    rng = np.random.default_rng([seed, parts[0].shape[1]])
    part = parts[at]
    made = (*parts[:at], part[:, rng.permutation(part.shape[1])], *parts[at + 1 :])
    yield from _map("order", "columns permuted", where, parts, made, "SCL007")
    made = (*parts[:at], -part, *parts[at + 1 :])
    yield from _map("order", "all signs flipped", where, parts, made, "SCL007")
    levels = [np.unique(column).size for column in parts[0].T]
    flipped = part.copy()
    flipped[:, int(np.argmax(levels))] *= -1
    yield from _map(
        "order", "one sign flipped", where, parts, (*parts[:at], flipped, *parts[at + 1 :]), "SCL007"
    )


def _map(
    family: str, kind: str, where: str, sound: tuple[Floats, ...], made: tuple[Floats, ...], *codes: str
) -> Iterator[Planted]:
    at = SPLITS.index(where)
    if np.array_equal(sound[at], made[at]):
        return
    share, columns = seen(sound[at], made[at])
    # One feature alone may be another population, but for its sign; colours differ little, but in every image.
    lone = 1 if kind == "one sign flipped" else 2
    visible = (share >= 0.5 and columns >= lone) or kind == "channels swapped"
    yield Planted(family, kind, "float64", where, made, frozenset(codes), None, MAPS, visible)


def seen(sound: Floats, made: Floats) -> tuple[float, int]:
    """Return the share of the changed columns whose distribution moved by ``VISIBLE``, and their number.

    Examples
    --------
    >>> column = np.arange(100.0)[:, None]
    >>> seen(column, column * 255), seen(column, column[::-1])
    ((1.0, 1), (0.0, 0))
    """
    before, after = (part.reshape(len(part), -1) for part in (sound, made))
    moved = [_distance(x, y) for x, y in zip(before.T, after.T, strict=True) if not np.array_equal(x, y)]
    far = np.array(moved) >= VISIBLE
    return (float(far.mean()), int(far.sum())) if moved else (0.0, 0)


def _distance(first: Floats, second: Floats) -> float:
    """Return the Kolmogorov distance of two samples of one size, up to a shift by ``SAME``.

    The plain distance of codes and counts is as large after a shift by a thousandth as by their range.
    """
    near = SAME * float(min(first.std(), second.std()))
    parts = np.sort(first), np.sort(second)
    steps = np.arange(1, first.size + 1) / first.size
    beyond = [steps - np.searchsorted(y, x + near, "right") / y.size for x, y in (parts, parts[::-1])]
    return max(0.0, *(float(one.max()) for one in beyond))
