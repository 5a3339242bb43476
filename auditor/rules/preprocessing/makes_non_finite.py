"""PRE006."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor._context import Context
from auditor._errors import InputError
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.columns import blocks
from auditor.probes.application import Applied, applied
from auditor.probes.outputs import cells
from auditor.probes.rows import rows_with_missing
from auditor.probes.wording import given_name


@rule(
    "PRE006", "makes-non-finite", severity=Severity.ERROR, needs=("preprocess",), since="0.1", stage="given"
)
def makes_non_finite(context: Context) -> Iterator[Finding | Coverage]:
    """Finite rows come out of the preprocessing with NaN or infinity.

    ## What it does
    Looks, in every split, at the rows that came in finite throughout, and counts those that went out with
    NaN or infinity. Rows that held a missing value already are left out, whatever became of them.

    ## Why it matters
    One such row in a batch makes the gradient NaN and with it every weight. It comes from a case that the
    callable was not written for, and that validation rows meet as well as train rows do.

    ## Example
    `np.log(X)` where a count is 0 or a balance negative; `(X - mean) / std` where a feature is constant in
    train; a cast to float16, whose largest value is 65,504; a division of one column by another.

    ## Fix
    Find the case in the examples and give it a meaning: `np.log1p`, `np.where(std == 0, 1, std)`, float32.

    ## Options
    None.

    ## Limits
    A callable that writes NaN for a code such as -999 on purpose, for a model that takes missing values,
    is reported: ignore the rule where that is meant. Where every row holds a missing value there is
    nothing to judge.
    """
    made = context.shared(applied)
    judged = False
    for split in context.case:
        if (
            split.name not in made.outputs
            or made.outputs[split.name].shape[0] != split.n_rows
            or not split.n_rows
        ):
            continue
        whole = _finite_rows(split, made.inputs[split.name])
        if not whole.any():
            continue
        judged = True
        if not whole.all():
            note = f"rows of {split.name} that held a missing value were left out"
            yield Coverage(int(whole.sum()), split.n_rows, note=note)
        output = made.outputs[split.name].reshape(split.n_rows, -1)
        bad = whole & _non_finite_rows(output)
        if bad.any():
            yield _finding(context.case, split, made, output, bad)
    if not judged:
        raise Skip("no split has both finite rows and an output with as many rows")


def _finite_rows(split: Split, given: Any) -> NDArray[np.bool_]:
    """Return which rows came in without NaN, infinity or a missing text."""
    if split.raw is None:
        return ~_non_finite_rows(split.flat)
    finite = ~rows_with_missing(given)
    try:
        return finite & ~_non_finite_rows(cells(given, split.n_rows).numbers)
    except InputError:  # raw rows of a kind that holds no numbers
        return finite


def _non_finite_rows(flat: NDArray[Any]) -> NDArray[np.bool_]:
    if flat.dtype.kind != "f" or not flat.size:
        return np.zeros(flat.shape[0], dtype=bool)
    return np.concatenate([~np.isfinite(block).all(axis=1) for block in blocks(flat)])


def _finding(
    case: Case, split: Split, made: Applied, output: NDArray[Any], bad: NDArray[np.bool_]
) -> Finding:
    rows = np.flatnonzero(bad)
    there = ~np.isfinite(output[rows])
    columns = np.flatnonzero(there.any(axis=0))
    nan, infinite = int(np.isnan(output[rows]).sum()), int(np.isinf(output[rows]).sum())
    step = made.steps[split.name].name
    pairs = [(int(rows[i]), int(j)) for i, j in zip(*np.nonzero(there), strict=True)][:5]
    came_in = _same_cells(split, made, output)
    cause = _cause(came_in, output, rows, there)
    return Finding(
        f"{step} turned {rows.size:,} finite rows of {given_name(case, split.name)} into rows with NaN or "
        f"infinity ({nan:,} NaN and {infinite:,} infinite values, in {columns.size:,} columns){cause}.",
        Evidence.of(
            Measure(f"finite {split.name} rows made non-finite", int(rows.size), 0, "rows"),
            Measure("NaN values made", nan, 0),
            Measure("infinite values made", infinite, 0),
            examples=[_example(split, came_in, output, row, column) for row, column in pairs],
        ),
        Fix(
            "Give the case that the examples show a meaning inside the callable.",
            "np.log1p(rows)                       # instead of np.log, where zeros occur\n"
            "std = np.where(std == 0, 1.0, std)   # before dividing by a spread\n"
            "rows.astype('float32')               # instead of float16",
        ),
        splits=(split.name,),
        rows=(Rows.where(split.name, bad),),
        columns=tuple(columns.tolist()),
    )


def _same_cells(split: Split, made: Applied, output: NDArray[Any]) -> NDArray[Any] | None:
    """Return the input as numbers where output columns are input columns one for one, else None."""
    if split.raw is None:
        flat = split.flat
    else:
        try:
            flat = cells(made.inputs[split.name], split.n_rows).numbers
        except InputError:
            return None
    return flat if flat.shape == output.shape else None


def _cause(
    came_in: NDArray[Any] | None, output: NDArray[Any], rows: NDArray[np.int64], there: NDArray[np.bool_]
) -> str:
    """Return what the values that went wrong have in common, where that can be read off them."""
    if output.dtype == np.float16:
        return "; float16 ends at 65,504"
    if came_in is None:
        return ""
    values = came_in[rows][there]
    if (values == 0).all():
        return "; every such value came in as 0"
    if (values <= 0).all():
        return "; every such value came in as 0 or less"
    return ""


def _example(
    split: Split, came_in: NDArray[Any] | None, output: NDArray[Any], row: int, column: int
) -> dict[str, Any]:
    shown: dict[str, Any] = {f"{split.name} row": row, "output column": column}
    if came_in is not None:
        shown["input"] = float(came_in[row, column])
    return shown | {"output": float(output[row, column])}
