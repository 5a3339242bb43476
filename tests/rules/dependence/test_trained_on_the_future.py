"""DEP002."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

N = 400


def _audit(train: object, val: object, **more: object) -> Report:
    return audit(
        np.zeros((len(train), 2)),
        np.zeros((len(val), 2)),
        time_train=train,
        time_val=val,
        select="DEP002",
        **more,
    )


def _as(times: np.ndarray, kind: str) -> object:
    if kind == "dates":
        return np.datetime64("2024-01-01") + times.astype("m8[D]")
    if kind == "text":
        return (np.datetime64("2024-01-01") + times.astype("m8[D]")).astype(str)
    return times.astype(kind)


KINDS = ["i4", "u8", "f8", "dates", "text"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_random_split_is_interleaved(kind: str) -> None:
    order = np.random.default_rng(0).permutation(N) + 5
    (finding,) = _audit(_as(order[:300], kind), _as(order[300:], kind)).errors
    assert 0.4 < finding.evidence["share of pairs in which the train row is later"] < 0.6
    assert "as after a random split" in finding.message
    assert finding.splits == ("val", "train")
    assert len(finding.rows[0]) == np.sum(order[300:] < order[:300].max())
    assert len(finding.rows[1]) == np.sum(order[:300] > order[300:].min())


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecast_is_clean(kind: str) -> None:
    times = np.arange(5, N + 5)
    assert _audit(_as(times[:300], kind), _as(times[300:], kind))["DEP002"].status is Status.PASSED
    shuffled = np.random.default_rng(0).permutation(times[:300])
    assert _audit(_as(shuffled, kind), _as(times[300:], kind))["DEP002"].status is Status.PASSED


def test_train_after_validation() -> None:
    times = np.arange(5, N + 5)
    (finding,) = _audit(times[100:], times[:100]).errors
    assert finding.evidence["share of pairs in which the train row is later"] == 1
    assert "train comes after val" in finding.message


def test_a_block_in_the_middle() -> None:
    times = np.arange(5, N + 5)
    (finding,) = _audit(np.r_[times[:200], times[300:]], times[200:300]).errors
    assert finding.evidence["share of pairs in which the train row is later"] == pytest.approx(1 / 3)


def test_single_rows_out_of_place_are_a_warning_and_can_be_dropped() -> None:
    times = np.arange(5, N + 5)
    train = np.r_[times[:298], times[350:352]]
    (finding,) = _audit(train, times[300:]).findings
    assert finding.level is Severity.WARNING
    (drop,) = finding.fix.drop
    assert (drop.split, drop.indices.tolist()) == ("train", [298, 299])
    assert _audit(np.delete(train, drop.indices), times[300:]).findings == ()


def test_ties_at_the_boundary_are_not_later() -> None:
    days = np.repeat(np.arange(40), 10)
    assert _audit(days[:305], days[305:])["DEP002"].status is Status.PASSED


@pytest.mark.parametrize(
    ("train", "val", "reason"),
    [
        (np.zeros(30), np.zeros(10), "same in all rows"),
        (["2024-01-01"] * 30, ["2024-01-01"] * 10, "same in all rows"),
        (np.arange(30), np.arange(10), "numbers the rows"),
        (np.arange(30), None, "time given for train only"),
    ],
)
def test_times_that_say_nothing_are_skipped(train: object, val: object, reason: str) -> None:
    given = {"time_train": train} | ({} if val is None else {"time_val": val})
    outcome = audit(np.zeros((30, 2)), np.zeros((10, 2)), **given, select="DEP002")["DEP002"]
    assert outcome.status is Status.SKIPPED
    assert reason in outcome.reason


def test_missing_times_are_left_out() -> None:
    times = np.arange(5.0, N + 5)
    times[[3, 350]] = np.nan
    assert _audit(times[:300], times[300:])["DEP002"].status is Status.PASSED
    dates = np.where(
        np.isnan(times), np.datetime64("NaT", "D"), np.datetime64("2024-01-01", "D") + np.arange(N)
    )
    assert _audit(dates[:300], dates[300:])["DEP002"].status is Status.PASSED
    assert _audit(times[:300], np.full(5, np.nan))["DEP002"].status is Status.PASSED
    assert not _audit(np.full(5, np.nan), times[300:]).crashed


def test_disjoint_groups_saw_only_others_future() -> None:
    times, users = np.tile(np.arange(20), 20), np.repeat(np.arange(20), 20)
    held = users > 14
    groups = {"groups_train": users[~held], "groups_val": users[held]}
    (finding,) = _audit(times[~held], times[held], **groups).findings
    assert finding.level is Severity.INFO
    assert _audit(times[~held], times[held]).errors


def test_each_groups_own_future() -> None:
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(20), 20)
    start = rng.integers(0, 300, 20)
    times = start[users] + np.tile(np.arange(20), 20)
    last = np.tile(np.arange(20), 20) >= 15
    ids = {"groups_train": users[~last], "groups_val": users[last]}
    (finding,) = _audit(times[~last], times[last], **ids).findings
    assert finding.level is Severity.INFO
    mixed = rng.random(400) < 0.25
    ids = {"groups_train": users[~mixed], "groups_val": users[mixed]}
    (finding,) = _audit(times[~mixed], times[mixed], **ids).errors
    assert "later row of their own group" in finding.message


def _windows(steps: int, stride: int, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    starts = np.arange(0, len(series) - steps, stride)
    return np.stack([series[s : s + steps] for s in starts]), starts


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("channels_first", [False, True])
def test_windows_need_a_gap(dtype: type, channels_first: bool) -> None:
    series = (np.random.default_rng(0).normal(size=(500, 3)).cumsum(axis=0) * 50).astype(dtype)
    X, starts = _windows(12, 3, series)
    X = X.swapaxes(1, 2) if channels_first else X
    given = {"time_train": starts[:100], "time_val": starts[100:], "select": "DEP002"}
    (finding,) = audit(X[:100], X[100:], **given).findings
    assert finding.level is Severity.WARNING
    assert finding.evidence["steps shared at the boundary"] == 9
    assert finding.rows[0].indices.tolist() == [0, 1, 2]
    given["time_val"] = starts[103:]
    assert audit(X[:100], X[103:], **given).findings == ()


def test_windows_of_one_value_share_nothing() -> None:
    X = np.zeros((100, 12, 3))
    assert audit(X[:80], X[80:], time_train=np.arange(5, 85), time_val=np.arange(85, 105), select="DEP002").ok


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (2, 4, 3)])
def test_empty_and_tiny_splits(shape: tuple[int, ...]) -> None:
    X = np.zeros((4, *shape))
    for val in (X[:0], X[:1]):
        report = audit(X, val, time_train=[1, 2, 3, 4], time_val=[9][: len(val)], select="DEP002")
        assert report["DEP002"].status is Status.PASSED
