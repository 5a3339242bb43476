"""SHP002."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.columns import blocks, column_statistics

CHANCE = 1e-3
"""Probability below which chance is not taken as the reason why a split holds no such value."""


@rule(
    "SHP002",
    "dtypes-differ",
    severity=Severity.WARNING,
    needs=("comparable rows",),
    since="0.1",
    options={"coarseness": 0.1},
    stage="final",
)
def dtypes_differ(context: Context) -> Iterator[Finding]:
    """Dtypes differ between splits in a way that changes values or scale.

    ## What it does
    Where an evaluation split and train have different dtypes, it asks whether the narrower one could
    hold what the other split holds: fractions, negative numbers, numbers beyond its range. If a share f
    of the other split's rows has values that it cannot hold, n rows drawn from the same population would
    all fit it with probability (1 - f)^n; below 1 in 1000 that is no chance, and the values were changed
    or are on another scale. Between float types it compares the steps of the narrower one with the
    spread of every feature: steps above `SHP002.coarseness` standard deviations blur the feature.

    float64 beside float32, int64 beside int8, or uint8 beside float with the same whole numbers pass.

    ## Why it matters
    `astype("uint8")` of images in [0, 1] leaves zeros and ones. Images as uint8 in one split and as
    float in [0, 1] in another differ by a factor of 255. Seconds since 1970 in float32 move in steps of
    128 s.

    ## Example
    `X_train = images / 255` and `X_val = val_images`: float64 up to 1 against uint8 up to 255.

    ## Fix
    Convert and scale every split in one function.

    ## Options
    `SHP002.coarseness`: step of the narrower float type, in standard deviations of the feature, from
    which it is reported; 0.1 by default.

    ## Limits
    Values that happen to fit the narrower type are not told from values that were made to fit: train
    whole by nature and val whole by truncation look the same. Data frames are judged by the dtype that
    holds all their columns.
    """
    train = context.case.train
    for split in context.case.comparable:
        if split.X.dtype == train.X.dtype:
            continue
        pairs = [(split, train), (train, split)]
        finding = next(filter(None, (_unfit(context, narrow, wide, split) for narrow, wide in pairs)), None)
        if finding is None:
            finding = next(
                filter(None, (_coarse(context, narrow, wide, split) for narrow, wide in pairs)), None
            )
        if finding is not None:
            yield finding


def _unfit(context: Context, narrow: Split, wide: Split, split: Split) -> Finding | None:
    """Return a finding where rows of `wide` cannot stand in `narrow`'s dtype and none of `narrow`'s needed to."""
    fraction, examples, columns = _unfit_rows(narrow.X.dtype, wide)
    if fraction == 0:
        return None
    log_chance = narrow.n_rows * math.log1p(-min(fraction, 1 - 1e-12))
    if log_chance >= math.log(CHANCE):
        return None
    low, high = _range(context, narrow)
    wide_low, wide_high = _range(context, wide)
    return Finding(
        f"X_{split.name} is {split.X.dtype} and X_train {context.case.train.X.dtype}, and their values "
        f"differ: {narrow.X.dtype} (here {low:.4g} to {high:.4g}) cannot hold the values of "
        f"{fraction:.1%} of the rows of {wide.name} ({wide_low:.4g} to {wide_high:.4g}), such as "
        f"{examples[0]:.6g}. They were cut off, or are on another scale.",
        Evidence.of(
            Measure(f"share of {wide.name} rows that {narrow.X.dtype} cannot hold", fraction, 0.0, "%"),
            Measure(
                f"chance that all {narrow.n_rows:,} rows of {narrow.name} fit it",
                math.exp(log_chance),
                CHANCE,
            ),
            Measure(f"largest value of X_{narrow.name}", high),
            Measure(f"largest value of X_{wide.name}", wide_high),
            examples=[
                {"feature": context.case.feature(c), f"value in {wide.name}": v}
                for c, v in zip(columns, examples, strict=True)
            ],
        ),
        Fix(
            "Convert and scale every split in one function, before anything else.",
            "def prepare(images):\n    return images.astype('float32') / 255  # or the scale that is meant\n"
            f"X_train, X_{split.name} = prepare(raw_train), prepare(raw_{split.name})",
        ),
        splits=(split.name, "train"),
    )


def _unfit_rows(dtype: np.dtype[Any], wide: Split) -> tuple[float, list[float], list[int]]:
    """Return the share of rows that a dtype cannot hold, and up to five such values with their features."""
    count = 0
    examples: list[float] = []
    columns: list[int] = []
    for block in blocks(wide.flat):
        bad = _unfit_values(dtype, block)
        if bad is None:
            return 0.0, [], []
        rows = bad.any(axis=1)
        count += int(rows.sum())
        for row in np.flatnonzero(rows)[: 5 - len(examples)].tolist():
            column = int(np.argmax(bad[row]))
            examples.append(float(block[row, column]))
            columns.append(column)
    return count / max(1, wide.n_rows), examples, columns


def _unfit_values(dtype: np.dtype[Any], block: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return which finite values of a block a dtype cannot hold; None where it holds all there can be."""
    if block.dtype.kind == dtype.kind and block.dtype.itemsize <= dtype.itemsize:
        return None
    if dtype.kind == "f":
        limit = float(np.finfo(dtype).max)
        if block.dtype.kind != "f" and limit > 2**64:
            return None
        values = block.astype(np.float64)
        return np.asarray(np.isfinite(values) & (np.abs(values) > limit))
    if dtype.kind == "b":
        return np.asarray((block != 0) & (block != 1) & np.isfinite(block))
    info = np.iinfo(dtype)
    if block.dtype.kind == "b":
        return None
    if block.dtype.kind == "f":
        values = block.astype(np.float64)
        outside = (values < float(info.min)) | (values > float(info.max)) | (values != np.rint(values))
        return np.asarray(np.isfinite(values) & outside)
    own = np.iinfo(block.dtype)
    if own.min >= info.min and own.max <= info.max:
        return None
    below = block < max(info.min, own.min) if own.min < info.min else np.zeros(block.shape, dtype=bool)
    above = block > min(info.max, own.max) if own.max > info.max else np.zeros(block.shape, dtype=bool)
    return np.asarray(below | above)


