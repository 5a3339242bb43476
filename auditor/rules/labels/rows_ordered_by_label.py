"""LBL008."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.homogeneity import cohen_w, kolmogorov_smirnov, proportions_p_value
from auditor.measures.label_faults import usable_codes
from auditor.measures.order import PARTS, ClassOrder, class_order, rank_parts
from auditor.measures.target import Target, target

LEAST_ROWS = 20
"""Rows below which order cannot be told from chance."""

CHANCE = 1e-5
"""False alarm rate on rows in random order."""


@rule(
    "LBL008",
    "rows-ordered-by-label",
    severity=Severity.WARNING,
    needs=("train labels",),
    since="0.1",
    options={"distance": 0.25},
    stage="given",
)
def rows_ordered_by_label(context: Context) -> Iterator[Finding]:
    """Rows of train are sorted or blocked by label, so that a tail taken by position is another population.

    ## What it does
    Counts the runs of equal labels in the order of the rows of train and compares them with random
    order (the runs test of Wald and Wolfowitz, for any number of classes; p below 1 in 100,000), and
    compares the class proportions of consecutive fifths with those of all other rows. A finding needs
    both: too few runs, and a fifth whose total variation distance exceeds `LBL008.distance` beyond
    what chance gives. For quantities, the share of the ranks' variance that lies between fifths must
    exceed one half.

    ## Why it matters
    Keras takes `validation_split` from the end of the arrays before it shuffles; a fold of `KFold`
    without shuffling, `X[:n]`, and a loop that reads batches in order all take rows by position. From
    ordered rows each of these gives another mixture of classes.

    ## Example
    A majority class followed by upsampled copies of the minority: the last fifth is all minority, and
    `fit(X, y, validation_split=0.2)` validates on one class.

    ## Fix
    Shuffle rows, X and y together, before anything takes rows by position.

    ## Options
    `LBL008.distance`: total variation distance between a fifth and all other rows, 0.25 by default.

    ## Limits
    Rows in the order of time, in which the label drifts or stays for long, look the same and are
    reported too, unless `time_train` shows that the order is time's: a tail by position is another
    population there as well, but splitting by time may be what is wanted. Where val is given apart and
    its labels are distributed like train's, only a later split by position or unshuffled batches could go
    wrong, and the finding is an info.
    The order of evaluation splits does no harm and is not looked at.
    """
    labels = context.shared(target)
    split = context.case.train
    if _in_order_of_time(split):
        raise Skip("rows are in the order of time_train")
    if labels.is_classes and "train" in labels.codes:
        codes = context.shared(usable_codes, labels)
        finding = _blocked(context, labels, codes["train"])
    elif "train" in labels.values:
        values = labels.values["train"]
        finding = _sorted(context, labels, values[np.isfinite(values)])
    else:
        raise Skip("labels are neither classes nor single quantities")
    if finding is not None:
        yield finding


def _in_order_of_time(split: Split) -> bool:
    if split.time is None or split.n_rows < 2:
        return False
    return bool((split.time[1:] >= split.time[:-1]).all()) and split.time[0] != split.time[-1]


def _blocked(context: Context, labels: Target, codes: NDArray[np.int64]) -> Finding | None:
    codes = codes[codes >= 0]
    if codes.size < LEAST_ROWS:
        raise Skip(f"fewer than {LEAST_ROWS} rows")
    order = class_order(codes, len(labels.classes))
    least = context.option("LBL008.distance")
    worst = int(np.argmax(order.distances))
    if order.z > -_quantile() or order.distances[worst] < least:
        return None
    counts = order.parts
    shares = counts / counts.sum(axis=1, keepdims=True)
    telling = int(np.argmax(np.ptp(shares, axis=0)))
    listed = ", ".join(f"{share:.0%}" for share in shares[:, telling])
    kind = "sorted" if order.runs <= len(labels.classes) else "blocked"
    return Finding(
        f"Rows of train are {kind} by label: class {labels.classes[telling]!r} makes up {listed} of the "
        f"five consecutive fifths. Labels change {order.runs - 1:,} times from row to row; in random order, "
        f"about {order.expected_runs - 1:,.0f} times. A tail taken by position, such as "
        "validation_split, is another population.",
        Evidence.of(
            Measure("largest distance of a fifth from the rest", float(order.distances[worst]), least),
            Measure("runs of equal labels", order.runs, round(order.expected_runs, 1)),
            Measure("standard deviations from random order", order.z, -_quantile()),
            examples=_fifths(order, labels),
        ),
        _fix(),
        splits=("train",),
        severity=_severity(context, labels),
    )


def _quantile() -> float:
    """Return the standard normal quantile of ``CHANCE``."""
    from scipy.special import ndtri

    return float(-ndtri(CHANCE))


def _fifths(order: ClassOrder, labels: Target) -> list[dict[str, str]]:
    common = np.argsort(-order.parts.sum(axis=0), kind="stable")[:3].tolist()
    bounds = np.concatenate([[0], np.cumsum(order.parts.sum(axis=1))])
    return [
        {"labelled rows": f"{bounds[i]:,} to {bounds[i + 1] - 1:,}"}
        | {f"class {labels.classes[c]!r}": f"{order.parts[i, c] / order.parts[i].sum():.1%}" for c in common}
        for i in range(PARTS)
    ]


def _sorted(context: Context, labels: Target, values: NDArray[np.float64]) -> Finding | None:
    if values.size < LEAST_ROWS:
        raise Skip(f"fewer than {LEAST_ROWS} rows")
    between, means = rank_parts(values)
    # In random order, between * (n - 1) is about chi-square with PARTS - 1 degrees of freedom.
    from scipy.special import chdtrc

    p = float(chdtrc(PARTS - 1, between * (values.size - 1)))
    if between <= 0.5 or p >= CHANCE:
        return None
    medians = [f"{np.median(part):.4g}" for part in np.array_split(values, PARTS)]
    return Finding(
        f"Rows of train are ordered by the target: the medians of consecutive fifths are "
        f"{', '.join(medians)}; {between:.0%} of the variance of its ranks lies between them. A tail taken "
        "by position, such as validation_split, is another population.",
        Evidence.of(
            Measure("share of the ranks' variance between fifths", between, 0.5, "%"),
            Measure("p-value of random order", p, CHANCE),
            examples=[
                {"fifth": i + 1, "mean rank": float(m), "median": medians[i]} for i, m in enumerate(means)
            ],
        ),
        _fix(),
        splits=("train",),
        severity=_severity(context, labels),
    )


def _fix() -> Fix:
    return Fix(
        "Shuffle X and y together before anything takes rows by position.",
        "order = np.random.default_rng(0).permutation(len(X_train))\nX_train, y_train = X_train[order], y_train[order]",
    )


def _severity(context: Context, labels: Target) -> Severity:
    """Return info where val was given apart and has train's labels, else warning."""
    known: Mapping[str, NDArray[Any]] = (
        context.shared(usable_codes, labels) if labels.is_classes else labels.values
    )
    if "val" not in known or not known["val"].size:
        return Severity.WARNING
    if labels.is_classes:
        train, val = (
            np.bincount(c[c >= 0], minlength=len(labels.classes)) for c in (known["train"], known["val"])
        )
        alike = proportions_p_value(train, val) > CHANCE or cohen_w(train, val) < 0.1
    else:
        distance, p = kolmogorov_smirnov(known["train"], known["val"])
        alike = p > CHANCE or distance < 0.1
    return Severity.INFO if alike else Severity.WARNING
