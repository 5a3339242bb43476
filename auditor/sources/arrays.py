"""Arrays, tensors, sparse matrices and nested lists as NumPy arrays.

Libraries are recognised by what the object offers, so none is imported here that the user has not
imported already.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError

Array = NDArray[Any]

DENSE_LIMIT = 2**31
"""Bytes up to which a sparse matrix is made dense."""


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
    """Return `value` as a NumPy array of whatever dtype, without a copy where that is possible."""
    if value is None:
        raise InputError(f"{name} is None; wanted an array.", hint=f"leave {name} out or pass its rows.")
    if isinstance(value, np.ma.MaskedArray):
        return _filled(value)
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if _is_sparse(value):
        return _dense(value, name)
    if type(value).__module__.split(".")[0] == "torch":
        return _from_torch(value)
    if hasattr(value, "to_numpy") and hasattr(value, "dtype"):  # a Series
        return np.asarray(value.to_numpy())
    try:
        if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except Exception as error:  # noqa: BLE001 - any library may stand behind __array__
        message = str(error).split("\n", 1)[0]
        raise InputError(
            f"{name} ({type(value).__name__}) is not a rectangular array: {message}.",
            hint="give every row the same shape, for example by padding.",
        ) from None


def as_numbers(array: Array, name: str) -> Array:
    """Return `array` with a dtype the audit computes on: bool, integers, float16 to float64."""
    kind = array.dtype.kind
    if kind in "mM":
        seconds = array.astype(f"{kind}8[ns]").astype(np.int64) / 1e9
        return np.where(np.isnat(array), np.nan, seconds)
    if kind in "USOTV" or kind == "c":
        raise InputError(*_unusable(array, name))
    if kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64)
    if kind == "f" or kind in "iub":
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype.name in {"bfloat16", "float8_e4m3fn", "float8_e5m2"}:
        return array.astype(np.float32)
    raise InputError(f"{name} has dtype {array.dtype}; wanted numbers.", hint="cast it to float32.")


def _unusable(array: Array, name: str) -> tuple[str]:
    what, hint = {
        "O": (
            "Python objects",
            "stack the rows into one array of numbers, e.g. np.stack(rows).astype('float32')",
        ),
        "c": ("complex numbers", "pass the real and imaginary parts as features"),
        "V": ("records", "pass one plain column per field, e.g. structured_to_unstructured(X)"),
    }.get(array.dtype.kind, ("text", "encode it as numbers first, or pass a data frame with text columns"))
    return (f"{name} holds {what} (dtype {array.dtype}); wanted numbers. Hint: {hint}.",)


def _filled(value: Any) -> Array:
    if not np.ma.is_masked(value):
        return np.asarray(value.data)
    dtype = value.dtype if value.dtype.kind == "f" else np.float64
    return np.asarray(value.astype(dtype).filled(np.nan))


def _is_sparse(value: Any) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def _dense(value: Any, name: str) -> Array:
    size = int(np.prod(value.shape)) * value.dtype.itemsize
    if size > DENSE_LIMIT:
        raise InputError(
            f"{name} is a sparse matrix of shape {value.shape}: {size / 2**30:.1f} GiB when dense, "
            f"and the limit is {DENSE_LIMIT / 2**30:.0f} GiB.",
            hint="audit a reduced matrix, e.g. after TruncatedSVD, or a sample of the rows of every split.",
        )
    return np.asarray(value.toarray())


def _from_torch(value: Any) -> Array:
    tensor = value.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    return np.asarray(tensor.numpy())
