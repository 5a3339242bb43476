"""DUP003."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

from auditor import Finding, Severity, Status, audit


def _findings(train: np.ndarray, val: np.ndarray, **more: object) -> tuple[Finding, ...]:
    outcome = audit(train, val, select="DUP003", **more)["DUP003"]
    assert outcome.status is not Status.CRASHED, outcome.traceback
    return outcome.findings


def _images(n: int = 500, side: int = 16, channels: int = 0, seed: int = 0) -> np.ndarray:
    """Smooth random images: mixtures of waves."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / 16.0
    planes = []
    for _ in range(max(1, channels)):
        image = np.zeros((n, side, side))
        for _ in range(6):
            a, b, phase, weight = (
                rng.uniform(-5, 5, n),
                rng.uniform(-5, 5, n),
                rng.uniform(0, 6, n),
                rng.normal(size=n),
            )
            wave = a[:, None, None] * x + b[:, None, None] * y + phase[:, None, None]
            image += weight[:, None, None] * np.sin(wave)
        planes.append(np.clip(128 + 36 * image, 0, 255).astype(np.uint8))
    return np.stack(planes, axis=-1) if channels else planes[0]


def _moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    out = np.zeros_like(images)
    out[:, down:, right:] = images[:, : images.shape[1] - down, : images.shape[2] - right]
    return out


ISOMETRIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "flipped left to right": lambda x: x[:, :, ::-1],
    "flipped upside down": lambda x: x[:, ::-1],
    "turned by 180 degrees": lambda x: x[:, ::-1, ::-1],
    "turned by 90 degrees": lambda x: np.rot90(x, -1, (1, 2)),
    "turned by 270 degrees": lambda x: np.rot90(x, 1, (1, 2)),
    "mirrored along the diagonal": lambda x: np.swapaxes(x, 1, 2),
    "mirrored along the other diagonal": lambda x: np.rot90(np.swapaxes(x, 1, 2), 2, (1, 2)),
}


@pytest.mark.parametrize("name", list(ISOMETRIES))
@pytest.mark.parametrize("channels", [0, 3])
def test_turned_and_mirrored_images(name: str, channels: int) -> None:
    images = _images(channels=channels)
    train, val = images[:400], images[400:].copy()
    val[10:20] = ISOMETRIES[name](train[50:60])
    (finding,) = _findings(train, val)
    assert finding.level is Severity.ERROR
    assert finding.rows[0].indices.tolist() == list(range(10, 20))
    assert finding.evidence[name] == 10
    assert finding.evidence["copies that keep every value"] == 10
    partners = {dict(row)["val row"]: dict(row)["train row"] for row in finding.evidence.examples}
    assert all(partner == row + 40 for row, partner in partners.items())
    assert finding.fix.drop == finding.rows


@pytest.mark.parametrize("name", ["flipped left to right", "turned by 90 degrees"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scaled_images(name: str, dtype: type) -> None:
    images = (_images() / 255.0).astype(dtype)
    train, val = images[:400], images[400:].copy()
    val[:8] = ISOMETRIES[name](train[:8])
    (finding,) = _findings(train, val)
    assert finding.rows[0].indices.tolist() == list(range(8))


@pytest.mark.parametrize("name", list(ISOMETRIES))
def test_mirrored_images_with_noise(name: str) -> None:
    images = _images()
    train, val = images[:400], images[400:].copy()
    copy = ISOMETRIES[name](train[:15]) + np.random.default_rng(0).integers(-3, 4, size=(15, 16, 16))
    val[:15] = np.clip(copy, 0, 255)
    (finding,) = _findings(train, val)
    assert set(range(15)) <= set(finding.rows[0].indices.tolist())
    assert len(finding.rows[0]) <= 17
    assert finding.evidence["copies that keep every value"] == 0
    assert finding.evidence[name] >= 14


@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, 1), (2, 1)])
@pytest.mark.parametrize("how", ["filled", "rolled"])
def test_moved_images(down: int, right: int, how: str) -> None:
    images = _images(side=24)
    train, val = images[:400], images[400:].copy()
    val[:10] = (
        _moved(train[:10], down, right) if how == "filled" else np.roll(train[:10], (down, right), (1, 2))
    )
    (finding,) = _findings(train, val)
    assert finding.rows[0].indices.tolist() == list(range(10))
    assert finding.evidence[f"moved by ({down:+d}, {right:+d})"] == 10


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda x: 255 - x, "inverted"),
        (lambda x: 0.6 * x + 30, "given another gain and offset"),
        (lambda x: x * [0.5, 0.8, 0.9] + [90, 10, 20], "given another gain and offset per channel"),
    ],
)
def test_recoloured_images(change: Callable[[np.ndarray], np.ndarray], name: str) -> None:
    images = _images(channels=3)
    train, val = images[:400], images[400:].copy()
    val[:10] = np.clip(np.rint(change(train[:10].astype(np.float64))), 0, 255)
    (finding,) = _findings(train, val)
    assert set(range(10)) <= set(finding.rows[0].indices.tolist())
    assert len(finding.rows[0]) <= 11
    assert finding.evidence[name] >= 9


@pytest.mark.parametrize("shape", [(60,), (60, 2), (60, 6), (2, 60)])
def test_reversed_series(shape: tuple[int, ...]) -> None:
    axis = shape.index(60) + 1
    series = np.random.default_rng(0).normal(size=(300, *shape)).cumsum(axis=axis)
    train, val = series[:220], series[220:].copy()
    val[:8] = np.flip(train[:8], axis)
    (finding,) = _findings(train, val)
    assert finding.rows[0].indices.tolist() == list(range(8))
    val[:8] = -train[:8]
    (finding,) = _findings(train, val)
    assert finding.evidence["inverted"] == 8
    val[:8] = np.roll(train[:8], 3, axis)
    (finding,) = _findings(train, val)
    assert finding.rows[0].indices.tolist() == list(range(8))


