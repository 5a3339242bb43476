"""Arrays from ``.npz`` files, with pickle off and no size taken on trust."""

from __future__ import annotations

import difflib
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from auditor._errors import InputError
from auditor.sources.arrays import Array
from auditor.sources.npy import folder_names, in_bytes, read_folder, read_header

DEFLATE_RATIO = 1032
"""The most that deflate can shrink data: one code of 2 bits stands for at most 258 bytes."""

CHUNK = 2**22
"""Bytes read at a time."""

KINDS = {
    b"\x93NUMPY": (
        "a single array (.npy)",
        "save all splits in one file: np.savez('splits.npz', X_train=..., X_val=...).",
    ),
    b"\x80": (
        "a pickle, which can run any code when it is read",
        "load it where you trust it, and save its arrays with np.savez.",
    ),
    b"\x89HDF": ("an HDF5 file", "read its arrays with h5py and save them with np.savez."),
    b"PAR1": ("a Parquet file", "read it into data frames and call auditor.audit(X_train, X_val, ...)."),
    b"\x1f\x8b": ("a gzip file", "unpack it first."),
}
"""By first bytes: files that people pass instead, and what to do with them."""

_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard"}

_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
)
"""What zipfile raises on archives that are no archives."""


def array_names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in a ``.npz`` file, or in a folder of ``.npy`` files.

    Raises
    ------
    InputError
        If there is no such file, it is something else, or it holds no arrays.
    """
    _check_exists(path)
    if path.is_dir():
        names = folder_names(path)
        if not names:
            raise InputError(
                f"{path} is a folder without .npy files.",
                hint="pass an .npz file, or a folder with X_train.npy, X_val.npy.",
            )
        return names
    with _opened(path) as archive:
        names = tuple(_members(archive, path))
    if not names:
        raise InputError(
            f"{path} holds no arrays.",
            hint="save them by name: np.savez('splits.npz', X_train=..., X_val=...).",
        )
    return names


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, Array]:
    """Return arrays by name from a ``.npz`` file, or from a folder of ``.npy`` files.

    No more memory is taken than the file can fill: what a header claims is held against the size that
    the archive states, and that against the bytes on disk.

    Parameters
    ----------
    path : Path
        The file or folder.
    names : iterable of str
        Some of `array_names`.

    Raises
    ------
    InputError
        If one of them cannot be read, or holds Python objects.
    """
    if path.is_dir():
        return read_folder(path, names)
    with _opened(path) as archive:
        members, on_disk = _members(archive, path), path.stat().st_size
        return {name: _read(archive, members[name], f"{name} in {path}", on_disk) for name in names}


def _check_exists(path: Path) -> None:
    if path.is_dir() or path.is_file():
        return
    if path.exists():
        raise InputError(f"{path} is not a regular file.", hint="pass an .npz file.")
    try:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], 1, 0.8)
    except OSError:
        near = []
    hint = f"did you mean {path.parent / near[0]}?" if near else "pass the path of an .npz file."
    raise InputError(f"There is no file {path}.", hint=hint)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; whatever is wrong with it becomes one sentence."""
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
            if not start.startswith(b"PK"):
                raise _not_a_zip(path, start)
            with zipfile.ZipFile(stream) as archive:
                yield archive
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.", hint="check its permissions."
        ) from None
    except MemoryError:
        raise InputError(
            f"{path} does not fit into memory.", hint="audit a sample of the rows of every split."
        ) from None
    except _FAULTS as error:
        raise InputError(
            f"{path} is damaged or was cut short: {_fault(error)}.",
            hint="copy it or write it again with np.savez.",
        ) from None


def _fault(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return "its table of contents, at the end, is missing" if text == "File is not a zip file" else text


def _not_a_zip(path: Path, start: bytes) -> InputError:
    if not start:
        return InputError(f"{path} is empty (0 bytes).", hint="write it again with np.savez.")
    for magic, (what, hint) in KINDS.items():
        if start.startswith(magic):
            return InputError(f"{path} is {what}; wanted an .npz file.", hint=hint)
    return InputError(
        f"{path} is not an .npz file.",
        hint="save the splits with np.savez('splits.npz', X_train=..., X_val=...).",
    )


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.is_dir():
            continue
        name = info.filename.removesuffix(".npy")
        if name in members:
            raise InputError(
                f"{path} holds {name} twice.", hint="write it again with np.savez, each name once."
            )
        members[name] = info
    return members


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, on_disk: int) -> Array:
    """Return the array of a member, after holding its sizes against each other."""
    _check_member(info, name, on_disk)
    with archive.open(info) as stream:
        header = read_header(stream, name, info.file_size)
        data = np.empty(header.nbytes, dtype=np.uint8)
        filled = 0
        while chunk := stream.read(min(CHUNK, header.nbytes - filled)):
            data[filled : filled + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
            filled += len(chunk)
        if filled < header.nbytes:
            raise InputError(f"{name} ends early.", hint="the file is damaged; write it again.")
        stream.read(1)  # the checksum is compared at the end of the member
    order: Literal["F", "C"] = "F" if header.fortran_order else "C"
    values = data.view(header.dtype) if header.nbytes else np.empty(0, header.dtype)
    return values.reshape(header.shape, order=order)


def _check_member(info: zipfile.ZipInfo, name: str, on_disk: int) -> None:
    if info.flag_bits & 0x1:
        raise InputError(f"{name} is encrypted.", hint="save it again with np.savez.")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        raise InputError(
            f"{name} is compressed by {method}, which np.savez never does.",
            hint="save it with np.savez_compressed.",
        )
    packed = min(info.compress_size, on_disk)
    most = packed if info.compress_type == zipfile.ZIP_STORED else DEFLATE_RATIO * packed + 64
    if info.file_size > most or info.compress_size > on_disk:
        raise InputError(
            f"{name} claims {in_bytes(max(info.file_size, info.compress_size))}, and {in_bytes(packed)} on disk can hold "
            f"at most {in_bytes(most)}.",
            hint="the file is damaged; write it again with np.savez.",
        )
