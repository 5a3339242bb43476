"""Codes of windows that no gain and no offset changes: the direction of two successive differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.mix import mix
from auditor.hashing.sampling import spaced
from auditor.hashing.surprisal import Hashes

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

CHANNELS = 4
"""Channels that codes are made of: 16 bits each, one word a step."""

CONSIDERED = 64
"""Channels among which those are chosen."""

SAMPLE_WINDOWS = 256
"""Windows on which precision, channels and resolutions are settled."""

FINEST = 2**14
"""Most codes of a channel."""

COARSEST = 16
"""A channel with fewer codes than this tells nothing."""

BIN_NOISE = 16.0
"""Codes are this many times wider than what rounding usually moves a direction by."""

LEAST_ENTROPY = 0.5
"""Bits a channel's codes must have."""

LEAST_SHARE = 0.05
"""Share of a channel's steps that must move by more than rounding."""

FLAT, MISSING = 0xFFFF, 0xFFFE
"""Codes of steps between which nothing moves, and of those that are not finite."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How exact values are: `unit` and `slack` are in parts of a window's largest value, `grid` is absolute.

    Attributes
    ----------
    unit : float
        What rounding moves a value by.
    slack : float
        What it may move it by where a gain and an offset were applied in one go to large values.
    each : bool
        Whether `unit` is of each value instead: where rounding is coarse, that difference counts.
    grid : float
        Half the step of the grid that values were rounded to, or 0.
    """

    unit: float
    slack: float
    each: bool
    grid: float

    def noise(self, values: NDArray[Any], slack: bool = False) -> NDArray[Any]:
        """Return what rounding may have moved values of windows by, shape (n, T, c) or (n, 1, c)."""
        size = np.abs(values)
        if not self.each:
            size = size.max(axis=1, keepdims=True)
        return np.asarray((self.slack if slack else self.unit) * size + self.grid)

    def around(self, values: NDArray[Any], slack: bool = False) -> NDArray[Any]:
        """Return the most that it may have moved any of three successive values by: (n, T - 2, c) or (n, 1, c)."""
        noise = self.noise(values, slack)
        if noise.shape[1] == 1:
            return noise
        return np.asarray(np.maximum(np.maximum(noise[:, :-2], noise[:, 1:-1]), noise[:, 2:]))


HALF = Precision(2.0**-11, 2.0**-10, True, 0.0)
SINGLE = Precision(2.0**-21, 2.0**-17, False, 0.0)
DOUBLE = Precision(2.0**-40, 2.0**-34, False, 0.0)


def find_precision(values: NDArray[Any], grid: float) -> Precision:
    """Return the precision of finite `values`: of their type, or of a narrower one they came through.

    Parameters
    ----------
    values : ndarray
        Finite.
    grid : float
        Step of the grid they stand on, or 0.
    """
    if values.dtype.kind != "f":
        return Precision(0.0, 0.0, False, 0.5)
    with np.errstate(over="ignore"):
        narrow = [kind for kind in (np.float16, np.float32) if (values.astype(kind) == values).all()]
    found = {np.float16: HALF, np.float32: SINGLE}[narrow[0]] if narrow else DOUBLE
    return Precision(found.unit, found.slack, found.each, grid / 2.0)


def coarser(first: Precision, second: Precision) -> Precision:
    """Return a precision that holds for the values of both."""
    a, b = sorted((first, second), key=lambda precision: precision.unit)
    return Precision(b.unit, b.slack, b.each, max(a.grid, b.grid))


