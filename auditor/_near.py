"""Near-duplicate rows of one array, or across two."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor._near_answer import NearCoverage, NearDuplicates, NearDuplicatesWarning
from auditor.sources.arrays import is_sparse
from auditor.sources.frames import is_frame, read_features
from auditor.sources.token_sets import listed, only_flags, read_sets

if TYPE_CHECKING:
    from auditor.hashing.tokens import Tokens
    from auditor.measures.near_pairs import Found

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]
Kind = Literal["auto", "rows", "raw", "unit", "sets"]

KINDS = ("auto", "rows", "raw", "unit", "sets")
"""What rows can be compared as."""

MOST_PAIRS = 1_000_000
"""Pairs returned by default, at most."""

UNIT_WIDTH = 8
"""Features from which on rows of unit length are taken for embeddings."""

UNIT_TOLERANCE = 2e-3
"""Deviation from unit length that float16 leaves."""


def near_duplicates(
    X: Any,
    Y: Any = None,
    *,
    threshold: float | None = None,
    kind: Kind = "auto",
    limit: int = MOST_PAIRS,
) -> NearDuplicates:
    """Find rows that are nearly equal: within `X`, or between `X` and `Y`.

    Parameters
    ----------
    X, Y : array-like, data frame, tensor, sparse matrix, list of sets
        What `audit` takes, of any number of dimensions, rows first. `Y` has rows of the same shape.
    threshold : float, optional
        How near a pair must be, in the terms of `kind`. By default the data's own: a share of the distance to a
        row's natural neighbours, so small that, by their number and dimension, chance would put not even one
        pair within it, or one in a hundred of those found.
    kind : {"auto", "rows", "raw", "unit", "sets"}
        What is compared, and what `threshold` means:

        - ``rows``: Euclidean distance, at most. Columns of a table are brought to unit spread first; features in
          one unit, such as pixels, to a root mean square spread of one.
        - ``raw``: Euclidean distance of the values as they stand, at most.
        - ``unit``: cosine similarity, at least.
        - ``sets``: Jaccard similarity, at least, of the columns that are not zero, or of (column, value) pairs.
        - ``auto``: sets for sparse and boolean input, lists of sets and categories; unit for floats of unit length;
          rows for the rest.
    limit : int
        Pairs returned, at most. Where there are more, a `NearDuplicatesWarning` says so.

    Returns
    -------
    NearDuplicates

    Raises
    ------
    InputError
        If an input cannot be used, or the threshold makes no sense for the kind.

    Notes
    -----
    Equal rows are found first, by digests, in linear time, and go on as one. Missing and infinite values count as
    the column's centre in all but that. The routes are chosen by a model of their cost: blocked matrix products,
    or a short projection with an exact search (no pair is missed), or, where these would take long, bands of
    sampled coordinates or of random planes, whose miss probability is told. Every pair returned has been measured.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 8))
    >>> Y = np.vstack([X[3] + 1e-6, rng.normal(size=(50, 8))])
    >>> found = near_duplicates(X, Y)
    >>> found.pairs.tolist()
    [[3, 0]]
    """
    _check(threshold, kind, limit)
    parts = [part for part in (X, Y) if part is not None]
    if kind in {"auto", "sets"} and any(is_sparse(part) or listed(part) for part in parts):
        return _near_sets(read_sets(X, Y, None), threshold, limit)
    first, second, categorical = _arrays(X, Y)
    flags = categorical or (only_flags(first) and (second is None or only_flags(second) or not second.size))
    if kind == "sets" or (kind == "auto" and flags):
        return _near_sets(read_sets(X, Y, (first, second)), threshold, limit)
    chosen = _dense_kind(first, second) if kind == "auto" else kind
    return _near_dense(first, second, threshold, chosen, limit)


def _check(threshold: float | None, kind: str, limit: int) -> None:
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}; wanted one of {', '.join(KINDS)}.", hint='"auto" chooses.')
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1:
        raise InputError(f"limit is {limit!r}; wanted a whole number from 1.", hint="leave it out.")
    if threshold is None:
        return
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.number):
        raise InputError(
            f"threshold is {threshold!r}; wanted a number.", hint="leave it out for the data's own."
        )
    value = float(threshold)
    if not math.isfinite(value):
        raise InputError(
            f"threshold is {value}; wanted a finite number.", hint="leave it out for the data's own."
        )
    if kind == "sets" and not 0.0 < value <= 1.0:
        raise InputError(
            f"threshold is {value:g}; a Jaccard similarity is more than 0 and at most 1.", hint="try 0.8."
        )
    if kind == "unit" and not -1.0 <= value <= 1.0:
        raise InputError(f"threshold is {value:g}; a cosine is between -1 and 1.", hint="try 0.95.")
    if kind in {"rows", "raw"} and value < 0.0:
        raise InputError(f"threshold is {value:g}; a distance is 0 or more.", hint="try 0.1.")


def _arrays(X: Any, Y: Any) -> tuple[NDArray[Any], NDArray[Any] | None, bool]:
    """Return both inputs as arrays of numbers, and whether all columns are categories."""
    sources = {"train": X} if Y is None else {"train": X, "test": Y}
    try:
        features = read_features(sources)
    except InputError as error:
        said = (part.replace("X_train", "X").replace("X_test", "Y") for part in (error.message, error.hint))
        message, hint = said
        raise InputError(message, hint=hint) from None
    first, second = features.arrays["train"], features.arrays.get("test")
    if second is not None:
        if not second.size and second.ndim == 1:
            second = second.reshape(0, *first.shape[1:])
        if second.shape[1:] != first.shape[1:]:
            raise InputError(
                f"rows of X have shape {first.shape[1:]}, rows of Y {second.shape[1:]}.",
                hint="pass both after the same preprocessing.",
            )
    categorical = features.categorical.size > 0 and bool(features.categorical.all()) and is_frame(X)
    return first, second, categorical


def _dense_kind(first: NDArray[Any], second: NDArray[Any] | None) -> str:
    """Return ``"unit"`` for floats whose rows all have unit length, ``"rows"`` for the rest."""
    for part in (first, second):
        if part is None or not len(part):
            continue
        flat = part.reshape(len(part), -1)
        if flat.dtype.kind != "f" or flat.shape[1] < UNIT_WIDTH:
            return "rows"
        some = flat[:: max(1, len(flat) // 1024)].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            length = np.sqrt(np.einsum("ij,ij->i", some, some))
        if not bool((np.abs(length - 1.0) <= UNIT_TOLERANCE).all()):
            return "rows"
    return "unit" if len(first) else "rows"


def _near_dense(
    first: NDArray[Any], second: NDArray[Any] | None, threshold: float | None, kind: str, limit: int
) -> NearDuplicates:
    from auditor.measures.near_pairs import found_pairs, plain, standardised

    made = standardised(first, second) if kind == "rows" else plain(first, second, unit=kind == "unit")
    radius = threshold
    if kind == "unit" and threshold is not None:
        _check(threshold, kind, limit)
        radius = (
            math.sqrt(max(0.0, 2.0 - 2.0 * threshold)) + 1e-6
        )  # float32 does not hold equal directions equal
    elif threshold is not None:
        _check(threshold, kind, limit)
    found = found_pairs(*made, radius, np.random.default_rng(0), limit=limit, sphere=kind == "unit")
    return _answer(found, (first, second), threshold, kind, limit)


def _answer(
    found: Found,
    arrays: tuple[NDArray[Any], NDArray[Any] | None],
    threshold: float | None,
    kind: str,
    limit: int,
) -> NearDuplicates:
    squared = found.distance**2
    similarity = 1.0 - squared / 2.0 if kind == "unit" else 1.0 - squared / max(found.unrelated, 1e-300)
    met = found.met
    note = _note(met.route, met.miss_probability, met.measured)
    complete = met.complete and not found.left_out
    if not complete:
        note += f" More than {limit:,} pairs are this near, and not all are returned."
        _warn(limit, stacklevel=5)
    elif met.capped:
        note += f" {met.capped:,} candidates of crowded buckets were not measured."
    coverage = NearCoverage(
        met.route, met.miss_probability, met.measured, met.capped + found.left_out, complete, note
    )
    if threshold is not None:
        used, source = float(threshold), "given"
    else:
        used = 1.0 - found.met.radius**2 / 2.0 if kind == "unit" else found.met.radius
        source = _source(found)
    rows = tuple(len(part) for part in arrays if part is not None)
    pairs = (
        np.column_stack([found.first, found.second]) if found.first.size else np.zeros((0, 2), dtype=np.int64)
    )
    return NearDuplicates(
        pairs, found.distance, similarity, found.clusters, coverage, used, source, kind, rows
    )


def _source(found: Found) -> str:
    if found.nature is None:
        return "too few distinct rows to know a natural distance: equal rows only"
    return _own(found.nature.ratio, found.nature.dimension)


def _own(ratio: float, dimension: float) -> str:
    return (
        f"the data's own: pairs within {ratio:.2g} of the distance to a natural neighbour, "
        f"where the dimension is about {dimension:.0f}"
    )


def _note(route: str, miss: float, measured: int) -> str:
    how = {
        "products": "All pairs were compared, by matrix products.",
        "projection": "Pairs were searched in a short projection, which loses none.",
        "coordinates": "Pairs were searched by bands of sampled coordinates.",
        "signs": "Pairs were searched by the sides of random planes.",
        "minhash": "Pairs were searched by MinHash bands.",
        "equal": "Only equal rows were searched.",
    }.get(route, f"Pairs were searched by {route}.")
    if miss > 0:
        how += f" A pair at the threshold is missed with probability {miss:.2g}, a nearer one with less."
    return f"{how} {measured:,} were measured."


def _warn(limit: int, stacklevel: int) -> None:
    warnings.warn(
        f"More than {limit:,} pairs are within the threshold; {limit:,} are returned at most, and "
        "`coverage.complete` is False. Use a stricter threshold, or a larger limit.",
        NearDuplicatesWarning,
        stacklevel=stacklevel,
    )


def _near_sets(sets: tuple[Tokens, Tokens | None], threshold: float | None, limit: int) -> NearDuplicates:
    from auditor.hashing.clusters import labelled
    from auditor.hashing.sets import alike

    _check(threshold, "sets", limit)
    given = None if threshold is None else float(threshold)
    found = alike(*sets, given, np.random.default_rng(0), limit=limit)
    n = len(sets[0])
    shift = 0 if sets[1] is None else n
    order = np.lexsort((found.query, found.reference))
    pairs = np.column_stack([found.reference, found.query])[order].astype(np.int64)
    note = _note(found.route, found.miss_probability, found.measured)
    if not found.complete:
        note += f" More than {limit:,} pairs are this near, and not all are returned."
        _warn(limit, stacklevel=4)
    elif found.capped:
        note += f" {found.capped:,} candidates of crowded buckets were not measured."
    coverage = NearCoverage(
        found.route,
        found.miss_probability,
        found.measured,
        found.capped + found.left_out,
        found.complete,
        note,
    )
    if given is not None:
        source = "given"
    elif found.natural is None:
        source = "too few distinct rows to know a natural similarity: equal rows only"
    else:
        source = _own(found.natural.ratio, found.natural.dimension)
    return NearDuplicates(
        pairs,
        1.0 - found.similarity[order],
        found.similarity[order],
        labelled(found.owner, found.reference, found.query + shift),
        coverage,
        found.threshold if given is None else given,
        source,
        "sets",
        tuple(len(part) for part in sets if part is not None),
        sets,
    )
