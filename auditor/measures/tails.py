"""The tail that ``validation_split`` takes, against the rows before it; and batches in the order given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.copies import Copies
from auditor.measures.homogeneity import proportions_p_value, total_variation
from auditor.measures.order import class_order, mid_ranks
from auditor.measures.target import Target


@dataclass(frozen=True, slots=True, eq=False)
class TailClasses:
    """Class counts of the tail and of the rows before it.

    `distance` is the share of tail rows that would have to change class, `p_value` the probability of
    as much in random order, `runs` the stretches of rows with one label over both parts.
    """

    head: NDArray[np.int64]
    tail: NDArray[np.int64]
    distance: float
    p_value: float
    runs: int

    @property
    def alone(self) -> bool:
        """Whether the tail holds one class and the rows before it hold others."""
        return int((self.tail > 0).sum()) == 1 and int(((self.head > 0) & (self.tail == 0)).sum()) > 0

    @property
    def in_blocks(self) -> bool:
        """Whether each class stands in one stretch of rows."""
        return self.runs == int((self.head + self.tail > 0).sum()) > 1


def tail_classes(labels: Target) -> TailClasses | None:
    """Return class counts of val against train; None where there are no rows with known labels."""
    before, after = (labels.codes[name][labels.codes[name] >= 0] for name in ("train", "val"))
    if not before.size or not after.size:
        return None
    head, tail = (np.bincount(codes, minlength=len(labels.classes)) for codes in (before, after))
    runs = int(np.count_nonzero(np.diff(np.concatenate([before, after])))) + 1
    return TailClasses(head, tail, total_variation(head, tail), proportions_p_value(head, tail), runs)


@dataclass(frozen=True, slots=True)
class TailValues:
    """Quantities of the tail against those before it.

    `delta` is Cliff's: 1 where every label of the tail is above every label before it. `monotone` says
    whether all labels, one after the other, never fall or never rise.
    """

    delta: float
    p_value: float
    monotone: bool


def tail_values(head: NDArray[np.float64], tail: NDArray[np.float64]) -> TailValues | None:
    """Return how quantities of the tail rank among all (Mann and Whitney, 1947).

    Examples
    --------
    >>> found = tail_values(np.arange(80.0), np.arange(80.0, 100.0))
    >>> found.delta, found.p_value < 1e-10, found.monotone
    (1.0, True, True)
    """
    head, tail = head[np.isfinite(head)], tail[np.isfinite(tail)]
    n, m = head.size, tail.size
    if n < 2 or m < 2:
        return None
    together = np.concatenate([head, tail])
    above = mid_ranks(together)[n:].sum() - m * (m + 1) / 2
    z = (above - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    steps = np.diff(together)
    monotone = bool(((steps >= 0).all() or (steps <= 0).all()) and (steps != 0).any())
    return TailValues(float(2 * above / (n * m) - 1), math.erfc(abs(z) / math.sqrt(2)), monotone)


@dataclass(frozen=True, slots=True, eq=False)
class TailCopies:
    """Tail rows that repeat a row before them.

    `rows` marks them; `share` is theirs of the tail, `expected` that of repeated rows anywhere, which is
    what random order would put into the tail, and `p_value` the probability of as many.
    """

    rows: NDArray[np.bool_]
    share: float
    expected: float
    p_value: float


def tail_copies(found: Copies) -> TailCopies | None:
    """Return how the repeats among all rows gather in the tail.

    Null: random order. Repeated rows fall into the tail as draws without replacement; their number there
    is hypergeometric, and the p-value is its Chernoff bound (Hoeffding, 1963).
    """
    if "val" not in found.splits or "train" not in found.splits:
        return None
    repeated = (found.counts("train", "val") > 1) & ~found.blank
    head, tail = repeated[found.rows("train")], repeated[found.rows("val")]
    matched = (found.match("val", "train") >= 0) & tail
    expected = float((head.sum() + tail.sum()) / (head.size + tail.size))
    share = float(matched.mean()) if matched.size else 0.0
    return TailCopies(matched, share, expected, chernoff(share, expected, tail.size))


def chernoff(share: float, expected: float, draws: int) -> float:
    """Return a bound on the probability that a share of draws is at least `share`, where `expected` is."""
    if share <= expected or not draws:
        return 1.0
    if expected == 0:
        return 0.0
    divergence = share * math.log(share / expected)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - expected))
    return math.exp(-draws * divergence)


@dataclass(frozen=True, slots=True)
class Batches:
    """How classes come in batches of a fixed order.

    `purity` is the mean share of a batch's commonest class, `usual` what batches of random rows have,
    `runs` the stretches of rows with one label, and `z` by how many standard deviations these are more
    than random order has.
    """

    size: int
    purity: float
    usual: float
    runs: int
    z: float


def batch_classes(
    codes: NDArray[np.int64], n_classes: int, size: int, rng: np.random.Generator
) -> Batches | None:
    """Return how pure batches of consecutive rows are, beside batches of the same rows in random order."""
    known = codes[codes >= 0]
    whole = known.size // size * size
    if size < 2 or whole < 2 * size:
        return None
    order = class_order(known, n_classes)
    shuffled = rng.permutation(known)
    purity, usual = (_purity(rows[:whole].reshape(-1, size), n_classes) for rows in (known, shuffled))
    return Batches(size, purity, usual, order.runs, order.z)


def _purity(batches: NDArray[np.int64], n_classes: int) -> float:
    offsets = np.arange(len(batches))[:, None] * n_classes
    counts = np.bincount((batches + offsets).ravel(), minlength=len(batches) * n_classes)
    return float(counts.reshape(-1, n_classes).max(axis=1).mean() / batches.shape[1])
