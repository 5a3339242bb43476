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
from auditor.measures.families import Families, families
from auditor.measures.repetition import Repetition, repetition
from auditor.measures.target import target
from auditor.measures.transformed import Transformed, transformed_across, why_not_transformed
from auditor.measures.windows import window_overlaps

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

FAMILIES = 12
"""Families of near copies that there must be."""

WITHIN = 0.3
"""Share of the rows of a class that must stand in such families."""

NEARER = 0.5
"""Distance to the last of a family over that to the first stranger, at most, by the median."""

UNEVEN = 0.75
"""Variance of the number of near copies over the square of its mean, at most; half of that among draws."""

ALIKE = 0.02
"""Probability of as even a number of near copies among draws at random, at least."""

SCATTER = 0.35
"""How much wider than those of noise of one size distances may scatter, as a logarithm."""


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

    *Copies with noise* (a smoothed bootstrap: `RandomOverSampler(shrinkage=...)`, or noise added by hand) are
    looked for where classes have exactly as many rows as the largest. Around a row of a smooth density, the
    steps `k * log(r[k+1] / r[k])` between the distances to its neighbours are exponential, all of one
    mean, in dense classes as in thin ones (Renyi, 1953; Levina and Bickel, 2005). A row with copies leaves
    one step that is too wide, and rows up to it are a family. Families then take the place of repeated
    rows in the tests above, and more is asked of them: three in ten rows stand in twelve families or more,
    distances within them are those of noise of one size, and the number of copies is neither that of few
    favourites nor the same everywhere, as where each subject was measured as often.

    *Augmented copies* (flips, turns, shifts, another brightness: DUP003 finds them) are held against those
    of the class with most originals, by the same binomial tail and odds; at least three in ten
    evaluation rows of the class must be such copies. Rows without a second axis count where they are equal
    value for value after the change.

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
    to DUP001. Oversampling of every class alike is told by DUP001 alone.

    Noise is not seen where it reaches as far as the class's own neighbours, where less than three in ten
    rows have a copy, beyond 128 copies of a row, in classes brought to another size than the largest, and where
    every row got equally many copies: then no distance can tell copies from repeated measurements (DUP002
    finds the pairs). A class that by nature consists of many tight, equally wide clumps, in a table cut to
    equal classes, would be taken for one that was oversampled. Interpolated rows are RSM002's; pictures that
    were moved along one side look like windows of a series and are left to DUP004.
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
            yield from _with_noise(context, split, named)
            yield from _augmented(context, split, named)


def _sizes(context: Context) -> NDArray[np.int64]:
    """Return the rows of each class over all splits, shape (n_classes,)."""
    labels = context.shared(target)
    sizes: NDArray[np.int64] = np.sum([labels.counts(split) for split in labels.codes], axis=0)
    return sizes


def _more(counts: Repetition, reference: int) -> NDArray[np.bool_]:
    """Return which classes repeat more of their rows than the reference, beyond chance and at far greater odds."""
    repeated, different = counts.repeated, counts.different
    odds = _odds(counts)
    more: NDArray[np.bool_] = (
        (different < different[reference])
        & (repeated > 0)
        & (_tail(repeated, different, reference) < ALPHA)
        & (odds > ODDS * odds[reference])
        & (counts.straddling >= FEWEST)
        & (counts.straddling >= STRADDLING * counts.expected)
    )
    return more


def _tail(repeated: NDArray[np.int64], of: NDArray[np.int64], reference: int) -> NDArray[np.float64]:
    """Return the binomial probability of as many at the reference's share, times the number of classes."""
    from scipy.special import betainc

    natural = (repeated[reference] + 1) / (of[reference] + 2)
    tail = betainc(np.maximum(repeated, 1), np.maximum(of - repeated + 1, 1), natural)
    return np.asarray(tail * repeated.size)


def _odds(counts: Repetition) -> NDArray[np.float64]:
    return np.asarray((counts.repeated + 0.5) / (counts.different - counts.repeated + 0.5))


