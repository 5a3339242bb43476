"""Fitted objects: scikit-learn's transformers, compositions and models, fitted on more than train."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from _defects import FITTED, SPLITS, Floats, filled, split
from _tables import Array, Table

SAME = 1e-9
"""Outputs that differ by no more, relative to the spread of their column, are the same."""

OTHER = 1e-3
"""Outputs that differ by more are others."""

ROWS, COLUMNS = 240, 12
"""Rows and columns of a table that are used: some fits take the cube of their number."""

SHARE = 19
"""Each object is fitted on one of so many data sets and seeds; with 79 tables and five seeds, on 20 tables or 21."""

PARTS = 9
"""Random parts of train on which an object is fitted to see whether one of them gives the same."""

MANY_PARTS = 99
"""So many where parts often do."""

FEW_VALUES = 10
"""Distinct values of an output up to which parts of train may share it, too."""

COARSE = ("preprocessing", "feature_selection", "impute", "compositions")
"""Kinds of object that learn medians, extremes, categories and choices, which parts of train often share."""

QUICK: Mapping[str, Mapping[str, Any]] = {
    "BernoulliRBM": {"n_iter": 3, "n_components": 16},
    "DictionaryLearning": {"max_iter": 2, "n_components": 2},
    "IsolationForest": {"n_estimators": 10},
    "LatentDirichletAllocation": {"max_iter": 1, "n_components": 2, "max_doc_update_iter": 10},
    "MiniBatchDictionaryLearning": {"max_iter": 2, "n_components": 2},
    "MiniBatchNMF": {"max_iter": 20},
    "MiniBatchSparsePCA": {"max_iter": 2, "n_components": 2},
    "NeighborhoodComponentsAnalysis": {"max_iter": 10},
    "RandomForestClassifier": {"n_estimators": 10},
    "RandomTreesEmbedding": {"n_estimators": 4},
    "SparsePCA": {"max_iter": 2, "n_components": 2},
}
"""Settings that end a slow fit sooner: what is learned depends on the rows as it does with the defaults."""

MODELS = (
    "BayesianRidge", "ComplementNB", "DecisionTreeClassifier", "ElasticNet", "ExtraTreeRegressor", "GaussianMixture",
    "GaussianNB", "GaussianProcessRegressor", "HuberRegressor", "IsolationForest", "KernelDensity", "KernelRidge",
    "KNeighborsClassifier", "Lars", "Lasso", "LinearRegression", "LinearSVC", "LogisticRegression", "NearestCentroid",
    "NuSVR", "OneClassSVM", "Perceptron", "PoissonRegressor", "QuadraticDiscriminantAnalysis", "RandomForestClassifier",
    "Ridge", "RidgeClassifier", "SGDClassifier", "SVC", "SVR",
)  # fmt: skip
"""Models whose predictions a function makes features of."""

UNSEEDED = ("FastICA", "KMeans", "MiniBatchKMeans", "RandomTreesEmbedding", "BernoulliRBM")
"""Transformers that are also fitted without a seed: only what they do not draw can tell them."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedCase:
    """An object, the rows it was fitted on, and the arguments of the audit.

    Attributes
    ----------
    kind : str
        Module and class, or composition: ``"decomposition: PCA"``.
    fitted : tuple of str
        The splits it was fitted on.
    tellable : bool
        Whether what it makes of rows differs from what fits on train, and on random parts of train, make:
        where one of them makes the same there is nothing to be told.
    reproducible : bool
        Whether a second fit on the same rows makes the same.
    arguments : dict
        Keyword arguments of `auditor.audit`.
    """

    kind: str
    fitted: tuple[str, ...]
    tellable: bool
    reproducible: bool
    arguments: dict[str, Any]


