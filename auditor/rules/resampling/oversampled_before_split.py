"""RSM001."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Rows, Scalar, Severity
from auditor._rule import Skip, rule
from auditor.measures.coincidence import coincidences
from auditor.measures.copies import copies, label_agreement, label_ids
from auditor.measures.repetition import Repetition, repetition
from auditor.measures.target import target

ALPHA = 1e-6
"""Level at which a class repeats more of its rows than the reference class, over all classes."""

ODDS = 5.0
"""Odds of being repeated, over those in the reference class: the effect size."""

SPREAD = 0.5
"""Unevenness of repeats up to which rows of a class count as repeated alike."""

STRADDLING = 0.6
"""Share of the copies expected under a random split that must straddle it."""

OBVIOUS = 0.3
"""Share of repeated rows from which no equality of class counts is asked for."""

FEWEST = 3
"""Copies that must straddle the splits."""


@rule(
    "RSM001",
    "oversampled-before-split",
    severity=Severity.ERROR,
    needs=("comparable rows", "labels on two splits"),
    since="0.1",
)
def oversampled_before_split(context: Context) -> Iterator[Finding]:
    """Rows of some classes were repeated before the split, so that their copies stand on both sides.

    ## What it does
    Takes train and each evaluation split together and counts, for each class, its rows, its different
    rows and how often each stands. Random oversampling (`RandomOverSampler`, `sklearn.utils.resample`,
    `np.repeat`, `np.tile`) leaves a trace that natural repeats do not. A class is named where

    * it has fewer different rows than the largest class, of which it repeats a greater share, beyond
      chance (a binomial tail of one in a million over all classes) and at five times the odds;
    * its rows are repeated alike: their counts vary hardly more than when rows are drawn at random. Where
      nature repeats rows, few of them make up most repeats;
    * copies stand on both sides about as often as if the rows were dealt to the splits at random, or
      more often, as when a tail of appended copies was held out;
    * where less than three in ten of its different rows are repeated, the class has been brought to
      exactly as many rows as the largest;
    * and chance does not explain the copies (see DUP001); or the class has exactly as many rows as the
      largest, most of them repeated, very evenly and at twenty times the odds: few values would repeat in
      the largest class too.

    ## Why it matters
    Every held-out row of the class was seen in training. Recall and precision on it are those of memory:
    a forest scores an AUC of 1.0 where the truth is 0.6. Only a test set that was split off before shows
    it.

    ## Example
    `X, y = RandomOverSampler().fit_resample(X, y)` followed by `train_test_split(X, y)`, or by
    `model.fit(X, y, validation_split=0.2)`.

    ## Fix
    Split first, then oversample the rows of train; or weigh classes in the loss. In cross-validation, put
    the sampler into an `imblearn.pipeline.Pipeline`, which resamples the training folds only.

    ## Options
    None.

    ## Limits
    Where features have few values and every class repeats its rows, copies look like chance and the rule
    is silent; so it is where the majority had fewer different rows than the class that was oversampled.
    Light oversampling, of less than three in ten rows and not to the size of the largest class, is left
    to DUP001. Copies that
    were augmented or interpolated are not equal: see DUP002, DUP003 and RSM002. Oversampling of every
    class alike is told by DUP001 alone.
    """
    labels = context.shared(target)
    if not labels.is_classes:
        raise Skip("the labels are quantities, not classes")
    if len(labels.classes) < 2:
        raise Skip("the labels are all the same")
    found = context.shared(copies)
    for split in found.splits[1:]:
        if split in labels.codes and "train" in labels.codes:
            counts = context.shared(repetition, found, split, len(labels.classes))
            reference = int(np.argmax(counts.different))
            named, clear = _oversampled(counts, reference, _sizes(context))
            named &= clear | _beyond_chance(context, split)
            if named.any():
                yield _finding(
                    context, _Named(split, labels.classes, counts, reference, np.flatnonzero(named))
                )


def _sizes(context: Context) -> NDArray[np.int64]:
    """Return the rows of each class over all splits, shape (n_classes,)."""
    labels = context.shared(target)
    sizes: NDArray[np.int64] = np.sum([labels.counts(split) for split in labels.codes], axis=0)
    return sizes


def _oversampled(
    counts: Repetition, reference: int, sizes: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which classes carry the trace of oversampling, and which one that few values cannot leave."""
    from scipy.special import betainc

    repeated, different = counts.repeated, counts.different
    natural = (repeated[reference] + 1) / (different[reference] + 2)
    tail = betainc(np.maximum(repeated, 1), np.maximum(different - repeated + 1, 1), natural)
    share = repeated / np.maximum(different, 1)
    odds = (repeated + 0.5) / (different - repeated + 0.5)
    balanced = (counts.rows == counts.rows[reference]) | (sizes == sizes[reference])
    trace: NDArray[np.bool_] = (
        (different < different[reference])
        & (repeated > 0)
        & (tail * counts.rows.size < ALPHA)
        & (odds > ODDS * odds[reference])
        & (counts.spread < SPREAD)
        & (counts.straddling >= FEWEST)
        & (counts.straddling >= STRADDLING * counts.expected)
        & ((share >= OBVIOUS) | balanced)
    )
    clear = balanced & (odds > 4 * ODDS * odds[reference]) & (counts.spread < SPREAD / 2)
    return trace, clear & (share >= 0.5) & (share[reference] <= 0.25) & (different >= 10)


