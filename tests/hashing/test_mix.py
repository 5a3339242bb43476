"""Hashes of vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditor.hashing.mix import canonical, common_dtype, hash_vectors, join, mix

DTYPES = [np.uint8, np.int8, np.uint16, np.int32, np.uint64, np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 2, 3, 8, 20, 49, 400])
def test_equal_vectors_hash_equal_and_others_do_not(dtype: type, width: int) -> None:
    rows = np.random.default_rng(width).integers(0, 2, size=(300, width)).astype(dtype)
    hashes = hash_vectors(canonical(rows, dtype))
    assert np.array_equal(hashes, hash_vectors(canonical(rows.copy(), dtype)))
    assert np.unique(hashes).size == np.unique(rows, axis=0).shape[0]


@pytest.mark.parametrize("width", [1, 2, 5, 60])
def test_a_flipped_sign_in_any_two_features_changes_the_hash(width: int) -> None:
    row = np.random.default_rng(0).normal(size=width)
    flipped = [row]
    for i in range(width):
        for j in range(i, width):
            other = row.copy()
            other[[i, j]] *= -1
            flipped.append(other)
    hashes = hash_vectors(canonical(np.array(flipped), np.float64))
    assert np.unique(hashes).size == len(flipped)


def test_blocks_do_not_show() -> None:
    rows = np.random.default_rng(1).normal(size=(200_000, 3))
    hashes = hash_vectors(rows)
    assert np.array_equal(hashes[150_000:], hash_vectors(rows[150_000:].copy()))


def test_minus_zero_and_every_nan_are_one() -> None:
    nan = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    rows = np.array([[-0.0, nan[0]], [0.0, nan[1]]])
    assert np.unique(hash_vectors(canonical(rows, np.float64))).size == 1


def test_the_input_is_left_as_it_was() -> None:
    rows = np.array([[-0.0, np.nan, 1.0]])
    before = rows.tobytes()
    canonical(rows, np.float64)
    assert rows.tobytes() == before


@pytest.mark.parametrize(
    ("first", "second", "joint"),
    [
        (np.float32, np.float64, np.float32),
        (np.float16, np.float64, np.float16),
        (np.uint8, np.float64, np.float64),
        (np.uint8, np.int16, np.int16),
        (bool, bool, np.uint8),
        (bool, np.int8, np.int8),
    ],
)
def test_common_dtype(first: type, second: type, joint: type) -> None:
    assert common_dtype(first, second) == joint
    assert common_dtype(second, first) == joint


@given(hnp.arrays(np.uint64, st.integers(1, 50), unique=True))
@settings(max_examples=50, deadline=None)
def test_mix_is_a_bijection_and_join_minds_the_order(values: np.ndarray) -> None:
    assert np.unique(mix(values.copy())).size == values.size
    swapped = join(values[:-1], values[1:]) == join(values[1:], values[:-1])
    assert not swapped.any()


def test_consecutive_integers_are_mixed() -> None:
    hashes = mix(np.arange(1, 65_537, dtype=np.uint64))
    bits = (hashes[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.01
