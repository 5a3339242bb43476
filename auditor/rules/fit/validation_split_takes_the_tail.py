"""FIT004."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._plan import FitPlan
from auditor._rule import Skip, rule
from auditor.measures.copies import copies
from auditor.measures.outlets import fit_plan
from auditor.measures.tails import (
    Batches,
    TailClasses,
    TailCopies,
    TailValues,
    batch_classes,
    tail_classes,
    tail_copies,
    tail_values,
)
from auditor.measures.target import Target, target

CHANCE = 1e-6
"""Probability in random order below which a tail counts as another population."""

Z_ORDERED = 6.0
"""Standard deviations by which stretches of one class must be fewer than in random order: one in 10^9."""

ANOTHER = 0.5
"""Share of tail rows out of proportion from which on validation is about something else."""


@rule(
    "FIT004",
    "validation-split-takes-the-tail",
    severity=Severity.ERROR,
    needs=("fit",),
    since="0.1",
    options={"distance": 0.25},
    stage="given",
)
def validation_split_takes_the_tail(context: Context) -> Iterator[Finding]:
    """Order of rows decides what is validated, or what a batch holds, and the rows are not in random order.

    ## What it does
    `validation_split` takes the last rows as they stand, before `fit` shuffles. The null is random order.
    Classes of the tail are compared with those before it (chi-square and exact tests); an error needs a
    probability below one in a million, and a tail of one class, or each class in one stretch, or half of
    the tail's rows out of proportion. Quantities are compared by rank (Mann and Whitney); an error where
    they are sorted. Repeated rows should fall into the tail as often as elsewhere (hypergeometric): a tail
    of copies of earlier rows is an error, whatever the classes.
    Where rows are trained on in the order given, as with `shuffle=False` or an unshuffled dataset, the
    rule also looks at whether batches hold one class each.

    ## Why it matters
    With rows sorted by label, validation holds classes that train never saw: accuracy 0.98 in training,
    0.01 in validation. With upsampled rows appended it holds copies of one class alone: accuracy 1.0,
    and a tenth of that class found on a test set.

    ## Example
    `np.concatenate` of the data and of the repeated rows of the rare class, then `validation_split=0.2`.

    ## Fix
    Split at random, each class in proportion, before any upsampling, and pass `validation_data`. Shuffle
    a dataset over all its rows before batching.

    ## Options
    `FIT004.distance`: share of tail rows out of proportion (or Cliff's delta of quantities) from which on
    a tail that chance does not explain is a warning; 0.25.

    ## Limits
    Rows in order of time make the tail the future, which may be what is meant: pass `time`, and what is
    not a tail of one class or of copies stays a warning. Order by something that neither labels nor
    repeats show is for DRF001.
    """
    plan, case = context.shared(fit_plan), context.case
    if plan.cut != "validation_split" and not plan.fixed_order:
        raise Skip("validation rows are given, and fit shuffles the others")
    labels = context.shared(target)
    if plan.cut == "validation_split":
        repeated = tail_copies(context.shared(copies))
        copied = (
            repeated is not None and repeated.p_value < CHANCE and repeated.share - repeated.expected > 0.1
        )
        if repeated is not None and copied:
            yield _copied(case, plan, repeated)
        yield from _tail(context, plan, labels, severity=Severity.WARNING if copied else None)
    if plan.fixed_order and labels.is_classes and "train" in labels.codes:
        yield from _batches(context, plan, labels)


def _tail(context: Context, plan: FitPlan, labels: Target, severity: Severity | None) -> Iterator[Finding]:
    bar = context.option("FIT004.distance")
    timed = _in_order_of_time(context.case)
    if labels.is_classes and {"train", "val"} <= set(labels.codes):
        classes = tail_classes(labels)
        if classes is not None and classes.p_value < CHANCE:
            certain = classes.alone or (not timed and (classes.in_blocks or classes.distance >= ANOTHER))
            if certain or classes.distance >= bar:
                yield _other_classes(
                    context.case, plan, labels, classes, severity if certain else Severity.WARNING
                )
    elif {"train", "val"} <= set(labels.values):
        values = tail_values(labels.values["train"], labels.values["val"])
        if values is not None and values.p_value < CHANCE and abs(values.delta) >= bar:
            yield _other_values(plan, values, None if values.monotone and not timed else Severity.WARNING)


def _in_order_of_time(case: Case) -> bool:
    times = [case[name].time for name in ("train", "val") if name in case]
    known = [values for values in times if values is not None and values.size]
    return len(known) == 2 and bool(np.max(known[0]) <= np.min(known[1]))


def _reshuffle(plan: FitPlan, *, classes: bool = True) -> Fix:
    stratify = "stratify=y, " if classes else ""
    cut = f"train_test_split(x, y, test_size={plan.validation_split:g}, {stratify}random_state=0)"
    return Fix(
        "Split at random yourself, each class in proportion, before anything is upsampled, and pass the validation "
        "rows.",
        "from sklearn.model_selection import train_test_split\n"
        f"x_train, x_val, y_train, y_val = {cut}\n"
        "model.fit(x_train, y_train, validation_data=(x_val, y_val))",
    )


def _where(case: Case, plan: FitPlan) -> str:
    first = case.train.n_rows
    return (
        f"validation_split={plan.validation_split:g} takes the last {case['val'].n_rows:,} rows, from row {first:,} on, "
        "before fit shuffles."
    )


def _other_classes(
    case: Case, plan: FitPlan, labels: Target, found: TailClasses, severity: Severity | None
) -> Finding:
    total = max(1, int(found.tail.sum()))
    order = np.argsort(
        -np.abs(found.tail / total - found.head / max(1, int(found.head.sum()))), kind="stable"
    )
    shown = [int(c) for c in order[:5]]
    only = labels.classes[int(np.argmax(found.tail))]
    if found.alone:
        what = f"They all belong to class {only}: val_accuracy is no more than how often that class is found."
    else:
        missing = int(((found.tail > 0) & (found.head == 0)).sum())
        never = (
            f", and {missing} of their classes never occur{'s' * (missing == 1)} in training"
            if missing
            else ""
        )
        what = f"{found.distance:.0%} of them are out of proportion to the rows before{never}."
    ordered = " The rows are ordered by label." if found.in_blocks else ""
    return Finding(
        f"{_where(case, plan)} {what}{ordered}",
        Evidence.of(
            Measure("share of val rows out of proportion", found.distance, ANOTHER, "%"),
            Measure("probability in random order", found.p_value, CHANCE),
            Measure("stretches of one class", found.runs, len(labels.classes)),
            examples=[
                {
                    "class": labels.classes[c],
                    "share of train": float(found.head[c] / max(1, found.head.sum())),
                    "share of val": float(found.tail[c] / total),
                }
                for c in shown
            ],
        ),
        _reshuffle(plan),
        splits=("val", "train"),
        severity=severity,
        about="classes",
    )


def _other_values(plan: FitPlan, found: TailValues, severity: Severity | None) -> Finding:
    side = "above" if found.delta > 0 else "below"
    how = "The rows are sorted by their target. " if found.monotone else ""
    return Finding(
        f"validation_split={plan.validation_split:g} takes the last rows before fit shuffles. {how}A target of these lies "
        f"{side} one before them in {(1 + abs(found.delta)) / 2:.0%} of all pairs, where random order has half.",
        Evidence.of(
            Measure("Cliff's delta of val against train", found.delta, 0.25),
            Measure("probability in random order", found.p_value, CHANCE),
        ),
        _reshuffle(plan, classes=False),
        splits=("val", "train"),
        severity=severity,
        about="values",
    )


def _copied(case: Case, plan: FitPlan, found: TailCopies) -> Finding:
    return Finding(
        f"{_where(case, plan)} {found.share:.0%} of them are copies of earlier rows, where random order would put "
        f"{found.expected:.0%} there: repeats were appended, as by upsampling, and validation asks for rows that were "
        "trained on.",
        Evidence.of(
            Measure("share of val rows that repeat a train row", found.share, found.expected, "%"),
            Measure("share of all rows that are repeated", found.expected, unit="%"),
            Measure("probability in random order", found.p_value, CHANCE),
        ),
        _reshuffle(plan),
        splits=("val", "train"),
        rows=(Rows.where("val", found.rows),),
        about="copies",
    )


def _batches(context: Context, plan: FitPlan, labels: Target) -> Iterator[Finding]:
    """Yield where rows are fed in their order, and batches hold one class each."""
    size = plan.batch_size or 32
    found = batch_classes(labels.codes["train"], len(labels.classes), size, context.rng("FIT004"))
    if found is None or found.usual >= 0.95:
        return
    gap = (found.purity - found.usual) / (1 - found.usual)
    if found.z < -Z_ORDERED and gap >= ANOTHER and found.runs * size < labels.codes["train"].size:
        certain = gap >= 0.9 and found.runs <= 2 * len(labels.classes)
        yield _one_class_batches(plan, labels, found, None if certain else Severity.WARNING)


def _one_class_batches(plan: FitPlan, labels: Target, found: Batches, severity: Severity | None) -> Finding:
    source: dict[str, Any] = {"arrays": "shuffle=False"}
    why = source.get(plan.kind, f"the {plan.kind} gives them so")
    return Finding(
        f"Rows are trained on in the order in which they stand ({why}), and they are ordered by label: "
        f"{found.purity:.0%} of a batch of {found.size} belong to one class, where random order has {found.usual:.0%}. "
        "Each step unlearns the classes of the steps before.",
        Evidence.of(
            Measure("share of a batch's commonest class", found.purity, found.usual, "%"),
            Measure("the same in random order", found.usual, unit="%"),
            Measure("stretches of one class", found.runs, len(labels.classes)),
        ),
        Fix(
            "Shuffle the rows before they are batched.",
            "dataset = dataset.unbatch().shuffle(n_rows).batch(32)\n# or, with arrays: model.fit(..., shuffle=True)",
        ),
        splits=("train",),
        severity=severity,
        about="batches",
    )
