"""Tables of encodings."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.measures.category_tables import Averaged, find_table, group_rows
from auditor.measures.linear import rounding

EPSILON = rounding(np.dtype(np.float64))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), quantity=st.booleans())
def test_no_table_where_none_was_made(seed: int, quantity: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 900))
    x = rng.choice(
        [rng.integers(0, 30, n), rng.integers(0, 30, n) / 10, np.round(rng.normal(size=n), 1)][seed % 3], n
    )
    y = rng.poisson(np.abs(x) + 1).astype(float) if quantity else (rng.random(n) < 0.3).astype(float)
    rows = {"train": slice(0, n // 2), "val": slice(n // 2, n)}
    averaged = Averaged({}, np.zeros((0, 0)), {split: y[part] for split, part in rows.items()})
    groups = group_rows({split: x[part] for split, part in rows.items()}, averaged)
    assert find_table(groups, "val", averaged.steps, EPSILON) is None
