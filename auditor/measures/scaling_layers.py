"""What the Rescaling and Normalization layers at the start of a model make of the rows they are given."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from auditor.measures.inlets import Feed, Spread, pooled, scaled, spread
from auditor.measures.networks import Scaler

BYTE_SCALES = (255.0, 256.0, 127.5, 128.0)
"""What bytes are divided by on their way to [0, 1] or [-1, 1]."""

TINY_SCALE = 1e-6
"""Spreads below this are the floor that Keras divides by where a feature never varied."""

APART = 10.0
"""Factor between the spread that a layer was fitted on and that of its input."""

ROUNDING = 1e-4
"""Distance, in spreads, at which float32 takes two means for one."""

NEAR_ZERO, NEAR_ONE = 0.25, 2.0
"""Mean up to which, and factor of the spread up to which, an input counts as standardized."""


class Fault(enum.Enum):
    """What is wrong with a scaling layer and its input."""

    TWICE = "scaled before"
    UNADAPTED = "never adapted"
    OTHER_SCALE = "fitted on another scale"
    EXPLODING = "a feature that never varied"
    BEYOND_TRAIN = "fitted on evaluation rows"


@dataclass(frozen=True, slots=True)
class ScalingFault:
    """A fault, the layer, the most telling number, and the splits concerned."""

    fault: Fault
    layer: str
    value: float
    before: tuple[float, float]
    after: tuple[float, float]
    splits: tuple[str, ...] = ("train",)
    features: int = 0


def scaling_faults(feed: Feed) -> list[ScalingFault]:
    """Return the faults of the layers that scale an input, in their order."""
    found = spread(feed.rows["train"])
    others = {name: spread(rows) for name, rows in feed.rows.items() if name != "train"}
    faults: list[ScalingFault] = []
    for position, scaler in enumerate(feed.inlet.scalers):
        cells = pooled(found, scaler) if found is not None else None
        if found is None or cells is None or not np.isfinite(found.low).any():
            return faults
        evaluation = {
            name: part
            for name, part in others.items()
            if part is not None and part.mean.shape == found.mean.shape
        }
        if scaler.kind == "Rescaling":
            faults += _rescaling(scaler, found)
        else:
            faults += _normalization(scaler, found, cells, evaluation)
            faults += _beyond_train(feed, scaler, found, evaluation) if position == 0 else []
        found = scaled(found, scaler)
        others = {name: scaled(part, scaler) for name, part in evaluation.items()}
    return faults


def is_standardized(feed: Feed) -> bool:
    """Return whether the features of train have a mean near 0 and a spread near 1 behind the scaling layers."""
    found = spread(feed.rows["train"])
    if found is None:
        return False
    for scaler in feed.inlet.scalers:
        if pooled(found, scaler) is None:
            return False
        found = scaled(found, scaler)
    varying = found.std > 0
    if not varying.any():
        return False
    center, width = float(np.median(np.abs(found.mean[varying]))), float(np.median(found.std[varying]))
    return center <= NEAR_ZERO and 1 / NEAR_ONE <= width <= NEAR_ONE


def _range(found: Spread) -> tuple[float, float]:
    return float(np.nanmin(found.low)), float(np.nanmax(found.high))


def _rescaling(scaler: Scaler, found: Spread) -> list[ScalingFault]:
    low, high = _range(found)
    factor = float(np.max(scaler.scale))
    known = any(np.isclose(factor, scale, rtol=1e-3) for scale in BYTE_SCALES)
    if not known or low < -1.001 or high > 1.001 or low == high:
        return []
    return [ScalingFault(Fault.TWICE, scaler.layer, factor, (low, high), _range(scaled(found, scaler)))]


def _normalization(
    scaler: Scaler, found: Spread, cells: Spread, evaluation: Mapping[str, Spread]
) -> list[ScalingFault]:
    before, after = _range(found), _range(scaled(found, scaler))
    if not scaler.adapted:
        square = float(np.nanmean(cells.std**2 + cells.mean**2))
        return [ScalingFault(Fault.UNADAPTED, scaler.layer, square**0.5, before, before)]
    scale = np.broadcast_to(np.abs(scaler.scale), cells.std.shape)
    usable = (scale > TINY_SCALE) & (cells.std > 0)
    faults = []
    if usable.any():
        ratio = float(np.median(cells.std[usable] / scale[usable]))
        if not 1 / APART < ratio < APART:
            faults.append(ScalingFault(Fault.OTHER_SCALE, scaler.layer, ratio, before, after))
    for name, other in evaluation.items():
        z = np.maximum(np.abs(other.low - scaler.mean), np.abs(other.high - scaler.mean)) / np.abs(
            scaler.scale
        )
        flat = np.broadcast_to(np.abs(scaler.scale) <= TINY_SCALE, z.shape) & (z > 1e4)
        if flat.any():
            worst = float(np.nanmax(z[flat]))
            faults.append(
                ScalingFault(
                    Fault.EXPLODING,
                    scaler.layer,
                    worst,
                    before,
                    _range(scaled(other, scaler)),
                    (name, "train"),
                    int(flat.sum()),
                )
            )
    return faults


def _beyond_train(
    feed: Feed, scaler: Scaler, found: Spread, evaluation: Mapping[str, Spread]
) -> list[ScalingFault]:
    """Return whether the layer's means are those of train and val together, and not of train."""
    if not scaler.adapted or "val" not in evaluation:
        return []
    n, m = (feed.rows[name].shape[0] for name in ("train", "val"))
    together = Spread(
        *((n * a + m * b) / (n + m) for a, b in zip(_parts(found), _parts(evaluation["val"]), strict=True))
    )
    own, joint = pooled(found, scaler), pooled(together, scaler)
    if own is None or joint is None:
        return []
    scale = np.broadcast_to(np.abs(scaler.scale), own.mean.shape)
    usable = (scale > TINY_SCALE) & np.isfinite(own.mean) & np.isfinite(joint.mean)
    if not usable.any():
        return []
    of_train, of_both = (
        float((np.abs(part.mean - scaler.mean) / scale)[usable].max()) for part in (own, joint)
    )
    if of_both > ROUNDING or of_train < 30 * max(of_both, ROUNDING / 10):
        return []
    return [
        ScalingFault(
            Fault.BEYOND_TRAIN, scaler.layer, of_train, _range(found), (of_both, of_train), ("train", "val")
        )
    ]


def _parts(found: Spread) -> tuple[np.ndarray, ...]:
    return found.mean, found.std, found.low, found.high
