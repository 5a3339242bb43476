"""SHP006."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit


def _audit(train: np.ndarray, val: np.ndarray) -> Report:
    return audit(train, val, select="SHP006")


def _digits() -> np.ndarray:
    return pytest.importorskip("sklearn.datasets").load_digits().images


@pytest.mark.parametrize(
    ("train", "order", "said"),
    [
        ((32, 32, 3), (0, 3, 1, 2), "channels first"),
        ((3, 32, 32), (0, 2, 3, 1), "channels last"),
        ((12, 4), (0, 2, 1), "exchanged"),
        ((28, 28, 1), (0, 3, 1, 2), "channels first"),
        ((4, 5, 6), (0, 3, 2, 1), "its axes in the order"),
        ((2, 8, 8, 3), (0, 1, 4, 2, 3), "its axes in the order"),
    ],
)
@pytest.mark.parametrize("n", [1, 30])
def test_shapes_name_the_transpose(train: tuple, order: tuple, said: str, n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, *train))
    (finding,) = _audit(X, X.transpose(order)).errors
    assert said in finding.message
    scope = {"np": np, "X_val": X.transpose(order)}
    exec(finding.fix.code, scope)  # noqa: S102 - the mend must run
    assert scope["X_val"].shape == X.shape
    if len(set(train)) == len(train):
        np.testing.assert_array_equal(scope["X_val"], X)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_square_images(dtype: type) -> None:
    X = _digits().astype(dtype)
    (finding,) = _audit(X[:1000], X[1000:].swapaxes(1, 2)).errors
    assert "axes 1 and 2 are exchanged" in finding.message
    assert finding.fix.code == "X_val = np.transpose(X_val, (0, 2, 1))"
    assert 0.8 < finding.evidence["share of the way to the other order"] < 1.2
    assert _audit(X[:1000], X[1000:])["SHP006"].status is Status.PASSED


def test_windows_with_as_many_steps_as_features() -> None:
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(300, 1, 6)) + np.arange(6)) * [1, 2, 3, 4, 5, 6] + 0.1 * rng.normal(
        size=(300, 6, 6)
    )
    assert _audit(X[:200], X[200:].swapaxes(1, 2)).errors
    assert _audit(X[:200], X[200:]).findings == ()


def test_standardised_windows_are_told_by_their_texture() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 10, 10)).cumsum(axis=1)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    (finding,) = _audit(X[:200], X[200:].swapaxes(1, 2)).findings
    assert finding.level is Severity.WARNING
    assert _audit(X[:200], X[200:]).findings == ()


def test_channels_moved_by_a_reshape() -> None:
    rng = np.random.default_rng(0)
    shade = rng.normal([0, 2, 5], size=(300, 1, 1, 3))
    X = shade + 0.5 * rng.normal(size=(300, 8, 8, 3)) + np.linspace(0, 2, 8)[:, None, None]
    scrambled = np.ascontiguousarray(X[200:].transpose(0, 3, 1, 2)).reshape(-1, 8, 8, 3)
    (finding,) = _audit(X[:200], scrambled).errors
    assert "reshaped, not transposed" in finding.message
    scope = {"np": np, "X_val": scrambled}
    exec(finding.fix.code, scope)  # noqa: S102 - the mend must run
    np.testing.assert_array_equal(scope["X_val"], X[200:])


@pytest.mark.parametrize("seed", range(3))
def test_other_populations_are_no_other_order(seed: int) -> None:
    sklearn = pytest.importorskip("sklearn.datasets")
    data = sklearn.load_digits()
    classes = np.random.default_rng(seed).permutation(10)
    half = np.isin(data.target, classes[:5])
    assert _audit(data.images[half], data.images[~half]).findings == ()
    for one in classes[:4]:
        held = data.target == one
        assert _audit(data.images[~held], data.images[held]).findings == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda rng, n: rng.normal(size=(n, 6, 6)),
        lambda rng, n: rng.standard_cauchy((n, 6, 6)),
        lambda rng, n: np.zeros((n, 6, 6)),
        lambda rng, n: np.full((n, 6, 6), np.nan),
        lambda rng, n: rng.integers(0, 2, (n, 6, 6)).astype(bool),
        lambda rng, n: rng.integers(0, 255, (n, 5, 5, 3)).astype(np.uint8),
        lambda rng, n: np.where(rng.random((n, 4, 4)) < 0.02, np.inf, rng.normal(size=(n, 4, 4))),
        lambda rng, n: (rng.random((n, 4, 4)) * 6e4).astype(np.float16),
        lambda rng, n: rng.random((n, 4, 4)) * 1e308,
        lambda rng, n: (rng.random((n, 5, 5)) < 0.01).astype(float),
        lambda rng, n: rng.normal(size=(n, 3, 3, 3, 3)),
    ],
)
def test_clean_splits_are_silent(make) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X = make(rng, 140)
        assert _audit(X[:90], X[90:])["SHP006"].status is Status.PASSED


def test_few_rows_and_flat_rows() -> None:
    X = np.random.default_rng(0).normal(size=(19, 4, 4)) + np.arange(4)
    assert _audit(X, X.swapaxes(1, 2)).findings == ()
    assert _audit(X[:0], X).findings == ()
    assert _audit(X.reshape(19, 16), X.reshape(19, 16))["SHP006"].status is Status.PASSED
