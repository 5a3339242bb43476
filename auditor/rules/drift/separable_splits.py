"""DRF002."""

from __future__ import annotations

from collections.abc import Iterator

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures import drift
from auditor.measures.affine import scale_mismatch
from auditor.measures.columns import column_statistics
from auditor.measures.separation import LEAST_ROWS, MAX_FEATURES, MAX_ROWS, Separation, separation
from auditor.measures.target import target

CHANCE = 1e-3
"""Share of relabelled splits that may be told apart as well."""


@rule(
    "DRF002",
    "separable-splits",
    severity=Severity.WARNING,
    needs=("comparable rows",),
    since="0.1",
    options={"area": 0.65},
    stage="final",
)
def separable_splits(context: Context) -> Iterator[Finding | Coverage]:
    """Rows of train and of an evaluation split can be told apart.

    ## What it does
    Trains a classifier to tell train rows from evaluation rows and scores rows that were left out
    (kernel ridge regression on normal scores of the features, their squares and products; leave-one-out
    in closed form). The null is exact: the same rows with the split relabelled at random 999 times, whole
    groups where `groups` are given. It is reported where no relabelled split is told apart as well
    and the area under the ROC curve reaches `DRF002.area`.

    ## Why it matters
    If a model can see which split a row is from, the splits are not one population: the score tells how
    the model travels, and what tells them apart may be a trace of the processing, such as another
    resize, another scanner, resampled rows.

    ## Example
    Upsampled rows in train only; images of val saved with another compression.

    ## Fix
    Look at the features named; split at random, or process every split alike.

    ## Options
    `DRF002.area`: area under the ROC curve from which it is reported, 0.65 by default (0.5 is chance).

    ## Limits
    Rows that depend on each other (windows, frames) are told apart where they were split in blocks,
    which is true and may be meant; pass `groups`. An info where single features drift, which DRF001 reports.
    A split on another scale is SCL001's. Differences that show in no mean, spread or product of two
    features are missed. Copies within train count once, and where class proportions differ (LBL005) rows
    are drawn in equal ones. Up to 800 rows of each split and 500 features are used.
    """
    case = context.case
    splits = [s for s in case.comparable if min(s.n_rows, case.train.n_rows) >= LEAST_ROWS]
    if not splits:
        raise Skip(f"fewer than {LEAST_ROWS} rows in train or in the evaluation splits")
    for split in splits:
        stats = (context.shared(column_statistics, name) for name in ("train", split.name))
        if context.shared(scale_mismatch, "train", split.name, *stats) is not None:
            continue
        found = context.shared(separation, split.name, context.shared(target), context.config.seed)
        if found is not None and found.p <= CHANCE and found.area >= context.option("DRF002.area"):
            yield _finding(context, split, found)
    if case.train.n_features > MAX_FEATURES:
        yield Coverage(MAX_FEATURES, case.train.n_features, "features", note="features drawn at random")
    rows = [split.n_rows for split in (case.train, *splits)]
    if max(rows) > MAX_ROWS:
        seen = sum(min(n, MAX_ROWS) for n in rows)
        yield Coverage(seen, sum(rows), "rows", note="rows drawn at random from each split")


def _finding(context: Context, split: Split, found: Separation) -> Finding:
    name = split.name
    marginal = context.shared(drift.feature_drift, name, context.shared(target), context.config.seed)
    known = bool((marginal.significant & (marginal.distances >= 0.1)).any())
    telling = found.columns[:5].tolist()
    shown = ", ".join(context.case.feature(c) for c in telling[:3])
    told = f"{found.area:.0%} of pairs of a row of {name} and one of train are put in the right order"
    return Finding(
        f"Rows of {name} can be told from train's: {told} by a classifier that had not seen them, and at most "
        f"{found.null:.0%} where the split is relabelled at random. Most telling: {shown}.",
        Evidence.of(
            Measure("area under the ROC curve", found.area, context.option("DRF002.area")),
            Measure("largest area of 999 relabelled splits", found.null),
            Measure("p-value", found.p, CHANCE),
            Measure("rows compared", sum(found.rows)),
        ),
        Fix(
            "Look at these features; split at random, or process every split alike.",
            "from sklearn.model_selection import train_test_split\n"
            f"X_train, X_{name}, y_train, y_{name} = train_test_split(X, y, random_state=0)",
        ),
        splits=(name, "train"),
        columns=tuple(sorted(telling)),
        severity=Severity.INFO if known else None,
    )
