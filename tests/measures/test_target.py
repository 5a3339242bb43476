"""How labels are written, and what classes they name."""

from __future__ import annotations

import numpy as np
import pytest

from auditor._case import make_case
from auditor.measures.target import Encoding, Target, label_encoding, squeezed, target

RNG = np.random.default_rng(0)


def _target(train: object, val: object = None, test: object = None) -> Target:
    given = {
        name: np.asarray(y) for name, y in (("train", train), ("val", val), ("test", test)) if y is not None
    }
    return target(make_case(X={name: np.zeros((len(y), 1)) for name, y in given.items()}, y=given))


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", bool])
def test_two_classes_in_every_dtype(dtype: str) -> None:
    y = np.array([0, 1, 1, 0, 1]).astype(dtype)
    made = _target(y, y[:3])
    assert made.is_classes
    assert made.classes == (0, 1)
    assert made.codes["train"].tolist() == [0, 1, 1, 0, 1]
    assert made.counts("val").tolist() == [1, 2]


def test_booleans_and_zeros_and_ones_are_the_same_classes() -> None:
    made = _target(np.array([True, False]), np.array([1, 0, 1]))
    assert made.classes == (0, 1)
    assert made.codes["val"].tolist() == [1, 0, 1]
    assert _target(np.array([True, False])).classes == (False, True)


def test_text_and_missing_text() -> None:
    made = _target(["b", "a", ""], ["c", " ", "b"])
    assert made.classes == ("a", "b", "c")
    assert made.codes["train"].tolist() == [1, 0, -1]
    assert made.codes["val"].tolist() == [2, -1, 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64, bool])
def test_one_hot_and_smoothed_rows_name_the_same_classes(dtype: type) -> None:
    codes = RNG.integers(0, 4, 50)
    plain = np.eye(4)[codes].astype(dtype)
    made = _target(plain, plain[:20])
    assert set(made.encodings.values()) == {Encoding.ONE_HOT}
    np.testing.assert_array_equal(made.codes["train"], codes)
    if np.dtype(dtype).kind == "f":
        smoothed = (plain * 0.9 + 0.1 / 4).astype(dtype)
        made = _target(smoothed, plain[:20])
        assert made.encodings["train"] is Encoding.SMOOTHED
        np.testing.assert_array_equal(made.codes["train"], codes)
        np.testing.assert_array_equal(made.codes["val"], codes[:20])


def test_columns_of_ones_are_squeezed() -> None:
    assert squeezed(np.zeros((4, 1, 1))).shape == (4,)
    assert squeezed(np.zeros((1, 1))).shape == (1,)
    assert _target(np.array([[0], [1], [1], [0]]), np.array([0, 1])).codes["val"].tolist() == [0, 1]
    assert _target(np.eye(3)[:, None]).encodings["train"] is Encoding.ONE_HOT


def test_a_broken_one_hot_row_names_no_class() -> None:
    y = np.eye(3)[RNG.integers(0, 3, 100)]
    y[4], y[5, :] = 0, 1
    made = _target(y)
    assert made.encodings["train"] is Encoding.ONE_HOT
    assert np.flatnonzero(made.codes["train"] < 0).tolist() == [4, 5]


def test_multi_hot_rows_stay_multi_hot_in_a_split_where_none_holds_two() -> None:
    y = (RNG.random((200, 4)) < 0.3).astype(int)
    single = y[y.sum(axis=1) == 1][:10]
    made = _target(y, single)
    assert made.encodings == {"train": Encoding.MULTI_HOT, "val": Encoding.MULTI_HOT}
    assert not made.is_classes


