"""SHP004."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.columns import blocks, column_statistics
from auditor.measures.homogeneity import log_chance_of_absence

CHANCE = 1e-3
"""False alarms allowed over all features and evaluation splits."""

LEAST_ROWS = 10
"""Rows of train below which one value says nothing."""


@rule("SHP004", "constant-features", severity=Severity.INFO, since="0.1", stage="final")
def constant_features(context: Context) -> Iterator[Finding]:
    """Features have one value in all of train.

    ## What it does
    Lists the features that never vary in train (an info). For those that vary in an evaluation split it
    counts the rows that differ, and computes the probability that a random split would send all of them
    to that side (hypergeometric, exact); below 1 in 1000 after correction for the number of features and
    splits (Bonferroni), they are reported apart, as a warning. Columns of category codes are left out of
    the warning.

    ## Why it matters
    A model learns nothing from a constant, and its weights on that feature stay as they were drawn: what
    it does with another value is arbitrary. Divided by its own spread, such a feature explodes (SCL004).

    ## Example
    The column `site` of a study whose first hospital makes up train and whose second makes up val.

    ## Fix
    Drop what never varies; find out why what varies only in val does.

    ## Options
    None.

    ## Limits
    Features that are almost always one value, such as pixels at the border of images, may be constant
    in train by chance; they are counted in the info only. Missing values count as varying.
    """
    case = context.case
    if case.train.n_rows < LEAST_ROWS:
        raise Skip(f"train has fewer than {LEAST_ROWS} rows")
    stats = context.shared(column_statistics, "train")
    constant = np.flatnonzero(stats.constant & (stats.count == case.train.n_rows))
    if not constant.size:
        return
    values = case.train.flat[0, constant]
    varying = {split.name: _rows_that_differ(split, constant, values) for split in case.comparable}
    yield _info(case, constant, varying)
    for split in case.comparable:
        finding = _warning(case, split, constant, varying[split.name])
        if finding is not None:
            yield finding


def _rows_that_differ(
    split: Split, columns: NDArray[np.int64], values: NDArray[np.generic]
) -> NDArray[np.int64]:
    """Return how many rows of a split differ from train's value, shape (columns,)."""
    counts = np.zeros(columns.size, dtype=np.int64)
    for block in blocks(split.flat):
        counts += (block[:, columns] != values).sum(axis=0)
    return counts


def _info(case: Case, constant: NDArray[np.int64], varying: dict[str, NDArray[np.int64]]) -> Finding:
    d = case.train.n_features
    shown = ", ".join(case.feature(int(c)) for c in constant[:3])
    more = f" and {constant.size - 3:,} more" if constant.size > 3 else ""
    return Finding(
        f"{constant.size:,} of {d:,} features {'has' if constant.size == 1 else 'have'} one value in all {case.train.n_rows:,} rows of train: {shown}{more}.",
        Evidence.of(
            Measure("share of features", constant.size / d, 0.0, "%"),
            *(
                Measure(f"of these vary in {name}", int((counts > 0).sum()))
                for name, counts in varying.items()
            ),
            examples=[
                {"feature": case.feature(int(c)), "value": case.train.flat[0, c].item()} for c in constant[:5]
            ],
        ),
        Fix(
            "Drop them: the model learns nothing from them.",
            "varies = np.ptp(X_train.reshape(len(X_train), -1), axis=0) > 0\n"
            "X_train = X_train.reshape(len(X_train), -1)[:, varies]  # and every other split alike",
        ),
        splits=("train",),
        columns=tuple(constant.tolist()),
    )


def _warning(
    case: Case, split: Split, constant: NDArray[np.int64], counts: NDArray[np.int64]
) -> Finding | None:
    bar = math.log(CHANCE / (case.train.n_features * len(case.comparable)))
    log_p = np.array(
        [log_chance_of_absence(int(k), split.n_rows, case.train.n_rows) if k else 0.0 for k in counts]
    )
    telling = (log_p < bar) & ~case.categorical[constant]
    if not telling.any():
        return None
    columns, rows, worst_p = constant[telling], counts[telling], float(np.exp(log_p[telling].max()))
    order = np.argsort(-rows, kind="stable")[:5]
    shown = ", ".join(f"{case.feature(int(columns[i]))} ({rows[i]:,} rows)" for i in order[:3])
    more = f" and {columns.size - 3:,} more" if columns.size > 3 else ""
    name = split.name
    return Finding(
        f"{columns.size:,} {'feature has' if columns.size == 1 else 'features have'} one value in all of train, and "
        f"others in {name}: {shown}{more}. A random split would do that with a probability of at most {worst_p:.1g}: train and {name} differ in kind.",
        Evidence.of(
            Measure("features that vary in the evaluation split only", int(columns.size), 0),
            Measure("largest probability of that by chance", worst_p, CHANCE),
            examples=[
                {
                    "feature": case.feature(int(columns[i])),
                    "value in train": case.train.flat[0, columns[i]].item(),
                    f"{name} rows that differ": rows[i],
                    f"of {name} rows": split.n_rows,
                }
                for i in order
            ],
        ),
        Fix(
            "Find out why they vary on one side only; drop them, or split so that train sees their values.",
            "varies = np.ptp(X_train.reshape(len(X_train), -1), axis=0) > 0\n"
            f"X_{name} = X_{name}.reshape(len(X_{name}), -1)[:, varies]  # and every other split alike",
        ),
        splits=(name, "train"),
        columns=tuple(columns.tolist()),
        severity=Severity.WARNING,
    )
