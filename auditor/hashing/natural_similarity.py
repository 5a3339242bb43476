"""How alike two sets must be so that density alone would not have made them so: the data's own threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.hashing.jaccard import PRODUCTS, all_similar, weights_of_rows
from auditor.hashing.sampling import spaced
from auditor.hashing.tokens import Tokens

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

LEAST_ROWS = 20
"""Distinct sets without which there is no neighbourhood to speak of."""

EXPECTED = 0.1
"""Pairs that density alone is allowed to put within the threshold, among all."""

FINE, FINE_TOKENS = 2**15, 2**20
"""Sets among which the dimension is measured, and their tokens, at most."""

LANDMARKS, LANDMARK_TOKENS = 2**12, 2**19
"""Sets that the distance to a natural neighbour is taken from, and their tokens, at most."""

ASKED, PLACES = 256, 4
"""Sets whose neighbourhoods are measured, and parts they are put into by how dense these are."""

NEARER, FARTHER = 4, 16
"""Ranks of the neighbours by which the dimension is measured: a family of up to four sets does not count."""

LARGEST = 0.5
"""A near copy lies at most at this share of the distance to a natural neighbour."""

EQUAL = 1e-9
"""Distance that rounding of weights leaves between equal sets."""

SEARCHED = 0.9
"""Quantile of the natural distance up to which pairs are searched."""

SHARES = (1.0, 0.75, 0.5)
"""Shares of that which are tried, where all of it would cost too much."""


@dataclass(frozen=True, slots=True, eq=False)
class Natural:
    """How far sets lie from one another by nature, as one minus their similarity.

    Attributes
    ----------
    ratio : float
        A pair is near where its distance is at most this share of the query's natural distance.
    dimension : float
        Intrinsic dimension near a set.
    scales : ndarray of float64
        Natural distances of some sets, ascending.
    landmarks : Tokens
        Sets that natural distances are taken from.
    """

    ratio: float
    dimension: float
    scales: Reals
    landmarks: Tokens

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Least similarities to be searched, the loosest first."""
        farthest = self.ratio * float(np.quantile(self.scales, SEARCHED))
        return tuple(1.0 - share * farthest for share in SHARES)

    def kept(self, sets: Tokens, rows: Numbers, similarity: Reals) -> NDArray[np.bool_]:
        """Return which pairs are near for the place of their row of `sets`."""
        distance = 1.0 - similarity
        keep = np.ones(rows.size, dtype=bool)
        doubtful = distance > 0.5 * self.ratio * self.scales[0]
        asked, where = np.unique(rows[doubtful], return_inverse=True)
        # a landmark may be the row itself, or its copy: those at no distance are left out
        scale = _ranked(self.landmarks, sets.take(asked), None, NEARER)[:, -1]
        keep[doubtful] = distance[doubtful] <= self.ratio * scale[where]
        return keep


def natural_similarity(reference: Tokens, query: Tokens | None) -> Natural | None:
    """Return how far sets of `reference` lie from one another; None where they are too few to say.

    One minus the Jaccard similarity is a metric. Around a set, the number of natural neighbours within a distance t
    is Poisson with mean ``c * t**h`` for a density that is smooth at that scale, h being its intrinsic dimension
    there (Levina and Bickel, 2004). h is measured leave-one-out by neighbours of ranks 4 to 16, which families of
    up to four copies do not touch, and c by the fourth of them; in dense and in sparse places apart, since it is
    in dense ones that natural neighbours are near. The ratio is the one below which, over all pairs, a tenth
    of a natural neighbour is expected.

    Parameters
    ----------
    reference : Tokens
        Distinct sets, none of them empty.
    query : Tokens or None
        Likewise; None where the reference is searched for pairs of its own.
    """
    n = len(reference)
    if n < LEAST_ROWS:
        return None
    fine = reference.take(spaced(n, _fitting(reference, FINE, FINE_TOKENS)))
    some = spaced(len(fine), ASKED)
    ranked = _ranked(fine, fine.take(some), some, min(FARTHER, len(fine) - 1))
    dimensions = _dimensions(ranked)
    of = spaced(n, _fitting(reference, LANDMARKS, LANDMARK_TOKENS))
    landmarks = reference.take(of)
    scales = np.sort(_ranked(landmarks, fine.take(some), None, NEARER)[:, -1])
    pairs = n / 2.0 if query is None else float(max(1, len(query)))
    within = EXPECTED / pairs * len(landmarks) / (n * float(NEARER))
    return Natural(_ratio(dimensions, within), float(np.median(dimensions)), scales, landmarks)


