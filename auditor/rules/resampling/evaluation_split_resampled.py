"""RSM003."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.coincidence import boundary, expected_equals
from auditor.measures.copies import copies
from auditor.measures.repetition import Repetition, own_repetition, repetition
from auditor.measures.segments import BITS, CONTRAST, LEAST_RATE, Interpolated, coverage, segments
from auditor.measures.target import Target, target

ALPHA = 1e-6
"""Level at which two splits' class proportions differ, and at which a class repeats more than another."""

SHIFT = 0.1
"""Share of rows that would have to change class to make the proportions equal."""

ODDS = 5.0
"""Odds of being repeated, over those in the reference class: the effect size."""

SPREAD = 0.5
"""Unevenness of repeats up to which rows of a class count as repeated alike."""

OBVIOUS = 0.3
"""Share of repeated rows from which no equality of class counts is asked for."""

STRADDLING = 0.6
"""Share of the copies expected under a random split from which repeats are RSM001's."""

FEWEST = 20
"""Rows of each class from which equal class counts are no accident of size."""

JUDGED = 200
"""Repeated rows whose surprisal is computed."""


@rule(
    "RSM003",
    "evaluation-split-resampled",
    severity=Severity.WARNING,
    needs=("comparable rows", "labels on two splits"),
    since="0.1",
)
def evaluation_split_resampled(context: Context) -> Iterator[Finding | Coverage]:
    """Rows of an evaluation split were resampled, so that its score is of another population.

    ## What it does
    Looks for three traces in each evaluation split by itself.

    * *Interpolated rows*: rows of a class on lines with two others of the same split, in every continuous
      feature and to rounding, as no other class has them (the test is that of RSM002).
    * *Repeated rows*: a class with fewer different rows than the largest repeats a greater share of them,
      beyond chance (a binomial tail of one in a million) and at five times the odds; repeats them alike;
      three in ten of them or more, or up to exactly as many rows as the largest class has; and their
      values are too rare to recur by chance.
    * *Balanced classes*: every class has exactly as many rows as the others, at least 20, while another
      evaluation split has other proportions: beyond chance (a chi-squared tail of one in a million) and
      by a tenth of its rows.

    Traces that straddle the splits are left to RSM001 and RSM002, which are errors.

    ## Why it matters
    Accuracy, precision and average precision depend on how frequent classes are: a classifier with a
    recall and a specificity of 0.9 has a precision of 0.9 on balanced rows and of 0.08 where one row in a
    hundred is positive. Repeated and interpolated rows add weight, not evidence: intervals are too narrow.

    ## Example
    `X_val, y_val = SMOTE().fit_resample(X_val, y_val)` after the split; a validation set drawn balanced
    beside a test set drawn as the data come.

    ## Fix
    Leave evaluation splits as they come, and resample train only. Where classes are rare, report metrics
    that do not depend on prevalence, or weigh rows.

    ## Options
    None.

    ## Limits
    Classes that are balanced in every evaluation split are taken to be so by design. Undersampling that
    does not make counts equal is told by LBL005, if at all. Interpolation is found under the limits of
    RSM002, repetition under those of RSM001.
    """
    labels = context.shared(target)
    if not labels.is_classes:
        raise Skip("the labels are quantities, not classes")
    if len(labels.classes) < 2:
        raise Skip("the labels are all the same")
    for split in context.shared(copies).splits[1:]:
        if {split, "train"} <= labels.codes.keys():
            yield from _interpolated(context, split)
            yield from _repeated(context, split)
    evaluated = [split.name for split in context.case.evaluation if split.name in labels.codes]
    for split, other in permutations(evaluated, 2):
        yield from _balanced(labels, split, other)


