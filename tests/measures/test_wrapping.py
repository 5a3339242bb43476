"""Wrapped, swapped and cut integers."""

from __future__ import annotations

import numpy as np
import pytest

from auditor._case import Case, make_case
from auditor.measures.cut_fractions import cut_fractions
from auditor.measures.high_codes import high_codes
from auditor.measures.modular import modular_map
from auditor.measures.whole_pixels import ordered_axes, roughness, whole_rows
from auditor.measures.wrapping import swapped_bytes, wrapped


def _case(*splits: np.ndarray) -> Case:
    return make_case(X=dict(zip(("train", "val", "test"), splits, strict=False)))


def _ramps(n: int = 120, step: int = 7) -> np.ndarray:
    """Ramps that climb through 0..255 and fall back, each from a place of its own."""
    start = np.random.default_rng(0).integers(0, 510, size=(n, 1))
    place = (start + step * np.arange(200)) % 510
    return np.where(place > 255, 510 - place, place).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("scale", "offset"), [(1.0, 0.0), (255.0, 0.0), (127.5, 127.5), (256.0, 0.0)], ids=str
)
def test_whole_rows_recovers_the_bytes(scale: float, offset: float) -> None:
    bytes_ = _ramps().astype(np.float64)
    found = whole_rows(_case((bytes_ - offset) / scale), "train")
    assert found is not None
    assert np.array_equal(found.rows, bytes_)
    assert (found.slope, found.offset) == (scale, offset)


def test_whole_rows_refuses_fractions_few_levels_and_large_numbers() -> None:
    bytes_ = _ramps().astype(np.float64)
    assert whole_rows(_case(bytes_ + 0.3), "train") is None
    assert whole_rows(_case(bytes_ // 32), "train") is None
    assert whole_rows(_case(bytes_ * 1000), "train") is None
    assert whole_rows(_case(np.where(bytes_ > 3, bytes_, np.nan)), "train") is None


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 8), ()),
        ((5, 64), (1,)),
        ((5, 8, 8), (1, 2)),
        ((5, 3, 9, 9), (2, 3)),
        ((5, 9, 9, 3), (1, 2)),
        ((5, 100, 6), (1,)),
        ((5, 8, 8, 8, 2), (1, 2, 3)),
    ],
)
def test_ordered_axes(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    assert ordered_axes(shape) == axes


def test_roughness_is_low_of_ramps_and_one_of_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, size=(200, 200))
    assert roughness(noise, (1,)).median == pytest.approx(1, abs=0.1)
    assert roughness(_ramps(step=1).astype(np.int64), (1,)).median < 0.2
    assert roughness(np.ones((4, 80), dtype=np.int64), (1,)).rows == 0


def test_traffic_across_the_end_is_that_of_any_level() -> None:
    around = ((np.arange(200) * 7)[None, :] + np.random.default_rng(0).integers(0, 256, (120, 1))) % 256
    case = _case(around.astype(np.uint8))
    found = wrapped(case, "train", whole_rows(case, "train"))
    assert found is not None
    # Steps of 7 all round: every level is crossed as often, but for pairs that stop at 0 or 255.
    assert found.across == pytest.approx(found.beside, rel=0.35)
    case = _case(_ramps())
    assert wrapped(case, "train", whole_rows(case, "train")) is None


def test_swapped_bytes_needs_high_bytes_that_differ() -> None:
    deep = _ramps(step=3).astype(np.uint16) * 100 + np.random.default_rng(1).integers(
        0, 100, (120, 200)
    ).astype(np.uint16)
    for given, expected in ((deep, False), (deep.byteswap(), True)):
        case = _case(given)
        assert (swapped_bytes(case, "train", whole_rows(case, "train")) is not None) is expected


@pytest.mark.parametrize(
    ("factor", "offset"), [(1, 100), (1, -90), (2, 0), (3, 20), (-1, 60)], ids=lambda value: f"{value:+d}"
)
def test_modular_map_names_factor_and_offset(factor: int, offset: int) -> None:
    counts = np.random.default_rng(2).gamma(3, 28, size=(600, 80)).clip(0, 255).astype(np.int64)
    case = _case(counts[:400], (counts[400:] * factor + offset) % 256)
    found = modular_map(whole_rows(case, "train"), whole_rows(case, "val"))
    assert found is not None
    assert (found.factor, found.offset) == (factor, offset)
    assert found.after < 0.1 < found.before


def test_modular_map_leaves_clipped_and_inverted_bytes() -> None:
    counts = np.random.default_rng(2).gamma(3, 28, size=(600, 80)).clip(0, 255).astype(np.int64)
    for other in (
        counts[400:],
        255 - counts[400:],
        (counts[400:] * 2).clip(0, 255),
        (counts[400:] + 90).clip(0, 255),
    ):
        case = _case(counts[:400], other)
        assert modular_map(whole_rows(case, "train"), whole_rows(case, "val")) is None


def test_high_codes_counts_and_reads_back() -> None:
    numbers = np.random.default_rng(3).integers(-9, 10, size=(300, 2))
    held = np.column_stack([numbers.astype(np.uint32)[:, 0], np.abs(numbers[:, 1])])
    found = high_codes(_case(held.astype(np.uint32)), "train")
    assert found is not None
    assert found.columns.tolist() == [0]
    assert found.share == (numbers[:, 0] < 0).mean()
    assert found.lowest == -9
    assert all(value - 2**32 == meant for _, value, meant in found.examples)


def test_cut_fractions_judges_by_the_share_of_rows_with_some() -> None:
    values = np.random.default_rng(4).normal(size=(400, 5))
    case = _case(values[:300], np.trunc(values[300:]))
    found = cut_fractions(case, "val", "train")
    assert found is not None
    assert found.fractions == 1.0
    assert found.kept == np.unique(np.trunc(values[300:])).size
    assert cut_fractions(case, "train", "val") is None
    few = np.rint(values)
    few[::50] += 0.5  # one row in fifty has fractions: 20 rows may well have none
    assert cut_fractions(_case(few[:300], np.rint(values[300:320])), "val", "train") is None
    other = _case(values[:300], np.ones((100, 5)))
    assert cut_fractions(other, "val", "train") is None  # not what cutting these values gives
