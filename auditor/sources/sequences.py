"""What feeds ``fit`` in batches: ``keras.utils.PyDataset`` and data loaders, read once and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor._errors import InputError
from auditor.sources.arrays import Array, as_array

BYTES_READ = 2**31
"""Bytes up to which batches are collected, whatever the number of rows."""

Leaves = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Rows collected from batches.

    Attributes
    ----------
    x, y, weights : dict of str to ndarray
        By key or position, the rows of every batch one after the other.
    n_rows : int
        Rows collected.
    batch_size : int
        Rows of the first batch.
    complete : bool
        Whether the source came to its end.
    named : tuple of bool
        Whether x, and y, came with keys.
    """

    x: Leaves
    y: Leaves
    weights: Leaves
    n_rows: int
    batch_size: int
    complete: bool
    named: tuple[bool, bool] = (False, False)


def is_sequence(value: Any) -> bool:
    """Whether `value` is a PyDataset (or a Sequence of Keras 2)."""
    keras = any(
        cls.__name__ in {"PyDataset", "Sequence"} and cls.__module__.split(".")[0] in {"keras", "tf_keras"}
        for cls in type(value).__mro__
    )
    return keras and hasattr(value, "__getitem__")


def is_loader(value: Any) -> bool:
    """Whether `value` is a torch DataLoader."""
    return any(
        cls.__name__ == "DataLoader" and cls.__module__.startswith("torch.utils.data")
        for cls in type(value).__mro__
    )


def length(value: Any) -> int | None:
    """Return the number of batches; None where there is no end."""
    try:
        count = value.num_batches if hasattr(value, "num_batches") else len(value)
    except (TypeError, NotImplementedError):
        return None
    return None if count is None else int(count)


def batches(value: Any) -> Iterator[Any]:
    """Yield the batches of a PyDataset in order, or of a loader in the order it gives."""
    if is_loader(value):
        yield from value
        return
    count, position = length(value), 0
    while count is None or position < count:
        yield value[position]
        position += 1


def flatten(structure: Any) -> Leaves:
    """Return the leaves of a nest of dicts, lists and tuples in the order of Keras, by their path.

    Examples
    --------
    >>> flatten({"b": 1, "a": [2, 3]}), flatten(5)
    ({'a/0': 2, 'a/1': 3, 'b': 1}, {'': 5})
    """
    if structure is None:
        return {}
    if isinstance(structure, Mapping):
        parts = [(str(key), structure[key]) for key in sorted(structure)]
    elif isinstance(structure, list | tuple):
        parts = [(str(position), part) for position, part in enumerate(structure)]
    else:
        return {"": structure}
    return {
        f"{key}/{path}" if path else key: leaf for key, part in parts for path, leaf in flatten(part).items()
    }


def unpack(batch: Any) -> tuple[Any, Any, Any]:
    """Return x, y and weights of what Keras takes as one piece of data."""
    if not isinstance(batch, list | tuple):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise InputError(
            f"data came as {len(batch)} parts; wanted x, (x, y) or (x, y, sample_weight).",
            hint="put several inputs into one tuple or dict: ((a, b), y).",
        )
    x, y, weights = (*batch, None, None)[:3]
    return x, y, weights


def collect(source: Iterable[Any], name: str, max_rows: int, max_batches: int | None = None) -> Stream:
    """Return the rows of batches, at most `max_rows` and ``BYTES_READ``.

    Raises
    ------
    InputError
        If there are no batches, or they do not fit one another.
    """
    kept: tuple[dict[str, list[Array]], ...] = ({}, {}, {})
    n_rows = n_bytes = batch_size = 0
    complete, named = True, (False, False)
    for position, batch in enumerate(source):
        if n_rows >= max_rows or n_bytes >= BYTES_READ or position == max_batches:
            complete = position == max_batches
            break
        unpacked = unpack(batch)
        named = isinstance(unpacked[0], Mapping), isinstance(unpacked[1], Mapping)
        for part, leaves in zip(kept, map(flatten, unpacked), strict=True):
            for key, leaf in leaves.items():
                array = np.array(as_array(_dense(leaf), name))
                n_bytes += array.nbytes
                part.setdefault(key, []).append(array)
        first = next(iter(kept[0].values()))[-1]
        n_rows += first.shape[0] if first.ndim else 1
        batch_size = batch_size or n_rows
    if not n_rows:
        raise InputError(f"{name} yields no batch.", hint="check its length, or how it was filtered.")
    x, y, weights = ({key: _joined(arrays, name)[:max_rows] for key, arrays in part.items()} for part in kept)
    complete = complete and n_rows <= max_rows
    return Stream(x, y, weights, min(n_rows, max_rows), batch_size, complete, named)


def _dense(leaf: Any) -> Any:
    """Return a ragged tensor as a padded one."""
    return leaf.to_tensor() if hasattr(leaf, "to_tensor") and hasattr(leaf, "row_splits") else leaf


def _joined(arrays: list[Array], name: str) -> Array:
    try:
        return np.concatenate(arrays)
    except ValueError:
        shapes = sorted({array.shape[1:] for array in arrays})
        raise InputError(
            f"{name} yields rows of different shapes, such as {shapes[0]} and {shapes[-1]}.",
            hint="pad them to one length before batching.",
        ) from None
