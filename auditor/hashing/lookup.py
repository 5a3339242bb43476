"""Where runs of steps of query windows stand in reference windows, streamed past a table of their hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.mix import canonical, hash_vectors
from auditor.hashing.surprisal import Hashes, shingles

Hasher = Callable[[NDArray[Any]], Hashes]
"""Windows, shape (n, T, ...), to one hash for each of their steps, shape (n, T) or somewhat fewer."""

INWARDS = (0, 4)
"""Rare shingles are looked up from both ends of a window, and from these fractions of it inwards."""

BLOCK_STEPS = 2**17
"""Steps hashed at a time."""

BLOCK_VALUES = 2**20
"""Values compared at a time."""

NEAREST, FARTHEST = 6, 2
"""Partners kept per probe: those at the smallest shifts, and those at the largest."""

KEPT_PER_KEY = 64
"""Places kept for one key where there are too many to hold."""

HELD_HITS = 2**22
"""Places held before that cut is made."""


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """Query windows as hashes.

    `total` is the running sum of the bits of their steps; `length` is that of the shingles looked up. `rare` are the bits of a shingle worth looking
    up, `together` and `alone` those of a run that counts with others, and by itself.
    """

    hashes: Hashes
    total: NDArray[np.float64]
    length: int
    rare: float
    together: float
    alone: float


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Shingles of query windows that are looked for."""

    keys: Hashes
    window: NDArray[np.int64]
    position: NDArray[np.int64]
    key: NDArray[np.int64]


def exact_steps(dtype: np.dtype[Any]) -> Hasher:
    """Return a hasher under which steps are equal where all of their values are, as `dtype`."""

    def hashed(windows: NDArray[Any]) -> Hashes:
        values = canonical(windows, dtype).reshape(*windows.shape[:2], step_width(windows))
        return hash_vectors(values)

    return hashed


def step_width(windows: NDArray[Any]) -> int:
    """Return the number of values of a step of windows, shape (n, T, ...)."""
    return max(1, int(np.prod(windows.shape[2:], dtype=np.int64)))


