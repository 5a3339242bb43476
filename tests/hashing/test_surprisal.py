"""Bits of steps."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.hashing import surprisal as s


def _windows(series: np.ndarray, length: int, stride: int = 1) -> np.ndarray:
    cut = np.lib.stride_tricks.sliding_window_view(series.astype(np.uint64), length)[::stride]
    return np.ascontiguousarray(cut)


@pytest.mark.parametrize("length", [1, 2, 4, 8])
def test_shingles_are_equal_where_the_steps_are(length: int) -> None:
    windows = np.random.default_rng(0).integers(0, 2, size=(40, 12)).astype(np.uint64)
    runs = s.shingles(windows, length)
    assert runs.shape == (40, 13 - length)
    view = np.lib.stride_tricks.sliding_window_view(windows, length, axis=1).reshape(-1, length)
    assert np.unique(runs).size == np.unique(view, axis=0).shape[0]


def test_distinct_steps_that_never_return_carry_their_frequency() -> None:
    windows = _windows(np.arange(500), 10)
    model = s.fit_steps(windows)
    bits = s.surprisal(model, windows)
    assert model.continuation == 0.0
    # one moment stands in up to ten windows of 491 x 10 steps
    assert np.allclose(bits[200], np.log2(4911 / 11))


def test_overlap_is_no_recurrence_and_a_period_is() -> None:
    once = _windows(np.arange(500), 10)
    period = _windows(np.tile(np.arange(25), 20), 10)
    assert s.recurrence(once, np.ones(once.shape), 4) == 0.0
    assert s.recurrence(period, np.ones(period.shape), 4) == 1.0
    assert s.fit_steps(period).continuation == pytest.approx(1.0, abs=0.01)


def test_constant_stretches_carry_nothing() -> None:
    windows = _windows(np.repeat(np.arange(100), 10), 20)
    bits = s.surprisal(s.fit_steps(windows), windows)
    assert (bits[:, 1:][windows[:, 1:] == windows[:, :-1]] == 0).all()


def test_a_certain_succession_carries_nothing() -> None:
    rng = np.random.default_rng(1)
    pieces = [[7, 8, 9] if rng.random() < 0.3 else [100 + i, 5000 + i] for i in range(3000)]
    windows = _windows(np.concatenate(pieces), 12, stride=12)
    bits = s.surprisal(s.fit_steps(windows), windows)
    follows = (windows[:, 1:] == 8) & (windows[:, :-1] == 7)
    assert bits[:, 1:][follows].max() < 0.2
    assert np.median(bits[windows >= 100]) > 10


def test_windows_of_few_levels_carry_little_however_rare_the_levels_are_elsewhere() -> None:
    rng = np.random.default_rng(0)
    few = rng.integers(0, 4, size=(50, 40)) + 10 * np.arange(50)[:, None]
    many = np.arange(1000, 3000).reshape(50, 40)
    windows = np.concatenate([few, many]).astype(np.uint64)
    model = s.fit_steps(windows)
    bits = s.surprisal(model, windows)
    assert 0.05 < model.collision < 0.15  # among the half that has four levels, and none in the other
    moves = windows[:50, 1:] != windows[:50, :-1]
    assert bits[:50, 1:][moves].max() < 3.5
    assert bits[50:].min() > 10


def test_what_comes_round_again_is_counted_once() -> None:
    windows = np.tile(np.arange(6, dtype=np.uint64), 4)[None, :]
    kept = s.without_repeats(np.ones(windows.shape), windows, 2)
    assert kept.sum() == 7  # the first round, and the step that closes it
    assert (kept[:, 7:] == 0).all()


def test_recurrence_leaves_copies_to_the_caller() -> None:
    windows = np.repeat(_windows(np.arange(300), 6), 2, axis=0)
    assert s.distinct_windows(windows).tolist() == list(range(0, 590, 2))
