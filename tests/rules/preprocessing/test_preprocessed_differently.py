"""PRE005."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit

RAW = np.random.default_rng(0).integers(0, 256, size=(300, 4, 4)).astype(np.uint8)
CUT = {"train": slice(0, 200), "val": slice(200, 250), "test": slice(250, 300)}


def scale(rows):
    return (rows / 255.0 - 0.4) / 0.3


def forget(rows):
    return (rows - 0.4) / 0.3


def run(preprocess, *, raw: bool = True, made=None, **extra):
    made = made or dict.fromkeys(CUT, scale)
    given = {f"raw_{name}": RAW[cut] for name, cut in CUT.items()} if raw else {}
    rows = {f"X_{n}": made[n](RAW[cut]) if raw else RAW[cut].astype(float) for n, cut in CUT.items()}
    return audit(**(given | rows | extra), preprocess=preprocess, select="PRE005")["PRE005"]


def test_a_forgotten_division_is_named_with_its_slope() -> None:
    for raw in (True, False):
        found = run({"train": scale, "val": scale, "test": forget}, raw=raw, made=CUT_FORGOTTEN)
        (finding,) = found.findings
        assert finding.splits == ("test", "train")
        assert finding.level is Severity.ERROR
        assert finding.evidence["slope"] == 255.0
        assert "255 times train's" in finding.message


CUT_FORGOTTEN = {"train": scale, "val": scale, "test": forget}


def test_stored_rows_that_the_callable_does_not_make() -> None:
    (finding,) = run(scale, made=CUT_FORGOTTEN).findings
    assert finding.splits == ("test",)
    assert finding.evidence["slope"] == 255.0
    assert "X_test = preprocess(raw_test)" in finding.fix.code


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_stored_rows_that_it_makes_pass_in_any_dtype(dtype: type) -> None:
    made = dict.fromkeys(CUT, lambda rows: scale(rows).astype(dtype))
    assert run(scale, made=made).status is Status.PASSED


def test_stored_rows_may_be_flat() -> None:
    made = dict.fromkeys(CUT, lambda rows: scale(rows).reshape(len(rows), -1))
    assert run(scale, made=made).status is Status.PASSED


def test_another_order_and_another_scaler_are_named() -> None:
    (finding,) = run(
        scale, made={"train": scale, "val": lambda rows: scale(rows)[::-1], "test": scale}
    ).findings
    assert "another order" in finding.message
    per_feature = np.linspace(1, 3, 16).reshape(4, 4)
    made = {"train": scale, "val": scale, "test": lambda rows: scale(rows) * per_feature + 1}
    (finding,) = run(scale, made=made).findings
    assert "another slope and offset for each feature" in finding.message


def test_a_common_further_step_is_a_warning() -> None:
    found = run(scale, made=dict.fromkeys(CUT, lambda rows: scale(rows) * 2))
    assert {finding.level for finding in found.findings} == {Severity.WARNING}
    assert len(found.findings) == 3


def test_a_few_rows_are_a_warning() -> None:
    def edited(rows):
        made = scale(rows)
        made[7] += 1
        return made

    (finding,) = run(scale, made={"train": edited, "val": scale, "test": scale}).findings
    assert finding.level is Severity.WARNING
    assert finding.evidence["share of rows that differ"] == 1 / 200


def test_different_callables_that_agree_pass() -> None:
    rivals = {
        "train": scale,
        "val": lambda rows: (rows * (1 / 255) - 0.4) / 0.3,
        "test": lambda rows: scale(rows) + 0,
    }
    assert run(rivals, raw=False).status is Status.PASSED


def test_fit_transform_beside_transform_passes() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rows = np.random.default_rng(0).lognormal(size=(300, 3))
    scaler = preprocessing.StandardScaler()
    preprocess = {"train": scaler.fit_transform, "val": scaler.transform}
    assert audit(rows[:200], rows[200:], preprocess=preprocess, select="PRE005").ok
    other = preprocessing.StandardScaler().fit(rows[200:])
    report = audit(
        rows[:200],
        rows[200:],
        preprocess={"train": scaler.fit_transform, "val": other.transform},
        select="PRE005",
    )
    assert [finding.code for finding in report.errors] == ["PRE005"]


def test_augmentation_for_train_is_not_compared() -> None:
    def shift(rows):
        return rows + np.random.default_rng(0).normal(size=rows.shape)

    def flip(rows):
        return np.where(np.random.random((len(rows), 1, 1)) < 0.5, rows[:, ::-1], rows)  # noqa: NPY002

    for augment in (shift, flip):
        preprocess = {"train": lambda rows, a=augment: a(scale(rows)), "val": scale, "test": scale}
        assert run(preprocess, raw=False).status is not Status.FAILED


def test_one_callable_and_no_raw_rows_is_skipped() -> None:
    assert run(scale, raw=False).reason == "no raw rows given, and one callable for all splits"


def test_raw_rows_of_train_alone() -> None:
    X = scale(RAW)
    report = audit(X[:200], X[200:], raw_train=RAW[:200], preprocess=scale, select="PRE")
    assert report.ok
    assert not report.warnings


def test_non_finite_results_equal_themselves() -> None:
    def log(rows):
        with np.errstate(divide="ignore"):
            return np.log(rows.astype(float))

    assert run(log, made=dict.fromkeys(CUT, log)).status is Status.PASSED
