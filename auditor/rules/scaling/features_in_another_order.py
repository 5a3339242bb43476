"""SCL007."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.affine import comparable_columns
from auditor.measures.columns import column_statistics
from auditor.measures.feature_order import Reordered
from auditor.measures.reordered import MOST, reordered


@rule(
    "SCL007",
    "features-in-another-order",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
)
def features_in_another_order(context: Context) -> Iterator[Finding | Coverage]:
    """One split holds its features in another order, or with another sign.

    ## What it does
    *Columns* of a table are matched between train and an evaluation split, each to the one that is most
    alike in its quantiles and in its correlations (an assignment problem). A match other than the
    given order is reported where nine in ten of the features moved agree within the noise of two samples
    and the correlations between features, which did not enter by position, fall into place as well: the
    sum of their squared differences, in units of the sampling error, falls by that of five standard errors
    or more and by half; or they agree within their sampling error, and the log odds, half of what that sum
    falls by, with each match counted at the share of train's features that would do as well, less the log
    of the number of all orders, exceed a million to one. Data frames are compared by the names of their columns.
    *Channels* of images are compared by their means and spreads per image: in the given order a contrast
    has to be off by 8 standard errors, in the other all within 3.5. *Signs*: a feature is mirrored, and
    its correlations with the others are reversed (by Fisher's z, eight standard errors better than the
    same), all others being kept; or its values have one sign in one split and the other in the other,
    which is not what a cut at zero leaves: both splits hold zeros, or the sizes stay away from zero
    farther than a density that falls off on both sides of it allows (by the inequality of Dvoretzky,
    Kiefer, Wolfowitz and Massart, at one in a million). One such feature, without correlations that
    say so, is a warning.
    *Inverted* images: `top - x` restores nine in ten pixels.

    The null hypothesis is that the splits are two populations. These shift locations and spreads, but
    they keep the correlations between features, and no permutation of the features explains them.

    ## Why it matters
    The model reads one feature as another. Nothing fails: shapes and ranges are right.

    ## Example
    OpenCV reads BGR, everything else RGB; columns come from a set, a join or a sorted index.

    ## Fix
    Select the columns by name, in one order kept with the model; convert the channels where images are read.

    ## Options
    None.

    ## Limits
    Features that are alike in distribution and uncorrelated cannot be told apart, nor can the sign of a
    symmetric, uncorrelated one, nor where all features are symmetric and all signs turned, nor two
    features of a small table whose distributions alone have changed places: scores of two classes do so
    where the classes are met in other shares. Positive features that come down to zero evenly (a die, a
    rank) look like one half of a symmetric one. Channels need a few hundred images. Tables of more than 300
    features, or of fewer than 12 rows in a split, are not matched.
    """
    case = context.case
    found = {}
    for split in case.comparable:
        stats = [context.shared(column_statistics, name) for name in ("train", split.name)]
        usable = comparable_columns(case, *stats).size
        if usable > MOST and len(split.feature_shape) == 1:
            yield Coverage(
                0, usable, "features", 1.0, f"columns of more than {MOST} features are not matched"
            )
        one = context.shared(reordered, "train", split.name, *stats)
        if one is not None:
            found[split.name] = one
    for name, one in found.items():
        yield _finding(case, name, one)


def _finding(case: Case, name: str, one: Reordered) -> Finding:
    given, restored = one.structure
    measures = [
        Measure("features concerned", int(one.columns.size), 0),
        Measure("distance as given", one.before, 8 if one.kind == "channels" else None),
        Measure("distance with the order restored", one.after, one.noise),
    ]
    if math.isfinite(given):
        measures += [
            Measure("correlations apart as given", given),
            Measure("correlations apart with the order restored", restored, given / 2),
        ]
    pairs = list(zip(one.columns.tolist(), one.source.tolist(), strict=True))[:5]
    label = (lambda i: f"channel {i}") if one.kind == "channels" else case.feature
    examples = [{"train feature": label(i), f"stands in {name} at": label(j)} for i, j in pairs]
    return Finding(
        _message(case, name, one),
        Evidence.of(*measures, examples=examples if one.kind in {"columns", "channels"} else []),
        _fix(case, name, one),
        splits=(name, "train"),
        columns=tuple(one.columns.tolist()) if one.kind in {"columns", "signs"} else (),
        severity=Severity.ERROR if one.certain else Severity.WARNING,
    )


def _message(case: Case, name: str, one: Reordered) -> str:
    count = one.columns.size
    numbers = f"the median distance of their distributions falls from {one.before:.2g} to {one.after:.2g}"
    if one.kind == "channels":
        order = "BGR where train is RGB, or the other way round" if count == 2 else "another order"
        return (
            f"The channels of X_{name} stand in another order than train's ({order}): contrasts between channels "
            f"are {one.before:.0f} standard errors apart, and {one.after:.1f} with the order restored."
        )
    if one.kind == "inverted":
        return f"X_{name} is the negative of what X_train is: with it inverted, {numbers} over the pixels."
    if one.kind == "signs":
        names = ", ".join(case.feature(int(column)) for column in one.columns[:3])
        return f"{count:,} features of X_{name} have the other sign than in X_train ({names}): with it, {numbers}."
    return (
        f"{count:,} features of X_{name} stand in another order than in X_train: with it restored, {numbers}, and "
        f"their correlations from {one.structure[0]:.2g} apart to {one.structure[1]:.2g}."
    )


def _fix(case: Case, name: str, one: Reordered) -> Fix:
    if one.kind == "channels":
        order = np.arange(3)
        order[one.columns] = one.source
        index = f"[..., {order.tolist()}]" if case.train.feature_shape[-1] == 3 else f"[:, {order.tolist()}]"
        return Fix(
            "Read the images of all splits with the same channel order.", f"X_{name} = X_{name}{index}"
        )
    if one.kind == "inverted":
        return Fix(f"Invert X_{name}.", f"X_{name} = X_{name}.max() - X_{name}")
    if one.kind == "signs":
        columns = one.columns[:50].tolist()
        return Fix("Turn the signs where the split is made.", f"X_{name}[:, {columns}] *= -1")
    order = np.arange(case.train.n_features)
    order[one.columns] = one.source
    code = (
        f"X_{name} = X_{name}[:, {order.tolist()}]" if order.size <= 50 else f"X_{name} = X_{name}[columns]"
    )
    return Fix("Select the columns by name, in the order of train.", code)
