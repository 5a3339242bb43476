"""x, y and weights as fit takes them, the cut of validation_split, and what yields batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import InputError
from auditor.sources.fit_arguments import cut, read_piece, split_at
from auditor.sources.sequences import collect, flatten, is_loader, is_sequence, length, unpack


@given(n=st.integers(2, 500), share=st.floats(0.001, 0.999))
def test_cut_is_that_of_keras(n: int, share: float) -> None:
    at = math.floor(n * (1.0 - share))
    if not 0 < at < n:
        with pytest.raises(InputError, match="one part empty"):
            split_at(n, share)
    else:
        assert split_at(n, share) == at


@pytest.mark.parametrize("share", [1.0, 1.5, -0.2])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="validation_split"):
        split_at(10, share)


def test_every_array_is_cut_at_the_same_row() -> None:
    frame = pd.DataFrame({"a": np.arange(10), "b": np.arange(10)})
    piece = read_piece(
        {"t": frame, "u": np.arange(20).reshape(10, 2)}, np.arange(10), np.ones(10), "x", max_rows=9
    )
    train, val = cut(piece, 7)
    assert (train.n_rows, val.n_rows) == (7, 3)
    assert val.x["t"]["a"].tolist() == [7, 8, 9]
    assert val.y[""].tolist() == [7, 8, 9]
    assert train.weights[""].shape == (7,)
    assert train.named == (True, False)


def test_rows_are_views() -> None:
    X = np.zeros((10, 3))
    train, val = cut(read_piece(X, None, None, "x", max_rows=5), 6)
    assert np.shares_memory(train.x[""], X)
    assert np.shares_memory(val.x[""], X)


@pytest.mark.parametrize(
    ("x", "y", "weights", "message"),
    [
        (None, None, None, "x is missing"),
        ([1, 2, 3], None, None, "list of plain values"),
        (list(np.zeros(3)), None, None, "list of plain values"),
        (np.zeros(3), [0, 1, 0], None, "y is a list of plain values"),
        ([np.zeros(3), np.zeros(4)], None, None, "differ in length"),
        (np.zeros(3), np.zeros(3), np.ones(2), "2 entries for 3 rows"),
        (iter([np.zeros(3)]), None, None, "generator"),
    ],
)
def test_what_fit_does_not_take_is_refused(x: Any, y: Any, weights: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_piece(x, y, weights, "x", max_rows=10)


def test_leaves_come_in_the_order_of_keras() -> None:
    assert list(flatten({"b": (1, {"z": 2, "y": 3}), "a": 4})) == ["a", "b/0", "b/1/y", "b/1/z"]
    assert flatten(None) == {}
    assert unpack((1,)) == (1, None, None)
    assert unpack([1, 2]) == (1, 2, None)
    with pytest.raises(InputError, match="4 parts"):
        unpack((1, 2, 3, 4))


def test_collects_until_enough_rows() -> None:
    made = [(np.full((4, 2), i), np.full(4, i)) for i in range(5)]
    whole = collect(iter(made), "x", 100)
    assert (whole.n_rows, whole.batch_size, whole.complete) == (20, 4, True)
    assert whole.y[""].tolist() == np.repeat(np.arange(5), 4).tolist()
    some = collect(iter(made), "x", 6)
    assert (some.n_rows, some.complete) == (6, False)
    assert some.x[""].shape == (6, 2)
    assert collect(iter(made), "x", 100, 2).n_rows == 8


def test_batches_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="different shapes"):
        collect([np.zeros((2, 3)), np.zeros((2, 4))], "x", 100)
    with pytest.raises(InputError, match="no batch"):
        collect([], "x", 100)


def test_batches_may_reuse_their_memory() -> None:
    def reused() -> Iterator[np.ndarray]:
        buffer = np.zeros((2, 1))
        for value in range(3):
            buffer[:] = value
            yield buffer

    assert collect(reused(), "x", 100).x[""].ravel().tolist() == [0, 0, 1, 1, 2, 2]


def test_keeps_keys_of_dicts() -> None:
    stream = collect(
        [({"b": np.zeros((2, 1)), "a": np.ones((2, 1))}, {"out": np.zeros(2)}, np.ones(2))], "x", 10
    )
    assert list(stream.x) == ["a", "b"]
    assert stream.named == (True, True)
    assert stream.weights[""].tolist() == [1, 1]


def test_loaders_are_known_by_their_class() -> None:
    loader = type("DataLoader", (list,), {"__module__": "torch.utils.data.dataloader"})(
        [(np.zeros((2, 3)), np.zeros(2)), (np.ones((1, 3)), np.ones(1))]
    )
    assert is_loader(loader)
    assert not is_sequence(loader)
    piece = read_piece(loader, None, None, "x", max_rows=10)
    assert (piece.kind, piece.n_rows, piece.batch_size) == ("DataLoader", 3, 2)
    assert not piece.coverage


def test_length_of_what_has_none() -> None:
    assert length(type("P", (), {"num_batches": None})()) is None
    assert length(object()) is None
    assert length([1, 2]) == 2
