"""SCL004."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._case import Case, Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import rule
from auditor.measures.columns import column_statistics
from auditor.measures.exploding import Explosion, explosion, farthest_first


@rule("SCL004", "exploding-feature", severity=Severity.ERROR, needs=("comparable rows",), since="0.1")
def exploding_feature(context: Context) -> Iterator[Finding]:
    """Features that hardly vary in train take huge values in an evaluation split.

    ## What it does
    Looks for features that are constant in train, or vary by rounding only, and whose values in an
    evaluation split lie more than 100 times farther from train's value than nine in ten features of
    train ever stray, and more than 1,000 standard deviations of a typical feature. That is a warning; it
    is an error where the feature is constant in train and strays by more than 100,000 standard
    deviations of a typical feature. A feature that takes a few values in train has to be outdone 10,000 times by its
    own reach, and is a warning at most: counts with a long tail do so too.

    ## Why it matters
    It is what dividing by a standard deviation of almost nothing leaves: `(x - mean) / (std + 1e-7)`
    turns one grey level in a pixel that is black throughout train into a million. Two rows of thousands
    then make up the whole validation loss, while accuracy hardly moves, so the loss curve says
    nothing about the model.

    ## Example
    Pixels at the border of an image, a rare category's indicator, a sensor that was silent while
    training data were taken, all scaled feature by feature with a small constant added to the spread.

    ## Fix
    Leave features alone that do not vary in train (`np.where(std < 1e-3, 1, std)`, as scikit-learn's
    `StandardScaler` does for exact constants), drop them, or use one mean and one spread for all.

    ## Options
    None.

    ## Limits
    Arrays do not show the division itself. A feature that is constant in train and, in its own units,
    thousands of times larger than everything else in an evaluation split is reported as well: the
    model will meet the same values. A feature that takes more than 32 values in train is none of this
    rule's, however heavy its tail.
    Constants added to the spread of 1e-3 or more make jumps too small to be told from nature.
    """
    case = context.case
    train = context.shared(column_statistics, "train")
    for split in case.comparable:
        found = explosion(case, split.name, train, context.shared(column_statistics, split.name))
        if found is not None:
            yield _finding(case, split, found)


def _finding(case: Case, split: Split, found: Explosion) -> Finding:
    rows = Rows.where(split.name, found.rows, split.n_rows)
    worst = int(found.columns[0])
    many = found.columns.size
    what = f"{case.feature(worst)}" if many == 1 else f"{many:,} features, most of all {case.feature(worst)},"
    return Finding(
        f"{what} {'hardly varies' if many == 1 else 'hardly vary'} in train (std {found.spread[0]:.3g}) and "
        f"{'reaches' if many == 1 else 'reach'} {found.reach[0]:.3g} in X_{split.name}, where train's features "
        f"stray by {found.typical:.3g} at most: {len(rows):,} of {split.n_rows:,} rows make up "
        f"{_percent(found.share)} of a squared loss.",
        Evidence.of(
            Measure(f"farthest value in {split.name}", float(found.reach[0]), found.bar),
            Measure("standard deviation in train", float(found.spread[0])),
            Measure("farthest of nine in ten train features", found.typical),
            Measure("exploding features", many, 0),
            Measure(f"share of {split.name} rows", rows.share, 0.0, "%"),
            Measure("share of the sum of squares", found.share, None, "%"),
            examples=[
                {
                    f"{split.name} row": row,
                    "feature": case.feature(column),
                    "away from train": value,
                    "std in train": _spread_of(found, column),
                }
                for row, value, column in farthest_first(found, 5)
            ],
        ),
        _fix(split.name),
        splits=(split.name, "train"),
        rows=(rows,),
        columns=tuple(found.columns.tolist()),
        severity=Severity.ERROR if found.certain else Severity.WARNING,
    )


def _spread_of(found: Explosion, column: int) -> float:
    return float(found.spread[np.flatnonzero(found.columns == column)[0]])


def _percent(share: float) -> str:
    return "all" if share > 0.9995 else f"{share:.1%}"


def _fix(split: str) -> Fix:
    return Fix(
        "Do not divide features by a spread of nothing; scale all splits again.",
        "mean, std = raw_train.mean(axis=0), raw_train.std(axis=0)\n"
        "std = np.where(std < 1e-3 * std.max(), 1.0, std)  # constant in train: centred, not divided\n"
        "X_train = (raw_train - mean) / std\n"
        f"X_{split} = (raw_{split} - mean) / std",
    )