def hashed_blocks(
    windows: NDArray[Any], hasher: Hasher, rows: NDArray[np.int64] | None = None
) -> Iterator[tuple[int, Hashes]]:
    """Yield the first row and the step hashes, shape (rows, T), of blocks of windows."""
    n, T = (len(windows) if rows is None else len(rows)), windows.shape[1]
    step = max(1, min(BLOCK_STEPS // max(1, T), BLOCK_VALUES // (T * step_width(windows))))
    for start in range(0, n, step):
        part = windows[start : start + step] if rows is None else windows[rows[start : start + step]]
        yield start, hasher(part)


def step_hashes(windows: NDArray[Any], hasher: Hasher, rows: NDArray[np.int64] | None = None) -> Hashes:
    """Return the hashes of the steps of all windows, or of some, shape (rows, T)."""
    return np.concatenate([part for _, part in hashed_blocks(windows, hasher, rows)])


def choose_probes(asked: Query, inwards: tuple[int, ...] = INWARDS) -> tuple[Probes, NDArray[np.bool_]]:
    """Choose, per window, the first and last rare shingle, and those a fraction further inwards."""
    k = asked.length
    keys = shingles(asked.hashes, k)
    gained = asked.total[:, k:] - asked.total[:, :-k]
    informative = np.asarray(asked.total[:, -1] >= asked.together)
    # where none is rare enough, the rarest there are
    bar = np.minimum(asked.rare, 0.9 * gained.max(axis=1))
    rare = (gained >= bar[:, None]) & informative[:, None]
    n_places = rare.shape[1]
    windows, positions = [], []
    for margin in (n_places // part if part else 0 for part in inwards):
        front, back = rare.copy(), rare.copy()
        front[:, :margin] = False
        back[:, n_places - margin :] = False
        first, last = np.argmax(front, axis=1), n_places - 1 - np.argmax(back[:, ::-1], axis=1)
        for mask, place in ((front, first), (back, last)):
            at = np.flatnonzero(mask.any(axis=1))
            windows.append(at)
            positions.append(place[at])
    chosen = np.unique(np.concatenate(windows) * n_places + np.concatenate(positions))
    window, position = np.divmod(chosen, n_places)
    distinct, key = np.unique(keys[window, position], return_inverse=True)
    return Probes(distinct, window, position, key.ravel()), informative


def look_up(
    reference: NDArray[Any], hasher: Hasher, probes: Probes, asked: Query
) -> tuple[NDArray[np.int64], NDArray[np.bool_], int]:
    """Stream the reference past the probes.

    Returns
    -------
    hits : ndarray of int64, shape (h, 3)
        Key, reference window and position, sorted by key.
    copies : ndarray of bool, shape (m,)
        Query windows that stand whole in the reference.
    capped : int
        Places dropped.
    """
    size = 1 << int(np.clip(np.ceil(np.log2(max(1, probes.keys.size))) + 4, 10, 24))
    table = np.zeros(size, dtype=bool)
    table[probes.keys & np.uint64(size - 1)] = True
    whole = hash_vectors(asked.hashes)
    wanted = np.unique(whole)
    found = np.zeros(wanted.size, dtype=bool)
    kept: list[NDArray[np.int64]] = [np.zeros((0, 3), dtype=np.int64)]
    held = capped = 0
    for start, hashes in hashed_blocks(reference, hasher):
        rows = hash_vectors(hashes)
        place = np.minimum(np.searchsorted(wanted, rows), wanted.size - 1)
        found[place[wanted[place] == rows]] = True
        keys = shingles(hashes, asked.length)
        window, position = np.nonzero(table[keys & np.uint64(size - 1)])
        if not window.size or not probes.keys.size:
            continue
        looked = keys[window, position]
        key = np.minimum(np.searchsorted(probes.keys, looked), probes.keys.size - 1)
        same = probes.keys[key] == looked
        kept.append(np.stack([key[same], window[same] + start, position[same]], axis=1))
        held += int(same.sum())
        if held > HELD_HITS:
            everything = _by_key(np.concatenate(kept))
            kept = [everything[_rank(everything[:, 0]) < KEPT_PER_KEY]]
            capped += held - len(kept[0])
            held = len(kept[0])
    return _by_key(np.concatenate(kept)), found[np.searchsorted(wanted, whole)], capped


def _by_key(hits: NDArray[np.int64]) -> NDArray[np.int64]:
    return hits[np.argsort(hits[:, 0], kind="stable")]


def _rank(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of each item within its group; `groups` is sorted."""
    first = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    return np.arange(groups.size) - np.repeat(first, np.diff(np.r_[first, groups.size]))


def candidates(probes: Probes, hits: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Yield pairs as arrays (query window, reference window, shift, position in the query window)."""
    first = np.searchsorted(hits[:, 0], np.arange(probes.keys.size))
    count = np.searchsorted(hits[:, 0], np.arange(probes.keys.size), "right") - first
    per_probe = count[probes.key]
    ends = np.cumsum(per_probe)
    begin = 0
    while begin < per_probe.size:
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + BLOCK_VALUES, "right")))
        n = per_probe[begin:end]
        probe = np.repeat(np.arange(begin, end), n)
        within = np.arange(probe.size) - np.repeat(np.cumsum(n) - n, n)
        hit = hits[first[probes.key[probe]] + within]
        shift = hit[:, 2] - probes.position[probe]
        order = np.lexsort((np.abs(shift), probe))
        rank, size = _rank(probe[order]), n[probe[order] - begin]
        chosen = order[(rank < NEAREST) | (rank >= size - FARTHEST)]
        chosen = chosen[np.argsort(hit[chosen, 1], kind="stable")]
        if chosen.size:
            asked = probe[chosen]
            yield probes.window[asked], hit[chosen, 1], shift[chosen], probes.position[asked]
        begin = end
