"""PRE007."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.probes.application import Applied, applied
from auditor.probes.order import comes_reordered
from auditor.probes.rows import count_rows, rows_with_missing
from auditor.probes.runner import Probed, probed
from auditor.probes.wording import given_name, ordered_splits


@rule("PRE007", "changes-rows", severity=Severity.ERROR, needs=("preprocess",), since="0.1", stage="given")
def changes_rows(context: Context) -> Iterator[Finding | Coverage]:
    """Rows are dropped, added or reordered by the preprocessing.

    ## What it does
    Compares the number of rows that went in and came out, in every split. Where the index of a data frame
    tells, it names the rows that are gone, and sees whether they came back in another order. Elsewhere
    rows are followed: a batch of copies of one row shows what the callable makes of it, and that output
    is looked for in the output of a sample.

    ## Why it matters
    Labels do not go through the preprocessing: after it they belong to other rows. Where rows are dropped
    together with their labels, the score leaves out the very cases that the model will be asked about.

    ## Example
    `df.dropna()`, a filter for outliers, `df.sort_values("time")`, `drop_duplicates()`, a shuffle, an
    oversampler among the steps.

    ## Fix
    Choose rows before labels are separated, and let the preprocessing return one row for each it is given.

    ## Options
    None. The sample in which rows are followed is that of `PRE002.rows`.

    ## Limits
    A warning where train alone loses rows and the labels given are as many as the rows left: then they
    were probably dropped alike. An order that changes only in rare cases may be missed in the sample.
    """
    made = context.shared(applied)
    counted = [s for s in context.case if s.name in made.outputs and s.name in made.inputs]
    if not counted:
        raise Skip("the callable failed on every split (see PRE008)")
    changed = set()
    for split in counted:
        if made.outputs[split.name].ndim != _usual_ndim(made):
            continue  # rows of another shape are PRE008's
        if count_rows(made.inputs[split.name]) != made.outputs[split.name].shape[0]:
            changed.add(split.name)
            yield _counted(context.case, split, made)
        elif split.name in made.order and (np.diff(made.order[split.name]) < 0).any():
            changed.add(split.name)
            yield _labelled(context.case, split, made)
    rows, seconds = int(context.option("PRE002.rows")), context.option("PRE002.seconds")
    for probe in context.shared(probed, made, context.config.seed, rows, seconds):
        if changed & set(probe.serves):
            continue
        places = context.shared(comes_reordered, made, probe)
        if places:
            if probe.rows.size < probe.of:
                note = f"the order was followed in a sample of {probe.split}; PRE002.rows widens it"
                yield Coverage(int(probe.rows.size), probe.of, note=note)
            yield _followed(context.case, probe, places)


def _usual_ndim(made: Applied) -> int:
    first = made.outputs.get("train", next(iter(made.outputs.values())))
    return int(first.ndim)


def _counted(case: Case, split: Split, made: Applied) -> Finding:
    given = made.inputs[split.name]
    before, after = count_rows(given), int(made.outputs[split.name].shape[0])
    name, step = given_name(case, split.name), made.steps[split.name].name
    lost = _lost(given, made.order.get(split.name), before, after)
    which = " (those with missing values)" if lost is not None and _are_missing(given, lost) else ""
    verb = f"drops {before - after:,} of the" if after < before else f"adds {after - before:,} rows to the"
    along = split.aligned_y is not None and len(split.aligned_y) == after
    settled = split.name == "train" and split.raw is not None and split.n_rows == after
    drop = (Rows.where(split.name, lost, before),) if lost is not None and split.raw is None else ()
    labels = (
        f"y_{split.name} then belongs to other rows" if not along else f"y_{split.name} has {after:,} labels"
    )
    return Finding(
        f"{step} {verb} {before:,} rows of {name}{which}: {after:,} come back, and {labels}.",
        Evidence.of(
            Measure("rows that went in", before, unit="rows"),
            Measure("rows that came out", after, before, "rows"),
            examples=[{"row lost": int(row)} for row in ([] if lost is None else lost[:5])],
        ),
        Fix(
            "Choose rows before features and labels are separated, and let the preprocessing keep every row.",
            f"keep = ~np.isnan({name}).any(axis=1)  # the condition your callable drops rows by\n"
            f"{name}, y_{split.name} = {name}[keep], y_{split.name}[keep]\n"
            "# and return a row for every row inside the callable: impute instead of dropna()",
            drop=drop,
        ),
        splits=(split.name,),
        rows=drop,
        severity=Severity.WARNING if settled and (along or split.y is None) else Severity.ERROR,
    )


def _lost(
    given: object, order: NDArray[np.int64] | None, before: int, after: int
) -> NDArray[np.int64] | None:
    """Return rows that did not come back: by the labels of a frame, or those with missing values if as many."""
    if after > before:
        return None
    if order is not None:
        return np.setdiff1d(np.arange(before), order)
    missing = rows_with_missing(given)
    return np.flatnonzero(missing) if missing.sum() == before - after else None


def _are_missing(given: object, lost: NDArray[np.int64]) -> bool:
    return np.array_equal(np.flatnonzero(rows_with_missing(given)), lost)


def _labelled(case: Case, split: Split, made: Applied) -> Finding:
    order = made.order[split.name]
    away = np.flatnonzero(order != np.arange(order.size))
    examples = [{f"{split.name} row": int(order[i]), "comes back as row": int(i)} for i in away[:5]]
    share = away.size / max(1, order.size)
    message = (
        f"{made.steps[split.name].name} hands the rows of {given_name(case, split.name)} back in another order: "
        f"{away.size:,} of {order.size:,} stand elsewhere, so y_{split.name} belongs to other rows."
    )
    return _reordered(message, share, examples, (split.name,))


def _followed(case: Case, probe: Probed, places: tuple[tuple[int, int], ...]) -> Finding:
    examples = [
        {f"place of the {probe.split} row": into, "comes back at place": out} for into, out in places[:5]
    ]
    message = (
        f"{probe.step.name} hands rows back in another order: in a sample of {probe.rows.size:,} rows of "
        f"{given_name(case, probe.split)}, row {places[0][0]:,} came back as row {places[0][1]:,}, and "
        f"{len(places):,} rows that were followed all moved. Labels then belong to other rows."
    )
    return _reordered(message, 1.0, examples, ordered_splits(probe.serves))


def _reordered(
    message: str, share: float, examples: list[dict[str, int]], splits: tuple[str, ...]
) -> Finding:
    return Finding(
        message,
        Evidence.of(Measure("share of rows that stand elsewhere", share, 0.0, "%"), examples=examples),
        Fix(
            "Sort or shuffle rows together with their labels, before the preprocessing; keep the order in it.",
            "order = np.random.default_rng(0).permutation(len(X_train))\n"
            "X_train, y_train = X_train[order], y_train[order]",
        ),
        splits=splits,
    )
