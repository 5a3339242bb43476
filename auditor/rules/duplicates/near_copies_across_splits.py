"""DUP002."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.closeness import LEAST_ROWS, RANKS, points
from auditor.measures.copies import copies
from auditor.measures.near_rows import Closeness, Surroundings, near_copies, surroundings


@rule(
    "DUP002",
    "near-copies-across-splits",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
)
def near_copies_across_splits(context: Context) -> Iterator[Finding | Coverage]:
    """Rows of an evaluation split are far nearer to train rows than the data's own neighbours are.

    ## What it does
    Measures, for every evaluation row without an exact copy, the distance to its nearest train row over
    the distance to a natural neighbour (up to the 55th), in the 32 leading principal coordinates of
    train. Pictures, and other rows of two axes or more, are first brought to one mean and one contrast:
    saved brighter, a picture is the same picture. Two tests share no threshold with any data set:

    - Rows drawn alike have ratios drawn alike, so train rows, each held against the rest of train, tell what
      is natural. The lower tail of their ratios follows a power law whose exponent is the data's local
      dimension (Hill, 1975); evaluation rows beyond it are near copies.
    - A smooth density of any dimension from one upwards leaves at most `comb(b-1, a) * t**a` of the rows with
      a ratio of their a-th to their b-th distance below t. Rows in clumps exceed that.

    What is found is confirmed over all features. It is an error where train itself holds such rows at a
    lower rate: something brought them across. Where train repeats itself as much (near-identical mails,
    adjacent views, copies with noise made before the split) it says so and is a warning.

    ## Why it matters
    A copy with noise, in another encoding, brighter, or resized is as easy as an exact one for a model
    that has seen the original, and a comparison of rows does not find it.

    ## Example
    Images are augmented with noise, or saved again as JPEG, before they are split.

    ## Fix
    Drop the evaluation rows listed (`report.rows_to_drop()` gives the mask), or keep all versions of an
    original on one side: split by the id of the original. Augment after the split.

    ## Options
    None.

    ## Limits
    In few dimensions rows lie close by nature: noise must be smaller there to be told from it. A random split
    of families of near-identical rows is exchangeable, so no distance can say whether they were made or
    collected; hence the warning. Copies that were flipped, turned, moved or inverted are left to DUP003,
    windows that overlap to DUP004; pictures of another brightness or contrast are found here, and by DUP003
    where nothing else was changed.
    """
    found = context.shared(copies)
    owners = found.first[found.rows("train")]
    distinct = np.flatnonzero(owners == np.arange(owners.size))
    if distinct.size < LEAST_ROWS:
        raise Skip(f"train has fewer than {LEAST_ROWS} distinct rows")
    rng = context.rng("DUP002")
    around: Surroundings | None = None
    for split in context.case.comparable:
        group = found.first[found.rows(split.name)]
        alien = np.flatnonzero(found.match(split.name, "train") < 0)
        rows = alien[np.sort(np.unique(group[alien], return_index=True)[1])]  # a repeated row is one event
        if not rows.size:
            continue
        here, there = points(context.case.train, split)
        around = around or surroundings(here, distinct, rng)
        close, looked = near_copies(around, there, rows, rng)
        if looked < rows.size:
            yield _coverage(split, looked, rows.size)
        if close is not None:
            yield _finding(split, close, group)


def _coverage(split: Split, looked: int, of: int) -> Coverage:
    return Coverage(
        looked,
        of,
        f"{split.name} rows",
        float((1.0 - looked / of) ** max(1, of // 100)),
        "a sample; the miss probability is for near copies of 1% of the rows",
    )


def _finding(split: Split, close: Closeness, group: NDArray[np.int64]) -> Finding:
    near = np.flatnonzero(np.isin(group, group[close.cross.rows[close.close]]))
    rows = Rows.where(split.name, near, split.n_rows)
    relative = float(np.median(close.distance[close.close] / close.natural[close.close]))
    usual = float(np.median(close.own.ratio))
    excess = close.excess
    return Finding(
        _message(split, close, relative=relative, all_rows=near.size),
        Evidence.of(
            Measure(f"share of {split.name} rows", close.share, 0.0, "%"),
            Measure("share of train rows as near to another", close.train_share, None, "%"),
            Measure("distance over that of a natural neighbour, median", relative, None),
            Measure("the same for train rows, median", usual, None),
            Measure(
                f"ratio of the distances to neighbours {RANKS[excess.nearer]} and {RANKS[excess.farther]}",
                float(np.median(close.cross.distance[close.close, excess.nearer]
                                / close.cross.distance[close.close, excess.farther])),
                excess.threshold,
            ),
            Measure("natural neighbours expected among them", excess.expected, None, "rows"),
            Measure("probability by chance", excess.p, 1e-6),
            Measure("probability that train holds as many", close.p_split, None),
            examples=_examples(split, close),
        ),
        _fix(split, rows, foreign=close.foreign),
        splits=(split.name, "train"),
        rows=(rows,),
        severity=None if close.foreign else Severity.WARNING,
    )  # fmt: skip


def _message(split: Split, close: Closeness, *, relative: float, all_rows: int) -> str:
    count, looked = int(close.close.sum()), close.looked
    different = "different " if all_rows > count else ""
    start = (
        f"{count:,} of {looked:,} {different}{split.name} rows ({close.share:.1%}) are near copies of train rows: typically "
        f"at {relative:.2g} times the distance to a natural neighbour"
    )
    if close.foreign:
        return f"{start}. Of train rows {close.train_share:.1%} lie as near to another train row."
    if close.train_share < close.share / 2:
        return (
            f"{start}. Of train rows {close.train_share:.1%} lie as near to another; there are too few to tell "
            "whether that is less."
        )
    return (
        f"{start}. Train repeats itself as much ({close.train_share:.1%} of its rows), so they were made or "
        "collected before the split."
    )


def _fix(split: Split, rows: Rows, *, foreign: bool) -> Fix:
    name = split.name
    if foreign:
        labels = f"\ny_{name} = y_{name}[keep]" if split.y is not None else ""
        return Fix(
            f"Drop the {name} rows that are near copies of train rows.",
            f'keep = ~report.rows_to_drop()["{name}"]\nX_{name} = X_{name}[keep]{labels}',
            drop=(rows,),
        )
    return Fix(
        "Keep near-identical rows on one side: split by what they come from, and augment after the split.",
        "from sklearn.model_selection import GroupShuffleSplit\n"
        "# original: for each row of X, the id of the mail, picture or recording it was made from\n"
        "train, test = next(GroupShuffleSplit(1, test_size=0.2).split(X, y, groups=original))",
        drop=(rows,) if rows.share < 0.5 else (),
    )


def _examples(split: Split, close: Closeness) -> list[dict[str, Any]]:
    at = np.flatnonzero(close.close)
    at = at[np.argsort(close.distance[at] / close.natural[at], kind="stable")[:5]]
    return [
        {
            f"{split.name} row": int(close.cross.rows[i]),
            "train row": int(close.cross.partner[i]),
            "distance": float(close.distance[i]),
            "of a natural neighbour": float(close.natural[i]),
        }
        for i in at
    ]
