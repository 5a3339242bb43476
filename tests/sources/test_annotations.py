"""Labels, groups and times."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from auditor import InputError
from auditor._case import make_case
from auditor.sources.annotations import as_groups, as_labels, as_times

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([0, 1, 2], [0, 1, 2]),
        ((True, False), [True, False]),
        (["a", "b"], ["a", "b"]),
        (np.array([b"a", b"b"]), ["a", "b"]),
        ([1, None, 2], [1, np.nan, 2]),
        (["a", None, float("nan")], ["a", "", ""]),
        (["a", float("nan")], ["a", "nan"]),
        (np.array(["a", None, float("nan")], dtype=object), ["a", "", ""]),
        (pd.Series(["a", None]), ["a", ""]),
        (pd.Series([1, None], dtype="Int64"), [1, np.nan]),
        (pd.Series([True, None], dtype="boolean"), [1, np.nan]),
        (pd.Series(pd.Categorical(["b", "a"])), ["b", "a"]),
        (pd.Categorical([2, 1]), [2, 1]),
        (pd.DataFrame({"y": [1, 2]}), [[1], [2]]),
        (pd.get_dummies(pd.Series(["a", "b"])), [[True, False], [False, True]]),
        (pl.Series(["a", None]), ["a", ""]),
        (pl.DataFrame({"y": [1, 2]}), [[1], [2]]),
        (range(3), [0, 1, 2]),
        (np.array([1, 2], dtype=">i2"), [1, 2]),
        (np.ma.array([1, 2], mask=[False, True]), [1, np.nan]),
        (np.array([[[1]], [[2]]]), [[[1]], [[2]]]),
        ([], []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_labels(value: object, wanted: list) -> None:
    made = as_labels(value, "y_train")
    assert made.dtype.kind in "biufU"
    assert not made.flags.writeable
    np.testing.assert_array_equal(made, np.array(wanted))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "single value"),
        ("cat", "the text 'cat'"),
        ([[1], [2, 3]], "not a rectangular array|different lengths"),
        (np.array([[1], [2, 3]], dtype=object), "different lengths"),
        (np.ones(3) * 1j, "complex"),
        (np.zeros(2, dtype=[("a", "i4")]), "wanted numbers or text"),
        ((v for v in [1]), "only once"),
        ([["a", "b"], ["c", "d"]], "one label per row"),
        ({"a": 1}, "dict"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_labels_that_are_none(value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        as_labels(value, "y_train")


def test_groups() -> None:
    assert as_groups(["a", "b"], "groups_val", 2).tolist() == ["a", "b"]
    assert as_groups(np.array([[1], [2]]), "groups_val", 2).tolist() == [1, 2]
    np.testing.assert_array_equal(as_groups([1, None], "groups_val", 2), [1, np.nan])
    with pytest.raises(InputError, match=r"groups_val has shape \(2,\); X_val has 3 rows"):
        as_groups([1, 2], "groups_val", 3)
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        as_groups([[1, 2], [3, 4]], "groups_val", 2)


@pytest.mark.parametrize(
    "value",
    [
        ["2020-01-01", "2020-01-02T12:00"],
        pd.to_datetime(["2020-01-01 00:00", "2020-01-02 12:00"]),
        pd.Series(pd.to_datetime(["2020-01-01 00:00", "2020-01-02 12:00"]).tz_localize("UTC")),
        [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2, 12)],  # noqa: DTZ001
        np.array(["2020-01-01", "2020-01-02T12"], dtype="M8[h]"),
        pl.Series([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2, 12)]),  # noqa: DTZ001
    ],
    ids=lambda value: type(value).__name__,
)
def test_dates_of_every_kind(value: object) -> None:
    made = as_times(value, "time_train", 2)
    assert made.dtype == np.dtype("M8[us]")
    assert made.astype(str).tolist() == ["2020-01-01T00:00:00.000000", "2020-01-02T12:00:00.000000"]


def test_numeric_and_missing_times() -> None:
    assert as_times([3, 1], "time_train", 2).tolist() == [3, 1]
    assert np.isnat(as_times(["2020-01-01", ""], "time_train", 2)).tolist() == [False, True]
    with pytest.raises(InputError, match="'soon', which is no ISO 8601 date"):
        as_times(["2020-01-01", "soon"], "time_train", 2)


def test_dates_against_numbers_are_refused() -> None:
    X = np.ones((2, 1))
    with pytest.raises(InputError, match="time_train holds dates and time_val numbers"):
        make_case(X={"train": X, "val": X}, time={"train": ["2020-01-01", "2020-01-02"], "val": [3, 4]})