def _interpolated(context: Context, split: str) -> Iterator[Finding | Coverage]:
    labels, found = context.shared(target), context.shared(copies)
    classes = context.shared(segments, found, split, context.config.seed)
    yield from coverage(classes)
    named = tuple(
        one
        for one in classes
        if one.stands_out(classes, inside=True) and not one.stands_out(classes, inside=False)
    )
    if not named:
        return
    hits = np.concatenate([one.row[one.inside] for one in named]) - found.rows(split).start
    rows = Rows.where(split, hits, context.case[split].n_rows)
    share = sum(one.concerned(inside=True) for one in named) / rows.of
    names = tuple(labels.classes[one.label] for one in named)
    yield Finding(
        f"{split} was resampled on its own: {'; '.join(_counts(one, labels) for one in named[:5])} are, to rounding, "
        f"on a line with two others of {split}, as SMOTE leaves them. {share:.1%} of {split} is concerned; its "
        "score is in part of rows that were never observed.",
        Evidence.of(
            Measure(f"share of {split} rows on a line with others of {split}", share, 0.0, "%"),
            Measure(
                f"share of rows looked from, class {names[0]}", named[0].rate(inside=True), LEAST_RATE, "%"
            ),
            Measure("surprisal of the lines", max(one.bits_inside for one in named), BITS, "bits"),
            Measure(
                "rate over that of a class left as it came",
                min(one.contrast(classes, inside=True) for one in named),
                CONTRAST,
            ),
        ),
        _fix(split),
        splits=(split,),
        rows=(rows,),
        classes=names,
    )


def _counts(one: Interpolated, labels: Target) -> str:
    looked = "" if one.anchors.size == one.held_out else f" looked from, of {one.held_out:,}"
    return f"{one.hits(inside=True).size:,} of {one.anchors.size:,} of class {labels.classes[one.label]!r}{looked}"


def _repeated(context: Context, split: str) -> Iterator[Finding]:
    labels, found = context.shared(target), context.shared(copies)
    alone = context.shared(own_repetition, found, split, len(labels.classes))
    joint = context.shared(repetition, found, split, len(labels.classes))
    reference = int(np.argmax(alone.different))
    trace = _oversampled(alone, reference)
    trace &= joint.straddling < np.maximum(1, STRADDLING * joint.expected)
    named = np.array([k for k in np.flatnonzero(trace) if _beyond_chance(context, split, int(k))], dtype=int)
    if not named.size:
        return
    again = found.counts(split)[found.rows(split)] > 1
    rows = Rows.where(split, again & np.isin(labels.codes[split], named))
    classes = tuple(labels.classes[k] for k in named)
    share = alone.repeated / np.maximum(alone.different, 1)
    names = ", ".join(map(repr, classes[:5])) + (", ..." if named.size > 5 else "")
    yield Finding(
        f"{split} was oversampled on its own: its {int(alone.rows[named].sum()):,} rows of class {names} are "
        f"{int(alone.different[named].sum()):,} different ones, repeated alike. {rows.share:.1%} of {split} is "
        "concerned; repeats add weight to the score, not evidence.",
        Evidence.of(
            Measure(f"{split} rows that stand more than once", rows.share, 0.0, "%"),
            Measure(
                f"share of different rows repeated, class {classes[0]}", float(share[named[0]]), None, "%"
            ),
            Measure(
                f"share of different rows repeated, class {labels.classes[reference]}",
                float(share[reference]),
                None,
                "%",
            ),
            Measure(f"unevenness of repeats, class {classes[0]}", float(alone.spread[named[0]]), SPREAD),
            examples=[
                {
                    "class": labels.classes[k],
                    f"{split} rows": int(alone.rows[k]),
                    "different rows": int(alone.different[k]),
                }
                for k in (*named[:5].tolist(), reference)
            ],
        ),
        _fix(split),
        splits=(split,),
        rows=(rows,),
        classes=classes,
        about="repeated",
    )


