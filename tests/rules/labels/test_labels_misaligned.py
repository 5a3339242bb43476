"""LBL007."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Status, audit

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 4, 900)
X = (RNG.normal(size=(4, 8)) * 2.5)[Y] + RNG.normal(size=(900, 8))


def _audit(y_train: object, y_val: object, rows: np.ndarray = X, **more: object) -> Report:
    return audit(rows[:600], rows[600:], y_train=y_train, y_val=y_val, select="LBL007", **more)


def _quantity() -> np.ndarray:
    return X @ RNG.normal(size=8) + 0.3 * RNG.normal(size=900)


@pytest.mark.parametrize("dtype", ["i8", "f4", "U1", "onehot"])
@pytest.mark.parametrize("x_dtype", [np.float16, np.float32, np.float64])
def test_shuffled_labels_of_an_evaluation_split(dtype: str, x_dtype: type) -> None:
    y = np.eye(4)[Y] if dtype == "onehot" else Y.astype(dtype)
    shuffled = np.random.default_rng(1).permutation(y[600:])
    (finding,) = _audit(y[:600], shuffled, X.astype(x_dtype)).errors
    assert finding.splits == ("val", "train")
    assert finding.evidence["agreement of neighbours within train"] > 0.6
    assert abs(finding.evidence["agreement between the splits"]) < 0.2
    assert _audit(y[:600], y[600:], X.astype(x_dtype))["LBL007"].status is Status.PASSED


def test_shuffled_labels_of_train() -> None:
    (finding,) = _audit(np.random.default_rng(1).permutation(Y[:600]), Y[600:]).errors
    assert finding.splits == ("train", "val")


def test_quantities() -> None:
    y = _quantity()
    shuffled = np.random.default_rng(1).permutation(y[600:])
    assert _audit(y[:600], shuffled).errors[0].splits == ("val", "train")
    assert _audit(np.random.default_rng(1).permutation(y[:600]), y[600:]).errors
    assert _audit(y[:600], y[600:])["LBL007"].status is Status.PASSED


@pytest.mark.parametrize("lag", [-3, -1, 1, 2])
def test_labels_that_slipped(lag: int) -> None:
    moved = np.roll(Y[600:], lag)
    (finding,) = _audit(Y[:600], moved).errors
    assert f"Moved by {abs(lag)} row" in finding.message
    scope = {"X_val": X[600:], "y_val": moved}
    exec(finding.fix.code, scope)  # noqa: S102 - the mend must run
    assert len(scope["X_val"]) == len(scope["y_val"]) == 300 - abs(lag)
    assert _audit(Y[:600], np.array(scope["y_val"]), np.concatenate([X[:600], scope["X_val"]])).ok


@pytest.mark.parametrize("kind", ["classes", "two classes", "text"])
def test_each_split_encoded_by_itself(kind: str) -> None:
    if kind == "two classes":
        train, val = Y[:600] % 2, 1 - Y[600:] % 2
    else:
        names = np.array([2, 0, 3, 1])
        train, val = Y[:600], names[Y[600:]]
    if kind == "text":
        train, val = (np.array(["ant", "bee", "cat", "dog"])[part] for part in (train, val))
    (finding,) = _audit(train, val).errors
    assert "names classes otherwise" in finding.message
    assert finding.evidence["agreement once renamed"] > 0.6
    assert finding.evidence["classes renamed"] == (2 if kind == "two classes" else 4)


def test_what_neighbours_cannot_predict_is_not_judged() -> None:
    noise = RNG.integers(0, 4, 900)
    assert _audit(noise[:600], noise[600:]).findings == ()
    assert _audit(_quantity()[:600], RNG.normal(size=300), RNG.normal(size=(900, 8))).findings == ()


def test_copies_within_train_do_not_pass_for_agreement() -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 2, 600)
    rows = rng.normal(size=(600, 5))
    again = np.tile(np.arange(300), 3)
    near = rows[again] + 1e-3 * rng.normal(size=(900, 5))
    for train in (rows[again], near):
        report = audit(train, rows[300:], y_train=noise[again], y_val=noise[300:], select="LBL007")
        assert report["LBL007"].status is Status.PASSED


def test_labels_of_whole_groups_are_not_judged_by_few_groups() -> None:
    rng = np.random.default_rng(3)
    for seed in range(10):
        groups = np.repeat(np.arange(30), 30)
        label = np.random.default_rng(seed).integers(0, 2, 30)
        rows = (rng.normal(size=(30, 6)) * 3)[groups] + rng.normal(size=(900, 6))
        assert _audit(label[groups][:600], label[groups][600:], rows).findings == ()


@pytest.mark.parametrize(
    "rows",
    [
        RNG.standard_cauchy((900, 6)),
        np.where(RNG.random((900, 6)) < 0.2, np.nan, RNG.normal(size=(900, 6))),
        RNG.integers(0, 2, (900, 6)).astype(bool),
        RNG.integers(0, 255, (900, 5, 5, 3)).astype(np.uint8),
        np.full((900, 3), np.inf),
        RNG.normal(size=900),
        RNG.normal(size=(900, 700)),
    ],
    ids=lambda rows: f"{rows.dtype}{rows.shape}",
)
def test_rows_of_every_kind(rows: np.ndarray) -> None:
    report = _audit(Y[:600], Y[600:], rows)
    assert not report.crashed
    assert report.findings == ()
    if rows.shape[1:] == (700,):
        assert report["LBL007"].coverage[0].examined == 512


@pytest.mark.parametrize("n", [0, 1, 10, 49])
def test_few_rows_are_skipped(n: int) -> None:
    report = audit(X[:600], X[600 : 600 + n], y_train=Y[:600], y_val=Y[:n], select="LBL007")
    assert report["LBL007"].status is Status.SKIPPED


def test_constant_rows_and_labels() -> None:
    assert _audit(Y[:600], Y[600:], np.zeros((900, 3)))["LBL007"].status is Status.SKIPPED
    assert _audit(np.zeros(600), np.zeros(300))["LBL007"].status is Status.SKIPPED
    assert _audit(Y[:600], np.zeros(300, dtype=int))["LBL007"].status is Status.SKIPPED
    rare = np.where(np.arange(300) < 12, Y[600:], 0)
    assert _audit(Y[:600], rare)["LBL007"].status is Status.SKIPPED


def test_an_evaluation_split_of_other_proportions_is_in_step() -> None:
    for wanted in ([0], [0, 1]):
        kept = np.flatnonzero(np.isin(Y[600:], wanted) | (np.arange(300) % 10 == 0)) + 600
        report = audit(X[:600], X[kept], y_train=Y[:600], y_val=Y[kept], select="LBL007")
        assert report["LBL007"].status is Status.PASSED


def test_same_seed_same_report() -> None:
    rows = np.repeat(X, 5, axis=0) + RNG.normal(size=(4500, 8))
    given = {"X_train": rows[:3500], "X_val": rows[3500:], "y_train": np.repeat(Y, 5)[:3500]}
    given["y_val"] = np.random.default_rng(1).permutation(np.repeat(Y, 5)[3500:])
    one, other = (audit(**given, select=s)["LBL007"].to_dict() for s in ("LBL007", "LBL"))
    assert one == other
    assert one["findings"]
