"""RSM002."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

Rows = tuple[np.ndarray, np.ndarray]


def _audit(train: Rows, val: Rows) -> Report:
    return audit(train[0], val[0], y_train=train[1], y_val=val[1], select="RSM002")


def _split(X: np.ndarray, y: np.ndarray, seed: int = 0, share: float = 0.25) -> tuple[Rows, Rows]:
    order = np.random.default_rng(seed).permutation(len(X))
    cut = int(share * len(X))
    return (X[order[cut:]], y[order[cut:]]), (X[order[:cut]], y[order[:cut]])


def _imbalanced(n: int = 500, d: int = 6, minority: float = 0.15, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < minority).astype(int)
    return rng.normal(size=(n, d)) + 0.6 * y[:, None], y


def _interpolated(X: np.ndarray, y: np.ndarray, seed: int = 0, alike: bool = True) -> Rows:
    """SMOTE of class 1 up to the size of class 0; `alike` draws one position a row, not one a feature."""
    rng = np.random.default_rng(seed)
    rare = X[y == 1]
    n = (y == 0).sum() - len(rare)
    near = np.argsort(((rare[:, None] - rare[None]) ** 2).sum(axis=2), axis=1)[:, 1:6]
    base = rng.integers(0, len(rare), n)
    other = near[base, rng.integers(0, near.shape[1], n)]
    gap = rng.random((n, 1 if alike else X.shape[1])).astype(X.dtype)
    made = rare[base] + gap * (rare[other] - rare[base])
    return np.concatenate([X, made]), np.concatenate([y, np.ones(n, dtype=y.dtype)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [3, 6, 40, 300])
@pytest.mark.parametrize("scaled", ["before", "after", "never"])
def test_interpolation_before_the_split_is_named(dtype: type, d: int, scaled: str) -> None:
    X, y = _imbalanced(d=d)
    X = X.astype(dtype) * np.linspace(1, 50, d, dtype=dtype)
    if scaled == "before":
        X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(dtype)
    train, val = _split(*_interpolated(X, y))
    if scaled == "after":
        mean, std = train[0].mean(axis=0), train[0].std(axis=0)
        train, val = (((rows - mean) / std, labels) for rows, labels in (train, val))
    (finding,) = _audit(train, val).errors
    assert finding.classes == (1,)
    assert finding.splits == ("val", "train")
    assert (val[1][finding.rows[0].indices] == 1).all()
    assert len(finding.rows[0]) > 0.8 * (val[1] == 1).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3, 6, 40])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_interpolation_of_train_alone_is_right(dtype: type, d: int, seed: int) -> None:
    train, val = _split(*_imbalanced(d=d, seed=seed), seed)
    train, val = (train[0].astype(dtype), train[1]), (val[0].astype(dtype), val[1])
    assert not _audit(_interpolated(*train), val).findings


def test_two_features_need_double_precision() -> None:
    X, y = _imbalanced(d=2)
    assert len(_audit(*_split(*_interpolated(X, y))).errors) == 1
    assert not _audit(*_split(*_interpolated(X.astype(np.float32), y))).findings


def test_one_feature_tells_nothing() -> None:
    outcome = _audit(*_split(*_interpolated(*_imbalanced(d=1))))["RSM002"]
    assert outcome.status is Status.SKIPPED
    assert "two continuous features" in outcome.reason


SAMPLERS = ["SMOTE", "BorderlineSMOTE", "SVMSMOTE", "ADASYN", "KMeansSMOTE"]


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers(name: str) -> None:
    samplers = pytest.importorskip("imblearn.over_sampling")
    options = {"cluster_balance_threshold": 0.01} if name == "KMeansSMOTE" else {}
    sampler = getattr(samplers, name)(random_state=0, **options)
    X, y = _imbalanced(900, d=5)
    (finding,) = _audit(*_split(*sampler.fit_resample(X, y))).errors
    assert finding.classes == (1,)
    train, val = _split(X, y)
    assert not _audit(sampler.fit_resample(*train), val).findings


def test_categories_by_vote() -> None:
    samplers = pytest.importorskip("imblearn.over_sampling")
    X, y = _imbalanced(900, d=4)
    X = np.column_stack([X, np.random.default_rng(1).integers(0, 4, (900, 3))])
    sampler = samplers.SMOTENC(categorical_features=[4, 5, 6], random_state=0)
    (finding,) = _audit(*_split(*sampler.fit_resample(X, y))).errors
    assert "all 4 continuous features" in finding.message


def test_parents_and_position_are_right() -> None:
    train, val = _split(*_interpolated(*_imbalanced()))
    (finding,) = _audit(train, val).errors
    splits = {"train": train[0], "val": val[0]}
    assert finding.evidence.examples
    for example in map(dict, finding.evidence.examples):
        ends = []
        for side in ("from", "to"):
            name, _, number = str(example[side]).split()
            ends.append(splits[name][int(number)])
        made = ends[0] + example["position"] * (ends[1] - ends[0])
        np.testing.assert_allclose(made, val[0][example["val row"]], rtol=1e-4, atol=1e-4)


def test_held_out_parents_of_train_rows_are_named() -> None:
    X, y = _imbalanced(600)
    made, labels = _interpolated(X, y)
    val = np.random.default_rng(2).permutation(600)[:150]  # no interpolated row is held out
    train = np.setdiff1d(np.arange(len(made)), val)
    (finding,) = _audit((made[train], labels[train]), (made[val], labels[val])).errors
    assert len(finding.rows[0]) > 0.8 * (labels[val] == 1).sum()


def test_a_gap_a_feature_makes_no_line() -> None:
    assert not _audit(*_split(*_interpolated(*_imbalanced(), alike=False))).findings


def test_rounding_erases_the_trace() -> None:
    X, y = _interpolated(*_imbalanced())
    assert not _audit(*_split(np.round(X, 2), y)).findings


def test_whole_numbers_rounded_back_beside_exact_features() -> None:
    X, y = _imbalanced(d=5)
    X[:, :2] = np.rint(20 * X[:, :2])
    X, y = _interpolated(X, y)
    X[:, :2] = np.trunc(X[:, :2])
    (finding,) = _audit(*_split(X, y)).errors
    assert "all 3 continuous features" in finding.message


def _upsampled_in_time(rng: np.random.Generator, n: int) -> np.ndarray:
    known = np.cumsum(rng.normal(size=(n // 5, 5)), axis=0)
    times = np.linspace(0, len(known) - 1, n)
    return np.stack([np.interp(times, np.arange(len(known)), column) for column in known.T], axis=1)


def _windows(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(np.cumsum(rng.normal(size=n + 19)), 20)


def _filled_gaps(rng: np.random.Generator, n: int) -> np.ndarray:
    X = np.cumsum(rng.normal(size=(n, 5)), axis=0)
    gone = np.flatnonzero((np.arange(n) // 12) % 3 == 1)
    known = np.setdiff1d(np.arange(n), gone)
    X[gone] = np.stack([np.interp(gone, known, column[known]) for column in X.T], axis=1)
    return X


def _areas(rng: np.random.Generator, n: int) -> np.ndarray:
    height, length = rng.integers(1, 9, n), rng.lognormal(size=n)
    return np.column_stack([height, length, height * length])


def _tax(rng: np.random.Generator, n: int) -> np.ndarray:
    income = rng.lognormal(size=n)
    return np.column_stack(
        [income, np.interp(income, [0, 1, 2, 90], [0, 0.1, 0.4, 40]), np.maximum(income, 1)]
    )


def _shares(rng: np.random.Generator, n: int) -> np.ndarray:
    weights = rng.poisson(0.4, (n, 8)) * rng.lognormal(size=8)
    weights[:, 0] += 0.1
    return weights / weights.sum(axis=1, keepdims=True)


def _curve(rng: np.random.Generator, n: int) -> np.ndarray:
    t = rng.random(n)
    return np.column_stack([t, t**2, np.sin(t), np.exp(t)])


def _turned(rng: np.random.Generator, n: int) -> np.ndarray:
    """Two features with values that recur, after a rotation: rows that share one are on a line."""
    X = np.column_stack([rng.normal(size=150)[rng.integers(0, 150, n)], rng.normal(size=n)])
    return X @ np.array([[0.6, 0.8], [-0.8, 0.6]])


def _products(rng: np.random.Generator, n: int) -> np.ndarray:
    """Logarithms of an amount, and of the amount times one of a few rates."""
    amount = np.log(rng.gamma(2.0, 300.0, n))
    return np.column_stack([amount, amount + np.log(np.array([1.05, 1.5, 4.0])[rng.integers(0, 3, n)])])


LOOKALIKES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "upsampled": _upsampled_in_time,
    "windows": _windows,
    "gaps": _filled_gaps,
    "areas": _areas,
    "tax": _tax,
    "shares": _shares,
    "curve": _curve,
    "line": lambda rng, n: rng.normal(size=(n, 1)) * np.arange(1, 6) + 3.0,
    "two sources": lambda rng, n: (t := rng.random((n, 1))) * rng.normal(size=4) + (1 - t) * 2,
    "whole": lambda rng, n: rng.integers(0, 50, (n, 4)).astype(float),
    "decimals": lambda rng, n: (np.round(rng.normal(size=(n, 3)), 2) - 0.123) / 0.77,
    "one-hot": lambda rng, n: np.column_stack([np.eye(5)[rng.integers(0, 5, n)], rng.normal(size=(n, 2))]),
    "Cauchy": lambda rng, n: rng.standard_cauchy((n, 4)),
    "plane": lambda rng, n: rng.normal(size=(n, 2)),
    "repeats": lambda rng, n: rng.normal(size=(n // 3, 4))[rng.integers(0, n // 3, n)],
    "ties": lambda rng, n: rng.normal(size=(40, 3))[rng.integers(0, 40, (n, 3)), np.arange(3)],
    "twins": lambda rng, n: (
        rng.normal(size=(n // 2, 4))[rng.integers(0, n // 2, n)] + 1e-12 * rng.normal(size=(n, 4))
    ),
    "constant": lambda rng, n: np.ones((n, 4)),
    "turned": _turned,
    "products": _products,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", ["random", "threshold", "block", "one"])
@pytest.mark.parametrize("kind", LOOKALIKES)
def test_nature_is_not_named(kind: str, labels: str, dtype: type) -> None:
    rng = np.random.default_rng(7)
    X = LOOKALIKES[kind](rng, 600).astype(dtype)
    y = {
        "random": rng.random(600) < 0.3,
        "threshold": X[:, 1] > np.quantile(X[:, 1], 0.7),
        "block": np.arange(600) > 420,
        "one": np.zeros(600, dtype=bool),
    }[labels].astype(int)
    assert not _audit(*_split(X, y)).findings


OWN = [
    "areas",
    "tax",
    "curve",
    "line",
    "upsampled",
    "windows",
    "whole",
    "decimals",
    "repeats",
    "ties",
    "twins",
    "turned",
    "products",
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", OWN)
def test_nor_is_nature_that_one_class_has_to_itself(kind: str, dtype: type) -> None:
    rng = np.random.default_rng(8)
    own = LOOKALIKES[kind](rng, 500)
    noise = rng.normal(size=(700, own.shape[1])) * own.std(axis=0) + own.mean(axis=0)
    X, y = np.concatenate([own, noise]).astype(dtype), np.repeat([1, 0], [500, 700])
    assert not _audit(*_split(X, y)).findings


def test_nor_shares_of_a_whole_that_one_class_has_to_itself() -> None:
    rng = np.random.default_rng(9)
    weights = np.zeros((500, 6))
    for row in weights:
        row[rng.permutation(6)[:2]] = rng.random(2)
    X = np.concatenate([weights / weights.sum(axis=1, keepdims=True), rng.random((700, 6))])
    assert not _audit(*_split(X, np.repeat([1, 0], [500, 700]))).findings


def test_long_lines_are_not_taken_for_a_bundle() -> None:
    X, y = _imbalanced(3000, d=4, minority=0.01)  # some twenty rows on every segment
    (finding,) = _audit(*_split(*_interpolated(X, y))).errors
    assert finding.classes == (1,)


def test_a_large_class_is_sampled_and_says_so() -> None:
    X, y = _imbalanced(12_000, d=3, minority=0.1)
    train, val = _split(*_interpolated(X, y), share=0.5)
    report = _audit(train, val)
    (finding,) = report.errors
    (coverage,) = report["RSM002"].coverage
    assert coverage.examined < coverage.of
    assert 0 < coverage.miss_probability < 1e-3
    share = finding.evidence["share of val rows on a line with train rows"]
    assert 0.9 < share / (val[1] == 1).mean() <= 1
    assert len(finding.rows[0]) < 0.9 * share * len(val[0])


def test_several_classes_and_text_labels() -> None:
    X, y = _imbalanced(900)
    X, y = _interpolated(X, y)
    z = np.array(["common", "rare"])[y]
    z[(y == 0) & (np.arange(len(y)) % 4 == 0)] = "other"
    (finding,) = _audit(*_split(X, z)).errors
    assert finding.classes == ("rare",)


def test_each_evaluation_split_for_itself() -> None:
    X, y = _imbalanced(900)
    rest, test = _split(X, y)
    train, val = _split(*_interpolated(*rest))
    report = audit(train[0], val[0], test[0], y_train=train[1], y_val=val[1], y_test=test[1], select="RSM002")
    assert [finding.splits for finding in report.errors] == [("val", "train")]


def test_row_order_does_not_matter() -> None:
    train, val = _split(*_interpolated(*_imbalanced()))
    order = np.random.default_rng(4).permutation(len(val[0]))
    (one,) = _audit(train, val).errors
    (two,) = _audit(train, (val[0][order], val[1][order])).errors
    assert np.isin(order[two.rows[0].indices], one.rows[0].indices).mean() > 0.98


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8])
def test_a_handful_of_rows(n: int) -> None:
    X, y = np.random.default_rng(10).normal(size=(n, 3)), np.arange(n) % 2
    outcome = _audit((np.repeat(X, 3, axis=0), np.repeat(y, 3)), (X, y))["RSM002"]
    assert outcome.status in {Status.PASSED, Status.SKIPPED}
    assert Severity.ERROR not in {finding.level for finding in outcome.findings}


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308, 1e-308])
def test_values_that_cannot_be_compared_are_left_out(value: float) -> None:
    X, y = _interpolated(*_imbalanced())
    X[::50, 2] = value
    (finding,) = _audit(*_split(X, y)).errors
    assert "continuous features" in finding.message
