"""TGT002."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.columns import column_statistics
from auditor.measures.label_faults import usable_codes
from auditor.measures.neighbours import Agreement, class_agreement, class_votes, rank_agreement, rank_votes
from auditor.measures.numbering import MAX_COLUMNS, Numbering, numberings
from auditor.measures.order import class_order, mid_ranks, rank_parts
from auditor.measures.target import Target, target

LEAST_ROWS = 100
"""Labelled rows of train needed."""

LEAST_Z = 6.0
"""Standard errors from chance."""

LAGS = 12
"""Rows between two labels that are compared."""

SLOW = 0.25
"""Distance of a fifth from the rest from which order is LBL008's matter."""


@rule(
    "TGT002",
    "order-reveals-label",
    severity=Severity.WARNING,
    needs=("train labels",),
    since="0.1",
    options={"skill": 0.2},
    stage="given",
)
def order_reveals_label(context: Context) -> Iterator[Finding | Coverage]:
    """Row numbers, ids or the order of the rows predict the label.

    ## What it does
    Looks for features that number the rows: whole numbers that rise strictly from row to row in every
    split, or equally spaced ones each of which occurs once, where independent draws would have met in at
    least 30 pairs (the birthday problem). For each it predicts the label of every train row from the four train rows
    with the nearest numbers, and reports it (warning) where that agrees with the label beyond chance by
    `TGT002.skill` (Cohen's kappa, or Spearman's correlation for quantities) and 6 standard errors. The
    evidence says how well train's numbers predict the evaluation rows.

    It also compares the labels of rows up to 12 apart in the order of train. Where they agree (or
    avoid each other) that strongly although consecutive fifths are alike, it says so (info).

    ## Why it matters
    Files are often written class by class, patient by patient or day by day. After a random split a
    number that was left among the features looks up the label of its neighbours; in use the next row has a
    number beyond all that was learned.

    ## Example
    `df.reset_index()` before `df.drop(columns="y")`: the column `index` stays, and the file was sorted.

    ## Fix
    Drop the column. Where it is a time, split by time.

    ## Options
    `TGT002.skill`: agreement beyond chance from which it is reported, 0.2 by default.

    ## Limits
    Ranks of a feature look like a numbering. Ids with large gaps, or drawn at random, do not, and
    predict nothing. Numbers that were scaled are not whole any more: pass the raw rows and `preprocess`. Rows sorted or blocked by label are LBL008's; order that `time_train` or
    `groups_train` explains is left out. At most 256 columns are read.
    """
    labels = context.shared(target)
    known = _known(context, labels)
    if "train" not in known or _count(known["train"]) < LEAST_ROWS:
        raise Skip(f"fewer than {LEAST_ROWS} rows of train with labels that are classes or single quantities")
    n_classes = len(labels.classes) if labels.is_classes else 0
    found, candidates = context.shared(numberings, context.shared(column_statistics, "train"))
    for numbering in found:
        finding = _by_number(context, numbering, known, n_classes)
        if finding is not None:
            yield finding
    finding = _by_order(context.case.train, known["train"], n_classes, context.option("TGT002.skill"))
    if finding is not None:
        yield finding
    if candidates > MAX_COLUMNS:
        note = "of the columns that are spread evenly enough to number rows, the first are read"
        yield Coverage(MAX_COLUMNS, candidates, "features", note=note)


def _known(context: Context, labels: Target) -> dict[str, NDArray[Any]]:
    """Return class ids, or ranks of quantities within each split, by split."""
    if labels.is_classes:
        return dict(context.shared(usable_codes, labels))
    made = {}
    for name, values in labels.values.items():
        ranks = np.full(values.size, np.nan)
        finite = np.isfinite(values)
        ranks[finite] = mid_ranks(values[finite]) if finite.any() else 0.0
        made[name] = ranks
    return made


def _count(labels: NDArray[Any]) -> int:
    return int((labels >= 0).sum() if labels.dtype.kind == "i" else np.isfinite(labels).sum())


def _agreement(
    found: NDArray[np.int64], voters: NDArray[Any], voted: NDArray[Any], n_classes: int
) -> Agreement:
    if n_classes:
        return class_agreement(class_votes(found, voters, n_classes), voted, n_classes)
    return rank_agreement(rank_votes(found, voters), voted)


