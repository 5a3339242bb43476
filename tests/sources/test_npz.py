"""Files that hold splits: what is read, and what is refused without believing a header."""

from __future__ import annotations

import contextlib
import io
import pickle
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditor import InputError
from auditor.sources.npz import array_names, read_arrays


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def header(text: str, version: int = 1) -> bytes:
    """An array's magic and header, with nothing behind them."""
    content = text.encode("latin1") + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(content))
    return b"\x93NUMPY" + bytes([version, 0]) + length + content


def claim(shape: str, dtype: str = "'<f8'") -> bytes:
    return header(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}")


def refused(path: Path, *names: str) -> InputError:
    """The error that reading gives; it says what came, and gives a hint."""
    with pytest.raises(InputError) as caught:
        read_arrays(path, names or array_names(path))
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
        np.arange(6, dtype=">f4").reshape(3, 2),
        np.arange(5, dtype=">i8"),
        np.zeros((0, 7), dtype=np.float16),
        np.array(["a", "ü", ""]),
        np.array([b"x", b"yz"]),
        np.array(3.5),
        np.array([True, False]),
        np.array(["2024-01-01", "NaT"], dtype="M8[D]"),
        np.arange(10)[::2],
        np.float64(1.5) * np.ones((1, 1, 1, 1, 2)),
    ],
    ids=lambda value: f"{value.dtype.str}-{value.shape}" if isinstance(value, np.ndarray) else None,
)
def test_reads_what_numpy_wrote(tmp_path: Path, save, array: np.ndarray) -> None:
    path = tmp_path / "splits.npz"
    save(path, X_train=array, other=np.zeros(2))
    assert array_names(path) == ("X_train", "other")
    (got,) = read_arrays(path, ["X_train"]).values()
    np.testing.assert_array_equal(got, array)
    assert got.dtype == array.dtype


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, min_side=0, max_side=5)))
def test_reads_any_array(tmp_path_factory, array: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("any") / "any.npz"
    np.savez_compressed(path, a=array)
    got = read_arrays(path, ["a"])["a"]
    assert got.dtype == array.dtype
    assert got.tobytes() == array.tobytes()


def test_reads_a_folder_without_copying_it(tmp_path: Path) -> None:
    X = np.arange(30.0).reshape(10, 3)
    np.save(tmp_path / "X_train.npy", X)
    np.save(tmp_path / "X_val.npy", np.asfortranarray(X))
    np.save(tmp_path / "y_train.npy", np.array(5))
    np.save(tmp_path / "X_test.npy", X[:0])
    (tmp_path / "notes.txt").write_text("no array")
    assert array_names(tmp_path) == ("X_test", "X_train", "X_val", "y_train")
    got = read_arrays(tmp_path, array_names(tmp_path))
    assert not got["X_train"].flags.writeable
    assert isinstance(got["X_train"].base, np.memmap)
    np.testing.assert_array_equal(got["X_train"], X)
    np.testing.assert_array_equal(got["X_val"], X)
    assert got["y_train"].shape == ()
    assert got["X_test"].shape == (0, 3)


def test_header_that_claims_ten_terabytes_allocates_nothing(tmp_path: Path) -> None:
    content = claim("(1250000000000,)") + bytes(80)
    path = archive(tmp_path / "a.npz", {"X_train.npy": content})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "X_train.npy").write_bytes(content)
    tracemalloc.start()
    try:
        messages = [refused(path).message, refused(folder).message]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for message in messages:
        assert "claims 10 TB (shape (1250000000000,), float64) and holds 80 bytes" in message
    assert peak < 2**20


def _patched(path: Path, target: Path, file_size: int) -> Path:
    """Overwrite the uncompressed sizes in the local header and in the table of contents."""
    data = bytearray(path.read_bytes())
    data[22:26] = struct.pack("<I", file_size)
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", file_size)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive_that_claims_more_than_its_bytes_can_hold(tmp_path: Path, compression: int) -> None:
    rows = 2**29 - 16
    content = claim(f"({rows},)")
    path = archive(tmp_path / "a.npz", {"X_train.npy": content}, compression)
    lying = _patched(path, tmp_path / "b.npz", len(content) + 8 * rows & 0xFFFFFFFF)
    tracemalloc.start()
    try:
        message = refused(lying).message
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert re.search(r"claims 4\.\d+ GB, and \d+ bytes on disk can hold at most", message)
    assert peak < 2**20


