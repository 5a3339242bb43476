"""Whatever a user holds becomes an array of numbers, or an InputError that helps."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auditor import InputError, audit
from auditor.sources.annotations import as_labels
from auditor.sources.arrays import as_array, as_features, is_sparse

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))


class WithArray:
    def __array__(self, dtype=None, copy=None):
        return X


class WithDlpack:
    def __init__(self):
        self.kept = X.copy()

    def __dlpack__(self, **keywords):
        return self.kept.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.kept.__dlpack_device__()


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("device lost\nat address 0")


@pytest.mark.parametrize(
    "value",
    [
        X,
        X.tolist(),
        tuple(map(tuple, X)),
        list(X),
        collections.deque(X),
        np.asfortranarray(X),
        X[::-1][::-1],
        X.astype(">f8"),
        X.astype(np.longdouble),
        X.astype(object),
        memoryview(X),
        WithArray(),
        WithDlpack(),
        np.ma.array(X),
        np.array([*map(tuple, X), None], dtype=object)[:-1].tolist(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_array_likes_hold_the_same_numbers(value: object) -> None:
    made = as_features(value, "X_train")
    assert type(made) is np.ndarray
    assert made.dtype == np.float64
    assert made.dtype.isnative
    np.testing.assert_array_equal(made, X)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrices_are_plain_arrays() -> None:
    assert type(as_features(np.asmatrix(X), "X_train")) is np.ndarray
    assert as_labels(np.asmatrix([0, 1]).T, "y_train").shape == (2, 1)


def test_sparse_matrices_and_arrays_are_told_from_what_is_dense() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    assert all(is_sparse(kind(X)) for kind in (sparse.csr_matrix, sparse.coo_array, sparse.lil_matrix))
    assert not any(is_sparse(dense) for dense in (X, X.tolist(), None, "sparse"))


def test_sparse_matrices_are_made_dense() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.dok_matrix, sparse.lil_matrix):
        np.testing.assert_array_equal(as_features(kind(X), "X_train"), X)
    with pytest.raises(InputError, match=r"7,450\.6 GiB when dense"):
        as_features(sparse.csr_matrix((10**6, 10**6)), "X_train")


@pytest.mark.parametrize(
    "dtype", [bool, "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", "f2", "f4", "f8", ">f2"]
)
@pytest.mark.parametrize("shape", [(6,), (6, 2), (6, 2, 3), (6, 2, 3, 1), (6, 1, 2, 3, 2), (0, 4)])
def test_every_dtype_and_rank(dtype: str, shape: tuple[int, ...]) -> None:
    made = as_features(np.ones(shape, dtype=dtype), "X_val")
    assert made.shape == shape
    assert made.dtype == np.dtype(dtype).newbyteorder("=")


def test_native_arrays_are_not_copied() -> None:
    for array in (X, X[::-1], np.asfortranarray(X), X.astype(np.float32)):
        assert np.shares_memory(as_features(array, "X_train"), array)


def test_masked_values_are_missing() -> None:
    whole = np.ma.masked_equal(np.array([[1, 2], [3, 2]]), 2)
    np.testing.assert_array_equal(as_features(whole, "X_train"), [[1, np.nan], [3, np.nan]])
    half = np.ma.masked_greater(np.array([[1, 9]], dtype=np.float16), 5)
    assert as_features(half, "X_train").dtype == np.float16
    text = as_array(np.ma.array(["a", "b"], mask=[False, True]), "y_train")
    assert text.tolist() == ["a", ""]
    dates = as_array(np.ma.array(np.array(["2020-01-01"], "M8[D]"), mask=[True]), "time_train")
    assert np.isnat(dates).all()


def test_python_objects_become_numbers() -> None:
    made = as_features([[1, None], [2.5, decimal.Decimal("0.5")]], "X_train")
    np.testing.assert_array_equal(made, [[1, np.nan], [2.5, 0.5]])
    assert as_features(np.array([[1], [2]], dtype=object), "X_train").dtype == np.int64
    assert as_features(np.array([[True], [False]], dtype=object), "X_train").dtype == np.bool_
    rows = np.empty(2, dtype=object)
    rows[:] = [np.zeros(3), np.ones(3)]
    assert as_features(rows, "X_train").shape == (2, 3)
    assert np.isposinf(as_features(np.array([[10**400]], dtype=object), "X_train")).all()


def test_dates_become_seconds() -> None:
    days = np.array([["1970-01-02"], ["NaT"]], dtype="M8[D]")
    np.testing.assert_array_equal(as_features(days, "X_train"), [[86400.0], [np.nan]])
    objects = np.array([[dt.datetime(1970, 1, 1, 0, 1)]], dtype=object)  # noqa: DTZ001
    assert as_features(objects, "X_train").item() == 60.0
    zone = dt.timezone(dt.timedelta(hours=1))
    there = np.array([[dt.datetime(1970, 1, 1, 1, tzinfo=zone)]], dtype=object)
    assert as_features(there, "X_train").item() == 0.0
    assert as_features(np.array([1500], "m8[ms]"), "X_train").item() == 1.5


def test_small_floats_of_accelerators() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    made = as_features(np.ones((2, 2)).astype(ml_dtypes.bfloat16), "X_train")
    assert made.dtype == np.float32


def test_extended_floats_beyond_double_are_infinite() -> None:
    if np.finfo(np.longdouble).maxexp <= 1024:
        pytest.skip("long double is a double here")
    assert np.isposinf(as_features(np.full((1, 1), np.longdouble("1e4000")), "X_train")).all()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3.0, r"single value \(3.0\).*reshape\(1, -1\)"),
        (np.array(7), r"single value \(7\)"),
        ("splits.npz", r"the text 'splits.npz'.*np.load"),
        (Path("a.npy"), r"the text 'a.npy'"),
        (b"abc", "the text b'abc'"),
        ([[1, 2], [3]], r"not a rectangular array.*padding"),
        ([["a", "b"]], "text.*data frame with text columns"),
        (np.array([[1, "a"]], dtype=object), r"Python objects.*the str 'a'"),
        (np.array([np.arange(2), np.arange(3)], dtype=object), "different shapes"),
        (X + 1j, r"complex numbers.*real and imaginary"),
        (np.zeros(3, dtype=[("a", "f8")]), "records"),
        ((row for row in X), r"generator.*only once.*np.stack"),
        (iter(X.tolist()), "only once"),
        ({"image": X}, r"dict with keys image.*X_train\['image'\]"),
        ({1, 2}, "no order"),
        (len, "builtin_function_or_method"),
        (object(), "is a object"),
        (Broken(), "not a rectangular array: device lost"),
        ([[], []], r"shape \(2, 0\): rows, but no features"),
        ((X, np.zeros(12)), r"pair of arrays of shapes .* y_train=y"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_audited_is_said(value: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        audit(value)
    assert "Hint:" in str(caught.value)
    assert "X_train" in str(caught.value)


def test_none_is_said() -> None:
    with pytest.raises(InputError, match="X_train is missing"):
        audit(None)
    with pytest.raises(InputError, match="is None"):
        as_array(None, "y_train")


def test_empty_lists_are_empty_splits() -> None:
    report = audit(X, [], select="SHP003")
    assert report.splits[1].n_rows == 0
    assert report.splits[1].feature_shape == (3,)


def test_memory_mapped_read_only_and_strided_input_stays_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    frozen = X.copy()
    frozen.flags.writeable = False
    buffer = np.zeros((24, 6))
    buffer[::2, ::2] = X
    for value in (mapped, frozen, buffer[::2, ::2], X[::-1, ::-1]):
        before, writeable = value.tobytes(), value.flags.writeable
        audit(value, value[:4] + 1.0)
        assert value.tobytes() == before
        assert value.flags.writeable == writeable


@pytest.mark.slow
def test_tensors_of_tensorflow() -> None:
    tf = pytest.importorskip("tensorflow")
    np.testing.assert_array_equal(as_features(tf.constant(X), "X_train"), X)
    assert as_features(tf.constant(X, dtype=tf.bfloat16), "X_train").dtype == np.float32
    np.testing.assert_array_equal(as_features(tf.Variable(X), "X_train"), X)
    with pytest.raises(InputError, match=r"RaggedTensor|not a rectangular|different shapes"):
        audit(tf.ragged.constant([[1, 2], [3]]))
    with pytest.raises(InputError, match="SparseTensor"):
        audit(tf.sparse.from_dense(X))
    with pytest.raises(InputError, match="Dataset"):
        audit(tf.data.Dataset.from_tensor_slices(X))


def test_reading_arrays_loads_only_numpy() -> None:
    script = (
        "import sys, numpy as np\n"
        "from auditor._case import make_case\n"
        "make_case(X={'train': np.ones((3, 2))}, y={'train': ['a', 'b', 'c']})\n"
        "print([m for m in ('scipy', 'pandas', 'sklearn', 'tensorflow', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
