"""SCL003."""

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
from auditor.measures.scaler_fits import per_split, traces_in
from auditor.measures.scaler_traces import Trace


@rule(
    "SCL003",
    "scaler-fitted-per-split",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
)
def scaler_fitted_per_split(context: Context) -> Iterator[Finding]:
    """Each split was scaled with statistics of its own.

    ## What it does
    Looks for the exact trace of a scaler (means 0 and standard deviations 1 to rounding, minima 0 and
    maxima 1, and so on) on an evaluation split by itself, while train, or the other evaluation split,
    shows one of its own. Identity, null hypothesis and correction are those of SCL002; had one scaler
    served both, only one of them could show the trace.

    ## Why it matters
    The same measurement becomes another number in each split. What differs between the splits is
    scaled away, so that a shifted test set looks like train, and the score cannot be had in use, where
    rows come one at a time.

    ## Example
    `X_train = scaler.fit_transform(X_train)` followed by `X_test = scaler.fit_transform(X_test)`.

    ## Fix
    `fit_transform` on train, `transform` on everything else.

    ## Options
    None.

    ## Limits
    Splits that hold whole groups, each scaled within itself, look the same: pass `groups_*`, and groups
    with mean 0 are recognised. Rows that are normalised one by one leave no such trace. See SCL002 for
    what takes a trace away.
    """
    traces = traces_in(context)
    for fitted, own in per_split(traces).items():
        yield _finding(context.case, fitted, own, traces)


def _finding(case: Case, fitted: Fitted, own: list[Trace], traces: tuple[Trace, ...]) -> Finding:
    lead = max(own, key=lambda trace: trace.columns.size)
    columns = np.unique(np.concatenate([trace.columns for trace in own]))
    where = joined(fitted, "X_") + (" taken together" if len(fitted) > 1 else "")
    apart = [trace for trace in traces if not set(trace.fitted) & set(fitted)]
    apart.sort(key=lambda trace: (trace.fitted[0] != "train", len(trace.fitted)))
    other = apart[0]
    return Finding(
        f"{lead.columns.size:,} of {case.train.n_features:,} features have {lead.scaler.identity} over {where} "
        f"(to {lead.miss:.0e}), and {other.columns.size:,} have {other.scaler.identity} over "
        f"{joined(other.fitted, 'X_')} (to {other.miss:.0e}): each was scaled with its own "
        "statistics, so equal measurements became different inputs.",
        Evidence.of(
            Measure("features with a trace of their own", int(columns.size), 0),
            Measure("largest miss over the split itself", lead.miss),
            Measure("log10 of the chance of it", min(t.log_p for t in own) / math.log(10), -6),
            Measure("log10 of the chance of the other trace", other.log_p / math.log(10), -6),
            examples=[
                {"scaler": str(t.scaler), "fitted on": joined(t.fitted), "features": int(t.columns.size)}
                for t in (*own, *apart)
            ],
        ),
        Fix(
            "Fit one scaler, on train alone, and transform every split with it.",
            lead.scaler.fitted_on_train([split.name for split in case]),
        ),
        splits=(*fitted, *other.fitted),
        columns=tuple(columns.tolist()),
    )