def _by_number(
    context: Context, numbering: Numbering, known: dict[str, NDArray[Any]], n_classes: int
) -> Finding | None:
    case, column = context.case, numbering.column
    numbers = case.train.flat[:, column].astype(np.float64)
    order = np.argsort(numbers, kind="stable")
    ordered = known["train"][order]
    places = np.arange(order.size)
    inside = _agreement(_around(places, order.size), ordered, ordered, n_classes)
    least = context.option("TGT002.skill")
    if inside.skill < least or inside.z < LEAST_Z:
        return None
    beyond = {}
    for split in case.comparable:
        if split.name in known:
            found = np.searchsorted(numbers[order], split.flat[:, column].astype(np.float64))
            near = np.clip(found[:, None] + np.arange(-2, 2), 0, order.size - 1)
            beyond[split.name] = _agreement(near, ordered, known[split.name], n_classes)
    return _number_finding(context, numbering, inside, beyond, least)


def _around(places: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the two places before and the two after each, -1 beyond the ends."""
    near = places[:, None] + np.array([-2, -1, 1, 2])
    return np.where((near >= 0) & (near < n), near, -1)


def _number_finding(
    context: Context, numbering: Numbering, inside: Agreement, beyond: dict[str, Agreement], least: float
) -> Finding:
    name = context.case.feature(numbering.column)
    how = (
        "rises or falls strictly from row to row"
        if numbering.in_order
        else f"takes equally spaced values, each once (draws would meet in {numbering.expected:,.0f} pairs; here "
        f"{numbering.found:,})"
    )
    told = "".join(f", and of {split} by {a.skill:.0%}" for split, a in beyond.items() if a.skill >= least)
    d = context.case.train.n_features
    return Finding(
        f"{name[0].upper() + name[1:]} numbers the rows and predicts the label: it {how}, and the rows with the "
        f"nearest numbers tell the label of train rows beyond chance by {inside.skill:.0%}{told}.",
        Evidence.of(
            Measure("agreement of labels at near numbers", inside.skill, least),
            Measure("standard errors from chance", inside.z, LEAST_Z),
            *(Measure(f"agreement of train's labels with those of {s}", a.skill) for s, a in beyond.items()),
            Measure("pairs of equal values by chance", numbering.expected, numbering.found),
        ),
        Fix(
            "Drop the column; where it is a time, split by time.",
            f"X_train = np.delete(X_train.reshape(len(X_train), {d}), {numbering.column}, axis=1)"
            "  # and every other split alike",
        ),
        splits=("train", *beyond),
        columns=(numbering.column,),
    )


def _by_order(train: Split, labels: NDArray[Any], n_classes: int, least: float) -> Finding | None:
    if train.groups is not None:  # stretches of a group are known
        return None
    if train.time is not None and bool((train.time[1:] >= train.time[:-1]).all()):
        return None
    best, lag = _best_lag(labels, n_classes)
    if abs(best.skill) < max(0.3, least) or abs(best.z) < LEAST_Z + 2:
        return None
    if n_classes:
        drifts = bool(class_order(labels[labels >= 0], n_classes).distances.max() >= SLOW)
    else:
        drifts = bool(rank_parts(labels[np.isfinite(labels)])[0] > 0.5)
    if drifts:
        return None
    word = "agree with" if best.skill > 0 else "avoid"
    apart = "next to each other" if lag == 1 else f"{lag} apart"
    return Finding(
        f"The order of train's rows predicts the label: labels of rows {apart} {word} each other "
        f"({best.skill:+.0%} beyond chance). Rows in stretches or in turns are related or were arranged; shuffling "
        "before a split puts parts of one stretch on both sides.",
        Evidence.of(
            Measure(f"agreement of labels {lag} rows apart", best.skill, max(0.3, least)),
            Measure("standard errors from chance", best.z, LEAST_Z + 2),
        ),
        Fix(
            "Find out what the stretches are (patients, sessions, batches) and split by them.",
            "splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)\n"
            "train, val = next(splitter.split(X, y, groups))  # one id per stretch",
        ),
        splits=("train",),
        severity=Severity.INFO,
    )


def _best_lag(labels: NDArray[Any], n_classes: int) -> tuple[Agreement, int]:
    """Return the strongest agreement of labels with those some rows before, and how many."""
    made = []
    for lag in range(1, min(LAGS, labels.size - 1) + 1):
        before, after = labels[:-lag], labels[lag:]
        made.append(class_agreement(before, after, n_classes) if n_classes else rank_agreement(before, after))
    best = int(np.argmax([abs(a.skill) for a in made]))
    return made[best], best + 1
