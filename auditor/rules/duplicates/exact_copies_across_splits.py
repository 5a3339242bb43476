"""DUP001."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Scalar, Severity
from auditor._rule import rule
from auditor.measures.coincidence import Coincidences, coincidences
from auditor.measures.copies import copies, label_agreement, label_ids
from auditor.measures.target import target

CONFLICTING = 0.15
"""Share of the label disagreement of random pairs from which equal rows do not tell samples apart."""

NATURAL = 3.0
"""Copies this many times as frequent as train's own repeats are more than strays."""


@rule(
    "DUP001",
    "exact-copies-across-splits",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
    options={"max_share": 0.001},
)
def exact_copies_across_splits(context: Context) -> Iterator[Finding | Coverage]:
    """Rows of an evaluation split stand, value for value, in the training split.

    ## What it does
    Groups equal rows of all splits by 64-bit digests, compares the rows themselves, and lists each
    validation and test row that equals a train row, with that row and whether the labels agree. Values
    are compared, not bytes: -0.0 equals 0.0, NaN equals NaN, 7 equals 7.0 in any dtype; splits stored as
    floats of two widths meet in the narrower one.

    Some rows repeat by nature, so copies are held against chance. The null is that evaluation rows are
    independent of train. A row then expects as many equals as train has rows times the probability of its
    values: the product of their frequencies in train, each given the feature it most depends on (a tree
    of features, Chow and Liu 1968; values seen once are counted as Good 1953 has it). If that is more, the
    row is taken apart otherwise: what it shares with its nearest row is as frequent as it is in train,
    and only the features that differ count one by one. Copies must be ten times as many as that makes and
    beyond a Poisson tail of 0.001, corrected for the steps tried. Or they must be ten times as frequent
    as repeats within either split: independent rows repeat as often within a split as across.

    * **error**: copies that chance does not explain.
    * **warning**: chance explains them, because values are few and common; or equal rows disagree on
      their labels, in train too, so that these features do not tell samples apart; or they are strays, up
      to `DUP001.max_share` of the rows and no more frequent than train's own repeats; or they stand in
      validation and test, but not in train.
    * **info**: at most one row in a hundred, which chance explains; or only rows that hold one value in
      every feature, such as empty images.

    ## Why it matters
    A model is praised for a row it has learned by heart. With a share s of copies, accuracy is inflated
    by up to s times the errors the model makes on new rows; early stopping and the choice of
    hyperparameters favour memory.

    ## Example
    Files concatenated twice; `val = data.sample(...)` without dropping those rows from train; a data set
    that holds its rows more than once, split at random; upsampling before the split (see RSM001).

    ## Fix
    Remove repeats before the split, or drop the listed evaluation rows. Where a row stands for an event
    that repeats, split by the thing that repeats (`GroupShuffleSplit`).

    ## Options
    `DUP001.max_share`: share of an evaluation split, 0.001 by default, up to which unexplained copies are
    a warning, provided that train repeats its own rows about as often. 0 makes every one an error.

    ## Limits
    Copies that were changed, were it by one bit, are DUP002's and DUP003's. With one feature, or a few of
    few values, a handful of copies is never more than chance. Rows that are a function of few hidden
    values (noise-free shapes, categories mixed by PCA) look more surprising than they are. Beyond 256
    features, dependence is learned between neighbouring features only. Where more than 200 different rows have
    copies, the surprise is judged on a sample and coverage says so.
    """
    found = context.shared(copies)
    for split in found.splits[1:]:
        yield from _judge(context, split, "train")
    if len(found.splits) == 3:
        yield from _judge(context, "test", "val")


@dataclass(frozen=True, slots=True, eq=False)
class _Copied:
    """What is said of one pair of splits."""

    split: str
    other: str
    chance: Coincidences
    agreement: NDArray[np.int8]
    conflicting: bool
    stray: bool

    @property
    def severity(self) -> Severity:
        """Severity of the finding."""
        chance = self.chance
        if chance.unexplained.any() and not self.conflicting:
            return Severity.WARNING if self.stray or self.other != "train" else Severity.ERROR
        few = chance.rows.size <= 0.01 * self.agreement.size
        return Severity.INFO if few or self.other != "train" else Severity.WARNING

    @property
    def judged(self) -> NDArray[np.int64]:
        """Rows that the finding is about."""
        chance = self.chance
        if not chance.rows.size:
            return chance.blank
        told = chance.unexplained.any() and not self.conflicting
        return chance.rows[chance.unexplained] if told else chance.rows


def _judge(context: Context, split: str, other: str) -> Iterator[Finding | Coverage]:
    found = context.shared(copies)
    chance = context.shared(coincidences, found, split, other, context.config.seed)
    if other != "train":  # what stands in train as well is already told
        new = found.match(split, "train")[chance.rows] < 0
        if not (chance.unexplained & new).any():
            return
    if not chance.rows.size and not chance.blank.size:
        return
    labels = context.shared(label_ids)
    agreement = label_agreement(found, labels, split, other)
    n = context.case[split].n_rows
    unexplained = int(chance.unexplained.sum()) / n
    natural = unexplained <= NATURAL * chance.repeat_rate
    copied = _Copied(
        split,
        other,
        chance,
        agreement,
        conflicting=_conflicting(context, (split, other), chance),
        stray=natural and unexplained < context.option("DUP001.max_share"),
    )
    if chance.judged < chance.different:
        yield Coverage(
            chance.judged,
            chance.different,
            "different rows with a copy",
            note=f"all {chance.different:,} are listed; how surprising they are was judged on a sample",
        )
    yield _finding(context, copied)


