"""Numbers and arrays that functions hold."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from auditor._case import make_case
from auditor.probes.application import applied
from auditor.probes.verdicts import verdicts

RNG = np.random.default_rng(0)
X = RNG.gamma(2.0, [1.0, 20.0, 300.0, 0.5], size=(300, 4))
TRAIN, VAL, TEST = X[:180], X[180:240], X[240:]
ROWS = {"train": TRAIN, "val": VAL, "test": TEST}
ALL = ("train", "val", "test")


def judge(function, rows=ROWS) -> list:
    case = make_case(X=rows, preprocess=function)
    return list(verdicts(case, applied(case), 0, 60.0))


def quartile_range(rows):
    low, high = np.quantile(rows, (0.25, 0.75), axis=0)
    return high - low


STATISTICS = {
    "mean": lambda rows: rows.mean(axis=0),
    "standard deviation": lambda rows: rows.std(axis=0),
    "standard deviation (ddof 1)": lambda rows: rows.std(axis=0, ddof=1),
    "variance": lambda rows: rows.var(axis=0),
    "minimum": lambda rows: rows.min(axis=0),
    "maximum": lambda rows: rows.max(axis=0),
    "range": lambda rows: np.ptp(rows, axis=0),
    "median": lambda rows: np.median(rows, axis=0),
    "interquartile range": quartile_range,
    "mean of the values / 255": lambda rows: (rows / 255).mean(axis=0),
    "standard deviation of the values / 255": lambda rows: (rows / 255).std(axis=0),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_of_columns(name: str) -> None:
    of_train, of_all = STATISTICS[name](TRAIN), STATISTICS[name](X)
    assert [v.status for v in judge(lambda rows: rows - of_train)] == ["train"]
    (verdict,) = judge(lambda rows: rows - of_all)
    assert verdict.status == "beyond"
    assert ALL in verdict.sets
    assert verdict.where == name
    assert verdict.name == "of_all"


@pytest.mark.parametrize("added", [1e-7, 1e-8, 1e-6, 1e-3])
def test_a_small_number_against_division_by_zero(added: float) -> None:
    of_train, of_val = TRAIN.std(axis=0) + added, X[:240].std(axis=0) + added
    assert [v.status for v in judge(lambda rows: rows / of_train)] == ["train"]
    (verdict,) = judge(lambda rows: rows / of_val)
    assert verdict.sets == (("train", "val"),)


def test_a_spread_of_zero_may_be_replaced() -> None:
    rows = {name: np.column_stack([part, np.ones(len(part))]) for name, part in ROWS.items()}
    whole = np.concatenate(list(rows.values()))
    std = whole.std(axis=0)
    std = np.where(std == 0, 1.0, std)
    (verdict,) = judge(lambda batch: batch / std, rows)
    assert verdict.sets == (ALL,)


@pytest.mark.parametrize("hold", ["closure", "default", "partial", "global", "attribute", "mapping", "list"])
def test_wherever_it_is_held(hold: str) -> None:
    mean = X.mean(axis=0)

    class Prep:
        def __init__(self) -> None:
            self.mean = mean

        def __call__(self, rows):
            return rows - self.mean

    def subtract(rows, mean):
        return rows - mean

    state = {"mean": mean}
    listed = mean.tolist()
    functions = {
        "closure": lambda rows: rows - mean,
        "default": lambda rows, mean=mean: rows - mean,
        "partial": functools.partial(subtract, mean=mean),
        "global": lambda rows: rows - GLOBAL_MEAN,
        "attribute": Prep(),
        "mapping": lambda rows: rows - state["mean"],
        "list": lambda rows: rows - np.array(listed),
    }
    (verdict,) = judge(functions[hold])
    assert verdict.status == "beyond"


GLOBAL_MEAN = X.mean(axis=0)


def test_float32_statistics() -> None:
    rows = {name: part.astype(np.float32) for name, part in ROWS.items()}
    for given, status in ((TRAIN, "train"), (X, "beyond")):
        mean, std = given.astype(np.float32).mean(axis=0), given.astype(np.float32).std(axis=0)
        assert {v.status for v in judge(lambda batch, m=mean, s=std: (batch - m) / s, rows)} == {status}


def test_images_have_channels_and_one_mean() -> None:
    images = np.random.default_rng(1).integers(0, 256, (90, 5, 4, 3)).astype(np.uint8)
    rows = {"train": images[:60], "val": images[60:]}
    for given, status in ((images[:60], "train"), (images, "beyond")):
        channel = given.mean(axis=(0, 1, 2)) / 255
        single = float((given / 255).std())
        pixel = given.mean(axis=0, keepdims=True)
        for held in (channel, single, pixel):
            (verdict,) = judge(lambda batch, held=held: batch - held, rows)
            assert verdict.status == status


def test_frames_by_name_and_by_column() -> None:
    frame = pd.DataFrame(X, columns=list("abcd")).assign(city="x")
    rows = {"train": frame[:180], "val": frame[180:]}
    for given, status in ((frame[:180], "train"), (frame, "beyond")):
        means = given[["c", "a"]].mean()
        age = given["b"].median()
        assert [v.status for v in judge(lambda f, m=means: f[["c", "a"]] - m, rows)] == [status]
        assert [v.status for v in judge(lambda f, m=age: f[["b"]] - m, rows)] == [status]


@pytest.mark.parametrize(
    "held", [255.0, 0.5, 1e-7, 0.1307, [0.485, 0.456, 0.406], np.zeros(4), np.ones(4), 3, "text", None, np.pi]
)
def test_plain_constants_say_nothing(held) -> None:
    assert judge(lambda rows, held=held: (rows, held)[0]) == []


def test_random_numbers_match_nothing() -> None:
    for seed in range(40):
        weights = np.random.default_rng(seed).normal(size=4)
        scalar = float(np.random.default_rng(seed).normal())
        assert judge(lambda rows, w=weights, s=scalar: rows * w + s) == []


def test_the_movement_is_that_of_the_values() -> None:
    mean = X.mean(axis=0)
    (verdict,) = judge(lambda rows: rows - mean)
    expected = np.abs(X.mean(axis=0) - TRAIN.mean(axis=0)) / TRAIN.std(axis=0)
    assert verdict.moved == pytest.approx(expected.max())


def test_a_whole_array_that_is_read() -> None:
    (verdict,) = judge(lambda rows: (rows - X.mean(axis=0)) / X.std(axis=0))
    assert (verdict.name, verdict.where, verdict.sets) == ("X", "rows", (ALL,))
    assert verdict.stored == {"val": 60, "test": 60}
    (verdict,) = judge(lambda rows: rows - VAL.mean(axis=0))
    assert verdict.sets == (("val",),)
    assert judge(lambda rows: (rows - TRAIN.mean(axis=0)) / TRAIN.std(axis=0)) == []


def test_an_array_that_is_held_but_does_not_matter() -> None:
    assert judge(lambda rows: rows * (1 if len(X) else 0)) == []
    strangers = np.random.default_rng(9).normal(size=(50, 4))
    assert judge(lambda rows: rows - strangers.mean(axis=0)) == []
    before = X.copy()
    judge(lambda rows: rows - X.mean(axis=0))
    np.testing.assert_array_equal(X, before)


def test_a_frame_that_is_read() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    rows = {"train": frame[:180], "val": frame[180:240], "test": frame[240:]}
    (verdict,) = judge(lambda batch: batch - frame.mean(), rows)
    assert verdict.where == "rows"
    assert judge(lambda batch: batch - rows["train"].mean(), rows) == []
