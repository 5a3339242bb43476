"""Whether images lie in memory as they are read: by how neighbours resemble each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = (1, 3, 4)
"""Numbers of channels that images have: grey, colours, colours with transparency."""

ROWS_SEEN = 256
"""Images looked at, evenly spaced."""

PERMUTATIONS = 199
"""Random orders of an axis that its own order is held against."""

SMOOTHER = 0.7
"""Ratio of mean differences from which on one reading is called smoother than another."""


def some_rows(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return evenly spaced images, scaled so that their largest absolute value is 1."""
    step = max(1, len(images) // ROWS_SEEN)
    seen = images[::step][:ROWS_SEEN].astype(np.float64)
    seen = np.nan_to_num(seen, posinf=0.0, neginf=0.0)
    largest = np.abs(seen).max(initial=0.0)
    return seen / largest if largest > 0 else seen


def axis_is_ordered(images: NDArray[Any], axis: int, rng: np.random.Generator) -> bool:
    """Return whether neighbours along an axis resemble each other more than its other positions do.

    Null: the positions of the axis are exchangeable, as channels are. Permutation test at one in
    ``PERMUTATIONS + 1``, with the effect of ``SMOOTHER``. Five positions or fewer cannot tell.

    Parameters
    ----------
    images : ndarray, shape (n, a, b, c)
    axis : int
        1, 2 or 3.
    """
    seen = np.moveaxis(some_rows(images), axis, 0)
    length = seen.shape[0]
    if length < 6 or not len(images):
        return False
    flat = seen.reshape(length, -1)
    distances = (
        np.abs(flat[:, None, :] - flat[None, :, :]).mean(axis=2) if flat.size * length < 2**26 else None
    )
    if distances is None:
        flat = flat[:, :: max(1, flat.shape[1] * length**2 // 2**26)]
        distances = np.stack([np.abs(flat - row).mean(axis=1) for row in flat])
    mine = distances[np.arange(length - 1), np.arange(1, length)].mean()
    orders = [rng.permutation(length) for _ in range(PERMUTATIONS)]
    others = np.array([distances[order[:-1], order[1:]].mean() for order in orders])
    return bool(mine < others.min() and mine < SMOOTHER * others.mean())


def is_reshaped(images: NDArray[Any]) -> bool:
    """Return whether channels-first images were reshaped, not transposed, to channels last.

    Their memory, read as (channels, height, width), is smoother than as (height, width, channels), down,
    across and from channel to channel alike; the last against the contrast of whole images.

    Parameters
    ----------
    images : ndarray, shape (n, h, w, c)
        As the model reads them.
    """
    n, h, w, c = images.shape
    if c not in CHANNELS[1:] or min(h, w) < 6 or not n:
        return False
    seen = some_rows(images)
    planes = seen.reshape(len(seen), c, h, w)
    down, across = (np.abs(np.diff(seen, axis=axis)).mean() for axis in (1, 2))
    other_down, other_across = (np.abs(np.diff(planes, axis=axis)).mean() for axis in (2, 3))
    contrast = np.abs(
        seen - np.roll(seen.reshape(len(seen), -1), h * w * c // 2 + 1, axis=1).reshape(seen.shape)
    ).mean()
    between = np.abs(np.diff(planes, axis=1)).mean()
    return bool(
        other_down < SMOOTHER * down and other_across < SMOOTHER * across and between < SMOOTHER * contrast
    )
