"""SCL007."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit


def measurements(n: int = 600, seed: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    height = rng.normal(170, 9, size=n)
    weight = 0.9 * (height - 100) + rng.gamma(2, 6, size=n)
    waist = 0.6 * weight + 35 + rng.normal(0, 5, size=n)
    pulse = rng.normal(70, 10, size=n)
    visits = rng.poisson(np.maximum(waist - 60, 1) / 8)
    return np.stack([height, weight, waist, pulse, visits], axis=1)


def photographs(n: int = 1500, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    light = rng.gamma(4, 30, size=(n, 1, 1, 1))
    tint = np.array([1.15, 1.0, 0.8]) * rng.normal(1, 0.15, size=(n, 1, 1, 3))
    return np.clip(light * tint + rng.normal(0, 20, size=(n, 6, 6, 3)), 0, 255)


@pytest.mark.parametrize("order", [[3, 1, 2, 0, 4], [4, 3, 2, 1, 0], [1, 2, 3, 4, 0]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_in_another_order(order: list[int], dtype: type) -> None:
    X = measurements().astype(dtype)
    (finding,) = audit(X[:400], X[400:][:, order], select="SCL007").errors
    assert finding.columns == tuple(np.flatnonzero(np.array(order) != np.arange(5)))
    restored = {}
    exec(finding.fix.code, {}, restored := {"X_val": X[400:][:, order]})  # noqa: S102 - the code we print
    np.testing.assert_array_equal(restored["X_val"], X[400:])


def test_standardised_columns_are_told_by_their_correlations() -> None:
    X = measurements()
    X = (X - X[:400].mean(axis=0)) / X[:400].std(axis=0)
    (finding,) = audit(X[:400], X[400:][:, [3, 1, 2, 0, 4]], select="SCL007").errors
    assert finding.columns == (0, 3)


def test_a_sign() -> None:
    X = measurements()
    X = (X - X[:400].mean(axis=0)) / X[:400].std(axis=0)
    X[400:, 2] *= -1
    (finding,) = audit(X[:400], X[400:], select="SCL007").errors
    assert finding.columns == (2,)
    assert "other sign" in finding.message


@pytest.mark.parametrize("first", [False, True])
def test_channels(*, first: bool) -> None:
    X = photographs()
    train, val = X[:1000], X[1000:, ..., ::-1]
    if first:
        train, val = (np.moveaxis(part, -1, 1) for part in (train, val))
    (finding,) = audit(train, val, select="SCL007").errors
    assert "BGR" in finding.message
    assert "[2, 1, 0]" in finding.fix.code


def test_inverted_images() -> None:
    rng = np.random.default_rng(0)
    X = np.clip(rng.gamma(1.5, 40, size=(500, 6, 6)), 0, 255).round()
    (finding,) = audit(X[:350], 255 - X[350:], select="SCL007").errors
    assert "negative" in finding.message


@pytest.mark.parametrize(
    "change",
    [
        lambda X, rng: X,
        lambda X, rng: X * rng.uniform(0.8, 1.25, X.shape[1]),
        lambda X, rng: X + rng.normal(0, 5, X.shape[1]),
        lambda X, rng: X[X[:, 1] > np.median(X[:, 1])],
        lambda X, rng: X[X[:, 3] < np.median(X[:, 3])],
    ],
    ids=["same", "gain", "offset", "heavy", "slow pulse"],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_silent_on_honest_shift(change, *, scaled: bool) -> None:
    for seed in range(4):
        X = measurements(600, seed)
        train, val = X[:300], change(X[300:], np.random.default_rng(seed))
        if scaled:
            mean, std = train.mean(axis=0), train.std(axis=0)
            train, val = (train - mean) / std, (val - mean) / std
        assert not audit(train, val, select="SCL007").findings, seed


def test_the_half_that_the_splits_were_cut_by_is_no_sign() -> None:
    X = np.random.default_rng(0).uniform(-1, 1, size=(800, 4))
    order = np.argsort(X[:, 0])
    assert not audit(X[order[:400]], X[order[400:]], select="SCL007").findings


def test_warm_and_cold_photographs_pass() -> None:
    X = photographs()
    order = np.argsort((X[..., 0] - X[..., 2]).mean(axis=(1, 2)))
    assert not audit(X[order[:1000]], X[order[1000:]], select="SCL007").findings


def test_wide_tables_are_not_matched_and_say_so() -> None:
    X = np.random.default_rng(0).gamma(2, size=(80, 400))
    outcome = audit(X[:50], X[50:], select="SCL007")["SCL007"]
    assert outcome.coverage[0].examined == 0


@pytest.mark.parametrize(
    "X",
    [np.zeros((80, 3)), np.full((80, 2), np.nan), np.eye(4)[np.arange(80) % 4], np.arange(80.0)],
    ids=["zeros", "nan", "one-hot", "index"],
)
def test_degenerate_input(X: np.ndarray) -> None:
    report = audit(X[:40], X[40:], select="SCL007")
    assert report["SCL007"].status is Status.PASSED


@pytest.mark.parametrize("columns", [[0], [1], [0, 1, 2, 3, 4]], ids=["one", "another", "all"])
@pytest.mark.parametrize("split", [0, 1])
def test_signs_of_measurements_of_one_sign(columns: list[int], split: int) -> None:
    X = measurements()
    parts = [X[:400], X[400:].copy()]
    parts[split] = parts[split].copy()
    parts[split][:, columns] *= -1
    (finding,) = audit(*parts, select="SCL007").errors
    assert finding.columns == tuple(columns)


def test_all_signs_turned_are_said_once() -> None:
    X = measurements()
    report = audit(X[:400], -X[400:], select=["SCL001", "SCL007", "SCL008"])
    assert [finding.code for finding in report.findings] == ["SCL007"]


def test_few_rows_show_their_sign() -> None:
    X = measurements()
    assert audit(X[:100], -X[100:115], select="SCL007").errors
    assert not audit(X[:100], X[100:115], select="SCL007").findings


def test_columns_of_coarse_features_in_another_order() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(size=(500, 1))
    X = np.stack(
        [np.clip(np.rint(k + size[:, 0] * k / 2 + rng.normal(size=500)), 0, 9) for k in range(1, 8)], 1
    )
    assert not audit(X[:350], X[350:], select="SCL007").findings
    (finding,) = audit(X[:350], X[350:][:, [3, 1, 6, 0, 5, 4, 2]], select="SCL007").errors
    assert {0, 2, 3} <= set(finding.columns)


def test_a_column_that_is_constant_elsewhere_has_moved() -> None:
    X = np.column_stack([measurements(), np.full(600, 3.0)])
    (finding,) = audit(X[:400], X[400:][:, [5, 1, 2, 3, 4, 0]], select="SCL007").errors
    assert finding.columns == (0, 5)


def test_frames_are_compared_by_name() -> None:
    pd = pytest.importorskip("pandas")
    names = ["height", "weight", "waist", "pulse", "visits"]
    X = pd.DataFrame(measurements(), columns=names)
    report = audit(X[:400], X[400:][names[::-1]], select=["SCL007", "SHP001"])
    assert [finding.code for finding in report.findings] == ["SHP001"]
    wrong = pd.DataFrame(X[400:][names[::-1]].to_numpy(), columns=names)
    assert audit(X[:400], wrong, select="SCL007").errors


def test_a_sub_population_of_a_wide_table_keeps_its_order() -> None:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 40)) * 0.5 + rng.normal(size=(400, 40))
    X = np.where(rng.random((400, 40)) < 0.8, 0, np.exp(mixed))
    few = X[:, 0] > np.quantile(X[:, 0], 0.85)
    assert not audit(X[~few], X[few] * rng.uniform(0.2, 3, 40), select="SCL007").findings


@pytest.mark.parametrize("feature", ["price", "count", "age"])
def test_one_sign_of_a_feature_that_nothing_goes_with(feature: str) -> None:
    rng = np.random.default_rng(3)
    made = {
        "price": rng.lognormal(6, 0.5, 300),
        "count": rng.poisson(2.0, 300).astype(float),
        "age": rng.integers(18, 90, 300).astype(float),
    }
    X = np.stack([made[feature], rng.normal(size=300)], axis=1)
    val = X[220:] * [-1, 1]
    (finding,) = audit(X[:220], val, select="SCL007").findings
    assert finding.columns == (0,)
    assert finding.severity is Severity.WARNING
    assert audit(X[:220, :1], val[:, :1], select="SCL007").findings
    assert not audit(X[:220], X[220:], select="SCL007").findings


@pytest.mark.parametrize("draw", ["normal", "laplace", "uniform", "standard_cauchy"])
def test_a_cut_at_zero_is_no_sign(draw: str) -> None:
    for seed in range(10):
        X = getattr(np.random.default_rng(seed), draw)(size=(500, 3))
        above = X[:, 0] > 0
        assert not audit(X[above], X[~above], select="SCL007").findings


def test_a_part_that_reverses_correlations_is_no_sign() -> None:
    # Simpson's paradox: within the groups y grows with x and z, between them it falls.
    for seed in range(10):
        rng = np.random.default_rng(seed)
        group = rng.integers(0, 3, 240)
        inner = rng.normal(size=240)
        noise = rng.normal(size=(240, 3)) / 3
        X = np.stack([3 * group + inner, 3 * group + inner, inner - 1.2 * group], axis=1) + noise
        order = np.argsort(group == 2, kind="stable")
        cut = int((group != 2).sum())
        assert not audit(X[order[:cut]], X[order[cut:]], select="SCL007").findings, seed


def test_few_rows_show_another_order() -> None:
    rng = np.random.default_rng(5)
    latent = rng.normal(size=(160, 2))
    X = latent @ rng.normal(size=(2, 8)) + rng.normal(size=(160, 8)) / 2
    X = X * 4.0 ** np.arange(8) + 10.0 ** np.arange(8)
    order = np.random.default_rng(1).permutation(8)
    (finding,) = audit(X[:140], X[140:][:, order], select="SCL007").errors
    assert finding.evidence["features concerned"] >= 6
    for seed in range(20):
        shift = np.random.default_rng(seed).normal(size=8) * X.std(axis=0)
        assert not audit(X[:140], X[140:] + shift, select="SCL007").findings, seed


def test_zero_inflated_features_of_a_part_keep_their_order() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        kind = rng.integers(0, 4, 260)
        rates = rng.gamma(0.3, 1.0, size=(4, 40))
        X = rng.poisson(rates[kind]) * rng.gamma(1.0, 0.3, size=(260, 40)).round(2)
        part = (kind == 3) & (rng.random(260) < 0.5)
        assert not audit(X[~part], X[part], select="SCL007").errors, seed


@pytest.mark.parametrize("rows", [30, 60, 300])
def test_negatives_of_few_images(rows: int) -> None:
    rng = np.random.default_rng(0)
    yy, xx = np.mgrid[:8, :8]
    ring = 255 * np.exp(-((np.hypot(yy - 3.5, xx - 3.5) - 2.5) ** 2))
    X = np.clip(ring * rng.uniform(0.3, 1, size=(400, 1, 1)) + rng.normal(0, 25, size=(400, 8, 8)), 0, 255)
    X = X.astype(np.uint8)
    (finding,) = audit(X[:100], 255 - X[100 : 100 + rows], select="SCL007").errors
    assert "negative" in finding.message
    assert not audit(X[:100], np.clip(X[100 : 100 + rows] + 90.0, 0, 255), select="SCL007").findings
