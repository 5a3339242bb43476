"""LBL004."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Status, audit

RNG = np.random.default_rng(0)
TEN = RNG.integers(0, 10, 500)
TWO = RNG.integers(0, 2, 500)
EYE = np.eye(10)


def _audit(y_train: object, y_val: object, select: str = "LBL004") -> Report:
    train, val = np.asarray(y_train), np.asarray(y_val)
    return audit(np.zeros((len(train), 1)), np.zeros((len(val), 1)), y_train=train, y_val=val, select=select)


@pytest.mark.parametrize(
    ("train", "val", "said", "mend"),
    [
        (TEN[:300], EYE[TEN[300:]], "one-hot rows of 10 columns", "np.argmax(y_val, axis=1)"),
        (EYE[TEN[:300]], TEN[300:], "whole numbers such as 0, 1, 2", "np.eye(10"),
        (EYE[TEN[:300]] * 0.9 + 0.01, TEN[300:], "smoothed one-hot", "np.eye(10"),
        (
            EYE[TEN[:300]],
            np.eye(9)[TEN[300:] % 9],
            "one-hot rows of 9 columns",
            "labels_val[:, None] == classes",
        ),
        (TEN[:300], TEN[300:].astype(str), "text such as '0'", "y_val.astype(float)"),
        (TEN[:300].astype(str), TEN[300:], "whole numbers such as 0", "y_val.astype(str)"),
        (TWO[:300], np.array(["no", "yes"])[TWO[300:]], "text such as 'no'", "LabelEncoder"),
        (TWO[:300].astype(bool), np.array(["no", "yes"])[TWO[300:]], "text such as 'no'", ""),
        (TEN[:300], TEN[300:] + 1, "numbers the classes 1 to 10, y_train 0 to 9", "y_val = y_val - 1"),
        (TEN[:300] + 1, TEN[300:], "numbers the classes 0 to 9, y_train 1 to 10", "y_val = y_val + 1"),
        (TEN[:300], TEN[300:].astype(float) + 1, "1 to 10", "y_val - 1"),
        (TWO[:300], TWO[300:] * 2 - 1, "{-1, 1}, y_train {0, 1}", "np.where(y_val == 1, 1, 0)"),
        (TWO[:300] * 2 - 1, TWO[300:], "{0, 1}, y_train {-1, 1}", "np.where(y_val == 1, 1, -1)"),
        (TWO[:300], TWO[300:] + 1, "{1, 2}, y_train {0, 1}", "np.where"),
        (TWO[:300], TWO[300:] * 255, "{0, 255}", "np.where"),
        (TWO[:300], RNG.random(200), "real numbers such as", ""),
        (TEN[:300], EYE[TEN[300:]][:, None, :] * 0.5, "vectors of real numbers", ""),
        (EYE[TEN[:300]], EYE[TEN[300:]] + EYE[(TEN[300:] + 1) % 10], "multi-hot", ""),
    ],
)
def test_forms_and_numbers(train: np.ndarray, val: np.ndarray, said: str, mend: str) -> None:
    (finding,) = _audit(train, val).errors
    assert said in finding.message
    assert mend in finding.fix.code
    assert finding.splits == ("val", "train")


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (TWO[:300], TWO[300:].astype(bool)),
        (TWO[:300].astype(bool), TWO[300:].astype(np.float32)),
        (TEN[:300], TEN[300:].astype(np.float64)),
        (TEN[:300].astype(np.uint8), TEN[300:].astype(np.int64)),
        (TEN[:300], TEN[300:, None]),
        (EYE[TEN[:300]], EYE[TEN[300:]].astype(bool)),
        (EYE[TEN[:300]] * 0.9 + 0.01, EYE[TEN[300:]]),
        (TEN[:300], TEN[300:303]),
        (TEN[:300], [9]),
        (TEN[:300], []),
        (TEN[:300], [np.nan] * 5),
        (np.array(["a", "b"])[TWO[:300]], np.array(["a", "b"])[TWO[300:]]),
        (RNG.normal(size=300), RNG.normal(size=200).astype(np.float32)),
        (RNG.poisson(90, 300), RNG.poisson(90, 200).astype(float)),
        (RNG.normal(size=300), [1.0, 2.0, 0.0]),
        (RNG.normal(size=(300, 2)), RNG.normal(size=(200, 2))),
        ((RNG.random((300, 5)) < 0.3).astype(int), np.eye(5)[:3]),
    ],
)
def test_the_same_labels_pass(train: np.ndarray, val: object) -> None:
    assert _audit(train, val)["LBL004"].status is Status.PASSED


@pytest.mark.parametrize(
    ("val", "same"),
    [
        (["Cat", "dog"], {("Cat", "cat")}),
        (["cat ", " dog"], {("cat ", "cat"), (" dog", "dog")}),
        (["cat.", "dog"], {("cat.", "cat")}),
        (["CAT", "cow"], {("CAT", "cat")}),
        (["'dog'", "ｄｏｇ"], {("'dog'", "dog"), ("ｄｏｇ", "dog")}),
    ],
)
def test_spelling(val: list[str], same: set) -> None:
    (finding,) = _audit(["cat", "dog", "big cat"] * 20, val).errors
    assert set(finding.classes) == {ours for ours, _ in same}
    shown = {(dict(row)["y_val"], dict(row)["y_train"]) for row in finding.evidence.examples}
    assert shown == same
    renamed: dict = {"np": np, "y_val": np.array(val)}
    exec(finding.fix.code, renamed)  # noqa: S102 - the mend must run
    assert _audit(["cat", "dog", "big cat"] * 20, renamed["y_val"])["LBL004"].status is Status.PASSED


def test_numbers_as_text() -> None:
    (finding,) = _audit(["1", "2", "3"] * 20, ["1.0", "2.0"] * 5).errors
    assert set(finding.classes) == {"1.0", "2.0"}


def test_labels_that_train_tells_apart_by_case_are_not_one() -> None:
    assert _audit(["CO", "Co", "Fe"] * 20, ["co", "Fe"])["LBL004"].status is Status.PASSED


def test_unknown_classes_are_no_other_writing() -> None:
    for train, val in (
        (np.repeat([0, 1, 2], 50), np.repeat([3, 4, 5], 20)),
        (np.repeat([0, 1, 2, 3, 4], 50), np.repeat([4, 5, 6], 20)),
        (np.repeat([0, 1], [100, 20]), np.repeat([1, 2], [60, 100])),
        (np.repeat(["cat", "dog"], 50), np.repeat(["cow", "dog"], 20)),
    ):
        report = _audit(train, val, "LBL")
        assert report["LBL004"].status is Status.PASSED
        assert report["LBL002"].errors if hasattr(report["LBL002"], "errors") else report["LBL002"].findings


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "standard_cauchy", "exponential"])
def test_a_target_scaled_in_one_split(distribution: str) -> None:
    raw = 40 + 30 * getattr(RNG, distribution)(size=900)
    train, val = raw[:600], raw[600:]
    scaled = (train - train.mean()) / train.std()
    (finding,) = (
        _audit(scaled, val).errors if distribution != "standard_cauchy" else (_audit(train / 50, val).errors)
    )
    assert "on another scale" in finding.message
    assert _audit(train, val)["LBL004"].status is Status.PASSED
    assert _audit(train, val + 1000)["LBL004"].status is Status.PASSED


@pytest.mark.parametrize("k", [3, 10, 100])
def test_shifted_ids_in_a_split_that_lacks_some(k: int) -> None:
    y = RNG.integers(0, k, 60 * k)
    (finding,) = _audit(y[: 30 * k], y[30 * k :] + 1).errors
    assert finding.fix.code == "y_val = y_val - 1"


def test_random_splits_of_real_looking_labels_never_disagree() -> None:
    for seed in range(150):
        rng = np.random.default_rng(seed)
        k = int(rng.integers(2, 30))
        names = rng.choice([0, 1])
        y = rng.choice(k, p=rng.dirichlet(np.ones(k)), size=int(rng.integers(10, 400))) + rng.integers(0, 2)
        y = np.array([f"class {v}" for v in y]) if names else y
        cut = max(1, int(y.size * 0.8))
        assert not _audit(y[:cut], y[cut:]).findings