def _oversampled(alone: Repetition, reference: int) -> NDArray[np.bool_]:
    """Return which classes carry the trace of random oversampling within a split, shape (n_classes,)."""
    from scipy.special import betainc

    repeated, different = alone.repeated, alone.different
    natural = (repeated[reference] + 1) / (different[reference] + 2)
    tail = betainc(np.maximum(repeated, 1), np.maximum(different - repeated + 1, 1), natural)
    odds = (repeated + 0.5) / (different - repeated + 0.5)
    much = repeated >= OBVIOUS * different
    return np.asarray(
        (different < different[reference])
        & (repeated > 0)
        & (tail * different.size < ALPHA)
        & (odds > ODDS * odds[reference])
        & (alone.spread < SPREAD)
        & (much | (alone.rows == alone.rows[reference]))
    )


def _beyond_chance(context: Context, split: str, label: int) -> bool:
    """Whether most repeats of a class within a split are too surprising for a coincidence."""
    found, codes = context.shared(copies), context.shared(target).codes[split]
    times = found.counts(split)[found.rows(split)]
    first = found.match(split, split) == np.arange(codes.size)
    leaders = np.flatnonzero(first & (times > 1) & (codes == label) & ~found.blank[found.rows(split)])
    rng = np.random.default_rng([context.config.seed, zlib.crc32(f"repeats {split}".encode()), label])
    judged = np.sort(rng.permutation(leaders)[:JUDGED])
    if not judged.size:
        return False
    chance = expected_equals(context.case, found, (split, split), judged, rng)
    weight = times[judged] * (times[leaders].sum() / times[judged].sum())
    limit = boundary(chance, weight, codes.size)
    return bool((times[judged] * (chance <= limit)).sum() > 0.5 * times[judged].sum())


def _balanced(labels: Target, split: str, other: str) -> Iterator[Finding]:
    counts, natural = labels.counts(split), labels.counts(other)
    present = counts > 0
    kinds = int(present.sum())
    if kinds < 2 or np.ptp(counts[present]) > 0 or counts.max() < FEWEST or not natural.sum():
        return
    p = _equal_proportions(counts, natural)
    shift = 0.5 * float(np.abs(counts / counts.sum() - natural / natural.sum()).sum())
    if p >= ALPHA or shift < SHIFT:
        return
    rare = int(np.argmin(np.where(natural > 0, natural, natural.sum() + 1)))
    train = labels.counts("train")
    yield Finding(
        f"{split} was balanced: each of its {kinds:,} classes has exactly {int(counts.max()):,} rows, while class "
        f"{labels.classes[rare]!r} makes {natural[rare] / natural.sum():.1%} of {other} and "
        f"{train[rare] / max(1, train.sum()):.1%} of train. Accuracy and precision on {split} say little of {other}.",
        Evidence.of(
            Measure(f"share of rows of another class than in {other}", shift, SHIFT, "%"),
            Measure("p-value of equal proportions", p, ALPHA),
            examples=[
                {"class": labels.classes[k], split: int(counts[k]), other: int(natural[k])}
                for k in np.flatnonzero(counts + natural)[:5]
            ],
        ),
        _fix(split),
        splits=(split, other),
        about="balanced",
    )


def _equal_proportions(counts: NDArray[np.int64], others: NDArray[np.int64]) -> float:
    """Return the tail of Pearson's chi-squared statistic of two rows of counts."""
    from scipy.special import gammaincc

    both = np.stack([counts, others])[:, (counts + others) > 0].astype(np.float64)
    expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0) / both.sum()
    statistic = ((both - expected) ** 2 / expected).sum()
    return float(gammaincc((both.shape[1] - 1) / 2, statistic / 2))


def _fix(split: str) -> Fix:
    return Fix(
        f"Leave {split} as it came; resample train only.",
        "from imblearn.over_sampling import SMOTE\n"
        "X_train, y_train = SMOTE(random_state=0).fit_resample(X_train, y_train)  # train only\n"
        f"# X_{split}, y_{split}: as they were split off\n"
        "# in cross-validation: resample within each training fold\n"
        "from imblearn.pipeline import make_pipeline\n"
        "model = make_pipeline(SMOTE(random_state=0), classifier)",
    )
