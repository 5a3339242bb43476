"""Splits and the case under audit: validated, read-only views of what the user passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.sources.annotations import as_groups, as_labels, as_times, check_same_kind
from auditor.sources.arrays import Array
from auditor.sources.frames import Features, read_features

if TYPE_CHECKING:
    from auditor._finding import Coverage
    from auditor._plan import FitPlan

SPLITS = ("train", "val", "test")
"""Names of the splits, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows of one split.

    Attributes
    ----------
    name : str
        ``train``, ``val`` or ``test``.
    X : ndarray, shape (n, ...)
        Features; read-only.
    flat : ndarray, shape (n, d)
        `X` with one row a sample; read-only, the same memory where possible.
    y, groups, time : ndarray or None
        Labels, group ids and times; the first axis is the row.
    raw : object or None
        What stood before the preprocessing, as the user passed it.
    source : object
        `X` as the user passed it, for callables that want a data frame or a tensor.
    columns : tuple of str
        Column names, where the user passed a data frame; empty otherwise.
    """

    name: str
    X: Array
    flat: Array
    y: Array | None = None
    groups: Array | None = None
    time: Array | None = None
    raw: Any = None
    source: Any = None
    columns: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Number of features of a flattened row."""
        return int(self.flat.shape[1])

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self.X.shape[1:])

    @property
    def aligned_y(self) -> Array | None:
        """Labels, if there is one for every row."""
        return self.y if self.y is not None and self.y.shape[:1] == self.X.shape[:1] else None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Everything that one audit looks at.

    Attributes
    ----------
    splits : tuple of Split
        In the order train, val, test; those given.
    feature_names : tuple of str
        Column names; empty where the input has none.
    categorical : ndarray of bool, shape (d,)
        Features that hold category codes; all False where nothing is known.
    preprocess : object or None
        The callables, as passed.
    stage : str
        ``"given"``, or ``"preprocessed"`` for what the callable made.
    model : object or None
        The model that will be trained, as passed.
    fit : FitPlan or None
        The arguments of ``fit``, where those are audited.
    coverage : tuple of Coverage
        What part of the data was read, where that is not all; every rule's outcome carries it.
    """

    splits: tuple[Split, ...]
    feature_names: tuple[str, ...] = ()
    categorical: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    preprocess: Any = None
    stage: str = "given"
    model: Any = None
    fit: FitPlan | None = None
    coverage: tuple[Coverage, ...] = ()

    def __getitem__(self, name: str) -> Split:
        for split in self.splits:
            if split.name == name:
                return split
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(split.name == name for split in self.splits)

    def __iter__(self) -> Iterator[Split]:
        return iter(self.splits)

    @property
    def train(self) -> Split:
        """The training split."""
        return self["train"]

    @property
    def evaluation(self) -> tuple[Split, ...]:
        """Val and test, those given."""
        return tuple(split for split in self.splits if split.name != "train")

    @property
    def comparable(self) -> tuple[Split, ...]:
        """Non-empty evaluation splits whose rows have train's shape, so that rows can be compared."""
        train = self.train
        return tuple(
            s for s in self.evaluation if s.n_rows and train.n_rows and s.feature_shape == train.feature_shape
        )

    def feature(self, column: int) -> str:
        """Name of a feature of the flattened row, for messages.

        A named column is quoted; a position in a row of several dimensions is its index.
        """
        if column < len(self.feature_names):
            return repr(self.feature_names[column])
        shape = self.splits[0].feature_shape
        if len(shape) <= 1:
            return f"column {column}"
        return str(tuple(int(i) for i in np.unravel_index(column, shape)))


def make_case(
    *,
    X: Mapping[str, Any],
    y: Mapping[str, Any] | None = None,
    groups: Mapping[str, Any] | None = None,
    time: Mapping[str, Any] | None = None,
    raw: Mapping[str, Any] | None = None,
    preprocess: Any = None,
    model: Any = None,
) -> Case:
    """Check what the user passed and return it as a `Case`.

    Parameters
    ----------
    X, y, groups, time, raw : mapping of str to array-like
        By split name; values of None are left out.
    preprocess, model : object, optional
        Kept as they are.

    Raises
    ------
    InputError
        If train is missing, an array cannot be used, or ids or times do not fit their rows.
    """
    given = {name: X[name] for name in SPLITS if X.get(name) is not None}
    if "train" not in given:
        raise InputError(
            "X_train is missing.", hint="pass at least X_train, and X_val or X_test to compare with."
        )
    for label, part in (("y", y), ("groups", groups), ("time", time), ("raw", raw)):
        for name, value in (part or {}).items():
            if value is not None and name not in given:
                raise InputError(f"{label}_{name} was given without X_{name}.", hint=f"pass X_{name} too.")
    features = read_features(given)
    splits = []
    for name, source in given.items():
        array = _like_train(features.arrays[name], features.arrays["train"])
        labels, ids, times, before = ((part or {}).get(name) for part in (y, groups, time, raw))
        rows = int(array.shape[0])
        splits.append(
            replace(
                make_split(name, array, source=source),
                y=None if labels is None else as_labels(labels, f"y_{name}"),
                groups=None if ids is None else as_groups(ids, f"groups_{name}", rows),
                time=None if times is None else as_times(times, f"time_{name}", rows),
                raw=before,
                columns=features.columns.get(name, ()),
            )
        )
    check_same_kind({split.name: split.time for split in splits})
    return Case(tuple(splits), features.names, _categorical(features, splits), preprocess, model=model)


def _like_train(array: Array, train: Array) -> Array:
    """Return an array without rows or features, such as an empty list, with train's row shape."""
    return array.reshape(0, *train.shape[1:]) if array.shape == (0,) else array


def make_split(name: str, array: Array, source: Any = None) -> Split:
    """Return rows as a `Split` of read-only views."""
    view = array.view()
    view.flags.writeable = False
    flat = view.reshape(view.shape[0], -1) if view.size else view.reshape(view.shape[0], _width(view))
    flat.flags.writeable = False
    return Split(name, view, flat, source=view if source is None else source)


def _width(view: Array) -> int:
    return int(np.prod(view.shape[1:])) if view.ndim > 1 else 1


def _categorical(features: Features, splits: list[Split]) -> NDArray[np.bool_]:
    width = splits[0].n_features
    return features.categorical if features.categorical.size == width else np.zeros(width, dtype=bool)
