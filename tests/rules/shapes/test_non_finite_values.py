"""SHP003."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_counts_values_rows_and_features(dtype: type) -> None:
    X = np.zeros((10, 2, 3), dtype=dtype)
    X[1, 0, 0] = np.nan
    X[1, 1, 2] = np.inf
    X[7, 1, 2] = -np.inf
    (finding,) = audit(X, select="SHP003").errors
    assert finding.rows[0].indices.tolist() == [1, 7]
    assert finding.columns == (0, 5)
    assert finding.evidence["NaN values"] == 1
    assert finding.evidence["infinite values"] == 2


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float32])
def test_finite_input_passes(dtype: type) -> None:
    X = np.random.default_rng(0).integers(0, 2, size=(20, 3)).astype(dtype)
    assert audit(X, X[:0], select="SHP003")["SHP003"].status is Status.PASSED


def test_an_imputer_may_take_nan() -> None:
    X = np.random.default_rng(0).normal(size=(30, 2))
    X[3, 1] = np.nan
    report = audit(X, preprocess=np.nan_to_num, select="SHP003")
    assert report["SHP003"].status is Status.PASSED


def test_what_the_callable_makes_is_judged() -> None:
    X = np.arange(20.0).reshape(10, 2)

    def logarithm(rows: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(rows)

    (finding,) = audit(X, preprocess=logarithm, select="SHP003").findings
    assert finding.stage == "preprocessed"
    assert finding.level is Severity.ERROR
