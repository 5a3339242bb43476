"""What fitted objects were fitted on."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from auditor._case import make_case
from auditor.probes.application import applied
from auditor.probes.compared import distinct_precise, exactly, gaps, yardstick
from auditor.probes.learned import learned, refitted
from auditor.probes.rounded import rounded
from auditor.probes.stored import stored_rows
from auditor.probes.verdicts import verdicts

sk = pytest.importorskip("sklearn")

from sklearn.cluster import Birch, KMeans  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.decomposition import NMF, PCA, FastICA, KernelPCA, TruncatedSVD  # noqa: E402
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: E402
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_classif  # noqa: E402
from sklearn.impute import KNNImputer, SimpleImputer  # noqa: E402
from sklearn.kernel_approximation import Nystroem, RBFSampler  # noqa: E402
from sklearn.linear_model import Perceptron, SGDClassifier  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.neighbors import KernelDensity, KNeighborsClassifier  # noqa: E402
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union  # noqa: E402
from sklearn.preprocessing import (  # noqa: E402
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import GaussianRandomProjection  # noqa: E402
from sklearn.tree import DecisionTreeClassifier  # noqa: E402

ALL = ("train", "val", "test")
CUT = {"train": slice(0, 180), "val": slice(180, 240), "test": slice(240, 300)}


def data(dtype: type = np.float64, seed: int = 0, *, kind: str = "lognormal"):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 300)
    X = rng.lognormal(size=(300, 5)) + 0.3 * y[:, None]
    if kind == "categories":
        X = rng.integers(0, 5, (300, 3)).astype(float)
        X[185, 0], X[250, 1] = 77.0, 88.0
    if kind == "gaps":
        X[rng.random(X.shape) < 0.1] = np.nan
    return X.astype(dtype), y


def judge(preprocess, X, y=None) -> list:
    rows = {name: X[cut] for name, cut in CUT.items()}
    labels = None if y is None else {name: y[cut] for name, cut in CUT.items()}
    case = make_case(X=rows, y=labels, preprocess=preprocess)
    return list(verdicts(case, applied(case), 0, 60.0))


def rows_of(splits) -> np.ndarray:
    numbers = np.arange(300)
    return np.concatenate([numbers[CUT[name]] for name in splits])


REPRODUCIBLE = {
    "standard": StandardScaler,
    "min-max": MinMaxScaler,
    "max-abs": MaxAbsScaler,
    "robust": RobustScaler,
    "quantile": lambda: QuantileTransformer(n_quantiles=40, random_state=0),
    "bins": lambda: KBinsDiscretizer(4, encode="onehot", quantile_method="averaged_inverted_cdf"),
    "spline": lambda: SplineTransformer(4),
    "pca": lambda: PCA(2),
    "svd": lambda: TruncatedSVD(2, random_state=0),
    "kernel pca": lambda: KernelPCA(2, kernel="rbf"),
    "nystroem": lambda: Nystroem(n_components=20, random_state=0),
    "variance": lambda: VarianceThreshold(1e-9),
    "lda": LinearDiscriminantAnalysis,
    "select": lambda: SelectKBest(f_classif, k=2),
    "pipeline": lambda: make_pipeline(RobustScaler(), PCA(3)),
    "union": lambda: make_union(StandardScaler(), PCA(2)),
    "columns": lambda: ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", RobustScaler(), [2])]),
    "search": lambda: GridSearchCV(PCA(), {"n_components": [1, 2]}, cv=2),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", REPRODUCIBLE)
def test_the_fitted_rows_are_found(name: str, dtype: type) -> None:
    X, y = data(dtype)
    order = np.random.default_rng(5)
    for splits in (("train",), ("train", "val"), ALL, ("val",)):
        rows = order.permutation(rows_of(splits))
        found = judge(REPRODUCIBLE[name]().fit(X[rows], y[rows]), X, y)
        assert found
        for verdict in found:
            if splits == ("train",):
                assert verdict.status == "train", verdict
            else:
                assert verdict.status == "beyond", verdict
                assert splits in verdict.sets


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fit_before_rounding_to_float32_is_still_train_s(dtype: type) -> None:
    X, _ = data()
    (verdict,) = judge(StandardScaler().fit(X[:180]), X.astype(np.float32).astype(dtype))
    assert verdict.status in ("train", "unknown")


def test_an_optimiser_s_result_is_compared_up_to_its_own_noise() -> None:
    X, _ = data()
    rows = np.random.default_rng(0).permutation(180)
    assert judge(PowerTransformer().fit(X[rows, :2]), X[:, :2])[0].status == "train"
    (verdict,) = judge(PowerTransformer().fit(X[::-1, :2]), X[:, :2])
    assert verdict.sets == (ALL,)


def test_imputers() -> None:
    X, _ = data(kind="gaps")
    for make in (SimpleImputer, lambda: SimpleImputer(strategy="median"), KNNImputer):
        assert judge(make().fit(X[:180]), X)[0].status == "train"
        (verdict,) = judge(make().fit(X), X)
        assert verdict.status == "beyond"
        assert ALL in verdict.sets


def test_rows_that_are_kept_are_looked_up() -> None:
    X, _ = data(kind="gaps")
    (verdict,) = judge(KNNImputer().fit(X[:240]), X)
    assert verdict.sets == (("train", "val"),)
    assert verdict.stored == {"val": 60}
    some = np.random.default_rng(0).permutation(180)[:50]
    assert judge(KNNImputer().fit(X[some]), X)[0].status == "train"


def test_kept_rows_that_are_nobody_s_say_nothing() -> None:
    rng = np.random.default_rng(0)
    rows = {name: rng.normal(size=(30, 3)) for name in ALL}
    assert stored_rows({"kept": rng.normal(size=(30, 3))}, rows) is None
    assert stored_rows({"kept": rng.normal(size=(30, 4))}, rows) is None
    assert stored_rows({"kept": np.zeros(3)}, rows) is None
    assert stored_rows({"kept": rows["train"]}, rows).foreign == {}
    assert stored_rows({"kept": rows["test"].astype(np.float32)}, rows).sets == (("test",),)


@pytest.mark.filterwarnings("ignore:.*TargetEncoder.*:FutureWarning")
def test_categories() -> None:
    X, y = data(kind="categories")
    for make in (
        lambda: OneHotEncoder(handle_unknown="ignore"),
        lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        lambda: TargetEncoder(target_type="binary", random_state=0),
    ):
        assert judge(make().fit(X[:180], y[:180]), X, y)[0].status == "train"
        (verdict,) = judge(make().fit(X, y), X, y)
        assert verdict.status == "beyond"
        assert ALL in verdict.sets


def test_steps_of_a_pipeline_are_told_apart() -> None:
    X, y = data()
    scaler = StandardScaler().fit(X)
    pipeline = make_pipeline(scaler, PCA(2).fit(scaler.transform(X[:180])))
    one, two = judge(pipeline, X, y)
    assert (one.status, two.status) == ("beyond", "train")
    assert one.name == "Pipeline['standardscaler']: StandardScaler"


@pytest.mark.filterwarnings("ignore:.*TargetEncoder.*:FutureWarning")
def test_a_step_after_one_that_cross_fits() -> None:
    X, y = data(kind="categories")
    make = lambda: make_pipeline(TargetEncoder(target_type="binary", random_state=0), StandardScaler())  # noqa: E731
    assert [v.status for v in judge(make().fit(X[:180], y[:180]), X, y)] == ["train", "train"]
    assert {v.status for v in judge(make().fit(X, y), X, y)} == {"beyond"}


def test_a_sampler_in_the_pipeline() -> None:
    imblearn = pytest.importorskip("imblearn")
    from imblearn.over_sampling import RandomOverSampler

    X, y = data()
    y = (X[:, 0] > 2).astype(int)
    make = lambda: imblearn.pipeline.make_pipeline(RandomOverSampler(random_state=0), StandardScaler())  # noqa: E731
    assert [v.status for v in judge(make().fit(X[:180], y[:180]), X, y)] == ["train"]
    (verdict,) = judge(make().fit(X, y), X, y)
    assert (verdict.status, verdict.sets) == ("beyond", (ALL,))


def test_supervision_is_seen_by_other_labels() -> None:
    X, y = data()
    assert judge(SelectKBest(f_classif, k=2).fit(X, y), X, y)[0].supervised
    assert not judge(StandardScaler().fit(X), X, y)[0].supervised


def test_movement_is_measured_against_a_fit_on_train() -> None:
    X, _ = data()
    (verdict,) = judge(StandardScaler(with_std=False).fit(X), X)
    expected = np.abs(X.mean(0) - X[:180].mean(0)) / X[:180].std(0)
    assert verdict.moved == pytest.approx(expected.max())
    assert verdict.where == "mean_"
    column = np.argmax(np.abs(1 - X[:180].mean(0) / X.mean(0)))
    assert verdict.fitted == pytest.approx(X.mean(0)[column])
    assert verdict.on_train == pytest.approx(X[:180].mean(0)[column])


def test_a_flipped_component_did_not_move() -> None:
    X, _ = data()
    whole, part = PCA(2).fit(X), PCA(2).fit(X[:180])
    whole.components_ = (
        whole.components_ * np.sign((whole.components_ * part.components_).sum(1))[:, None] * -1
    )
    case = make_case(X={name: X[cut] for name, cut in CUT.items()}, preprocess=whole)
    (verdict,) = verdicts(case, applied(case), 0, 60.0)
    assert verdict.status == "unknown"  # no fit gives these signs


@pytest.mark.parametrize(
    "make",
    [
        lambda: RBFSampler(n_components=5),
        lambda: GaussianRandomProjection(3),
        lambda: PolynomialFeatures(2),
        Normalizer,
        lambda: FunctionTransformer(np.log1p),
        lambda: KMeans(3, n_init=1),
        lambda: FastICA(2),
    ],
)
def test_what_does_not_depend_on_the_rows_or_on_chance_too_is_never_claimed(make) -> None:
    X, y = data()
    assert all(
        verdict.status in ("train", "unknown") for verdict in judge(make().fit(X[:180], y[:180]), X, y)
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_on_a_part_of_train_is_not_ascribed_to_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 6, (300, 3)).astype(float)
    part = rng.permutation(180)[:140]
    for make in (lambda: SimpleImputer(strategy="median"), lambda: SimpleImputer(strategy="most_frequent"),
                 RobustScaler, MinMaxScaler, StandardScaler):  # fmt: skip
        assert all(v.status in ("train", "unknown") for v in judge(make().fit(X[part]), X))


def test_a_state_that_parts_of_train_give_too_is_only_noted() -> None:
    statuses = set()
    for seed in range(6):
        X = np.round(np.random.default_rng(seed).normal(size=(300, 1)), 1)
        statuses |= {v.status for v in judge(SimpleImputer(strategy="median").fit(X), X)}
    assert "beyond or part" in statuses


def test_an_object_of_the_user_s_own_class() -> None:
    class Prep:
        def fit(self, X):
            self.mean, self.std = X.mean(axis=0), X.std(axis=0)
            return self

        def __call__(self, X):
            return (X - self.mean) / self.std

    X, _ = data()
    assert [v.status for v in judge(Prep().fit(X[:180]), X)] == ["train"]
    (verdict,) = judge(Prep().fit(X), X)
    assert (verdict.status, verdict.sets, verdict.name) == ("beyond", (ALL,), "Prep")
    assert verdict.moved > 0.1


def test_an_object_that_holds_more_than_data_is_not_fitted() -> None:
    fitted = []

    class Network:
        def __init__(self) -> None:
            self.session = open  # anything that is no data

        def fit(self, X):
            fitted.append(len(X))
            return self

        def __call__(self, X):
            return X

    X, _ = data()
    judge(Network(), X)
    assert fitted == []


def test_frames_and_named_columns() -> None:
    X, _ = data()
    frame = pd.DataFrame(X, columns=list("abcde")).assign(city=np.where(X[:, 0] > 1, "x", "y"))

    def make():
        return ColumnTransformer(
            [
                ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "c"]),
                ("s", StandardScaler(), slice(1, 2)),
                ("p", "passthrough", ["e"]),
                ("c", OneHotEncoder(), ["city"]),
            ]
        )

    rows = {name: frame.iloc[cut] for name, cut in CUT.items()}
    for fitted, expected in ((frame.iloc[:180], {"train"}), (frame, {"train", "beyond"})):
        case = make_case(X=rows, preprocess=make().fit(fitted))
        assert {v.status for v in verdicts(case, applied(case), 0, 60.0)} == expected


def test_a_transformer_used_inside_a_function_hears_its_rows() -> None:
    X, _ = data()
    for rows, status in ((X[:180], "train"), (X, "beyond")):
        scaler = StandardScaler().fit(np.log(rows))
        (verdict,) = judge(lambda batch, scaler=scaler: scaler.transform(np.log(batch)), X)
        assert verdict.status == status
        assert verdict.name == "scaler (StandardScaler)"


def test_members_of_a_sequence_are_fed_by_those_before() -> None:
    X, _ = data()
    log = np.log(X)
    assert [v.status for v in judge([np.log, StandardScaler().fit(log[:180])], X)] == ["train"]
    assert [v.status for v in judge([np.log, StandardScaler().fit(log)], X)] == ["beyond"]


def test_the_user_s_objects_are_left_alone() -> None:
    X, y = data()
    pipeline = make_pipeline(
        StandardScaler(), SelectKBest(f_classif, k=2), NMF(1, init="random", random_state=0)
    )
    pipeline[:2].fit(np.abs(X), y)
    pipeline = make_pipeline(StandardScaler(), PCA(2)).fit(X, y)
    before = {key: value.copy() for key, value in learned(pipeline).items()}
    inner = pipeline[0], pipeline[0].mean_
    judge(pipeline, X, y)
    assert inner[0] is pipeline[0]
    assert inner[1] is pipeline[0].mean_
    assert all(np.array_equal(value, learned(pipeline)[key]) for key, value in before.items())


def as_features(model, method: str = "predict"):
    def features(rows):
        return np.asarray(getattr(model, method)(rows)).reshape(len(rows), -1)

    return features


MODELS = {
    "perceptron": (lambda: Perceptron(random_state=0), "decision_function"),
    "stochastic gradients": (lambda: SGDClassifier(random_state=0, max_iter=5, tol=None), "predict"),
    "boosting": (lambda: HistGradientBoostingClassifier(max_iter=3), "predict_proba"),
    "tree": (lambda: DecisionTreeClassifier(random_state=0), "predict"),
    "density": (KernelDensity, "score_samples"),
    "k-means": (lambda: KMeans(3, n_init=1, random_state=0), "predict"),
    "neighbours": (KNeighborsClassifier, "predict_proba"),
    "clustering features": (lambda: Birch(n_clusters=None, threshold=0.5), "transform"),
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_models_that_a_function_makes_features_of(name: str, whole: bool) -> None:
    X, y = data()
    X = np.rint(10 * X) if whole else X
    make, method = MODELS[name]
    for splits in (("train",), ("train", "val"), ALL, ("val",)):
        rows = rows_of(splits)
        (verdict,) = judge(as_features(make().fit(X[rows], y[rows]), method), X, y)
        assert (verdict.status, verdict.sets) == (
            ("train", ()) if splits == ("train",) else ("beyond", (splits,))
        )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [lambda: Perceptron(random_state=0), lambda: SGDClassifier(random_state=0)])
def test_train_in_another_order_is_never_ascribed_to_more(make, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.integers(0, 3, (300, 2)).astype(float), rng.integers(0, 2, 300)
    rows = rng.permutation(180)
    found = judge(as_features(make().fit(X[rows], y[rows]), "decision_function"), X, y)
    assert {verdict.status for verdict in found} <= {"train", "unknown"}


def test_only_as_many_fits_as_it_takes() -> None:
    count = []

    class Counted(StandardScaler):
        def fit(self, X, y=None):
            count.append(len(X))
            return super().fit(X, y)

    X, _ = data()
    wide = np.hstack([X, X**2])
    for splits, fits in ((("train",), [180]), (ALL, [180, 300]), (("train", "test"), [180, 240, 240])):
        scaler = Counted().fit(wide[rows_of(splits)])
        count.clear()
        assert judge(scaler, wide)[0].sets == (() if splits == ("train",) else (splits,))
        assert count == fits


def test_a_fit_without_a_seed_is_given_up_at_once() -> None:
    count = []

    class Counted(KMeans):
        def fit(self, X, y=None, sample_weight=None):
            count.append(len(X))
            return super().fit(X, y, sample_weight)

    X, _ = data()
    model = Counted(30, n_init=1, init="random").fit(X[:180])
    count.clear()
    assert judge(model, X)[0].status in ("train", "unknown")
    assert count == [180, 180]


def test_a_fit_that_takes_too_long_is_given_up() -> None:
    rng = np.random.default_rng(0)
    X = {name: rng.normal(size=(n, 3)) for name, n in (("train", 2000), ("val", 100))}
    case = make_case(X=X, preprocess=StandardScaler().fit(X["train"]))
    (verdict,) = verdicts(case, applied(case), 0, 0.0)
    assert verdict.status == "unknown"
    assert "PRE001.seconds" in verdict.note


def test_learned_state_leaves_out_what_was_given() -> None:
    scaler = StandardScaler(with_mean=False).fit(np.arange(6.0).reshape(3, 2))
    assert set(learned(scaler)) == {"scale_", "var_", "mean_"}
    assert learned(StandardScaler()) == {}
    assert refitted(scaler, np.zeros((4, 2)), None) is not scaler


def test_noise_sets_the_tolerance_number_by_number() -> None:
    first = {"a": np.array([1.0, 5.0, 0.0])}
    refits = [first, {"a": np.array([1.0 + 1e-9, 9.0, 0.0])}, {"a": np.array([1.0 - 1e-9, 2.0, 0.0])}]
    stick = yardstick(first, refits)
    assert not stick.reproducible.any()  # one in three is not most of them
    stick = yardstick({"a": first["a"][[0, 2]]}, [{"a": state["a"][[0, 2]]} for state in refits])
    assert stick.reproducible.all()
    assert stick.equal(np.array([1e-8, 0.0]))
    assert not stick.equal(np.array([1e-7, 0.0]))


def test_gaps_between_states() -> None:
    one = {"a": np.array([1.0, np.nan]), "b": np.array(["x", "y"])}
    two = {"a": np.array([1.5, np.nan]), "b": np.array(["x", "z"])}
    assert gaps(one, two).tolist() == [0.5, 0.0, 0.0, np.inf]
    assert gaps(one, {"a": np.zeros(3)}).tolist() == [np.inf] * 4
    assert exactly(one, gaps(one, one))
    assert not exactly(one, gaps(one, two))


def test_coarse_numbers_are_told_from_precise_ones() -> None:
    values = np.array([0.1, 0.25, 1 / 3, float(np.float32(0.1)), float(np.float32(1 / 3)), 1e20, np.pi * 1e9])
    assert distinct_precise(values, np.ones(7, dtype=bool)) == 3
    assert distinct_precise(values, np.zeros(7, dtype=bool)) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rounding_otherwise_keeps_ties_and_whole_numbers(dtype: type) -> None:
    X = np.array([[0.1, 0.1, 3.0], [0.7, 0.1, np.nan], [np.inf, 0.0, -2.0]], dtype=dtype)
    made = rounded(X, np.random.default_rng(0))
    assert made.dtype == dtype
    assert made[0, 0] == made[0, 1] == made[1, 1]
    np.testing.assert_array_equal(made[:, 2], X[:, 2])
    finite = np.isfinite(X)
    assert (np.abs(made[finite] - X[finite]) <= 2 * np.finfo(dtype).eps * np.abs(X[finite])).all()
    assert rounded(["text"], np.random.default_rng(0)) == ["text"]


def test_unions_nested_in_pipelines() -> None:
    X, _ = data()
    inside = FeatureUnion([("s", StandardScaler()), ("p", make_pipeline(RobustScaler(), PCA(2)))])
    pipeline = make_pipeline(FunctionTransformer(np.log), inside).fit(X)
    found = judge(pipeline, X)
    assert len(found) == 3
    assert {v.status for v in found} == {"beyond"}
    assert all(v.sets == (ALL,) for v in found)


def test_every_set_of_splits_can_be_named() -> None:
    X, _ = data()
    for size in (1, 2, 3):
        for splits in itertools.combinations(ALL, size):
            (verdict,) = judge(StandardScaler().fit(X[rows_of(splits)]), X)
            assert verdict.sets == ((splits,) if splits != ("train",) else ())
