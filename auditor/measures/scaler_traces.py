"""The exact traces that scalers leave on the very rows they were fitted on."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor.measures.columns import ColumnStatistics
from auditor.measures.fitted_sets import Fitted, Floats, Pooled, fitted_sets, null_variance, pool

CHANCE = 1e-6
"""Chance that an audit of clean splits shows a trace, over all scalers and sets of splits it tries."""


class Scaler(enum.StrEnum):
    """Scalers that leave a trace."""

    STANDARD = "standard"
    STANDARD_SAMPLE = "standard, ddof 1"
    UNIT_NORM = "unit norm"
    CENTRED = "centred"
    WHITENED = "whitened"
    PCA = "PCA"
    ONE_STANDARD = "one mean and std"
    CHANNEL_STANDARD = "one mean and std per channel"
    MIN_MAX = "min-max"
    MIN_MAX_SYMMETRIC = "min-max to [-1, 1]"
    MAX_ABS = "max-abs"
    ROBUST = "robust"
    QUANTILE_UNIFORM = "quantile, uniform"
    QUANTILE_NORMAL = "quantile, normal"

    @property
    def identity(self) -> str:
        """What holds over precisely the rows it was fitted on, in words."""
        return _IDENTITIES[self]

    @property
    def code(self) -> str:
        """Expression that makes such a scaler; empty where plain NumPy does."""
        return _CODE[self]

    def fitted_on_train(self, names: Sequence[str]) -> str:
        """Return code that fits it on train and applies it to all splits."""
        if self.code:
            fit = f"scaler = {self.code}.fit(raw_train)  # on train only"
            return "\n".join([fit, *(f"X_{name} = scaler.transform(raw_{name})" for name in names)])
        axis = "" if self is Scaler.ONE_STANDARD else "axis=(0, 1, 2)"  # rows, height, width
        fit = f"mean, std = raw_train.mean({axis}), raw_train.std({axis})  # of train only"
        return "\n".join([fit, *(f"X_{name} = (raw_{name} - mean) / std" for name in names)])


_IDENTITIES = {
    Scaler.STANDARD: "mean 0 and standard deviation 1",
    Scaler.STANDARD_SAMPLE: "mean 0 and standard deviation 1 (ddof 1)",
    Scaler.UNIT_NORM: "mean 0 and sum of squares 1",
    Scaler.CENTRED: "mean 0",
    Scaler.WHITENED: "mean 0, standard deviation 1 and no correlation",
    Scaler.PCA: "mean 0 and no correlation",
    Scaler.ONE_STANDARD: "together mean 0 and standard deviation 1",
    Scaler.CHANNEL_STANDARD: "channel by channel mean 0 and standard deviation 1",
    Scaler.MIN_MAX: "minimum 0 and maximum 1",
    Scaler.MIN_MAX_SYMMETRIC: "minimum -1 and maximum 1",
    Scaler.MAX_ABS: "largest absolute value 1",
    Scaler.ROBUST: "median 0 and interquartile range 1",
    Scaler.QUANTILE_UNIFORM: "evenly spread ranks from 0 to 1",
    Scaler.QUANTILE_NORMAL: "evenly spread normal scores",
}

_CODE = {
    Scaler.STANDARD: "StandardScaler()",
    Scaler.STANDARD_SAMPLE: "StandardScaler()",
    Scaler.UNIT_NORM: "StandardScaler()",
    Scaler.CENTRED: "StandardScaler(with_std=False)",
    Scaler.WHITENED: "PCA(whiten=True)",
    Scaler.PCA: "PCA()",
    Scaler.MIN_MAX: "MinMaxScaler()",
    Scaler.MIN_MAX_SYMMETRIC: "MinMaxScaler((-1, 1))",
    Scaler.MAX_ABS: "MaxAbsScaler()",
    Scaler.ROBUST: "RobustScaler()",
    Scaler.QUANTILE_UNIFORM: "QuantileTransformer()",
    Scaler.QUANTILE_NORMAL: 'QuantileTransformer(output_distribution="normal")',
    Scaler.ONE_STANDARD: "",
    Scaler.CHANNEL_STANDARD: "",
}


@dataclass(frozen=True, slots=True)
class Harm:
    """What fitting on train alone would have changed.

    Attributes
    ----------
    shift : float
        Largest distance that a feature's centre would have moved, in train's standard deviations.
    ratio : float
        Factor, the farthest from one, by which a feature's spread would have changed.
    worst : int
        The feature that would have changed most.
    """

    shift: float
    ratio: float
    worst: int

    @property
    def size(self) -> float:
        """How far a value one standard deviation from the centre may move, in standard deviations."""
        return max(self.shift, abs(self.ratio - 1), abs(1 / self.ratio - 1) if self.ratio > 0 else math.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The trace of one scaler on one set of splits.

    Attributes
    ----------
    scaler : Scaler
        What left it.
    fitted : Fitted
        The splits whose rows, all of them and no others, it was fitted on.
    columns : ndarray of int64, shape (k,)
        Features that show it.
    log_p : float
        Natural log of a bound on the chance of it, every choice paid for.
    miss, train_miss : float
        Largest distance of a statistic from its target over `fitted`, and over train alone.
    harm : Harm
        What fitting on train alone would have changed.
    first : int
        Where positive: only the first so many rows of train were fitted on.
    """

    scaler: Scaler
    fitted: Fitted
    columns: NDArray[np.int64]
    log_p: float
    miss: float
    train_miss: float
    harm: Harm
    first: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What the tests for traces look at.

    Attributes
    ----------
    case : Case
        The case.
    splits : tuple of Split
        Non-empty splits of train's shape, all of floating-point numbers.
    statistics : mapping of str to ColumnStatistics
        By split.
    pooled : mapping of Fitted to Pooled
        By set of splits.
    variance : mapping of Fitted to ndarray, shape (d,)
        See `null_variance`.
    eligible : ndarray of bool, shape (d,)
        Features that vary and are not category codes.
    epsilon : float
        Rounding unit of the coarsest dtype.
    explained : dict of Fitted to ndarray of bool, shape (d,)
        Features that a trace was found in so far, by the set of splits.
    """

    case: Case
    splits: tuple[Split, ...]
    statistics: Mapping[str, ColumnStatistics]
    pooled: Mapping[Fitted, Pooled]
    variance: Mapping[Fitted, Floats]
    eligible: NDArray[np.bool_]
    epsilon: float
    explained: dict[Fitted, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def names(self) -> Fitted:
        """All splits."""
        return tuple(split.name for split in self.splits)

    @property
    def log_bar(self) -> float:
        """Log chance below which a trace is one, every scaler and set of splits paid for."""
        return math.log(CHANCE) - math.log(len(Scaler) * len(self.pooled))

    def flats(self, fitted: Fitted) -> list[NDArray[Any]]:
        """Rows of some splits."""
        return [split.flat for split in self.splits if split.name in fitted]

    def explained_within(self, fitted: Fitted) -> NDArray[np.bool_]:
        """Features with a trace on this set or a part of it, which imply one another's statistics."""
        parts = [hit for s, hit in self.explained.items() if set(s) <= set(fitted)]
        return np.any(parts, axis=0) if parts else np.zeros_like(self.eligible)

    def explain(self, fitted: Fitted, columns: NDArray[np.int64]) -> None:
        """Note that a trace was found."""
        self.explained.setdefault(fitted, np.zeros_like(self.eligible))[columns] = True


