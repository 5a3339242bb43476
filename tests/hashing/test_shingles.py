"""Texts, sequences and images as sets of their pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.hashing.shingles import from_patches, from_sequences, from_strings
from auditor.hashing.tokens import Tokens


def shared(tokens: Tokens, i: int, j: int) -> int:
    a, b = (set(tokens.take(np.array([row])).ids.tolist()) for row in (i, j))
    return len(a & b)


@given(st.lists(st.text(alphabet="abé🎈", max_size=12), min_size=1, max_size=5), st.integers(1, 4))
def test_shingles_of_texts(texts: list[str], width: int) -> None:
    tokens = from_strings(texts, width)
    sets = [{t[k : k + width] for k in range(max(1, len(t) - width + 1))} - {""} for t in texts]
    assert tokens.sizes.tolist() == [len(each) for each in sets]
    for i, ours in enumerate(sets):
        for j, theirs in enumerate(sets):
            assert shared(tokens, i, j) == len(ours & theirs)


def test_a_short_text_is_not_the_shingle_it_begins() -> None:
    tokens = from_strings(["ab", "abc", "abc\0"], 3)
    assert [shared(tokens, 0, 1), shared(tokens, 1, 2)] == [0, 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_a_shifted_sequence_keeps_its_shingles(dtype: type, shape: tuple[int, ...]) -> None:
    series = np.random.default_rng(0).integers(0, 200, size=(40, *shape)).astype(dtype)
    rows = np.stack([series[:30], series[10:]])
    tokens = from_sequences(rows, 4)
    assert shared(tokens, 0, 1) == 20 - 3
    ragged = from_sequences([series[:30], series[10:], series[:2]], 4)
    assert np.array_equal(ragged.take(np.arange(2)).ids, tokens.ids)
    assert ragged.sizes.tolist() == [27, 27, 1]


def test_sequences_of_no_steps_and_no_sequences() -> None:
    assert from_sequences(np.zeros((3, 0)), 2).sizes.tolist() == [0, 0, 0]
    assert len(from_sequences([], 2)) == 0
    assert len(from_strings([])) == 0
    with pytest.raises(ValueError, match="width"):
        from_sequences(np.zeros((3, 4)), 0)


def test_order_of_steps_matters() -> None:
    tokens = from_sequences(np.array([[1, 2, 3], [3, 2, 1], [0, 1, 2]]), 2)
    assert [shared(tokens, 0, 1), shared(tokens, 0, 2)] == [0, 1]


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_patches_are_found_again_where_an_image_was_moved(channels: tuple[int, ...], dtype: type) -> None:
    image = np.random.default_rng(1).integers(0, 255, size=(16, 18, *channels)).astype(dtype)
    crops = np.stack([image[:12, :12], image[2:14, 3:15], np.zeros_like(image[:12, :12])])
    tokens = from_patches(crops, 4, stride=1)
    assert tokens.sizes.tolist() == [81, 81, 0]  # one value throughout is no token
    assert shared(tokens, 0, 1) == (10 - 3) * (9 - 3)
    assert from_patches(crops, 4).sizes.tolist() == [9, 9, 0]


def test_a_side_beyond_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="side"):
        from_patches(np.zeros((2, 5, 6)), 6)


def test_no_images() -> None:
    assert len(from_patches(np.zeros((0, 5, 6)), 2)) == 0
