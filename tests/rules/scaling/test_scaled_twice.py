"""SCL005."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_wine
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from auditor import Severity, Status, audit

IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def _pictures(channels: int = 0, n: int = 200, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (n, 8, 8, channels) if channels else (n, 8, 8)
    shade = rng.normal(120, 40, size=(n, *(1,) * (len(shape) - 1))) + rng.normal(0, 40, size=shape)
    return np.clip(shade, 0, 255).astype(np.uint8)


def _table() -> list[np.ndarray]:
    """Whole numbers and decimals of different spread, in three splits."""
    rng = np.random.default_rng(1)
    columns = [
        np.rint(rng.normal(40, 13, 400)),
        np.rint(rng.gamma(2, 900, 400)),
        np.round(rng.normal(7, 2.1, 400), 1),
        np.rint(rng.normal(180, 33, 400)),
        np.round(rng.lognormal(1, 0.7, 400), 2),
    ]
    table = np.column_stack(columns)
    return [table[:240], table[240:320], table[320:]]


def _findings(*splits: np.ndarray, **settings: object) -> tuple:
    outcome = audit(*splits, select="SCL005", **settings)["SCL005"]
    assert outcome.status in (Status.PASSED, Status.FAILED), outcome.traceback
    return outcome.findings


DOUBLE = {
    "255²": lambda x: x / 255 / 255,
    "127.5 twice": lambda x: (x / 127.5 - 1) / 127.5 - 1,
    "255 then 127.5": lambda x: x / 255 / 127.5 - 1,
    "127.5 then 255": lambda x: (x / 127.5 - 1) / 255,
    "256 then 255": lambda x: x / 256 / 255,
    "MNIST twice": lambda x: ((x / 255 - 0.1307) / 0.3081 - 0.1307) / 0.3081,
    "255² then MNIST": lambda x: (x / 255 / 255 - 0.1307) / 0.3081,
}
SINGLE = {
    "raw": lambda x: x,
    "255": lambda x: x / 255,
    "127.5": lambda x: x / 127.5 - 1,
    "MNIST": lambda x: (x / 255 - 0.1307) / 0.3081,
    "256": lambda x: x / 256,
    "65535": lambda x: x / 65535,
    "standardised": lambda x: (x - x.mean()) / x.std(),
    "centred": lambda x: x / 255 - 0.5,
    "square": lambda x: (x / 255) ** 2,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("how", DOUBLE)
def test_finds_bytes_scaled_twice(how: str, dtype: type) -> None:
    images = DOUBLE[how](_pictures().astype(dtype)).astype(dtype)
    (finding,) = _findings(images[:120], images[120:160], images[160:])
    assert finding.level is Severity.WARNING
    assert finding.splits == ("train", "val", "test")
    assert finding.evidence["highest value"] == pytest.approx(float(images.max()), rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("how", SINGLE)
def test_bytes_scaled_once_pass(how: str, dtype: type) -> None:
    images = SINGLE[how](_pictures().astype(np.float32)).astype(dtype)
    assert not _findings(images[:120], images[120:160], images[160:])


@pytest.mark.parametrize("first", [False, True])
def test_normalizing_with_published_channels_twice(first: bool) -> None:
    mean, std = IMAGENET
    once = (_pictures(3) / 255 - mean) / std
    twice = (once - mean) / std
    if first:
        once, twice = once.transpose(0, 3, 1, 2), twice.transpose(0, 3, 1, 2)
    assert not _findings(once[:150], once[150:])
    (finding,) = _findings(twice[:150], twice[150:])
    assert "ImageNet" in finding.message


def test_masks_and_few_levels_say_nothing() -> None:
    masks = (_pictures() > 120) / 255 / 255
    assert not _findings(masks[:150], masks[150:])
    few = (_pictures() // 32) / 255 / 255
    assert not _findings(few[:150], few[150:])


def test_a_quiet_recording_is_no_double() -> None:
    quiet = np.random.default_rng(0).integers(-128, 128, size=(300, 64)) / 32768
    assert not _findings(quiet[:200], quiet[200:])


@pytest.mark.parametrize("odd", [0, 1])
def test_one_split_scaled_twice_is_left_to_another_rule(odd: int) -> None:
    images = _pictures() / 255
    splits = [images[:120], images[120:]]
    splits[odd] = splits[odd] / 255
    report = audit(*splits, select=["SCL001", "SCL005"])
    assert report["SCL001"]
    assert not report["SCL005"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ddof", [0, 1])
def test_finds_a_table_standardised_twice(ddof: int, dtype: type) -> None:
    raw = _table()
    mean, std = raw[0].mean(0), raw[0].std(0, ddof=ddof)
    once = [(rows - mean) / std for rows in raw]
    twice = [(rows - mean) / std for rows in once]
    assert not _findings(*(rows.astype(dtype) for rows in once))
    (finding,) = _findings(*(rows.astype(dtype) for rows in twice))
    assert "twice" in finding.message
    factor = finding.evidence["factor that was divided by a second time"]
    assert np.abs(std / factor - 1).min() < 3e-3


def test_finds_statistics_of_all_splits_used_twice() -> None:
    raw = _table()
    scaler = StandardScaler().fit(np.vstack(raw))
    (finding,) = _findings(*(scaler.transform(scaler.transform(rows)) for rows in raw))
    assert finding.evidence["fitted on"] == "X_train, X_val and X_test"


def test_finds_a_table_minmax_scaled_twice() -> None:
    rng = np.random.default_rng(4)
    raw = rng.poisson([30, 80, 200, 500], size=(400, 4)).astype(float)
    scaler = MinMaxScaler().fit(raw[:300])
    once = [scaler.transform(rows) for rows in (raw[:300], raw[300:])]
    assert not _findings(*once)
    (finding,) = _findings(*(scaler.transform(rows) for rows in once))
    assert "minimum" in finding.message


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
@pytest.mark.parametrize("order", [1, -1])
def test_finds_scaled_features_divided_as_well(scaler: object, order: int) -> None:
    raw = _table()
    fitted = scaler.fit(raw[0])
    steps = [fitted.transform, lambda rows: rows / 255][::order]
    if order == -1:  # raw statistics on rows that were divided: standard deviation 1/255
        once = [rows / 255 for rows in raw]
        splits = [fitted.transform(rows) for rows in once]
    else:
        splits = [steps[1](steps[0](rows)) for rows in raw]
    (finding,) = _findings(*splits)
    assert "255" in finding.message


def test_finds_one_mean_and_std_of_raw_pixels_on_divided_ones() -> None:
    images = _pictures().astype(float)
    mean, std = images[:150].mean(), images[:150].std()
    splits = [(part / 255 - mean) / std for part in (images[:150], images[150:])]
    (finding,) = _findings(*splits)
    assert finding.evidence["factor that was divided by a second time"] == 255
    once = [(part / 255 - mean / 255) / (std / 255) for part in (images[:150], images[150:])]
    assert not _findings(*once)


def test_refitting_a_scaler_changes_nothing_and_passes() -> None:
    raw = _table()
    first = StandardScaler().fit(raw[0])
    once = [first.transform(rows) for rows in raw]
    for scaler in (StandardScaler(), MinMaxScaler(), RobustScaler()):
        fitted = scaler.fit(once[0])
        assert not _findings(*(fitted.transform(rows) for rows in once))
        assert not _findings(*once, preprocess=fitted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finds_a_callable_on_standardised_rows(dtype: type) -> None:
    raw = load_wine().data
    scaler = StandardScaler().fit(raw[:120])
    once = scaler.transform(raw).astype(dtype)
    (finding,) = _findings(once[:120], once[120:], preprocess=scaler)
    assert finding.level is Severity.WARNING
    assert "StandardScaler.transform" in finding.message
    worst = np.abs(scaler.mean_ / scaler.scale_ / (1 / scaler.scale_)).argmax()
    assert finding.evidence["mean behind the callable"] == pytest.approx(
        -scaler.mean_[worst] / scaler.scale_[worst], rel=1e-4
    )
    assert not _findings(raw[:120], raw[120:], preprocess=scaler)


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x * np.arange(1, 14),
        lambda x: x * 0.1,
        lambda x: np.clip(x, -3, 3),
        np.tanh,
        lambda x: x[:, :5],
    ],
)
def test_other_callables_on_standardised_rows_pass(made: object) -> None:
    raw = load_wine().data
    once = StandardScaler().fit(raw[:120]).transform(raw)
    assert not _findings(once[:120], once[120:], preprocess=made)


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((5, 3)),
        np.zeros((0, 3)),
        np.ones((1, 1)),
        np.full((30, 4), np.nan),
        np.full((30, 4), np.inf),
        np.full((30, 2), 1e308) * np.linspace(-1, 1, 30)[:, None],
        np.arange(60.0).reshape(30, 2) * 5e-324,
        np.random.default_rng(0).standard_cauchy((200, 3)),
        np.random.default_rng(0).integers(0, 2, (200, 3)).astype(bool),
        np.random.default_rng(0).integers(-128, 128, (200, 3)).astype(np.int8),
        np.random.default_rng(0).normal(size=(20, 2, 3, 2, 2)),
    ],
)
def test_edges(rows: np.ndarray) -> None:
    assert not _findings(rows, rows[:0])
    assert not _findings(rows)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["raw", "standard", "min-max"]))
def test_rows_scaled_once_pass_whatever_they_are(seed: int, how: str) -> None:
    rng = np.random.default_rng(seed)
    raw = np.rint(rng.gamma(rng.uniform(0.5, 4, 6), rng.uniform(2, 400, 6), size=(300, 6)))
    raw *= rng.choice([1, 0.1, 0.01, 0.5], size=6)
    scaler = {"raw": None, "standard": StandardScaler(), "min-max": MinMaxScaler()}[how]
    rows = raw if scaler is None else scaler.fit(raw[:200]).transform(raw)
    assert not _findings(rows[:200], rows[200:])


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 1000))
def test_order_of_rows_and_features_does_not_matter(order: list[int], seed: int) -> None:
    raw = _table()
    scaler = StandardScaler().fit(raw[0])
    twice = [scaler.transform(scaler.transform(rows)) for rows in raw]
    rng = np.random.default_rng(seed)
    mixed = [rows[rng.permutation(len(rows))][:, order] for rows in twice]
    (first,), (second,) = _findings(*twice), _findings(*mixed)
    assert first.level is second.level
    assert sorted(order.index(c) for c in first.columns) == sorted(second.columns)
