"""SCL001."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.affine import comparable_columns, scale_mismatch
from auditor.measures.columns import column_statistics
from auditor.measures.marginals import SAMPLE_COLUMNS
from auditor.measures.scale_mismatch import ScaleMismatch, factor_name

NEGLIGIBLE = 0.01
"""A factor this close to one (255 against 256) changes next to nothing."""

SCALERS = {
    "standardised": "StandardScaler()",
    "standardised, ddof 1": "StandardScaler()",
    "min-max": "MinMaxScaler()",
    "min-max to [-1, 1]": "MinMaxScaler((-1, 1))",
    "max-abs": "MaxAbsScaler()",
    "robust": "RobustScaler()",
    "rescaled": "StandardScaler()",
}
"""What makes a split look so."""

LOOKS = {
    "standardised": "standardised",
    "standardised, ddof 1": "standardised",
    "min-max to [-1, 1]": "scaled to [-1, 1]",
    "max-abs": "divided by its largest values",
    "robust": "scaled by its quartiles",
}
"""How a scaled split looks, where it is not in a unit range."""


@rule(
    "SCL001",
    "split-on-another-scale",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
)
def split_on_another_scale(context: Context) -> Iterator[Finding | Coverage]:
    """One split is on another scale than the rest: a division forgotten, a scaler not applied.

    ## What it does
    Compares the features' marginal distributions between splits and asks whether one split is an affine
    image of another, in five ways.

    - *Units*: the values of one split are whole multiples of one unit (whole numbers, 1/255, 1/127.5
      from -1, 1/255²), those of the other of another. This is an identity.
    - *Factor*: the spread of all features differs by one and the same factor of 8 or more, or of some
      features by a known factor of 50 or more (100, 255, 1,000, ...) while the others agree; or the values
      that features of few values take in one split are those of the other, times one factor of 8 or more.
    - *Factor before scaling*: the same, with a centre of its own for each feature, as a division
      forgotten before a fitted scaler leaves; the factor has to be 50 or more.
    - *Scaler not applied*: the values of three in ten features stand on another grid in one split than in
      the other (whole numbers, decimals and codes do, and a scaler moves the grid, feature by feature),
      hardly a feature on the same, and a quarter is stretched by more than 1.5; or one split looks
      standardised, or lies in [0, 1] or [-1, 1], and in the other most features differ, and half have
      locations or scales far from anything a scaler makes.

    - *Train's own scaler*: it has no parameter left to guess. Where train is raw, an evaluation split that
      went through it stands, with it undone, on the decimals that train is written in, as it does not as
      given; or takes train's values in the features of few values, as it does not as given; or agrees
      with train in the distributions of four features and nine in ten of those that differ. Where train
      shows its scaler (fitted on train again, it does nothing, to five digits), a split of decimals did not
      come out of it: a scaler gives every digit. The chance that values drawn anywhere stand on these
      decimals has to be below one in 10¹². A split that was scaled and then written in few decimals is told
      from a raw one by its steps, its values and its last digits.

    The null hypothesis is that the splits differ as populations do. A map is reported only where undoing
    it brings four fifths of the features within the noise of two samples of one distribution
    (Kolmogorov's distance at 1 in 1,000, small shifts forgiven as in Lévy's), and the median distance
    falls by 0.25. Instruments with another gain, covariate shift and sub-populations do not
    do that: their factors are smaller, or not shared.

    ## Why it matters
    The model meets inputs it has never seen. Accuracy may hold up while the loss is a thousand times too
    large, or the score of one split is noise.

    ## Example
    `X_train / 255`, `X_val / 255`, and `X_test` as it was read.

    ## Fix
    One function that prepares the rows, called for every split.

    ## Options
    None.

    ## Limits
    Two factors of 8 or more, shared by all features, cannot be told from a change of unit: they are one.
    Data that are already standardised, or lie in [0, 1], look the same with and without the scaler. A raw
    split beside a scaled train is not told where its features carry all digits (means, ratios, values stored
    in 32 bits and read into 64) and lie where another population may, up to six spreads away: nothing
    then tells a scaler that was not applied from drift. Where all its features are written in as many
    decimals as a scaled split rounded for storage may be, on a scale near the scaler's own, and lie
    elsewhere than train's, that is a warning.
    Fewer than ten values of a feature in a split say nothing. Up to 256 evenly spaced features and 2,000
    rows of each split are compared.
    """
    case = context.case
    splits = [case.train, *case.comparable]
    found = {}
    for i, one in enumerate(splits):
        for other in splits[i + 1 :]:
            stats = [context.shared(column_statistics, split.name) for split in (one, other)]
            pair = (one.name, other.name)
            found[pair] = context.shared(scale_mismatch, *pair, *stats)
            usable = comparable_columns(case, *stats).size
            if usable > SAMPLE_COLUMNS:
                yield Coverage(SAMPLE_COLUMNS, usable, "features", 0.0, "evenly spaced; scales are shared")
    yield from _findings(case, found)


def _findings(case: Case, found: dict[tuple[str, str], ScaleMismatch | None]) -> Iterator[Finding]:
    """Yield one finding for train where it is the odd one out, else one for each evaluation split."""
    with_train = {pair[1]: one for pair, one in found.items() if pair[0] == "train" and one is not None}
    agree = not any(one for pair, one in found.items() if pair[0] != "train")
    if len(with_train) == 2 and agree and not any(_train_is_right(one) for one in with_train.values()):
        first = next(iter(with_train.values()))
        yield _finding(case, "train", tuple(with_train), first, inverted=True)
        return
    for name, one in with_train.items():
        if len(case.splits) == 2 and one.kind not in {"factor", "offset"} and not one.first_scaled:
            yield _finding(case, "train", (name,), one, inverted=True)
        else:
            yield _finding(case, name, ("train",), one, inverted=False)


def _train_is_right(one: ScaleMismatch) -> bool:
    """Whether train is what it should be although two splits differ from it."""
    return one.kind == "offset" or (one.kind != "factor" and one.first_scaled)


def _finding(case: Case, odd: str, rest: tuple[str, ...], one: ScaleMismatch, *, inverted: bool) -> Finding:
    factor = 1 / one.factor if inverted else one.factor
    negligible = abs(math.log(factor)) < NEGLIGIBLE if math.isfinite(factor) else False
    others = " and ".join(f"X_{name}" for name in rest)
    return Finding(
        _message(odd, others, one, factor, inverted=inverted),
        Evidence.of(
            Measure("factor between the splits", None if math.isnan(factor) else factor, None),
            Measure("median distance of the distributions", one.before),
            Measure("the same, with the map undone", one.after, max(one.noise, 0.15)),
            Measure("features that follow", int(one.columns.size), None),
            Measure("features compared", one.compared, None),
            examples=_examples(case, odd, rest[0], one),
        ),
        _fix(odd, rest[0], one, factor),
        splits=(odd, *rest),
        columns=tuple(one.columns.tolist()) if one.columns.size < one.compared else (),
        severity=Severity.WARNING if negligible or one.rounded else Severity.ERROR,
    )


def _message(odd: str, others: str, one: ScaleMismatch, factor: float, *, inverted: bool) -> str:
    follow = (
        f"in {one.columns.size:,} of {one.compared:,} features compared, and undoing it brings the median "
        f"distance of the distributions from {one.before:.2g} to {one.after:.2g}"
    )
    if one.kind == "lattice":
        units = one.units if inverted else one.units[::-1]
        return (
            f"X_{odd} is on another scale than {others}: its values are {units[0]}, theirs are {units[1]} "
            f"(a factor of {_number(factor)})."
        )
    if one.kind in {"factor", "offset"}:
        about = _number(factor)
        how = " before it was scaled" if one.kind == "offset" else ""
        return f"X_{odd} is {others} times {about}{how}: the spread differs by that factor {follow}."
    scaled = f"X_{odd}" if one.first_scaled == inverted else others
    raw = others if one.first_scaled == inverted else f"X_{odd}"
    if one.kind == "rescaled":
        return (
            f"X_{odd} and {others} are on different scales, each feature by a factor and an offset of its own: "
            f"location and scale differ {follow}. A scaler was applied to one of them only."
        )
    looks = LOOKS.get(one.kind, "scaled to a unit range")
    if one.rounded:
        return (
            f"{scaled} looks {looks}, and {raw} is written in decimals, which no scaler gives: location and scale "
            f"differ {follow}. The scaler was not applied to {raw}, or its rows are others and were rounded later."
        )
    return (
        f"{scaled} looks {looks} and {raw} does not: location and scale differ {follow}. The scaler was not "
        f"applied to {raw}."
    )


def _number(factor: float) -> str:
    return factor_name(factor) or (f"about {factor:.4g}" if factor >= 1 else f"about 1/{1 / factor:.4g}")


def _examples(case: Case, odd: str, other: str, one: ScaleMismatch) -> list[dict[str, object]]:
    rows = []
    for column in one.columns[:: max(1, one.columns.size // 4)][:5]:
        row: dict[str, object] = {"feature": case.feature(int(column))}
        for name in (odd, other):
            values = case[name].flat[:, column].astype(np.float64)
            values = values[np.isfinite(values)]
            row |= {f"median in {name}": float(np.median(values)), f"std in {name}": float(values.std())}
        rows.append(row)
    return rows


def _fix(odd: str, other: str, one: ScaleMismatch, factor: float) -> Fix:
    if one.kind in SCALERS:
        scaler = SCALERS[one.kind]
        return Fix(
            "Apply the scaler fitted on train to every split.",
            f"scaler = {scaler}.fit(raw_train)\nX_train = scaler.transform(raw_train)\n"
            f"X_{odd if odd != 'train' else other} = scaler.transform(raw_{odd if odd != 'train' else other})",
        )
    if one.kind == "offset" or (one.kind == "lattice" and "-1" in " ".join(one.units)):
        return Fix(
            f"Prepare X_{odd} with the function that prepared X_{other}.",
            f"X_{odd} = prepare(raw_{odd})  # the one that made X_{other}",
        )
    operation = f"/ {factor:.10g}" if factor >= 1 else f"* {1 / factor:.10g}"
    chosen = (
        f"X_{odd}" if one.columns.size in {0, one.compared} else f"X_{odd}[:, {one.columns[:20].tolist()}]"
    )
    return Fix(
        f"Bring X_{odd} to the scale of X_{other}, best in the one function that prepares every split.",
        f"{chosen} = {chosen} {operation}",
    )
