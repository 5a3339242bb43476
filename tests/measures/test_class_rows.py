"""Different rows by class, and features that may be interpolated."""

from __future__ import annotations

import numpy as np

from auditor._case import Case, make_case
from auditor.measures.class_rows import ClassPools, class_pools, continuous_columns, no_news
from auditor.measures.copies import copies


def _case(X: np.ndarray, y: np.ndarray, cut: int) -> Case:
    return make_case(X={"train": X[:cut], "val": X[cut:]}, y={"train": y[:cut], "val": y[cut:]})


def _pools(X: np.ndarray, y: np.ndarray, cut: int) -> tuple[Case, ClassPools]:
    case = _case(X, y, cut)
    return case, class_pools(case, copies(case), "val")


def test_equal_rows_stand_once_and_know_where() -> None:
    X = np.random.default_rng(0).normal(size=(20, 3))
    X[15] = X[2]  # of train and val
    X[17] = X[16]  # twice in val
    _, pools = _pools(X, np.repeat(0, 20), 12)
    own = pools.classes[0]
    assert own.total == 20
    assert own.numbers.tolist() == [*range(15), 16, 18, 19]
    assert own.numbers[own.in_train].tolist() == list(range(12))
    assert own.numbers[own.held_out].tolist() == [2, 12, 13, 14, 16, 18, 19]
    np.testing.assert_array_equal(pools.rows(own.numbers, np.array([1, 2])), X[own.numbers][:, 1:])


def test_classes_of_few_rows_are_left_out() -> None:
    X = np.random.default_rng(1).normal(size=(20, 3))
    _, pools = _pools(X, np.repeat([0, 1], [15, 5]), 10)
    assert list(pools.classes) == [0]


def test_columns_that_may_have_been_interpolated() -> None:
    rng = np.random.default_rng(2)
    n = 200
    X = np.column_stack(
        [
            rng.normal(size=n),
            rng.integers(0, 500, n),  # a grid
            np.round(rng.normal(size=n), 2) * 1.7 + 0.3,  # a scaled grid
            np.where(rng.random(n) < 0.8, 0.0, rng.normal(size=n)),  # mostly zero
            np.where(np.arange(n) == 50, np.nan, rng.normal(size=n)),
            rng.normal(size=n),
            rng.normal(size=7)[rng.integers(0, 7, n)],  # few values
            np.where(np.arange(n) == 60, 1e200, rng.normal(size=n)),
        ]
    )
    case, pools = _pools(X, np.repeat(0, n), 150)
    loose, strict = continuous_columns(case, pools, pools.classes[0], rng)
    assert loose.continuous.tolist() == [0, 3, 5]
    assert strict.continuous.tolist() == [0, 5]
    assert loose.gridded.tolist() == [1, 2]
    np.testing.assert_allclose(loose.step, [1.0, 0.017], rtol=1e-6)


def test_values_that_others_have_are_no_news() -> None:
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.normal(size=100), rng.integers(0, 50, 100)])
    X[7, 0] = X[80, 0]
    X[90] = [0.123, 17.318]
    _, pools = _pools(X, np.repeat([0, 1], [70, 30]), 60)
    told = no_news(pools, np.array([7, 8, 90, 7]), np.array([0, 1]))
    assert told.tolist() == [[True, True], [False, True], [False, False], [True, True]]
