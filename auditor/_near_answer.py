"""The answer of a search for near duplicates: pairs, clusters, and what was looked at."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError

if TYPE_CHECKING:
    from auditor.hashing.tokens import Tokens

Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]

SHOWN = 5
"""Pairs shown in a summary."""


class NearDuplicatesWarning(UserWarning):
    """The threshold is so loose that not all pairs are returned."""


@dataclass(frozen=True, slots=True)
class NearCoverage:
    """What a search for near duplicates looked at.

    Attributes
    ----------
    route : str
        How candidates were found: ``"products"`` and ``"projection"`` are exact; ``"coordinates"``, ``"signs"`` and
        ``"minhash"`` sample.
    miss_probability : float
        Probability that a pair right at the threshold was missed; nearer ones are missed less. 0 for exact routes.
    measured : int
        Candidates whose true distance was computed.
    capped : int
        Pairs left out, of crowded buckets or beyond the limit.
    complete : bool
        Whether every pair found is returned.
    note : str
        All that in a sentence.
    """

    route: str
    miss_probability: float
    measured: int
    capped: int
    complete: bool
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Pairs of rows that are nearly equal, and the clusters they form.

    Attributes
    ----------
    pairs : ndarray of int64, shape (m, 2)
        Row of `X` and row of `Y`; within one array ``(i, j)`` with ``i < j``. Sorted.
    distances : ndarray of float64, shape (m,)
        Euclidean distance of the two rows, scaled as `kind` says; one minus the similarity for sets.
    similarities : ndarray of float64, shape (m,)
        1 for equal rows. ``unit``: the cosine. ``sets``: the Jaccard similarity. ``rows`` and ``raw``: one minus
        the squared distance over that of two rows drawn at random, so that 0 is as unlike as strangers.
    clusters : ndarray of int64, shape (n,) or (n + m,)
        A label for every row: rows connected through pairs share one. For two arrays the rows of `X` come first,
        then those of `Y`; only pairs across and equal rows connect. Labels are numbered by first rows.
    coverage : NearCoverage
        What was looked at, and what may be missing.
    threshold : float
        Largest distance of a pair; smallest similarity for ``unit`` and ``sets``.
    threshold_from : str
        ``"given"``, or how the data gave it.
    kind : str
        How rows were compared: ``"rows"``, ``"raw"``, ``"unit"`` or ``"sets"``.
    n_rows : tuple of int
        Rows of `X` and, if it was given, of `Y`.
    """

    pairs: Numbers
    distances: Reals
    similarities: Reals
    clusters: Numbers
    coverage: NearCoverage
    threshold: float
    threshold_from: str
    kind: str
    n_rows: tuple[int, ...]
    _sets: tuple[Tokens, Tokens | None] | None = field(default=None, repr=False)

    @property
    def route(self) -> str:
        """How candidates were found."""
        return self.coverage.route

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return self._text()

    def __str__(self) -> str:
        return self._text()

    def _repr_html_(self) -> str:
        head, *rest = self._text().split("\n")
        rows = "".join(
            f"<tr><td>{i}</td><td>{j}</td><td>{d:.4g}</td><td>{s:.4f}</td></tr>"
            for i, j, d, s in self._nearest()
        )
        names = ("X row", "Y row") if len(self.n_rows) == 2 else ("row", "row")
        table = (
            f"<table><tr><th>{names[0]}</th><th>{names[1]}</th><th>distance</th><th>similarity</th></tr>{rows}</table>"
            if rows
            else ""
        )
        facts = "<br>".join(html.escape(line) for line in rest[: len(rest) - len(self._nearest())])
        return f"<div><b>{html.escape(head)}</b><br>{facts}{table}</div>"

    def _nearest(self) -> list[tuple[int, int, float, float]]:
        """Return the nearest pairs that are not equal rows; equal ones where there are no others."""
        order = np.lexsort((self.distances, self.distances == 0.0))[:SHOWN]
        return [
            (
                int(self.pairs[k, 0]),
                int(self.pairs[k, 1]),
                float(self.distances[k]),
                float(self.similarities[k]),
            )
            for k in order
        ]

    def _text(self) -> str:
        n, equal = len(self.pairs), int((self.distances == 0.0).sum())
        sizes = np.bincount(self.clusters) if self.clusters.size else np.zeros(1, dtype=np.int64)
        of = " x ".join(f"{rows:,}" for rows in self.n_rows)
        head = (
            f"NearDuplicates: {n:,} pairs ({equal:,} of equal rows) among {of} rows, "
            f"{int((sizes > 1).sum()):,} clusters, the largest of {int(sizes.max()):,} rows"
        )
        lines = [
            head,
            f"kind {self.kind!r}, threshold {self.threshold:.4g} ({self.threshold_from})",
            self.coverage.note,
            *(f"  {i} - {j}: distance {d:.4g}, similarity {s:.4f}" for i, j, d, s in self._nearest()),
        ]
        return "\n".join(lines)

    def to_datasketch(self) -> Any:
        """Return a `datasketch.MinHashLSH` index of the rows of `X`, with our signatures.

        Keys are row numbers. Not for dense rows.

        Raises
        ------
        InputError
            If the rows were not compared as sets.
        MissingDependencyError
            If datasketch is not installed.
        """
        if self._sets is None:
            raise InputError(
                f"to_datasketch() is for sets, and these rows were compared as {self.kind!r}.",
                hint='near_duplicates(X, kind="sets") compares rows by the (column, value) pairs they share.',
            )
        from auditor.hashing.sets import to_datasketch

        return to_datasketch(self._sets[0], self.threshold)
