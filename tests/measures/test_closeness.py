"""Near copies among natural neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from auditor._case import make_split
from auditor.hashing.projection import directions, project
from auditor.measures import closeness as c
from auditor.measures.near_rows import _shares_p_value


def _ladders(train: np.ndarray, val: np.ndarray) -> tuple[c.Ladder, c.Ladder]:
    here, there = c.points(make_split("train", train), make_split("val", val))
    axes = directions(here, 32)
    reference, query = project(here, axes), project(there, axes)
    of = np.arange(len(train))
    return c.ladder(reference, of, query, np.arange(len(val))), c.ladder(
        reference, of, reference, of, own=True
    )


@pytest.mark.parametrize("d", [2, 5, 30])
def test_ratios_of_rows_drawn_alike_are_drawn_alike(d: int) -> None:
    rng = np.random.default_rng(d)
    cross, own = _ladders(rng.normal(size=(1500, d)), rng.normal(size=(1500, d)))
    assert np.allclose(np.quantile(cross.ratio, [0.1, 0.5]), np.quantile(own.ratio, [0.1, 0.5]), rtol=0.1)
    assert c.closer_than_train(cross, own, 1500) is None
    assert c.clumped(cross) is None


def test_the_nearest_is_not_oneself() -> None:
    rng = np.random.default_rng(0)
    _, own = _ladders(rng.normal(size=(200, 3)), rng.normal(size=(10, 3)))
    assert (own.partner != own.rows).all()
    assert (own.distance[:, 0] > 1e-3).all()


def test_the_threshold_keeps_the_share_of_natural_rows() -> None:
    rng = np.random.default_rng(0)
    train, val = rng.normal(size=(2000, 10)), rng.normal(size=(800, 10))
    val[:40] = train[:40] + rng.normal(size=(40, 10)) * 0.05
    cross, own = _ladders(train, val)
    excess = c.closer_than_train(cross, own, 800)
    assert excess is not None
    close = np.flatnonzero(excess.close(cross))
    assert set(range(40)) <= set(close.tolist())
    assert close.size <= 44


def test_clumps_need_no_other_rows() -> None:
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(400, 6)), 5, axis=0) + rng.normal(size=(2000, 6)) * 0.01
    order = rng.permutation(2000)
    cross, own = _ladders(rows[order[:1600]], rows[order[1600:]])
    assert c.closer_than_train(cross, own, 400) is None
    assert c.clumped(cross) is not None


def test_units_of_tables_and_of_images() -> None:
    rng = np.random.default_rng(0)
    table = make_split("train", rng.normal(size=(500, 4)) * [1.0, 1e-6, 1e6, 0.0])
    centre, scale, one_unit = c.unit_scale(table)
    assert not one_unit
    assert np.allclose(scale * [1.0, 1e-6, 1e6, 1.0], [1.0, 1.0, 1.0, 0.0], rtol=0.2)
    images = rng.integers(0, 256, size=(500, 5, 5))
    images[:, 0] = 0
    images[3, 0, 0] = 1
    for X in (images.astype(np.uint8), images.reshape(500, 25) / 255.0):
        _, scale, one_unit = c.unit_scale(make_split("train", X))
        assert one_unit
        assert np.unique(scale).size == 1
    assert np.isfinite(centre).all()


def test_heavy_tails_have_a_unit() -> None:
    rows = np.random.default_rng(0).standard_cauchy((4000, 3))
    assert (c.unit_scale(make_split("train", rows))[1] > 0.1).all()


@pytest.mark.parametrize(("a", "n", "b", "m"), [(20, 10_000, 0, 2000), (5, 50, 1, 200), (0, 10, 3, 10)])
def test_fisher(a: int, n: int, b: int, m: int) -> None:
    assert _shares_p_value(a, n, b, m) == pytest.approx(hypergeom.sf(a - 1, n + m, n, a + b), rel=1e-6)


def test_rounding_is_no_copy() -> None:
    rng = np.random.default_rng(0)
    rows = 1e9 + rng.normal(size=(4000, 1)) * 1e-3  # a float32 tells none of these apart
    cross, own = _ladders(rows[:3000], rows[3000:])
    assert c.closer_than_train(cross, own, 1000) is None


def test_pictures_are_brought_to_one_contrast_and_single_spikes_are_not() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(50, 8, 8))
    here, there = c.points(make_split("train", pictures), make_split("val", 3.0 * pictures + 20.0))
    everything = np.arange(50)
    assert np.allclose(here.take(everything), there.take(everything), atol=1e-5)
    spikes = np.zeros((50, 8, 8))
    spikes[everything, everything % 8, 0] = 1.0 + everything
    assert not c.shows_contrast(make_split("train", spikes))
    assert not c.shows_contrast(make_split("train", rng.normal(size=(50, 64))))
    assert not c.shows_contrast(make_split("train", rng.normal(size=(50, 3, 5))))
    assert c.shows_contrast(
        make_split("train", np.where(rng.random((50, 28, 28)) < 0.2, 255, 0).astype(np.uint8))
    )
