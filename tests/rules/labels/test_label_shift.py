"""LBL005."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Status, audit


def _audit(y_train: object, y_val: object, **more: object) -> Report:
    train, val = np.asarray(y_train), np.asarray(y_val)
    return audit(
        np.zeros((len(train), 1)), np.zeros((len(val), 1)), y_train=train, y_val=val, select="LBL005", **more
    )


@pytest.mark.parametrize("dtype", ["i1", "u8", "f2", "f8", "U1", bool])
def test_proportions_that_differ(dtype: str) -> None:
    train, val = np.repeat([0, 1], [700, 300]), np.repeat([0, 1], [100, 100])
    (finding,) = _audit(train.astype(dtype), val.astype(dtype)).warnings
    assert finding.evidence["total variation distance"] == pytest.approx(0.2)
    assert finding.evidence["Cohen's w"] == pytest.approx(0.4082, abs=1e-3)
    assert finding.splits == ("val", "train")
    assert "30.0% of train, 50.0% of val" in finding.message


def test_one_hot_labels() -> None:
    eye = np.eye(2)
    assert _audit(eye[np.repeat([0, 1], [700, 300])], eye[np.repeat([0, 1], [100, 100])]).warnings


def test_balancing_of_train_is_named() -> None:
    (finding,) = _audit(np.repeat([0, 1], [300, 300]), np.repeat([0, 1], [90, 10])).warnings
    assert "as after balancing" in finding.message


def test_rare_class_in_a_small_split() -> None:
    assert _audit(np.repeat([0, 1], [980, 20]), np.repeat([0, 1], [15, 5])).warnings


@pytest.mark.parametrize("kind", ["classes", "skewed classes", "quantity", "heavy tails", "counts"])
def test_random_and_stratified_splits_are_silent(kind: str) -> None:
    alarms = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(20, 1500))
        y = {
            "classes": lambda rng=rng, n=n: rng.integers(0, 7, n),
            "skewed classes": lambda rng=rng, n=n: rng.choice(20, p=rng.dirichlet(np.full(20, 0.2)), size=n),
            "quantity": lambda rng=rng, n=n: rng.normal(size=n),
            "heavy tails": lambda rng=rng, n=n: rng.standard_cauchy(n),
            "counts": lambda rng=rng, n=n: rng.poisson(50, n),
        }[kind]()
        cut = int(n * rng.uniform(0.3, 0.9))
        alarms += bool(_audit(y[:cut], y[cut:]).findings)
    assert alarms <= 3  # 0.4 expected at the stated rate


def test_small_effects_are_silent_however_significant() -> None:
    train, val = np.repeat([0, 1], [500_000, 500_000]), np.repeat([0, 1], [51_000, 49_000])
    assert _audit(train, val).findings == ()
    assert _audit(train, val, options={"LBL005.effect": 0.01}).findings


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4"])
def test_quantities(dtype: str) -> None:
    rng = np.random.default_rng(0)
    train, val = rng.normal(100, 30, 800).astype(dtype), rng.normal(130, 30, 200).astype(dtype)
    (finding,) = _audit(train, val).warnings
    assert 0.25 < finding.evidence["Kolmogorov-Smirnov distance"] < 0.5
    assert finding.evidence["median of y_val"] == pytest.approx(130, abs=6)


def test_missing_labels_do_not_count() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=600)
    assert _audit(y[:400], np.append(y[400:], [np.nan] * 300)).findings == ()
    codes = np.tile([0.0, 1.0], 200)
    assert _audit(codes, np.append(codes[:100], [np.nan] * 300)).findings == ()


def test_whole_groups_are_the_unit_of_chance() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 25)
    share = rng.beta(0.5, 0.5, 40)
    y = (rng.random(1000) < share[groups]).astype(int)
    quantity = share[groups] + rng.normal(scale=0.05, size=1000)
    with_rows = with_groups = 0
    for seed in range(12):
        held = np.isin(groups, np.random.default_rng(seed).permutation(40)[:8])
        ids = {"groups_train": groups[~held], "groups_val": groups[held]}
        for labels in (y, quantity):
            with_rows += bool(_audit(labels[~held], labels[held]).findings)
            with_groups += bool(_audit(labels[~held], labels[held], **ids).findings)
    assert with_rows > 6
    assert with_groups == 0
    held = share[groups] > np.sort(share)[31]
    ids = {"groups_train": groups[~held], "groups_val": groups[held]}
    assert _audit(y[~held], y[held], **ids).warnings
    assert _audit(quantity[~held], quantity[held], **ids).warnings


def test_groups_on_both_sides_or_of_one_row_change_nothing() -> None:
    train, val = np.repeat([0, 1], [700, 300]), np.repeat([0, 1], [100, 100])
    for ids in (np.arange(1200), np.arange(1200) % 7):
        assert _audit(train, val, groups_train=ids[:1000], groups_val=ids[1000:]).warnings


def test_two_evaluation_splits_are_told_apart() -> None:
    y = np.tile([0, 1], 500)
    report = audit(
        *(np.zeros((n, 1)) for n in (1000, 200, 200)),
        y_train=y,
        y_val=y[:200],
        y_test=np.repeat([0, 1], [150, 50]),
        select="LBL005",
    )
    assert [f.splits for f in report.findings] == [("test", "train")]


def test_another_encoding_is_left_to_its_rule() -> None:
    y = np.random.default_rng(0).integers(0, 10, 900)
    for val in (y[600:] + 1, np.eye(10)[y[600:]]):
        assert _audit(y[:600], val).findings == ()


@pytest.mark.parametrize("y_val", [[], [np.nan], [1.0]])
def test_tiny_splits(y_val: list) -> None:
    assert _audit(np.tile([0.0, 1.0], 50), np.array(y_val, dtype=float)).findings == ()


def test_what_cannot_be_compared_is_skipped() -> None:
    y = np.random.default_rng(0).normal(size=(90, 3))
    assert _audit(y[:60], y[60:])["LBL005"].status is Status.SKIPPED


def test_same_report_whatever_else_runs() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 10)
    y = (groups > 14).astype(int)
    held = groups > 15
    given = {
        "X_train": rng.normal(size=(160, 2)),
        "X_val": rng.normal(size=(40, 2)),
        "y_train": y[~held],
        "y_val": y[held],
        "groups_train": groups[~held],
        "groups_val": groups[held],
    }
    alone = audit(**given, select="LBL005")["LBL005"].to_dict()
    assert alone == audit(**given, select="LBL,SHP,DEP")["LBL005"].to_dict()