def gather(case: Case, statistics: Mapping[str, ColumnStatistics]) -> Material | None:
    """Return what the tests for traces look at; None where no trace can be.

    Parameters
    ----------
    case : Case
        The case.
    statistics : mapping of str to ColumnStatistics
        Of train and of every comparable split.
    """
    splits = tuple(s for s in (case.train, *case.comparable) if s.X.dtype.kind == "f" and s.n_rows > 1)
    if not splits or not splits[0].n_features:
        return None
    names = tuple(split.name for split in splits)
    statistics = {name: statistics[name] for name in names}
    pooled = {fitted: pool(statistics, fitted) for fitted in fitted_sets(names)}
    counts = {name: statistics[name].count.astype(np.float64) for name in names}
    whole = pooled[names]
    with np.errstate(over="ignore", invalid="ignore"):
        span = whole.maximum - whole.minimum
        eligible = np.isfinite(span) & (span > 0) & np.isfinite(whole.variance) & ~case.categorical
    epsilon = max(float(np.finfo(split.X.dtype).eps) for split in splits)
    variance = {fitted: null_variance(counts, fitted) for fitted in pooled}
    return Material(case, splits, statistics, pooled, variance, eligible, epsilon)


def harm_of(
    centre: Floats, spread: Floats, train_centre: Floats, train_spread: Floats, columns: NDArray[np.int64]
) -> Harm:
    """Return what train-only statistics would have changed, over the features `columns`.

    Parameters
    ----------
    centre, spread, train_centre, train_spread : ndarray, shape (k,)
        Of the scaler as fitted, and as fitted on train alone, in the units of the given arrays.
    columns : ndarray, shape (k,)
        Their features.
    """
    usable = (train_spread > 0) & np.isfinite(train_spread) & (spread > 0)
    if not usable.any():
        return Harm(0.0, 1.0, int(columns[0]))
    shift = np.abs(train_centre - centre)[usable] / train_spread[usable]
    ratio = spread[usable] / train_spread[usable]
    stretch = np.maximum(ratio, 1 / ratio)
    worst = columns[usable][np.argmax(np.maximum(shift, stretch - 1))]
    return Harm(float(shift.max()), float(ratio[np.argmax(stretch)]), int(worst))
