"""DRF002."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit
from auditor.measures.separation import hat_matrix, left_out_areas, normal_scores

RNG = np.random.default_rng(0)


def _audit(*splits: object, **more: object) -> Report:
    return audit(*splits, select="DRF002", **more)


def _coupled(n: int, m: int, dtype: str = "f8") -> tuple[np.ndarray, np.ndarray]:
    train, val = RNG.normal(size=(n, 5)), RNG.normal(size=(m, 5))
    train[:, 1] = 0.9 * train[:, 0] + 0.44 * train[:, 1]
    return (train * 20).astype(dtype), (val * 20).astype(dtype)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2"])
def test_joint_differences_that_no_feature_shows(dtype: str) -> None:
    (finding,) = _audit(*_coupled(400, 300, dtype)).warnings
    assert finding.splits == ("val", "train")
    told = finding.message.split("Most telling: ")[1].split(", ")
    assert set(told[:2]) == {"column 0", "column 1"}
    assert finding.evidence["area under the ROC curve"] > 0.65
    assert finding.evidence["p-value"] == 0.001


def test_single_features_make_it_an_info() -> None:
    X = RNG.normal(size=(700, 4))
    X[400:, 2] += 1.5
    (finding,) = _audit(X[:400], X[400:]).findings
    assert finding.level is Severity.INFO
    assert 2 in finding.columns
    assert "column 2" in finding.message


@pytest.mark.parametrize(
    "make",
    [
        lambda rng, n: rng.normal(size=(n, 20)),
        lambda rng, n: rng.standard_cauchy((n, 5)),
        lambda rng, n: rng.integers(0, 2, (n, 10)).astype(bool),
        lambda rng, n: rng.normal(size=(n, 300)),
        lambda rng, n: np.where(rng.random((n, 5)) < 0.3, np.nan, rng.normal(size=(n, 5))),
        lambda rng, n: np.where(rng.random((n, 4)) < 0.1, np.inf, rng.normal(size=(n, 4)) * 1e300),
        lambda rng, n: rng.normal(size=(n // 4 + 1, 6))[rng.integers(0, n // 4 + 1, n)],
    ],
)
def test_random_splits_are_silent(make) -> None:
    for seed in range(4):
        X = make(np.random.default_rng(seed), 300)
        assert _audit(X[:200], X[200:])["DRF002"].status is Status.PASSED


def test_copies_and_upsampling_within_train_do_not_tell() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(900) < 0.15).astype(int)
    X = rng.normal(size=(900, 8)) + y[:, None]
    more = rng.choice(np.flatnonzero(y[:600]), 400)
    rows = np.concatenate([np.arange(600), more])
    report = _audit(X[rows], X[600:], y_train=y[rows], y_val=y[600:])
    assert report.findings == ()


def test_whole_groups_are_relabelled() -> None:
    groups = np.repeat(np.arange(40), 20)
    X = RNG.normal(size=(40, 6))[groups] + 0.5 * RNG.normal(size=(800, 6))
    held = groups >= 32
    ids = {"groups_train": groups[~held], "groups_val": groups[held]}
    assert _audit(X[~held], X[held]).findings
    assert _audit(X[~held], X[held], **ids).findings == ()


@pytest.mark.parametrize("n", [0, 1, 49])
def test_few_rows_are_skipped(n: int) -> None:
    X = RNG.normal(size=(200, 3))
    assert _audit(X, X[:n])["DRF002"].status is Status.SKIPPED


def test_constant_rows_pass() -> None:
    assert _audit(np.zeros((200, 3)), np.zeros((90, 3)))["DRF002"].status is Status.PASSED


def test_left_out_scores_are_those_of_refitting() -> None:
    scores, used = normal_scores(RNG.normal(size=(25, 3)))
    assert used.tolist() == [0, 1, 2]
    hat = hat_matrix(scores)
    np.testing.assert_allclose(hat.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(hat, hat.T, atol=1e-9)
    labels = np.zeros((25, 2))
    labels[:10, 0] = labels[::3, 1] = 1
    areas = left_out_areas(np.full((25, 25), 0.04), labels)
    np.testing.assert_allclose(areas, 0.0)  # leaving a row out moves the mean away from its label
