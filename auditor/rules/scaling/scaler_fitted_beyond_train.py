"""SCL002."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.fitted_sets import Fitted
from auditor.measures.phrases import joined
from auditor.measures.scaler_fits import beyond_train, traces_in
from auditor.measures.scaler_traces import Trace


@rule(
    "SCL002",
    "scaler-fitted-beyond-train",
    severity=Severity.WARNING,
    needs=("comparable rows",),
    since="0.1",
    options={"harm": 0.1},
)
def scaler_fitted_beyond_train(context: Context) -> Iterator[Finding]:
    """Statistics that scale the features were computed on rows of an evaluation split too.

    ## What it does
    A scaler leaves an exact trace: over precisely the rows it was fitted on, and over no other rows,
    means are 0 and standard deviations 1 to rounding (or sums of squares 1, minima 0 and maxima 1,
    medians 0 and interquartile ranges 1, and so on). The rule tries train, val, test and every union of
    them. Features that show a trace on train alone are fine.

    The null hypothesis is that the scaler was fitted on another set of splits. Then, under a random
    split, a mean over the rows S misses zero by a standard error of
    `std * sqrt(1/|S| + 1/|T| - 2 |S and T| / (|S| |T|))` for the nearest other set T, and the bound on
    the chance of the coincidences found, corrected for their correlation, for every choice of features
    and for the number of scalers and sets tried, has to be below one in a million for the whole audit.
    Sums of values on a lattice are granted the probability of a lattice point; columns of fewer than ten
    distinct values, or with mirrored extremes, may be balanced by design and are left out; so are columns
    spread far more evenly than draws (Latin hypercubes, quasi-random sequences), by the variance of their
    spacings (Pyke, 1965).

    ## Why it matters
    What the model is given then depends on rows it will be judged by. Often the harm is small, and the
    evidence says how small: how far statistics of train alone would have moved the values. Beyond a
    tenth of a standard deviation the finding is an error, else a warning.

    ## Example
    `X = StandardScaler().fit_transform(X)` before `train_test_split(X, y)`.

    ## Fix
    Split first; fit on train; transform every split with that one scaler. A scikit-learn `Pipeline` does
    so inside cross-validation as well.

    ## Options
    `SCL002.harm` (0.1): distance in standard deviations from which the finding is an error.

    ## Limits
    Rows dropped or resampled after scaling take the trace away; rows that an oversampler appended to
    train do not. One or two coarse columns do not carry enough digits to prove anything. Data that lie in
    [0, 1] or [-1, 1] by nature look like min-max or max-abs scaling: without many features whose extremes
    have a row of their own the rule is silent, as it is on even ranks without ties over all rows, which a
    designed experiment has too; extremes set by evaluation rows alone are not told. Quartiles of coarse
    columns coincide between splits, so that robust scaling shows in fine ones only. Means taken in 32-bit arithmetic over very many values
    are too inexact to show. Columns that are centred over all rows (residuals, scores of principal
    components) have been fitted on all rows in the sense of this rule. Evidence is taken from at most 64
    evenly spaced features, and quartiles from at most 64.
    """
    case, bar = context.case, context.option("SCL002.harm")
    for fitted, traces in beyond_train(traces_in(context)).items():
        yield _finding(case, fitted, traces, bar)


def _finding(case: Case, fitted: Fitted, traces: list[Trace], bar: float) -> Finding:
    lead = max(traces, key=lambda trace: trace.columns.size)
    worst = max(traces, key=lambda trace: trace.harm.size)
    columns = np.unique(np.concatenate([trace.columns for trace in traces]))
    evaluation = tuple(name for name in fitted if name != "train")
    first = f"the first {lead.first:,} rows of " if lead.first else ""
    where = first + joined(fitted, "X_") + (" taken together" if len(fitted) > 1 else "")
    rest = [trace.scaler.identity for trace in traces if trace is not lead]
    others = f", others {joined(rest)}" if rest else ""
    harm = worst.harm
    return Finding(
        f"{lead.columns.size:,} of {case.train.n_features:,} features have {lead.scaler.identity} over {where}, to "
        f"{lead.miss:.0e}{others}, and over X_train alone miss it by up to {lead.train_miss:.2g}: the scaler was "
        f"fitted on {joined(fitted)}. Fitted on train alone it would have moved "
        f"{case.feature(harm.worst)} by {harm.shift:.2g} std and stretched it by {harm.ratio:.3g}.",
        Evidence.of(
            Measure("shift that train-only statistics would make", harm.shift, bar, "std"),
            Measure("factor that train-only statistics would make", harm.ratio, 1 + bar),
            Measure("largest miss over the fitted rows", lead.miss),
            Measure("largest miss over train", lead.train_miss),
            Measure("features with the trace", int(columns.size), 0),
            Measure("log10 of the chance of it", min(t.log_p for t in traces) / math.log(10), -6),
            examples=[
                {"scaler": str(t.scaler), "fitted on": joined(fitted), "features": int(t.columns.size)}
                for t in traces
            ],
        ),
        Fix(
            "Fit the scaler on train alone, and transform every split with it.",
            lead.scaler.fitted_on_train([split.name for split in case]),
        ),
        splits=(*evaluation, *(name for name in fitted if name == "train")),
        columns=tuple(columns.tolist()),
        severity=Severity.ERROR if harm.size > bar else Severity.WARNING,
    )
