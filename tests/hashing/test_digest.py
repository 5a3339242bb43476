"""Row digests and groups of equal rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditor.hashing import digest
from auditor.hashing.digest import exact_dtype, representatives, row_digests

NUMERIC = [
    bool, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64,
    np.float16, np.float32, np.float64,
]  # fmt: skip


def _by_python(parts: list[np.ndarray]) -> list[int]:
    """Group rows as Python compares numbers: whole numbers and floats exactly, at any size."""
    seen: dict[tuple, int] = {}
    rows = [tuple("nan" if np.isnan(v) else v for v in row) for part in parts for row in part.tolist()]
    return [seen.setdefault(row, number) for number, row in enumerate(rows)]


@pytest.mark.parametrize("first", NUMERIC)
@pytest.mark.parametrize("second", NUMERIC)
def test_dtype_twins_are_equal(first: type, second: type) -> None:
    values = np.random.default_rng(0).integers(0, 2, size=(40, 9))
    a, b = values.astype(first), values.astype(second)
    assert np.array_equal(row_digests(a), row_digests(b))
    shared = exact_dtype(first, second)
    assert np.array_equal(row_digests(a, shared), row_digests(b, shared))
    assert representatives([a, b]).tolist() == _by_python([a, b])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_minus_zero_and_every_nan(dtype: type) -> None:
    a = np.array([[0.0, np.nan, 1.0], [np.inf, 0.0, 0.0]], dtype=dtype)
    b = np.array([[-0.0, -np.nan, 1.0], [-np.inf, 0.0, 0.0]], dtype=dtype)
    kind = np.dtype(f"u{a.dtype.itemsize}")
    signalling = np.array([[0.0, 0.0, 1.0]], dtype=dtype)
    signalling.view(kind)[0, 1] = np.array([np.inf], dtype=dtype).view(kind)[0] + 1
    assert representatives([a, b, signalling]).tolist() == [0, 1, 0, 3, 0]


def test_two_sign_flips_do_not_cancel() -> None:
    row = np.random.default_rng(1).normal(size=64)
    flipped = np.tile(row, (64 * 63 // 2 + 1, 1))
    for k, (i, j) in enumerate(zip(*np.triu_indices(64, 1), strict=True)):
        flipped[k, [i, j]] *= -1
    for dtype in (np.float32, np.float64):
        assert np.unique(row_digests(flipped.astype(dtype), dtype)).size == flipped.shape[0]


def test_swapping_features_or_moving_a_unit_changes_the_digest() -> None:
    row = np.arange(1, 31)
    rows = np.tile(row, (30 * 29 // 2 + 1, 1))
    for k, (i, j) in enumerate(zip(*np.triu_indices(30, 1), strict=True)):
        rows[k, [i, j]] = rows[k, [j, i]] if k % 2 else (rows[k, i] + 1, rows[k, j] - 1)
    for dtype in (np.uint8, np.int64, np.float32):
        digests = row_digests(rows.astype(dtype), dtype)
        assert np.unique(digests).size == np.unique(rows, axis=0).shape[0]


def test_integers_beyond_float64_stay_apart() -> None:
    big = 2**53
    signed = np.array([[big], [big + 1], [-big - 1], [2**63 - 1]], dtype=np.int64)
    unsigned = np.array([[big + 1], [2**63 - 1], [2**63], [2**64 - 1]], dtype=np.uint64)
    floats = np.array([[float(big)], [2.0**63], [2.0**64], [-float(big)]])
    parts = [signed, unsigned, floats]
    assert representatives(parts).tolist() == _by_python(parts)
    assert row_digests(signed)[1] == row_digests(unsigned)[0]
    assert row_digests(signed)[0] == row_digests(floats)[0]


def test_equal_digests_of_different_rows_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(2).integers(0, 3, size=(300, 3))
    parts = [rows[:100], rows[100:].astype(np.float32)]
    wanted = _by_python(parts)
    monkeypatch.setattr(digest, "row_digests", lambda flat, dtype, out: out.fill(7))
    assert representatives(parts).tolist() == wanted


@pytest.mark.parametrize("d", [1, 2, 3, 7, 65, 70_000])
def test_any_width(d: int) -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(12, d)).astype(np.float32)
    other = rows[::-1].copy()
    other[0, -1] += 1  # the last feature alone
    found = representatives([rows, other])
    assert found[:12].tolist() == list(range(12))
    assert found[13:].tolist() == list(range(10, -1, -1))
    assert found[12] == 12


def test_layout_does_not_matter() -> None:
    rows = np.random.default_rng(4).normal(size=(50, 40))
    wide = np.zeros((50, 80))
    wide[:, ::2] = rows
    for same in (np.asfortranarray(rows), wide[:, ::2], rows[::-1][::-1]):
        assert np.array_equal(row_digests(same), row_digests(rows))


def test_no_rows_no_features() -> None:
    assert row_digests(np.zeros((0, 5))).size == 0
    assert representatives([np.zeros((0, 5)), np.zeros((0, 5))]).size == 0
    assert representatives([np.zeros((3, 0))]).tolist() == [0, 0, 0]
    assert representatives([np.zeros((1, 2)), np.zeros((0, 2))]).tolist() == [0]


def test_a_buffer_is_written_to() -> None:
    rows = np.arange(12.0).reshape(4, 3)
    held = np.full(6, 9, dtype=np.uint64)
    assert row_digests(rows, np.float64, held[1:5]) is not None
    assert held.tolist() == [9, *row_digests(rows).tolist(), 9]
    assert row_digests(rows[:, :0], np.float64, held[:4]).tolist() == [0, 0, 0, 0]


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(6).integers(0, 40, size=(1000, 2))
    whole = representatives([rows])
    for block in (1, 7, 999, 1000, 1001):
        monkeypatch.setattr(digest, "BLOCK", block)
        assert np.array_equal(representatives([rows]), whole)


def test_all_equal_rows_stay_linear() -> None:
    rows = np.broadcast_to(np.float32([1, 2, 3, 4]), (300_000, 4))
    assert not representatives([rows[:200_000], rows[200_000:]]).any()


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64, (20, 2), elements=st.sampled_from([0.0, -0.0, 1.0, float("nan"), 2.5, float("inf")])
    ),
    hnp.arrays(np.int16, (10, 2), elements=st.integers(0, 2)),
)
def test_groups_are_those_of_python(floats: np.ndarray, integers: np.ndarray) -> None:
    parts = [floats, integers]
    assert representatives(parts).tolist() == _by_python(parts)
