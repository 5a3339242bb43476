"""``tf.data.Dataset``: batched or not, finite or endless, streamed once and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.sources.sequences import Stream, collect, flatten, unpack

ENDLESS = -1
"""What ``cardinality()`` says of a dataset without an end; any other negative number says unknown."""

ROWS_AT_ONCE = 256
"""Rows that are batched together while reading a dataset of single rows."""


def is_dataset(value: Any) -> bool:
    """Whether `value` is a tf.data.Dataset; TensorFlow is not imported to know."""
    return any(
        cls.__name__ == "DatasetV2" and cls.__module__.startswith("tensorflow.")
        for cls in type(value).__mro__
    )


def is_batched(dataset: Any, row_ranks: Sequence[int | None] = ()) -> bool:
    """Return whether the elements of a dataset are batches.

    Parameters
    ----------
    dataset : tf.data.Dataset
        Of x, (x, y) or (x, y, weights).
    row_ranks : sequence of int or None
        Number of dimensions of one row of each input, where the model says.
    """
    x, y, _ = unpack(dataset.element_spec)
    inputs = [leaf.shape for leaf in flatten(x).values()]
    shapes = inputs + [leaf.shape for leaf in flatten(y).values()]
    if any(shape.rank is None for shape in shapes):
        return True
    for shape, rank in zip(inputs, row_ranks, strict=False):
        if rank is not None and shape.rank in {rank, rank + 1}:
            return bool(shape.rank == rank + 1)
    if any(shape.rank == 0 for shape in shapes):
        return False
    return len({shape[0] for shape in shapes}) == 1


def read_dataset(
    dataset: Any,
    name: str,
    max_rows: int,
    max_batches: int | None = None,
    row_ranks: Sequence[int | None] = (),
) -> tuple[Stream, bool, int | None]:
    """Return the rows of a dataset, whether it was batched, and how many rows it has.

    That number is None if unknown, and ``ENDLESS`` for a dataset without an end.

    An endless dataset is read for `max_batches`, if that is given, else for `max_rows`.
    """
    batched = is_batched(dataset, row_ranks)
    elements = int(dataset.cardinality())
    source = dataset if batched else dataset.batch(ROWS_AT_ONCE)
    stream = collect(source, name, max_rows, max_batches if elements == ENDLESS else None)
    if elements == ENDLESS:
        return stream, batched, ENDLESS
    if stream.complete:
        return stream, batched, stream.n_rows
    if elements < 0:
        return stream, batched, None
    return stream, batched, elements * (stream.batch_size if batched else 1)
