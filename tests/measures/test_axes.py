"""Orders of axes."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.measures.axes import axis_order, describe_order, is_permuted, mean_distance, reorders, roughness
from auditor.measures.columns import describe_columns


@pytest.mark.parametrize(
    ("shape", "wanted", "order"),
    [
        ((3, 32, 32), (32, 32, 3), (1, 2, 0)),
        ((32, 32, 3), (3, 32, 32), (2, 0, 1)),
        ((20, 6), (6, 20), (1, 0)),
        ((1, 28, 28), (28, 28, 1), (1, 2, 0)),
        ((5, 3, 8, 8), (5, 8, 8, 3), (0, 2, 3, 1)),
    ],
)
def test_orders_between_shapes(shape: tuple, wanted: tuple, order: tuple) -> None:
    assert is_permuted(shape, wanted)
    assert axis_order(shape, wanted) == order
    assert np.zeros(shape).transpose(order).shape == wanted
    assert describe_order(shape, wanted)


@pytest.mark.parametrize(
    "shape", [(4, 4), (5, 5, 3), (3, 5, 5), (3, 3, 3), (2, 6, 4), (4, 6, 2), (2, 3, 3, 2)]
)
def test_code_and_positions_of_a_reorder_agree(shape: tuple) -> None:
    X = np.random.default_rng(0).normal(size=(7, *shape))
    ways = list(reorders(shape))
    assert ways
    for way in ways:
        scope = {"np": np, "X": X}
        exec(way.code.format(X="X"), scope)  # noqa: S102 - the mend must run
        assert scope["X"].shape == X.shape
        np.testing.assert_array_equal(scope["X"].reshape(7, -1), X.reshape(7, -1)[:, way.positions])


@pytest.mark.parametrize("shape", [(), (4,), (4, 5), (8, 9, 5), (2, 2, 2, 2, 2)])
def test_shapes_without_another_order(shape: tuple) -> None:
    assert list(reorders(shape)) == []


def test_distance_is_about_one_for_random_splits_of_correlated_features() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        X = rng.normal(size=(90, 1)) + 0.1 * rng.normal(size=(90, 20))
        found.append(mean_distance(describe_columns(X[:60]), describe_columns(X[60:])))
    assert 0.7 < np.mean(found) < 1.4


def test_distance_of_degenerate_columns_is_finite() -> None:
    constant = describe_columns(np.zeros((5, 3)))
    assert mean_distance(constant, describe_columns(np.ones((5, 3)))) > 1
    assert mean_distance(constant, constant) == 0
    empty = describe_columns(np.full((5, 3), np.nan))
    assert mean_distance(empty, constant) == 0


def test_roughness() -> None:
    rows = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert roughness(rows, 0).tolist() == [9.0]
    assert roughness(rows, 1).tolist() == [1.0]
