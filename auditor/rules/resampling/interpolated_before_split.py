"""RSM002."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Scalar, Severity
from auditor._rule import Skip, rule
from auditor.measures.copies import copies
from auditor.measures.segments import BITS, CONTRAST, LEAST_RATE, Interpolated, coverage, segments
from auditor.measures.target import target


@rule(
    "RSM002",
    "interpolated-before-split",
    severity=Severity.ERROR,
    needs=("comparable rows", "labels on two splits"),
    since="0.1",
)
def interpolated_before_split(context: Context) -> Iterator[Finding | Coverage]:
    """Rows were interpolated between rows of their class before the split, as SMOTE does.

    ## What it does
    SMOTE (Chawla et al., 2002) and its kin, Borderline-SMOTE, SVM-SMOTE, ADASYN, K-means-SMOTE and
    SMOTENC, make a row a + t (b - a) of two rows a and b and a random t. The three are on one line in
    every continuous feature, to rounding, and stay so under any scaling feature by feature. From each
    held-out row, the rule looks for two rows of its class on one line with it, of which one at least is
    in train: under a projection to a plane, a line through a row is one direction, so that sorting
    directions finds all candidates, and each is verified in up to 128 continuous features.

    The null is that the features of a row say nothing of each other once one of them has told where on
    the line it would be. Each further feature is then within rounding of the line with a probability of
    that rounding over the distance of the rows. What nature draws is set aside:

    * values on a grid (integers, decimals, scaled or not), and values that another row has too;
    * positions t that are simple fractions, as they are between points of a grid and in gaps filled by
      linear interpolation;
    * features that are linear functions of others, also where the rest is zero, as in shares of a whole;
    * curves, which are straight over short distances: the outer rows must be far apart, by sixteen times
      the root of the precision;
    * with two features, lines side by side in one direction, and fewer than three directions: rows that share a
      value, turned by a rotation, and logarithms of products draw those, and pairs of rows never do;
    * bundles: lines of many rows of which none is on a second line, as where features are proportional
      within groups. Interpolation starts several lines from a row;
    * lines that are as frequent (a fifth or more) in another class of half the size or more: oversampling
      spares the largest class, nature spares none.

    A class is named where three rows or more and 2 % of those looked from are on such lines, by 30 bits
    more than chance over all triples looked at. Oversampling train alone leaves lines between train rows,
    and no held-out row on them: it is not named.

    ## Why it matters
    A held-out row that is a mixture of train rows tests memory, and a train row that is a mixture of
    held-out rows gives them away. Predicting preterm birth from uterine recordings was published with an
    AUC of 0.96 and more; with the split before SMOTE it is 0.6.

    ## Example
    `X, y = SMOTE().fit_resample(X, y)` followed by `train_test_split(X, y)` or by `cross_val_score`.

    ## Fix
    Split first, then resample the rows of train. In cross-validation, put the sampler into an
    `imblearn.pipeline.Pipeline`, which resamples the training folds only.

    ## Options
    None.

    ## Limits
    * With one continuous feature every row is between two others, and nothing can be known. With two, a
      line is one coincidence: enough in double precision, not in single, and not where the rows interpolated
      between stand on a coarse grid, so that many are in one direction. Half precision never is.
    * Rounding afterwards, to integers or decimals, erases the trace; so do functions that bend lines
      (logarithm, power transform, quantiles, normalisation of rows).
    * Implementations that draw one t per feature (WEKA's, some of R) make no line.
    * Rows made between two classes (mixup), and classes that were all interpolated alike or that have
      nothing to be held against, are not told from nature.
    * Rows that are mixtures of two other rows by nature, in one class only, look the same: blends, counts
      divided by their sum, samples interpolated at irregular times.
    * Of a class with many rows, a sample of the held-out ones is looked from, and only at the 1,024
      nearest rows; coverage says so.
    """
    labels = context.shared(target)
    if not labels.is_classes:
        raise Skip("the labels are quantities, not classes")
    found = context.shared(copies)
    seen = 0
    for split in found.splits[1:]:
        if not {split, "train"} <= labels.codes.keys():
            continue
        classes = context.shared(segments, found, split, context.config.seed)
        seen += sum(one.features > 0 for one in classes)
        yield from coverage(classes)
        named = tuple(one for one in classes if one.stands_out(classes, inside=False))
        if named:
            yield _finding(context, _Told(split, named, classes))
    if not seen:
        raise Skip("no class has six different rows and two continuous features: nothing can be known")


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What is said of one evaluation split."""

    split: str
    named: tuple[Interpolated, ...]
    classes: tuple[Interpolated, ...]


def _finding(context: Context, told: _Told) -> Finding:
    split, case = told.split, context.case
    start = context.shared(copies).rows(split).start
    hits = np.concatenate([one.row[~one.inside] for one in told.named]) - start
    rows = Rows.where(split, hits, case[split].n_rows)
    labels = context.shared(target).classes
    return Finding(
        _message(context, told),
        Evidence.of(*_measures(context, told), examples=_examples(context, told)),
        Fix(
            "Split first, then resample the rows of train only.",
            "from sklearn.model_selection import train_test_split\n"
            "from imblearn.over_sampling import SMOTE\n"
            "# X, y: the rows before any resampling\n"
            f"X_train, X_{split}, y_train, y_{split} = train_test_split(X, y, stratify=y, random_state=0)\n"
            "X_train, y_train = SMOTE(random_state=0).fit_resample(X_train, y_train)\n"
            "# in cross-validation: resample within each training fold\n"
            "from imblearn.pipeline import make_pipeline\n"
            "model = make_pipeline(SMOTE(random_state=0), classifier)",
        ),
        splits=(split, "train"),
        rows=(rows,),
        classes=tuple(labels[one.label] for one in told.named),
    )


def _message(context: Context, told: _Told) -> str:
    labels, split = context.shared(target).classes, told.split
    parts = []
    for one in told.named[:5]:
        hits = one.hits(inside=False).size
        looked = "" if one.anchors.size == one.held_out else f" looked from, of {one.held_out:,}"
        parts.append(f"{hits:,} of {one.anchors.size:,} of class {labels[one.label]!r}{looked}")
    example = _examples(context, told)[0]
    share = _share(context, told)
    return (
        f"{split} rows were interpolated from train rows, as SMOTE does before a split: {'; '.join(parts)} are, to "
        f"rounding, on a line with two rows of their class in all {told.named[0].features:,} continuous features "
        f"looked at. {split} row {example[f'{split} row']} is at {example['position']:.3f} on the way from "
        f"{example['from']} to {example['to']}. {share:.1%} of {split} is concerned."
    )


def _share(context: Context, told: _Told) -> float:
    """Return the share of the split's rows concerned, estimated where a sample was looked from."""
    return sum(one.concerned(inside=False) for one in told.named) / context.case[told.split].n_rows


def _measures(context: Context, told: _Told) -> list[Measure]:
    labels, split = context.shared(target).classes, told.split
    measures = [Measure(f"share of {split} rows on a line with train rows", _share(context, told), 0.0, "%")]
    for one in told.named[:5]:
        rate = one.hits(inside=False).size / one.anchors.size
        measures.append(
            Measure(f"share of rows looked from, class {labels[one.label]}", rate, LEAST_RATE, "%")
        )
    others = [one for one in told.classes if one.label not in {known.label for known in told.named}]
    for one in others[:1]:
        rate = one.hits(inside=False).size / one.anchors.size
        measures.append(Measure(f"the same, class {labels[one.label]}", rate, None, "%"))
    measures.append(Measure("surprisal of the lines", max(one.bits for one in told.named), BITS, "bits"))
    least = min(one.contrast(told.classes, inside=False) for one in told.named)
    measures.append(Measure("rate over that of a class left as it came", least, CONTRAST))
    return measures


def _examples(context: Context, told: _Told) -> list[dict[str, Scalar]]:
    """Return a few rows with their parents, those between two train rows first."""
    found, case, split = context.shared(copies), context.case, told.split
    labels = context.shared(target).classes
    examples: list[dict[str, Scalar]] = []
    for one in told.named:
        lines = np.flatnonzero(~one.inside)
        between = (one.position[lines] > 0) & (one.position[lines] < 1)
        in_train = (one.one[lines] < case.train.n_rows) & (one.other[lines] < case.train.n_rows)
        lines = lines[np.lexsort((one.row[lines], -(between & in_train).astype(int)))]
        firsts = np.sort(np.unique(one.row[lines], return_index=True)[1])
        examples += [
            {
                f"{split} row": int(one.row[k]) - found.rows(split).start,
                "class": labels[one.label],
                "from": _place(case, found.rows(split).start, split, int(one.one[k])),
                "to": _place(case, found.rows(split).start, split, int(one.other[k])),
                "position": float(one.position[k]),
            }
            for k in lines[firsts][:5]
        ]
    return examples[:5]


def _place(case: Case, start: int, split: str, number: int) -> str:
    return f"train row {number}" if number < case.train.n_rows else f"{split} row {number - start}"
