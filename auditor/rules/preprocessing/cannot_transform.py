"""PRE008."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.probes.application import Applied, Failure, applied
from auditor.probes.wording import given_name, joined, ordered_splits


@rule(
    "PRE008", "cannot-transform", severity=Severity.ERROR, needs=("preprocess",), since="0.1", stage="given"
)
def cannot_transform(context: Context) -> Iterator[Finding]:
    """Preprocessing fails on a split, or returns rows of another shape for it.

    ## What it does
    Calls the preprocessing on a copy of every split. It reports what was raised, what was returned instead
    of rows (None, a tuple, a mapping, a single value), and rows whose shape differs from train's.

    ## Why it matters
    What fails on test rows today fails in production tomorrow. Columns that depend on the split mean that
    the same position holds another feature in each.

    ## Example
    `OneHotEncoder()` met a category that train lacks; `pd.get_dummies` made 12 columns of train and 11 of
    test; a transformer that was never fitted; a function without `return`.

    ## Fix
    Fit on train, and say what is to become of values that train does not know:
    ```python
    encoder = OneHotEncoder(handle_unknown="ignore").fit(X_train)
    ```

    ## Options
    None.

    ## Limits
    Empty splits are not tried (see SHP005). Output that the audit cannot read but a model may take, such
    as text or a sparse matrix too large to make dense, is a warning: what follows was not audited.
    """
    made = context.shared(applied)
    if not made.inputs:
        raise Skip("no rows to try it on")
    told: dict[str, list[str]] = {}
    for name, failure in made.failures.items():
        # Row counts differ between splits where the failure is the same.
        told.setdefault(f"{failure.kind}: {re.sub('[0-9]+', '#', failure.message)}", []).append(name)
    for names in told.values():
        yield _failed(context.case, made, names, made.failures[names[0]])
    yield from _other_shapes(context.case, made)


def _failed(case: Case, made: Applied, names: list[str], failure: Failure) -> Finding:
    step = made.steps[names[0]].name
    rows = joined(given_name(case, name) for name in names)
    verb = {
        "raised": "raised",
        "not rows": "did not return rows",
        "not numbers": "returned what cannot be audited",
    }
    message = f"{step} {verb[failure.kind]} on {rows}: {failure.message.rstrip('.')}."
    where = [line.strip() for line in failure.traceback.splitlines() if line.strip().startswith("File ")]
    return Finding(
        message,
        Evidence.of(
            Measure("splits it failed on", len(names), 0),
            examples=[{"raised at": line} for line in where[-2:]],
        ),
        _fix_of(case, failure, names),
        splits=ordered_splits(names),
        severity=Severity.WARNING if failure.kind == "not numbers" else Severity.ERROR,
        about=failure.kind,
    )


def _fix_of(case: Case, failure: Failure, names: list[str]) -> Fix:
    train = given_name(case, "train")
    text = failure.message.lower()
    if "notfitted" in text or "not fitted" in text:
        return Fix("Fit it on train before it is used.", f"transformer.fit({train})")
    if "unknown categor" in text or "unseen label" in text:
        return Fix(
            "Say what becomes of categories that train does not know.",
            "from sklearn.preprocessing import OneHotEncoder\n"
            f'encoder = OneHotEncoder(handle_unknown="ignore").fit({train})',
        )
    if failure.kind == "not rows":
        return Fix(
            "Return one array with a row for each row that came in.",
            "def preprocess(rows):\n    ...\n    return rows",
        )
    if failure.kind == "not numbers":
        return Fix(
            "Let the callable return numbers, or audit what the model's first layer makes of its output."
        )
    return Fix(
        f"Run it on {given_name(case, names[0])} yourself; it has to take every split as it takes train.",
        f"preprocess({given_name(case, names[0])})",
    )


def _other_shapes(case: Case, made: Applied) -> Iterator[Finding]:
    if "train" not in made.outputs:
        return
    train = made.outputs["train"].shape[1:]
    for split in case.evaluation:
        output = made.outputs.get(split.name)
        if output is None or output.shape[1:] == train or split.n_rows == 0:
            continue
        yield Finding(
            f"{made.steps[split.name].name} makes rows of shape {output.shape[1:]} of "
            f"{given_name(case, split.name)}, and of shape {train} of {given_name(case, 'train')}.",
            Evidence.of(
                Measure(f"features of a {split.name} row", _size(output.shape[1:]), _size(train)),
                examples=[
                    {"split": "train", "row shape": str(train)},
                    {"split": split.name, "row shape": str(output.shape[1:])},
                ],
            ),
            Fix(
                "Decide the columns once, from train, and apply them to every split.",
                "from sklearn.preprocessing import OneHotEncoder  # instead of pd.get_dummies\n"
                f'encoder = OneHotEncoder(handle_unknown="ignore").fit({given_name(case, "train")})\n'
                "preprocess = encoder.transform",
            ),
            splits=(split.name, "train"),
        )


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
