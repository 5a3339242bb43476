"""SCL006."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import Severity, Status, audit


def _pictures(n: int = 300, side: int = 16, seed: int = 6, channels: int = 0) -> np.ndarray:
    """Smooth bytes from black to white."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    waves = rng.normal(0, 1, size=(6, n, 1, 1))
    shade = waves[0] * rows + waves[1] * columns + waves[2] * np.sin(6 * rows + waves[3])
    shade = shade + waves[4] * np.cos(5 * columns + waves[5]) + rng.normal(0, 0.05, size=(n, side, side))
    images = np.clip(128 + 60 * shade, 0, 255).astype(np.uint8)
    return np.repeat(images[..., None], channels, axis=3) if channels else images


def _split(images: np.ndarray) -> list[np.ndarray]:
    return [images[:180], images[180:240], images[240:]]


def _findings(*splits: np.ndarray, least: Severity = Severity.WARNING, **settings: object) -> list:
    outcome = audit(*splits, select="SCL006", **settings)["SCL006"]
    assert outcome.status in (Status.PASSED, Status.FAILED), outcome.traceback
    return [finding for finding in outcome.findings if finding.level >= least]


WRAPS = {
    "minus 128": lambda u: u - np.uint8(128),
    "minus 100": lambda u: u - np.uint8(100),
    "plus 90": lambda u: u + np.uint8(90),
    "as int8": lambda u: u.view(np.int8),
}


@pytest.mark.parametrize("channels", [0, 1, 3])
@pytest.mark.parametrize("how", WRAPS)
def test_warns_of_bytes_that_wrapped_in_every_split(how: str, channels: int) -> None:
    (finding,) = _findings(*_split(WRAPS[how](_pictures(channels=channels))))
    assert finding.level is Severity.WARNING
    assert finding.splits == ("train", "val", "test")
    across = finding.evidence["near neighbours across the end of the range"]
    assert across >= 300
    assert 0.2 < across / finding.evidence["near neighbours beside it"] < 5


@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize("how", WRAPS)
@pytest.mark.parametrize("divide", [False, True])
def test_one_split_that_wrapped_is_an_error(how: str, odd: int, divide: bool) -> None:
    if divide and how == "as int8":
        pytest.skip("negative bytes over 255 are another scale")
    splits = _split(_pictures())
    splits[odd] = WRAPS[how](splits[odd])
    if divide:
        splits = [rows / 255 for rows in splits]
    (finding,) = _findings(*splits)
    assert finding.level is Severity.ERROR
    assert finding.splits[0] == ("train", "val", "test")[odd]


def test_names_the_map_and_its_share() -> None:
    splits = _split(_pictures())
    share = (splits[0] < 128).mean()
    splits[1] = splits[1] - np.uint8(128)
    (finding,) = _findings(*splits)
    assert "minus 128, modulo 256" in finding.message
    assert finding.evidence["share of values that wrapped"] == pytest.approx(share, abs=0.03)
    assert (
        finding.evidence["the same, under the map"] < 0.1 < finding.evidence["the same, with values clipped"]
    )


NATURAL = {
    "bytes": lambda u: u,
    "/ 255": lambda u: u / 255,
    "/ 255 float32": lambda u: u.astype(np.float32) / np.float32(255),
    "inverted": lambda u: 255 - u,
    "centred int16": lambda u: u.astype(np.int16) - 128,
    "centred int8": lambda u: (u.astype(np.int16) - 128).astype(np.int8),
    "black and white": lambda u: (u > 127).astype(np.uint8) * 255,
    "mask": lambda u: u > 127,
    "four greys": lambda u: u // 64 * 85,
    "sixteen bits": lambda u: u.astype(np.uint16) * 257,
    "left in twelve bits": lambda u: u.astype(np.uint16) << 4,
    "standardised": lambda u: (u - 128.0) / 60,
    "flat": lambda u: u.reshape(len(u), -1),
    "channels first": lambda u: np.repeat(u[:, None], 3, axis=1),
    "bfloat-like": lambda u: (u / 255).astype(np.float16),
}


@pytest.mark.parametrize("how", NATURAL)
def test_natural_pictures_pass(how: str) -> None:
    assert not _findings(*_split(NATURAL[how](_pictures())))


