"""Confidence intervals."""

from __future__ import annotations

import pytest

from auditor.measures.intervals import half_width, rows_for, wilson_interval


def test_wilson() -> None:
    assert wilson_interval(0.0, 10) == (0.0, pytest.approx(0.27753, abs=1e-5))
    assert wilson_interval(0.9, 50) == (pytest.approx(0.78640, abs=1e-4), pytest.approx(0.95652, abs=1e-4))
    assert wilson_interval(0.5, 0) == (0.0, 1.0)


@pytest.mark.parametrize("half", [0.3, 0.1, 0.05, 0.01])
def test_rows_for_a_width(half: float) -> None:
    n = rows_for(half)
    assert half_width(n) <= half < half_width(n - 1)