def test_clips_and_volumes() -> None:
    clips = np.random.default_rng(0).integers(0, 256, size=(120, 6, 5, 5, 2)).astype(np.uint8)
    train, val = clips[:90], clips[90:].copy()
    val[:5] = train[:5, ::-1]
    (finding,) = _findings(train, val)
    assert finding.evidence["reversed along axis 1"] == 5


def test_augmented_before_the_split() -> None:
    images = _images(300)
    images = np.concatenate([images, images[:, :, ::-1], images[:, ::-1]])
    order = np.random.default_rng(0).permutation(900)
    (finding,) = _findings(images[order[:700]], images[order[700:]])
    assert finding.level is Severity.ERROR
    assert finding.rows[0].share > 0.8


def test_augmented_after_the_split_passes() -> None:
    images = _images()
    train, val = images[:400], images[400:]
    assert not _findings(np.concatenate([train, train[:, :, ::-1], train[:, ::-1]]), val)


def test_unchanged_copies_are_left_to_their_own_rules() -> None:
    images = _images()
    train, val = images[:400], images[400:].copy()
    val[:30] = train[:30]
    assert not _findings(train, val)
    val[:30] = np.clip(val[:30] + np.random.default_rng(0).integers(-2, 3, size=(30, 16, 16)), 0, 255)
    assert not _findings(train, val)


def test_both_evaluation_splits() -> None:
    images = _images()
    train, val, test = images[:300], images[300:400], images[:40, :, ::-1]
    outcome = audit(train, val, test, select="DUP003")["DUP003"]
    assert [finding.splits for finding in outcome.findings] == [("test", "train")]


def _clean() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    half = rng.integers(0, 256, size=(400, 8, 4))
    strokes = np.zeros((400, 10, 10), dtype=np.uint8)
    strokes[np.arange(400), rng.integers(2, 8, 400), rng.integers(2, 8, 400)] = 255
    steps = np.arange(64)
    return {
        "images": _images(400),
        "symmetric images": np.concatenate([half, half[:, :, ::-1]], axis=2).astype(np.uint8),
        "one pixel": strokes,
        "blank": np.zeros((400, 8, 8)),
        "bars": np.repeat(rng.integers(0, 256, size=(400, 1, 12)), 12, axis=1).astype(np.uint8),
        "binary": rng.integers(0, 2, size=(400, 3, 3)).astype(bool),
        "boards": rng.integers(0, 3, size=(400, 4, 4)),
        "one-hot series": np.eye(4)[rng.integers(0, 4, size=(400, 5))],
        "short words": rng.integers(0, 4, size=(400, 16)),
        "sines": np.sin(steps * 0.3 + rng.uniform(0, 6.3, size=(400, 1))),
        "walks": rng.normal(size=(400, 64)).cumsum(axis=1),
        "noise": rng.normal(size=(400, 6, 20)).astype(np.float32),
        "embeddings": rng.normal(size=(400, 64)) @ rng.normal(size=(64, 64)),
        "missing": np.where(rng.random((400, 8, 8)) < 0.1, np.nan, rng.normal(size=(400, 8, 8))),
        "heavy tails": rng.standard_cauchy((400, 30)),
    }


@pytest.mark.parametrize("name", list(_clean()))
def test_rows_drawn_alike_pass(name: str) -> None:
    rows = _clean()[name]
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(len(rows))
        assert not _findings(rows[order[:300]], rows[order[300:]])


def test_digits_pass() -> None:
    images = load_digits().images
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(images))
        assert not _findings(images[order[:1300]], images[order[1300:]])
        assert not _findings(images[order[:1300]] / 16.0, images[order[1300:]] / 16.0)


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_tables_are_skipped(load: object) -> None:
    X = load().data  # type: ignore[operator]
    assert audit(X[:100], X[100:], select="DUP003")["DUP003"].status is Status.SKIPPED


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 3), (19, 5), (50, 1), (5, 0)])
@pytest.mark.parametrize("shape", [(20,), (5, 5), (4, 4, 3)])
def test_tiny_splits(n: int, m: int, shape: tuple[int, ...]) -> None:
    rows = np.random.default_rng(0).normal(size=(n + m, *shape))
    assert not _findings(rows[:n], rows[n:])
    assert not _findings(np.zeros((n, *shape)), np.zeros((m, *shape)))


def test_large_rows_and_many_of_them() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(60, 96, 96, 3)).astype(np.uint8)
    train, val = images[:40], images[40:].copy()
    val[:5] = train[:5, :, ::-1]
    (finding,) = _findings(train, val)
    assert finding.rows[0].indices.tolist() == list(range(5))
    rows = rng.normal(size=(12_000, 40)).astype(np.float32)
    rows[10_000:10_400] = rows[:400, ::-1]
    order = rng.permutation(2000)
    (finding,) = _findings(rows[:10_000], rows[10_000:][order])
    assert np.array_equal(np.sort(order[finding.rows[0].indices]), np.arange(400))


@pytest.mark.parametrize("how", ["shuffled", "in time"])
def test_overlapping_windows_are_left_to_their_own_rule(how: str) -> None:
    walk = np.random.default_rng(0).normal(size=(900, 3)).cumsum(axis=0)
    windows = np.stack([walk[i : i + 40] for i in range(0, 860, 2)])
    order = (
        np.random.default_rng(1).permutation(len(windows)) if how == "shuffled" else np.arange(len(windows))
    )
    assert not _findings(windows[order[:340]], windows[order[340:]])
