"""Rows on a line through two others, and what nature draws of them."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.measures.bundles import bundled
from auditor.measures.collinear import (
    LOOSEST,
    NEAREST,
    collinear_triples,
    field_of,
    near_fraction,
    twins,
)
from auditor.measures.line_chances import surprise


def _with_segments(n: int, made: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return normal rows, some more between pairs of them, the pairs, and the positions."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d))
    pairs = np.stack([rng.permutation(n)[:2] for _ in range(made)])
    position = rng.uniform(0.1, 0.9, made)
    between = rows[pairs[:, 0]] + position[:, None] * (rows[pairs[:, 1]] - rows[pairs[:, 0]])
    return np.concatenate([rows, between]), pairs, position


@pytest.mark.parametrize("d", [2, 3, 10, 100])
def test_every_segment_is_found_and_nothing_else(d: int) -> None:
    rows, pairs, position = _with_segments(300, 20, d)
    field = field_of(rows, np.random.default_rng(1))
    triples = collinear_triples(field, np.arange(300, 320), np.random.default_rng(2))
    exact = triples.only(triples.residual < 1e-14)
    order = np.argsort(exact.middle)
    assert exact.middle[order].tolist() == list(range(300, 320))
    ends = np.sort(np.stack([exact.low, exact.high], axis=1)[order], axis=1)
    np.testing.assert_array_equal(ends, np.sort(pairs, axis=1))
    measured = np.where(exact.low[order] == pairs[:, 0], exact.position[order], 1 - exact.position[order])
    np.testing.assert_allclose(measured, position, rtol=1e-9)


def test_the_anchor_may_be_an_end() -> None:
    rows, pairs, _ = _with_segments(200, 1, 5)
    field = field_of(rows, np.random.default_rng(1))
    for anchor in pairs[0]:
        triples = collinear_triples(field, np.array([anchor]), np.random.default_rng(2))
        assert triples.middle[triples.residual < 1e-14].tolist() == [200]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_offsets_and_units_do_not_hide_lines(dtype: type) -> None:
    rows, _, _ = _with_segments(300, 20, 6)
    moved = (rows * [1e-3, 1, 1, 50, 1e4, 1] + [0, 0, 30, 0, 0, 0]).astype(dtype).astype(np.float64)
    field = field_of(moved, np.random.default_rng(1))
    triples = collinear_triples(field, np.arange(300, 320), np.random.default_rng(2))
    assert np.unique(triples.middle[triples.middle >= 300]).size == 20
    assert triples.residual.max() <= LOOSEST


def test_a_large_field_is_looked_at_nearby() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(3 * NEAREST, 4))
    rows[1] = rows[0] + [1e-2, 2e-2, -1e-2, 3e-2]
    rows[2] = rows[0] + 0.37 * (rows[1] - rows[0])
    field = field_of(rows, np.random.default_rng(1))
    assert field.around == NEAREST
    triples = collinear_triples(field, np.array([2]), np.random.default_rng(2))
    assert triples.middle[triples.residual < 1e-15].tolist() == [2]


def test_twins_are_rows_that_rounding_alone_tells_apart() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(50, 4))
    rows[7] = rows[31] * (1 + 1e-9)
    assert np.flatnonzero(twins(field_of(rows, rng))).tolist() == [7, 31]


def test_simple_fractions() -> None:
    within = np.full(5, 1e-12)
    position = np.array([0.5, 3 / 7, 119 / 240, np.sqrt(2) - 1, np.pi / 4])
    assert near_fraction(position, within).tolist() == [True, True, True, False, False]
    assert near_fraction(np.array([119 / 240]), np.array([1e-3])).tolist() == [False]  # told too roughly


def test_positions_drawn_at_random_are_seldom_simple() -> None:
    position = np.random.default_rng(5).random(20_000)
    for within in (1e-12, 1e-8, 1e-5):
        assert near_fraction(position, np.full(position.size, within)).mean() < 0.02


def test_surprise_counts_what_was_tried() -> None:
    assert surprise(np.zeros(3), 10.0) == 0.0
    assert surprise(np.full(1, -40.0), 2.0**50) == 0.0
    assert surprise(np.full(1, -40.0), 2.0**10) == pytest.approx(30 - np.log2(np.e), abs=0.01)
    assert surprise(np.full(9, -40.0), 2.0**10) > surprise(np.full(3, -40.0), 2.0**10)


def test_bundles_are_told_from_segments() -> None:
    rng = np.random.default_rng(6)
    origin, direction = rng.normal(size=(2, 20, 5))
    which = rng.integers(0, 20, 400)
    rows = origin[which] + rng.normal(size=(400, 1)) * direction[which]
    field = field_of(rows, rng)
    triples = collinear_triples(field, np.arange(100), rng)
    assert bundled(field, triples, triples.middle, rng)

    rows = rng.normal(size=(20, 5))
    near = np.argsort(((rows[:, None] - rows) ** 2).sum(axis=2), axis=1)[:, 1:4]
    base = rng.integers(0, 20, 400)
    other = near[base, rng.integers(0, 3, 400)]
    rows = np.concatenate([rows, rows[base] + rng.random((400, 1)) * (rows[other] - rows[base])])
    field = field_of(rows, rng)
    triples = collinear_triples(field, np.arange(20, 120), rng)
    assert triples.low.size > 100
    assert not bundled(field, triples, triples.middle, rng)


def test_no_lines_are_no_bundle() -> None:
    rng = np.random.default_rng(7)
    field = field_of(rng.normal(size=(50, 4)), rng)
    triples = collinear_triples(field, np.arange(50), rng)
    assert not bundled(field, triples, triples.middle, rng)
