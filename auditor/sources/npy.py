"""Arrays in NumPy's own format: headers are read, and believed only as far as the bytes behind them go."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from auditor._errors import InputError
from auditor.sources.arrays import Array

MAGIC = b"\x93NUMPY"
"""First bytes of an array in NumPy's format."""

HEADER_LIMIT = 2**16
"""Bytes of a header; NumPy itself writes less than 200 for an array of numbers."""

EMPTY_WIDTH_LIMIT = 2**24
"""Features that an array without rows may claim: nothing behind the header vouches for them."""

DIMENSIONS_LIMIT = 32
"""Dimensions that every version of NumPy can make."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an array's header claims.

    Attributes
    ----------
    dtype : dtype
        Never one that holds Python objects.
    shape : tuple of int
        At most ``DIMENSIONS_LIMIT`` dimensions, none negative.
    fortran_order : bool
        Whether the first axis varies fastest.
    offset : int
        Bytes before the data.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of data claimed."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes], name: str, size: int) -> Header:
    """Read the header of an array and hold its claims against the bytes there are.

    Parameters
    ----------
    stream : binary file
        At the start of the array; left at the first byte of its data.
    name : str
        What is read, for messages: ``X_train in splits.npz``.
    size : int
        Bytes that the array takes with its header.

    Raises
    ------
    InputError
        If it is no array, holds objects, or claims another size than it has.
    """
    start = stream.read(12)
    if not start.startswith(MAGIC):
        raise _not_an_array(start, name)
    major = start[6] if len(start) == 12 else 0
    if major not in {1, 2}:
        raise InputError(
            f"{name} is in version {major} of NumPy's format; wanted 1 or 2.",
            hint="save plain columns of numbers again with np.savez.",
        )
    length = (
        int.from_bytes(start[8:10], "little") + 10 if major == 1 else int.from_bytes(start[8:], "little") + 12
    )
    if length > min(HEADER_LIMIT, size):
        raise InputError(
            f"{name} claims a header of {in_bytes(length)}, and there are {in_bytes(size)}.", hint=_AGAIN
        )
    header = _parsed(start + stream.read(length - 12), name)
    _check(header, name, size)
    return header


def _parsed(text: bytes, name: str) -> Header:
    stream = io.BytesIO(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers written by Python 2 are read all the same
            version = np.lib.format.read_magic(stream)
            read = (
                np.lib.format.read_array_header_1_0
                if version[0] == 1
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran_order, dtype = read(stream)
    except Exception:  # noqa: BLE001 - whatever stands in a header that is not one
        raise InputError(f"{name} has a header that cannot be read.", hint=_AGAIN) from None
    return Header(dtype, shape, fortran_order, len(text))


def _check(header: Header, name: str, size: int) -> None:
    if header.dtype.hasobject:
        raise InputError(
            f"{name} holds Python objects, which only pickle can read, and a pickle can run any code; "
            "wanted an array of numbers.",
            hint="stack the rows into one array, e.g. np.stack(rows).astype('float32'), and save again.",
        )
    shape, dtype = header.shape, header.dtype
    impossible = dtype.itemsize == 0 or dtype.subdtype is not None or min(shape, default=0) < 0
    if impossible or len(shape) > DIMENSIONS_LIMIT:
        raise InputError(
            f"{name} claims the shape {_short(shape)} of {dtype}, which no array has.", hint=_AGAIN
        )
    held = size - header.offset
    if header.nbytes > held:
        raise InputError(
            f"{name} claims {in_bytes(header.nbytes)} (shape {_short(shape)}, {header.dtype}) and holds "
            f"{in_bytes(held)}.",
            hint="the file is damaged or was cut short; write it again.",
        )
    if header.nbytes < held:
        raise InputError(
            f"{name} holds {in_bytes(held)}, which is more than its shape {_short(shape)} of {header.dtype} needs.",
            hint="was more than one array saved under this name? " + _AGAIN,
        )
    if not header.nbytes and math.prod(max(1, length) for length in shape) > EMPTY_WIDTH_LIMIT:
        raise InputError(f"{name} is empty and claims the shape {_short(shape)}.", hint=_AGAIN)


_AGAIN = "write the file again with np.savez."


def _not_an_array(start: bytes, name: str) -> InputError:
    if not start:
        return InputError(f"{name} is empty (0 bytes); wanted an array.", hint=_AGAIN)
    if start[:1] == b"\x80":
        return InputError(
            f"{name} is a pickle, which can run any code when it is read; wanted an array.",
            hint="load it where you trust it, and save plain arrays with np.savez.",
        )
    return InputError(f"{name} is not an array in NumPy's format.", hint="save arrays with np.savez.")


def _short(shape: tuple[int, ...]) -> str:
    return (
        str(shape) if len(shape) <= 8 else f"({', '.join(map(str, shape[:6]))}, ... {len(shape)} dimensions)"
    )


def in_bytes(count: int) -> str:
    """Return a number of bytes with the unit that reads best.

    Examples
    --------
    >>> in_bytes(80), in_bytes(1_500_000), in_bytes(10**13)
    ('80 bytes', '1.5 MB', '10 TB')
    """
    if count < 1000:
        return f"{count} bytes"
    power = min((len(str(count)) - 1) // 3, len(_UNITS))
    value = count / 1000**power
    return f"{value:.4g} {_UNITS[power - 1]}" if value < 1000 else f"{value:.1e} {_UNITS[power - 1]}"


_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")


def read_folder(folder: Path, names: Iterable[str]) -> dict[str, Array]:
    """Return arrays of a folder that holds one ``NAME.npy`` each, mapped into memory read-only.

    Raises
    ------
    InputError
        If one of them cannot be read.
    """
    return {name: read_npy(folder / f"{name}.npy") for name in names}


def folder_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the arrays in a folder of ``.npy`` files, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.npy") if path.is_file()))


def read_npy(path: Path) -> Array:
    """Return the array of a ``.npy`` file, mapped into memory read-only."""
    try:
        with path.open("rb") as stream:
            header = read_header(stream, str(path), path.stat().st_size)
        order: Literal["F", "C"] = "F" if header.fortran_order else "C"
        if not header.nbytes:
            return np.empty(header.shape, header.dtype, order)
        if not header.shape:
            return np.fromfile(path, header.dtype, offset=header.offset).reshape(())
        mapped = np.memmap(path, header.dtype, "r", header.offset, header.shape, order)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="check its permissions.") from None
    return np.asarray(mapped)
