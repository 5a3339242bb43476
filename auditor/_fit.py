"""`audit_fit`: the arguments of ``fit``, the rows cut as Keras cuts them, and the model they will train."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._audit import Progress, run
from auditor._case import Case, make_case
from auditor._config import make_config
from auditor._errors import InputError
from auditor._finding import Coverage, Severity
from auditor._plan import FitPlan, Monitor
from auditor._report import Report
from auditor.sources.annotations import as_labels
from auditor.sources.arrays import Array, as_array, as_features
from auditor.sources.fit_arguments import Piece, cut, part, read_piece, split_at
from auditor.sources.frames import is_frame
from auditor.sources.sequences import unpack

MAX_ROWS = 100_000
"""Rows read of a dataset, unless told otherwise."""


def audit_fit(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int | None = None,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: Any = True,
    class_weight: Mapping[Any, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: Any = 1,
    test_data: Any = None,
    groups: Any = None,
    time: Any = None,
    max_rows: int = MAX_ROWS,
    select: str | Iterable[str] | None = None,
    ignore: str | Iterable[str] | None = None,
    fail_on: Severity | str = Severity.ERROR,
    options: Mapping[str, float] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Audit a call of ``model.fit`` before it is made: every rule, on the rows as Keras would cut them.

    Parameters
    ----------
    model : keras.Model
        Compiled. It is read, not called or built.
    x, y : array-like, tensor, data frame, dict or list of those
        What ``fit`` takes. `x` may also be a ``tf.data.Dataset`` or a ``keras.utils.PyDataset``, which
        yields the labels too; it is streamed once.
    validation_split, validation_data, class_weight, sample_weight, callbacks, shuffle, batch_size, epochs
        As for ``fit``; so are `steps_per_epoch`, `validation_steps`, `initial_epoch`, `verbose`,
        `validation_batch_size` and `validation_freq`.
    test_data : tuple, optional
        ``(x, y)`` of the test set, which ``fit`` does not see: audited as X_test and y_test.
    groups, time : array-like of shape (n,), optional
        Of the rows of `x`; cut with them.
    max_rows : int
        Rows read of what yields batches. The report says where there were more.
    select, ignore, fail_on, options, seed, progress
        As for `audit`.

    Returns
    -------
    Report
        As from `audit`.

    Raises
    ------
    InputError
        If ``fit`` would not take the arguments, or an array cannot be audited.
    ConfigError
        If a setting is unknown.
    """
    del verbose, initial_epoch, validation_batch_size, validation_freq  # as fit takes them; nothing to judge
    config = make_config(select=select, ignore=ignore, fail_on=fail_on, seed=seed, options=options)
    read = partial(_beside, max_rows=max_rows, row_ranks=_row_ranks(model))
    given = read_piece(
        x, y, sample_weight, "x", max_rows=max_rows, steps=steps_per_epoch, row_ranks=_row_ranks(model)
    )
    pieces, made = _pieces(given, validation_split, validation_data, partial(read, steps=validation_steps))
    if test_data is not None:
        pieces["test"] = read(test_data, "test_data")
    case = _case(model, pieces, groups=_cut_like(groups, pieces, made), time=_cut_like(time, pieces, made))
    plan = replace(
        case.fit or FitPlan({}, {}),
        class_weight=_class_weight(class_weight),
        cut=made,
        validation_split=float(validation_split or 0.0),
        batch_size=given.batch_size or batch_size,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        fixed_order=given.kind != "arrays" or shuffle is False,
        monitors=tuple(_monitors(callbacks)),
    )
    return run(replace(case, fit=plan), config, progress)


def _row_ranks(model: Any) -> list[int | None]:
    """Return the number of dimensions of one row of each input, where the model says."""
    try:
        return [len(tensor.shape) - 1 for tensor in model.inputs]
    except (AttributeError, TypeError, ValueError):
        return []


def _pieces(
    given: Piece, validation_split: float, validation_data: Any, read: Callable[..., Piece]
) -> tuple[dict[str, Piece], str]:
    """Return the pieces by split, and what made the validation rows, in the order of precedence of Keras."""
    if validation_data is not None:
        return {"train": given, "val": read(validation_data, "validation_data")}, "validation_data"
    if not validation_split:
        return {"train": given}, ""
    if given.kind != "arrays":
        raise InputError(
            f"validation_split cannot cut a {given.kind}; Keras raises ValueError.",
            hint="pass validation_data, such as dataset.take(k) with dataset.skip(k) as x.",
        )
    train, val = cut(given, split_at(given.n_rows, validation_split))
    return {"train": train, "val": val}, "validation_split"


def _beside(data: Any, name: str, **bounds: Any) -> Piece:
    x, y, weights = unpack(data)
    return read_piece(x, y, weights, name, **bounds)


def _cut_like(values: Any, pieces: Mapping[str, Piece], made: str) -> dict[str, Any]:
    """Return ids or times of the rows of x by split."""
    if values is None or made != "validation_split":
        return {"train": values}
    at = pieces["train"].n_rows
    return {"train": part(values, slice(0, at)), "val": part(values, slice(at, None))}


