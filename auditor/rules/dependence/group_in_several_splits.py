"""DEP001."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.ids import are_row_numbers, joint_ids
from auditor.measures.target import Target, target


@rule(
    "DEP001",
    "group-in-several-splits",
    severity=Severity.ERROR,
    needs=("groups",),
    since="0.1",
    stage="given",
)
def group_in_several_splits(context: Context) -> Iterator[Finding]:
    """Rows of one group (patient, user, session, document) stand in train and in an evaluation split.

    ## What it does
    Compares the ids in `groups_train` with those of every evaluation split. Numbers are compared with
    numbers whatever their dtype; where one split holds numbers and another text, `"007"` is 7. Rows
    without an id are left out. Ids shared by val and test are a warning.

    ## Why it matters
    Rows of one patient resemble each other more than rows of two. A model that has seen the patient
    recognises them, and the score says how well it remembers patients, not how well it does on new ones.

    ## Example
    Ten recordings of each of 40 speakers, split at random: every speaker is on both sides, and the
    nearest neighbour of a test recording is one of the same speaker.

    ## Fix
    Split by group: `GroupShuffleSplit`, `GroupKFold` or `StratifiedGroupKFold`.

    ## Options
    None.

    ## Limits
    Skipped, with the reason, where ids cannot be groups: they number the rows of each split from 0 or 1
    anew, there is only one, or they are the labels under another name. Where the same users are to be
    predicted in the future, groups on both sides are right and time decides: leave out `groups`.
    """
    case = context.case
    given = {split.name: split.groups for split in case if split.groups is not None}
    ids, codes = joint_ids(given)
    _refuse(case, given, ids, codes, context.shared(target))
    for here, there in _pairs(list(codes)):
        finding = _finding(here, there, ids, codes)
        if finding is not None:
            yield finding


def _refuse(
    case: Case,
    given: Mapping[str, NDArray[Any]],
    ids: NDArray[Any],
    codes: Mapping[str, NDArray[np.int64]],
    labels: Target,
) -> None:
    """Raise where the ids are no groups."""
    if all(are_row_numbers(groups) for groups in given.values() if groups.size > 1) and any(
        groups.size > 1 for groups in given.values()
    ):
        raise Skip("groups number the rows of each split anew; wanted one id per patient, user or session")
    if ids.size == 1:
        raise Skip(f"all rows are of one group ({ids[0]!s})")
    if _are_labels(case, codes, labels):
        raise Skip("groups are the labels under another name")


def _are_labels(case: Case, codes: Mapping[str, NDArray[np.int64]], labels: Target) -> bool:
    """Whether ids and labels of train name each other one to one, several rows each."""
    if not labels.is_classes or "train" not in labels.codes:
        return False
    ours, theirs = codes["train"], labels.codes["train"]
    usable = (ours >= 0) & (theirs >= 0)
    pairs = np.unique(np.stack([ours[usable], theirs[usable]], axis=1), axis=0)
    n_groups, n_classes = np.unique(pairs[:, 0]).size, np.unique(pairs[:, 1]).size
    return len(pairs) == n_groups == n_classes >= 2 and 2 * n_groups <= case.train.n_rows


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    """Return (evaluation split, train) for each, and (test, val) last."""
    made = [(name, "train") for name in names if name != "train" and "train" in names]
    return [*made, ("test", "val")] if {"val", "test"} <= set(names) else made


def _finding(
    here: str, there: str, ids: NDArray[Any], codes: Mapping[str, NDArray[np.int64]]
) -> Finding | None:
    ours, theirs = codes[here], codes[there]
    shared = np.intersect1d(ours[ours >= 0], theirs[theirs >= 0])
    if not shared.size:
        return None
    mine, others = (Rows.where(name, np.isin(codes[name], shared)) for name in (here, there))
    counts = np.bincount(ours[ours >= 0], minlength=ids.size)
    others_counts = np.bincount(theirs[theirs >= 0], minlength=ids.size)
    ranked = sorted(shared.tolist(), key=lambda g: (-counts[g], g))[:5]
    shown = ", ".join(str(ids[g]) for g in ranked[:3])
    n_groups = int((counts > 0).sum())
    nature = f"{shared.size:,} of {n_groups:,} groups of {here} also have rows in {there}"
    return Finding(
        f"{nature} ({shown}{', ...' if shared.size > 3 else ''}): {len(mine):,} of {ours.size:,} rows of {here} "
        f"({mine.share:.1%}) belong to a group that {there} knows.",
        Evidence.of(
            Measure(f"share of {here} rows", mine.share, 0.0, "%"),
            Measure(f"groups in {here} and {there}", int(shared.size), 0),
            Measure(f"groups in {here}", n_groups),
            Measure(f"rows of {there} in these groups", len(others), unit="rows"),
            examples=[
                {"group": str(ids[g]), f"{here} rows": counts[g], f"{there} rows": others_counts[g]}
                for g in ranked
            ],
        ),
        Fix(
            "Split by group, so that each has all its rows on one side.",
            "from sklearn.model_selection import GroupShuffleSplit\n"
            "splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)\n"
            f"train, {here} = next(splitter.split(X, y, groups))\n"
            f"X_train, X_{here}, y_train, y_{here} = X[train], X[{here}], y[train], y[{here}]",
            drop=(mine,) if len(mine) < ours.size else (),
        ),
        splits=(here, there),
        rows=(mine, others),
        severity=None if there == "train" else Severity.WARNING,
    )
