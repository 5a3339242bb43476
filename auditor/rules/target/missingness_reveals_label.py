"""TGT003."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.columns import blocks, column_statistics
from auditor.measures.homogeneity import kolmogorov_smirnov, proportions_p_value
from auditor.measures.label_faults import usable_codes
from auditor.measures.target import Target, target

CHANCE = 1e-6
"""False alarms allowed over all columns."""

LEAST_MISSING = 10
"""Missing, and known, values that a column needs."""


@rule(
    "TGT003",
    "missingness-reveals-label",
    severity=Severity.WARNING,
    needs=("train labels",),
    since="0.1",
    options={"effect": 0.3},
    stage="given",
)
def missingness_reveals_label(context: Context) -> Iterator[Finding]:
    """Missing values tell the label by where they are.

    ## What it does
    For every feature of train that has missing values (NaN), it compares the labels of the rows that lack it
    with those of the rows that have it: class proportions by a chi-square test with exact tests of rare
    classes and Cramer's V as the effect, quantities by the Kolmogorov-Smirnov test and distance. Features
    are reported where p is below one in a million, divided by their number (Bonferroni), and the effect
    above `TGT003.effect`. The number of missing values of a row is tested too.

    ## Why it matters
    A value is often missing because of what happened: a field that is filled in after the outcome, a test
    that is done on the ill. A model learns from the gap (an imputed constant, a missing-indicator), which
    will not be there at the time of prediction, or not for that reason.

    ## Example
    The cabin of a ship's passenger, noted down from those who survived; the date of discharge of a
    patient who died.

    ## Fix
    Ask when the value becomes known. If after the outcome, drop the feature, its indicator included.

    ## Options
    `TGT003.effect`: Cramer's V, or Kolmogorov-Smirnov distance, from which it is reported; 0.3 (medium,
    after Cohen) by default.

    ## Limits
    Only NaN counts as missing: a 0 or -999 in its place is not seen. Missingness may well be a fair
    predictor that is known in time; the finding cannot tell. Rows are taken as independent.
    """
    train = context.case.train
    stats = context.shared(column_statistics, "train")
    known = train.n_rows - stats.n_nan
    columns = np.flatnonzero((stats.n_nan >= LEAST_MISSING) & (known >= LEAST_MISSING))
    if not stats.n_nan.any():
        raise Skip("nothing is missing in train")
    labels = context.shared(target)
    values = _labels(context, labels)
    if values is None:
        raise Skip("labels are neither classes nor single quantities")
    found = _judge(train, columns, values, len(labels.classes), context.option("TGT003.effect"))
    if found:
        yield _finding(context, labels, found, values)


@dataclass(frozen=True, slots=True)
class _Telling:
    """A column whose missing values tell the label; -1 is their number in a row."""

    column: int
    missing: int
    effect: float
    p: float


def _labels(context: Context, labels: Target) -> NDArray[Any] | None:
    if labels.is_classes:
        return context.shared(usable_codes, labels).get("train")
    return labels.values.get("train")


def _judge(
    train: Split, columns: NDArray[np.int64], labels: NDArray[Any], n_classes: int, least: float
) -> list[_Telling]:
    usable = labels >= 0 if n_classes else np.isfinite(labels)
    total = np.zeros(train.n_rows, dtype=np.int64)
    gaps = np.zeros((train.n_rows, columns.size), dtype=bool)
    start = 0
    for block in blocks(train.flat):
        missing = np.isnan(block) if block.dtype.kind == "f" else np.zeros(block.shape, dtype=bool)
        total[start : start + len(block)] = missing.sum(axis=1)
        gaps[start : start + len(block)] = missing[:, columns]
        start += len(block)
    bar = math.log(CHANCE) - math.log(columns.size + 1)
    patterns = [(int(c), gaps[:, i]) for i, c in enumerate(columns)]
    if columns.size > 1:
        patterns.append((-1, total > np.median(total)))
    found = []
    for column, gap in patterns:
        effect, p = _association(gap[usable], labels[usable], n_classes)
        if effect >= least and (p == 0 or math.log(p) < bar):
            found.append(_Telling(column, int(gap.sum()), effect, p))
    return sorted(found, key=lambda one: -one.effect)


def _association(gap: NDArray[np.bool_], labels: NDArray[Any], n_classes: int) -> tuple[float, float]:
    """Return the effect size and p-value of labels where a value is missing against where it is known."""
    if min(int(gap.sum()), int((~gap).sum())) < LEAST_MISSING:
        return 0.0, 1.0
    if not n_classes:
        return kolmogorov_smirnov(labels[gap], labels[~gap])
    lacking, having = (np.bincount(labels[rows], minlength=n_classes) for rows in (gap, ~gap))
    return cramers_v(lacking, having), proportions_p_value(lacking, having)


def cramers_v(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return Cramer's V of a table of two rows: 0 for equal proportions, 1 where the classes part them."""
    table = np.stack([a, b]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / table.sum()))


def _finding(context: Context, labels: Target, found: list[_Telling], values: NDArray[Any]) -> Finding:
    named = [
        "the number of missing values" if one.column < 0 else context.case.feature(one.column)
        for one in found
    ]
    best = next((one for one in found if one.column >= 0), found[0])
    effect = "Cramer's V" if labels.is_classes else "Kolmogorov-Smirnov distance"
    told = "" if best.column < 0 else _told(context.case.train, best.column, labels, values)
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    columns = tuple(sorted(one.column for one in found if one.column >= 0))
    return Finding(
        f"Where values are missing tells the label: {', '.join(named[:3])}{more} ({effect} up to "
        f"{found[0].effect:.2f}).{told} Is the value known before the outcome?",
        Evidence.of(
            Measure(effect, found[0].effect, context.option("TGT003.effect")),
            Measure("p-value of the weakest", max(one.p for one in found), CHANCE),
            Measure("features concerned", len(columns)),
            examples=[
                {"feature": name, "rows without it": one.missing, effect: one.effect}
                for name, one in list(zip(named, found, strict=True))[:5]
            ],
        ),
        Fix(
            "Ask when the value becomes known; if after the outcome, drop the feature and its indicator.",
            f"X_train = np.delete(X_train, {list(columns)[:20]}, axis=1)  # and every other split alike",
        ),
        splits=("train",),
        columns=columns,
    )


def _told(train: Split, column: int, labels: Target, values: NDArray[Any]) -> str:
    gap = np.isnan(train.flat[:, column])
    if not labels.is_classes:
        median = (float(np.nanmedian(values[rows])) for rows in (gap, ~gap))
        return " Median target {:.4g} without it, {:.4g} with it.".format(*median)
    lacking, having = (
        np.bincount(values[rows & (values >= 0)], minlength=len(labels.classes)) for rows in (gap, ~gap)
    )
    shares = lacking / max(1, int(lacking.sum())), having / max(1, int(having.sum()))
    c = int(np.argmax(np.abs(shares[0] - shares[1])))
    return f" Label {labels.classes[c]!r}: {shares[0][c]:.0%} of the rows without it, {shares[1][c]:.0%} of those with it."
