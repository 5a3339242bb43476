"""x, y and sample_weight as ``fit`` takes them, and the cut of ``validation_split`` as Keras makes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from auditor._errors import InputError
from auditor._finding import Coverage
from auditor.sources.frames import is_frame
from auditor.sources.sequences import (
    Leaves,
    Stream,
    batches,
    collect,
    flatten,
    is_loader,
    is_sequence,
    length,
)
from auditor.sources.tfdata import ENDLESS, is_dataset, read_dataset


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One piece of data: for training, for validation, or for a test.

    Attributes
    ----------
    x, y, weights : dict of str to array-like
        By key or position; the empty key where there is one array.
    kind : str
        ``"arrays"``, ``"tf.data.Dataset"``, ``"PyDataset"`` or ``"DataLoader"``.
    named : tuple of bool
        Whether x, and y, came with keys.
    batched : bool
        False for a dataset of single rows.
    batch_size : int or None
        Rows of a batch, where batches came.
    coverage : tuple of Coverage
        What was read, where that is not all.
    """

    x: Leaves
    y: Leaves = field(default_factory=dict)
    weights: Leaves = field(default_factory=dict)
    kind: str = "arrays"
    named: tuple[bool, bool] = (False, False)
    batched: bool = True
    batch_size: int | None = None
    coverage: tuple[Coverage, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows of the first input."""
        return rows_of(next(iter(self.x.values())))


def rows_of(leaf: Any) -> int:
    """Return the number of rows of an array, a frame or a list."""
    shape = getattr(leaf, "shape", None)
    return len(leaf) if shape is None else int(shape[0]) if len(shape) else 0


def read_piece(
    x: Any,
    y: Any,
    weights: Any,
    name: str,
    *,
    max_rows: int,
    steps: int | None = None,
    row_ranks: Sequence[int | None] = (),
) -> Piece:
    """Return data as ``fit`` takes it.

    Parameters
    ----------
    x, y, weights : object
        As passed; y and weights are None where x yields them.
    name : str
        Names the data in messages: ``x``, ``validation_data``.
    max_rows : int
        Rows read of what yields batches.
    steps : int or None
        Batches that stand for one epoch of data without an end.
    row_ranks : sequence of int or None
        Number of dimensions of one row of each input, where the model says.

    Raises
    ------
    InputError
        If ``fit`` would not take it, or it cannot be read without using it up.
    """
    streamed = is_dataset(x) or is_sequence(x) or is_loader(x)
    if streamed and (y is not None or weights is not None):
        what = "y" if y is not None else "sample_weight"
        raise InputError(
            f"{name} yields batches, and {what} was passed beside it; Keras raises ValueError.",
            hint="let it yield (x, y) or (x, y, sample_weight).",
        )
    if is_dataset(x):
        stream, batched, of = read_dataset(x, name, max_rows, steps, row_ranks)
        return _streamed(stream, "tf.data.Dataset", batched, of)
    if is_sequence(x) or is_loader(x):
        count = length(x)
        stream = collect(batches(x), name, max_rows, steps if count is None else None)
        kind = "PyDataset" if is_sequence(x) else "DataLoader"
        of = ENDLESS if count is None else stream.n_rows if stream.complete else count * stream.batch_size
        return _streamed(stream, kind, batched=True, of=of)
    if hasattr(x, "__next__"):
        raise InputError(
            f"{name} is a generator: an audit would use up its rows before fit sees them.",
            hint="pass arrays, a tf.data.Dataset or a keras.utils.PyDataset.",
        )
    return _arrays(x, y, weights, name)


def _streamed(stream: Stream, kind: str, batched: bool, of: int | None) -> Piece:
    coverage: tuple[Coverage, ...] = ()
    if of is None or of == ENDLESS or of > stream.n_rows:
        total = max(of or 0, stream.n_rows)
        extent = {None: " of unknown length", ENDLESS: ", which never ends"}.get(of, "")
        note = f"the first {stream.n_rows:,} rows of a {kind}{extent}; raise max_rows to read more"
        coverage = (Coverage(stream.n_rows, total, "rows", 1 - stream.n_rows / total, note),)
    return Piece(
        stream.x,
        stream.y,
        stream.weights,
        kind,
        stream.named,
        batched,
        stream.batch_size if batched else None,
        coverage,
    )


def _arrays(x: Any, y: Any, weights: Any, name: str) -> Piece:
    for what, part in ((name, x), ("y", y), ("sample_weight", weights)):
        if isinstance(part, list | tuple) and not all(_is_array(leaf) for leaf in flatten(part).values()):
            raise InputError(
                f"{what} is a {type(part).__name__} of plain values; Keras takes a list as several inputs.",
                hint=f"pass np.asarray({what}).",
            )
    leaves = flatten(x)
    if not leaves:
        raise InputError(f"{name} is missing.", hint="pass what you pass to model.fit.")
    sizes = {key: rows_of(leaf) for key, leaf in leaves.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{key}: {size:,}" for key, size in sizes.items())
        raise InputError(
            f"the inputs of {name} differ in length ({listed} rows); Keras raises ValueError.",
            hint="give every input the same rows in the same order.",
        )
    n_rows = next(iter(sizes.values()))
    for key, leaf in flatten(weights).items():
        if rows_of(leaf) != n_rows:
            raise InputError(
                f"sample_weight{f' of {key}' if key else ''} has {rows_of(leaf):,} entries for {n_rows:,} rows; "
                "Keras raises ValueError.",
                hint="pass one weight per row.",
            )
    return Piece(leaves, flatten(y), flatten(weights), named=(isinstance(x, Mapping), isinstance(y, Mapping)))


def _is_array(leaf: Any) -> bool:
    return len(getattr(leaf, "shape", None) or ()) > 0 or is_frame(leaf)


def split_at(n_rows: int, validation_split: float) -> int:
    """Return the first row that ``validation_split`` holds out: the last part is taken, before shuffling.

    Raises
    ------
    InputError
        Where Keras raises: one of the two parts would be empty.

    Examples
    --------
    >>> split_at(100, 0.2), split_at(10, 0.25)
    (80, 7)
    """
    at = math.floor(n_rows * (1.0 - validation_split))
    if not 0 < at < n_rows:
        raise InputError(
            f"validation_split={validation_split} of {n_rows} rows leaves one part empty; Keras raises ValueError.",
            hint="pass a number between 0 and 1, or validation_data.",
        )
    return at


def cut(piece: Piece, at: int) -> tuple[Piece, Piece]:
    """Return the rows before `at`, and the rest."""
    parts = []
    for rows in (slice(0, at), slice(at, None)):
        x, y, weights = (
            {key: part(leaf, rows) for key, leaf in leaves.items()}
            for leaves in (piece.x, piece.y, piece.weights)
        )
        parts.append(replace(piece, x=x, y=y, weights=weights))
    return parts[0], parts[1]


def part(leaf: Any, rows: slice) -> Any:
    """Return some rows of an array, a frame or a tensor."""
    return leaf.iloc[rows] if hasattr(leaf, "iloc") else leaf[rows]
