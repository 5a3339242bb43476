"""Bytes that were scaled twice: the lattice that two scalings of 0..255 leave, and one does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor.hashing.sampling import spaced
from auditor.measures.marginals import Floats

SAMPLE_VALUES = 400_000
FEW_VALUES = 4096
"""Values looked at first: continuous ones show at once."""

MOST_LEVELS = 1024
"""Different values of one channel above which they are no bytes, rounding and two code paths granted."""

LEVELS = 16
"""Different bytes that have to be told apart; masks and classes have fewer."""

SHARP = 0.1
"""Error of a byte, in bytes, up to which a value says anything."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """The map ``(x - mean) / std``, one pair for all channels or one for each of three."""

    words: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def after(self, first: Scaling) -> Scaling:
        """Return `first` followed by this.

        Examples
        --------
        >>> twice = DIVISIONS[0].after(DIVISIONS[0])
        >>> twice.words, twice.std
        ('x / 255, then x / 255', (65025.0,))
        """
        width = max(len(self.mean), len(first.mean))
        mean, std = [], []
        for c in range(width):
            m, s = first.mean[c % len(first.mean)], first.std[c % len(first.std)]
            own_m, own_s = self.mean[c % len(self.mean)], self.std[c % len(self.std)]
            std.append(s * own_s)
            mean.append(m + own_m * s)
        return Scaling(f"{first.words}, then {self.words}", tuple(mean), tuple(std))


DIVISIONS = (
    Scaling("x / 255", (0.0,), (255.0,)),
    Scaling("x / 127.5 - 1", (127.5,), (127.5,)),
    Scaling("x / 256", (0.0,), (256.0,)),
    Scaling("x / 128 - 1", (128.0,), (128.0,)),
)
"""What takes bytes to [0, 1] or [-1, 1]."""


def _published(name: str, mean: tuple[float, ...], std: tuple[float, ...]) -> Scaling:
    return Scaling(f"(x - {_listed(mean)}) / {_listed(std)} ({name})", mean, std)


def _listed(numbers: tuple[float, ...]) -> str:
    return f"{numbers[0]:.4g}" if len(numbers) == 1 else f"[{', '.join(f'{n:.4g}' for n in numbers)}]"


PUBLISHED = (
    _published("centred", (0.5,), (0.5,)),
    _published("ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    _published("MNIST", (0.1307,), (0.3081,)),
    _published("Fashion-MNIST", (0.2860,), (0.3530,)),
    _published("CIFAR-10", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    _published("CIFAR-10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    _published("CIFAR-10", (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)),
    _published("CIFAR-100", (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    _published("CLIP", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
)
"""Means and standard deviations of pictures in [0, 1] that libraries and papers pass on."""


def _doubles() -> tuple[Scaling, ...]:
    """Return two scalings in a row that nobody means, where powers of two alone do not make them.

    A quiet 16-bit recording over 32,768 looks like bytes over 128 and over 256: those are left out.
    """
    by_255 = DIVISIONS[:2]
    twice = [b.after(a) for a in DIVISIONS for b in DIVISIONS if a in by_255 or b in by_255]
    unit = DIVISIONS[0]
    for one in PUBLISHED:
        normal = one.after(unit)
        twice += [one.after(normal), unit.after(normal), one.after(unit.after(unit))]
    return tuple(twice)


DOUBLES = _doubles()


@dataclass(frozen=True, slots=True)
class DoubledBytes:
    """Bytes that went through two scalings.

    Attributes
    ----------
    scaling : Scaling
        Both.
    levels : int
        Different bytes met.
    low, high : float
        Range of the values.
    off : float
        Largest distance of a value from the lattice, in steps.
    """

    scaling: Scaling
    levels: int
    low: float
    high: float
    off: float


def doubled_bytes(case: Case, splits: tuple[str, ...]) -> DoubledBytes | None:
    """Product: the two scalings that all of some splits went through, or None.

    The identity: a value v that came from a byte k is ``(k - mean) / std`` to rounding, for one and the
    same k in 0..255 at least ``LEVELS`` of them, which values of another origin are not.
    """
    parts = [_levels(case[name].X) for name in splits]
    if any(part is None for part in parts):
        return None
    eps = max(float(np.finfo(case[name].X.dtype).eps) for name in splits)
    for scaling in DOUBLES:
        found = [_fits(part, scaling, eps) for part in parts if part is not None]
        if found and all(one is not None for one in found):
            known = [one for one in found if one is not None]
            return DoubledBytes(
                scaling,
                max(one.levels for one in known),
                min(one.low for one in known),
                max(one.high for one in known),
                max(one.off for one in known),
            )
    return None


def _levels(images: NDArray[Any]) -> list[Floats] | None:
    """Return the different values of each of three channels, or of all together; None if too many."""
    if images.dtype.kind != "f" or images.dtype.itemsize < 4 or not images.size:
        return None
    flat = images.reshape(images.shape[0], -1)
    few = flat[spaced(flat.shape[0], 16)][:, spaced(flat.shape[1], FEW_VALUES // 16)]
    if np.unique(few).size > MOST_LEVELS:
        return None
    columns = spaced(flat.shape[1], SAMPLE_VALUES // 16)
    rows = spaced(flat.shape[0], max(16, SAMPLE_VALUES // columns.size))
    values, channel = flat[rows][:, columns].astype(np.float64), _channel(images.shape, columns)
    if not np.isfinite(values).all():
        return None
    parts = [np.unique(values[:, channel == c]) for c in np.unique(channel)]
    return parts if max(part.size for part in parts) <= MOST_LEVELS else None


def _channel(shape: tuple[int, ...], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the channel of columns of a flattened row: three, last or first, of a picture; else one."""
    if len(shape) == 4 and shape[3] == 3:
        return np.asarray(columns % 3)
    if len(shape) == 4 and shape[1] == 3:
        return np.asarray(columns // (shape[2] * shape[3]))
    return np.zeros(columns.size, dtype=np.int64)


def _fits(parts: list[Floats], scaling: Scaling, eps: float) -> DoubledBytes | None:
    """Return what the lattice shows where every value stands on it."""
    if len(scaling.mean) > 1 and len(parts) != len(scaling.mean):
        return None
    levels, worst = 256, 0.0
    for c, values in enumerate(parts):
        mean, std = scaling.mean[c % len(scaling.mean)], scaling.std[c % len(scaling.std)]
        if np.abs(values).max() > 1e6:
            return None
        byte = values * std + mean
        error = np.maximum(8 * eps * (np.abs(values) * std + abs(mean)), 1e-9)
        if byte[0] < -error[0] - 0.01 or byte[-1] > 255.01 + error[-1]:
            return None
        off = np.abs(byte - np.rint(byte))
        sharp = error < SHARP
        if (off[sharp] > error[sharp]).any():
            return None
        levels = min(levels, int(np.unique(np.rint(byte[sharp])).size))
        worst = max(worst, float(off[sharp].max(initial=0.0)))
    if levels < LEVELS:
        return None
    low, high = (float(pick([pick(part) for part in parts])) for pick in (min, max))
    return DoubledBytes(scaling, levels, low, high, worst)