def _oversampled(
    counts: Repetition, reference: int, sizes: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which classes carry the trace of oversampling, and which one that few values cannot leave."""
    share = counts.repeated / np.maximum(counts.different, 1)
    balanced = (counts.rows == counts.rows[reference]) | (sizes == sizes[reference])
    trace = _more(counts, reference) & (counts.spread < SPREAD) & ((share >= OBVIOUS) | balanced)
    odds = _odds(counts)
    clear = balanced & (odds > 4 * ODDS * odds[reference]) & (counts.spread < SPREAD / 2)
    clear &= (share >= 0.5) & (share[reference] <= 0.25) & (counts.different >= 10)
    return trace, clear


def _with_noise(context: Context, split: str, known: NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield what families of near copies say, in classes brought to the size of the largest."""
    labels = context.shared(target)
    pair = labels.counts("train") + labels.counts(split)
    equal = np.zeros(pair.size, dtype=bool)
    for sizes in (pair, _sizes(context)):
        equal |= (sizes == sizes.max()) & (pair > 0)
    if equal.sum() < 2 or (known | ~equal).all():
        return
    kinds = tuple(np.flatnonzero(equal).tolist())
    found = context.shared(copies)
    made = context.shared(families, found, split, kinds, context.config.seed)
    reference = int(np.argmax(made.counts.different))
    with np.errstate(invalid="ignore"):
        named = _more(made.counts, reference) & made.noisy & (made.within >= WITHIN) & ~known
        named &= (made.counts.repeated >= FAMILIES) & (made.nearer < NEARER) & (made.scatter < SCATTER)
        named &= (made.uneven < UNEVEN) & (made.alike > ALIKE)
    if named.any():
        told = _Named(split, labels.classes, made.counts, reference, np.flatnonzero(named))
        yield _noise_finding(context, told, made)


def _augmented(context: Context, split: str, known: NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield what copies that were flipped, turned, moved or recoloured say."""
    if why_not_transformed(context.case.train):
        return
    found, labels = context.shared(copies), context.shared(target)
    made = context.shared(transformed_across, found, split, context.config.seed)
    if made is None or not made.rows.size:
        return
    made = _no_windows(context, split, made)
    codes, theirs = labels.codes[split], labels.codes["train"]
    made = made.only((codes[made.rows] == theirs[made.partner]) & (codes[made.rows] >= 0))
    if len(context.case.train.feature_shape) == 1:
        made = made.only(made.exact)  # few columns in one unit may be alike but for gain by nature
    rows = labels.counts(split)
    copied = np.bincount(codes[made.rows], minlength=rows.size)
    reference = int(np.argmax(rows - copied))
    odds = (copied + 0.5) / (rows - copied + 0.5)
    named = (_tail(copied, rows, reference) < ALPHA) & (odds > ODDS * odds[reference]) & ~known
    named &= (copied >= FEWEST) & (copied >= OBVIOUS * rows)
    if named.any():
        k = np.flatnonzero(named)
        yield _augmented_finding(context, split, k, reference, made.only(named[codes[made.rows]]))


def _no_windows(context: Context, split: str, made: Transformed) -> Transformed:
    """Leave out moves of windows that overlap others: a class with longer recordings has more of them."""
    moved = np.array([name.startswith("moved") for name in made.names])[made.change]
    if not moved.any():
        return made
    overlaps = context.shared(window_overlaps, split, context.config.seed)
    several = [overlap.rows for overlap in overlaps if overlap.rows.size and not overlap.only_shifted]
    return made.only(~(moved & np.isin(made.rows, np.concatenate([made.rows[:0], *several]))))


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
    held, other = int(counts.held_out[k].sum()), int(counts.held_out[told.reference])
    against = (
        f", against {int(counts.straddling[told.reference]):,} of {other:,} of class {told.classes[told.reference]!r}"
        if other
        else ""
    )
    return (
        f"{_listed(told.classes, k)} oversampled before the split: {int(counts.straddling[k].sum()):,} of {held:,} {split} rows with such a label stand in train as "
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


def _listed(classes: tuple[Scalar, ...], k: NDArray[np.int64]) -> str:
    names = ", ".join(repr(classes[i]) for i in k[:5]) + (", ..." if k.size > 5 else "")
    return f"Class {names} was" if k.size == 1 else f"Classes {names} were"


def _noise_finding(context: Context, told: _Named, made: Families) -> Finding:
    split, counts, k = told.split, told.counts, told.named
    codes = context.shared(target).codes[split]
    kept = np.isin(codes[made.rows], k)
    rows = Rows.where(split, made.rows[kept], codes.size)
    worst = k[np.argsort(-counts.straddling[k], kind="stable")]
    first, reference = int(worst[0]), told.reference
    return Finding(
        f"{_listed(told.classes, k)} oversampled with noise before the split: {int(counts.straddling[k].sum()):,} of "
        f"{int(counts.held_out[k].sum()):,} {split} rows with such a label have a near copy in train, against "
        f"{int(counts.straddling[reference]):,} of {int(counts.held_out[reference]):,} of class "
        f"{told.classes[reference]!r}. They fall into {int(counts.different[k].sum()):,} tight families of "
        f"{int(counts.rows[k].sum()):,} rows, and bring the class to exactly as many rows as the largest.",
        Evidence.of(
            Measure(f"{split} rows of class {told.classes[first]} that have a near copy in train",
                    int(counts.straddling[first]), FEWEST, "rows"),
            Measure("of them expected from families split at random", float(counts.expected[first]), None, "rows"),
            Measure(f"share of rows in families, class {told.classes[first]}", float(made.within[first]), WITHIN, "%"),
            Measure(f"share of rows in families, class {told.classes[reference]}",
                    float(made.within[reference]), None, "%"),
            Measure("distance within families over that to others, median", float(made.nearer[first]), NEARER),
            Measure("scatter of distances beyond noise of one size", float(made.scatter[first]), SCATTER),
            Measure("unevenness of copies", float(made.uneven[first]), UNEVEN),
            examples=[
                {f"{split} row": int(row), "train row": int(partner), "class": told.classes[codes[row]]}
                for row, partner in zip(made.rows[kept][:5], made.partner[kept][:5], strict=True)
            ],
        ),
        _fix(split),
        splits=(split, "train"),
        rows=(rows,),
        classes=tuple(told.classes[i] for i in k),
        about="noise",
    )  # fmt: skip


def _augmented_finding(
    context: Context, split: str, k: NDArray[np.int64], reference: int, made: Transformed
) -> Finding:
    labels = context.shared(target)
    codes, rows = labels.codes[split], Rows.where(split, made.rows, labels.codes[split].size)
    counts = labels.counts(split)
    change = np.bincount(made.change, minlength=len(made.names))
    common = [int(i) for i in np.argsort(-change, kind="stable")[:5] if change[i]]
    share = len(rows) / int(counts[k].sum())
    return Finding(
        f"{_listed(labels.classes, k)} augmented before the split: {len(rows):,} of {int(counts[k].sum()):,} {split} "
        f"rows with such a label ({share:.1%}) are train rows that were changed "
        f"({'; '.join(f'{made.names[i]}: {change[i]:,}' for i in common)}); of class "
        f"{labels.classes[reference]!r} hardly any are.",
        Evidence.of(
            Measure(f"share of {split} rows with such a label that are changed train rows", share, OBVIOUS, "%"),
            Measure("of them value for value", int(made.exact.sum()), None, "rows"),
            *(Measure(made.names[i], int(change[i]), None, "rows") for i in common),
            examples=[
                {f"{split} row": int(row), "train row": int(partner), "after being": made.names[how],
                 "class": labels.classes[codes[row]]}
                for row, partner, how in zip(made.rows[:5], made.partner[:5], made.change[:5], strict=True)
            ],
        ),
        Fix(
            "Split the originals first, then augment the rows of train only.",
            "from sklearn.model_selection import train_test_split\n"
            "# X, y: the originals, before any was changed\n"
            f"X_train, X_{split}, y_train, y_{split} = train_test_split(X, y, stratify=y, random_state=0)\n"
            "X_train, y_train = augment(X_train, y_train)  # train only",
        ),
        splits=(split, "train"),
        rows=(rows,),
        classes=tuple(labels.classes[i] for i in k),
        about="augmentation",
    )  # fmt: skip


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
