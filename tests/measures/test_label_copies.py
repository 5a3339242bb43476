"""Columns with one value a class."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.measures.label_copies import constant_within_classes


def test_surprisal_of_a_class_a_row_is_none() -> None:
    """With one row a class, any column has one value a class."""
    X = np.random.default_rng(0).normal(size=(50, 2))
    assert constant_within_classes(X, np.arange(50)).bits().tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
