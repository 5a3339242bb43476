"""Shared runs of windows, against a search in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hashing import lookup
from auditor.hashing.runs import shared_runs


def _longest_overlap(reference: np.ndarray, window: np.ndarray) -> int:
    """Return the most steps that end one window and begin another."""
    T = len(window)
    best = 0
    for other in reference:
        for length in range(1, T):
            ends = np.array_equal(other[T - length :], window[:length])
            begins = np.array_equal(other[:length], window[T - length :])
            best = max(best, length if ends or begins else 0)
    return best


@given(st.integers(6, 12), st.integers(1, 6), st.integers(1, 3), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_longest_run_of_each_window(length: int, stride: int, channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = rng.normal(size=(160, channels))
    windows = np.stack([series[i : i + length] for i in range(0, 160 - length, stride)])
    order = rng.permutation(len(windows))
    cut = int(0.75 * len(windows))
    reference, query = windows[order[:cut]], windows[order[cut:]]
    runs = shared_runs(reference, query, np.random.default_rng(0))
    truth = np.array([_longest_overlap(reference, window) for window in query])
    assert not runs.matched[truth == 0].any()
    assert np.array_equal(runs.length[runs.matched], truth[runs.matched])
    assert (truth[~runs.matched] < max(5, length // 2)).all()
    for i in np.flatnonzero(runs.matched):
        start, stop, shift = runs.start[i], runs.start[i] + runs.length[i], runs.shift[i]
        assert np.array_equal(query[i, start:stop], reference[runs.partner[i], start + shift : stop + shift])


def test_all_steps_of_a_window_are_covered_by_its_neighbours() -> None:
    series = np.random.default_rng(0).normal(size=(400, 2))
    windows = np.stack([series[i : i + 20] for i in range(0, 380, 5)])
    runs = shared_runs(np.delete(windows, 30, axis=0), windows[30:31], np.random.default_rng(0))
    assert runs.matched.all()
    assert runs.covered[0] == 1.0
    assert set(np.abs(runs.shifts).tolist()) == {5, 10, 15}


def test_copies_are_told_apart() -> None:
    windows = np.random.default_rng(0).normal(size=(50, 12, 2))
    runs = shared_runs(windows, windows[:5], np.random.default_rng(0))
    assert runs.copies.all()
    assert not runs.matched.any()


def test_edges_lost_to_a_filter_are_forgiven() -> None:
    series = np.random.default_rng(0).normal(size=(600, 1)).cumsum(axis=0)
    windows = np.stack([np.gradient(series[i : i + 24, 0]) for i in range(0, 576, 4)])[:, :, None]
    order = np.random.default_rng(1).permutation(len(windows))
    runs = shared_runs(windows[order[:110]], windows[order[110:]], np.random.default_rng(0))
    assert runs.matched.mean() > 0.9
    assert np.median(runs.length) == 18


def test_a_window_rolled_round_its_ends_has_one_shift() -> None:
    windows = np.random.default_rng(0).normal(size=(60, 40, 1))
    runs = shared_runs(windows, np.roll(windows[:10], 3, axis=1), np.random.default_rng(0))
    assert set(runs.shifts.tolist()) == {-3}


def test_crowded_keys_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(300, 12, 1))
    windows[:, 4:8] = rng.normal(size=(4, 1))
    monkeypatch.setattr(lookup, "HELD_HITS", 100)
    monkeypatch.setattr(lookup, "KEPT_PER_KEY", 4)
    runs = shared_runs(windows[:250], windows[250:], np.random.default_rng(0))
    assert not runs.matched.any()
    monkeypatch.undo()
    assert not shared_runs(windows[:250], windows[250:], np.random.default_rng(0)).matched.any()
