"""tf.data.Dataset and PyDataset: batched or not, finite or endless, streamed once and bounded."""

from __future__ import annotations

import os

import numpy as np
import pytest

from auditor import InputError, Status, audit_fit
from auditor.sources.fit_arguments import read_piece
from auditor.sources.tfdata import is_batched, is_dataset, read_dataset

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

X = np.arange(300, dtype=np.float32).reshape(100, 3)
Y = np.arange(100) % 4


def rows() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y))


class Pieces(keras.utils.PyDataset):
    """Ten batches of ten rows, or without end."""

    def __init__(self, *, endless: bool = False) -> None:
        super().__init__()
        self.endless = endless

    @property
    def num_batches(self) -> int | None:
        return None if self.endless else 10

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(10 * (index % 10), 10 * (index % 10) + 10)
        return X[part], Y[part]


def test_is_known_without_an_import() -> None:
    assert is_dataset(rows())
    assert is_dataset(rows().map(lambda x, y: (x, y)).batch(3))
    assert not is_dataset(X)


@pytest.mark.parametrize(
    ("dataset", "batched"),
    [
        (rows(), False),
        (rows().batch(8), True),
        (rows().batch(8, drop_remainder=True), True),
        (tf.data.Dataset.from_tensor_slices((X, np.eye(4, dtype=np.float32)[Y])), False),
        (tf.data.Dataset.from_tensor_slices(X).batch(5), True),
        (tf.data.Dataset.from_tensors((X, Y)), True),
    ],
)
def test_tells_batches_from_rows(dataset: tf.data.Dataset, batched: bool) -> None:
    assert is_batched(dataset) is batched


def test_the_model_settles_what_shapes_leave_open() -> None:
    one_hot_of_width = tf.data.Dataset.from_tensor_slices((np.zeros((5, 4)), np.eye(4)[[0, 1, 2, 3, 0]]))
    assert is_batched(one_hot_of_width)  # (4,) beside (4,): as a batch of 4 numbers would look
    assert not is_batched(one_hot_of_width, [1])


@pytest.mark.parametrize("dataset", [rows(), rows().batch(7), rows().batch(7).prefetch(1)])
def test_reads_every_row_in_order(dataset: tf.data.Dataset) -> None:
    stream, _, of = read_dataset(dataset, "x", 1000)
    assert (stream.n_rows, of, stream.complete) == (100, 100, True)
    np.testing.assert_array_equal(stream.x[""], X)
    np.testing.assert_array_equal(stream.y[""], Y)


def test_reads_no_more_than_it_was_told() -> None:
    piece = read_piece(rows().batch(10), None, None, "x", max_rows=35)
    assert piece.n_rows == 35
    (part,) = piece.coverage
    assert (part.examined, part.of) == (35, 100)
    assert "max_rows" in part.note


def test_an_endless_dataset_says_so() -> None:
    piece = read_piece(rows().batch(10).repeat(), None, None, "x", max_rows=250)
    assert piece.n_rows == 250
    assert "never ends" in piece.coverage[0].note
    one_epoch = read_piece(rows().batch(10).repeat(), None, None, "x", max_rows=250, steps=4)
    assert one_epoch.n_rows == 40


def test_length_may_be_unknown() -> None:
    unknown = rows().filter(lambda x, y: y < 2).batch(10)
    piece = read_piece(unknown, None, None, "x", max_rows=20)
    assert "unknown length" in piece.coverage[0].note
    assert not read_piece(unknown, None, None, "x", max_rows=1000).coverage


def test_ragged_rows_are_padded() -> None:
    ragged = tf.data.Dataset.from_tensors(tf.ragged.constant([[1, 2], [3]]))
    assert read_piece(ragged, None, None, "x", max_rows=10).x[""].tolist() == [[1, 2], [3, 0]]


@pytest.mark.parametrize("endless", [False, True])
def test_a_pydataset_is_read_in_order(endless: bool) -> None:
    piece = read_piece(Pieces(endless=endless), None, None, "x", max_rows=100)
    assert (piece.kind, piece.batch_size) == ("PyDataset", 10)
    np.testing.assert_array_equal(piece.x[""], X)
    assert bool(piece.coverage) is endless


def test_labels_come_with_the_rows() -> None:
    for x in (rows().batch(5), Pieces()):
        with pytest.raises(InputError, match="beside it"):
            read_piece(x, Y, None, "x", max_rows=10)


def network() -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def test_the_same_rows_give_the_same_findings() -> None:
    settings = {
        "select": ["DUP001", "LBL", "SHP", "FIT001", "FIT002"],
        "validation_data": (X[:7] + 1e6, Y[:7]),
    }
    reports = [
        audit_fit(network(), *given, **settings)
        for given in ((X, Y), (tf.constant(X), tf.constant(Y)), (rows().batch(20),), (Pieces(),))
    ]
    assert len({report.to_json() for report in reports}) == 1


def test_outcomes_say_what_was_read() -> None:
    report = audit_fit(network(), rows().batch(10), max_rows=30, select=["FIT002", "SHP003"])
    for outcome in report.outcomes:
        assert outcome.status is Status.PASSED
        assert outcome.coverage[0].examined == 30


def test_validation_split_cannot_cut_a_dataset() -> None:
    with pytest.raises(InputError, match=r"cannot cut a tf\.data\.Dataset"):
        audit_fit(network(), rows().batch(10), validation_split=0.2)
