"""PRE004."""

from __future__ import annotations

from collections.abc import Iterator

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.probes.application import Applied, applied
from auditor.probes.callables import Step, distinct
from auditor.probes.wording import given_name, ordered_splits


@rule(
    "PRE004",
    "modifies-its-input",
    severity=Severity.WARNING,
    needs=("preprocess",),
    since="0.1",
    stage="given",
)
def modifies_its_input(context: Context) -> Iterator[Finding]:
    """Rows given to the preprocessing are written into.

    ## What it does
    Gives the preprocessing a writable copy of every split, whole, and compares the copy with the original
    afterwards: values, columns, dtypes.

    ## Why it matters
    Called twice, on a cell that is run again, on a split that shares memory with another one, it scales
    what is scaled already. The rows in hand are no longer the raw ones, so nothing computed from them
    afterwards is what it claims to be.

    ## Example
    `X /= 255`, `X[np.isnan(X)] = 0`, `df["ratio"] = ...`, `df.fillna(0, inplace=True)`,
    `StandardScaler(copy=False)`.

    ## Fix
    Work on a copy, or return a new array:
    ```python
    def preprocess(X):
        X = X.copy()
        X[np.isnan(X)] = 0
        return X
    ```

    ## Options
    None.

    ## Limits
    Tensors and polars frames cannot be written to and are not compared. Writes into arrays that the
    callable holds, instead of the one it is given, are not looked for.
    """
    made = context.shared(applied)
    if not made.outputs and not made.writes:
        raise Skip("the callable failed on every split (see PRE008)")
    for step, names in distinct(made.steps).items():
        touched = [name for name in names if name in made.writes]
        if touched:
            yield _finding(context, made, step, touched)


def _finding(context: Context, made: Applied, step: Step, touched: list[str]) -> Finding:
    rows = tuple(
        Rows.where(name, made.writes[name].rows, context.case[name].n_rows)
        for name in touched
        if made.writes[name].rows.size and made.writes[name].rows.max() < context.case[name].n_rows
    )
    what = next((made.writes[name].what for name in touched if made.writes[name].what), "")
    counted = ", ".join(
        f"{made.writes[name].rows.size:,} rows of {given_name(context.case, name)}"
        for name in touched
        if made.writes[name].rows.size
    )
    did = "; ".join(part for part in (what, f"it changed {counted}" if counted else "") if part)
    written = [(name, made.writes[name].example) for name in touched]
    examples = [
        {"split": name, "row": found[0], "column": found[1], "before": found[2], "after": found[3]}
        for name, found in written
        if found is not None
    ]
    total = sum(len(part) for part in rows)
    return Finding(
        f"{step.name} writes into the rows it is given: {did}.",
        Evidence.of(Measure("rows written to", total, 0, "rows"), examples=examples[:5]),
        Fix(
            "Work on a copy inside the callable, or make a new array.",
            "def preprocess(rows):\n"
            "    rows = rows.copy()  # scikit-learn: leave copy=True; pandas: no inplace=True\n"
            "    ...\n"
            "    return rows",
        ),
        splits=ordered_splits(touched),
        rows=rows,
        about=step.name,
    )
