"""Names of arrays, as people spell them."""

from __future__ import annotations

import inspect

import pytest

from auditor import InputError, audit
from auditor.sources.spellings import KEYWORDS, keyword_for, read_names

SPELLINGS = {
    "X_train": "x_train train_x trainX TrainX X_TRAIN Xtrain xtrain XTrain train_images images_train train_data "
    "training_data X_training x_trn features_train train_features train-images train.X inputs_train train",
    "y_train": "Y_train train_y trainY ytrain labels_train train_labels train_targets target_train yTrain",
    "X_val": "x_val X_valid X_validation X_dev validX val_images dev_x valid_data validation_features",
    "y_val": "y_valid y_dev val_labels validation_labels labels_dev",
    "X_test": "x_test test_x testX test_images X_testing holdout_data",
    "y_test": "test_y testY test_labels targets_test",
    "groups_train": "group_train train_groups trainGroups",
    "time_val": "times_val timestamps_valid dev_dates",
    "raw_train": "X_raw_train train_raw raw_X_train X_train_raw x_train_raw",
}

STRANGERS = [
    "X", "y", "arr_0", "X_train_mean", "train_val_x", "X_train2", "x_train_1", "trainset", "mask_train", "seed",
    "train_x_y", "raw_y_train", "classes_train", "data/X_train", "", "_", "é_train", "x_train_x_train",
]  # fmt: skip


def test_the_keywords_are_the_arrays_that_audit_takes() -> None:
    taken = {
        name for name in inspect.signature(audit).parameters if name.endswith(("_train", "_val", "_test"))
    }
    assert set(KEYWORDS) == taken


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_the_keywords_stand_for_themselves(keyword: str) -> None:
    assert keyword_for(keyword) == keyword


@pytest.mark.parametrize(
    ("keyword", "name"), [(k, n) for k, names in SPELLINGS.items() for n in names.split()]
)
def test_common_spellings(keyword: str, name: str) -> None:
    assert keyword_for(name) == keyword


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_not_understood_is_not_guessed(name: str) -> None:
    assert keyword_for(name) is None


def test_other_spellings_are_said_and_strangers_are_named() -> None:
    reading = read_names(["y_val", "x_train", "X_val", "seed", "X_tset"], "f.npz")
    assert list(reading.names.items()) == [("X_train", "x_train"), ("X_val", "X_val"), ("y_val", "y_val")]
    assert reading.notes() == [
        "read x_train as X_train",
        "ignored seed, X_tset (did you mean X_test?): the names are X_train, y_val, groups_test and the like",
    ]


def test_proper_names_need_no_note() -> None:
    assert read_names(["X_train", "y_train"], "f.npz").notes() == []


def test_many_strangers_are_counted() -> None:
    reading = read_names(["X_train", *(f"weights_{n}" for n in range(20))], "f.npz")
    assert "weights_7 and 12 more:" in reading.notes()[0]


@pytest.mark.parametrize("names", [["x_train", "X_train"], ["X_train", "train_images", "y_train"]])
def test_two_spellings_of_one_keyword_are_refused(names: list[str]) -> None:
    with pytest.raises(
        InputError, match=f"both {names[0]} and {names[1]}, which both read as X_train"
    ) as caught:
        read_names(names, "f.npz")
    assert caught.value.hint == "keep one of them, and call it X_train."


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["arr_0", "arr_1"], "name the arrays when saving"),
        (["X_trian", "y_train"], "did you mean X_trian to be X_train?"),
        (["X_val"], "name the arrays when saving"),
    ],
)
def test_missing_train(names: list[str], hint: str) -> None:
    with pytest.raises(InputError, match=r"X_train is missing: f\.npz holds") as caught:
        read_names(names, "f.npz")
    assert all(name in caught.value.message for name in names)
    assert hint in caught.value.hint
