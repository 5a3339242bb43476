"""Data frames of pandas and polars."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pytest

from auditor import InputError, audit
from auditor._case import make_case
from auditor.sources.frames import read_features

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")


def test_text_columns_are_coded_alike_in_every_split() -> None:
    train = pd.DataFrame({"city": ["Rome", "Bonn", None], "n": [1, 2, 3]})
    val = pd.DataFrame({"city": ["Oslo", "Rome"], "n": [4, 5]})
    made = read_features({"train": train, "val": val})
    np.testing.assert_array_equal(made.arrays["train"], [[2, 1], [0, 2], [np.nan, 3]])
    np.testing.assert_array_equal(made.arrays["val"], [[1, 4], [2, 5]])
    assert made.categorical.tolist() == [True, False]
    assert made.names == ("city", "n")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_every_type(library: str) -> None:
    data = {
        "int": [1, None, 3],
        "bool": [True, None, False],
        "text": ["x", None, "y"],
        "day": [dt.date(1970, 1, 2), None, dt.date(1970, 1, 3)],
        "money": [decimal.Decimal("1.5"), None, decimal.Decimal(2)],
    }
    if library == "pandas":
        frame = pd.DataFrame(
            {
                "int": pd.array(data["int"], dtype="Int64"),
                "bool": pd.array(data["bool"], dtype="boolean"),
                "text": pd.array(data["text"], dtype="string"),
                "day": pd.Series(data["day"], dtype=object),
                "money": pd.Series(data["money"], dtype=object),
            }
        )
    else:
        frame = pl.DataFrame(data)
    made = read_features({"train": frame})
    np.testing.assert_array_equal(
        made.arrays["train"],
        [[1, 1, 0, 86400, 1.5], [np.nan] * 5, [3, 0, 1, 172800, 2]],
    )
    assert made.categorical.tolist() == [False, False, True, False, False]


def test_declared_categories_of_numbers_keep_their_numbers() -> None:
    frame = pd.DataFrame({"code": pd.Categorical([7, 3, 7]), "x": [0.5, 1.5, 2.5]})
    made = read_features({"train": frame})
    np.testing.assert_array_equal(made.arrays["train"], [[7, 0.5], [3, 1.5], [7, 2.5]])
    assert made.categorical.tolist() == [True, False]
    frame = pl.DataFrame({"code": pl.Series(["b", "a", "b"], dtype=pl.Categorical)})
    np.testing.assert_array_equal(read_features({"train": frame}).arrays["train"], [[1], [0], [1]])


def test_zones_periods_and_durations() -> None:
    frame = pd.DataFrame(
        {
            "zoned": pd.date_range("1970-01-01", periods=2, tz="Europe/Berlin"),
            "plain": pd.date_range("1970-01-01", periods=2),
            "lasted": pd.to_timedelta([1, 2], unit="s"),
        }
    )
    np.testing.assert_array_equal(
        read_features({"train": frame}).arrays["train"], [[-3600, 0, 1], [82800, 86400, 2]]
    )


def test_numbers_in_one_split_and_text_in_another_are_categories() -> None:
    made = read_features({"train": pd.DataFrame({"a": [1, 2]}), "val": pd.DataFrame({"a": ["2", "x"]})})
    assert made.categorical.tolist() == [True]
    assert made.arrays["train"][1, 0] == made.arrays["val"][0, 0]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [[1, 2], [3, 4]]}),
        pd.DataFrame({"a": [1j, 2]}),
        pl.DataFrame({"a": [[1, 2], [3, 4]]}),
        pl.DataFrame({"a": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2))}),
    ],
)
def test_nested_columns_are_refused_by_name(frame: object) -> None:
    with pytest.raises(InputError, match=r"Column 'a' of X_train"):
        audit(frame)


def test_frames_without_columns_and_lazy_frames() -> None:
    with pytest.raises(InputError, match="without columns"):
        audit(pd.DataFrame(index=range(3)))
    with pytest.raises(InputError, match=r"X_train\.collect\(\)"):
        audit(pl.LazyFrame({"a": [1]}))


def test_duplicate_and_hierarchical_column_names() -> None:
    made = read_features({"train": pd.DataFrame(np.eye(3), columns=["a", "a", "b"])})
    assert made.names == ("a", "a", "b")
    np.testing.assert_array_equal(made.arrays["train"], np.eye(3))
    index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    assert read_features({"train": pd.DataFrame(np.eye(3), columns=index)}).names[0] == "('a', 1)"


def test_a_frame_beside_an_array_and_frames_of_other_widths() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    case = make_case(X={"train": frame, "val": np.ones((2, 2)), "test": frame[["a"]]})
    assert case.feature_names == ("a", "b")
    assert case["train"].columns == ("a", "b")
    assert case["val"].columns == ()
    assert case["test"].feature_shape == (1,)


def test_frames_stay_as_they_are() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", None]})
    before = frame.copy(deep=True)
    audit(frame, frame.iloc[:1], y_train=pd.Series(["u", "v", None]))
    pd.testing.assert_frame_equal(frame, before)


def test_empty_frames() -> None:
    made = read_features(
        {"train": pd.DataFrame({"a": [1.0], "b": ["x"]}), "val": pd.DataFrame({"a": [], "b": []})}
    )
    assert made.arrays["val"].shape == (0, 2)