def _beyond_chance(context: Context, split: str) -> NDArray[np.bool_]:
    """Return the classes most of whose copies chance does not explain, shape (n_classes,)."""
    labels, found = context.shared(target), context.shared(copies)
    chance = context.shared(coincidences, found, split, "train", context.config.seed)
    codes = labels.codes[split][chance.rows]
    known, n = codes >= 0, len(labels.classes)
    strange = np.bincount(codes[known & chance.unexplained], minlength=n)
    return np.asarray(strange > 0.5 * np.bincount(codes[known], minlength=n))


@dataclass(frozen=True, slots=True, eq=False)
class _Named:
    """What is said of one evaluation split: the classes oversampled, and the one they are held against."""

    split: str
    classes: tuple[Scalar, ...]
    counts: Repetition
    reference: int
    named: NDArray[np.int64]


def _finding(context: Context, told: _Named) -> Finding:
    split, found = told.split, context.shared(copies)
    agreement = label_agreement(found, context.shared(label_ids), split, "train")
    codes = context.shared(target).codes[split]
    copied = (agreement == 1) & ~found.blank[found.rows(split)] & np.isin(codes, told.named)
    rows = Rows.where(split, copied)
    return Finding(
        _message(told, rows),
        _evidence(told, rows),
        _fix(split),
        splits=(split, "train"),
        rows=(rows,),
        classes=tuple(told.classes[k] for k in told.named),
    )


def _message(told: _Named, rows: Rows) -> str:
    counts, split, k = told.counts, told.split, told.named
    names = ", ".join(repr(told.classes[i]) for i in k[:5]) + (", ..." if k.size > 5 else "")
    held, other = int(counts.held_out[k].sum()), int(counts.held_out[told.reference])
    against = (
        f", against {int(counts.straddling[told.reference]):,} of {other:,} of class {told.classes[told.reference]!r}"
        if other
        else ""
    )
    return (
        f"{'Class' if k.size == 1 else 'Classes'} {names} {'was' if k.size == 1 else 'were'} oversampled before the "
        f"split: {int(counts.straddling[k].sum()):,} of {held:,} {split} rows with such a label stand in train as "
        f"well{against}. They are {int(counts.different[k].sum()):,} different rows, each repeated alike, of "
        f"{int(counts.rows[k].sum()):,} in train and {split}; {rows.share:.1%} of {split} tests memory."
    )


def _evidence(told: _Named, rows: Rows) -> Evidence:
    counts, split, classes = told.counts, told.split, told.classes
    worst = told.named[np.argsort(-counts.straddling[told.named], kind="stable")]
    k, reference = int(worst[0]), told.reference
    share = counts.repeated / np.maximum(counts.different, 1)
    return Evidence.of(
        Measure(f"share of {split} rows repeated from train", rows.share, 0.0, "%"),
        Measure(
            f"{split} rows of class {classes[k]} that stand in train",
            int(counts.straddling[k]),
            FEWEST,
            "rows",
        ),
        Measure("of them expected from repeats split at random", float(counts.expected[k]), None, "rows"),
        Measure(f"share of different rows repeated, class {classes[k]}", float(share[k]), None, "%"),
        Measure(
            f"share of different rows repeated, class {classes[reference]}",
            float(share[reference]),
            None,
            "%",
        ),
        Measure(f"unevenness of repeats, class {classes[k]}", float(counts.spread[k]), SPREAD),
        examples=[
            {
                "class": classes[i],
                f"rows in train and {split}": int(counts.rows[i]),
                "different rows": int(counts.different[i]),
                f"{split} rows": int(counts.held_out[i]),
                "of them in train": int(counts.straddling[i]),
            }
            for i in (*worst[:5].tolist(), reference)
        ],
    )


def _fix(split: str) -> Fix:
    return Fix(
        "Split first, then oversample the rows of train only.",
        "from sklearn.model_selection import train_test_split\n"
        "from imblearn.over_sampling import RandomOverSampler\n"
        "# X, y: the rows before any resampling\n"
        f"X_train, X_{split}, y_train, y_{split} = train_test_split(X, y, stratify=y, random_state=0)\n"
        "X_train, y_train = RandomOverSampler(random_state=0).fit_resample(X_train, y_train)\n"
        "# in cross-validation: resample within each training fold\n"
        "from imblearn.pipeline import make_pipeline\n"
        "model = make_pipeline(RandomOverSampler(random_state=0), classifier)",
    )