@pytest.mark.parametrize(
    ("y", "encoding"),
    [
        (np.zeros((5, 3, 3)), Encoding.MULTI_HOT),
        (RNG.integers(0, 5, (5, 3, 3)), Encoding.VECTOR),
        (RNG.normal(size=(5, 2)), Encoding.VECTOR),
        (RNG.dirichlet(np.ones(3), 50), Encoding.VECTOR),
        (RNG.normal(size=5), Encoding.REAL),
        (np.full(5, np.nan), Encoding.REAL),
        (np.zeros((0, 3)), Encoding.VECTOR),
        (np.zeros((4, 0)), Encoding.VECTOR),
        (np.array([2.0**60, 1.0]), Encoding.REAL),
    ],
)
def test_encodings(y: np.ndarray, encoding: Encoding) -> None:
    assert label_encoding(y) is encoding


@pytest.mark.parametrize(
    "y",
    [
        RNG.poisson(60, 1000),
        RNG.integers(18, 90, 1000),
        RNG.negative_binomial(2, 0.02, 2000),
        np.arange(100),
        np.array([3, 7, 9]),
        RNG.poisson(60, 1000).astype(float),
        np.round(RNG.normal(100, 15, 500)),
    ],
)
def test_counts_and_ages_are_quantities(y: np.ndarray) -> None:
    made = _target(y)
    assert not made.is_classes
    np.testing.assert_array_equal(made.values["train"], y)


@pytest.mark.parametrize(
    "y",
    [
        RNG.integers(0, 100, 5000),
        RNG.integers(1, 101, 5000),
        np.append(RNG.integers(0, 100, 5000), -1),
        np.append(RNG.integers(0, 100, 5000), 255),
        RNG.choice([3, 17, 99], 60),
        RNG.integers(0, 1000, 50000),
    ],
)
def test_class_ids(y: np.ndarray) -> None:
    assert _target(y).is_classes
    assert _target(y.astype(float)).is_classes


def test_quantities_that_happen_to_be_whole_stay_quantities() -> None:
    train = RNG.exponential(3, 200)
    made = _target(train, [1.0, 2.0, 2.0], np.array([1, 2]))
    assert set(made.encodings.values()) == {Encoding.REAL}
    assert set(made.values) == {"train", "val", "test"}


def test_whole_quantities_beside_fractional_ones_are_values() -> None:
    made = _target(RNG.poisson(60, 200), RNG.normal(60, 8, 50))
    assert not made.is_classes
    assert set(made.values) == {"train", "val"}


def test_few_fractions_among_class_ids_are_faults_not_another_encoding() -> None:
    y = RNG.integers(0, 3, 200).astype(float)
    y[7] = 1.37
    made = _target(y)
    assert made.is_classes
    assert made.classes == (0, 1, 2)
    assert made.codes["train"][7] == -1
    assert not _target(np.where(RNG.random(200) < 0.4, 0.5, y)).is_classes


def test_zero_inflated_quantities_are_quantities() -> None:
    y = np.where(RNG.random(500) < 0.97, 0.0, RNG.lognormal(size=500))
    assert not _target(y).is_classes


def test_another_encoding_is_left_out() -> None:
    codes = RNG.integers(0, 3, 60)
    made = _target(codes, np.eye(3)[codes])
    assert made.encodings == {"train": Encoding.INTEGER, "val": Encoding.ONE_HOT}
    assert set(made.codes) == {"train"}
    made = _target(np.eye(3)[codes], np.eye(4)[codes])
    assert set(made.codes) == {"train"}


@pytest.mark.parametrize("empty", [[], np.zeros((0, 3)), np.array([], dtype="U3")])
def test_empty_labels(empty: object) -> None:
    made = _target(empty)
    assert made.encodings.keys() == {"train"}
    made = _target([0, 1, 1, 0], empty)
    assert made.classes == (0, 1)


def test_all_labels_missing() -> None:
    made = _target([0, 1, 1, 0], [np.nan, np.nan])
    assert made.codes["val"].tolist() == [-1, -1]


def test_no_labels_at_all() -> None:
    made = target(make_case(X={"train": np.zeros((3, 1))}))
    assert made.encodings == {}
    assert not made.is_classes
