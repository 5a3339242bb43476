"""LBL002."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Scalar, Severity
from auditor._rule import Skip, rule
from auditor.measures.encodings import disagreements
from auditor.measures.label_faults import usable_codes
from auditor.measures.target import Encoding, Target, target


@rule(
    "LBL002",
    "unseen-class",
    severity=Severity.ERROR,
    needs=("labels on two splits",),
    since="0.1",
    stage="given",
)
def unseen_class(context: Context) -> Iterator[Finding]:
    """Rows of an evaluation split have a class that never occurs in train.

    ## What it does
    Compares the classes of every evaluation split with those of train. Labels that LBL004 explains as
    train's own in another writing, and labels that LBL006 reports as faulty, are left out.

    ## Why it matters
    The model cannot predict a class it never saw: every row of it is a certain error, so that the
    score has a ceiling. With integer labels, a softmax sized by train's classes makes the loss of these
    rows NaN or stops with an index out of range.

    ## Example
    Rows sorted by class and cut at 80 %: train holds classes 0 to 7, and val 8 and 9.

    ## Fix
    Split with `stratify=y`, so that every class is on both sides. Where a class has too few rows for
    that, merge or drop it everywhere.

    ## Options
    None.

    ## Limits
    Classes are compared, not quantities: whole numbers that are many and leave gaps are taken as
    quantities. Few whole numbers with thin tails (0, 1, 2, ... events) look like classes; where a number
    unknown to train lies in such a tail and random splitting explains it, the finding is a warning.
    Tasks in which unknown classes are the point (novelty detection, zero-shot, verification) should
    ignore this rule.
    """
    labels = context.shared(target)
    if not labels.is_classes:
        raise Skip("the labels are quantities, not classes")
    if "train" not in labels.codes:
        raise Skip("y_train is written unlike the other labels (see LBL004)")
    explained = context.shared(disagreements, labels)
    usable = context.shared(usable_codes, labels)
    for split in context.case.evaluation:
        if split.name not in labels.codes:
            continue
        codes = usable[split.name]
        how = explained.get(split.name)
        counts = np.bincount(codes[codes >= 0], minlength=len(labels.classes))
        unseen = (counts > 0) & (labels.counts("train") == 0)
        if how is not None:
            unseen &= np.array([not how.explains(label) for label in labels.classes], dtype=bool)
        if unseen.any():
            yield _finding(split.name, labels, codes, unseen)


def _finding(name: str, labels: Target, codes: NDArray[np.int64], unseen: NDArray[np.bool_]) -> Finding:
    rows = Rows.where(name, (codes >= 0) & unseen[codes])
    counts = labels.counts(name)
    classes = tuple(label for label, new in zip(labels.classes, unseen, strict=True) if new)
    ranked = sorted(np.flatnonzero(unseen).tolist(), key=lambda c: (-counts[c], c))[:5]
    tail = _tail_of_counts(labels, unseen, counts)
    shown = ", ".join(f"{labels.classes[c]!r} ({counts[c]:,} rows)" for c in ranked)
    more = f" and {len(classes) - len(ranked):,} more" if len(classes) > len(ranked) else ""
    known = int((labels.counts("train") > 0).sum())
    kind = "column" if labels.encodings[name] in (Encoding.ONE_HOT, Encoding.SMOOTHED) else "class"
    message = (
        f"{len(rows):,} of {codes.size:,} rows of {name} have a {kind} that y_train never holds: {shown}{more}. "
        f"Train knows {known:,} classes; no model can get these rows right."
    )
    if tail:
        message += (
            " If y is a count rather than a class, this is its tail and nothing is wrong: a random split "
            "of values this rare leaves some to one side."
        )
    return Finding(
        message,
        Evidence.of(
            Measure(f"share of {name} rows", rows.share, 0.0, "%"),
            Measure("classes unknown to train", len(classes), 0),
            Measure("classes in train", known),
            examples=[
                {
                    "class": labels.classes[c],
                    f"{name} rows": counts[c],
                    "first row": int(np.argmax(codes == c)),
                }
                for c in ranked
            ],
        ),
        Fix(
            "Split so that every class is on both sides.",
            "from sklearn.model_selection import train_test_split\n"
            f"X_train, X_{name}, y_train, y_{name} = train_test_split(X, y, stratify=y, random_state=0)",
        ),
        splits=(name, "train"),
        rows=(rows,),
        classes=classes,
        severity=Severity.WARNING if tail else None,
    )


def _tail_of_counts(labels: Target, unseen: NDArray[np.bool_], counts: NDArray[np.int64]) -> bool:
    """Whether the unknown numbers can be the thin tail of a count.

    They are whole numbers whose histogram over all splits has a single peak, they lie beyond train's
    range or in its tail, and their rows are no more than random splitting leaves over: by Good (1953),
    train's single rows, scaled to the split's size, expect as many.
    """
    numbers: Mapping[int, Scalar] = {
        i: v for i, v in enumerate(labels.classes) if isinstance(v, int) and not isinstance(v, bool)
    }
    train = labels.counts("train")
    if len(numbers) < 5 or len(numbers) != len(labels.classes) or (train > 0).sum() < 4:
        return False
    everything = train + counts
    peak = int(np.argmax(everything))
    steps = np.diff(everything)
    single_peak = bool((steps[:peak] >= 0).all() and (steps[peak:] <= 0).all())
    singles = int((train == 1).sum())
    expected = (singles + 1) * counts.sum() / max(1, int(train.sum()))
    return single_peak and counts[unseen].sum() <= expected + 3 * np.sqrt(expected)
