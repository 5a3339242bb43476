"""LBL006."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import rule
from auditor.measures.label_faults import FaultKind, LabelFault, faulty_rows, label_faults
from auditor.measures.target import target

_WORDS = {
    FaultKind.MISSING: "missing",
    FaultKind.INFINITE: "infinite",
    FaultKind.FRACTION: "fractions among whole class ids",
    FaultKind.PLACEHOLDER: "placeholders",
    FaultKind.NO_CLASS: "one-hot rows without a 1",
    FaultKind.BROKEN_ROW: "one-hot rows that do not sum to 1",
}


@rule("LBL006", "invalid-labels", severity=Severity.ERROR, needs=("labels",), since="0.1", stage="given")
def invalid_labels(context: Context) -> Iterator[Finding]:
    """No class or number stands in some labels: missing, infinite, fractional, placeholders, or broken one-hot rows.

    ## What it does
    Looks in the labels of every split for

    - NaN, infinity, empty text, and the text that missing values turn into (`nan`, `<NA>`, `NaT`);
    - fractions among whole class ids, where at least 95 % are whole;
    - placeholders: a customary one (-1, -100, 99, 255, 999, ...) beside ids that otherwise number the
      classes 0, 1, 2, ... without a gap; or, among quantities, one that recurs far outside the range of
      all others;
    - one-hot rows without a 1, with several, or with other numbers, where at least 90 % of the rows hold
      exactly one 1.

    ## Why it matters
    One NaN in the labels of a batch makes every weight NaN. A label of -1 or 255 stops a sparse
    cross-entropy with an index out of range, or becomes a class of its own.

    ## Example
    `pd.get_dummies` on a column with missing values: rows of zeros. Test labels of a competition, all
    -1.

    ## Fix
    Drop the rows, or encode again from the source.

    ## Options
    None.

    ## Limits
    A warning where the labels may be meant: several targets of which some are masked, fractions that
    are halves (ratings), -1 as a rare third value beside 0 and 1, multi-label rows that rarely hold
    several labels. {-1, 0, 1} with a common -1 is taken as three classes. Labels in the right form but
    wrong are LBL005's, LBL007's and LBL009's.
    """
    labels = context.shared(target)
    for name, faults in context.shared(label_faults, labels).items():
        if faults:
            yield _finding(context.case[name], faults)


def _finding(split: Split, faults: tuple[LabelFault, ...]) -> Finding:
    name = split.name
    rows = Rows.where(name, faulty_rows(faults, split.n_rows))
    parts = [
        f"{int(fault.rows.sum()):,} {_WORDS[fault.kind]} ({', '.join(map(repr, fault.shown))})"
        if fault.kind is not FaultKind.NO_CLASS
        else f"{int(fault.rows.sum()):,} {_WORDS[fault.kind]}"
        for fault in faults
    ]
    certain = any(fault.certain for fault in faults)
    everything = (
        " These are all of its rows: the labels were never there." if len(rows) == split.n_rows else ""
    )
    doubt = "" if certain else " They may be meant; then ignore this rule."
    return Finding(
        f"y_{name} holds labels that are none, in {len(rows):,} of {split.n_rows:,} rows: "
        f"{'; '.join(parts)}.{everything}{doubt}",
        Evidence.of(
            Measure(f"share of {name} rows", rows.share, 0.0, "%"),
            *(Measure(f"rows with {fault.kind.value}", int(fault.rows.sum()), 0, "rows") for fault in faults),
            examples=[
                {
                    "what": fault.kind.value,
                    "label": repr(fault.shown[0]),
                    "first row": int(np.argmax(fault.rows)),
                }
                for fault in faults
            ],
        ),
        Fix(
            "Drop these rows from X and y, or encode the labels again from their source.",
            f"bad = {' | '.join(dict.fromkeys(_condition(fault, split) for fault in faults))}\n"
            f"X_{name}, y_{name} = X_{name}[~bad], y_{name}[~bad]",
            drop=(rows,),
        ),
        splits=(name,),
        rows=(rows,),
        severity=None if certain else Severity.WARNING,
    )


def _condition(fault: LabelFault, split: Split) -> str:
    """Return the expression that finds the rows of a fault."""
    y = f"y_{split.name}"
    text = split.y is not None and split.y.dtype.kind == "U"
    wide = split.y is not None and split.y.ndim > 1 and split.y.shape[0] != split.y.size
    rows = f".reshape(len({y}), -1).any(axis=1)" if wide else ""
    if fault.kind is FaultKind.MISSING:
        return f"np.isin({y}, {list(fault.shown)!r})" if text else f"np.isnan({y}){rows}"
    if fault.kind is FaultKind.INFINITE:
        return f"np.isinf({y}){rows}"
    if fault.kind is FaultKind.FRACTION:
        return f"({y} != np.rint({y}))"
    if fault.kind is FaultKind.PLACEHOLDER:
        return f"({y} == {fault.shown[0]})"
    return f"(({y} == 1).sum(axis=1) != 1)"
