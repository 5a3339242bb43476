"""Columns that number the rows."""

from __future__ import annotations

import numpy as np
import pytest

from auditor._case import make_case
from auditor.measures.columns import column_statistics
from auditor.measures.numbering import coincidences, numberings

RNG = np.random.default_rng(0)


def _found(*columns: np.ndarray, cut: int = 300) -> list[tuple[int, bool]]:
    X = np.column_stack([RNG.normal(size=len(columns[0])), *columns])
    case = make_case(X={"train": X[:cut], "val": X[cut:]})
    return [(n.column, n.in_order) for n in numberings(case, column_statistics(case, "train"))[0]]


@pytest.mark.parametrize(
    "make", [lambda i: i, lambda i: 10_000 + i, lambda i: 1_600_000_000 + 3600 * i, lambda i: -i]
)
def test_row_numbers_and_hourly_times(make) -> None:
    numbers = make(np.arange(400))
    assert _found(numbers) == [(1, True)]
    assert _found(RNG.permutation(numbers)) == [(1, False)]
    assert _found(RNG.permutation(make(np.arange(900)))[:400]) == [(1, False)]


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=400),
        RNG.random(400),
        RNG.permutation(np.linspace(0, 1, 400)),
        RNG.integers(0, 24, 400),
        RNG.integers(0, 400, 400),
        RNG.integers(0, 10**9, 400),
        RNG.permutation(10**6)[:400],
        RNG.poisson(500, 400),
        np.zeros(400),
        RNG.standard_cauchy(400),
        np.where(RNG.random(400) < 0.1, np.nan, np.arange(400)),
        np.cumsum(RNG.random(400)),
    ],
)
def test_quantities_are_no_numbering(values: np.ndarray) -> None:
    assert _found(values) == []


def test_few_copies_leave_a_numbering() -> None:
    numbers = np.concatenate([np.arange(388), np.arange(12) * 7])
    assert _found(RNG.permutation(numbers)) == [(1, False)]


def test_few_rows_and_one_feature() -> None:
    for X in (np.arange(160.0).reshape(80, 2), np.arange(400.0)[:, None]):
        case = make_case(X={"train": X})
        assert numberings(case, column_statistics(case, "train")) == ((), 0)


def test_coincidences() -> None:
    assert coincidences(np.array([0.0, 2, 4, 4])) == (16 / 6, 1)
    assert coincidences(np.array([0.5, 1.0])) == (0.0, 0)
    assert coincidences(np.array([np.inf, 1.0])) == (0.0, 0)
