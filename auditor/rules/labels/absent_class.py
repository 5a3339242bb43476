"""LBL003."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Scalar, Severity
from auditor._rule import Skip, rule
from auditor.measures.encodings import Disagreement, disagreements
from auditor.measures.homogeneity import log_chance_of_absence
from auditor.measures.label_faults import usable_codes
from auditor.measures.target import Target, target

CHANCE = 1e-3
"""False alarms allowed over all classes of all evaluation splits."""


@rule(
    "LBL003",
    "absent-class",
    severity=Severity.WARNING,
    needs=("labels on two splits",),
    since="0.1",
    stage="given",
)
def absent_class(context: Context) -> Iterator[Finding]:
    """Classes of train are absent from an evaluation split, which chance does not explain.

    ## What it does
    For every class of train that an evaluation split lacks, it computes the probability that a random
    split of the rows would leave all of them in train (hypergeometric, exact), and reports the classes
    where that is below 1 in 1000 after correction for the number of classes and splits (Bonferroni).
    Where `groups` are given, whole groups are split at random instead: a class that one patient has
    can only be on one side.

    ## Why it matters
    The score says nothing about the missing class, and an average over classes is one over others than
    the model will meet. A class that chance should have put there is missing for a reason: the rows
    were sorted, filtered or sampled by class.

    ## Example
    Ten balanced classes in order, the last 30 % taken for validation: classes 0 to 6 are absent.

    ## Fix
    Split with `stratify=y`.

    ## Options
    None.

    ## Limits
    A rare class that a small split lacks by chance is not reported, although the score does not cover
    it: see SHP005 for splits that are too small. Labels that LBL004 or LBL006 report are left out.
    """
    labels = context.shared(target)
    if not labels.is_classes:
        raise Skip("the labels are quantities, not classes")
    if "train" not in labels.codes:
        raise Skip("y_train is written unlike the other labels (see LBL004)")
    explained = context.shared(disagreements, labels)
    codes = context.shared(usable_codes, labels)
    ours = [s.name for s in context.case.evaluation if s.name in codes]
    for name in ours:
        here, train = _counts(codes[name], labels), _counts(codes["train"], labels)
        absent = (train > 0) & (here == 0)
        if not here.any() or not absent.any():
            continue
        log_p = _log_chances(context.case, name, codes, absent)
        bar = math.log(CHANCE / (len(ours) * int((train > 0).sum())))
        absent &= log_p < bar
        absent &= ~np.array([_explained(label, explained.get(name)) for label in labels.classes], dtype=bool)
        if absent.any():
            yield _finding(name, labels, train, absent, log_p)


def _counts(codes: NDArray[np.int64], labels: Target) -> NDArray[np.int64]:
    return np.bincount(codes[codes >= 0], minlength=len(labels.classes))


def _explained(label: Scalar, how: Disagreement | None) -> bool:
    """Whether train's class is there under another name."""
    return how is not None and (not how.same or any(label == theirs for _, theirs in how.same))


def _log_chances(
    case: Case, name: str, codes: Mapping[str, NDArray[np.int64]], absent: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log probability, for every absent class, that a random split leaves it in train."""
    made = np.zeros(absent.size)
    train_groups, groups = case.train.groups, case[name].groups
    for c in np.flatnonzero(absent):
        members = codes["train"] == c
        if train_groups is not None and groups is not None:
            holding = np.unique(train_groups[members]).size
            made[c] = log_chance_of_absence(holding, np.unique(train_groups).size, np.unique(groups).size)
        else:
            made[c] = log_chance_of_absence(
                int(members.sum()), int((codes["train"] >= 0).sum()), int((codes[name] >= 0).sum())
            )
    return made


def _finding(
    name: str,
    labels: Target,
    train: NDArray[np.int64],
    absent: NDArray[np.bool_],
    log_p: NDArray[np.float64],
) -> Finding:
    ranked = sorted(np.flatnonzero(absent).tolist(), key=lambda c: (-train[c], c))
    shown = ", ".join(f"{labels.classes[c]!r} ({train[c]:,} rows of train)" for c in ranked[:5])
    more = f" and {len(ranked) - 5:,} more" if len(ranked) > 5 else ""
    worst = math.exp(min(float(log_p[ranked].max()), 0.0))
    share = float(train[absent].sum() / train.sum())
    return Finding(
        f"y_{name} lacks {len(ranked):,} of the {int((train > 0).sum()):,} classes of train: {shown}{more}. "
        f"They make up {share:.1%} of train; a random split would leave them out with a probability of "
        f"at most {worst:.1g}. The {name} score says nothing about them.",
        Evidence.of(
            Measure("classes of train that are absent", len(ranked), 0),
            Measure("their share of train", share, unit="%"),
            Measure("largest probability of absence by chance", worst, CHANCE),
            examples=[
                {"class": labels.classes[c], "train rows": train[c], "chance of absence": math.exp(log_p[c])}
                for c in ranked[:5]
            ],
        ),
        Fix(
            "Split so that every class is on both sides.",
            "from sklearn.model_selection import train_test_split\n"
            f"X_train, X_{name}, y_train, y_{name} = train_test_split(X, y, stratify=y, random_state=0)",
        ),
        splits=(name, "train"),
        classes=tuple(labels.classes[c] for c in sorted(ranked)),
    )
