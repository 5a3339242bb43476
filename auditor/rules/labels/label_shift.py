"""LBL005."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.encodings import disagreements
from auditor.measures.homogeneity import (
    cohen_w,
    grouped_p_value,
    kolmogorov_smirnov,
    proportions_p_value,
    total_variation,
)
from auditor.measures.label_faults import usable_codes
from auditor.measures.target import Target, target

CHANCE = 1e-3
"""False alarm rate over all evaluation splits, where rows (or groups) are split at random."""


@rule(
    "LBL005",
    "label-shift",
    severity=Severity.WARNING,
    needs=("labels on two splits",),
    since="0.1",
    options={"effect": 0.1},
    stage="given",
)
def label_shift(context: Context) -> Iterator[Finding]:
    """Class proportions, or the target's distribution, differ between splits beyond chance.

    ## What it does
    Classes: a chi-square test of the counts of train against those of each evaluation split, rare
    classes pooled and, besides, each tested exactly (Fisher). Quantities: the two-sample
    Kolmogorov-Smirnov test. The null is a random split of the rows; where `groups` are given, a random
    split of whole groups, simulated. A finding needs a p-value below 1 in 1000, divided by the number
    of evaluation splits, and an effect above `LBL005.effect`: Cohen's w for classes (0.50 to 0.55
    and 0.010 to 0.021 are both 0.1), the Kolmogorov-Smirnov distance for quantities.

    ## Why it matters
    Precision, accuracy, log loss and every threshold depend on how common the classes are. A model
    chosen on a split with other proportions is chosen for another task, and its probabilities are off.

    ## Example
    Classes upsampled to 1:1 in train while val keeps 9:1; or the last 20 % of rows, in which one class
    is more common, taken for validation.

    ## Fix
    Split with `stratify=y`. Where train was balanced on purpose, calibrate probabilities on rows with
    natural proportions. Where time or groups make the difference, it is real: say so beside the score.

    ## Options
    `LBL005.effect`: least effect size reported, 0.1 (small, after Cohen) by default.

    ## Limits
    Rows that depend on each other (windows, frames, several rows of a patient) vary more than chance
    allows; pass `groups` to take that into account. With several evaluation splits, each is compared
    with train only.
    """
    labels = context.shared(target)
    if not (labels.is_classes or labels.values):
        raise Skip("labels are neither classes nor single quantities")
    known: Mapping[str, NDArray[Any]] = (
        context.shared(usable_codes, labels) if labels.is_classes else labels.values
    )
    explained = context.shared(disagreements, labels)
    splits = [s.name for s in context.case.evaluation if s.name in known]
    if "train" not in known or not splits:
        raise Skip("labels of train and of the evaluation splits cannot be compared (see LBL004)")
    rng = context.rng("LBL005")
    for name in splits:
        how = explained.get(name)
        if how is not None and how.kind != "spelling":
            continue
        bar = CHANCE / len(splits)
        least = context.option("LBL005.effect")
        pair = {"train": known["train"], name: known[name]}
        if labels.is_classes:
            finding = _shifted_classes(context.case, labels, pair, bars=(bar, least), rng=rng)
        else:
            finding = _shifted_quantity(context.case, pair, bars=(bar, least), rng=rng)
        if finding is not None:
            yield finding


def _shifted_classes(
    case: Case,
    labels: Target,
    codes: Mapping[str, NDArray[np.int64]],
    *,
    bars: tuple[float, float],
    rng: np.random.Generator,
) -> Finding | None:
    train, here = (np.bincount(c[c >= 0], minlength=len(labels.classes)) for c in codes.values())
    if not (here.any() and train.any()) or cohen_w(train, here) < bars[1]:
        return None
    p = proportions_p_value(train, here)
    if p < bars[0]:
        p = max(p, _grouped_p(case, codes, cohen_w, rng))
    if p >= bars[0]:
        return None
    return _class_finding(labels, list(codes)[1], (train, here), p, bars)


def _group_numbers(case: Case, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the group of every row of train and of the split as numbers; None where rows were split.

    Groups with rows on both sides show that it was rows that were split, not groups.
    """
    ours, theirs = case[name].groups, case.train.groups
    if ours is None or theirs is None or ours.dtype.kind != theirs.dtype.kind:
        return None
    ids, numbers = np.unique(np.concatenate([theirs, ours]), return_inverse=True)
    train, here = np.split(numbers.reshape(-1).astype(np.int64), [theirs.size])
    if np.intersect1d(train, here).size or ids.size == numbers.size:
        return None
    return train, here


