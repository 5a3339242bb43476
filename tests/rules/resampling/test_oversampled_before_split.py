"""RSM001."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

Rows = tuple[np.ndarray, np.ndarray]


def _audit(train: Rows, val: Rows, select: str = "RSM001") -> Report:
    return audit(train[0], val[0], y_train=train[1], y_val=val[1], select=select)


def _split(X: np.ndarray, y: np.ndarray, seed: int = 0, share: float = 0.25) -> tuple[Rows, Rows]:
    order = np.random.default_rng(seed).permutation(len(X))
    cut = int(share * len(X))
    return (X[order[cut:]], y[order[cut:]]), (X[order[:cut]], y[order[:cut]])


def _imbalanced(n: int = 500, shape: tuple[int, ...] = (6,), minority: float = 0.1, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < minority).astype(int)
    X = rng.normal(size=(n, *shape))
    X[y == 1] += 0.4
    return X, y


def _random_oversampler(X: np.ndarray, y: np.ndarray) -> Rows:
    imblearn = pytest.importorskip("imblearn.over_sampling")
    flat, labels = imblearn.RandomOverSampler(random_state=0).fit_resample(X.reshape(len(X), -1), y)
    return flat.reshape(-1, *X.shape[1:]), labels


def _resample(X: np.ndarray, y: np.ndarray) -> Rows:
    utils = pytest.importorskip("sklearn.utils")
    drawn = utils.resample(X[y == 1], n_samples=int((y == 0).sum()), random_state=0)
    return np.concatenate([X[y == 0], drawn]), np.repeat([0, 1], [(y == 0).sum(), len(drawn)])


def _repeat(X: np.ndarray, y: np.ndarray) -> Rows:
    times = np.where(y == 1, 7, 1)
    return np.repeat(X, times, axis=0), np.repeat(y, times)


def _towards_half(X: np.ndarray, y: np.ndarray) -> Rows:
    extra = np.random.default_rng(1).choice(np.flatnonzero(y == 1), int(0.3 * (y == 0).sum()))
    return np.concatenate([X, X[extra]]), np.concatenate([y, y[extra]])


SAMPLERS = [_random_oversampler, _resample, _repeat, _towards_half]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 1])
def test_oversampling_before_the_split_is_named(
    sampler: Callable[[np.ndarray, np.ndarray], Rows], dtype: type, seed: int
) -> None:
    X, y = sampler(*_imbalanced(seed=seed))
    train, val = _split(X.astype(dtype), y, seed)
    (finding,) = _audit(train, val).errors
    assert finding.classes == (1,)
    assert finding.splits == ("val", "train")
    assert (val[1][finding.rows[0].indices] == 1).all()
    assert len(_audit(train, val, "DUP001").errors) == 1


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_oversampling_train_alone_is_right(
    sampler: Callable[[np.ndarray, np.ndarray], Rows], seed: int
) -> None:
    train, val = _split(*_imbalanced(seed=seed), seed)
    assert _audit(sampler(*train), val)["RSM001"].status is Status.PASSED


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nor_is_it_named_where_a_few_rows_repeat_by_nature(
    sampler: Callable[[np.ndarray, np.ndarray], Rows],
) -> None:
    X, y = _imbalanced(800, minority=0.2)
    again = np.random.default_rng(2).permutation(800)[:200]  # a quarter of the rows, of either class
    train, val = _split(np.concatenate([X, X[again]]), np.concatenate([y, y[again]]))
    assert _audit(sampler(*train), val)["RSM001"].status is Status.PASSED


def test_a_tail_of_appended_copies() -> None:
    X, y = _random_oversampler(*_imbalanced())
    cut = int(0.8 * len(X))
    (finding,) = _audit((X[:cut], y[:cut]), (X[cut:], y[cut:])).errors
    assert len(finding.rows[0]) == len(X) - cut
    assert finding.evidence["share of val rows repeated from train"] == 1.0


def test_counts_by_class() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(110, 4))
    rows = np.concatenate([np.arange(90), np.repeat(np.arange(90, 110), 5)])
    y = (rows >= 90).astype(int)
    held_out = np.zeros(190, dtype=bool)
    held_out[[0, 1, *range(90, 190, 5)]] = True  # one of the five copies of each
    (finding,) = _audit((X[rows[~held_out]], y[~held_out]), (X[rows[held_out]], y[held_out])).errors
    assert dict(finding.evidence.examples[0]) == {
        "class": 1,
        "rows in train and val": 100,
        "different rows": 20,
        "val rows": 20,
        "of them in train": 20,
    }
    assert dict(finding.evidence.examples[1])["of them in train"] == 0
    assert "20 of 20 val rows" in finding.message
    assert "0 of 2 of class 0" in finding.message


def test_several_classes_of_images() -> None:
    rng = np.random.default_rng(4)
    y = rng.choice(4, size=600, p=[0.7, 0.15, 0.1, 0.05])
    X = rng.integers(0, 256, size=(600, 8, 8, 3)).astype(np.uint8)
    labels = np.array(["cat", "dog", "eel", "fox"])[y]
    (finding,) = _audit(*_split(*_random_oversampler(X, labels))).errors
    assert finding.classes == ("dog", "eel", "fox")


def test_one_hot_labels() -> None:
    X, y = _random_oversampler(*_imbalanced())
    (finding,) = _audit(*_split(X, np.eye(2)[y])).errors
    assert finding.classes == (1,)


def test_few_values_hide_nothing_where_the_majority_never_repeats() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(3)] * 7), axis=-1).reshape(-1, 7)
    y = (grid[:, :4].sum(axis=1) == 0).astype(int)
    X, y = _random_oversampler(grid, y)
    assert len(_audit(*_split(X, y)).errors) == 1


def test_repeats_of_every_class_are_not_oversampling() -> None:
    X, y = _imbalanced()
    assert not _audit(*_split(np.repeat(X, 4, axis=0), np.repeat(y, 4))).findings


def test_repeats_of_few_rows_in_one_class_are_not_oversampling() -> None:
    X, y = _imbalanced(2000, minority=0.4)
    spam = np.flatnonzero(y == 1)
    chains = np.random.default_rng(5).zipf(1.4, size=spam.size).clip(1, 300)
    times = np.ones(2000, dtype=int)
    times[spam] = chains
    report = _audit(*_split(np.repeat(X, times, axis=0), np.repeat(y, times)))
    assert report["RSM001"].status is Status.PASSED


def test_light_repeats_in_one_class_are_not_oversampling() -> None:
    X, y = _imbalanced(2000, minority=0.4)
    again = np.random.default_rng(6).permutation(np.flatnonzero(y == 1))[:90]
    report = _audit(*_split(np.concatenate([X, X[again]]), np.concatenate([y, y[again]])))
    assert report["RSM001"].status is Status.PASSED


def test_empty_images_of_one_class_are_not_oversampling() -> None:
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(400, 6, 6)), np.repeat([0, 1], 200)
    X[y == 1] = 0
    assert not _audit(*_split(X, y)).findings


@pytest.mark.parametrize("levels", [2, 5])
def test_categories_that_repeat_by_nature(levels: int) -> None:
    rng = np.random.default_rng(8)
    X, y = rng.integers(0, levels, (900, 4)), rng.integers(0, 3, 900)
    assert not _audit(*_split(X, y)).findings


def test_each_evaluation_split_for_itself() -> None:
    X, y = _imbalanced(800)
    rest, test = _split(X, y)
    train, val = _split(*_random_oversampler(*rest))
    report = audit(train[0], val[0], test[0], y_train=train[1], y_val=val[1], y_test=test[1], select="RSM001")
    assert [finding.splits for finding in report.errors] == [("val", "train")]


def test_labels_that_are_no_classes() -> None:
    X, _ = _imbalanced()
    y = np.random.default_rng(9).normal(size=500)
    assert _audit((X[:400], y[:400]), (X[400:], y[400:]))["RSM001"].status is Status.SKIPPED
    ones = np.ones(500, dtype=int)
    assert _audit((X[:400], ones[:400]), (X[400:], ones[400:]))["RSM001"].status is Status.SKIPPED


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_a_handful_of_rows(n: int) -> None:
    X, y = np.random.default_rng(10).normal(size=(n, 3)), np.arange(n) % 2
    report = _audit((np.repeat(X, 3, axis=0), np.repeat(y, 3)), (X, y))
    assert report["RSM001"].status in {Status.PASSED, Status.SKIPPED}
    assert Severity.ERROR not in {finding.level for finding in report["RSM001"].findings}
