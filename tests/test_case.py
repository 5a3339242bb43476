"""Splits and cases: what rules see is what the user passed, read-only."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import InputError, audit
from auditor._case import make_case, make_split


def test_splits_come_in_order_and_by_name() -> None:
    case = make_case(X={"test": np.ones((2, 3)), "train": np.ones((4, 3))})
    assert [split.name for split in case] == ["train", "test"]
    assert case["test"].n_rows == 2
    assert "val" not in case
    assert case.train is case["train"]
    assert [split.name for split in case.evaluation] == ["test"]
    with pytest.raises(KeyError):
        case["val"]


@pytest.mark.parametrize("shape", [(5,), (5, 2), (5, 2, 3), (5, 2, 3, 1), (5, 1, 2, 2, 3), (0, 2), (0, 2, 3)])
def test_rows_are_flattened_and_read_only(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    split = make_split("train", array)
    assert split.X.shape == shape
    assert split.flat.shape == (shape[0], int(np.prod(shape[1:])))
    assert split.feature_shape == shape[1:]
    assert split.n_features == split.flat.shape[1]
    assert array.flags.writeable
    for view in (split.X, split.flat):
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 0


def test_only_splits_with_rows_of_trains_shape_are_comparable() -> None:
    train = np.ones((4, 3))
    case = make_case(X={"train": train, "val": np.ones((4, 2)), "test": np.ones((0, 3))})
    assert case.comparable == ()
    assert make_case(X={"train": train[:0], "val": train}).comparable == ()
    assert [s.name for s in make_case(X={"train": train, "val": train}).comparable] == ["val"]


def test_labels_of_another_length_are_kept_but_not_aligned() -> None:
    case = make_case(X={"train": np.ones((4, 3))}, y={"train": np.arange(5)})
    assert case.train.y is not None
    assert case.train.y.size == 5
    assert case.train.aligned_y is None


@pytest.mark.parametrize("part", ["y", "groups", "time", "raw"])
def test_parts_without_their_rows_are_refused(part: str) -> None:
    with pytest.raises(InputError, match=f"{part}_val was given without X_val"):
        audit(np.ones((4, 3)), **{f"{part}_val": np.arange(4)})


@pytest.mark.parametrize("part", ["groups", "time"])
def test_ids_and_times_must_fit_their_rows(part: str) -> None:
    with pytest.raises(InputError, match=rf"{part}_train has shape \(3,\); X_train has 4 rows"):
        audit(np.ones((4, 3)), **{f"{part}_train": np.arange(3)})


def test_features_are_named_for_messages() -> None:
    case = make_case(X={"train": np.ones((2, 4, 3))})
    assert case.feature(5) == "(1, 2)"
    assert make_case(X={"train": np.ones((2, 4))}).feature(3) == "column 3"
    assert make_case(X={"train": np.ones(2)}).feature(0) == "column 0"


def test_nothing_given_is_modified_or_kept_writeable() -> None:
    rng = np.random.default_rng(0)
    given = {
        "X_train": rng.normal(size=(30, 4)),
        "X_val": np.asfortranarray(rng.normal(size=(12, 4))),
        "y_train": rng.integers(0, 2, 30),
        "y_val": rng.integers(0, 2, 12),
        "groups_train": np.arange(30),
        "groups_val": np.arange(30, 42),
        "time_train": np.arange(30.0),
        "time_val": np.arange(30.0, 42.0),
    }
    before = {key: (value.tobytes(), value.flags.writeable) for key, value in given.items()}
    audit(**given)
    assert {key: (value.tobytes(), value.flags.writeable) for key, value in given.items()} == before