def test_largest_ratio_that_deflate_reaches_is_read(tmp_path: Path) -> None:
    X = np.zeros((1000, 20_000), dtype=np.uint8)
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, X_train=X)
    assert X.nbytes / path.stat().st_size > 900
    assert read_arrays(path, ["X_train"])["X_train"].shape == X.shape


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (claim("(3,)"), "holds 0 bytes"),
        (claim("(3,)") + bytes(25), "more than its shape (3,) of float64 needs"),
        (claim("(-3,)") + bytes(24), "which no array has"),
        (claim("(0, 1000000000000)"), "is empty and claims the shape"),
        (claim("(1000000000000, 0)"), "is empty and claims the shape"),
        (claim("(1000000000000,)", "'<U0'"), "which no array has"),
        (claim("(2,)", "'|O'") + bytes(16), "holds Python objects"),
        (claim("(2,)", "[('a', '|O')]") + bytes(16), "holds Python objects"),
        (claim(f"({'1, ' * 40})") + bytes(8), "... 40 dimensions) of float64, which no array has"),
        (header("{'descr': '<f8'}"), "has a header that cannot be read"),
        (header("__import__('os').system('true')"), "has a header that cannot be read"),
        (header("(" * 5000), "has a header that cannot be read"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1), "claims a header of 4.295 GB"),
        (b"\x93NUMPY\x03\x00" + bytes(100), "version 3"),
        (b"\x93NUMPY", "version 0"),
        (b"", "is empty (0 bytes)"),
        (pickle.dumps([1, 2, 3]), "is a pickle, which can run any code"),
        (b"not an array at all", "is not an array in NumPy's format"),
    ],
)
def test_members_that_are_no_arrays(tmp_path: Path, content: bytes, says: str) -> None:
    path = archive(tmp_path / "a.npz", {"X_train.npy": content})
    error = refused(path)
    assert says in error.message
    assert error.message.startswith(f"X_train in {path}")
    (tmp_path / "X_train.npy").write_bytes(content)
    assert says in refused(tmp_path).message


def test_no_pickle_is_ever_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    trap = np.array([Trap()], dtype=object)
    inside = archive(tmp_path / "a.npz", {"X_train.npy": npy(trap, allow_pickle=True)})
    assert "objects" in refused(inside).message
    np.save(tmp_path / "X_train.npy", trap, allow_pickle=True)
    refused(tmp_path, "X_train")
    (tmp_path / "b.npz").write_bytes(pickle.dumps({"X_train": trap}))
    assert "pickle" in refused(tmp_path / "b.npz").message
    assert not (tmp_path / "sprung").exists()


def test_an_unread_member_may_be_anything(tmp_path: Path) -> None:
    members = {"X_train.npy": npy(np.zeros((3, 2))), "extra.npy": pickle.dumps(1), "readme.txt": b"hello"}
    path = archive(tmp_path / "a.npz", members)
    assert array_names(path) == ("X_train", "extra", "readme.txt")
    assert read_arrays(path, ["X_train"])["X_train"].shape == (3, 2)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("second", ["X_train.npy", "X_train"])
def test_the_same_name_twice(tmp_path: Path, second: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X_train.npy", npy(np.zeros((3, 2))))
        file.writestr(second, npy(np.ones((3, 2))))
    assert "holds X_train twice" in refused(path).message


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_numpy_never_writes(tmp_path: Path, compression: int) -> None:
    path = archive(tmp_path / "a.npz", {"X_train.npy": npy(np.zeros(9))}, compression)
    assert re.search("compressed by (bzip2|LZMA)", refused(path).message)


def test_encrypted(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", {"X_train.npy": npy(np.zeros(9))})
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    path.write_bytes(data)
    assert "is encrypted" in refused(path).message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty (0 bytes)"),
        (npy(np.zeros(3)), "is a single array (.npy)"),
        (pickle.dumps({"X": 1}), "is a pickle"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b"PAR1....PAR1", "is a Parquet file"),
        (b"\x1f\x8b\x08", "is a gzip file"),
        (b"a,b\n1,2\n", "is not an .npz file"),
        (b"PK", "is damaged or was cut short"),
        (b"PK\x03\x04" + bytes(200), "is damaged or was cut short"),
        (b"PK\x05\x06" + bytes(18), "holds no arrays"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "splits.npz"
    path.write_bytes(content)
    assert says in refused(path).message


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    assert "is a folder without .npy files" in refused(tmp_path).message
    error = refused(tmp_path / "splits.npz")
    assert "There is no file" in error.message
    (tmp_path / "other.npz").write_bytes(b"")
    assert refused(tmp_path / "splits.npz").hint == "pass the path of an .npz file."
    (tmp_path / "split.npz").write_bytes(b"")
    assert refused(tmp_path / "splits.npz").hint == f"did you mean {tmp_path / 'split.npz'}?"
    assert "There is no file" in refused(tmp_path / "no" / "such" / "folder.npz").message
    assert "is not a regular file" in refused(Path("/dev/null")).message


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("real") / "real.npz"
    rng = np.random.default_rng(0)
    np.savez_compressed(path, X_train=rng.normal(size=(40, 3)), y_train=np.arange(40))
    return path.read_bytes()


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.98, 0.999])
def test_truncated(tmp_path: Path, real: bytes, share: float) -> None:
    path = tmp_path / "cut.npz"
    path.write_bytes(real[: int(share * len(real))])
    assert (
        "is damaged or was cut short: its table of contents, at the end, is missing." in refused(path).message
    )


def test_flipped_bit_in_the_data_is_noticed(tmp_path: Path, real: bytes) -> None:
    data = bytearray(real)
    data[200] ^= 0x10
    path = tmp_path / "flipped.npz"
    path.write_bytes(data)
    refused(path)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_refused_or_harmless(tmp_path_factory, real: bytes, data: st.DataObject) -> None:
    """Whatever bytes are changed: an array, or an InputError, and nothing else."""
    content = bytearray(real)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "damaged.npz"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        read_arrays(path, array_names(path))
