"""SCL002."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import Severity, Status, audit

N, TRAIN, VAL = 300, 200, 250
ROWS = {
    "train": slice(0, TRAIN),
    "val": slice(TRAIN, VAL),
    "test": slice(VAL, N),
    "train+val": slice(0, VAL),
    "all": slice(0, N),
}


def gammas(seed: int, d: int = 6, dtype: type = np.float64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.gamma(2.0, 3.0, size=(N, d)) + rng.normal(50, 20, size=d)).astype(dtype)


def standard(X: np.ndarray, rows: np.ndarray, ddof: int = 0) -> np.ndarray:
    return ((X - rows.mean(axis=0)) / rows.std(axis=0, ddof=ddof)).astype(X.dtype)


def min_max(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    low, high = rows.min(axis=0), rows.max(axis=0)
    return ((X - low) / (high - low)).astype(X.dtype)


def robust(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    low, middle, high = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
    return ((X - middle) / (high - low)).astype(X.dtype)


def splits(X: np.ndarray) -> dict[str, np.ndarray]:
    return {"X_train": X[:TRAIN], "X_val": X[TRAIN:VAL], "X_test": X[VAL:]}


def fitted_on(finding) -> str:
    return str(dict(finding.evidence.examples[0])["fitted on"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize(
    ("rows", "words"),
    [("train+val", "train and val"), ("all", "train, val and test"), ("val", "val"), ("test", "test")],
)
def test_names_the_rows_that_were_fitted(rows: str, words: str, ddof: int, dtype: type) -> None:
    X = gammas(1, dtype=dtype)
    (finding,) = audit(**splits(standard(X, X[ROWS[rows]], ddof)), select="SCL002").findings
    assert fitted_on(finding) == words
    assert finding.columns == tuple(range(6))
    assert finding.evidence["log10 of the chance of it"] < -8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaler", [standard, min_max, robust])
def test_a_scaler_fitted_on_train_passes(scaler, dtype: type) -> None:
    X = gammas(2, d=30, dtype=dtype)
    report = audit(**splits(scaler(X, X[:TRAIN])), select="SCL002,SCL003")
    assert not report.findings
    assert report["SCL002"].status is Status.PASSED


@pytest.mark.parametrize(("scaler", "name"), [(min_max, "min-max"), (robust, "robust")])
def test_scalers_of_order_statistics(scaler, name: str) -> None:
    X = gammas(3, d=30)
    (finding,) = audit(**splits(scaler(X, X)), select="SCL002").findings
    assert fitted_on(finding) == "train, val and test"
    assert dict(finding.evidence.examples[0])["scaler"] == name


def test_max_abs() -> None:
    X = gammas(4, d=40) - 55
    (finding,) = audit(**splits(X / np.abs(X).max(axis=0)), select="SCL002").findings
    assert dict(finding.evidence.examples[0])["scaler"] == "max-abs"


def test_principal_components() -> None:
    X = gammas(5)
    centred = X - X.mean(axis=0)
    scores = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    (finding,) = audit(**splits(scores), select="SCL002").findings
    assert dict(finding.evidence.examples[0])["scaler"] == "PCA"


def test_centred_columns_of_unit_norm() -> None:
    X = gammas(6)
    X = X - X.mean(axis=0)
    (finding,) = audit(**splits(X / np.linalg.norm(X, axis=0)), select="SCL002").findings
    assert dict(finding.evidence.examples[0])["scaler"] == "unit norm"


def test_only_some_columns_were_scaled() -> None:
    X = gammas(7)
    X[:, [1, 4]] = standard(X[:, [1, 4]], X[:, [1, 4]])
    (finding,) = audit(**splits(X), select="SCL002").findings
    assert finding.columns == (1, 4)


def test_one_column_of_many_digits_is_enough() -> None:
    X = gammas(8, d=1)
    assert audit(**splits(standard(X, X)), select="SCL002")["SCL002"]


@pytest.mark.parametrize("channels", [None, 3])
def test_one_mean_for_images(channels: int | None) -> None:
    rng = np.random.default_rng(9)
    shape = (N, 8, 8) if channels is None else (N, 8, 8, channels)
    X = np.clip(
        rng.normal(120, 40, size=shape) + rng.normal(0, 30, size=(N,) + (1,) * (len(shape) - 1)), 0, 255
    )
    axis = None if channels is None else (0, 1, 2)
    for rows, wanted in ((slice(0, TRAIN), 0), (slice(0, N), 1)):
        mean, std = X[rows].mean(axis=axis), X[rows].std(axis=axis)
        report = audit(**splits(((X - mean) / std).astype(np.float32)), select="SCL002")
        assert len(report.findings) == wanted


def test_oversampled_after_scaling() -> None:
    X = gammas(10, d=8)
    rng = np.random.default_rng(0)
    for rows, wanted in ((slice(0, TRAIN), 0), (slice(0, VAL), 1)):
        Z = standard(X, X[rows])
        grown = np.concatenate([Z[:TRAIN], Z[rng.integers(0, 40, 120)]])
        findings = audit(grown, Z[TRAIN:VAL], select="SCL002").findings
        assert len(findings) == wanted
        assert not wanted or "first 200 rows" in findings[0].message


def test_harm_decides_the_severity() -> None:
    X = gammas(11)
    mild = audit(**splits(standard(X, X)), select="SCL002").findings[0]
    assert mild.level is Severity.WARNING
    assert mild.evidence["shift that train-only statistics would make"] < 0.1
    X[VAL:] += 15
    harsh = audit(**splits(standard(X, X)), select="SCL002").findings[0]
    assert harsh.level is Severity.ERROR
    shift = max(abs(Z.mean() / Z.std()) for Z in standard(X, X)[:TRAIN].T)
    assert harsh.evidence["shift that train-only statistics would make"] == pytest.approx(shift)


def test_harm_is_an_option() -> None:
    X = gammas(12)
    report = audit(**splits(standard(X, X)), select="SCL002", options={"SCL002.harm": 0.001})
    assert report.errors


def test_missing_values_are_set_aside() -> None:
    X = gammas(13)
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    Z = (X - np.nanmean(X, axis=0)) / np.nanstd(X, axis=0)
    assert fitted_on(audit(**splits(Z), select="SCL002").findings[0]) == "train, val and test"


def factor_levels(rng: np.random.Generator) -> np.ndarray:
    levels = np.resize(np.linspace(-1, 1, 15), N)
    return rng.permuted(np.tile((levels / levels.std())[:, None], 5), axis=0)


def row_scores(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)


NATURAL = {
    "normal": lambda rng: rng.normal(size=(N, 6)),
    "balanced signs": lambda rng: rng.permuted(np.tile(np.resize([-1.0, 1.0], N)[:, None], 4), axis=0),
    "factor levels": factor_levels,
    "mesh": lambda rng: rng.permutation(
        np.stack(np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 15)), -1).reshape(-1, 2)
    ),
    "linspace": lambda rng: rng.permuted(np.tile(np.linspace(-1, 1, N)[:, None], 5), axis=0),
    "golden ratio": lambda rng: np.outer(np.arange(N), [0.6180339887, 0.41421356]) % 1,
    "percentages": lambda rng: np.round(rng.beta(2, 2, size=(N, 12)), 2),
    "pixels": lambda rng: rng.integers(0, 256, size=(N, 30)) / 255,
    "ratios with rare atoms": lambda rng: np.where(
        rng.random((N, 12)) < 1.5 / N, rng.integers(0, 2, (N, 12)), rng.beta(2, 2, (N, 12))
    ),
    "hours as sine and cosine": lambda rng: np.stack(
        [np.sin(np.pi * np.resize(np.arange(24), N) / 12), np.cos(np.pi * np.resize(np.arange(24), N) / 12)],
        1,
    ),
    "one-hot": lambda rng: np.eye(6)[rng.integers(0, 6, N)],
    "row z-scores": lambda rng: row_scores(rng.gamma(2, size=(N, 12))),
    "cauchy": lambda rng: rng.standard_cauchy((N, 6)),
    "sparse": lambda rng: np.where(rng.random((N, 8)) < 0.02, rng.lognormal(size=(N, 8)), 0),
    "repeated rows": lambda rng: np.repeat(rng.normal(size=(N // 4, 6)), 4, axis=0),
    "constant": lambda rng: np.zeros((N, 3)),
}


@pytest.mark.parametrize("name", NATURAL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_silent_on_nature_and_design(name: str, dtype: type) -> None:
    for seed in range(3):
        X = NATURAL[name](np.random.default_rng(seed)).astype(dtype)
        assert not audit(**splits(X), select="SCL").findings, (name, seed)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from(["train", "train+val", "all"]))
def test_order_of_rows_does_not_matter(seed: int, d: int, rows: str) -> None:
    X = gammas(seed, d=d)
    Z = standard(X, X[ROWS[rows]])
    rng = np.random.default_rng(seed)
    before = audit(**splits(Z), select="SCL002").findings
    mixed = {name: part[rng.permutation(len(part))] for name, part in splits(Z).items()}
    after = audit(**mixed, select="SCL002").findings
    assert bool(before) == (rows != "train")
    assert [f.fingerprint for f in before] == [f.fingerprint for f in after]


@pytest.mark.parametrize("sizes", [(1, 1), (2, 1), (3, 2), (2, 0), (40, 1)])
def test_few_rows(sizes: tuple[int, int]) -> None:
    X = gammas(14)
    report = audit(X[: sizes[0]], X[sizes[0] : sum(sizes)], select="SCL002,SCL003")
    assert not report.findings
    assert not report.crashed


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.float16])
def test_coarse_types(dtype: type) -> None:
    X = np.random.default_rng(0).integers(0, 2, size=(N, 5)).astype(dtype)
    assert not audit(**splits(X), select="SCL").findings


def test_infinity_is_no_obstacle() -> None:
    X = standard(gammas(15), gammas(15))
    X[3, 2] = np.inf
    report = audit(**splits(X), select="SCL002")
    assert not report.crashed
    assert 2 not in report.findings[0].columns


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize(
    ("rows", "words"), [("train", ""), ("train+val", "train and val"), ("all", "train, val and test")]
)
def test_quantile_transformers(output: str, rows: str, words: str) -> None:
    from sklearn.preprocessing import QuantileTransformer

    X = np.round(np.concatenate([gammas(20 + i) for i in range(5)]), 1)
    order = {"train": slice(0, 1000), "train+val": slice(0, 1250), "all": slice(0, 1500)}
    made = QuantileTransformer(n_quantiles=1000, output_distribution=output).fit(X[order[rows]]).transform(X)
    findings = audit(made[:1000], made[1000:1250], made[1250:], select="SCL002,SCL003").findings
    assert [fitted_on(finding) for finding in findings] == ([words] if words else [])
    assert not words or output in str(dict(findings[0].evidence.examples[0])["scaler"])


@pytest.mark.parametrize("design", ["sobol", "halton", "latin"])
@pytest.mark.parametrize("how", ["random", "in order", "in turns"])
@pytest.mark.parametrize("own", [False, True])
def test_designs_centred_on_zero_pass(design: str, how: str, *, own: bool) -> None:
    from scipy.stats import qmc

    kinds = {"sobol": qmc.Sobol, "halton": qmc.Halton, "latin": qmc.LatinHypercube}
    for n, d in ((256, 5), (512, 8)):
        X = 2 * kinds[design](d, seed=n).random(n) - 1
        order = np.random.default_rng(n).permutation(n) if how == "random" else np.arange(n)
        parts = [order[: n // 2], order[n // 2 : n * 3 // 4], order[n * 3 // 4 :]]
        if how == "in turns":
            parts = [order[::2], order[1::4], order[3::4]]
        if own:  # standardised, as it should be
            X = (X - X[parts[0]].mean(axis=0)) / X[parts[0]].std(axis=0)
        assert not audit(*(X[part] for part in parts), select=["SCL002", "SCL003"]).findings