def _class_weight(class_weight: Any) -> Mapping[Any, float] | None:
    if class_weight is None or isinstance(class_weight, Mapping):
        return class_weight
    raise InputError(
        f"class_weight is a {type(class_weight).__name__}; Keras wants a dict and raises AttributeError.",
        hint="pass dict(enumerate(weights)).",
    )


def _monitors(callbacks: Any) -> Iterator[Monitor]:
    listed = getattr(callbacks, "callbacks", callbacks) or ()
    for callback in listed if isinstance(listed, list | tuple) else (listed,):
        if isinstance(getattr(callback, "monitor", None), str):
            mode = str(getattr(callback, "mode", "auto"))
            yield Monitor(type(callback).__name__, callback.monitor, mode)


def _case(
    model: Any, pieces: Mapping[str, Piece], *, groups: Mapping[str, Any], time: Mapping[str, Any]
) -> Case:
    """Return the case of cut data: one row holds every input, its label is that of the first output."""
    lead = pieces["train"]
    keys = tuple(lead.x)
    X, names, coded = _rows(pieces, keys)
    label = next(iter(lead.y), None)
    case = make_case(
        X=X,
        y={} if label is None else {split: piece.y.get(label) for split, piece in pieces.items()},
        groups=groups,
        time=time,
        model=model,
    )
    if names:
        case = replace(case, feature_names=names)
    if coded.any():
        case = replace(case, categorical=coded)
    plan = FitPlan(
        inputs={
            s: tuple(_input(piece.x[key], f"x_{s}") for key in keys if key in piece.x)
            for s, piece in pieces.items()
        },
        targets={
            s: tuple(as_labels(leaf, f"y_{s}") for leaf in piece.y.values()) for s, piece in pieces.items()
        },
        input_names=keys if lead.named[0] else (),
        target_names=tuple(lead.y) if lead.named[1] else (),
        weights={
            s: tuple(_input(w, "sample_weight") for w in p.weights.values())
            for s, p in pieces.items()
            if p.weights
        },
        kind=lead.kind,
        batched=lead.batched,
    )
    return replace(case, fit=plan, coverage=tuple(_coverage(pieces)))


def _coverage(pieces: Mapping[str, Piece]) -> Iterator[Coverage]:
    for piece in pieces.values():
        yield from piece.coverage
    outputs = len(pieces["train"].y)
    if outputs > 1:
        first = next(iter(pieces["train"].y))
        note = f"rules on labels, beside FIT, see those of the first output ({first}); audit the others with audit()"
        yield Coverage(1, outputs, "outputs", 0.0, note)


def _input(leaf: Any, name: str) -> Array:
    """Return one input in its own dtype; text stays text."""
    if is_frame(leaf):
        return np.asarray(leaf.to_numpy())
    return as_array(leaf, name)


def _rows(
    pieces: Mapping[str, Piece], keys: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[str, ...], NDArray[np.bool_]]:
    """Return the rows of each split, the names of the columns and which hold codes; empty where make_case knows."""
    for split, piece in pieces.items():
        missing = [key for key in keys if key not in piece.x]
        if missing:
            raise InputError(
                f"the {split} rows lack the input {missing[0] or 'x'!r}, which x has.",
                hint="give every split the same inputs.",
            )
    parts = {key: _one_input(pieces, key) for key in keys}
    if len(keys) == 1:
        arrays, coded = parts[keys[0]]
        return (
            arrays,
            (),
            np.repeat(coded, _flat(arrays["train"], "x_train").shape[1]) if coded.all() else coded,
        )
    joined = {
        split: np.concatenate([_flat(parts[key][0][split], f"x_{split}") for key in keys], axis=1)
        for split in pieces
    }
    widths = {key: _flat(parts[key][0]["train"], "x_train").shape[1] for key in keys}
    names = tuple(
        f"{key}" if width == 1 else f"{key}[{column}]"
        for key, width in widths.items()
        for column in range(width)
    )
    coded = np.concatenate([np.broadcast_to(parts[key][1], widths[key]) for key in keys])
    return joined, names, coded


def _flat(values: Any, name: str) -> Array:
    array = as_features(values.to_numpy() if is_frame(values) else values, name)
    return array.reshape(array.shape[0], -1) if array.size else array.reshape(array.shape[0], _width(array))


def _width(array: Array) -> int:
    return int(np.prod(array.shape[1:])) if array.ndim > 1 else 1


def _one_input(pieces: Mapping[str, Piece], key: str) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """Return one input of every split; text becomes codes shared by all splits."""
    leaves = {split: piece.x[key] for split, piece in pieces.items()}
    none = np.zeros(1, dtype=bool)
    if any(is_frame(leaf) for leaf in leaves.values()):
        return leaves, none
    arrays = {split: as_array(leaf, f"x_{split}") for split, leaf in leaves.items()}
    if not all(array.dtype.kind in "US" or _holds_text(array) for array in arrays.values()):
        return leaves, none
    levels = np.unique(np.concatenate([array.astype(np.str_).ravel() for array in arrays.values()]))
    codes = {s: np.searchsorted(levels, a.astype(np.str_)).astype(np.float64) for s, a in arrays.items()}
    return codes, np.ones(1, dtype=bool)


def _holds_text(array: Array) -> bool:
    return array.dtype.kind in "OT" and array.size > 0 and isinstance(array.flat[0], str | bytes)