@dataclass(frozen=True, slots=True, eq=False)
class AffineCoder:
    """How steps are coded.

    Attributes
    ----------
    channels : ndarray of int64, shape (c,)
        Columns of a step that are coded.
    resolution : ndarray of int64, shape (c,)
        Codes to the full circle of directions, by channel.
    precision : Precision
        Of the values.
    """

    channels: Numbers
    resolution: Numbers
    precision: Precision

    def __call__(self, windows: NDArray[Any]) -> Hashes:
        """Return the hashes of windows, shape (n, T, ...): one for every three steps, shape (n, T - 2)."""
        values = self.taken(windows)
        direction, size = directions(values)
        noise = self.precision.around(values)
        scale = (self.resolution / 4.0).astype(values.dtype)
        with np.errstate(invalid="ignore"):
            codes = np.floor((direction + 1.0) * scale + 0.5)
            codes -= np.where(codes >= self.resolution, self.resolution, 0).astype(values.dtype)
        codes[size <= 2.0 * noise] = FLAT
        codes[~np.isfinite(size)] = MISSING
        words = np.zeros((*codes.shape[:2], CHANNELS), dtype=np.uint16)
        words[..., : codes.shape[2]] = codes
        return mix(words.view(np.uint64)[..., 0].copy())

    def taken(self, windows: NDArray[Any]) -> NDArray[Any]:
        """Return the channels coded, shape (n, T, c), as float32 or float64."""
        wide = np.float64 if windows.dtype == np.float64 or windows.dtype.itemsize > 4 else np.float32
        flat = windows.reshape(*windows.shape[:2], -1)
        return np.asarray(flat[:, :, self.channels], dtype=wide)

    def coarse(self) -> AffineCoder:
        """Return one whose codes are eight times wider: rounding hardly moves a step out of them."""
        wide = np.maximum(self.resolution // 8, np.minimum(self.resolution, COARSEST))
        return AffineCoder(self.channels, wide, self.precision)


def directions(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the direction of each two successive differences, and their size, each shape (n, T - 2, c).

    The direction of (a, b) goes round from -1 to 3, as an angle does, but by parts of ``|a| + |b|``: a
    division instead of an arctangent. A positive gain and an offset do not change it.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        step = np.diff(values, axis=1)
        size = np.abs(step)
        size = size[:, :-1] + size[:, 1:]
        direction = step[:, :-1] / size
    return np.where(step[:, 1:] < 0, 2.0 - direction, direction).astype(values.dtype, copy=False), size


def fit_codes(windows: NDArray[Any], precision: Precision) -> AffineCoder | None:
    """Choose channels, and as many codes as their precision allows, from some windows, shape (n, T, ...).

    Returns
    -------
    AffineCoder or None
        None where no channel moves enough, beyond rounding, to tell one window from another.
    """
    width = max(1, int(np.prod(windows.shape[2:], dtype=np.int64)))
    considered = spaced(width, CONSIDERED)
    values = windows.reshape(*windows.shape[:2], width)[:, :, considered].astype(np.float64)
    values[~np.isfinite(values).all(axis=1, keepdims=True).repeat(values.shape[1], axis=1)] = 0.0
    direction, size = directions(values)
    noise = np.broadcast_to(precision.around(values), size.shape)
    resolution, entropy = (np.zeros(considered.size) for _ in range(2))
    for j in range(considered.size):
        moves = size[:, :, j] > 8.0 * noise[:, :, j]
        if moves.mean() < LEAST_SHARE:
            continue
        moved = float(np.median(4.0 * noise[:, :, j][moves] / size[:, :, j][moves]))
        resolution[j] = 2.0 ** np.clip(np.floor(np.log2(4.0 / max(BIN_NOISE * moved, 1e-12))), 0, 14)
        codes = np.where(moves, np.floor((direction[:, :, j] + 1.0) * resolution[j] / 4.0 + 0.5), -1.0)
        share = np.unique(codes, return_counts=True)[1] / codes.size
        entropy[j] = -(share * np.log2(share)).sum()
    usable = np.flatnonzero((resolution >= COARSEST) & (entropy >= LEAST_ENTROPY))
    best = np.sort(usable[np.argsort(-entropy[usable], kind="stable")[:CHANNELS]])
    if not best.size:
        return None
    return AffineCoder(considered[best], resolution[best].astype(np.int64), precision)
