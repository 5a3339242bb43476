"""DUP003."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.copies import copies
from auditor.measures.transformed import Transformed, transformed_across, why_not_transformed
from auditor.measures.windows import window_overlaps


@rule(
    "DUP003",
    "transformed-copies-across-splits",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
)
def transformed_copies_across_splits(context: Context) -> Iterator[Finding | Coverage]:
    """Rows of an evaluation split are copies of train rows that were flipped, turned, moved or recoloured.

    ## What it does
    Undoes, on every evaluation row, each change that makes sense for its shape, and looks for the result in
    train: flips and rotations by 90 degrees, reversal along each axis, shifts by up to a tenth of a side,
    inversion, and another gain and offset, of the whole row or of each channel.

    Copies that keep their values are found by digests and compared value for value. They must be more, four
    times and beyond a Poisson tail of one in a million, than rows that repeat unchanged: where rows have few
    values, a reversed one equals another by chance as often as two do. Other copies are found in contrast
    (each row, or channel, freed of its mean and brought to unit length), by the test of DUP002: nearer to
    train than train's own rows are to one another foretells. They must be nearer after the change than before.
    Rows of one axis may be columns of a table, which nature too relates (opposite votes, spectra of one
    material): where none of their copies keeps its values, it is a warning.

    ## Why it matters
    Augmentation before the split puts one original on both sides. A model that has seen an image knows
    its mirror image too, above all one trained to be invariant.

    ## Example
    Images are flipped and rotated to make more of them, then `train_test_split` shuffles all.

    ## Fix
    Split the originals first, then augment train only. Or keep all versions of an original on one side.

    ## Options
    None.

    ## Limits
    Columns of a table have no order, so tables are left out unless all columns are in one unit, as samples
    of a signal are. Arbitrary angles, crops, zooms and shifts beyond a tenth of a side are not undone, nor two
    changes at once. Windows of a series that overlap by other amounts too are left to DUP004. After each pixel was scaled on its own, a flipped copy is not found. Large rows are
    compared on 1,024 of their features first. Shapes that are their own mirror image are left out.
    """
    reason = why_not_transformed(context.case.train)
    if reason:
        raise Skip(reason)
    found = context.shared(copies)
    for split in context.case.comparable:
        made = context.shared(transformed_across, found, split.name, context.config.seed)
        if made is None:
            continue
        n_left = int((found.match(split.name, "train") < 0).sum())
        if made.looked < n_left:
            yield _coverage(split, made.looked, n_left)
        made = _without_overlap(context, split, made)
        if made.rows.size:
            yield _finding(split, made)


def _without_overlap(context: Context, split: Split, made: Transformed) -> Transformed:
    """Leave out moves of windows that overlap windows of train by other amounts too: those are DUP004's."""
    moved = np.array([name.startswith("moved") for name in made.names])[made.change]
    if not moved.any():
        return made
    overlapping = made.rows[:0]
    for overlaps in context.shared(window_overlaps, split.name, context.config.seed):
        if overlaps.rows.size and not overlaps.only_shifted:
            overlapping = np.union1d(overlapping, overlaps.rows)
    return made.only(~(moved & np.isin(made.rows, overlapping)))


def _coverage(split: Split, looked: int, of: int) -> Coverage:
    return Coverage(
        looked,
        of,
        f"{split.name} rows",
        float((1.0 - looked / of) ** max(1, of // 100)),
        "a sample; the miss probability is for changed copies of 1% of the rows",
    )


def _finding(split: Split, made: Transformed) -> Finding:
    rows = Rows.where(split.name, made.rows, split.n_rows)
    counts = np.bincount(made.change, minlength=len(made.names))
    order = np.argsort(-counts, kind="stable")
    common = [int(i) for i in order[:5] if counts[i]]
    exact = int(made.exact.sum())
    listed = "; ".join(f"{made.names[i]}: {counts[i]:,}" for i in common)
    return Finding(
        f"{len(rows):,} of {split.n_rows:,} {split.name} rows ({rows.share:.1%}) are copies of train rows after "
        f"being changed ({listed}{'; ...' if (counts > 0).sum() > 5 else ''}); {exact:,} of them value for value.",
        Evidence.of(
            Measure(f"share of {split.name} rows", rows.share, 0.0, "%"),
            Measure("copies that keep every value", exact, None, "rows"),
            *(Measure(made.names[i], int(counts[i]), None, "rows") for i in common),
            Measure("share of rows that repeat unchanged", made.repeats, None, "%"),
            examples=_examples(split, made),
        ),
        Fix(
            "Split the originals first, then augment train only; or drop the rows listed.",
            "train, test = train_test_split(originals)  # the originals, before they are changed\n"
            "X_train = augment(X[train])                # train only",
            drop=(rows,) if rows.share < 0.5 else (),
        ),
        splits=(split.name, "train"),
        rows=(rows,),
        severity=None if exact or len(split.feature_shape) > 1 else Severity.WARNING,
    )


def _examples(split: Split, made: Transformed) -> list[dict[str, Any]]:
    first = np.unique(made.change, return_index=True)[1]
    some = np.unique(np.concatenate([first, np.arange(min(5, made.rows.size))]))[:5]
    return [
        {
            f"{split.name} row": int(made.rows[i]),
            "train row": int(made.partner[i]),
            "after being": made.names[made.change[i]],
        }
        for i in some
    ]
