"""SHP003."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import rule
from auditor.measures.columns import ColumnStatistics, blocks, column_statistics


@rule("SHP003", "non-finite-values", severity=Severity.ERROR, since="0.1", stage="final")
def non_finite_values(context: Context) -> Iterator[Finding]:
    """X holds NaN or infinity.

    ## What it does
    Counts NaN, plus and minus infinity in every feature of every split. Where the preprocessing is
    given as a callable, only what it returns is judged: an imputer may well take NaN.

    ## Why it matters
    One NaN in a batch makes the gradient NaN and with it every weight. Networks hide it: after a ReLU
    the loss may stay finite, near ln 2, while the prediction is constant.

    ## Example
    A column of ages read from a file where some are missing, or `np.log` of a column that holds zeros.

    ## Fix
    Impute with statistics of train, or drop the rows; find where the values arise.

    ## Options
    None.

    ## Limits
    Estimators that take NaN (histogram gradient boosting, XGBoost) are not told apart: ignore the rule
    where missing values are meant.
    """
    for split in context.case:
        stats = context.shared(column_statistics, split.name)
        bad = stats.n_nan + stats.n_infinite
        if bad.any():
            yield _finding(context, split, stats)


def _finding(context: Context, split: Split, stats: ColumnStatistics) -> Finding:
    bad = stats.n_nan + stats.n_infinite
    columns = np.flatnonzero(bad)
    mask = np.concatenate([~np.isfinite(block).all(axis=1) for block in blocks(split.flat)])
    rows = Rows.where(split.name, mask)
    worst = columns[np.argsort(-bad[columns], kind="stable")][:5]
    names = ", ".join(context.case.feature(int(column)) for column in worst[:3])
    return Finding(
        f"X_{split.name} holds {int(stats.n_nan.sum()):,} NaN and {int(stats.n_infinite.sum()):,} infinite "
        f"values, in {len(rows):,} of {split.n_rows:,} rows and {columns.size:,} features (most in {names}).",
        Evidence.of(
            Measure(f"share of {split.name} rows", rows.share, 0.0, "%"),
            Measure("NaN values", int(stats.n_nan.sum()), 0),
            Measure("infinite values", int(stats.n_infinite.sum()), 0),
            examples=[
                {
                    "feature": context.case.feature(int(c)),
                    "NaN": stats.n_nan[c],
                    "infinite": stats.n_infinite[c],
                }
                for c in worst
            ],
        ),
        Fix(
            "Impute with statistics of train, or drop these rows from every split alike.",
            "from sklearn.impute import SimpleImputer\n"
            "imputer = SimpleImputer().fit(X_train)  # on train only\n"
            f"X_{split.name} = imputer.transform(X_{split.name})",
            drop=(rows,),
        ),
        splits=(split.name,),
        rows=(rows,),
        columns=tuple(columns.tolist()),
    )
