"""The compiled twins: the same bits as the NumPy bodies, compiled only where the work repays it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditor.hashing import kernels, minhash, mix
from auditor.hashing.coordinates import _keys
from auditor.hashing.digest import representatives, row_digests
from auditor.hashing.jaccard import jaccard
from auditor.hashing.points import Points
from auditor.hashing.tokens import Tokens, from_binary, from_sets

compiled = pytest.mark.skipif(not kernels.available(), reason="Numba is not installed, or compiles nothing.")

CODES = [bool, np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64]


@pytest.fixture(autouse=True)
def _no_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with the NumPy bodies, whatever was compiled before."""
    monkeypatch.setattr(kernels, "_ACCOUNTS", kernels._Accounts())


def twins(*names: str) -> None:
    """From here on, use these kernels, compiled."""
    for name in names:
        kernels._ACCOUNTS.loaded[name] = kernels.load(kernels.SAVED[name][0], name)


@compiled
@pytest.mark.parametrize("width", [1, 2, 3, 15, 48, 49, 98])
@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_words_hash_alike(n: int, width: int) -> None:
    words = np.random.default_rng(width).integers(0, 2**63, size=(n, width)).astype(np.uint64)
    expected = mix.hash_vectors(words)
    twins("hash_words")
    assert np.array_equal(mix.hash_vectors(words), expected)
    words.flags.writeable = False
    assert np.array_equal(mix.hash_vectors(words), expected)


@compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3, 16, 30, 31, 96, 97, 101])
def test_digests_of_every_type_are_alike(dtype: type, d: int) -> None:
    rng = np.random.default_rng(d)
    rows = rng.integers(0, 3, size=(400, d)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        rows[rng.random(rows.shape) < 0.1] = np.nan
        rows[rng.random(rows.shape) < 0.1] = -0.0
        rows[rng.random(rows.shape) < 0.05] = np.inf
        rows[rng.random(rows.shape) < 0.05] = np.finfo(dtype).smallest_subnormal
    for array in (rows, np.asfortranarray(rows), rows[::2], rows[:, ::-1]):
        for target in {np.dtype(np.float64), np.dtype(dtype)} - {np.dtype(np.float16)}:
            kernels._ACCOUNTS.loaded.clear()
            expected = row_digests(array, target)
            owners = representatives([array, array[:3]])
            twins("hash_words", "float_digests", "repeated")
            assert np.array_equal(row_digests(array, target), expected)
            assert np.array_equal(representatives([array, array[:3]]), owners)


@compiled
@pytest.mark.parametrize("d", [95, 96, 4095, 4096, 4097, 9001])
@pytest.mark.parametrize("n", [1, 2, 9, 130])
def test_rows_of_any_width_are_digested_alike(d: int, n: int) -> None:
    """About where short rows end, and where parts of long ones do."""
    rows = np.random.default_rng(d).normal(size=(n, d)).astype(np.float32)
    rows[:, ::3] = -0.0
    rows[:, 1::5] = np.nan
    expected = row_digests(rows, np.float32)
    twins("float_digests")
    assert np.array_equal(row_digests(rows, np.float32), expected)


@compiled
@pytest.mark.parametrize("most", [2**30, 64])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 1000, 70_000])
def test_digests_that_occur_twice_are_all_marked(n: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    repeats = kernels.load("repeats", "repeated")
    monkeypatch.setattr("auditor.hashing.kernels.repeats.MOST_BITS", most)
    digests = mix.mix(np.random.default_rng(n).integers(0, 20 * n + 1, n).astype(np.uint64))
    marked = np.zeros(n, dtype=np.bool_)
    repeats(digests, marked)
    _, inverse, counts = np.unique(digests, return_inverse=True, return_counts=True)
    twice = counts[inverse] > 1
    assert marked[twice].all()
    if most > 64:
        assert (marked & ~twice).sum() <= 0.15 * n


@compiled
@given(st.lists(st.integers(0, 30), max_size=60), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_equal_rows_are_grouped_alike(values: list[int], cut: int) -> None:
    rows = np.array(values, dtype=np.int64).reshape(-1, 1)
    parts = [rows[:cut], rows[cut:].astype(np.float32)]
    kernels._ACCOUNTS.loaded.clear()
    expected = representatives(parts)
    assert expected.tolist() == [values.index(value) for value in values]
    twins("hash_words", "float_digests", "repeated")
    assert np.array_equal(representatives(parts), expected)


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_floats_of_any_bits_are_made_canonical_alike(dtype: type, data: st.DataObject) -> None:
    kind = np.dtype(f"u{np.dtype(dtype).itemsize}")
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 6)))
    edge = [0, 1, 1 << (8 * kind.itemsize - 1)]
    bits = data.draw(
        hnp.arrays(
            kind, shape, elements=st.one_of(st.sampled_from(edge), st.integers(0, int(np.iinfo(kind).max)))
        )
    )
    rows = bits.view(dtype)
    kernels._ACCOUNTS.loaded.clear()
    expected = row_digests(rows, dtype)
    twins("float_digests")
    assert np.array_equal(row_digests(rows, dtype), expected)


