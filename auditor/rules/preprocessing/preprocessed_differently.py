"""PRE005."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.scale_mismatch import factor_name
from auditor.probes.agreement import Agreement, agreement
from auditor.probes.application import Applied, applied
from auditor.probes.reach import fits_anew
from auditor.probes.rivals import on_the_same_rows
from auditor.probes.runner import Probed, probed
from auditor.probes.wording import given_name, joined

FEW = 0.01
"""Share of rows below which a disagreement is a warning."""


@rule(
    "PRE005",
    "preprocessed-differently",
    severity=Severity.ERROR,
    needs=("preprocess",),
    since="0.1",
    stage="given",
)
def preprocessed_differently(context: Context) -> Iterator[Finding]:
    """Preprocessing differs from one split to another.

    ## What it does
    Where `raw_*` is given, calls the preprocessing on it and compares the result with `X_*`, value for
    value. Where the callables differ between splits, gives both the same rows and compares what they make
    of them. Values count as equal up to rounding of the coarser dtype. Differences are named: one factor,
    a slope and offset for each feature, another order of rows.

    ## Why it matters
    The model is trained on one kind of input and evaluated on another. The score then measures the
    mistake: losses of 50 beside an accuracy that hardly moves are typical.

    ## Example
    Train is divided by 255, test is not. Train goes through one scaler, val through another. `X_val` was
    cached before the preprocessing changed.

    ## Fix
    One function for every split:
    ```python
    X_train, X_val, X_test = (preprocess(raw) for raw in (raw_train, raw_val, raw_test))
    ```

    ## Options
    None.

    ## Limits
    A callable that draws at random cannot be compared, nor can augmentation given for train alone. Where
    train's callable learns from its rows (`fit_transform`), only maps of whole features are reported:
    some transformers treat the rows they learn from differently by design. Where every split differs from
    what the callable gives by the same map, the callable is not all that was done: a warning. Fewer than
    one row in a hundred is a warning too.
    """
    made = context.shared(applied)
    rows, seconds = int(context.option("PRE002.rows")), context.option("PRE002.seconds")
    probes = context.shared(probed, made, context.config.seed, rows, seconds)
    drawn = {name for probe in probes if probe.repeat.status == "broken" for name in probe.serves}
    compared = 0
    stored = {s.name: s for s in context.case if s.raw is not None and s.name in made.outputs}
    found: dict[str, Agreement] = {}
    for name, split in stored.items():
        if name not in drawn and made.outputs[name].shape[0] == split.n_rows:
            found[name] = _with_stored(split, made.outputs[name])
            compared += 1
    yield from _stored_findings(context.case, made, found)
    train = next((probe for probe in probes if "train" in probe.serves), None)
    if train is not None and len(set(made.steps.values())) > 1 and "train" not in drawn:
        for rival, relation in on_the_same_rows(made, train, context.config.seed):
            compared += 1
            if rival not in drawn and relation.kind != "equal" and _is_proof(train, relation):
                yield _rival_finding(context.case, made, rival, relation)
    if not compared:
        raise Skip(_reason(context.case, drawn))


def _reason(case: Case, drawn: set[str]) -> str:
    if drawn:
        return "the callable draws at random, so its results cannot be compared (see PRE003)"
    if all(split.raw is None for split in case):
        return "no raw rows given, and one callable for all splits"
    return "the callable failed (see PRE007 and PRE008)"


def _with_stored(split: Split, output: NDArray[Any]) -> Agreement:
    flat = output.reshape(split.n_rows, -1) if output.size else np.zeros((split.n_rows, 0))
    return agreement(flat, split.flat)


def _is_proof(train: Probed, relation: Agreement) -> bool:
    """Whether a disagreement cannot be what training alone is meant to have."""
    if relation.kind in ("factor", "slope", "affine", "order"):
        return True
    learns, placed = fits_anew(train.step.parts), any(ran.relation.name == "rolled" for ran in train.broken)
    return relation.kind == "other" and not learns and not placed


def _stored_findings(case: Case, made: Applied, found: dict[str, Agreement]) -> Iterator[Finding]:
    differing = {name: relation for name, relation in found.items() if relation.kind != "equal"}
    maps = {(r.kind, round(r.slope, 3)) for r in differing.values()}
    same_map = (
        len(differing) > 1
        and len(differing) == len(found)
        and len(maps) == 1
        and next(iter(maps))[0] in ("factor", "slope")
    )
    for name, relation in differing.items():
        step = made.steps[name].name
        few = relation.share < FEW
        rest = (
            " Every split differs in the same way, so the callable is not all that was done."
            if same_map
            else ""
        )
        yield Finding(
            f"X_{name} is not what {step} makes of raw_{name}: {_in_words(case, relation, f'X_{name}', 'the result')}"
            f"{rest}",
            _evidence(relation, f"{name} row", f"{step}(raw_{name})", f"X_{name}"),
            Fix(
                "Make every split with the same call, from the raw rows, in one place.",
                "\n".join(
                    f"X_{split.name} = preprocess(raw_{split.name})"
                    for split in case
                    if split.raw is not None
                ),
            ),
            splits=(name,),
            severity=Severity.WARNING if few or same_map else Severity.ERROR,
            about="stored",
        )


def _rival_finding(case: Case, made: Applied, rival: str, relation: Agreement) -> Finding:
    of_train, of_rival = made.steps["train"].name, made.steps[rival].name
    names = [split.name for split in case]
    left = ", ".join(f"X_{name}" for name in names)
    right = ", ".join(f"preprocess({given_name(case, name)})" for name in names)
    words = _in_words(case, relation, f"{rival}'s result", "train's")
    return Finding(
        f"The callables for train and {rival} ({joined([of_train, of_rival])}) disagree on the same rows: {words}",
        _evidence(relation, "row", "by train's callable", f"by {rival}'s callable"),
        Fix("Use one callable for every split, fitted on train.", f"{left} = {right}"),
        splits=(rival, "train"),
        severity=Severity.WARNING if relation.share < FEW else Severity.ERROR,
        about="callables",
    )


def _in_words(case: Case, relation: Agreement, second: str, first: str) -> str:
    on = f"on {relation.columns:,} of {relation.compared:,} features"
    if relation.kind == "factor":
        return f"{second} is {_number(relation.slope)} times {first} ({on})."
    if relation.kind == "slope":
        return f"{second} is {_number(relation.slope)} times {first}, with an offset for each feature ({on})."
    if relation.kind == "affine":
        return (
            f"{second} follows from {first} by another slope and offset for each feature ({on}), as another "
            f"scaler leaves it; values differ by up to {relation.in_std:.3g} standard deviations."
        )
    if relation.kind == "order":
        return f"{second} holds the same rows as {first} in another order ({relation.share:.0%} stand elsewhere)."
    if relation.kind == "shape":
        return f"rows of {second} and of {first} have different shapes."
    row, column, before, after = relation.examples[0]
    return (
        f"{relation.share:.2g} of the rows differ, by up to {relation.in_std:.3g} standard deviations (row {row:,}, "
        f"{case.feature(column)}: {after:.6g} instead of {before:.6g})."
    )


def _number(slope: float) -> str:
    return factor_name(slope) or f"{slope:.6g}"


def _evidence(relation: Agreement, row: str, first: str, second: str) -> Evidence:
    measures = [Measure("share of rows that differ", relation.share, 0.0, "%")]
    if relation.kind in ("factor", "slope"):
        measures.insert(0, Measure("slope", relation.slope, 1.0))
    measures.append(Measure("largest difference", relation.in_std, unit="std"))
    examples = [{row: i, "feature": f"column {j}", first: a, second: b} for i, j, a, b in relation.examples]
    return Evidence.of(*measures, examples=examples)
