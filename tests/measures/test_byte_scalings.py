"""The lattices that two scalings of bytes leave."""

from __future__ import annotations

import numpy as np
import pytest

from auditor._case import make_case
from auditor.measures.byte_scalings import DIVISIONS, DOUBLES, PUBLISHED, Scaling, doubled_bytes

BYTES = np.random.default_rng(0).integers(0, 256, size=(40, 12, 12, 3)).astype(np.float64)


def _apply(scaling: Scaling, values: np.ndarray) -> np.ndarray:
    return (values - np.array(scaling.mean)) / np.array(scaling.std)


@pytest.mark.parametrize("first", [*DIVISIONS, *PUBLISHED])
@pytest.mark.parametrize("second", [*DIVISIONS, *PUBLISHED])
def test_one_scaling_after_another_is_their_composition(first: Scaling, second: Scaling) -> None:
    both = _apply(second.after(first), BYTES)
    np.testing.assert_allclose(both, _apply(second, _apply(first, BYTES)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scaling", DOUBLES, ids=lambda scaling: scaling.words)
def test_every_double_is_found_and_named(scaling: Scaling) -> None:
    case = make_case(X={"train": _apply(scaling, BYTES)})
    found = doubled_bytes(case, ("train",))
    assert found is not None
    values = _apply(found.scaling, BYTES)
    np.testing.assert_allclose(values, case.train.X, rtol=1e-9, atol=1e-12)
    assert found.levels >= 200
    assert found.low == case.train.X.min()
    assert found.high == case.train.X.max()


@pytest.mark.parametrize("scaling", [*DIVISIONS, *(one.after(DIVISIONS[0]) for one in PUBLISHED)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_meant_is_no_double(scaling: Scaling, dtype: type) -> None:
    case = make_case(X={"train": _apply(scaling, BYTES).astype(dtype)})
    assert doubled_bytes(case, ("train",)) is None


def test_all_splits_have_to_stand_on_the_lattice() -> None:
    twice = BYTES / 255 / 255
    case = make_case(X={"train": twice, "val": twice[:10] * 255})
    assert doubled_bytes(case, ("train",)) is not None
    assert doubled_bytes(case, ("train", "val")) is None


def test_one_value_off_the_lattice_is_enough() -> None:
    twice = BYTES / 255 / 255
    twice[3, 4, 5, 1] += 0.4 / 65025
    assert doubled_bytes(make_case(X={"train": twice}), ("train",)) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float16])
def test_integers_and_halves_are_left_alone(dtype: type) -> None:
    case = make_case(X={"train": (BYTES / 255 / 255).astype(dtype)})
    assert doubled_bytes(case, ("train",)) is None