@compiled
@given(
    st.lists(st.sets(st.integers(0, 2**48 - 1), max_size=40), max_size=8),
    st.sampled_from([1, 2, 7, 64, 100]),
    st.integers(0, 2**62),
)
@settings(max_examples=60, deadline=None)
def test_signatures_are_alike(rows: list[set[int]], length: int, seed: int) -> None:
    ids = np.array([token for row in rows for token in sorted(row)], dtype=np.uint64)
    tokens = Tokens(np.cumsum([0, *(len(row) for row in rows)]), ids)
    kernels._ACCOUNTS.loaded.clear()
    expected = minhash.one_permutation(tokens, length, seed)
    wide = np.zeros((len(rows), 2 * length), dtype=np.uint32)
    twins("one_permutation")
    assert np.array_equal(minhash.one_permutation(tokens, length, seed), expected)
    minhash.one_permutation(tokens, length, seed, out=wide[:, ::2])
    assert np.array_equal(wide[:, ::2], expected)
    assert not wide[:, 1::2].any()


@compiled
@pytest.mark.parametrize("length", [1, 16, 128])
def test_signatures_of_sets_of_any_size_are_alike(length: int) -> None:
    """Bins that stay empty are hashed one by one where they are few, and together where they are many."""
    rng = np.random.default_rng(length)
    sizes = rng.permutation(np.r_[np.arange(40), rng.integers(0, 400, 100), 0, 5000])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    tokens = Tokens(starts, rng.integers(0, 2**48, starts[-1]).astype(np.uint64))
    expected = minhash.one_permutation(tokens, length, 3)
    twins("one_permutation")
    assert np.array_equal(minhash.one_permutation(tokens, length, 3), expected)


@compiled
@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize(
    ("d", "length"), [(1, 1), (30, 16), (512, 128), (784, 128), (784, 96), (787, 787), (1000, 3)]
)
def test_groups_are_alike(dtype: type, d: int, length: int) -> None:
    rows = (
        np.random.default_rng(d)
        .integers(-100 if np.dtype(dtype).kind == "i" else 0, 100, size=(50, d))
        .astype(dtype)
    )
    for array in (rows, np.asfortranarray(rows), rows[::3], rows[:0]):
        kernels._ACCOUNTS.loaded.clear()
        expected = minhash.grouped(array, length, 4)
        twins("grouped")
        assert np.array_equal(minhash.grouped(array, length, 4), expected)


@compiled
@pytest.mark.parametrize("entries", [1, 6, 20])
def test_keys_are_alike(entries: int) -> None:
    signatures = np.random.default_rng(0).integers(0, 2**32, size=(500, 20), dtype=np.uint32)
    which = np.random.default_rng(1).permutation(20)[:entries]
    expected = minhash.band_keys(signatures, which)
    twins("band_keys")
    assert np.array_equal(minhash.band_keys(signatures, which), expected)
    assert np.array_equal(minhash.band_keys(np.asfortranarray(signatures), which.astype(np.int32)), expected)


@compiled
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e9])
@pytest.mark.parametrize("k", [1, 8, 31])
def test_keys_of_coordinates_are_alike(scale: float, k: int) -> None:
    rng = np.random.default_rng(k)
    points = Points((scale * rng.normal(size=(300, 40))).astype(np.float32), np.zeros(40), np.ones(40))
    width = np.where(rng.random(40) < 0.5, 0.25, rng.random(40) + 1e-3)
    grid = SimpleNamespace(columns=np.arange(40), width=width)
    chosen, offset = rng.permutation(40)[:k], rng.random(k)
    expected = _keys(points, grid, chosen, offset)  # type: ignore[arg-type]
    twins("coordinate_keys")
    assert np.array_equal(_keys(points, grid, chosen, offset), expected)  # type: ignore[arg-type]


@compiled
def test_similarities_are_alike() -> None:
    rng = np.random.default_rng(2)
    sets = from_sets([rng.integers(0, 50, rng.integers(0, 30)).tolist() for _ in range(200)])
    others = from_sets([rng.integers(0, 50, rng.integers(0, 30)).tolist() for _ in range(90)])
    i, j = rng.integers(0, 200, 3000), rng.integers(0, 90, 3000)
    expected = jaccard(sets, others, i, j)
    twins("shared_counts")
    assert np.array_equal(jaccard(sets, others, i, j), expected)


