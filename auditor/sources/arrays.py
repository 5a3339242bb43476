"""Arrays, tensors, sparse matrices and nested lists as NumPy arrays.

Libraries are recognised by what the object offers, so none is imported here that the user has not
imported already.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.sources.objects import is_nested, objects_as_dates, objects_as_numbers

Array = NDArray[Any]

DENSE_LIMIT = 2**31
"""Bytes up to which a sparse matrix is made dense."""

_SMALL_FLOATS = {"bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float8_e4m3fnuz"}


def as_features(value: Any, name: str) -> Array:
    """Return `value` as an array of numbers with rows first.

    Parameters
    ----------
    value : array-like, tensor or sparse matrix
        No data frame: see `auditor.sources.frames`.
    name : str
        How the user calls it, for messages.

    Returns
    -------
    ndarray of bool, integer or float, shape (n, ...)
        In native byte order; the same memory where that is possible.

    Raises
    ------
    InputError
        If it is no rectangular array of real numbers with at least one dimension.
    """
    array = as_numbers(as_array(value, name), name)
    if array.ndim == 0:
        raise InputError(
            f"{name} is a single value ({array.item()!r}); wanted rows of samples.",
            hint=f"pass an array of shape (n, ...), such as {name}.reshape(1, -1) for one row.",
        )
    if array.size == 0 and array.shape[0] > 0:
        raise InputError(
            f"{name} has shape {array.shape}: rows, but no features.", hint="check how columns were chosen."
        )
    return array


def as_array(value: Any, name: str) -> Array:
    """Return `value` as a NumPy array of whatever dtype, without a copy where that is possible.

    Raises
    ------
    InputError
        If it is no array-like thing, or its rows have different shapes.
    """
    if isinstance(value, np.ma.MaskedArray):
        return _filled(value)
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if is_sparse(value):
        return _dense(value, name)
    _refuse_what_is_no_array(value, name)
    if type(value).__module__.split(".")[0] == "torch":
        return _from_torch(value)
    try:
        if hasattr(value, "to_numpy") and hasattr(value, "dtype"):  # a Series
            return np.asarray(value.to_numpy())
        if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001 - any library may stand behind __array__
        raise _not_rectangular(value, name, error) from None
    if array.ndim == 0 and array.dtype.kind == "O":
        raise InputError(
            f"{name} is a {type(value).__name__}; wanted an array, a list, a tensor or a data frame.",
            hint=f"collect its rows first, for example {name} = np.stack([row for row in rows]).",
        )
    return array


def as_numbers(array: Array, name: str) -> Array:
    """Return `array` with a dtype the audit computes on: bool, integers, float16 to float64.

    Python numbers become numbers, with NaN for None; dates become seconds since 1970.
    """
    kind = array.dtype.kind
    if array.dtype.name in _SMALL_FLOATS:
        return array.astype(np.float32)
    if kind == "O":
        array = _from_objects(array, name)
        kind = array.dtype.kind
    if kind in "mM":
        micros = array.astype(f"{kind}8[us]").astype(np.int64)
        return np.where(np.isnat(array), np.nan, micros / 1e6)
    if kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what float64 cannot hold becomes infinite, and is reported
            return array.astype(np.float64)
    if kind in "fiub":
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    raise _unusable(array, name)


def is_sparse(value: Any) -> bool:
    """Whether `value` is a SciPy sparse matrix or array.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> is_sparse(csr_matrix(np.eye(2))), is_sparse(np.eye(2))
    (True, False)
    """
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def _refuse_what_is_no_array(value: Any, name: str) -> None:
    """Raise for inputs that NumPy would quietly wrap as one object, each with its own hint."""
    if value is None:
        raise InputError(f"{name} is None; wanted an array.", hint=f"leave {name} out or pass its rows.")
    if isinstance(value, str | bytes | os.PathLike) and not hasattr(value, "__array__"):
        raise InputError(
            f"{name} is the text {os.fspath(value)[:60]!r}; wanted an array.",
            hint="load the file first, for example with np.load or pandas.read_csv.",
        )
    if isinstance(value, Mapping) and not hasattr(value, "__array__"):
        keys = ", ".join(map(str, list(value)[:5]))
        raise InputError(
            f"{name} is a {type(value).__name__} with keys {keys}; wanted one array.",
            hint=f"audit one input at a time, e.g. {name}[{next(iter(value), 'key')!r}], or join them "
            "with np.column_stack.",
        )
    if isinstance(value, Iterator):
        raise InputError(
            f"{name} is a {type(value).__name__}, which can be read only once; wanted an array.",
            hint=f"collect it first: {name} = np.stack(list({name})).",
        )
    if isinstance(value, AbstractSet) and not hasattr(value, "__array__"):
        raise InputError(
            f"{name} is a {type(value).__name__}, which has no order; wanted an array.",
            hint="pass rows in the order of their labels, in a list or an array.",
        )


def _not_rectangular(value: Any, name: str, error: Exception) -> InputError:
    parts = value if isinstance(value, tuple) else ()
    shapes = [tuple(getattr(part, "shape", ())) for part in parts]
    if len(shapes) == 2 and all(shapes) and shapes[0][0] == shapes[1][0]:
        split = name.split("_", 1)[-1]
        return InputError(
            f"{name} is a pair of arrays of shapes {shapes[0]} and {shapes[1]}.",
            hint=f"pass the labels on their own: audit(X_{split}, ..., y_{split}=y).",
        )
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return InputError(
        f"{name} ({type(value).__name__}) is not a rectangular array: {reason}.",
        hint="give every row the same shape, for example by padding.",
    )


def _from_objects(array: Array, name: str) -> Array:
    """Return an array of Python objects as numbers or dates.

    Raises
    ------
    InputError
        If it holds anything else.
    """
    items = array.ravel().tolist()
    first = next((v for v in items if is_nested(v)), None)
    if first is not None:
        shapes = {np.shape(v) for v in items if isinstance(v, np.ndarray)}
        if len(shapes) == 1 and array.ndim == 1 and all(isinstance(v, np.ndarray) for v in items):
            return as_numbers(np.stack(items), name)
        raise InputError(
            f"{name} holds a {type(first).__name__} in place of a number: its rows have different shapes.",
            hint="give every row the same shape, for example by padding.",
        )
    made = objects_as_numbers(array)
    if made is None:
        made = objects_as_dates(array)
    if made is None:
        odd = next(v for v in items if not isinstance(v, int | float | np.number) and v is not None)
        raise InputError(
            f"{name} holds Python objects (dtype object), among them the {type(odd).__name__} "
            f"{str(odd)[:40]!r}; wanted numbers.",
            hint=f"encode them, then {name}.astype('float32'), or pass a data frame with text columns.",
        )
    return made


def _unusable(array: Array, name: str) -> InputError:
    what, hint = {
        "c": ("complex numbers", "pass the real and imaginary parts as features"),
        "V": ("records", "pass one plain column per field, e.g. structured_to_unstructured(X)"),
    }.get(array.dtype.kind, ("text", "encode it as numbers first, or pass a data frame with text columns"))
    return InputError(f"{name} holds {what} (dtype {array.dtype}); wanted numbers.", hint=f"{hint}.")


def _filled(value: Any) -> Array:
    """Return a masked array with what is masked as missing."""
    if not np.ma.is_masked(value):
        return np.asarray(value.data)
    kind = value.dtype.kind
    if kind in "US":
        return np.asarray(value.filled(b"" if kind == "S" else ""))
    if kind in "mM":
        return np.asarray(value.filled(np.array("NaT", dtype=value.dtype)))
    if kind in "biuf":
        dtype = value.dtype if kind == "f" else np.float64
        return np.asarray(value.astype(dtype).filled(np.nan))
    made = np.asarray(value.data).astype(object)
    made[np.ma.getmaskarray(value)] = None
    return made


def _dense(value: Any, name: str) -> Array:
    size = math.prod(map(int, value.shape)) * value.dtype.itemsize
    if size > DENSE_LIMIT:
        raise InputError(
            f"{name} is a sparse matrix of shape {value.shape}: {size / 2**30:,.1f} GiB when dense, "
            f"and the limit is {DENSE_LIMIT / 2**30:.0f} GiB.",
            hint="audit a reduced matrix, e.g. after TruncatedSVD, or a sample of the rows of every split.",
        )
    return np.asarray(value.toarray())


def _from_torch(value: Any) -> Array:
    tensor = value.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    return np.asarray(tensor.resolve_conj().resolve_neg().numpy())
