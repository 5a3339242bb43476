"""What the preprocessing makes of each split."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from auditor import Status, audit
from auditor._case import make_case
from auditor.probes.application import applied, one_line, preprocessed_case

X = np.random.default_rng(0).lognormal(size=(60, 3))
ROWS = {"train": X[:40], "val": X[40:]}


def run(function, rows=ROWS, **given):
    case = make_case(X=rows, preprocess=function, **given)
    made = applied(case)
    return case, made, preprocessed_case(case, made)


@pytest.mark.parametrize(
    "function",
    [
        lambda rows: rows * 2,
        lambda rows: (rows * 2).tolist(),
        lambda rows: list(rows * 2),
        lambda rows: sp.csr_matrix(rows * 2),
        lambda rows: sp.coo_array(rows * 2),
        lambda rows: pd.DataFrame(rows * 2),
        lambda rows: (rows * 2).astype(object),
        lambda rows: np.ma.masked_array(rows * 2),
        lambda rows: np.asfortranarray(rows * 2),
    ],
)
def test_every_kind_of_rows_becomes_an_array(function) -> None:
    case, made, new = run(function)
    assert made.failures == {}
    for split in case:
        np.testing.assert_array_equal(new[split.name].X, split.X * 2)
    assert new.stage == "preprocessed"


@pytest.mark.parametrize(
    ("function", "kind", "says"),
    [
        (lambda rows: None, "not rows", "return statement"),
        (lambda rows: (rows, rows[:, 0]), "not rows", "tuple of 2 arrays"),
        (lambda rows: {"x": rows}, "not rows", "mapping"),
        (lambda rows: (row for row in rows), "not rows", "generator"),
        (lambda rows: rows.sum(), "not rows", "single value"),
        (lambda rows: 3, "not rows", "single value"),
        (lambda rows: "x", "not rows", "single text"),
        (lambda rows: {1, 2}, "not rows", "no order"),
        (lambda rows: np.array([[1], [2, 3]], dtype=object), "not rows", "different shapes"),
        (lambda rows: rows.astype(str), "not numbers", "text"),
        (lambda rows: np.full(len(rows), "a", dtype=object), "not numbers", "text"),
        (lambda rows: rows + 1j, "not numbers", "complex"),
        (lambda rows: 1 / 0, "raised", "ZeroDivisionError: division by zero"),
        (lambda rows: rows[:, 9], "raised", "IndexError"),
        (lambda rows: sys.exit(3), "raised", "SystemExit"),
    ],
)
def test_every_failure_is_named(function, kind: str, says: str) -> None:
    _, made, new = run(function)
    assert new is None
    assert {failure.kind for failure in made.failures.values()} == {kind}
    assert says in made.failures["train"].message
    assert bool(made.failures["train"].traceback) is (kind == "raised")


def test_the_given_arrays_are_not_touched() -> None:
    before = X.copy()

    def overwrite(rows):
        rows[:] = 0
        return rows

    _, made, _ = run(overwrite)
    np.testing.assert_array_equal(X, before)
    assert made.writes["train"].rows.size == 40


def test_an_empty_split_gets_the_empty_output_it_would_have() -> None:
    from sklearn.preprocessing import OneHotEncoder

    codes = np.random.default_rng(0).integers(0, 3, (30, 2))
    encoder = OneHotEncoder(sparse_output=False).fit(codes)
    _, made, new = run(encoder, {"train": codes, "val": codes[:0]})
    assert made.failures == {}
    assert new["val"].X.shape == (0, 6)


def test_text_columns_of_frames_get_codes_common_to_all_splits() -> None:
    frames = {"train": pd.DataFrame({"c": ["b", "a"]}), "val": pd.DataFrame({"c": ["b", "c"]})}
    _, _, new = run(lambda frame: frame, frames)
    assert new["train"].X.ravel().tolist() == [1.0, 0.0]
    assert new["val"].X.ravel().tolist() == [1.0, 2.0]
    assert new.categorical.tolist() == [True]
    assert new.feature_names == ("c",)


def test_a_callable_for_arrays_is_not_blamed_for_frames_and_lists() -> None:
    def first(rows):
        return rows[:, :1]

    for rows in (
        {name: pd.DataFrame(part) for name, part in ROWS.items()},
        {name: part.tolist() for name, part in ROWS.items()},
    ):
        _, made, new = run(first, rows)
        assert made.failures == {}
        assert new["train"].X.shape == (40, 1)
    words = {"train": pd.DataFrame({"c": ["b", "a"]})}
    assert run(first, words)[1].failures["train"].kind == "raised"


def test_without_raw_rows_a_split_s_x_is_already_preprocessed() -> None:
    calls = []

    def count(rows):
        calls.append(len(rows))
        return rows

    _, made, _ = run(count, raw={"train": X[:40]})
    assert calls == [40]
    assert list(made.inputs) == ["train"]


def test_the_model_and_labels_go_on_to_the_preprocessed_case() -> None:
    model = object()
    case = make_case(X=ROWS, y={"train": np.zeros(40)}, preprocess=np.log, model=model)
    new = preprocessed_case(case, applied(case))
    assert new.model is model
    assert new.train.y is not None


def test_fitting_in_train_s_callable_serves_the_others() -> None:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    _, made, new = run({"train": scaler.fit_transform, "val": scaler.transform})
    assert made.failures == {}
    np.testing.assert_allclose(new["train"].X.mean(axis=0), 0, atol=1e-12)
    assert not hasattr(scaler, "mean_")


def test_errors_in_one_line() -> None:
    assert one_line(ValueError("first\nsecond")) == "ValueError: first"
    assert one_line(ValueError("\n")) == "ValueError"
    assert len(one_line(ValueError("x" * 5000))) < 400


def test_an_audit_of_random_code_repeats_itself() -> None:
    def noisy(rows):
        return rows + np.random.normal(size=rows.shape)  # noqa: NPY002

    np.random.seed(0)  # noqa: NPY002
    one = audit(
        **{f"X_{name}": part for name, part in ROWS.items()}, preprocess=noisy, select=("PRE", "SCL", "SHP")
    )
    np.random.random(7)  # noqa: NPY002
    two = audit(
        **{f"X_{name}": part for name, part in ROWS.items()}, preprocess=noisy, select=("PRE", "SCL", "SHP")
    )
    assert one.to_dict() == two.to_dict()


def test_a_callable_that_fails_leaves_rules_to_say_so() -> None:
    report = audit(X[:40], X[40:], preprocess=lambda rows: None)
    assert not report.crashed
    assert report["PRE008"].status is Status.FAILED
    assert report["SHP003"].status is Status.SKIPPED
