"""DRF001."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures import drift
from auditor.measures.affine import scale_mismatch
from auditor.measures.columns import column_statistics
from auditor.measures.target import target


@rule(
    "DRF001",
    "feature-drift",
    severity=Severity.WARNING,
    needs=("comparable rows",),
    since="0.1",
    options={"distance": 0.1},
    stage="final",
)
def feature_drift(context: Context) -> Iterator[Finding | Coverage]:
    """Features are distributed differently in different splits.

    ## What it does
    Compares every feature of train with that of each evaluation split by the two-sample
    Kolmogorov-Smirnov test (category codes by a chi-square test), missing values counting as the lowest
    value. The null is a random split of the rows; the share of false alarms among the features reported
    is held below 1 in 1000 (Benjamini and Hochberg). Where `groups` are given, whole groups are
    exchanged instead, and the largest distance over all features sets the level (Westfall and Young).
    Features are reported whose distance exceeds `DRF001.distance` as well. Where class proportions differ
    (LBL005), rows of train are drawn in the split's proportions first.

    ## Why it matters
    A score on rows of another population says how well the model travels, not how well it has learned;
    a model chosen by it may be the wrong one for the rows it will meet.

    ## Example
    Train from one hospital and val from another; or the last months of a year held out.

    ## Fix
    If the splits should be alike, split at random. If the difference is the point (later, elsewhere),
    keep it and report both scores.

    ## Options
    `DRF001.distance`: Kolmogorov-Smirnov (or total variation) distance from which a feature is
    reported, 0.1 by default.

    ## Limits
    Rows that depend on each other drift more than chance allows; pass `groups`. A split on another
    scale is SCL001's and not reported again. Features that differ only jointly are DRF002's. Up to
    4,000 rows of each split and 1,000 features are compared.
    """
    case = context.case
    labels = context.shared(target)
    least = context.option("DRF001.distance")
    for split in case.comparable:
        stats = (context.shared(column_statistics, name) for name in ("train", split.name))
        if context.shared(scale_mismatch, "train", split.name, *stats) is not None:
            continue
        found = context.shared(drift.feature_drift, split.name, labels, context.config.seed)
        finding = _finding(context, split, found, least)
        if finding is not None:
            yield finding
        if found.reason:
            yield Coverage(0, case.train.n_features, "features", 1.0, f"{split.name}: {found.reason}")
    yield from _coverage(context)


def _finding(context: Context, split: Split, found: drift.Drift, least: float) -> Finding | None:
    case, name = context.case, split.name
    drifted = np.flatnonzero(found.significant & (found.distances >= least))
    if not drifted.size:
        return None
    ranked = drifted[np.argsort(-found.distances[drifted], kind="stable")]
    worst = found.columns[ranked[:5]].tolist()
    here, there = (context.shared(column_statistics, s) for s in (name, "train"))
    shown = "; ".join(_shown(context, c, there.mean[c], here.mean[c], name) for c in worst[:3])
    more = f" and {ranked.size - 3:,} more" if ranked.size > 3 else ""
    return Finding(
        f"{ranked.size:,} of {found.columns.size:,} features of {name} {'is' if ranked.size == 1 else 'are'} "
        f"distributed unlike train's beyond chance: {shown}{more}.",
        Evidence.of(
            Measure("largest distance of distributions", float(found.distances[ranked[0]]), least),
            Measure("its p-value", float(found.p[ranked[0]]), drift.FALSE_DISCOVERIES),
            Measure("share of features", ranked.size / found.columns.size, 0.0, "%"),
            examples=[
                {
                    "feature": case.feature(c),
                    "distance": found.distances[i],
                    "mean in train": there.mean[c],
                    f"mean in {name}": here.mean[c],
                }
                for i, c in zip(ranked[:5], worst, strict=True)
            ],
        ),
        Fix(
            "If the splits should be alike, split at random; otherwise report the score for what it is.",
            "from sklearn.model_selection import train_test_split\n"
            f"X_train, X_{name}, y_train, y_{name} = train_test_split(X, y, random_state=0)",
        ),
        splits=(name, "train"),
        columns=tuple(sorted(found.columns[ranked].tolist())),
    )


def _shown(context: Context, column: int, there: float, here: float, name: str) -> str:
    feature = context.case.feature(column)
    if context.case.categorical[column]:
        return f"{feature} (other categories)"
    return f"{feature} (mean {there:.4g} in train, {here:.4g} in {name})"


def _coverage(context: Context) -> Iterator[Coverage]:
    case = context.case
    if case.train.n_features > drift.MAX_FEATURES:
        yield Coverage(drift.MAX_FEATURES, case.train.n_features, "features", note="features drawn at random")
    rows = [split.n_rows for split in (case.train, *case.comparable)]
    if max(rows) > drift.MAX_ROWS:
        seen = sum(min(n, drift.MAX_ROWS) for n in rows)
        yield Coverage(seen, sum(rows), "rows", note="rows drawn at random from each split")
