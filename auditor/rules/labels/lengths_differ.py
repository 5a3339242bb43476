"""LBL001."""

from __future__ import annotations

from collections.abc import Iterator

from auditor._case import Case, Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule


@rule("LBL001", "lengths-differ", severity=Severity.ERROR, since="0.1", stage="given")
def lengths_differ(context: Context) -> Iterator[Finding]:
    """X and y of a split have different numbers of rows.

    ## What it does
    Compares the first axis of `X_train` and `y_train`, and of every other split. Where they differ,
    it looks for what happened: labels of another split, one-hot labels with rows and columns
    exchanged, rows dropped from X but not from y.

    Rules that need labels leave out a split whose lengths differ, and say so.

    ## Why it matters
    Training stops, or, where a loop zips batches of X and y, runs with every label on the wrong row
    after the first gap.

    ## Example
    `X_train = X_train.dropna()` without the same rows of `y_train`; or `y_test` passed as `y_val`.

    ## Fix
    Split and filter X and y with one index: `keep = ~np.isnan(X).any(axis=1); X, y = X[keep], y[keep]`.

    ## Options
    None.

    ## Limits
    Labels in another order than the rows have the right length: see LBL007.
    """
    if all(split.y is None for split in context.case):
        raise Skip("no y given")
    for split in context.case:
        if split.y is not None and split.aligned_y is None:
            yield _finding(context.case, split)


def _finding(case: Case, split: Split) -> Finding:
    assert split.y is not None  # noqa: S101 - the caller looked
    name, rows, labels = split.name, split.n_rows, int(split.y.shape[0])
    more = (
        f"{abs(labels - rows):,} more labels than rows"
        if labels > rows
        else f"{rows - labels:,} rows without a label"
    )
    hint, fix, code = _cause(case, split)
    return Finding(
        f"X_{name} has {rows:,} rows and y_{name} {labels:,} labels: {more}.{hint}",
        Evidence.of(
            Measure(f"rows of X_{name}", rows, unit="rows"),
            Measure(f"rows of y_{name}", labels, rows, unit="rows"),
        ),
        Fix(fix, code),
        splits=(name,),
    )


def _cause(case: Case, split: Split) -> tuple[str, str, str]:
    """Return what probably happened, the mend in a sentence, and its code."""
    assert split.y is not None  # noqa: S101 - the caller looked
    name, y = split.name, split.y
    if y.ndim == 2 and y.shape[1] == split.n_rows:
        shape = f" y_{name} has shape {y.shape}: rows and columns are exchanged."
        return shape, "Turn the labels around.", f"y_{name} = y_{name}.T"
    for other in case:
        if other is not split and other.n_rows == y.shape[0] and other.n_rows != split.n_rows:
            swapped = f" X_{other.name} has exactly {other.n_rows:,} rows: these may be its labels."
            return (
                swapped,
                f"Pass the labels of {name} as y_{name}; check what y_{other.name} holds.",
                f"assert len(X_{name}) == len(y_{name}) and len(X_{other.name}) == len(y_{other.name})",
            )
    return (
        "",
        "Filter and split X and y with one index, so that every row keeps its label.",
        "keep = np.isfinite(X).reshape(len(X), -1).all(axis=1)\nX, y = X[keep], y[keep]  # whatever drops rows, both",
    )