def _conflicting(context: Context, pair: tuple[str, str], chance: Coincidences) -> bool:
    """Whether equal rows disagree on their class nearly as random rows do, and train repeats itself as much."""
    labels, (split, other) = context.shared(target), pair
    frequent = chance.rows.size / context.case[split].n_rows > NATURAL * chance.repeat_rate
    if frequent or not {split, other, "train"} <= labels.codes.keys():
        return False
    mine, theirs = labels.codes[split][chance.rows], labels.codes[other][chance.matches]
    known = (mine >= 0) & (theirs >= 0)
    differ = int((mine != theirs)[known].sum())
    shares = labels.counts("train") / max(1, int(labels.counts("train").sum()))
    return differ >= 3 and differ >= CONFLICTING * float(1 - (shares**2).sum()) * int(known.sum())


def _finding(context: Context, copied: _Copied) -> Finding:
    split, other = copied.split, copied.other
    n = context.case[split].n_rows
    rows = Rows.where(split, copied.judged, n)
    error = copied.severity is Severity.ERROR
    return Finding(
        _message(copied, rows),
        Evidence.of(*_measures(copied, rows), examples=_examples(context, copied, rows)),
        _fix(split, rows, drop=error),
        splits=(split, other),
        rows=(rows,),
        severity=copied.severity,
    )


def _message(copied: _Copied, rows: Rows) -> str:
    split, other, chance = copied.split, copied.other, copied.chance
    head = f"{_counted(len(rows), rows.of, split)} in {other}, value for value"
    if not chance.rows.size:
        return f"{head}, but those hold one value in every feature, like an empty image."
    agreement = copied.agreement[rows.indices]
    same, differ = int((agreement == 1).sum()), int((agreement == 0).sum())
    labels = f"; {same:,} with the same label, {differ:,} with another" if same + differ else ""
    first = int(rows.indices[0])
    example = f" ({split} row {first} is {other} row {int(chance.matches[chance.rows == first][0])})"
    if copied.severity is Severity.ERROR:
        return f"{head}{example}{labels}. The score on them measures memory."
    if chance.unexplained.any() and copied.conflicting:
        return f"{head}{labels}: labels of equal rows differ as often in train, so these features do not tell samples apart."
    if chance.unexplained.any():
        why = (
            "Stray repeats, no more frequent than within train"
            if copied.stray
            else "Neither score is of new rows only"
        )
        return f"{head}{example}{labels}. {why}."
    return (
        f"{head}{labels}. Chance explains that: the values are common (about {chance.bits:.0f} bits, where "
        f"{chance.bits_needed:.0f} would make a single copy suspicious). The score is partly one of rows already seen."
    )


def _counted(count: int, of: int, split: str) -> str:
    verb = "also stands" if count == 1 else "also stand"
    return f"{count:,} of {of:,} {split} rows ({count / max(1, of):.1%}) {verb}"


def _measures(copied: _Copied, rows: Rows) -> list[Measure]:
    split, other, chance = copied.split, copied.other, copied.chance
    agreement = copied.agreement[rows.indices]
    measures = [
        Measure(f"share of {split} rows equal in X", rows.share, 0.0, "%"),
        Measure(f"{split} rows equal in X", len(rows), 0, "rows"),
    ]
    if (agreement >= 0).any():
        same, differ = int((agreement == 1).sum()), int((agreement == 0).sum())
        measures += [
            Measure(f"{split} rows equal in X and y", same, None, "rows"),
            Measure(f"{split} rows equal in X with another label", differ, None, "rows"),
        ]
    measures += [
        Measure(f"share of {other} rows that {other} repeats", chance.repeat_rate, None, "%"),
        Measure("copies that chance explains", int((~chance.unexplained).sum()), None, "rows"),
        Measure("equal rows with one value in every feature", int(chance.blank.size), None, "rows"),
    ]
    if chance.rows.size:
        measures.append(Measure("surprisal of a typical copy", chance.bits, chance.bits_needed, "bits"))
    return measures


def _examples(context: Context, copied: _Copied, rows: Rows) -> list[dict[str, Scalar]]:
    match = context.shared(copies).match(copied.split, copied.other)
    said = {1: "yes", 0: "no", -1: "unknown"}
    return [
        {
            f"{copied.split} row": int(row),
            f"{copied.other} row": int(match[row]),
            "same label": said[int(copied.agreement[row])],
        }
        for row in rows.indices[:5]
    ]


def _fix(split: str, rows: Rows, *, drop: bool) -> Fix:
    if not drop:
        return Fix(
            "Report the score with and without these rows, or split so that equal rows stay together.",
            "import numpy as np\n"
            "from sklearn.model_selection import GroupShuffleSplit\n"
            "# X, y: all rows, before the split; equal rows form a group\n"
            "groups = np.unique(X.reshape(len(X), -1), axis=0, return_inverse=True)[1].ravel()\n"
            "train, held_out = next(GroupShuffleSplit(1, test_size=0.2, random_state=0).split(X, y, groups))",
        )
    return Fix(
        f"Drop these rows from {split}, or remove repeats before the split.",
        f'drop = report.rows_to_drop()["{split}"]\n'
        f"X_{split}, y_{split} = X_{split}[~drop], y_{split}[~drop]\n"
        "# better, before the split:\n"
        "import numpy as np\n"
        "first = np.sort(np.unique(X.reshape(len(X), -1), axis=0, return_index=True)[1])\n"
        "X, y = X[first], y[first]",
        drop=(rows,),
    )