@pytest.mark.parametrize(
    "change",
    [
        lambda u: 255 - u,
        lambda u: np.clip(u.astype(int) + 60, 0, 255).astype(np.uint8),
        lambda u: np.clip(u.astype(int) * 2, 0, 255).astype(np.uint8),
        lambda u: u[::-1],
        lambda u: u[:, ::-1],
        lambda u: (u * 0.6 + 30).astype(np.uint8),
        lambda u: u[:1],
        lambda u: u[:0],
    ],
)
def test_a_split_that_is_clipped_or_brighter_did_not_wrap(change: object) -> None:
    splits = _split(_pictures())
    splits[1] = change(splits[1])
    assert not _findings(*splits)


@pytest.mark.parametrize("noise", [0, 3, 8, 15, 25])
@pytest.mark.parametrize("sharpened", [0.0, 1.5])
def test_scans_of_text_pass(noise: int, sharpened: float) -> None:
    rng = np.random.default_rng(noise)
    pages = np.ones((80, 128, 128))
    for page in pages:
        for _ in range(40):
            y, x = rng.integers(0, 100, 2)
            page[y : y + 2 + 20 * (y % 2), x : x + 2 + 20 * (1 - y % 2)] = 0
    pages = pages.reshape(80, 32, 4, 32, 4).mean((2, 4))
    blurred = (pages + np.roll(pages, 1, 1) + np.roll(pages, 1, 2)) / 3
    pages = pages + sharpened * (pages - blurred)
    levels = np.clip(pages * 230 + 12 + rng.normal(0, noise, pages.shape), 0, 255).astype(np.uint8)
    assert not _findings(levels[:60], levels[60:])
    assert not _findings(255 - levels[:60], 255 - levels[60:])


def test_noise_codes_and_signals_pass() -> None:
    rng = np.random.default_rng(0)
    assert not _findings(rng.integers(0, 256, (300, 12, 12), dtype=np.uint8))
    assert not _findings(rng.integers(-128, 128, (300, 80), dtype=np.int8))
    assert not _findings(rng.choice([0, 1, 2, 5, 250, 254, 255], (300, 6)).astype(np.uint8))
    assert not _findings(rng.integers(0, 2**32, (300, 6), dtype=np.uint32))
    assert not _findings(rng.integers(0, 2**63, (300, 6), dtype=np.uint64) * np.uint64(2))
    assert not _findings(rng.choice([0, 1, 2, 3, 2**32 - 1, 2**32 - 2], (300, 6)).astype(np.uint32))
    waves = 30000 * np.sin(np.arange(300) * rng.uniform(0.01, 0.3, (100, 1)))
    assert not _findings(waves.astype(np.int16))
    assert not _findings(np.where(waves > 0, 32767, -32768).astype(np.int16))
    ports = np.where(
        rng.random((400, 2)) < 0.5, rng.integers(20, 9000, (400, 2)), rng.integers(49152, 65536, (400, 2))
    )
    assert not _findings(ports.astype(np.uint16))
    dark, lit = rng.integers(0, 900, (100, 16, 16)), 65535 - rng.integers(0, 5, (100, 16, 16))
    assert not _findings(np.where(rng.random(dark.shape) < 0.3, lit, dark).astype(np.uint16))


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_bytes_in_the_wrong_order(dtype: type) -> None:
    rng = np.random.default_rng(1)
    deep = _pictures().astype(np.int64) * 100 + rng.integers(0, 100, (300, 16, 16))
    deep = (deep - (12800 if dtype is np.int16 else 0)).astype(dtype)
    assert not _findings(*_split(deep))
    (finding,) = _findings(*_split(deep.byteswap()))
    assert finding.level is Severity.WARNING
    assert finding.evidence["roughness with bytes exchanged"] < 0.6 * finding.evidence["roughness as given"]
    train, val, test = _split(deep)
    (finding,) = _findings(train, val.byteswap(), test)
    assert finding.level is Severity.ERROR
    assert finding.splits[0] == "val"


