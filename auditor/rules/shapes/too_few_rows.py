"""SHP005."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.intervals import half_width, rows_for, wilson_interval
from auditor.measures.target import Target, target


@rule(
    "SHP005",
    "too-few-rows",
    severity=Severity.WARNING,
    since="0.1",
    options={"half_width": 0.1},
    stage="given",
)
def too_few_rows(context: Context) -> Iterator[Finding]:
    """Too few rows stand in a split for the score it will be asked for, or none at all.

    ## What it does
    Reports splits without rows (an error), and evaluation splits whose 95 % confidence interval of an
    accuracy reaches further than `SHP005.half_width` to either side at its widest, at 50 % (Wilson,
    1927): by default 10 points, which needs 93 rows. The evidence gives the interval's width, also for
    the recall of the rarest class, and how many rows would halve it.

    ## Why it matters
    On 30 rows, a model with an accuracy of 80 % is measured anywhere between 63 and 91 %. Choosing
    among models, or stopping early, by such a score chooses noise.

    ## Example
    `train_test_split(X, y, test_size=0.1)` of 150 rows: 15 rows, plus or minus 22 points.

    ## Fix
    Use cross-validation, which scores every row once, or take more rows.

    ## Options
    `SHP005.half_width`: half the width of the 95 % interval that is still accepted, 0.1 by default.

    ## Limits
    The interval assumes rows that do not depend on each other; with several rows a patient, it is the
    patients that count. Errors of a regression settle at another pace: the relative error of an RMSE
    is about 1 / sqrt(2 n).
    """
    labels = context.shared(target)
    bar = context.option("SHP005.half_width")
    for split in context.case:
        if not split.n_rows:
            yield _empty(split)
        elif split.name != "train" and half_width(split.n_rows) > bar:
            yield _small(split, labels, bar)


def _empty(split: Split) -> Finding:
    return Finding(
        f"X_{split.name} has no rows.",
        Evidence.of(Measure(f"rows of {split.name}", 0, 1, "rows")),
        Fix("Check the filter or the sizes that made the split.", f"assert len(X_{split.name}) > 0"),
        splits=(split.name,),
        severity=Severity.ERROR,
    )


def _small(split: Split, labels: Target, bar: float) -> Finding:
    name, n = split.name, split.n_rows
    half = half_width(n)
    low, high = wilson_interval(0.8, n)
    measures = [
        Measure(f"rows of {name}", n, rows_for(bar), "rows"),
        Measure("half width of the 95 % interval of an accuracy", half, bar, "%"),
        Measure("rows that halve it", rows_for(half / 2), unit="rows"),
    ]
    if split.groups is not None:
        measures.append(Measure(f"groups in {name}", int(np.unique(split.groups).size)))
    if name in labels.codes and labels.counts(name).any():
        counts = labels.counts(name)
        rarest = int(counts[counts > 0].min())
        measures.append(Measure("rows of the rarest class", rarest, unit="rows"))
        measures.append(Measure("half width of the interval of its recall", half_width(rarest), unit="%"))
    return Finding(
        f"{name} has {n:,} rows: the 95 % interval of an accuracy reaches {100 * half:.0f} points to either "
        f"side. A model with 80 % would be measured anywhere between {low:.0%} and {high:.0%}.",
        Evidence.of(*measures),
        Fix(
            "Score every row once by cross-validation, or take more rows.",
            "from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score\n"
            "folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=10, random_state=0)\n"
            "scores = cross_val_score(model, X, y, cv=folds)",
        ),
        splits=(name,),
    )
