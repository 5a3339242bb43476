"""Signatures for datasketch, equal to its own."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from auditor._errors import MissingDependencyError
from auditor.hashing import interchange
from auditor.hashing.interchange import datasketch_minhashes, to_datasketch
from auditor.hashing.tokens import from_sets


def some_rows(seed: int = 0) -> list[list[bytes]]:
    rng = np.random.default_rng(seed)
    return [[b"%d" % token for token in rng.integers(0, 500, rng.integers(0, 60))] for _ in range(80)]


def options() -> list[dict[str, str]]:
    """What this version of datasketch can be asked for."""
    datasketch = pytest.importorskip("datasketch")
    schemes = ["legacy", "affine32", "affine64"] if hasattr(datasketch.MinHash(), "scheme") else []
    return [{}, *({"scheme": scheme} for scheme in schemes)]


@pytest.mark.parametrize(("num_perm", "seed"), [(1, 1), (16, 7), (128, 1)])
def test_bit_for_bit_what_update_batch_makes(num_perm: int, seed: int) -> None:
    datasketch = pytest.importorskip("datasketch")
    rows = some_rows()
    for given in options():
        made = datasketch_minhashes(rows, num_perm, seed, **given)
        for row, ours in zip(rows, made, strict=True):
            theirs = datasketch.MinHash(num_perm=num_perm, seed=seed, **given)
            theirs.update_batch(row)
            assert ours == theirs
            assert ours.hashvalues.dtype == theirs.hashvalues.dtype
            assert np.array_equal(ours.hashvalues, theirs.hashvalues)
            assert ours.is_empty() == (not row)
            assert datasketch.LeanMinHash(ours) == datasketch.LeanMinHash(theirs)


def test_tokens_are_their_eight_bytes() -> None:
    datasketch = pytest.importorskip("datasketch")
    tokens = from_sets([["a", "b", 3], [], ["b"]])
    for row, ours in enumerate(datasketch_minhashes(tokens, 32, 5)):
        theirs = datasketch.MinHash(num_perm=32, seed=5)
        theirs.update_batch([int(i).to_bytes(8, "little") for i in tokens.take(np.array([row])).ids])
        assert np.array_equal(ours.hashvalues, theirs.hashvalues)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasketch")
    rows = some_rows(1)
    whole = [made.hashvalues for made in datasketch_minhashes(rows, 16)]
    monkeypatch.setattr(interchange, "BLOCK_ENTRIES", 64)
    assert all(
        np.array_equal(a, b.hashvalues) for a, b in zip(whole, datasketch_minhashes(rows, 16), strict=True)
    )


def test_a_scheme_that_is_not_known_is_left_to_datasketch(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasketch")
    rows = some_rows(2)
    expected = [made.hashvalues for made in datasketch_minhashes(rows, 16)]
    wrong = dict.fromkeys(interchange._PERMUTED, lambda values, a, b: values[:, None] * a)
    for table in ({}, wrong):
        monkeypatch.setattr(interchange, "_PERMUTED", table)
        assert all(
            np.array_equal(a, b.hashvalues)
            for a, b in zip(expected, datasketch_minhashes(rows, 16), strict=True)
        )


def test_an_index_that_answers() -> None:
    datasketch = pytest.importorskip("datasketch")
    rows = [[b"%d" % k for k in range(start, start + 40)] for start in range(0, 400, 40)] + [[]]
    index = to_datasketch(rows, 0.7)
    asked = datasketch.MinHash()
    asked.update_batch([*rows[4][1:], b"new"])
    assert index.query(asked) == [4]
    assert set(index.keys.keys()) == set(range(10))  # the empty set is in no bucket


def test_an_index_that_exists_takes_ours() -> None:
    datasketch = pytest.importorskip("datasketch")
    rows = [[b"%d" % k for k in range(start, start + 40)] for start in range(0, 400, 40)]
    index = datasketch.MinHashLSH(threshold=0.8, num_perm=64)
    for key, row in enumerate(rows):
        theirs = datasketch.MinHash(num_perm=64, seed=3)
        theirs.update_batch(row)
        index.insert(key, theirs)
    assert [index.query(ours) for ours in datasketch_minhashes(rows, 64, 3)] == [[key] for key in range(10)]


def test_without_datasketch_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(MissingDependencyError, match="pip install datasketch"):
        to_datasketch(from_sets([["a"]]))