def test_spikes_on_a_smooth_series_are_in_the_right_order() -> None:
    rng = np.random.default_rng(2)
    series = (120 + 100 * np.sin(np.arange(400) * 0.02 + rng.uniform(0, 6, (300, 1)))).astype(np.uint16)
    spikes = rng.random(series.shape) < 0.05
    series[spikes] = rng.integers(256, 30000, spikes.sum())
    assert not _findings(series[:200], series[200:])


def test_a_signal_in_an_unsigned_type() -> None:
    rng = np.random.default_rng(3)
    sound = (8000 * np.sin(np.arange(300) * rng.uniform(0.01, 0.3, (200, 1)))).astype(np.int16)
    (finding,) = _findings(sound[:150].view(np.uint16), sound[150:].view(np.uint16))
    assert "signed numbers in uint16" in finding.message


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("as_float", [False, True])
def test_differences_of_unsigned_counts(dtype: type, as_float: bool) -> None:
    counts = np.random.default_rng(4).poisson(20, (400, 5)).astype(dtype)
    steps = np.diff(counts, axis=0)
    if as_float and dtype is np.uint64:
        steps, counts = steps[:, :0], counts[:, :0]  # float64 rounds them all to 2^64
        return
    made = steps.astype(np.float64) if as_float else steps
    (finding,) = _findings(made[:300], made[300:])
    assert finding.level is Severity.WARNING
    signed = np.diff(counts.astype(np.int64), axis=0)
    assert finding.evidence["least number they stand for"] == signed.min()
    assert finding.evidence["share of values that ran over"] == pytest.approx((signed[:300] < 0).mean())
    assert "{" not in finding.message
    assert not _findings(counts[:300], counts[300:])
    (finding,) = _findings(counts[:300], steps[300:])
    assert finding.level is Severity.ERROR
    assert finding.splits[0] == "val"


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool])
def test_a_split_cut_to_zeros_and_ones(odd: int, dtype: type) -> None:
    bright = np.clip(_pictures().astype(int) - 60, 0, 255)  # few are white
    splits = _split(bright / 255)
    splits[odd] = np.floor(splits[odd]).astype(dtype)
    report = audit(*splits, select="SCL")
    found = [f for f in report.errors if f.code in ("SCL006", "SCL008")]
    assert len(found) == 1  # one of the two says it
    assert found[0].splits[0] == ("train", "val")[odd]


def test_masks_in_every_split_are_not_cut() -> None:
    masks = (_pictures() > 200).astype(np.float32)
    assert not _findings(*_split(masks))


CALLABLES = {
    "x - 128": (lambda x: x - x.dtype.type(128), "wrapped"),
    "x * 2": (lambda x: x * x.dtype.type(2), "wrapped"),
    "x * 10": (lambda x: x * x.dtype.type(10), "wrapped"),
    "1 - x": (lambda x: x.dtype.type(1) - x, "wrapped"),
    "(x - 100) / 255": (lambda x: (x - x.dtype.type(100)) / 255, "wrapped"),
    "x ** 2": (np.square, "wrapped"),
    "by feature": (lambda x: (x - x.dtype.type(100)) / (1 + np.arange(16.0)), "wrapped"),
    "in place": (lambda x: np.divide(x, 255, out=x, casting="unsafe"), "cut"),
    "x // 255": (lambda x: x // 255, "levels"),
    "as uint8": (lambda x: (x / 255).astype(np.uint8), "levels"),
}


@pytest.mark.parametrize("how", CALLABLES)
@pytest.mark.filterwarnings("ignore:overflow")
def test_callables_that_run_over_or_cut(how: str) -> None:
    images = _pictures()
    before = images.copy()
    call, kind = CALLABLES[how]
    found = _findings(*_split(images), preprocess=call)
    assert [finding.about for finding in found] == [f"callable {kind}"]
    assert found[0].level is Severity.ERROR
    assert found[0].splits == ("train", "val", "test")
    assert np.array_equal(images, before)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x / 255,
        lambda x: x.astype(np.int16) - 128,
        lambda x: x > 127,
        lambda x: x // 32,
        lambda x: 255 - x,
        lambda x: np.clip(x, 20, 200),
        lambda x: x.astype(np.float32) / 255 if x.dtype == np.uint8 else x,
        lambda x: (x - x.mean()) / x.std(),
        lambda x: np.arange(256)[x],
        lambda x: x.reshape(len(x), -1)[:, ::3],
        lambda x: np.random.default_rng().normal(size=x.shape),
        np.log1p,
    ],
)
@pytest.mark.parametrize("raw", [False, True])
def test_callables_that_keep_their_numbers_pass(call: object, raw: bool) -> None:
    splits = _split(_pictures())
    settings = {"preprocess": call}
    if raw:
        settings |= dict(zip(("raw_train", "raw_val", "raw_test"), splits, strict=True))
        splits = [call(rows) for rows in splits]
    assert not _findings(*splits, **settings)


