"""SCL008."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.columns import column_statistics
from auditor.measures.pointwise import APART, Transformed, transformed


@rule(
    "SCL008",
    "transformed-differently",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
)
def transformed_differently(context: Context) -> Iterator[Finding]:
    """One split went through a function that another did not.

    ## What it does
    Takes the features whose distributions differ between train and an evaluation split, and tries whether
    one function without a parameter makes one split of the other: `log`, `log1p`, `log2`, `log10`, `sqrt`,
    `cbrt`, `square`, `exp`, `expm1`, `reciprocal`, `abs`, ranks, and truncation to whole numbers, in both
    directions. It has to bring nine in ten of these features within the noise of two samples of one
    distribution (Kolmogorov's distance at 1 in 1,000).

    The null hypothesis is that two populations differ so by chance. Against it, the values of one
    feature, with the function undone, have to stand on the grid of the other split's values (whole
    numbers, decimals), which no other population's would; or two features have to differ by more than
    location and scale; or four have to agree in all of location, scale and shape. Clipping is told by
    features, at least two, that stop at a value in one split, as often as the other goes beyond it.

    ## Why it matters
    The model learns on one scale and is scored on another. Skewed features are the ones that are
    transformed, and often the ones that matter most.

    ## Example
    `X_train["income"] = np.log1p(X_train["income"])`, and nothing for `X_test`.

    ## Fix
    Put the function into the one preprocessing that every split goes through.

    ## Options
    None.

    ## Limits
    Functions with a parameter (Box-Cox, a log of `x + 0.5`) and functions followed by scaling are not
    tried. A logarithm that changes scales by much may be told as another scale (SCL001), and values that
    all turn from negative to positive as another sign (SCL007). Whole numbers that another gain stretched
    are not taken as truncated: truncation makes one value of many. Clipping shows in measurements that
    hardly repeat a value, not in counts, which stop at values of their own. Features with fewer than 30 values in a split, or that the function hardly moves, say nothing.
    Up to 256 evenly spaced features and 2,000 rows of each split are compared.
    """
    case = context.case
    found = {}
    for split in case.comparable:
        stats = [context.shared(column_statistics, name) for name in ("train", split.name)]
        one = context.shared(transformed, "train", split.name, *stats)
        if one is not None:
            found[split.name] = one
    same = {(one.function, one.split) for one in found.values()}
    if len(found) == 2 and len(same) == 1 and next(iter(same))[1] == "train":
        yield _finding(case, next(iter(found.values())), tuple(found))
        return
    for one in found.values():
        yield _finding(case, one, (one.reference,))


def _finding(case: Case, one: Transformed, rest: tuple[str, ...]) -> Finding:
    others = " and ".join(f"X_{name}" for name in rest)
    action = f"has gone through {one.function}" if one.function[:3] == "np." else f"shows {one.function}"
    grid = (
        f" {one.on_grid:,} of them have values that stand, with it undone, on the grid of X_{one.reference}."
        if one.on_grid
        else ""
    )
    mild = one.before < APART
    return Finding(
        f"X_{one.split} {action} and {others} has not: it explains {one.columns.size:,} of {one.apart:,} features "
        f"that differ, and brings their median distance from {one.before:.2g} to {one.after:.2g}.{grid}",
        Evidence.of(
            Measure("median distance of the distributions", one.before, None if mild else APART),
            Measure("the same, with the function applied", one.after, one.noise),
            Measure("features it explains", int(one.columns.size)),
            Measure("features that differ", one.apart),
            Measure("features on the other split's grid", one.on_grid),
            examples=_examples(case, one),
        ),
        _fix(one, rest),
        splits=(one.split, *rest),
        columns=tuple(one.columns.tolist()),
        severity=Severity.WARNING if mild else Severity.ERROR,
    )


def _examples(case: Case, one: Transformed) -> list[dict[str, object]]:
    rows = []
    for column in one.columns[:5]:
        row: dict[str, object] = {"feature": case.feature(int(column))}
        for name in (one.split, one.reference):
            values = case[name].flat[:, column].astype(np.float64)
            low, middle, high = np.nanquantile(values, (0.0, 0.5, 1.0))
            row |= {f"least in {name}": low, f"median in {name}": middle, f"largest in {name}": high}
        rows.append(row)
    return rows


def _fix(one: Transformed, rest: tuple[str, ...]) -> Fix:
    columns = one.columns[:20].tolist()
    if one.function[:3] == "np.":
        code = "\n".join(f"X_{name}[:, {columns}] = {one.function}(X_{name}[:, {columns}])" for name in rest)
    else:
        code = f"X_{one.split} = prepare(raw_{one.split})  # the function that made X_{one.reference}"
    return Fix("Send every split through the same function, before it is scaled.", code)
