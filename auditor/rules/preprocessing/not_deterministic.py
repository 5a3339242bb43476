"""PRE003."""

from __future__ import annotations

from collections.abc import Iterator

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.probes.application import applied
from auditor.probes.reach import random_layers
from auditor.probes.runner import Probed, probed, rounding
from auditor.probes.wording import ordered_splits


@rule(
    "PRE003",
    "not-deterministic",
    severity=Severity.WARNING,
    needs=("preprocess",),
    since="0.1",
    stage="given",
)
def not_deterministic(context: Context) -> Iterator[Finding | Coverage]:
    """Two calls of the preprocessing on equal input differ.

    ## What it does
    Calls the preprocessing twice, on equal copies of the same rows, and compares the outputs. Differences
    that rounding explains (below half the digits of float32, relative to a column's largest value) do not
    count: accelerators add in no fixed order.

    ## Why it matters
    A score on rows that are drawn anew each time is not repeatable; augmentation that reaches val or test
    makes the score that of harder, distorted rows; a callable that keeps state between calls treats val
    differently for having seen train.

    ## Example
    `keras.layers.RandomFlip()` called directly, which flips in inference too; `X + np.random.normal(...)`
    applied to every split; a transformer that updates running statistics whenever it is called.

    ## Fix
    Put augmentation into the model, where it acts in training only, or give it for train alone:
    ```python
    audit(X_train, X_val, preprocess={"train": augment_and_scale, "val": scale})
    ```

    ## Options
    None. The sample is that of `PRE002.rows`.

    ## Limits
    A callable given for train alone is noted, not warned about: augmentation belongs there. Randomness
    that starts from the same seed in every call is not random to this rule; PRE002 sees it, since rows
    then depend on their place. Events rarer than once in a sample may be missed.
    """
    made = context.shared(applied)
    rows, seconds = int(context.option("PRE002.rows")), context.option("PRE002.seconds")
    probes = context.shared(probed, made, context.config.seed, rows, seconds)
    judged = 0
    reasons = []
    for probe in probes:
        if probe.repeat.status == "void":
            reasons.append(probe.repeat.reason)
            continue
        judged += 1
        if probe.rows.size < probe.of:
            note = f"{probe.step.name} was called twice on a sample of {probe.split}; PRE002.rows widens it"
            yield Coverage(int(probe.rows.size), probe.of, note=note)
        if probe.repeat.status == "broken":
            yield _finding(probe, train_only=probe.serves == ("train",) and bool(context.case.evaluation))
    if not judged:
        raise Skip(reasons[0] if reasons else "the callable failed on every split (see PRE008)")


def _finding(probe: Probed, *, train_only: bool) -> Finding:
    ran = probe.repeat
    layers = random_layers(probe.step.parts)
    cause = f" ({', '.join(layers[:3])} draws at random)" if layers else ""
    how_far = f", by up to {ran.in_std:.3g} standard deviations" if ran.in_std < 1e12 else ""
    result = ran.reason or f"{ran.share:.0%} of {probe.rows.size:,} rows changed{how_far}"
    message = (
        f"{probe.step.name} called twice on equal {probe.split} rows gave different results: {result}{cause}."
    )
    examples = []
    if ran.example is not None:
        examples = [
            {
                f"{probe.split} row": ran.example["row"],
                "output column": ran.example["output column"],
                "first call": ran.example["before"],
                "second call": ran.example["after"],
            }
        ]
    tolerance = None if probe.base is None else rounding(probe.base)
    return Finding(
        message,
        Evidence.of(
            Measure("share of rows that differ", ran.share, 0.0, "%"),
            Measure("largest difference, relative to the column's largest value", ran.moved, tolerance),
            Measure("largest difference", ran.in_std, unit="std"),
            examples=examples,
        ),
        _fix(train_only=train_only),
        splits=ordered_splits(probe.serves),
        severity=Severity.INFO if train_only else Severity.WARNING,
        about=probe.step.name,
    )


def _fix(*, train_only: bool) -> Fix:
    if train_only:
        return Fix("Nothing, if this is augmentation: it is given for train alone, where it belongs.")
    return Fix(
        "Keep augmentation out of val and test: put it into the model, where it acts in training only, or "
        "give it for train alone. Draw noise from a seeded generator made inside the call.",
        "model = keras.Sequential([keras.Input(shape), keras.layers.RandomFlip(), backbone])  # in training only\n"
        "# or, outside the model:\n"
        'preprocess = {"train": augment_and_scale, "val": scale, "test": scale}',
    )
