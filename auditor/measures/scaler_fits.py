"""Which rows the scaler of each split was fitted on, from every trace there is."""

from __future__ import annotations

from collections.abc import Iterable

from auditor._case import Case
from auditor._context import Context
from auditor.measures.appended_traces import appended_traces
from auditor.measures.columns import ColumnStatistics, column_statistics
from auditor.measures.extreme_traces import extreme_traces
from auditor.measures.fitted_sets import Fitted
from auditor.measures.moment_traces import moment_traces
from auditor.measures.quartile_traces import quartile_traces
from auditor.measures.rank_traces import rank_traces
from auditor.measures.scaler_traces import Trace, gather
from auditor.measures.whole_traces import whole_traces

TESTS = (moment_traces, rank_traces, quartile_traces, extreme_traces, whole_traces, appended_traces)
"""In order: what an earlier one explains, a later one leaves alone."""

Fits = dict[Fitted, list[Trace]]


def scaler_traces(case: Case, statistics: tuple[ColumnStatistics, ...]) -> tuple[Trace, ...]:
    """Product: every trace of a scaler, on the smallest sets of splits that show it.

    Parameters
    ----------
    case : Case
        The case.
    statistics : tuple of ColumnStatistics
        Of train and of each comparable split, in order.
    """
    names = [split.name for split in (case.train, *case.comparable)]
    found = gather(case, dict(zip(names, statistics, strict=True)))
    return () if found is None else tuple(trace for test in TESTS for trace in test(found))


def traces_in(context: Context) -> tuple[Trace, ...]:
    """Return the traces in a context, computed once."""
    splits = (context.case.train, *context.case.comparable)
    return context.shared(scaler_traces, tuple(context.shared(column_statistics, s.name) for s in splits))


def beyond_train(traces: tuple[Trace, ...]) -> Fits:
    """Return traces of one scaler for several splits that saw more than train, by what it was fitted on.

    A trace on evaluation rows alone counts where no other split shows one of its own.
    """
    apart = per_split(traces)
    return _grouped(trace for trace in traces if trace.fitted != ("train",) and trace.fitted not in apart)


def per_split(traces: tuple[Trace, ...]) -> Fits:
    """Return traces on evaluation rows alone while other rows have a scaler of their own."""
    own = [trace for trace in traces if "train" not in trace.fitted]
    return _grouped(t for t in own if any(not set(t.fitted) & set(other.fitted) for other in traces))


def _grouped(traces: Iterable[Trace]) -> Fits:
    fits: Fits = {}
    for trace in traces:
        fits.setdefault(trace.fitted, []).append(trace)
    return fits
