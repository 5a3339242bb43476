"""Fitted objects: every scikit-learn transformer that is reproducible, fitted on more than train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from _defects import FITTED, SPLITS, Floats, filled, split
from _tables import Table

REPRODUCIBLE = 1e-6
"""Two fits on the same rows in another order may differ by so much, relative to the output's spread."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedCase:
    """An object, the rows it was fitted on, and the arguments of the audit.

    Attributes
    ----------
    kind : str
        Class or composition.
    fitted : tuple of str
        The splits it was fitted on.
    tellable : bool
        Whether what it makes of rows differs from what a fit on train makes: where every output is the
        same there is nothing to be told.
    reproducible : bool
        Whether a fit on the same rows in another order makes the same.
    arguments : dict
        Keyword arguments of `auditor.audit`.
    """

    kind: str
    fitted: tuple[str, ...]
    tellable: bool
    reproducible: bool
    arguments: dict[str, Any]


def objects() -> Mapping[str, Any]:
    """Return unfitted objects by name: scikit-learn's transformers, pipelines and compositions."""
    from sklearn.base import clone
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA, TruncatedSVD
    from sklearn.feature_selection import SelectKBest
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
    from sklearn.utils import all_estimators

    made: dict[str, Any] = {}
    for name, kind in all_estimators("transformer"):
        try:
            made[name] = _seeded(kind())
        except TypeError:  # wants arguments: a composition
            continue
    made |= {
        "Pipeline": make_pipeline(SimpleImputer(), StandardScaler(), PCA(2)),
        "Pipeline with selection": make_pipeline(StandardScaler(), SelectKBest(k=3)),
        "FeatureUnion": FeatureUnion([("scaled", MinMaxScaler()), ("svd", TruncatedSVD(2, random_state=0))]),
        "ColumnTransformer": ColumnTransformer(
            [("scaled", StandardScaler(), [0, 1]), ("ranged", MinMaxScaler(), [2])], remainder="passthrough"
        ),
        "ColumnTransformer with categories": ColumnTransformer(
            [("scaled", StandardScaler(), [0, 1]), ("coded", OneHotEncoder(handle_unknown="ignore"), [2])]
        ),
    }
    return {name: clone(one) for name, one in made.items()}


def _seeded(estimator: Any) -> Any:
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return estimator


def fitted_cases(table: Table, seed: int, rows: int = 600) -> Iterator[FittedCase]:
    """Yield each object, fitted on train alone and on every set that holds more.

    Parameters
    ----------
    table : Table
        Numbers without a shape of their own.
    seed : int
        Decides the split.
    rows : int
        Rows of the table that are used; some of the fits take the cube of their number.
    """
    parts = [part[: int(rows * len(part) / len(table.X)) + 20] for part in split(table, seed)]
    values = filled(table.X, parts[0])
    X = {name: values[part] for name, part in zip(SPLITS, parts, strict=True)}
    y = {name: table.y[part] for name, part in zip(SPLITS, parts, strict=True)}
    arguments = {f"X_{name}": X[name] for name in SPLITS} | {f"y_{name}": y[name] for name in SPLITS}
    for kind, unfitted in objects().items():
        yield from _fits(kind, unfitted, X, y, arguments)


def _fits(
    kind: str, unfitted: Any, X: Mapping[str, Floats], y: Mapping[str, Any], arguments: dict[str, Any]
) -> Iterator[FittedCase]:
    try:
        on_train = _fit(unfitted, X, y, ("train",))
        before = _output(on_train, X["test"])
        again = _output(_fit(unfitted, X, y, ("train",), turned=True), X["test"])
    except (ValueError, TypeError, AttributeError, np.linalg.LinAlgError):
        return  # wants other data: text, counts, two arrays, no negative numbers
    reproducible = _apart(before, again) <= REPRODUCIBLE
    yield FittedCase(kind, ("train",), False, reproducible, {**arguments, "preprocess": on_train})
    for fitted in FITTED:
        try:
            made = _fit(unfitted, X, y, fitted)
            tellable = _apart(before, _output(made, X["test"])) > 1e3 * REPRODUCIBLE
        except (ValueError, TypeError):
            continue
        yield FittedCase(kind, fitted, tellable, reproducible, {**arguments, "preprocess": made})


def _fit(
    unfitted: Any,
    X: Mapping[str, Floats],
    y: Mapping[str, Any],
    fitted: tuple[str, ...],
    *,
    turned: bool = False,
) -> Any:
    from sklearn.base import clone

    rows, labels = np.concatenate([X[name] for name in fitted]), np.concatenate([y[name] for name in fitted])
    if turned:
        rows, labels = rows[::-1], labels[::-1]
    return clone(unfitted).fit(rows, labels)


def _output(fitted: Any, rows: Floats) -> Floats:
    made = fitted.transform(rows)
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _apart(first: Floats, second: Floats) -> float:
    """Return the largest difference relative to the spread of its column; infinite for other shapes."""
    if first.shape != second.shape:
        return float("inf")
    spread = np.maximum(first.std(axis=0), 1e-12)
    return float(np.max(np.abs(first - second) / spread, initial=0.0))
