"""LBL009."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.contradictions import MAX_ROWS, Contradictions, contradictions
from auditor.measures.label_faults import usable_codes
from auditor.measures.target import Target, target

LEAST_ROWS = 100
"""Labelled rows of train that are needed."""

MAX_CLASSES = 1000
"""Classes that are told apart, at most."""

CHANCE = 1e-3
"""Probability that nature left so many rows alone."""


@rule(
    "LBL009",
    "likely-mislabelled",
    severity=Severity.INFO,
    needs=("train labels",),
    since="0.1",
    options={"natural": 0.4},
    stage="given",
)
def likely_mislabelled(context: Context) -> Iterator[Finding | Coverage]:
    """Rows of train carry a label that none of the rows around them has.

    ## What it does
    Asks the ten nearest rows of every row of train (standardised features). A row is a suspect where all
    ten carry one label, and the row another. Where a class thins out into another by nature, rows with one
    companion among the ten are at least as many as rows with none; that count bounds how many suspects are
    natural. Suspects are reported where nature leaves so many alone less than once in 1000 and explains at
    most a share of `LBL009.natural` of them.

    ## Why it matters
    Wrong labels cap the accuracy that can be measured, and pull the model towards them. Looking at a few
    dozen rows is cheap.

    ## Example
    One label in fifty typed wrongly; two files joined with an offset in a few hundred rows.

    ## Fix
    Look at the rows listed before correcting anything.

    ## Options
    `LBL009.natural`: share of the suspects that may be right, 0.4 by default.

    ## Limits
    A hint, not a proof: some of the rows listed are rare and right. Mistakes near the border of a class,
    or in classes that neighbours do not tell apart, are not found: expect a third to a half of all mistakes.
    Of equal rows, one is asked. Up to 5,000 rows and 512 features are read.
    """
    labels = context.shared(target)
    if not labels.is_classes or "train" not in labels.codes:
        raise Skip("the labels are quantities, not classes")
    codes = context.shared(usable_codes, labels)["train"]
    if (codes >= 0).sum() < LEAST_ROWS or len(labels.classes) > MAX_CLASSES:
        raise Skip(f"fewer than {LEAST_ROWS} labelled rows in train, or more than {MAX_CLASSES} classes")
    found = contradictions(context.case, codes, len(labels.classes), context.config.seed)
    share = found.natural / max(1, found.rows.size)
    if found.rows.size and found.p < CHANCE and share <= context.option("LBL009.natural"):
        yield _finding(context, labels, codes, found)
    if found.read < (codes >= 0).sum():
        yield Coverage(found.read, int((codes >= 0).sum()), "rows", note=f"{MAX_ROWS:,} rows drawn at random")


def _finding(context: Context, labels: Target, codes: NDArray[np.int64], found: Contradictions) -> Finding:
    rows = Rows.where("train", found.rows, context.case.train.n_rows)
    of = f" of the {found.read:,} rows read" if found.read < context.case.train.n_rows else ""
    first = found.rows[:20].tolist()
    return Finding(
        f"{len(rows):,} rows of train{of} carry a label that none of their ten nearest rows has, which all agree "
        f"on another; nature explains at most {found.natural:.0f} of them. Worth a look: rows {first[:5]}.",
        Evidence.of(
            Measure("rows alone amid another class", len(rows), unit="rows"),
            Measure(
                "of these natural, at most",
                found.natural,
                len(rows) * context.option("LBL009.natural"),
                "rows",
            ),
            Measure("probability of so many by nature", found.p, CHANCE),
            examples=[
                {"row": row, "label": labels.classes[codes[row]], "its neighbours": labels.classes[other]}
                for row, other in list(zip(found.rows.tolist(), found.suggested.tolist(), strict=True))[:5]
            ],
        ),
        Fix(
            "Look at the rows before correcting anything.",
            f"suspects = {first}\nX_train[suspects], y_train[suspects]",
        ),
        splits=("train",),
        rows=(rows,),
    )
