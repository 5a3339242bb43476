"""LBL006."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Finding, Report, Severity, Status, audit

RNG = np.random.default_rng(0)
FIVE = RNG.integers(0, 5, 300)


def _audit(y_train: object, y_val: object = None) -> Report:
    given = {"y_train": np.asarray(y_train)}
    if y_val is not None:
        given["y_val"] = np.asarray(y_val)
    X = [np.zeros((len(y), 1)) for y in given.values()]
    return audit(*X, **given, select="LBL006")


def _mended(finding: Finding, y: np.ndarray) -> np.ndarray:
    name = finding.splits[0]
    scope = {"np": np, f"X_{name}": np.zeros((len(y), 1)), f"y_{name}": y}
    exec(finding.fix.code, scope)  # noqa: S102 - the mend must run
    assert len(scope[f"X_{name}"]) == len(scope[f"y_{name}"])
    return scope[f"y_{name}"]


def _with(y: np.ndarray, value: object, rows: tuple[int, ...] = (4, 9, 77)) -> np.ndarray:
    made = y.astype(object)
    made[list(rows)] = value
    return np.array(made.tolist())


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (_with(FIVE, np.nan), "missing"),
        (_with(FIVE, np.nan).astype(np.float16), "missing"),
        (_with(RNG.normal(size=300), np.nan), "missing"),
        (_with(RNG.normal(size=300), -np.inf), "infinite"),
        (_with(FIVE, 2.37).astype(np.float32), "a fraction among whole class ids"),
        (_with(FIVE, -1), "a placeholder among class ids"),
        (_with(FIVE, -1).astype(np.int8), "a placeholder among class ids"),
        (_with(FIVE, 255).astype(np.uint8), "a placeholder among class ids"),
        (_with(FIVE, -100), "a placeholder among class ids"),
        (_with(FIVE, 999).astype(np.float64), "a placeholder among class ids"),
        (_with(FIVE % 2, 99), "a placeholder among class ids"),
        (_with(RNG.integers(0, 100, 4000), -1), "a placeholder among class ids"),
        (_with(RNG.integers(0, 100, 4000), 255), "a placeholder among class ids"),
        (_with(FIVE.astype(str), ""), "missing"),
        (_with(FIVE.astype(str), "  "), "missing"),
        (_with(FIVE.astype(str), "nan"), "missing"),
        (_with(FIVE.astype(str), "<NA>"), "missing"),
    ],
)
def test_faults_are_found_and_dropped(y: np.ndarray, kind: str) -> None:
    (finding,) = _audit(y).errors
    assert finding.rows[0].indices.tolist() == [4, 9, 77]
    assert finding.evidence[f"rows with {kind}"] == 3
    assert finding.fix.drop == finding.rows
    assert _audit(_mended(finding, y)).findings == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_one_hot_rows(dtype: type) -> None:
    y = np.eye(5)[FIVE].astype(dtype)
    y[3] = 0
    y[8, :2] = 1
    (finding,) = _audit(y).errors
    assert finding.rows[0].indices.tolist() == [3, 8]
    assert finding.evidence["rows with a one-hot row without a 1"] == 1
    assert finding.evidence["rows with a one-hot row that does not sum to 1"] == 1
    assert _audit(_mended(finding, y)).findings == ()
    if np.dtype(dtype).kind == "f":
        y[8] = 0.5
        assert _audit(y).errors


def test_faults_of_several_kinds_make_one_finding_per_split() -> None:
    y = FIVE.astype(float)
    y[[1, 2, 3]] = [np.nan, np.inf, 1.7]
    report = _audit(y, [0.0, 1.0, np.nan])
    assert [f.splits for f in report.errors] == [("train",), ("val",)]
    assert report.errors[0].rows[0].indices.tolist() == [1, 2, 3]
    assert _audit(_mended(report.errors[0], y)).findings == ()


def test_a_split_without_any_label() -> None:
    for missing in (np.nan, -1):
        (finding,) = _audit(FIVE.astype(float), np.full(40, missing)).errors
        assert "all of its rows" in finding.message


@pytest.mark.parametrize(
    "y",
    [
        FIVE,
        FIVE + 1,
        FIVE % 2 * 2 - 1,
        FIVE % 3 - 1,
        FIVE % 2 * 255,
        FIVE - 2,
        np.array(["a", "b", "None"])[FIVE % 3],
        RNG.integers(0, 256, 9000),
        RNG.integers(0, 100, 4000),
        RNG.normal(size=300),
        RNG.standard_cauchy(300),
        np.append(RNG.lognormal(size=300), 999.0),
        RNG.poisson(4, 300),
        RNG.choice([0.0, 0.5, 1.0], 300),
        np.eye(5)[FIVE],
        np.eye(5)[FIVE] * 0.9 + 0.02,
        (RNG.random((300, 4)) < 0.3).astype(int),
        RNG.dirichlet(np.ones(3), 300),
        RNG.integers(0, 4, (30, 8, 8)),
        np.where(RNG.random(300) < 0.95, 0.0, RNG.lognormal(size=300)),
        np.zeros(0),
        np.zeros((0, 3)),
        np.array([True, False]),
    ],
)
def test_valid_labels_pass(y: np.ndarray) -> None:
    assert _audit(y)["LBL006"].status is Status.PASSED


@pytest.mark.parametrize(
    "y",
    [
        _with(FIVE % 2, -1),
        _with(FIVE, 2.5).astype(float),
        np.where(RNG.random((300, 3)) < 0.1, np.nan, RNG.normal(size=(300, 3)) + 9),
        np.where(np.arange(300) % 50 == 0, -999.0, RNG.normal(20, 5, 300)),
        np.where(np.arange(300)[:, None] % 20 == 0, 1, np.eye(4)[FIVE % 4]),
    ],
)
def test_labels_that_may_be_meant_are_warnings(y: np.ndarray) -> None:
    if y.ndim == 2 and np.isnan(y).all(axis=1).any():
        y[np.isnan(y).all(axis=1)] = 0.0
    (finding,) = _audit(y).findings
    assert finding.level is Severity.WARNING
    assert "may be meant" in finding.message


def test_rare_multi_label_rows_are_faults_where_the_other_split_has_none() -> None:
    y = np.where(np.arange(300)[:, None] % 20 == 0, 1, np.eye(4)[FIVE % 4])
    (finding,) = _audit(y, np.eye(4)[FIVE % 4]).errors
    assert finding.splits == ("train",)


def test_no_labels() -> None:
    assert audit(np.zeros((3, 1)), select="LBL006")["LBL006"].status is Status.SKIPPED
