"""DUP006."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import rule
from auditor.measures.copies import Copies, copies


@rule("DUP006", "copies-within-split", severity=Severity.INFO, since="0.1")
def copies_within_split(context: Context) -> Iterator[Finding]:
    """Rows of a split stand in it more than once.

    ## What it does
    Counts, in train and in each evaluation split of its shape, the rows that equal an earlier row of the
    same split value for value, and names the most frequent ones. Empty images and other rows with one
    value in every feature are counted apart.

    ## Why it matters
    A repeated row weighs as much as it is repeated: in the loss of train, in the score of validation and
    test. Where the repeats are an accident of how files were joined, both speak of fewer samples than
    they seem to. Random oversampling of train, after the split, repeats rows on purpose.

    ## Example
    Two exports of a database that overlap, concatenated.

    ## Fix
    Drop repeats before the split where they are accidents; keep them where rows are events that recur.

    ## Options
    None.

    ## Limits
    Says nothing on why rows repeat: tables of few distinct values do so by nature. An evaluation split of
    another shape than train's is not read (see SHP001).
    """
    found = context.shared(copies)
    for split in found.splits:
        again = found.first[found.rows(split)]
        leaders, place, sizes = np.unique(again, return_index=True, return_counts=True)
        if leaders.size < again.size:
            yield _finding(found, split, place, sizes)


def _finding(
    found: Copies,
    split: str,
    place: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> Finding:
    n = int(sizes.sum())
    leads = np.zeros(n, dtype=bool)
    leads[place] = True
    rows = Rows.where(split, ~leads)
    blank = int(found.blank[found.rows(split)].sum())
    largest = np.argsort(-sizes, kind="stable")[:5]
    top = int(sizes[largest[0]])
    return Finding(
        f"X_{split} repeats itself: {len(rows):,} of {n:,} rows ({rows.share:.1%}) equal an earlier one, which "
        f"leaves {sizes.size:,} different rows; row {int(place[largest[0]])} stands {top:,} times.",
        Evidence.of(
            Measure(f"share of {split} rows that equal an earlier one", rows.share, 0.0, "%"),
            Measure("different rows", int(sizes.size), None, "rows"),
            Measure("rows of the largest group", top, 1, "rows"),
            Measure("rows with one value in every feature", blank, None, "rows"),
            examples=[
                {"first row": int(place[group]), "stands": int(sizes[group])}
                for group in largest
                if sizes[group] > 1
            ],
        ),
        Fix(
            "Drop repeats before the split, if they are accidents.",
            "import numpy as np\n"
            "first = np.sort(np.unique(X.reshape(len(X), -1), axis=0, return_index=True)[1])\n"
            "X, y = X[first], y[first]  # then split",
        ),
        splits=(split,),
        rows=(rows,),
    )
