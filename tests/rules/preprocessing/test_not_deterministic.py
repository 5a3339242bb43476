"""PRE003."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit

X = np.random.default_rng(0).normal(size=(120, 3))


def noisy(rows):
    return rows + np.random.normal(scale=0.1, size=rows.shape)  # noqa: NPY002


def run(preprocess):
    return audit(X[:80], X[80:], preprocess=preprocess, select="PRE003")["PRE003"]


def test_noise_for_every_split_is_a_warning() -> None:
    (finding,) = run(noisy).findings
    assert finding.level is Severity.WARNING
    assert finding.splits == ("val", "train")
    assert finding.evidence["share of rows that differ"] == 1.0
    assert 0 < finding.evidence["largest difference"] < 2


def test_noise_for_train_alone_is_noted() -> None:
    (finding,) = run({"train": noisy, "val": lambda rows: rows}).findings
    assert finding.level is Severity.INFO
    assert finding.splits == ("train",)


def test_a_state_between_calls() -> None:
    seen = []

    def running(rows):
        seen.append(rows.mean())
        return rows - np.mean(seen) - len(seen)

    assert run(running).status is Status.FAILED


def test_a_second_call_that_raises() -> None:
    left = iter(range(3))  # train, val, and the first of two equal calls

    def short(rows):
        next(left)
        return rows

    (finding,) = run(short).findings
    assert "second call raised StopIteration" in finding.message


@pytest.mark.parametrize(
    "preprocess",
    [
        lambda rows: rows,
        np.exp,
        lambda rows: rows + np.random.default_rng(0).normal(size=rows.shape),
        lambda rows: np.where(rows > 0, np.nan, rows),
        lambda rows: (rows * 1e30).astype(np.float32),
    ],
)
def test_equal_results_pass(preprocess) -> None:
    assert run(preprocess).status is Status.PASSED


def test_the_last_digits_do_not_count() -> None:
    def shaky(rows):
        return rows * (1 + 1e-7 * np.random.random(rows.shape))  # noqa: NPY002

    assert run(shaky).status is Status.PASSED


def test_a_callable_that_fails_is_left_to_its_rule() -> None:
    assert run(lambda rows: 1 / 0).status is Status.SKIPPED