def _grouped_p(
    case: Case,
    bins: Mapping[str, NDArray[np.int64]],
    statistic: Callable[[NDArray[np.int64], NDArray[np.int64]], float],
    rng: np.random.Generator,
) -> float:
    """Return the p-value over random splits of whole groups; 0 where there are no groups.

    `bins` holds the class, or the bin of the quantity, of every row of train and of the split, in this
    order; -1 for rows without.
    """
    groups = _group_numbers(case, list(bins)[1])
    if groups is None:
        return 0.0
    numbers, cells = np.concatenate(groups), np.concatenate(list(bins.values()))
    shape = (int(numbers.max()) + 1, int(cells.max()) + 1)
    if shape[0] * shape[1] > 2**26:
        return 0.0
    known = cells >= 0
    table = np.bincount(numbers[known] * shape[1] + cells[known], minlength=shape[0] * shape[1])
    drawn = np.zeros(shape[0], dtype=bool)
    drawn[groups[1]] = True
    return grouped_p_value(table.reshape(shape), drawn, statistic, rng)


def _class_finding(
    labels: Target,
    name: str,
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    p: float,
    bars: tuple[float, float],
) -> Finding:
    train, here = counts
    ours, theirs = here / here.sum(), train / train.sum()
    ranked = np.argsort(-np.abs(ours - theirs), kind="stable")[:5].tolist()
    shown = "; ".join(
        f"{labels.classes[c]!r} {theirs[c]:.1%} of train, {ours[c]:.1%} of {name}" for c in ranked[:3]
    )
    present = train[train > 0]
    balanced = present.size > 1 and present.max() - present.min() <= 1 and not np.ptp(here[train > 0]) <= 1
    note = " Train holds every class equally often, as after balancing." if balanced else ""
    return Finding(
        f"Class proportions of {name} differ from train's beyond chance: {shown}.{note} "
        f"{total_variation(train, here):.1%} of the rows of {name} would have to change class.",
        Evidence.of(
            Measure("Cohen's w", cohen_w(train, here), bars[1]),
            Measure("p-value of a random split", p, bars[0]),
            Measure("total variation distance", total_variation(train, here), unit="%"),
            examples=[
                {
                    "class": labels.classes[c],
                    "train": f"{theirs[c]:.2%}",
                    name: f"{ours[c]:.2%}",
                    "train rows": train[c],
                    f"{name} rows": here[c],
                }
                for c in ranked
                if ours[c] != theirs[c]
            ],
        ),
        _fix(name, classes=True),
        splits=(name, "train"),
    )


def _shifted_quantity(
    case: Case,
    values: Mapping[str, NDArray[np.float64]],
    *,
    bars: tuple[float, float],
    rng: np.random.Generator,
) -> Finding | None:
    name = list(values)[1]
    train, here = (v[np.isfinite(v)] for v in values.values())
    if not (here.size and train.size):
        return None
    distance, p = kolmogorov_smirnov(train, here)
    if distance < bars[1] or p >= bars[0]:
        return None
    p = max(p, _grouped_p(case, _binned(values), _binned_distance, rng))
    if p >= bars[0]:
        return None
    (low, mid, high), (base_low, base_mid, base_high) = (
        np.percentile(v, (25, 50, 75)) for v in (here, train)
    )
    return Finding(
        f"The target of {name} is distributed unlike train's beyond chance: median {mid:.4g} against "
        f"{base_mid:.4g} in train, quartiles {low:.4g} and {high:.4g} against {base_low:.4g} and "
        f"{base_high:.4g}.",
        Evidence.of(
            Measure("Kolmogorov-Smirnov distance", distance, bars[1]),
            Measure("p-value of a random split", p, bars[0]),
            Measure(f"median of y_{name}", float(mid)),
            Measure("median of y_train", float(base_mid)),
        ),
        _fix(name, classes=False),
        splits=(name, "train"),
    )


def _binned(values: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.int64]]:
    """Return the bins of the target between its 64-quantiles over both splits, -1 where it is missing."""
    everything = np.concatenate(list(values.values()))
    edges = np.unique(np.quantile(everything[np.isfinite(everything)], np.linspace(0, 1, 65)[1:-1]))
    return {
        split: np.where(np.isfinite(v), np.searchsorted(edges, v, side="right"), -1)
        for split, v in values.items()
    }


def _binned_distance(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    return float(np.abs(np.cumsum(a) / max(1, int(a.sum())) - np.cumsum(b) / max(1, int(b.sum()))).max())


def _fix(name: str, *, classes: bool) -> Fix:
    stratify = "y" if classes else "np.digitize(y, np.quantile(y, [0.2, 0.4, 0.6, 0.8]))"
    return Fix(
        "Split at random within classes, or state that the difference is real (time, site, balancing).",
        "from sklearn.model_selection import train_test_split\n"
        f"X_train, X_{name}, y_train, y_{name} = train_test_split(X, y, stratify={stratify}, random_state=0)",
    )
