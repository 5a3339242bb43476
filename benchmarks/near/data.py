"""The data sets: real images, and made tables, embeddings and windows, with copies planted by kind."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from near.planted import Array, Numbers, Planted, finished

Altered = Callable[[Array], Array]

SIZES = {
    "images": (60_000, 10_000),
    "table": (800_000, 200_000),
    "embeddings": (180_000, 20_000),
    "windows": (36_000, 4_000),
}
"""Reference and query rows at scale 1."""


def make(name: str, scale: float, folder: Path | None, seed: int = 0) -> Planted:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        A key of `SIZES`.
    scale : float
        Of the number of rows; 1 is full size.
    folder : Path or None
        Where ``mnist_train.npz`` and ``mnist_test.npz`` are, with rows under ``X``.
    seed : int
        Everything is drawn from this.
    """
    rng = np.random.default_rng([seed, sorted(SIZES).index(name)])
    n, m = (max(50, round(scale * size)) for size in SIZES[name])
    makers = {"table": _table, "embeddings": _embeddings, "windows": _windows}
    planted = _images(n, m, folder, rng) if name == "images" else makers[name](n, m, rng)
    return finished(planted)


def _images(n: int, m: int, folder: Path | None, rng: np.random.Generator) -> Planted:
    reference, query, source = _digits(n, m, folder)
    kinds: dict[str, Altered] = {
        "exact": np.copy,
        "noise of 4 grey levels": lambda x: _grey(x + rng.normal(0.0, 4.0, x.shape)),
        "one pixel": lambda x: _one_pixel(x, rng),
    }
    try:
        from PIL import Image
    except ImportError:
        source += "; without Pillow no JPEG and no resizing"
    else:
        kinds["JPEG 75"] = lambda x: _each(x, lambda image: _jpeg(Image, image))
        kinds["resized to 3/2 and back"] = lambda x: _each(x, lambda image: _resized(Image, image))
    return _plant("images", source, (reference, query), kinds, each=len(query) // 25, rng=rng)


def _digits(n: int, m: int, folder: Path | None) -> tuple[Array, Array, str]:
    if folder is not None and (folder / "mnist_train.npz").exists():
        with np.load(folder / "mnist_train.npz") as train, np.load(folder / "mnist_test.npz") as test:
            return train["X"][:n], test["X"][:m].copy(), "MNIST, 28 x 28 uint8, its own train and test split"
    from sklearn.datasets import load_digits

    small = load_digits().images * (255.0 / 16.0)
    images = _grey(np.repeat(np.repeat(small, 3, axis=1), 3, axis=2))
    cut = min(n, len(images) * 4 // 5)
    return images[:cut], images[cut : cut + m].copy(), "scikit-learn's digits enlarged to 24 x 24 uint8"


def _table(n: int, m: int, rng: np.random.Generator) -> Planted:
    """Clusters in 30 features: plain, log-normal, whole numbers, codes, a constant, a flag."""
    centres = rng.normal(0.0, 2.0, (200, 30))
    X = np.empty((n + m, 30), dtype=np.float32)
    for start in range(0, n + m, 100_000):
        part = X[start : start + 100_000]
        part[:] = centres[rng.integers(0, 200, len(part))] + rng.normal(0.0, 0.6, part.shape)
    X[:, 5:10] = np.exp(0.5 * X[:, 5:10])
    X[:, 10:14] = np.rint(10.0 * X[:, 10:14])
    X[:, 14:18] = np.rint(X[:, 14:18])
    X[:, 18] = 7.0
    X[:, 19] = X[:, 19] > 1.0
    measured = np.r_[0:10, 20:30]
    spread = X[:n].std(axis=0, dtype=np.float64)
    spread[spread == 0.0] = 1.0

    def jitter(x: Array, size: float) -> Array:
        x[:, measured] += (size * spread[measured] * rng.normal(size=(len(x), measured.size))).astype(x.dtype)
        return x

    def edit(x: Array) -> Array:
        where = measured[rng.integers(0, measured.size, len(x))]
        x[np.arange(len(x)), where] += (0.5 * spread[where]).astype(x.dtype)
        return x

    kinds: dict[str, Altered] = {
        "exact": np.copy,
        "3 significant digits": _rounded,
        "noise of 0.001 sd": lambda x: jitter(x, 1e-3),
        "noise of 0.01 sd": lambda x: jitter(x, 1e-2),
        "one feature by 0.5 sd": edit,
    }
    source = (
        "200 clusters in 30 features of float32: plain, log-normal, whole, coded and constant, of unit spread"
    )
    return _plant("table", source, (X[:n], X[n:]), kinds, each=m // 40, rng=rng, spread=spread)


def _embeddings(n: int, m: int, rng: np.random.Generator) -> Planted:
    """2,000 clusters on the unit sphere of 384 dimensions, of which 96 carry nearly all of the spread."""
    d, clusters = 384, 2_000
    basis = rng.normal(size=(96, d)) / np.sqrt(d)
    centres = _unit(rng.normal(size=(clusters, 96)) @ basis)
    X = np.empty((n + m, d), dtype=np.float32)
    for start in range(0, n + m, 20_000):
        part = X[start : start + 20_000]
        inner = _unit(rng.normal(size=(len(part), 96)) @ basis) * rng.uniform(0.5, 1.0, (len(part), 1))
        noise = rng.normal(size=part.shape) * (0.1 / np.sqrt(d))
        part[:] = _unit(centres[rng.integers(0, clusters, len(part))] + inner + noise)

    def turned(x: Array, cosine: float) -> Array:
        aside = rng.normal(size=x.shape)
        aside = _unit(aside - np.einsum("ij,ij->i", aside, x)[:, None] * x)
        return _unit(cosine * x + np.sqrt(1.0 - cosine**2) * aside)

    kinds: dict[str, Altered] = {
        "exact": np.copy,
        "through float16": lambda x: x.astype(np.float16),
        "cosine .999": lambda x: turned(x, 0.999),
        "cosine .99": lambda x: turned(x, 0.99),
    }
    source = "2,000 clusters of unit vectors, 384 x float32"
    return _plant("embeddings", source, (X[:n], X[n:]), kinds, each=m // 20, rng=rng)


def _windows(n: int, m: int, rng: np.random.Generator) -> Planted:
    """Windows of 64 steps of 20 autocorrelated channels; no two overlap, so that only copies are near."""
    from scipy.signal import lfilter

    steps = lfilter([1.0], [1.0, -0.95], rng.normal(size=((n + m) * 64, 20)).astype(np.float32), axis=0)
    X = np.asarray(steps, dtype=np.float32).reshape(n + m, 64, 20)[rng.permutation(n + m)]
    sd = float(X[:n].std())

    def edit(x: Array) -> Array:
        rows = np.arange(len(x))
        x[rows, rng.integers(0, 64, len(x)), rng.integers(0, 20, len(x))] += np.float32(0.5 * sd)
        return x

    kinds: dict[str, Altered] = {
        "exact": np.copy,
        "3 significant digits": _rounded,
        "noise of 0.01 sd": lambda x: x + (0.01 * sd * rng.normal(size=x.shape)).astype(np.float32),
        "one value by 0.5 sd": edit,
    }
    source = "windows of an autocorrelated series, 64 steps x 20 channels of float32"
    return _plant("windows", source, (X[:n], X[n:]), kinds, each=m // 20, rng=rng)


def _plant(
    name: str,
    source: str,
    sides: tuple[Array, Array],
    kinds: dict[str, Altered],
    *,
    each: int,
    rng: np.random.Generator,
    spread: NDArray[np.float64] | None = None,
) -> Planted:
    """Overwrite `each` query rows per kind with altered copies of reference rows, all drawn without repeat.

    Then features are brought to unit spread, where `spread` is given: all methods get the same rows.
    """
    reference, query = sides
    each = max(1, min(each, len(query) // (2 * len(kinds)), len(reference) // len(kinds)))
    total = each * len(kinds)
    pairs = np.column_stack(
        [rng.permutation(len(side))[:total] for side in (query, reference)],
    ).astype(np.int64)
    kind: Numbers = np.repeat(np.arange(len(kinds)), each)
    for number, alter in enumerate(kinds.values()):
        rows = pairs[kind == number]
        query[rows[:, 0]] = alter(reference[rows[:, 1]])
    if spread is not None:
        reference, query = (np.asarray(side / spread, dtype=np.float32) for side in sides)
    nobody = np.zeros((0, 2), dtype=np.int64)
    return Planted(name, source, reference, query, pairs, kind, tuple(kinds), 0.0, nobody[:, 0], nobody)


def _grey(x: Array) -> Array:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def _one_pixel(x: Array, rng: np.random.Generator) -> Array:
    flat = x.reshape(len(x), -1).copy()
    flat[np.arange(len(x)), rng.integers(0, flat.shape[1], len(x))] ^= np.uint8(0x80)
    return flat.reshape(x.shape)


def _each(x: Array, alter: Altered) -> Array:
    return np.stack([alter(image) for image in x])


def _jpeg(Image: Any, image: Array) -> Array:
    held = io.BytesIO()
    Image.fromarray(image).save(held, "JPEG", quality=75)
    return np.asarray(Image.open(held))


def _resized(Image: Any, image: Array) -> Array:
    height, width = image.shape
    lanczos = Image.Resampling.LANCZOS
    larger = Image.fromarray(image).resize((width * 3 // 2, height * 3 // 2), lanczos)
    return np.asarray(larger.resize((width, height), lanczos))


def _rounded(x: Array) -> Array:
    flat = [float(f"{value:.3g}") for value in x.ravel().tolist()]
    return np.asarray(flat, dtype=x.dtype).reshape(x.shape)


def _unit(x: Array) -> Array:
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))
