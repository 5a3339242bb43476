"""DRF001."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Status, audit

RNG = np.random.default_rng(0)


def _audit(*splits: object, **more: object) -> Report:
    return audit(*splits, select="DRF001", **more)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "u8"])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 3, 2)])
def test_features_that_moved(dtype: str, shape: tuple[int, ...]) -> None:
    X = RNG.normal(100, 10, size=(500, 6))
    X[300:, 2] += 8
    X = X.astype(dtype).reshape(500, *shape)
    (finding,) = _audit(X[:300], X[300:]).warnings
    assert finding.columns == (2,)
    assert finding.splits == ("val", "train")
    assert 0.2 < finding.evidence["largest distance of distributions"] < 0.5


def test_missing_values_that_came() -> None:
    X = RNG.normal(size=(500, 3))
    X[300:, 1][RNG.random(200) < 0.3] = np.nan
    assert _audit(X[:300], X[300:]).warnings[0].columns == (1,)


def test_category_codes() -> None:
    pd = pytest.importorskip("pandas")
    city = np.where(np.arange(500) < 300, RNG.choice(list("abc"), 500), RNG.choice(list("abcc"), 500))
    frame = pd.DataFrame({"x": RNG.normal(size=500), "city": city})
    report = _audit(frame.iloc[:300], frame.iloc[300:])
    assert not report.crashed
    city[300:] = "b"
    frame["city"] = city
    (finding,) = _audit(frame.iloc[:300], frame.iloc[300:]).warnings
    assert finding.columns == (1,)
    assert "other categories" in finding.message


@pytest.mark.parametrize(
    "make",
    [
        lambda rng, n: rng.normal(size=(n, 20)),
        lambda rng, n: rng.standard_cauchy((n, 5)),
        lambda rng, n: rng.integers(0, 2, (n, 10)).astype(bool),
        lambda rng, n: rng.poisson(3, (n, 10)),
        lambda rng, n: (rng.random((n, 50)) < 0.01).astype(float),
        lambda rng, n: np.where(rng.random((n, 5)) < 0.3, np.nan, rng.normal(size=(n, 5))),
        lambda rng, n: np.repeat(rng.normal(size=(n, 1)), 30, axis=1),
        lambda rng, n: np.where(rng.random((n, 4)) < 0.1, np.inf, 1e308),
        lambda rng, n: np.zeros((n, 3)),
        lambda rng, n: rng.normal(size=n),
    ],
)
def test_random_splits_are_silent(make) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 500))
        X = make(rng, n)
        cut = max(1, int(n * 0.7))
        assert _audit(X[:cut], X[cut:]).findings == ()


def test_small_distances_are_silent_however_significant() -> None:
    X = RNG.normal(size=(8000, 2))
    X[4000:] += 0.15
    assert _audit(X[:4000], X[4000:]).findings == ()
    assert _audit(X[:4000], X[4000:], options={"DRF001.distance": 0.02}).findings


def test_another_scale_is_left_to_its_rule() -> None:
    X = RNG.integers(0, 256, size=(400, 8, 8)).astype(float)
    report = audit(X[:300] / 255, X[300:], select="DRF,SCL001")
    assert report["SCL001"].findings
    assert report["DRF001"].findings == ()
    assert report["DRF002"].findings == ()


def test_another_mixture_of_classes_is_no_drift() -> None:
    y = RNG.integers(0, 2, 900)
    X = RNG.normal(size=(900, 4)) + 2 * y[:, None]
    kept = np.flatnonzero((np.arange(900) < 500) | (y == 1) | (RNG.random(900) < 0.2))
    X, y = X[kept], y[kept]
    assert _audit(X[:500], X[500:]).warnings
    assert _audit(X[:500], X[500:], y_train=y[:500], y_val=y[500:]).findings == ()
    X[500:] += 1
    assert _audit(X[:500], X[500:], y_train=y[:500], y_val=y[500:]).warnings


def test_whole_groups_are_exchanged() -> None:
    groups = np.repeat(np.arange(40), 20)
    level = RNG.normal(size=(40, 3))
    X = level[groups] + 0.3 * RNG.normal(size=(800, 3))
    alarms = with_groups = 0
    for seed in range(10):
        held = np.isin(groups, np.random.default_rng(seed).permutation(40)[:8])
        alarms += bool(_audit(X[~held], X[held]).findings)
        ids = {"groups_train": groups[~held], "groups_val": groups[held]}
        with_groups += bool(_audit(X[~held], X[held], **ids).findings)
    assert alarms > 5
    assert with_groups == 0
    held = level[groups, 1] > np.sort(level[:, 1])[31]
    ids = {"groups_train": groups[~held], "groups_val": groups[held]}
    assert _audit(X[~held], X[held], **ids).warnings[0].columns == (1,)


def test_few_groups_say_nothing_and_it_is_said() -> None:
    groups = np.repeat(np.arange(6), 50)
    X = groups[:, None] + RNG.normal(size=(300, 2))
    report = _audit(X[:250], X[250:], groups_train=groups[:250], groups_val=groups[250:])
    assert report.findings == ()
    assert "too few groups" in report["DRF001"].coverage[0].note


def test_many_rows_and_features_are_sampled_and_it_is_said() -> None:
    X = RNG.normal(size=(5000, 1100)).astype(np.float32)
    report = _audit(X[:4500], X[4500:])
    assert report.findings == ()
    assert {part.what: part.examined for part in report["DRF001"].coverage} == {
        "features": 1000,
        "rows": 4500,
    }


def test_same_seed_same_report_whatever_else_runs() -> None:
    X = RNG.normal(size=(9000, 3))
    X[5000:] += 0.5
    one, other = (audit(X[:5000], X[5000:], select=s)["DRF001"].to_dict() for s in ("DRF001", "DRF"))
    assert one == other


def test_empty_and_other_shapes_are_skipped() -> None:
    X = RNG.normal(size=(50, 3))
    assert _audit(X, X[:0])["DRF001"].status is Status.SKIPPED
    assert _audit(X, X[:, :2])["DRF001"].status is Status.SKIPPED
    assert _audit(X, X[:1])["DRF001"].status is Status.PASSED