def objects() -> Mapping[str, Any]:
    """Return unfitted objects by kind: transformers, compositions of them, and models."""
    from sklearn.utils import all_estimators

    kinds = dict(all_estimators())
    names = [name for name, _ in all_estimators("transformer")] + list(MODELS)
    made: dict[str, Any] = {}
    for name in names:
        try:
            one = kinds[name]().set_params(**QUICK.get(name, {}))
        except TypeError:  # wants arguments: a composition
            continue
        where = "models in functions" if name in MODELS else type(one).__module__.split(".")[1]
        made[f"{where}: {name}"] = _seeded(one)
        if name in UNSEEDED:
            made[f"no seed: {name}"] = kinds[name]().set_params(**QUICK.get(name, {}))
    return made | {f"compositions: {name}": one for name, one in _compositions().items()}


def _compositions() -> dict[str, Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA, TruncatedSVD
    from sklearn.feature_selection import SelectFromModel, SelectKBest
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

    return {
        "Pipeline": make_pipeline(SimpleImputer(), StandardScaler(), PCA(2)),
        "Pipeline with selection": make_pipeline(StandardScaler(), SelectKBest(k=3)),
        "Pipeline with a model's selection": make_pipeline(
            StandardScaler(), SelectFromModel(LogisticRegression(), threshold=-np.inf, max_features=3)
        ),
        "FeatureUnion": FeatureUnion([("scaled", MinMaxScaler()), ("svd", TruncatedSVD(2, random_state=0))]),
        "ColumnTransformer": ColumnTransformer(
            [("scaled", StandardScaler(), [0, 1]), ("ranged", MinMaxScaler(), [2])], remainder="passthrough"
        ),
        "ColumnTransformer with categories": ColumnTransformer(
            [("scaled", StandardScaler(), [0, 1]), ("coded", OneHotEncoder(handle_unknown="ignore"), [2])]
        ),
    }


def _seeded(estimator: Any) -> Any:
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return estimator


def fitted_cases(table: Table, seed: int, turn: int | None = None) -> Iterator[FittedCase]:
    """Yield objects, each fitted on train alone and on every set that holds more.

    Parameters
    ----------
    table : Table
        Numbers without a shape of their own.
    seed : int
        Decides the split.
    turn : int, optional
        Number of data set and seed, which decides the objects whose turn it is; all of them where None.
    """
    numbers = split(table, seed)
    few = min(1.0, ROWS / len(table.X))
    numbers = tuple(part[: max(20, int(few * len(part)))] for part in numbers)
    values = filled(table.X, numbers[0])[:, :COLUMNS]
    X = {name: values[part] for name, part in zip(SPLITS, numbers, strict=True)}
    rows = _Rows(X, {name: table.y[part] for name, part in zip(SPLITS, numbers, strict=True)})
    for kind, unfitted in objects().items():
        if turn is None or (zlib.crc32(kind.encode()) + turn) % SHARE == 0:
            yield from _fits(kind, unfitted, rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows and labels of every split."""

    X: Mapping[str, Floats]
    y: Mapping[str, Array]

    def of(self, splits: tuple[str, ...]) -> tuple[Floats, Array]:
        X, y = ([held[name] for name in splits] for held in (self.X, self.y))
        return np.concatenate(X), np.concatenate(y)

    def with_gaps(self) -> _Rows:
        """Return the rows with every tenth value missing."""
        rng = np.random.default_rng(len(self.X["train"]))
        gaps = {name: rng.random(values.shape) < 0.1 for name, values in self.X.items()}
        return _Rows({name: np.where(gaps[name], np.nan, X) for name, X in self.X.items()}, self.y)

    def arguments(self) -> dict[str, Any]:
        return {f"X_{name}": self.X[name] for name in SPLITS} | {f"y_{name}": self.y[name] for name in SPLITS}


def _fits(kind: str, unfitted: Any, rows: _Rows) -> Iterator[FittedCase]:
    if kind.startswith("impute"):
        rows = rows.with_gaps()
    test, train = rows.X["test"], rows.of(("train",))
    try:
        on_train = _fit(unfitted, *train)
        before, again = (_output(one, test) for one in (on_train, _fit(unfitted, *train)))
    except (ValueError, TypeError, AttributeError, np.linalg.LinAlgError):
        return  # wants other data: text, counts, two arrays, no negative numbers
    reproducible = _apart(before, again) <= SAME
    given = rows.arguments()
    yield FittedCase(kind, ("train",), False, reproducible, {**given, "preprocess": on_train})
    more = []
    for fitted in FITTED:
        try:
            made = _fit(unfitted, *rows.of(fitted))
            more.append((fitted, made, _output(made, test)))
        except (ValueError, TypeError, np.linalg.LinAlgError):
            continue
    coarse = kind.startswith(COARSE) and "Power" not in kind
    coarse |= any(np.unique(column).size <= FEW_VALUES for *_, after in more for column in after.T)
    count = (MANY_PARTS if coarse else PARTS) if reproducible else 0
    of_parts = list(_outputs_of_parts(unfitted, *train, test, count))
    for fitted, made, after in more:
        tellable = _is_tellable(before, after, of_parts)
        yield FittedCase(kind, fitted, tellable, reproducible, {**given, "preprocess": made})


def _is_tellable(before: Floats, after: Floats, of_parts: list[Floats]) -> bool:
    """Whether the columns that differ from those of a fit on train are those of no part of train either."""
    if before.shape != after.shape:
        return all(part.shape != after.shape or _apart(part, after) > SAME for part in of_parts)
    other = _columns_apart(before, after) > OTHER
    alike = (part for part in of_parts if part.shape == after.shape)
    return bool(other.any()) and all((_columns_apart(part, after)[other] > SAME).any() for part in alike)


def _outputs_of_parts(unfitted: Any, X: Floats, y: Array, test: Floats, count: int) -> Iterator[Floats]:
    """Yield what fits on random parts of train, and on train in random orders, make of test rows."""
    rng = np.random.default_rng(len(X))
    for i in range(count):
        size = (len(X), int(len(X) * rng.uniform(0.5, 0.95)))[min(i % 3, 1)]
        part = rng.integers(0, len(X), len(X)) if i % 3 == 2 else rng.permutation(len(X))[:size]
        try:
            yield _output(_fit(unfitted, X[part], y[part]), test)
        except (ValueError, TypeError, np.linalg.LinAlgError):
            continue


def _fit(unfitted: Any, X: Floats, y: Array) -> Any:
    from sklearn.base import clone

    fitted = clone(unfitted).fit(X, y)
    return fitted if hasattr(fitted, "transform") else _in_function(fitted)


def _in_function(model: Any) -> Callable[[Floats], Floats]:
    """Return a function that makes features of a model's predictions."""
    names = ("predict_proba", "decision_function", "score_samples", "predict")
    method = next((name for name in names if hasattr(model, name)), "transform")

    def features(rows: Floats) -> Floats:
        return np.asarray(getattr(model, method)(rows)).reshape(len(rows), -1)

    return features


def _output(fitted: Any, rows: Floats) -> Floats:
    made = fitted.transform(rows) if hasattr(fitted, "transform") else fitted(rows)
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _apart(first: Floats, second: Floats) -> float:
    """Return the largest difference relative to the spread of its column; infinite for other shapes."""
    return float(_columns_apart(first, second).max(initial=0.0)) if first.shape == second.shape else np.inf


def _columns_apart(first: Floats, second: Floats) -> Floats:
    """Return the largest difference in each column, relative to its spread.

    A column without spread is measured by its size: its last digits are no difference.
    """
    spread = np.maximum(first.std(axis=0), 1e-9 * np.abs(first).max(axis=0, initial=0.0))
    gap = np.abs(first - second)
    made: Floats = np.where(gap > 0, gap / np.maximum(spread, 1e-300), 0.0).max(axis=0, initial=0.0)
    return made
