"""FIT005."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._plan import FitPlan
from auditor._rule import Skip, rule
from auditor.measures.copies import copies
from auditor.measures.homogeneity import proportions_p_value
from auditor.measures.outlets import fit_plan
from auditor.measures.weighting import ClassWeights, class_ids, class_weights, repeats_of_class

CHANCE = 1e-6
"""Probability, had train and validation rows been split at random, below which train was resampled."""

EVEN = 1.02
"""Ratio of the largest to the smallest class up to which classes count as balanced."""


@rule("FIT005", "balanced-twice", severity=Severity.WARNING, needs=("fit",), since="0.1", stage="given")
def balanced_twice(context: Context) -> Iterator[Finding]:
    """Class weights stand on top of resampled rows, or do not weigh what they were meant to.

    ## What it does
    Gives each row of train the weight that Keras gives it, and looks for classes that were balanced
    already: repeats that one class has and the others lack, or equal class counts in train where the
    evaluation rows are far from equal (null: a random split; below one in a million). Weights that differ
    there are a warning. It notes weights that are the same for all classes, or do not average 1. Weights
    that Keras refuses, or reads by keys that no label has, are errors.

    ## Why it matters
    Balancing twice makes the rare class count for many times its share: it is predicted where it is not.
    Weights multiply the printed training loss and leave `val_loss` alone (sample weights multiply both
    with `validation_split`), so that a gap between the two curves means nothing. A key `"1"` is no error
    for Keras; it weighs every row by 1.

    ## Example
    Upsampling to 1:1, and `class_weight={0: 0.55, 1: 5.0}` computed before it.

    ## Fix
    Do one of the two. `compute_class_weight("balanced")` on the labels of train as `fit` sees them
    averages 1.

    ## Options
    None.

    ## Limits
    Interpolated rows leave no repeats, and show here only by equal counts. Weights on classes that are
    equally common by nature may be meant, and are a note.
    """
    plan = context.shared(fit_plan)
    weighted = bool(plan.weights.get("train"))
    if plan.class_weight is None and not weighted:
        raise Skip("no weights given")
    refused = _refusal(plan, weighted)
    if refused is not None:
        yield refused
        return
    if plan.class_weight is not None:
        yield from _class_weights(context, plan, plan.class_weight)
    if weighted:
        yield from _sample_weights(plan)


def _refusal(plan: FitPlan, weighted: bool) -> Finding | None:
    """Return what makes Keras raise."""
    if plan.class_weight is None:
        return None
    if weighted:
        why = "takes class_weight or sample_weight, and both are given"
    elif len(plan.targets.get("train", ())) > 1:
        why = f"takes class_weight for one output, and there are {len(plan.targets['train'])}"
    else:
        return None
    return Finding(
        f"Training will fail: fit {why}.",
        Evidence.of(Measure("kinds of weights", 2 if weighted else 1, 1)),
        Fix(
            "Multiply both into one weight per row.",
            "sample_weight = sample_weight * np.vectorize(class_weight.get)(y)\n"
            "model.fit(x, y, sample_weight=sample_weight)",
        ),
        splits=("train",),
        severity=Severity.ERROR,
        about="weights",
    )


def _class_weights(context: Context, plan: FitPlan, given: Mapping[Any, float]) -> Iterator[Finding]:
    targets = plan.targets.get("train", ())
    found = class_weights(targets[0], given) if targets else None
    if found is None:
        return
    if found.unkeyed.all() and given:
        yield _no_key(plan, given, found)
        return
    if found.uniform:
        if abs(found.mean - 1) > 1e-6:
            yield _uniform(found)
        return
    twice = _resampled(context, plan, found)
    if twice is not None:
        yield twice
    elif not 0.8 <= found.mean <= 1.25:
        yield _scaled("class_weight", found.mean, "val_loss is not weighted")


def _no_key(plan: FitPlan, given: Mapping[Any, float], found: ClassWeights) -> Finding:
    keys = ", ".join(repr(key) for key in list(given)[:4])
    classes = ", ".join(str(c) for c in found.classes[:4].tolist())
    effect = "fit raises an error" if plan.kind == "tf.data.Dataset" and any(isinstance(k, str) for k in given) else (
        "every row weighs 1, without a word"
    )  # fmt: skip
    return Finding(
        f"class_weight has the keys {keys}, and the classes are {classes}: no label is found, and {effect}.",
        Evidence.of(Measure("classes with a weight", 0, int(found.classes.size))),
        Fix(
            "Use the class numbers as keys.",
            "class_weight = {int(label): float(weight) for label, weight in class_weight.items()}",
        ),
        splits=("train",),
        severity=Severity.ERROR,
        about="keys",
    )


def _uniform(found: ClassWeights) -> Finding:
    weight = float(found.weights[0])
    return Finding(
        f"class_weight gives every class {weight:.4g}: it balances nothing, and multiplies the printed training loss by "
        f"{found.mean:.4g}, not val_loss. The curves cannot be compared.",
        Evidence.of(Measure("mean weight of a row", found.mean, 1.0)),
        Fix("Drop class_weight.", "model.fit(x, y)  # without class_weight"),
        splits=("train",),
        severity=Severity.INFO,
        about="uniform",
    )


def _scaled(what: str, mean: float, apart: str) -> Finding:
    return Finding(
        f"{what} averages {mean:.4g} over the rows of train, and so multiplies the printed training loss; {apart}.",
        Evidence.of(Measure("mean weight of a row", mean, 1.0)),
        Fix("Divide the weights by their mean over train."),
        splits=("train",),
        severity=Severity.INFO,
        about=what,
    )


def _resampled(context: Context, plan: FitPlan, found: ClassWeights) -> Finding | None:
    """Return that classes were balanced before they were weighted, and how that shows."""
    ids = class_ids(plan.targets["train"][0])
    assert ids is not None  # noqa: S101 - weights were found for them
    heavy = int(np.argmax(found.weights))
    rare = int(found.classes[heavy])
    common = found.counts[heavy] >= found.counts.max() / 2
    if common and ids.size == context.case.train.n_rows:
        seen = repeats_of_class(context.shared(copies), ids, rare)
        if seen.p_value < CHANCE and seen.share >= 0.2 and seen.others <= seen.share / 4:
            shows = (
                f"{seen.share:.0%} of the rows of class {rare} repeat an earlier row, and at most {seen.others:.0%} of "
                "another class"
            )
            return _twice(found, rare, shows, seen.share, Severity.WARNING)
    even = found.counts.size > 1 and found.counts.max() <= EVEN * found.counts.min()
    if not even:
        return None
    for split in ("val", "test"):
        natural = class_ids(plan.targets[split][0]) if plan.targets.get(split) else None
        if natural is None:
            continue
        counts = np.array([int((natural == c).sum()) for c in found.classes])
        if counts.sum() and proportions_p_value(found.counts, counts) < CHANCE:
            shows = f"its classes are equally common, and in {split} class {rare} is {counts[heavy] / counts.sum():.0%}"
            return _twice(found, rare, shows, 1.0, Severity.WARNING)
    return _twice(found, rare, "its classes are equally common", 1.0, Severity.INFO)


def _twice(found: ClassWeights, rare: int, shows: str, share: float, severity: Severity) -> Finding:
    heavy = int(np.argmax(found.weights))
    ratio = float(found.weights[heavy] / max(float(np.delete(found.weights, heavy).mean()), 1e-12))
    weighed = float(found.weights[heavy] * found.counts[heavy] / (found.weights * found.counts).sum())
    return Finding(
        f"Train is balanced already ({shows}), and class_weight counts class {rare} another {ratio:.3g} times: it makes "
        f"up {weighed:.0%} of the loss.",
        Evidence.of(
            Measure(f"share of the loss on class {rare}", weighed, 1 / found.classes.size, "%"),
            Measure("weight over that of the other classes", ratio, 1.0),
            Measure("mean weight of a row", found.mean),
            Measure("share of its rows that are repeats", share, unit="%")
            if share < 1
            else Measure("classes", int(found.classes.size)),
        ),
        Fix(
            "Balance once: by rows or by weights.",
            "model.fit(x_upsampled, y_upsampled)  # without class_weight\n"
            "# or: model.fit(x, y, class_weight=class_weight)  # on the rows as they were",
        ),
        splits=("train",),
        classes=(rare,),
        severity=severity,
        about="twice",
    )


def _sample_weights(plan: FitPlan) -> Iterator[Finding]:
    for values in plan.weights["train"]:
        weights = values.astype(np.float64).ravel()
        bad = int((~np.isfinite(weights) | (weights < 0)).sum())
        if bad or not weights.any():
            what = f"{bad:,} weights that are negative or not finite" if bad else "no weight above 0"
            yield Finding(
                f"sample_weight holds {what}: the loss is NaN, or rises as the network learns, or stays 0.",
                Evidence.of(Measure("unusable weights", bad, 0), Measure("sum of the weights", float(weights.sum()))),
                Fix("Give every row a finite weight of at least 0.", "sample_weight = np.clip(np.nan_to_num(sample_weight), 0, None)"),
                splits=("train",),
                severity=Severity.ERROR,
                about="sample_weight",
            )  # fmt: skip
            return
        mean = float(weights.mean())
        if not 0.8 <= mean <= 1.25:
            both = plan.cut == "validation_split" or "val" in plan.weights
            apart = "val_loss is weighted too" if both else "val_loss is not weighted"
            yield _scaled("sample_weight", mean, apart)
