"""LBL003."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Status, audit


def _audit(y_train: object, y_val: object, **more: object) -> Report:
    train, val = np.asarray(y_train), np.asarray(y_val)
    return audit(
        np.zeros((len(train), 1)), np.zeros((len(val), 1)), y_train=train, y_val=val, select="LBL003", **more
    )


@pytest.mark.parametrize("dtype", ["i2", "u8", "f4", "f8", "U3", bool])
def test_a_common_class_that_is_missing(dtype: str) -> None:
    train = np.tile([0, 1], 100)
    (finding,) = _audit(train.astype(dtype), np.zeros(40).astype(int).astype(dtype)).warnings
    assert finding.splits == ("val", "train")
    assert finding.classes == (("1",) if dtype == "U3" else (1,))
    assert finding.evidence["their share of train"] == 0.5
    assert finding.evidence["largest probability of absence by chance"] < 1e-10


def test_the_probability_is_exact() -> None:
    # 6 of 10 rows drawn for val: none of the 4 of class 1 among them.
    (finding,) = _audit([1] * 30 + [0] * 10, [0] * 10).warnings
    expected = np.prod([(40 - i) / (50 - i) for i in range(30)])
    assert finding.evidence["largest probability of absence by chance"] == pytest.approx(expected, rel=1e-6)


def test_a_small_split_lacks_classes_by_chance() -> None:
    train = np.tile(np.arange(10), 100)
    assert _audit(train, np.arange(9)).findings == ()
    assert _audit(train, [3]).findings == ()
    assert _audit(train, np.tile(np.arange(9), 20)).warnings


@pytest.mark.parametrize("seed", range(3))
def test_random_splits_are_silent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        k = int(rng.integers(2, 60))
        y = rng.choice(k, p=rng.dirichlet(np.full(k, 0.3)), size=int(rng.integers(20, 800)))
        cut = int(y.size * rng.uniform(0.5, 0.95))
        assert _audit(y[:cut], y[cut:]).findings == ()


def test_a_class_that_few_groups_hold_is_missing_by_chance() -> None:
    groups = np.repeat(np.arange(20), 90)
    y = (groups == 3).astype(int)
    held = np.isin(groups, [17, 18, 19])
    given = (y[~held], y[held])
    assert _audit(*given).warnings
    assert _audit(*given, groups_train=groups[~held], groups_val=groups[held]).findings == ()
    y = groups % 2
    held = np.isin(groups, np.arange(0, 20, 2))
    report = _audit(
        np.append(y[~held], 0), y[held] * 0, groups_train=np.append(groups[~held], 0), groups_val=groups[held]
    )
    assert report.warnings


def test_another_writing_and_faults_are_left_to_their_rules() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 900)
    assert _audit(y[:600], y[600:] + 1).findings == ()
    text = np.array(["cat", "dog"])[y % 2]
    assert _audit(text[:600], np.char.upper(text[600:])).findings == ()
    faulty = np.where(rng.random(600) < 0.3, -1, y[:600])
    assert _audit(faulty, y[600:]).findings == ()


@pytest.mark.parametrize("y_val", [[], [np.nan] * 30])
def test_splits_without_labels(y_val: list) -> None:
    assert _audit(np.tile([0.0, 1.0], 50), np.array(y_val, dtype=float))["LBL003"].status is Status.PASSED


def test_quantities_are_skipped() -> None:
    y = np.random.default_rng(0).normal(size=80)
    assert _audit(y[:50], y[50:])["LBL003"].status is Status.SKIPPED
