"""DUP004."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from auditor import Finding, Severity, Status, audit
from auditor.measures import windows as windows_measures

DTYPES = [np.float16, np.float32, np.float64]


def _cut(series: np.ndarray, length: int, stride: int) -> np.ndarray:
    return np.stack([series[i : i + length] for i in range(0, len(series) - length + 1, stride)])


def _shuffled(windows: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(windows))
    cut = int(0.8 * len(windows))
    return windows[order[:cut]], windows[order[cut:]]


def _walk(n: int = 1500, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, channels)).cumsum(axis=0) / 10


def _findings(train: np.ndarray, val: np.ndarray, **more: np.ndarray) -> tuple[Finding, ...]:
    outcome = audit(train, val, select="DUP004", **more)["DUP004"]
    assert outcome.status is not Status.CRASHED, outcome.traceback
    return outcome.findings


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("length", "stride"), [(8, 1), (16, 4), (24, 12), (64, 3)])
def test_shuffled_overlapping_windows(dtype: type, length: int, stride: int) -> None:
    windows = _cut(_walk().astype(dtype), length, stride)
    (finding,) = _findings(*_shuffled(windows))
    assert finding.level is Severity.ERROR
    assert finding.evidence["share of val windows"] > 0.9
    assert finding.evidence["longest shared run, median"] == length - stride
    assert finding.evidence["shift of the closest window, median"] == stride
    assert finding.evidence["all shifts are multiples of"] == stride
    assert finding.evidence["a gap between the splits mends it"] is False
    assert not finding.fix.drop


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
def test_counts(dtype: type) -> None:
    series = np.random.default_rng(0).poisson(30, size=(1500, 2)).astype(dtype)
    (finding,) = _findings(*_shuffled(_cut(series, 24, 6)))
    assert finding.evidence["share of val windows"] > 0.9


@pytest.mark.parametrize("arranged", ["univariate", "channels first", "video", "tiles", "lags"])
def test_whatever_the_axis(arranged: str) -> None:
    if arranged in {"univariate", "lags"}:
        windows = _cut(_walk()[:, 0], 24 if arranged == "univariate" else 6, 1)
    elif arranged == "channels first":
        windows = _cut(_walk(), 24, 4).transpose(0, 2, 1)
    elif arranged == "video":
        windows = _cut(np.random.default_rng(0).normal(size=(400, 6, 5, 3)).astype(np.float32), 8, 2)
    else:
        scene = np.random.default_rng(1).integers(0, 256, size=(16, 1200, 3)).astype(np.uint8)
        windows = np.stack([scene[:, i : i + 16] for i in range(0, 1184, 8)])
    (finding,) = _findings(*_shuffled(windows))
    assert finding.level is Severity.ERROR
    assert finding.evidence["share of val windows"] > 0.8


def test_a_split_in_time_overlaps_at_the_border_and_a_gap_mends_it() -> None:
    windows = _cut(_walk(3000), 32, 4)
    train, val = windows[:560], windows[560:]
    (finding,) = _findings(train, val)
    assert finding.level is Severity.WARNING
    assert finding.rows[0].indices.tolist() == list(range(7))
    assert finding.evidence["a gap between the splits mends it"] is True
    assert finding.fix.drop == finding.rows
    assert "X_val = X_val[7:]" in finding.fix.code
    assert not _findings(train, val[7:])


def test_validation_in_the_middle_overlaps_at_both_borders() -> None:
    windows = _cut(_walk(3000), 32, 4)
    train, val = np.concatenate([windows[:300], windows[400:]]), windows[300:400]
    y = {"y_train": np.zeros(len(train)), "y_val": np.zeros(len(val))}
    (finding,) = _findings(train, val, **y)
    assert finding.rows[0].indices.tolist() == [*range(7), *range(93, 100)]
    assert "X_val = X_val[7:93]" in finding.fix.code
    assert "y_val = y_val[7:93]" in finding.fix.code


def test_both_evaluation_splits_are_told_apart() -> None:
    windows = _cut(_walk(), 24, 4)
    train, val = _shuffled(windows)
    test = _cut(_walk(seed=9), 24, 4)[:60]
    outcome = audit(train, val, test, select="DUP004")["DUP004"]
    assert [finding.splits for finding in outcome.findings] == [("val", "train")]


def test_float32_beside_float64_of_the_same_series() -> None:
    train, val = _shuffled(_cut(_walk().astype(np.float32), 24, 4))
    assert _findings(train, val.astype(np.float64))
    train, val = _shuffled(_cut(_walk(), 24, 4))
    assert _findings(train.astype(np.float32), val)


def test_scaling_the_series_keeps_the_overlap() -> None:
    train, val = _shuffled(_cut(_walk(), 24, 4))
    mean, std = train.mean(axis=(0, 1)), train.std(axis=(0, 1))
    assert _findings((train - mean) / std, (val - mean) / std)


def test_missing_and_infinite_steps() -> None:
    series = _walk()
    series[::7, 0] = np.nan
    series[::11, 1] = np.inf
    series[::13, 2] = -0.0
    (finding,) = _findings(*_shuffled(_cut(series, 24, 4)))
    assert finding.evidence["share of val windows"] > 0.9


def test_sequences_padded_in_front_share_their_beginnings() -> None:
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(60):  # every prefix of a text, as next-word data are made
        text = rng.integers(1, 4000, size=20)
        rows += [np.r_[np.zeros(20 - n, dtype=np.int64), text[:n]] for n in range(2, 21)]
    (finding,) = _findings(*_shuffled(np.array(rows)))
    assert finding.level is Severity.ERROR
    assert finding.evidence["share of val windows"] > 0.7


def test_whole_copies_are_left_to_their_own_rule() -> None:
    windows = np.random.default_rng(0).normal(size=(200, 24, 3))
    assert not _findings(windows, windows[:50])


def test_shifted_copies_are_left_to_their_own_rule() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(200, 28, 28)).astype(np.uint8)
    moved = np.zeros_like(images[:60])
    moved[:, 2:] = images[:60, :-2]
    assert not _findings(images, moved)


def _clean_series() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    steps = np.arange(3000)
    phase = np.round(10 * np.sin(np.arange(24) * 2 * np.pi / 24))
    return {
        "walk": _walk(3000),
        "sine": np.sin(steps * 2 * np.pi / 50)[:, None],
        "sine that repeats exactly": np.tile(np.sin(np.arange(50) * 2 * np.pi / 50), 60)[:, None],
        "two sines": np.column_stack([np.sin(steps / 5), np.cos(steps / 8)]),
        "coarse": rng.integers(0, 3, size=(3000, 1)),
        "binary": (rng.random((3000, 1)) < 0.1).astype(np.uint8),
        "rare demand": rng.poisson(3, size=(3000, 1)) * (rng.random((3000, 1)) < 0.05),
        "daily cycle": (np.tile(phase, 125) + rng.integers(-1, 2, 3000))[:, None],
        "levels": np.repeat(rng.integers(0, 5, 300), 10)[:, None].astype(float),
        "rounded walk": np.round(rng.normal(size=3000).cumsum())[:, None],
        "heavy tails": rng.standard_cauchy((3000, 2)).astype(np.float32),
        "one-hot": np.eye(6)[rng.integers(0, 6, 3000)],
    }


def _scaled_windows(windows: np.ndarray, how: str) -> np.ndarray:
    """Return windows each scaled by itself."""
    with np.errstate(all="ignore"):
        low, high = windows.min(axis=1, keepdims=True), windows.max(axis=1, keepdims=True)
        made = {
            "standard": lambda: (
                (windows - windows.mean(axis=1, keepdims=True)) / windows.std(axis=1, keepdims=True)
            ),
            "whole": lambda: (
                (windows - windows.mean(axis=(1, 2), keepdims=True)) / windows.std(axis=(1, 2), keepdims=True)
            ),
            "minmax": lambda: (windows - low) / (high - low),
            "fused": lambda: windows * (2 / (high - low)) - low * (2 / (high - low)) - 1,
            "centred": lambda: windows - windows.mean(axis=1, keepdims=True),
            "first": lambda: windows / windows[:, :1],
            "rounded": lambda: np.round(_scaled_windows(windows, "standard"), 3),
            "half": lambda: _scaled_windows(windows, "standard").astype(np.float16),
        }[how]()
    return np.nan_to_num(made)


_SCALINGS = ["standard", "whole", "minmax", "fused", "centred", "first", "rounded", "half"]


def _measured() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    held = rng.normal(size=(3000, 2)).cumsum(axis=0)
    for start in range(0, 3000, 100):
        held[start : start + 20] = held[start]
    period = np.tile(np.sin(np.arange(10) * 2 * np.pi / 10), 300)
    return {
        "walk": 50 + _walk(3000),
        "noise": 20 + rng.normal(size=(3000, 2)),
        "one channel": 30 + _walk(3000, 1, seed=2),
        "rounded": 40 + np.round(_walk(3000, 2, seed=3), 1),
        "constant stretches": 200 + held,
        "periodic channel": np.column_stack([9 + period, 50 + _walk(3000, 1, seed=4)[:, 0]]),
        "dead channel": np.column_stack([np.full(3000, 3.0), 50 + _walk(3000, 1, seed=5)[:, 0]]),
    }


@pytest.mark.parametrize(
    ("name", "how"),
    [
        (name, how)
        for name in _measured()
        for how in _SCALINGS
        if name != "periodic channel"
        or how not in {"rounded", "half"}  # too few steps of the other are known
    ],
)
def test_windows_scaled_one_by_one(name: str, how: str) -> None:
    dtype = np.float32 if len(name) % 2 else np.float64
    windows = _cut(_measured()[name].astype(dtype), 32, 8)
    (finding,) = _findings(*_shuffled(_scaled_windows(windows, how)))
    assert finding.level is Severity.ERROR
    assert finding.evidence["equal up to a gain and an offset only"] is True
    assert finding.evidence["share of val windows"] > 0.8
    assert finding.evidence["shift of the closest window, median"] == 8
    assert finding.evidence["all shifts are multiples of"] == 8
    assert finding.evidence["longest shared run, median"] == 24
    assert "each was scaled by itself" in finding.message


@pytest.mark.parametrize("arranged", ["lags", "channels first", "video", "tiles"])
def test_windows_scaled_one_by_one_whatever_the_axis(arranged: str) -> None:
    rng = np.random.default_rng(0)
    if arranged == "lags":
        windows = _cut(_walk()[:, 0], 16, 2)
    elif arranged == "channels first":
        windows = _cut(_walk(), 24, 4).transpose(0, 2, 1)
    elif arranged == "video":
        windows = _cut(rng.normal(size=(400, 6, 5, 3)).astype(np.float32), 12, 3)
    else:
        scene = rng.normal(size=(16, 1200, 3)).astype(np.float32)
        windows = np.stack([scene[:, i : i + 16] for i in range(0, 1184, 4)])
    axes = tuple(range(1, windows.ndim))
    scaled = (windows - windows.mean(axis=axes, keepdims=True)) / windows.std(axis=axes, keepdims=True)
    (finding,) = _findings(*_shuffled(scaled))
    assert finding.evidence["share of val windows"] > 0.8


def test_each_split_of_overlapping_windows_scaled_by_its_own_statistics() -> None:
    train, val = _shuffled(_cut(_walk(), 24, 4))
    scaled = [(part - part.mean(axis=(0, 1))) / part.std(axis=(0, 1)) for part in (train, val)]
    (finding,) = _findings(*scaled)
    assert finding.evidence["share of val windows"] > 0.9


def test_each_series_scaled_by_itself() -> None:
    parts = []
    for seed in range(5):
        series = _walk(400, seed=seed)
        parts.append(_cut((series - series.mean(axis=0)) / series.std(axis=0), 24, 4))
    (finding,) = _findings(*_shuffled(np.concatenate(parts)))
    assert finding.evidence["equal up to a gain and an offset only"] is False
    assert finding.evidence["share of val windows"] > 0.9
    assert not _findings(np.concatenate(parts[:4]), parts[4])


def test_a_gap_mends_windows_scaled_one_by_one() -> None:
    windows = _scaled_windows(_cut(_walk(3000), 32, 4), "standard")
    train, val = windows[:560], windows[560:]
    (finding,) = _findings(train, val)
    assert finding.level is Severity.WARNING
    assert finding.rows[0].indices.tolist() == list(range(7))
    assert "X_val = X_val[7:]" in finding.fix.code
    assert not _findings(train, val[7:])


def _shapes_that_return() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    steps = np.arange(3000)
    charge, beats, at = np.zeros(3000), np.zeros(3000), 0
    for step in range(1, 3000):
        charge[step] = charge[step - 1] + 0.1 * (rng.integers(5) * (step % 40 == 0) - charge[step - 1])
    beat = np.exp(-((np.arange(-15, 16) / 3.0) ** 2))
    while at < 2940:
        beats[at : at + 31] += beat * rng.uniform(0.8, 1.2)
        at += int(rng.integers(35, 55))
    return _clean_series() | {
        "ramp": 1.0 * steps[:, None],
        "exponential": np.exp(-steps / 300.0)[:, None],
        "charging": charge[:, None],
        "beats": (beats + rng.normal(size=3000) / 100)[:, None],
        "unit steps": rng.choice([-1.0, 1.0], size=3000).cumsum()[:, None],
        "whole numbers": rng.integers(0, 9, size=(3000, 2)),
        "cumulated counts": rng.poisson(2, size=(3000, 1)).cumsum(axis=0),
    }


@pytest.mark.parametrize("name", list(_shapes_that_return()))
@pytest.mark.parametrize("how", ["standard", "minmax", "half"])
def test_scaled_windows_with_a_gap_or_disjoint_pass(name: str, how: str) -> None:
    series = np.asarray(_shapes_that_return()[name], dtype=np.float64)
    for length in (12, 48):
        windows = _scaled_windows(_cut(series[:1800], length, 1), how)
        assert not _findings(windows[:1400], windows[1400 + length :])
        if not name.startswith("sine"):  # rounding to half precision makes that a loop too
            assert not _findings(*_shuffled(_scaled_windows(_cut(series, length, length), how)))


@pytest.mark.parametrize("name", list(_clean_series()))
@pytest.mark.parametrize("length", [5, 12, 48])
def test_a_gap_or_disjoint_windows_pass(name: str, length: int) -> None:
    series = _clean_series()[name]
    windows = _cut(series, length, 1)
    cut = int(0.8 * len(windows))
    assert not _findings(windows[:cut], windows[cut + length :])
    if (
        name != "sine that repeats exactly"
    ):  # disjoint windows of a loop are overlapping windows of its period
        assert not _findings(*_shuffled(_cut(series, length, length)))


def test_phrases_that_texts_repeat_pass() -> None:
    rng = np.random.default_rng(0)
    phrases = [rng.integers(1, 5000, size=rng.integers(4, 15)) for _ in range(8)]
    texts = np.zeros((600, 40), dtype=np.int32)
    for text in texts:
        words = [
            phrases[rng.integers(8)] if rng.random() < 0.3 else rng.integers(1, 5000, 3) for _ in range(14)
        ]
        length = rng.integers(10, 41)
        text[:length] = np.concatenate(words)[:length]
    assert not _findings(texts[:480], texts[480:])


def test_the_same_glyphs_at_other_places_pass() -> None:
    rng = np.random.default_rng(0)
    glyphs = rng.integers(0, 256, size=(10, 12, 8)).astype(np.uint8)
    glyphs[:, :, 0] = 0
    lines = np.zeros((500, 12, 48), dtype=np.uint8)
    for line in lines:
        for place in range(rng.integers(3, 6)):
            start = 9 * place + rng.integers(0, 2)
            line[:, start : start + 8] = glyphs[rng.integers(10)]
    assert not _findings(lines[:400], lines[400:])


def test_pulses_at_random_places_pass() -> None:
    rng = np.random.default_rng(0)
    signals = np.zeros((400, 64))
    for signal in signals:
        for start in rng.integers(0, 48, size=3):
            signal[start : start + 16] += np.hanning(16) * rng.integers(1, 4)
    assert not _findings(signals[:300], signals[300:])


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_diabetes, load_digits])
def test_tables_and_digits_are_no_windows(load: object) -> None:
    X = load().data  # type: ignore[operator]
    assert not _findings(*_shuffled(X))
    if load is load_digits:
        assert not _findings(*_shuffled(X.reshape(-1, 8, 8)))


@pytest.mark.parametrize(
    ("n", "m", "shape"),
    [(1, 1, (4,)), (2, 3, (5, 1)), (3, 1, (4, 4, 4)), (9, 1, (150_528,)), (1, 40, (64, 2))],
)
def test_tiny_and_wide(n: int, m: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    assert not _findings(rng.normal(size=(n, *shape)), rng.normal(size=(m, *shape)))
    assert not _findings(np.zeros((n, *shape)), np.zeros((m, *shape)))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (3, 2)])
def test_short_rows_are_skipped(shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(0).normal(size=(30, *shape))
    assert audit(X[:20], X[20:], select="DUP004")["DUP004"].status is Status.SKIPPED


def test_a_large_split_is_sampled_says_so_and_is_read_whole_once_something_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(windows_measures, "SCREEN_STEPS", 2**15)
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(4000, 32)).astype(np.float32)
    outcome = audit(windows[:500], windows[500:], select="DUP004")["DUP004"]
    assert outcome.status is Status.PASSED
    assert outcome.coverage[0].examined < outcome.coverage[0].of == 3500
    walk = np.lib.stride_tricks.sliding_window_view(_walk(4000, 1)[:, 0].astype(np.float32), 32)
    (finding,) = _findings(*reversed(_shuffled(walk)))
    assert finding.rows[0].share > 0.9


def test_a_large_split_of_windows_scaled_one_by_one_is_read_whole_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = (2**14, 2**13, 2**13), *windows_measures.SCALED_STEPS[1:]
    monkeypatch.setattr(windows_measures, "SCALED_STEPS", steps)
    windows = _scaled_windows(_cut(_walk(4000, 1), 32, 2), "standard")
    train, val = _shuffled(windows)
    (finding,) = _findings(val, train)
    assert finding.rows[0].share > 0.8
    outcome = audit(windows[:80], windows[160:], select="DUP004")["DUP004"]
    assert outcome.status is Status.PASSED
    assert outcome.coverage[0].examined < outcome.coverage[0].of == len(windows) - 160


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_changes_nothing_but_their_numbers(seed: int) -> None:
    train, val = _shuffled(_cut(_walk(500), 16, 4))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(val))
    (before,), (after,) = _findings(train, val), _findings(rng.permutation(train), val[order])
    assert np.array_equal(np.sort(order[after.rows[0].indices]), before.rows[0].indices)
    assert before.evidence["longest shared run, median"] == after.evidence["longest shared run, median"]
