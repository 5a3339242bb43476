"""Families of near copies within a class: how many rows a class would have without them.

Around a row of a smooth density of dimension h, the distances to its neighbours are such that
``h * k * log(r[k+1] / r[k])`` are independent and exponential of mean 1, for every rank k and whatever the
density (Renyi, 1953; Levina and Bickel, 2005). A row with k copies leaves one step that is far too wide: the
one from the last copy to the first stranger. Dense classes and thin ones are alike in this.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.hashing.nearest import neighbours
from auditor.hashing.points import Floats, Points
from auditor.hashing.projection import directions
from auditor.measures.closeness import RESOLUTION, TINY, unit_scale
from auditor.measures.copies import Copies, Numbers, label_ids
from auditor.measures.repetition import Repetition

Reals = NDArray[np.float64]

AXES = 32
"""Principal coordinates that distances are measured in."""

MOST_COPIES = 128
"""Neighbours looked at: larger families are not seen as such."""

LEAST_ROWS = 20
"""Different rows of a class without which its dimension is unknown."""

WORK = 2**27
"""Distances computed for all classes together; rows are drawn beyond."""

ASKED = 256, 2048
"""Rows of a class whose neighbours are looked up, at least and at most."""

CHANCE = 0.05
"""Probability that a row without copies is taken for one of a family, over all ranks."""

SAMPLE = 2048
"""Rows of a class that its spread and directions are learnt from."""

LEAST_COLUMNS = 3
"""Columns with mostly different values without which noise is not to be told."""

MOSTLY = 0.5
"""Share of different values from which a column counts."""

PAIRS = 2000
"""Differences within families that are looked at."""

WIDE = 0.75
"""Distance to the last of a family over that to the first stranger, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Families:
    """Families of near copies by class, over all splits taken together, and which reach from one into train.

    Attributes
    ----------
    counts : Repetition
        As for equal rows, a family standing for a row that is repeated, over all splits; only `held_out`,
        `straddling` and `expected` are of the evaluation split. Classes that were not looked at have no
        rows; where rows were drawn of a class, its counts are of those.
    within : ndarray of float64, shape (n_classes,)
        Share of rows that stand in a family.
    alike : ndarray of float64, shape (n_classes,)
        Probability that copies drawn at random fall as evenly on the rows: tiny where each row was measured as
        often. NaN without families, here and below.
    uneven : ndarray of float64, shape (n_classes,)
        Variance of the number of copies over the square of its mean: large where few rows have most.
    scatter : ndarray of float64, shape (n_classes,)
        How much wider distances within families scatter than noise of one size makes them, as a logarithm.
    nearer : ndarray of float64, shape (n_classes,)
        Distance to the last of the family over that to the first stranger, median.
    noisy : ndarray of bool, shape (n_classes,)
        Whether there are columns with enough different values for noise to show.
    rows, partner : ndarray of int64, shape (m,)
        Rows of the evaluation split, ascending, that have one of their family in train, and the nearest.
    """

    counts: Repetition
    within: Reals
    alike: Reals
    uneven: Reals
    scatter: Reals
    nearer: Reals
    noisy: NDArray[np.bool_]
    rows: Numbers
    partner: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class _Class:
    """Rows of one class: where they lie, which are of train and of the evaluation split, and who is asked."""

    at: Floats
    row: Numbers
    in_train: NDArray[np.bool_]
    held_out: NDArray[np.bool_]
    asked: Numbers
    noisy: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Neighbours of the rows asked: how wide the steps between them are, and which they are."""

    distance: Reals
    width: Reals
    noise: NDArray[np.bool_]
    dimension: float
    nearest: Numbers


def families(case: Case, found: Copies, split: str, kinds: tuple[int, ...], seed: int) -> Families:
    """Product: families of near copies in some classes, over all splits, and those that `split` has in train.

    Of equal rows with one label the first counts, and those of train and `split` before others.

    Parameters
    ----------
    case : Case
    found : Copies
    split : str
        Name of an evaluation split.
    kinds : tuple of int
        Numbers of the classes, two at least. Their lowest dimension is taken for that of all.
    seed : int
        Of the audit.
    """
    rng = np.random.default_rng([seed, zlib.crc32(f"families {split}".encode())])
    labels = label_ids(case)
    n_classes = 1 + max(int(codes.max(initial=0)) for codes in labels.values())
    names = tuple(dict.fromkeys(("train", split, *(name for name in found.splits if name in labels))))
    ids, origin, row = _members(found, labels, names)
    unit = unit_scale(case.train)
    classes = {}
    for kind in kinds:
        own = np.flatnonzero(ids == kind)
        rows = [row[own[origin[own] == i]] for i in range(len(names))]
        at, noisy = _coordinates([case[name] for name in names], rows, unit)
        wanted = int(np.clip(WORK // (len(kinds) * max(1, own.size)), *ASKED))
        asked = np.arange(own.size)
        if own.size > wanted:
            asked = np.sort(rng.choice(own.size, wanted, replace=False))
        classes[kind] = _Class(at, row[own], origin[own] == 0, origin[own] == 1, asked, noisy)
    steps = {kind: _steps(one) for kind, one in classes.items() if len(one.at) >= LEAST_ROWS}
    dimension = min((step.dimension for step in steps.values()), default=1.0)
    return _counted(classes, steps, max(1.0, dimension), n_classes, rng)


def _members(
    found: Copies, labels: Mapping[str, Numbers], names: tuple[str, ...]
) -> tuple[Numbers, Numbers, Numbers]:
    """Return label, split (its place in `names`) and row of different labelled rows, split after split."""
    ids = np.concatenate([labels[name] for name in names])
    owners = np.concatenate([found.first[found.rows(name)] for name in names])
    lengths = [labels[name].size for name in names]
    order = np.lexsort((owners, ids))
    fresh = np.ones(order.size, dtype=bool)
    fresh[1:] = (owners[order][1:] != owners[order][:-1]) | (ids[order][1:] != ids[order][:-1])
    kept = np.sort(order[fresh & (ids[order] >= 0) & ~found.blank[owners[order]]])
    origin = np.repeat(np.arange(len(names)), lengths)
    row = np.concatenate([np.arange(length) for length in lengths])
    return ids[kept], origin[kept], row[kept]


def _coordinates(
    splits: list[Split], rows: list[Numbers], unit: tuple[Reals, Reals, bool]
) -> tuple[Floats, bool]:
    """Return the rows of a class along the directions in which they spread most, shape (n, <= AXES).

    Columns of a table count by their spread in train, as noise that is added to them does, and only where
    most values are different: rows of one category are no family. Where such columns are too few, all
    count, and False is returned with them.
    """
    size, train = sum(part.size for part in rows), splits[0].flat
    every = max(1, size // SAMPLE)
    some = np.concatenate([split.flat[part[::every]] for split, part in zip(splits, rows, strict=True)])
    centre, scale, one_unit = unit
    noisy = True
    if not one_unit or len(splits[0].feature_shape) == 1:
        some = some.astype(np.float64)
        some[~np.isfinite(some)] = 0.0
        scale, noisy = _scale(train[:: max(1, len(train) // SAMPLE)].astype(np.float64), some)
        centre = np.quantile(some, 0.5, axis=0, method="lower") if len(some) else centre
    axes = directions(Points(some, centre, scale), min(AXES, int(np.count_nonzero(scale))))
    at = np.empty((size, axes.shape[1]), dtype=np.float32)
    done = 0
    for split, part in zip(splits, rows, strict=True):
        points = Points(split.flat, centre, scale)
        for start in range(0, part.size, points.step):
            block = points.take(part[start : start + points.step]) @ axes
            at[done : done + len(block)] = block
            done += len(block)
    return at, noisy


def _scale(train: Reals, some: Reals) -> tuple[Reals, bool]:
    """Return one over the standard deviation of the columns that count, 0 for the others."""
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.where(np.isfinite(train), train, 0.0)
        spread = finite.std(axis=0)
    ordered = np.sort(some, axis=0)
    different = 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)
    usable = np.isfinite(spread) & (spread > 0)
    varied = usable & (different >= MOSTLY * len(some))
    noisy = bool(varied.sum() >= LEAST_COLUMNS)
    usable = varied if noisy else usable
    return np.where(usable, 1.0 / np.where(usable, spread, 1.0), 0.0), noisy


def _steps(one: _Class) -> _Steps:
    """Measure the steps in the distances from each row to its neighbours of the class."""
    k = min(len(one.at) - 1, MOST_COPIES + 1)
    asked = one.at[one.asked]
    distance, nearest = neighbours(one.at, asked, k, one.asked)
    finest = RESOLUTION * np.sqrt(np.einsum("ij,ij->i", asked, asked, dtype=np.float64))
    finest = np.maximum(finest, TINY)[:, None]
    noise = distance[:, 0] > finest[:, 0]  # rows equal in what counts are copies without noise
    distance = np.maximum(distance, finest)
    width = np.arange(1, k) * np.log(distance[:, 1:] / distance[:, :-1])
    # the median of an exponential variable is log(2) times its mean; one step of many does not move it
    middle = float(np.median(width[width > 0])) if (width > 0).any() else math.inf
    return _Steps(distance, width, noise, math.log(2.0) / middle, nearest)


def _sizes(step: _Steps, dimension: float) -> tuple[Numbers, Reals]:
    """Return the size of each row's family, and the distance to its last over that to the first stranger.

    A step after k neighbours must be wider than chance makes it with a probability of ``CHANCE / (k (k + 1))``,
    which is ``CHANCE`` over all k.
    """
    k = np.arange(1, step.width.shape[1] + 1)
    beyond = step.width - np.log(k * (k + 1) / CHANCE) / dimension
    at = beyond.argmax(axis=1)
    rows = np.arange(at.size)
    ratio = step.distance[rows, at] / step.distance[rows, at + 1]
    return np.where((beyond[rows, at] > 0) & (ratio < WIDE) & step.noise, at + 2, 1), ratio


def _counted(
    classes: Mapping[int, _Class],
    steps: Mapping[int, _Steps],
    dimension: float,
    n_classes: int,
    rng: np.random.Generator,
) -> Families:
    """Gather what was found in each class."""
    count = {field.name: np.zeros(n_classes) for field in fields(Repetition)}
    told = {name: np.full(n_classes, np.nan) for name in ("alike", "uneven", "scatter", "nearer")}
    within, noisy = np.zeros(n_classes), np.zeros(n_classes, dtype=bool)
    pairs: list[Numbers] = [np.zeros((2, 0), dtype=np.int64)]
    for kind, step in steps.items():
        one = classes[kind]
        size, ratio = _sizes(step, dimension)
        first = _first_in_train(one, step, size)
        across = one.held_out[one.asked] & (first >= 0)
        for name, value in _repetition(one, size, int(across.sum())).items():
            count[name][kind] = value
        noisy[kind], within[kind] = one.noisy, (size > 1).mean()
        if (size > 1).any():
            told["alike"][kind], told["uneven"][kind] = _evenness(size[size > 1])
            told["nearer"][kind] = np.median(ratio[size > 1])
            told["scatter"][kind] = _scatter(one, step, size, rng)
        pairs.append(np.stack([one.row[one.asked[across]], one.row[first[across]]]))
    rows, partner = np.concatenate(pairs, axis=1)
    order = np.argsort(rows, kind="stable")
    whole: dict[str, Any] = {
        name: values if name in {"spread", "expected"} else np.rint(values).astype(np.int64)
        for name, values in count.items()
    }
    return Families(
        Repetition(**whole), within, **told, noisy=noisy, rows=rows[order], partner=partner[order]
    )


def _repetition(one: _Class, size: Numbers, straddling: int) -> dict[str, float]:
    """Return what `Repetition` says of one class, each family being met as often as it has members."""
    weight, held_out = 1.0 / size, one.held_out[one.asked]
    n = float(weight.sum())
    mean = size.size / n
    variance = float((weight * (size - mean) ** 2).sum() / n)
    other = float(one.in_train.mean())
    return {
        "rows": size.size,
        "held_out": float(held_out.sum()),
        "different": n,
        "repeated": float(weight[size > 1].sum()),
        "spread": (variance - mean) / mean**2,
        "straddling": straddling,
        "expected": float((1.0 - (1.0 - other) ** (size[held_out] - 1.0)).sum()),
    }


def _evenness(size: Numbers) -> tuple[float, float]:
    """Return the probability that draws fall as evenly on the rows that have copies, and how unevenly they do.

    Rows that have copies drawn at random have a Poisson number of them, one at least, whichever part of the
    rows is looked at. The first is a lower tail of their variance (chi-square, its dispersion test); the
    second is the variance over the square of the mean.
    """
    from scipy.special import gammainc

    weight, copies = 1.0 / size, size - 1
    n = float(weight.sum())
    mean = size.size / n - 1.0
    variance = float((weight * (copies - mean) ** 2).sum() / n)
    rate = mean
    for _ in range(50):
        rate = mean * -math.expm1(-rate)  # the mean is rate / (1 - exp(-rate))
    usual = mean * (1.0 + rate - mean)
    free = max(n - 1.0, 0.5)
    even = float(gammainc(free / 2.0, free * variance / max(usual, TINY) / 2.0)) if rate > 1e-3 else 1.0
    return even, variance / mean**2


def _scatter(one: _Class, step: _Steps, size: Numbers, rng: np.random.Generator) -> float:
    """Return how much wider distances within families scatter than noise of one size makes them.

    That is, the log of the ratio of the quartiles of squared distances, less what it would be had all
    differences come from one normal distribution with the moments of those to the nearest.
    """
    rows = np.flatnonzero(size > 1)
    rows = np.sort(rng.choice(rows, min(rows.size, PAIRS), replace=False))
    here = one.at[one.asked[rows]].astype(np.float64)
    member = step.nearest[rows, rng.integers(0, size[rows] - 1)]
    squared = ((here - one.at[member]) ** 2).sum(axis=1)
    nearest = here - one.at[step.nearest[rows, 0]]
    moments = np.linalg.eigvalsh(nearest.T @ nearest / rows.size)
    noise = rng.normal(size=(PAIRS, moments.size)) ** 2 @ np.maximum(moments, 0.0)
    low, high = np.log(np.maximum(np.quantile(squared, (0.25, 0.75)), TINY))
    lower, higher = np.log(np.maximum(np.quantile(noise, (0.25, 0.75)), TINY))
    return float((high - low) - (higher - lower))


def _first_in_train(one: _Class, step: _Steps, size: Numbers) -> Numbers:
    """Return, for each row asked, the nearest train row of its family, or -1."""
    rank = np.arange(step.nearest.shape[1])
    inside = (rank < size[:, None] - 1) & one.in_train[step.nearest]
    first = inside.argmax(axis=1)
    found: Numbers = np.where(inside.any(axis=1), step.nearest[np.arange(first.size), first], -1)
    return found
