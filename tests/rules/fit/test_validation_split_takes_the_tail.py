"""FIT004."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import Severity, Status, audit_fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 4)).astype(np.float32)


def outcome(y: Any, x: Any = None, **arguments: Any) -> Any:
    """Audit without a model: this rule looks at rows and labels alone."""
    arguments.setdefault("validation_split", 0.2)
    return audit_fit(object(), X[: len(y)] if x is None else x, y, select="FIT004", **arguments)["FIT004"]


def levels(found: Any) -> dict[str, Severity]:
    return {finding.about: finding.level for finding in found.findings}


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize(
    "encode", [lambda y: y, lambda y: y[:, None], lambda y: np.eye(10)[y], lambda y: y.astype(str)]
)
def test_rows_sorted_by_class(k: int, encode: Any) -> None:
    (finding,) = outcome(encode(np.sort(RNG.integers(0, k, 500)))).findings
    assert finding.level is Severity.ERROR
    assert finding.splits == ("val", "train")
    assert finding.evidence["probability in random order"] < 1e-6
    assert outcome(encode(RNG.integers(0, k, 500))).status is Status.PASSED


def test_blocks_in_any_order() -> None:
    y = np.repeat([3, 0, 2, 1], 125)
    assert levels(outcome(y)) == {"classes": Severity.ERROR}
    assert "ordered by label" in outcome(y).findings[0].message


def test_a_tail_of_one_class() -> None:
    y = RNG.integers(0, 2, 500)
    y[400:] = 1
    (finding,) = outcome(y).findings
    assert finding.level is Severity.ERROR
    assert "all belong to class 1" in finding.message


def test_a_tail_of_other_proportions_is_a_warning() -> None:
    y = (np.arange(500) % 100 < 20).astype(int)
    y[400:] = (np.arange(100) < 60).astype(int)
    y[:400], y[400:] = RNG.permutation(y[:400]), RNG.permutation(y[400:])
    (finding,) = outcome(y).findings
    assert finding.level is Severity.WARNING
    assert finding.evidence["share of val rows out of proportion"] == pytest.approx(0.4)
    assert not outcome(y, options={"FIT004.distance": 0.5}).findings


def upsampled(*, appended: bool) -> tuple[np.ndarray, np.ndarray]:
    y = (np.arange(300) % 10 == 0).astype(int)
    extra = RNG.choice(np.flatnonzero(y), 240)
    order = np.concatenate([np.arange(300), extra])
    order = order if appended else RNG.permutation(order)
    return X[order], y[order]


def test_copies_appended() -> None:
    x, y = upsampled(appended=True)
    found = outcome(y, x)
    assert levels(found)["copies"] is Severity.ERROR
    copies = next(finding for finding in found.findings if finding.about == "copies")
    assert copies.evidence["share of val rows that repeat a train row"] == 1.0
    assert len(copies.rows[0]) == 108


def test_copies_appended_without_labels() -> None:
    x, _ = upsampled(appended=True)
    found = audit_fit(object(), x, validation_split=0.2, select="FIT004")["FIT004"]
    assert levels(found) == {"copies": Severity.ERROR}


def test_copies_shuffled_in_are_for_other_rules() -> None:
    x, y = upsampled(appended=False)
    assert outcome(y, x).status is Status.PASSED


def test_a_sorted_table_with_repeats_is_no_upsampling() -> None:
    rows = np.sort(RNG.integers(0, 60, size=(500, 1)), axis=0).astype(np.float64)
    assert outcome(RNG.integers(0, 2, 500), rows).status is Status.PASSED


def test_blank_rows_at_the_end_are_no_upsampling() -> None:
    x = RNG.normal(size=(500, 4))
    x[::50] = 0
    x[420:] = 0
    assert "copies" not in levels(outcome(RNG.integers(0, 2, 500), x))


def test_quantities_in_order() -> None:
    y = RNG.normal(size=500)
    assert levels(outcome(np.sort(y))) == {"values": Severity.ERROR}
    assert levels(outcome(-np.sort(-y))) == {"values": Severity.ERROR}
    assert levels(outcome(np.sort(y) + RNG.normal(size=500))) == {"values": Severity.WARNING}
    assert outcome(y).status is Status.PASSED


def test_the_future_may_be_meant() -> None:
    y = np.sort(RNG.normal(size=500))
    assert levels(outcome(y, time=np.arange(500))) == {"values": Severity.WARNING}
    assert levels(outcome(y, time=RNG.permutation(500))) == {"values": Severity.ERROR}
    blocks = np.repeat([0, 1, 2, 3], 125)
    assert levels(outcome(blocks, time=np.arange(500)))["classes"] is Severity.ERROR  # one class is one class
    regimes = (np.arange(500) % 5 < np.where(np.arange(500) < 400, 1, 4)).astype(int)
    assert levels(outcome(regimes, time=np.arange(500))) == {"classes": Severity.WARNING}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(5, 400),
    k=st.integers(1, 12),
    share=st.sampled_from([0.2, 0.3, 0.5]),
    atoms=st.sampled_from([1, 2, 5, 10**6]),
)
def test_random_order_passes(seed: int, n: int, k: int, share: float, atoms: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, atoms, size=(n, 2)).astype(np.float32)
    found = outcome(rng.integers(0, k, n), x, validation_split=share, shuffle=False, batch_size=4)
    assert found.status is Status.PASSED, found


def test_batches_of_one_class() -> None:
    y = np.sort(RNG.integers(0, 5, 500))
    found = outcome(y, validation_split=0.0, shuffle=False)
    assert levels(found) == {"batches": Severity.ERROR}
    assert outcome(RNG.permutation(y), validation_split=0.0, shuffle=False).status is Status.PASSED
    assert outcome(y, validation_split=0.0).status is Status.SKIPPED


def test_stretches_longer_than_a_batch_are_a_warning() -> None:
    y = np.repeat(RNG.integers(0, 2, 20), 25)
    assert levels(outcome(y, validation_split=0.0, shuffle=False, batch_size=8)) == {
        "batches": Severity.WARNING
    }


def test_batches_of_a_dataset_in_order() -> None:
    tf = pytest.importorskip("tensorflow")
    y = np.sort(RNG.integers(0, 4, 500))
    rows = tf.data.Dataset.from_tensor_slices((X, y))
    found = audit_fit(object(), rows.batch(16), select="FIT004")["FIT004"]
    assert levels(found) == {"batches": Severity.ERROR}
    mixed = audit_fit(object(), rows.shuffle(500, seed=1).batch(16), select="FIT004")["FIT004"]
    assert mixed.status is Status.PASSED


def test_validation_rows_that_are_given_are_left_alone() -> None:
    y = np.sort(RNG.integers(0, 5, 500))
    found = outcome(y, validation_data=(X[:50], y[:50]))
    assert found.status is Status.SKIPPED
