"""Sequences, texts and images as sets of their pieces, wherever these stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from auditor.hashing.mix import canonical, hash_vectors, join, mix
from auditor.hashing.tokens import BLOCK_VALUES, ROW_BITS, Hashes, Numbers, Tokens, from_hashes, value_dtype

SHINGLE = 5
"""Characters of a shingle of text."""

_STEP = np.uint64(0x9E3779B97F4A7C15)


def from_strings(texts: Sequence[str], width: int = SHINGLE) -> Tokens:
    """Return the sets of shingles of texts: every run of `width` characters.

    A text of fewer characters is one shingle.

    Examples
    --------
    >>> from_strings(["banana", "ab", ""], width=2).sizes.tolist()
    [3, 1, 0]
    """
    encoded = [text.encode("utf-32-le", "surrogatepass") for text in texts]
    steps = np.frombuffer(b"".join(encoded), dtype=np.uint32).astype(np.uint64)
    return _shingles(mix(steps + _STEP), np.array([len(part) // 4 for part in encoded], np.int64), width)


def from_sequences(rows: NDArray[Any] | Sequence[Any], width: int, dtype: DTypeLike | None = None) -> Tokens:
    """Return the sets of shingles of sequences: every run of `width` consecutive steps, wherever it stands.

    Parameters
    ----------
    rows : ndarray, shape (n, T) or (n, T, ...), or sequence of n arrays, each of shape (T_k,) or (T_k, ...)
        Sequences; a step is a number or a vector. Steps are equal only exactly: round first what is noisy.
    width : int
        Steps of a shingle. A shorter sequence is one shingle.
    dtype : dtype, optional
        As `value_dtype` gives it for all arrays to be compared.

    Examples
    --------
    >>> from_sequences(np.array([[1, 2, 1, 2, 1]]), 2).sizes.tolist()
    [2]
    """
    arrays = [rows] if isinstance(rows, np.ndarray) else [np.asarray(row) for row in rows]
    if not arrays:
        return Tokens(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint64))
    target = value_dtype(*(part.dtype for part in arrays)) if dtype is None else np.dtype(dtype)
    if isinstance(rows, np.ndarray):
        n, T = rows.shape[:2]
        flat = rows.reshape(n * T, math.prod(rows.shape[2:]))
        return _shingles(_step_hashes(flat, target), np.full(n, T), width)
    steps = [_step_hashes(part.reshape(len(part), math.prod(part.shape[1:])), target) for part in arrays]
    return _shingles(np.concatenate(steps), np.array([len(part) for part in arrays]), width)


def _step_hashes(steps: NDArray[Any], dtype: np.dtype[Any]) -> Hashes:
    hashes = np.zeros(len(steps), dtype=np.uint64)
    block = max(1, BLOCK_VALUES // max(1, steps.shape[1]))
    for start in range(0, len(steps) if steps.shape[1] else 0, block):
        hashes[start : start + block] = hash_vectors(canonical(steps[start : start + block], dtype))
    return hashes


def _shingles(steps: Hashes, lengths: Numbers, width: int) -> Tokens:
    """Return sets of runs of `width` steps of sequences that stand one after another."""
    if width < 1:
        raise ValueError(f"width is {width}; wanted at least 1.")
    ends = np.cumsum(lengths)
    shorter = np.minimum(lengths, width)
    count = np.where(lengths > 0, lengths - shorter + 1, 0)
    begins = np.repeat(ends - lengths - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    hashes = np.zeros(begins.size, dtype=np.uint64)
    whole = np.repeat(shorter, count)
    for place in range(width):
        inside = whole > place
        if inside.all():
            hashes = join(hashes, steps[begins + place])
        else:
            hashes[inside] = join(hashes[inside], steps[begins[inside] + place])
    return from_hashes(hashes >> np.uint64(ROW_BITS), count)


def from_patches(
    images: NDArray[Any], side: int, stride: int | None = None, dtype: DTypeLike | None = None
) -> Tokens:
    """Return the sets of square patches of images, wherever they stand.

    Parameters
    ----------
    images : ndarray, shape (n, H, W) or (n, H, W, C)
        Pixels are equal only exactly: round first what is noisy.
    side : int
        Height and width of a patch, no more than the images'.
    stride : int, optional
        Pixels between patches; `side` by default: patches do not overlap. At 1, patches of an image that was
        cropped or moved are found again.
    dtype : dtype, optional
        As `value_dtype` gives it for all arrays to be compared.

    Notes
    -----
    A patch of one value throughout stands in too many images to tell one from another, and is no token.

    Examples
    --------
    >>> image = np.arange(36).reshape(1, 6, 6)
    >>> from_patches(image, 3).sizes.tolist(), from_patches(image, 3, stride=1).sizes.tolist()
    ([4], [16])
    """
    n, height, width = images.shape[:3]
    if not 1 <= side <= min(height, width):
        raise ValueError(f"side is {side}; wanted 1 to {min(height, width)}.")
    target = value_dtype(images.dtype) if dtype is None else np.dtype(dtype)
    pixels = images.reshape(n, height, width, math.prod(images.shape[3:]))
    windows = sliding_window_view(pixels, (side, side), axis=(1, 2))
    windows = windows[:, :: stride or side, :: stride or side]
    each = int(windows.shape[1] * windows.shape[2])
    rows, ids = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    step = max(1, BLOCK_VALUES // max(1, each * side * side * pixels.shape[3]))
    for start in range(0, n, step):
        block = windows[start : start + step]
        block = canonical(block.reshape(len(block) * each, pixels.shape[3], side * side), target)
        tells = np.flatnonzero((block != block[:, :, :1]).any(axis=(1, 2)))
        ids.append(hash_vectors(block[tells].reshape(tells.size, -1)) >> np.uint64(ROW_BITS))
        rows.append(tells // each + start)
    return from_hashes(np.concatenate(ids), np.bincount(np.concatenate(rows), minlength=n).astype(np.int64))
