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


def _with_noise(X: np.ndarray, y: np.ndarray, size: float = 0.02, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    extra = rng.choice(np.flatnonzero(y == 1), (y == 0).sum() - (y == 1).sum())
    noise = rng.normal(size=(extra.size, *X.shape[1:])) * size * X.std(axis=0)
    return np.concatenate([X, X[extra] + noise]), np.concatenate([y, y[extra]])


def _noise_findings(report: Report) -> list:
    return [finding for finding in report["RSM001"].findings if finding.about == "noise"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("minority", [0.05, 0.2])
@pytest.mark.parametrize("size", [0.001, 0.03])
def test_copies_with_noise_are_named(dtype: type, minority: float, size: float) -> None:
    X, y = _with_noise(*_imbalanced(600, (8,), minority), size)
    train, val = _split(X.astype(dtype), y)
    (finding,) = _audit(train, val).errors
    assert finding.classes == (1,)
    assert finding.splits == ("val", "train")
    assert "with noise" in finding.message
    assert (val[1][finding.rows[0].indices] == 1).all()
    example = dict(finding.evidence.examples[0])
    near = np.abs(val[0][example["val row"]] - train[0][example["train row"]]).max()
    assert near < 10 * size


def test_copies_with_noise_of_scaled_features_and_a_smoothed_bootstrap() -> None:
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    X, y = _imbalanced(600, (8,), 0.1)
    X *= 10.0 ** np.arange(-4, 4)
    sampler = over_sampling.RandomOverSampler(random_state=0, shrinkage=0.05)
    (finding,) = _audit(*_split(*sampler.fit_resample(X, y))).errors
    assert finding.about == "noise"


def test_noise_in_images() -> None:
    X, y = _imbalanced(400, (8, 8), 0.1)
    X = np.cumsum(np.cumsum(X, axis=1), axis=2)
    X, y = _with_noise(X, y, 0.02)
    (finding,) = _audit(*_split(X, y)).errors
    assert finding.about == "noise"


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_in_train_alone_is_right(seed: int) -> None:
    train, val = _split(*_imbalanced(600, (8,), seed=seed), seed)
    assert not _audit(_with_noise(*train), val).findings


def _balanced(kind: str, n: int = 300, d: int = 8) -> Rows:
    rng = np.random.default_rng(11)
    other = rng.normal(size=(n, d))
    made = {
        "denser": lambda: 1e-3 * rng.normal(size=(n, d)),
        "heavy tails": lambda: rng.standard_cauchy(size=(n, d)),
        "frames": lambda: np.concatenate(
            [rng.normal(size=d) + np.cumsum(0.02 * rng.normal(size=(30, d)), axis=0) for _ in range(n // 30)]
        ),
        "series": lambda: np.sin(np.linspace(0, 40, n)[:, None] * np.arange(1, d + 1) / d),
        "measured thrice": lambda: (
            np.repeat(rng.normal(size=(n // 3, d)), 3, axis=0) + 0.02 * rng.normal(size=(n, d))
        ),
        "measured ten times": lambda: (
            np.repeat(rng.normal(size=(n // 10, d)), 10, axis=0) + 0.02 * rng.normal(size=(n, d))
        ),
        "chain letters": lambda: (
            rng.normal(size=(n, d))[np.repeat(np.arange(n), rng.zipf(1.5, n).clip(1, 100))[:n]]
            + rng.lognormal(-4, 1, size=(n, 1)) * rng.normal(size=(n, d))
        ),
        "whole numbers": lambda: rng.poisson(3, size=(n, d)).astype(float),
        "categories": lambda: np.column_stack(
            [rng.integers(0, 9, (n, 1)) * np.ones((1, d - 1)), rng.normal(size=n)]
        ),
        "sparse": lambda: rng.exponential(size=(n, d)) * (rng.random((n, d)) < 0.2),
        "a curve": lambda: np.sin(rng.uniform(0, 6, (n, 1)) * np.arange(1, d + 1)),
    }[kind]()
    return np.concatenate([made, other]), np.repeat([1, 0], n)


@pytest.mark.parametrize(
    "kind",
    [
        "denser",
        "heavy tails",
        "frames",
        "series",
        "measured thrice",
        "measured ten times",
        "chain letters",
        "whole numbers",
        "categories",
        "sparse",
        "a curve",
    ],
)
def test_rows_that_lie_close_by_nature_in_one_of_two_equal_classes(kind: str) -> None:
    assert not _audit(*_split(*_balanced(kind))).findings


def _pictures(n: int = 240, minority: float = 0.2) -> Rows:
    rng = np.random.default_rng(12)
    y = (rng.random(n) < minority).astype(int)
    steps = np.mgrid[:12, :12] / 12.0
    waves = rng.uniform(-5, 5, size=(n, 5, 2, 1, 1))
    angle = (waves * steps).sum(axis=2) + rng.uniform(0, 6.3, size=(n, 5, 1, 1))
    X = 128 + 35 * (rng.normal(size=(n, 5, 1, 1)) * np.sin(angle)).sum(axis=1)
    return np.clip(X, 0, 255).astype(np.uint8), y


CHANGES = {
    "flipped left to right": lambda X: X[:, :, ::-1],
    "turned by 90 degrees": lambda X: np.rot90(X, axes=(1, 2)),
    "moved by (+1, +1)": lambda X: np.roll(X, (-1, -1), axis=(1, 2)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("times", [1, 3])
def test_augmented_copies_of_a_class_are_named(change: str, times: int) -> None:
    X, y = _pictures()
    rows = np.flatnonzero(y == 1)
    made = [CHANGES[change](X[rows]), X[rows][:, ::-1], X[rows][:, ::-1, ::-1]][:times]
    X, y = np.concatenate([X, *made]), np.concatenate([y, np.ones(times * rows.size, dtype=int)])
    train, val = _split(X, y)
    found = [finding for finding in _audit(train, val).errors if finding.about == "augmentation"]
    (finding,) = found
    assert finding.classes == (1,)
    assert "augmented before the split" in finding.message
    assert (val[1][finding.rows[0].indices] == 1).all()


def test_augmenting_train_alone_or_every_class_is_no_upsampling() -> None:
    X, y = _pictures()
    train, val = _split(X, y)
    rows = train[1] == 1
    more = np.concatenate([train[0], train[0][rows][:, :, ::-1]]), np.concatenate([train[1], train[1][rows]])
    assert not _audit(more, val).findings
    both = np.concatenate([X, X[:, :, ::-1]]), np.concatenate([y, y])
    assert not _audit(*_split(*both)).findings