def test_features_left_out_of_scaling() -> None:
    rng = np.random.default_rng(5)
    scaled = rng.normal(size=(500, 8))
    scaled = (scaled - scaled[:300].mean(0)) / scaled[:300].std(0)
    income = rng.lognormal(10, 1, size=(500, 1))
    rows = np.hstack([scaled[:, :4], income, scaled[:, 4:]])
    (finding,) = _findings(rows[:300], rows[300:])
    assert finding.columns == (4,)
    assert finding.level is Severity.WARNING
    assert finding.evidence["spread over that of a scaled feature"] == pytest.approx(
        income[:300].std(), rel=1e-4
    )
    assert not _findings(rows[:300], rows[300:], options={"SCL006.spread": 1e9})
    assert not _findings(scaled[:300], scaled[300:])
    codes = np.hstack([scaled, 1000 * rng.integers(0, 5, (500, 1))])
    assert not _findings(codes[:300], codes[300:])
    raw = rng.lognormal([1, 5, 9], 1, size=(500, 3))
    assert not _findings(raw[:300], raw[300:])


def test_raw_pixels_are_worth_knowing() -> None:
    images = _pictures()
    (finding,) = _findings(*_split(images), least=Severity.INFO)
    assert finding.level is Severity.INFO
    assert finding.evidence["largest value"] == 255
    assert not _findings(*_split(images / 255), least=Severity.INFO)
    table = np.random.default_rng(0).integers(0, 256, (300, 10))
    assert not _findings(table[:200], table[200:], least=Severity.INFO)


def test_raw_pixels_before_weights_are_a_warning() -> None:
    keras = pytest.importorskip("keras")
    images = _pictures(channels=1)
    layers = [keras.layers.Flatten(), keras.layers.Dense(2)]
    plain = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(2, 3), *layers])
    (finding,) = _findings(*_split(images), model=plain)
    assert "Conv2D" in finding.message
    scaled = keras.Sequential(
        [keras.Input((16, 16, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(2, 3), *layers]
    )
    assert not _findings(*_split(images), model=scaled, least=Severity.INFO)


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((5, 3)),
        np.zeros((0, 3), dtype=np.uint8),
        np.ones((1, 1), dtype=np.int8),
        np.full((60, 64), np.nan),
        np.full((60, 64), np.inf),
        np.full((60, 9, 9), 255, dtype=np.uint8),
        1e308 * np.linspace(-1, 1, 3840).reshape(60, 64),
        np.random.default_rng(0).standard_cauchy((200, 70)),
        np.random.default_rng(0).integers(0, 2, (200, 8, 8)).astype(bool),
        np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8, 2), dtype=np.uint8),
        np.random.default_rng(0).integers(-(2**63), 2**63 - 1, (80, 64)),
        np.random.default_rng(0).integers(0, 2**64 - 1, (80, 64), dtype=np.uint64),
        np.random.default_rng(0).integers(0, 9, (1, 150_528), dtype=np.uint8),
    ],
)
def test_edges(rows: np.ndarray) -> None:
    assert not _findings(rows, rows[:0])
    assert not _findings(rows, rows[:2])


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 235), st.permutations(range(120)))
def test_wrapping_is_found_whatever_the_offset_and_order(seed: int, offset: int, order: list[int]) -> None:
    images = _pictures(seed=seed)
    images[:120] = images[:120][order]
    assert not _findings(images[:200], images[200:])
    val = images[200:] - np.uint8(offset)
    found = _findings(images[:200], val)
    share = min((images < offset).mean(), (images >= offset).mean())
    assert found or share < 0.1
    assert all(finding.level is Severity.ERROR for finding in found)
