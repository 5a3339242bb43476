"""Changes that leave a sample the same."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.measures.transforms import MOST_SHIFTS, transforms


def _undone(shape: tuple[int, ...], name: str, row: np.ndarray) -> np.ndarray:
    (change,) = [t for t in transforms(shape) if t.name == name]
    return row.ravel()[change.source].reshape(shape)


def test_flips_and_turns_of_an_image() -> None:
    image = np.arange(36.0).reshape(6, 6)
    for name, undone in {
        "flipped left to right": image[:, ::-1],
        "flipped upside down": image[::-1],
        "turned by 180 degrees": image[::-1, ::-1],
        "turned by 90 degrees": np.rot90(image, 1),
        "turned by 270 degrees": np.rot90(image, -1),
        "mirrored along the diagonal": image.T,
        "mirrored along the other diagonal": np.rot90(image.T, 2),
    }.items():
        assert np.array_equal(_undone((6, 6), name, image), undone), name


@pytest.mark.parametrize("shape", [(8, 6, 3), (3, 8, 6)])
def test_channels_stay_where_they_are(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).normal(size=shape)
    width = 1 if shape[2] == 3 else 2
    assert np.array_equal(_undone(shape, "flipped left to right", image), np.flip(image, width))


def test_reversal_in_time_is_named_by_its_axis() -> None:
    assert [t.name for t in transforms((50, 3))][:3] == [
        "reversed", "inverted", "given another gain and offset",
    ]  # fmt: skip
    names = [t.name for t in transforms((50, 9))]
    assert names[:3] == ["reversed along axis 1", "reversed along axis 2", "reversed along axes 1 and 2"]


def test_a_rectangle_is_not_turned_by_90_degrees() -> None:
    assert not [t.name for t in transforms((8, 6)) if "90" in t.name or "diagonal" in t.name]


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3), (64,), (40, 5)])
def test_moves_bring_a_window_to_the_middle(shape: tuple[int, ...]) -> None:
    row = np.random.default_rng(0).normal(size=shape)
    moves = [t for t in transforms(shape) if t.name.startswith("moved")]
    axes = [axis for axis, side in enumerate(shape) if side >= 4]
    for change in moves[:12]:
        steps = [int(step) for step in change.name[len("moved by (") : -1].split(",")]
        moved = np.roll(row, steps, axes)
        assert np.array_equal(moved.ravel()[change.source], row.ravel()[change.target])


def test_a_tenth_of_a_side_and_no_more() -> None:
    steps = [t.name for t in transforms((40,)) if t.name.startswith("moved")]
    assert len(steps) == 8
    assert "moved by (-4)" in steps
    large = [t for t in transforms((224, 224, 3)) if t.name.startswith("moved")]
    assert len(large) <= MOST_SHIFTS + 1
    assert "moved by (+1, +0)" in {t.name for t in large}


def test_channels_have_gains_of_their_own() -> None:
    (change,) = [t for t in transforms((8, 8, 3)) if "channel" in t.name]
    image = np.arange(192).reshape(8, 8, 3)
    assert change.parts == 3
    assert np.array_equal(image.ravel()[change.source].reshape(3, 64), image.reshape(64, 3).T)
    assert not [t for t in transforms((64,)) if "channel" in t.name]


@pytest.mark.parametrize("shape", [(1,), (3,), (3, 3), (2, 2, 2)])
def test_small_rows_are_only_inverted_and_brightened(shape: tuple[int, ...]) -> None:
    assert {t.name for t in transforms(shape)} == {"inverted", "given another gain and offset"}
