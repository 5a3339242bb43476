"""Chance against copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor._case import make_case
from auditor.measures.coincidence import Coincidences, coincidences, expected_equals
from auditor.measures.copies import copies


def _judge(train: np.ndarray, val: np.ndarray) -> Coincidences:
    case = make_case(X={"train": train, "val": val})
    return coincidences(case, copies(case), "val", "train", 0)


def _halves(X: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(X))
    return X[order[: len(X) * 3 // 4]], X[order[len(X) * 3 // 4 :]]


def test_independent_columns_expect_what_probability_says() -> None:
    rng = np.random.default_rng(1)
    train, val = rng.integers(0, 8, (4000, 3)), rng.integers(0, 8, (300, 3))
    case = make_case(X={"train": train, "val": val})
    expected = expected_equals(case, copies(case), ("val", "train"), np.arange(300), rng)
    true = 4000 / 8**3
    assert 0.7 * true < np.median(expected) < 2 * true


def test_a_column_that_follows_another_adds_no_surprise() -> None:
    rng = np.random.default_rng(2)
    train, val = rng.integers(0, 12, (2000, 2)), rng.integers(0, 12, (100, 2))

    def widened(X: np.ndarray) -> np.ndarray:
        return np.column_stack([X, X[:, 0] ** 2, 3 * X[:, 1] + 1, X[:, 0] % 3, np.sqrt(X[:, 1])])

    expected = []
    for made in (lambda X: X, widened):
        case = make_case(X={"train": made(train), "val": made(val)})
        expected.append(expected_equals(case, copies(case), ("val", "train"), np.arange(100), rng))
    assert 0.3 < np.median(expected[1]) / np.median(expected[0]) < 3


def _one_hot(codes: np.ndarray) -> np.ndarray:
    return np.concatenate([np.eye(c.max() + 1)[c] for c in codes.T], axis=1)


RNG = np.random.default_rng(3)
REPEATING = {
    "digits": RNG.integers(0, 10, (1000, 4)),
    "bytes, one feature": RNG.integers(0, 256, (1000, 1)),
    "counts": RNG.poisson(2, (1000, 5)),
    "rare bits": (RNG.random((1000, 60)) < 0.03).astype(float),
    "one-hot": _one_hot(RNG.integers(0, 4, (1000, 5))),
    "many one-hot": _one_hot(RNG.integers(0, 2, (1000, 16))),
    "rounded": np.round(RNG.normal(size=(1000, 3)), 1),
    "rounded, correlated": np.round(RNG.normal(size=(1000, 1)) + 0.1 * RNG.normal(size=(1000, 4)), 1),
    "steps": (np.arange(50)[None] > RNG.integers(0, 49, 1000)[:, None]).astype(np.float32),
    "short texts": np.where(
        np.arange(30) < RNG.geometric(0.3, (1000, 1)), RNG.zipf(1.6, (1000, 30)).clip(0, 500), 0
    ),
    "two hidden factors": np.digitize(RNG.normal(size=(1000, 2)) @ RNG.normal(size=(2, 30)), [-1, 0, 1]),
    "households": np.column_stack(
        [RNG.integers(0, 6, (30, 40))[RNG.integers(0, 30, 1000)], RNG.random((1000, 15)) < 0.04]
    ),
}


@pytest.mark.parametrize("name", REPEATING)
@pytest.mark.parametrize("seed", [0, 1])
def test_chance_explains_rows_that_repeat_by_nature(name: str, seed: int) -> None:
    judged = _judge(*_halves(REPEATING[name], seed))
    assert judged.rows.size + judged.blank.size > 0
    assert not judged.unexplained.any()


def _unit(X: np.ndarray) -> np.ndarray:
    return X / np.linalg.norm(X, axis=1, keepdims=True)


CONTINUOUS = {
    "normal": lambda rng: rng.normal(size=(400, 8)),
    "Cauchy, single": lambda rng: rng.standard_cauchy((400, 4)).astype(np.float32),
    "half": lambda rng: rng.normal(size=(400, 20)).astype(np.float16),
    "bytes": lambda rng: rng.integers(0, 256, (400, 8, 8, 3)).astype(np.uint8),
    "one decimal": lambda rng: np.round(rng.normal(size=(400, 10)), 1),
    "unit vectors": lambda rng: _unit(rng.normal(size=(400, 64))),
    "rank two": lambda rng: rng.normal(size=(400, 2)) @ rng.normal(size=(2, 12)),
    "words": lambda rng: (rng.random((400, 800)) < 0.03).astype(np.int8),
}


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("copied", [1, 7])
def test_copies_of_telling_rows_are_not_chance(name: str, copied: int) -> None:
    train, val = _halves(CONTINUOUS[name](np.random.default_rng(4)))
    val[5 : 5 + copied] = train[10 : 10 + copied]
    judged = _judge(train, val)
    assert judged.rows.tolist() == list(range(5, 5 + copied))
    assert judged.matches.tolist() == list(range(10, 10 + copied))
    assert judged.unexplained.all()
    assert judged.bits > judged.bits_needed


def test_many_copies_where_neither_split_repeats_itself() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(3)] * 6), axis=-1).reshape(-1, 6)
    train, val = _halves(grid)
    assert not _judge(train, val).rows.size
    val[:40] = train[:40]
    assert _judge(train, val).unexplained.all()


def test_a_train_split_cleared_of_repeats_is_no_proof() -> None:
    X = np.random.default_rng(5).integers(0, 5, (1200, 5))
    train, val = _halves(X)
    judged = _judge(np.unique(train, axis=0), val)
    assert judged.rows.size
    assert not judged.unexplained.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 12), st.integers(4, 400))
def test_honest_integers_never_accuse(seed: int, d: int, levels: int, n: int) -> None:
    X = np.random.default_rng(seed).integers(0, levels, (n, d))
    assert not _judge(*_halves(X, seed)).unexplained.any()
