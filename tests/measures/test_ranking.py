"""How well one column tells classes apart or orders a quantity."""

from __future__ import annotations

import numpy as np

from auditor.measures.ranking import concordance, held_out_auc, learn_bins, lower_bound, neighbours_disagree


def test_bins_follow_any_function_and_neighbours_see_it() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 8, 4000)
    codes = np.floor(x).astype(np.int64) % 2
    alternating, _ = neighbours_disagree(np.column_stack([x, rng.normal(size=4000)]), codes, 2)
    assert alternating[0] < 0.01
    assert alternating[1] > 0.9
    binned = learn_bins(x[:2000], codes[:2000], 2, 20)
    areas, counts = held_out_auc(binned, x[2000:], codes[2000:])
    assert (areas > 0.97).all()
    assert counts.sum() == 2000


def test_a_column_that_is_mostly_one_value() -> None:
    x = np.where(np.arange(1000) % 10 == 0, np.arange(1000), 0)
    binned = learn_bins(x, (x > 0).astype(np.int64), 2, 20)
    assert held_out_auc(binned, x, (x > 0).astype(np.int64))[0].tolist() == [1.0, 1.0]


def test_concordance_and_its_bound() -> None:
    y = np.random.default_rng(0).permutation(1000).astype(float)
    assert concordance(-np.exp(y / 100), y) == (1.0, 500)
    assert concordance(np.zeros(1000), y) == (0.5, 500)
    assert concordance(y, np.zeros(1000)) == (0.5, 0)
    assert lower_bound(1.0, 600) > 0.995 > lower_bound(1.0, 590)
    assert lower_bound(0.0, 10) == 0.0