@compiled
def test_threads_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(3).integers(0, 9, size=(3001, 600), dtype=np.uint8)
    tokens = from_binary(rows < 1)
    found = []
    twins("grouped", "one_permutation", "hash_words")
    for count in (1, 2, 7):
        monkeypatch.setattr("auditor.hashing.kernels.compiling.threads", lambda count=count: count)
        found.append(
            (minhash.grouped(rows, 64), minhash.one_permutation(tokens, 64), row_digests(rows, np.uint8))
        )
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_small_work_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "load", lambda *_: pytest.fail("compiled"))
    for name in kernels.SAVED:
        assert kernels.twin(name, 10**5) is None


def test_large_work_is_and_so_is_small_work_that_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(kernels, "available", lambda: True)
    monkeypatch.setattr(
        kernels, "load", lambda module, name: made.append(f"{module}.{name}") or (lambda: None)
    )
    assert kernels.twin("one_permutation", 10**9) is not None
    price = kernels.COMPILE_SECONDS + kernels.IMPORT_SECONDS
    calls = 0
    while kernels.twin("grouped", 10**7) is None:
        calls += 1
    assert calls * 10**7 * kernels.SAVED["grouped"][1] < price
    assert kernels.twin("grouped", 1) is not None
    assert made == ["signatures.one_permutation", "signatures.grouped"]


def test_without_numba_the_numpy_body_works_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "available", lambda: False)
    assert kernels.twin("grouped", 10**12) is None


def run(code: str, **settings: str) -> str:
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=False, env={**os.environ, **settings},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_importing_the_package_and_small_work_load_no_numba() -> None:
    run(
        """
        import sys, numpy as np
        import auditor, auditor.hashing.sets
        from auditor.hashing.digest import representatives
        representatives([np.ones((10, 3))])
        assert "numba" not in sys.modules
        """
    )


def test_a_numba_that_does_not_import_is_none(tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text("raise SystemError('too new')")
    assert (
        run(
            "from auditor.hashing import kernels; print(kernels.available())",
            PYTHONPATH=f"{tmp_path}:{Path.cwd()}",
        )
        == "False\n"
    )


@compiled
def test_a_numba_told_not_to_compile_is_left_alone() -> None:
    code = "from auditor.hashing import kernels; print(kernels.available())"
    assert run(code, NUMBA_DISABLE_JIT="1") == "False\n"


@compiled
def test_no_place_for_a_cache_is_no_failure(tmp_path: Path) -> None:
    """A cache that cannot be made: numba then finds no locator, or fails when it writes."""
    nowhere = tmp_path / "a file, not a folder"
    nowhere.write_text("")
    printed = run(
        """
        import numpy as np
        import numba.core.caching as caching
        # as where neither the package's folder nor the user's own can be written to
        caching.CacheImpl._locator_classes = []
        from auditor.hashing import kernels, minhash
        from auditor.hashing.kernels.keys import band_keys
        rows = np.arange(12, dtype=np.uint32).reshape(3, 4)
        out = np.zeros(3, dtype=np.uint64)
        band_keys(rows, np.arange(4), out)
        print(np.array_equal(out, minhash.band_keys(rows, np.arange(4))))
        """,
        NUMBA_CACHE_DIR=str(nowhere),
    )
    assert printed == "True\n"


@compiled
def test_a_cache_that_fails_while_it_is_written_is_no_failure() -> None:
    printed = run(
        """
        import numpy as np
        import numba.core.caching as caching
        def full(*args, **kwargs):
            raise OSError(28, "No space left on device")
        caching.IndexDataCacheFile.save = full
        caching.IndexDataCacheFile.load = lambda *args, **kwargs: None
        from auditor.hashing import minhash
        from auditor.hashing.kernels.keys import band_keys
        rows = np.arange(12, dtype=np.uint32).reshape(3, 4)
        out = np.zeros(3, dtype=np.uint64)
        band_keys(rows, np.arange(4), out)
        print(np.array_equal(out, minhash.band_keys(rows, np.arange(4))))
        """
    )
    assert printed == "True\n"


def test_threads_follow_the_setting_and_the_processors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernels.threads.cache_clear()
    monkeypatch.setenv("NUMBA_NUM_THREADS", "5")
    assert kernels.threads() == 5
    kernels.threads.cache_clear()
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr(kernels, "_granted", lambda: 3)
    assert kernels.threads() == 3
    kernels.threads.cache_clear()
    monkeypatch.setattr(kernels, "_granted", lambda: None)
    assert kernels.threads() == 6
    kernels.threads.cache_clear()


@pytest.mark.parametrize(
    ("text", "granted"), [("150000 100000", 2), ("max 100000", None), ("", None), ("0 100000", None)]
)
def test_what_a_control_group_grants(tmp_path: Path, text: str, granted: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert kernels._granted(str(tmp_path)) == granted


def test_what_an_older_control_group_grants(tmp_path: Path) -> None:
    assert kernels._granted(str(tmp_path)) is None
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("400000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert kernels._granted(str(tmp_path)) == 4
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert kernels._granted(str(tmp_path)) is None