def _dimensions(ranked: Reals) -> Reals:
    """Return the intrinsic dimension near sets in denser and in sparser places, from their neighbours' distances."""
    last = ranked.shape[1]
    spread = np.log(ranked[:, [last - 1]] / ranked[:, NEARER - 1 : last - 1]).mean(axis=1)
    # what the mean would be in one dimension: the logarithms of ratios of uniform order statistics
    ranks = np.arange(NEARER, last)
    unit = float(((ranks - NEARER + 1.0) / ranks).mean())
    places = np.array_split(np.argsort(ranked[:, NEARER - 1], kind="stable"), PLACES)
    return np.array([unit / max(float(spread[place].mean()), 1e-3) for place in places])


def _ratio(dimensions: Reals, within: float) -> float:
    """Return the largest ratio at which no more neighbours than `within` are expected, on average over places."""
    low, high = -700.0, float(np.log(LARGEST))
    if np.exp(high * dimensions).mean() <= within:
        return LARGEST
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if np.exp(middle * dimensions).mean() <= within else (low, middle)
    return float(np.exp(low))


def _fitting(tokens: Tokens, rows: int, most: int) -> int:
    """Return how many rows hold about `most` tokens, at least enough to rank."""
    mean = max(1.0, tokens.ids.size / max(1, len(tokens)))
    return max(4 * LEAST_ROWS, min(rows, int(most / mean)))


def _ranked(reference: Tokens, query: Tokens, exclude: Numbers | None, ranks: int) -> Reals:
    """Return the distances of sets to their nearest of the reference, ascending, shape (m, ranks).

    Without the one each is told to exclude, or without those it equals. Similarities go by whole tokens, so that many
    neighbours stand at one distance: they are spread over what a token less would make it, or all of
    them would seem as far as the last, and the dimension larger than it is.
    """
    nearest = np.ones((len(query), ranks))
    step = max(1, PRODUCTS // len(reference))
    full, mine = weights_of_rows(reference), weights_of_rows(query)
    for start in range(0, len(query), step):
        part = query.take(np.arange(start, min(len(query), start + step)))
        distance = np.ones((len(part), len(reference)))
        for i, j, similarity in all_similar(reference, part, 0.0):
            distance[i, j] = 1.0 - similarity
        if exclude is None:
            distance[distance <= EQUAL] = np.inf
        else:
            distance[np.arange(len(part)), exclude[start : start + step]] = np.inf
        index = np.argpartition(distance, ranks - 1, axis=1)[:, :ranks]
        found = np.take_along_axis(distance, index, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        index, found = np.take_along_axis(index, order, axis=1), np.take_along_axis(found, order, axis=1)
        found = np.minimum(found, 1.0)
        least = _nearer_by_a_token(found, mine[start : start + len(part), None] + full[index])
        beyond = (distance <= found[:, -1:] + EQUAL).sum(axis=1)
        nearest[start : start + step] = _spread(found, least, np.maximum(beyond, ranks))
    return np.maximum(nearest, np.finfo(np.float64).tiny)


def _nearer_by_a_token(distance: Reals, sizes: Reals) -> Reals:
    """Return the distance that one token more in common would give, of sets of these sizes together."""
    shared = (1.0 - distance) * sizes / (2.0 - distance)
    return np.clip(1.0 - (shared + 1.0) / np.maximum(sizes - shared - 1.0, 1.0), 0.0, distance)


def _spread(distance: Reals, least: Reals, count: Numbers) -> Reals:
    """Spread sorted distances that are equal evenly over the range down to `least`.

    `count` are those of each row, beyond the ones given too, that are no farther than the last.
    """
    ranks = distance.shape[1]
    tied = np.abs(distance[:, :, None] - distance[:, None, :]) <= EQUAL
    first = tied.argmax(axis=2)
    last = ranks - tied[:, :, ::-1].argmax(axis=2)
    last = np.where(last == ranks, count[:, None], last)
    share = (np.arange(ranks) - first + 0.5) / (last - first)
    return np.sort(least + (distance - least) * np.where(last - first > 1, share, 1.0), axis=1)
