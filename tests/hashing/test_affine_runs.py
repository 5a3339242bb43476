"""Runs shared up to a gain and an offset, and the codes they are found by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hashing.affine_codes import DOUBLE, HALF, SINGLE, coarser, directions, find_precision, fit_codes
from auditor.hashing.affine_runs import affine_images, shared_affine_runs


def _windows(series: np.ndarray, length: int, stride: int) -> np.ndarray:
    return np.stack([series[i : i + length] for i in range(0, len(series) - length + 1, stride)])


@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=25, deadline=None)
def test_directions_know_no_gain_and_no_offset(seed: int, gain: float, offset: float) -> None:
    x = np.random.default_rng(seed).normal(size=(1, 20, 2))
    apart = np.abs(directions(x)[0] - directions(gain * x + offset)[0])
    assert np.minimum(apart, 4.0 - apart).max() < 1e-7


def test_directions_go_once_round() -> None:
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    steps = np.stack([np.zeros_like(angles), np.cos(angles), np.cos(angles) + np.sin(angles)], axis=1)
    direction = directions(steps[:, :, None])[0][:, 0, 0]
    assert direction.min() >= -1.0
    assert direction.max() <= 3.0
    assert (np.diff(np.unwrap(direction, period=4.0)) < 0).all()


@pytest.mark.parametrize(
    ("kind", "expected"), [(np.float16, HALF), (np.float32, SINGLE), (np.float64, DOUBLE)]
)
def test_the_precision_of_values_is_that_of_the_type_they_came_through(kind: type, expected: object) -> None:
    values = np.random.default_rng(0).normal(size=200).astype(kind)
    assert find_precision(values, 0.0) == expected
    assert find_precision(values.astype(np.float64), 0.0) == expected
    assert coarser(find_precision(values, 0.0), HALF) == HALF


def test_rounded_values_are_known_to_half_a_step() -> None:
    assert find_precision(np.arange(9), 1.0).noise(np.ones((1, 3, 1))).max() == 0.5
    assert find_precision(np.array([0.1, 0.3]), 0.1).grid == 0.05


@pytest.mark.parametrize("still", ["constant", "ramp", "flags", "coarse"])
def test_what_tells_nothing_has_no_codes(still: str) -> None:
    rng = np.random.default_rng(0)
    windows = {
        "constant": np.ones((50, 16, 2)),
        "ramp": np.arange(16.0)[None, :, None] + np.arange(50.0)[:, None, None],
        "flags": rng.integers(0, 2, size=(50, 16, 2)),
        "coarse": rng.integers(0, 3, size=(50, 16, 2)).astype(float),
    }[still]
    precision = find_precision(windows, 1.0 if still in {"flags", "coarse"} else 0.0)
    assert fit_codes(windows, precision) is None


def test_the_richest_channels_are_coded() -> None:
    rng = np.random.default_rng(0)
    windows = np.zeros((80, 16, 9))
    windows[:, :, [1, 4, 7]] = rng.normal(size=(80, 16, 3))
    coder = fit_codes(windows, DOUBLE)
    assert coder is not None
    assert coder.channels.tolist() == [1, 4, 7]
    assert (coder.resolution == 2**14).all()
    assert (coder.coarse().resolution == 2**11).all()


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_runs_are_found_with_their_place_and_length(missing: float) -> None:
    series = np.random.default_rng(0).normal(size=(900, 3)).cumsum(axis=0)
    series[::50, 1] = missing
    series[400:430] = series[400]
    windows = _windows(series, 24, 6)
    rng = np.random.default_rng(1)
    scaled = windows * rng.uniform(0.2, 5, size=(len(windows), 1, 3)) + rng.normal(size=(len(windows), 1, 3))
    order = rng.permutation(len(windows))
    reference, query = order[:110], order[110:]
    coder = fit_codes(scaled[reference], DOUBLE)
    assert coder is not None
    runs = shared_affine_runs(scaled[reference], scaled[query], coder, rng)
    assert runs.matched.mean() > 0.85
    for i in np.flatnonzero(runs.matched):
        # windows lie 6 steps apart, so their numbers tell the shift
        assert 6 * (query[i] - reference[runs.partner[i]]) == runs.shift[i]
        assert runs.length[i] == 24 - abs(runs.shift[i])


def test_whole_images_are_copies() -> None:
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(60, 20, 2))
    coder = fit_codes(windows, DOUBLE)
    assert coder is not None
    runs = shared_affine_runs(windows, 3.0 * windows[:10] + 1.0, coder, rng)
    assert runs.copies.all()
    assert not runs.matched.any()


def test_one_gain_and_one_offset_hold_along_a_run_and_in_every_channel() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 12, 3)) * 1e200
    b = 2.0 * a + 1e200
    b[1, 3, 2] *= 1 + 1e-6
    b[2] = -a[2]
    a[3, :, 0], b[3, :, 0] = 5.0, 7.0
    b[4, :, 1] = 0.0
    a[5, 2, 0], b[5, 2, 0] = np.nan, np.nan
    noise = [1e-12 * np.nan_to_num(np.abs(x)).max(axis=1, keepdims=True) for x in (a, b)]
    inside = np.ones((6, 12, 1), dtype=bool)
    assert affine_images(a, b, inside, noise).tolist() == [True, False, False, True, False, True]
    inside[1, 3] = False
    assert affine_images(a, b, inside, noise)[1]
