"""Metamorphic relations, carried out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor._case import make_case
from auditor.probes.application import applied
from auditor.probes.order import comes_reordered
from auditor.probes.relations import INDEPENDENCE, SUBSET, make_plan, others_copied
from auditor.probes.rows import rows_with_missing
from auditor.probes.runner import Probed, probed, sample_rows, sample_size

RNG = np.random.default_rng(0)
X = RNG.lognormal(size=(300, 5))
W = RNG.normal(size=(5, 40))


def probe(function, rows=X, *, n: int = 256, seconds: float = 30.0) -> Probed:
    case = make_case(X={"train": rows}, preprocess=function)
    (found,) = probed(case, applied(case), 0, n, seconds)
    return found


def broken(function, rows=X) -> set[str]:
    return {ran.relation.name for ran in probe(function, rows).broken}


def imputed_by_row(rows):
    return np.where(np.isnan(rows), 0.0, rows)


CLEAN = {
    "identity": lambda rows: rows,
    "scale": lambda rows: rows / 255,
    "log": np.log1p,
    "row": lambda rows: (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True),
    "sort in row": lambda rows: np.sort(rows, axis=1),
    "product": lambda rows: rows @ W,
    "layers": lambda rows: np.maximum(np.maximum(rows @ W, 0) @ W.T, 0) @ W,
    "narrow": lambda rows: rows.astype(np.float16),
    "clip": lambda rows: np.clip(rows, 0.5, 2),
    "constant": lambda rows: np.ones((len(rows), 2)),
    "one column": lambda rows: rows[:, 0],
    "image": lambda rows: rows.reshape(len(rows), 5, 1, 1),
    "list": lambda rows: rows.tolist(),
    "text": lambda rows: pd.DataFrame([["a" if value > 1 else "b" for value in row] for row in rows]),
    "fft": lambda rows: np.abs(np.fft.rfft(rows, axis=1)),
}

LEAKY = {
    "standardise": lambda rows: (rows - rows.mean(axis=0)) / rows.std(axis=0),
    "divide by the largest": lambda rows: rows / rows.max(),
    "min-max": lambda rows: (rows - rows.min(axis=0)) / np.ptp(rows, axis=0),
    "rank": lambda rows: rows.argsort(axis=0).argsort(axis=0) / len(rows),
    "clip at percentiles": lambda rows: np.clip(rows, *np.percentile(rows, [1, 99], axis=0)),
    "difference": lambda rows: rows - np.roll(rows, 1, axis=0),
    "cumulative": lambda rows: np.cumsum(rows, axis=0),
    "row number": lambda rows: np.column_stack([rows, np.arange(len(rows))]),
    "how many": lambda rows: rows * len(rows),
    "smooth": lambda rows: (rows + np.roll(rows, 1, axis=0) + np.roll(rows, -1, axis=0)) / 3,
    "whiten": lambda rows: rows @ np.linalg.svd(rows, full_matrices=False)[2].T,
    "median split": lambda rows: rows > np.median(rows, axis=0),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CLEAN)
def test_callables_that_keep_to_the_row_pass(name: str, dtype: type) -> None:
    found = probe(CLEAN[name], X.astype(dtype))
    assert {ran.status for ran in found.ran} == {"held"}
    assert found.noise == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LEAKY)
def test_callables_that_look_at_other_rows_do_not(name: str, dtype: type) -> None:
    assert broken(LEAKY[name], X.astype(dtype))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint16])
def test_whole_numbers(dtype: type) -> None:
    images = np.random.default_rng(1).integers(0, 256, (120, 4, 4)).astype(dtype)
    images[:, 0, 0] = 255  # every row holds the largest value
    assert not broken(lambda rows: rows / 255, images)
    assert broken(lambda rows: rows / rows.max(), images)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 40),
    d=st.integers(1, 6),
    seed=st.integers(0, 2**16),
    tail=st.sampled_from(["normal", "cauchy", "integers", "constant", "sparse"]),
)
def test_a_map_of_each_row_never_trips(n: int, d: int, seed: int, tail: str) -> None:
    rng = np.random.default_rng(seed)
    rows = {
        "normal": lambda: rng.normal(size=(n, d)),
        "cauchy": lambda: rng.standard_cauchy(size=(n, d)) * 1e6,
        "integers": lambda: rng.integers(-5, 5, (n, d)),
        "constant": lambda: np.full((n, d), 3.0),
        "sparse": lambda: rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.1),
    }[tail]()
    weights = rng.normal(size=(d, 7))
    assert not broken(lambda batch: np.tanh(batch @ weights), rows)


def test_missing_values_stay_where_they_are() -> None:
    rows = X.copy()
    rows[::7, 2] = np.nan
    plan = make_plan(rows, rows_with_missing(rows), np.random.default_rng(0))
    copied = others_copied(rows, plan)
    np.testing.assert_array_equal(np.isnan(copied), np.isnan(rows))
    np.testing.assert_array_equal(copied[plan.keep], rows[plan.keep])
    assert not np.isnan(rows[plan.donor]).any()


def test_gaps_filled_from_the_batch_are_seen_however_rare() -> None:
    rows = np.random.default_rng(3).normal(size=(5000, 4))
    rows[17, 1] = rows[4002, 2] = np.nan

    def fill(batch):
        return np.where(np.isnan(batch), np.nanmean(batch, axis=0), batch)

    assert not broken(imputed_by_row, rows)
    assert broken(fill, rows)


def test_categories_encoded_from_the_batch_are_seen() -> None:
    frame = pd.DataFrame({"city": np.random.default_rng(0).choice(list("abcdef"), 300)})
    assert broken(lambda rows: pd.get_dummies(rows).astype(float), frame)
    codes = {name: float(i) for i, name in enumerate("abcdef")}
    assert not broken(lambda rows: rows["city"].map(codes).to_numpy(), frame)


def test_chance_is_held_fixed() -> None:
    def noisy(rows):
        return rows + np.random.normal(size=rows.shape)  # noqa: NPY002

    def noisy_and_leaky(rows):
        return noisy(rows) - rows.mean(axis=0)

    found = probe(noisy)
    assert found.repeat.status == "broken"
    assert found.noise == 0
    assert not found.broken
    assert probe(noisy_and_leaky).broken


def test_chance_out_of_reach_leaves_nothing_to_say() -> None:
    def noisy(rows):
        return rows + np.random.default_rng().normal(size=rows.shape)

    found = probe(noisy)
    assert found.repeat.status == "broken"
    assert {ran.status for ran in found.ran} == {"void"}


def test_a_callable_that_needs_the_whole_is_not_blamed() -> None:
    def whole(rows):
        if len(rows) < 200:
            raise ValueError("too few rows")
        return rows

    found = probe(whole)
    assert not found.broken
    assert {ran.relation.name for ran in found.ran if ran.status == "void"} == {"subset"}


def test_values_it_refuses_are_not_held_against_it() -> None:
    known = set(np.unique(np.floor(X)).tolist())

    def encode(rows):
        if not set(np.unique(rows).tolist()) <= known:
            raise ValueError("unknown category")
        return np.log1p(rows)

    found = probe(encode, np.floor(X))
    assert not found.broken
    assert {ran.status for ran in found.ran} == {"held", "void"}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows(n: int) -> None:
    found = probe(np.log1p, X[:n])
    assert not found.broken
    assert broken(lambda rows: rows - rows.mean(axis=0), X[:2])


def test_no_time_means_no_relations_and_says_so() -> None:
    found = probe(np.log1p, seconds=0.0)
    assert found.ran == ()
    assert found.skipped == tuple(relation.name for relation in INDEPENDENCE)


def test_half_precision_has_coarser_rounding() -> None:
    def narrow(rows):
        return (rows.astype(np.float16) @ W.astype(np.float16)).astype(np.float16)

    assert not broken(narrow)


def test_the_sample_is_stated_and_seeded() -> None:
    case = make_case(X={"train": X}, preprocess=np.log1p)
    made = applied(case)
    (one,), (two,), (other,) = (probed(case, made, seed, 50, 30.0) for seed in (0, 0, 1))
    assert one.rows.tolist() == two.rows.tolist() != other.rows.tolist()
    assert one.rows.size == 50
    assert one.of == 300


def test_wide_rows_are_probed_in_smaller_batches() -> None:
    assert sample_size(np.zeros((10, 3)), 256) == 256
    assert sample_size(np.zeros((1, 150_528)), 256) == 27
    assert sample_size([[1], [2]], 256) == 256


def test_a_sample_holds_rows_with_missing_values() -> None:
    rows = np.zeros((1000, 2))
    rows[[3, 500], 1] = np.nan
    assert {3, 500} <= set(sample_rows(rows, 40, np.random.default_rng(0)).tolist())


def reordered(function, rows=X) -> tuple:
    case = make_case(X={"train": rows}, preprocess=function)
    made = applied(case)
    (found,) = probed(case, made, 0, 256, 30.0)
    return comes_reordered(case, made, found)


def test_sorting_and_shuffling_are_followed() -> None:
    assert reordered(lambda rows: rows[rows[:, 0].argsort()])
    assert reordered(lambda rows: np.log1p(rows)[::-1])
    assert reordered(lambda rows: rows[np.random.permutation(len(rows))])  # noqa: NPY002
    assert reordered(lambda rows: np.random.default_rng().permutation(rows))
    assert reordered(lambda rows: np.sort(rows, axis=0), X[:, :1])


def test_what_keeps_its_place_is_not_reordered() -> None:
    for function in (*CLEAN.values(), *LEAKY.values()):
        assert not reordered(function)
    constant = np.zeros((50, 2))
    assert not reordered(lambda rows: rows[::-1], constant)
    assert not reordered(lambda rows: rows + np.random.default_rng().normal(size=rows.shape))


def test_the_subset_relation_is_data() -> None:
    assert SUBSET.exact is False
    assert SUBSET.words == "the batch holds fewer rows"