def _range(context: Context, split: Split) -> tuple[float, float]:
    stats = context.shared(column_statistics, split.name)
    finite = stats.count > 0
    if not finite.any():
        return math.nan, math.nan
    return float(stats.minimum[finite].min()), float(stats.maximum[finite].max())


def _coarse(context: Context, narrow: Split, wide: Split, split: Split) -> Finding | None:
    """Return a finding where the steps of the narrower float type blur features of the wider one."""
    if not (narrow.X.dtype.kind == "f" and wide.X.dtype.kind in "fiu"):
        return None
    if wide.X.dtype.kind == "f" and narrow.X.dtype.itemsize >= wide.X.dtype.itemsize:
        return None
    bar = context.option("SHP002.coarseness")
    stats = context.shared(column_statistics, wide.name)
    magnitude = np.fmax(np.abs(stats.minimum), np.abs(stats.maximum))
    usable = (stats.count > 1) & (stats.variance > 0) & (magnitude < float(np.finfo(narrow.X.dtype).max))
    with np.errstate(over="ignore", invalid="ignore"):
        step = np.spacing(np.where(usable, magnitude, 0.0).astype(narrow.X.dtype)).astype(np.float64)
        ratio = np.where(usable, step / np.where(usable, stats.std, 1.0), 0.0)
    columns = np.flatnonzero(ratio > bar)
    columns = columns[_loses(narrow.X.dtype, wide, columns)] if columns.size else columns
    if not columns.size:
        return None
    worst = columns[np.argsort(-ratio[columns], kind="stable")][:5].tolist()
    return Finding(
        f"X_{narrow.name} is {narrow.X.dtype}, too coarse for {columns.size:,} of {stats.count.size:,} "
        f"features: {context.case.feature(worst[0])} reaches {magnitude[worst[0]]:.4g}, where {narrow.X.dtype} "
        f"moves in steps of {step[worst[0]]:.3g}, {ratio[worst[0]]:.2g} of its standard deviation. "
        f"X_{wide.name} is {wide.X.dtype} and finer.",
        Evidence.of(
            Measure("largest step in standard deviations", float(ratio[worst[0]]), bar, "std"),
            Measure("features concerned", int(columns.size), 0),
            examples=[
                {
                    "feature": context.case.feature(c),
                    "largest value": magnitude[c],
                    "step": step[c],
                    "standard deviation": stats.std[c],
                }
                for c in worst
            ],
        ),
        Fix(
            "Subtract an offset or scale in float64 first, then convert every split alike.",
            f"offset = X_train.astype('float64').mean(axis=0)\n"
            f"X_train, X_{split.name} = ((raw.astype('float64') - offset).astype('float32') "
            f"for raw in (raw_train, raw_{split.name}))",
        ),
        splits=(split.name, "train"),
        columns=tuple(columns.tolist()),
    )


def _loses(dtype: np.dtype[Any], wide: Split, columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which columns hold values in `wide` that the dtype would round."""
    lost = np.zeros(columns.size, dtype=bool)
    for block in blocks(wide.flat):
        values = block[:, columns].astype(np.float64)
        with np.errstate(over="ignore"):
            rounded = values.astype(dtype).astype(np.float64)
        lost |= ((rounded != values) & np.isfinite(values)).any(axis=0)
    return lost
