"""Families of near copies within a class."""

from __future__ import annotations

import numpy as np
import pytest

from auditor._case import make_case
from auditor.measures.copies import copies
from auditor.measures.families import Families, families


def _found(X: np.ndarray, y: np.ndarray, held_out: np.ndarray) -> Families:
    case = make_case(
        X={"train": X[~held_out], "val": X[held_out]}, y={"train": y[~held_out], "val": y[held_out]}
    )
    return families(case, copies(case), "val", (0, 1), 0)


def _rows(sizes: np.ndarray, noise: float = 0.01, d: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(sizes.size), sizes)
    near = rng.normal(size=(sizes.size, d))[owner] + noise * rng.normal(size=(owner.size, d))
    X = np.concatenate([near, rng.normal(size=(owner.size, d))])
    return X, np.repeat([1, 0], owner.size), owner


def test_sizes_of_families_are_recovered() -> None:
    sizes = 1 + np.random.default_rng(1).poisson(4, size=60)
    X, y, owner = _rows(sizes)
    held_out = np.random.default_rng(2).random(y.size) < 0.25
    found = _found(X, y, held_out)
    assert found.counts.rows.tolist() == [owner.size, owner.size]
    assert found.counts.different[1] == pytest.approx(60, abs=4)
    assert found.counts.repeated[1] == pytest.approx((sizes > 1).sum(), abs=6)
    assert found.counts.different[0] > 0.95 * owner.size
    assert found.within[1] > 0.95
    assert found.within[0] < 0.05
    assert found.alike[1] > 0.02
    assert found.uneven[1] < 0.5
    assert abs(found.scatter[1]) < 0.2
    assert found.nearer[1] < 0.05


def test_pairs_are_of_one_family() -> None:
    X, y, owner = _rows(np.full(50, 4))
    held_out = np.arange(y.size) % 4 == 0
    found = _found(X, y, held_out)
    names = np.concatenate([owner, -1 - np.arange(owner.size)])
    assert found.rows.tolist() == sorted(found.rows.tolist())
    assert (names[held_out][found.rows] == names[~held_out][found.partner]).all()
    assert found.counts.straddling[1] == 50
    assert found.alike[1] < 1e-3  # as many copies of every row


def test_noise_of_many_sizes_scatters() -> None:
    rng = np.random.default_rng(3)
    X, y, owner = _rows(1 + rng.poisson(4, size=60), noise=0.0)
    X[: owner.size] += np.exp(rng.normal(-5, 1, size=60))[owner, None] * rng.normal(size=(owner.size, 6))
    assert _found(X, y, rng.random(y.size) < 0.25).scatter[1] > 0.5


def test_rows_equal_in_what_counts_are_no_family() -> None:
    rng = np.random.default_rng(4)
    X, y, _ = _rows(np.full(50, 3), noise=0.0)
    X = np.column_stack([X, np.arange(y.size) % 3])  # few values: a category
    found = _found(X, y, rng.random(y.size) < 0.25)
    assert found.within[1] < 0.05


def test_drawn_rows_of_a_large_class() -> None:
    sizes = 1 + np.random.default_rng(5).poisson(3, size=900)
    X, y, _ = _rows(sizes, d=8)
    found = _found(X, y, np.random.default_rng(6).random(y.size) < 0.2)
    assert found.counts.rows[1] == 2048
    assert found.counts.rows[1] / found.counts.different[1] == pytest.approx(sizes.mean(), rel=0.1)


@pytest.mark.parametrize("n", [3, 19, 25])
def test_few_rows(n: int) -> None:
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(2 * n, 2)), np.repeat([0, 1], n)
    found = _found(X, y, np.arange(2 * n) % 3 == 0)
    assert not found.noisy.any()
    assert found.counts.repeated.max() <= n
