"""FIT008."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._plan import FitPlan, Monitor
from auditor._rule import Skip, rule
from auditor.measures.losses import Metric
from auditor.measures.models import network
from auditor.measures.networks import Network
from auditor.measures.outlets import Match, begin, fit_plan, matching, written
from auditor.measures.scores import Reading, Score, misread

EASY = 0.9
"""Share of the commonest class from which on accuracy says little."""


@rule(
    "FIT008", "metric-does-not-fit", severity=Severity.WARNING, needs=("model",), since="0.1", stage="final"
)
def metric_does_not_fit(context: Context) -> Iterator[Finding]:
    """Metrics read well at chance, or badly where the model is right.

    ## What it does
    Resolves the name "accuracy" as Keras does, and holds each metric against the output, the loss and the
    labels: the binary accuracy of one-hot rows; thresholds made for probabilities on logits and the
    reverse; labels -1 and 1 or quantities under an accuracy; class numbers taken for columns; metrics
    that Keras will refuse. It notes where one class is so common that a constant guess scores as well.
    Callbacks that wait for a metric are held against the names that fit will print.

    ## Why it matters
    Over ten classes the binary accuracy of one-hot rows starts at 0.90. On logits a threshold of 0.5 asks
    for a probability of 0.62: 0.86 is printed for 0.91. With labels -1 and 1 the printed accuracy is 0.48
    for a model that is right in 98 of 100. An early stopping that waits for a name nobody prints raises
    an error, or never stops.

    ## Example
    `Dense(1)` with `BinaryCrossentropy(from_logits=True)` and `metrics=["accuracy"]`.

    ## Fix
    `BinaryAccuracy(threshold=0)` on logits, `"accuracy"` for classes, a distance for quantities.

    ## Options
    None.

    ## Limits
    Metrics of the user's own are not judged, nor are names printed by a training step of their own.
    """
    net, plan = context.shared(network), context.shared(fit_plan)
    waiting = list(_monitors(net, plan, "val" in plan.inputs)) if not net.own_step else []
    yield from waiting
    try:
        known = context.shared(matching)
    except Skip:
        if waiting or plan.monitors:
            return
        raise
    for match in known.matches:
        for metric in match.outlet.metrics:
            score = misread(metric, match)
            if score is not None and (score.reading is not Reading.MAJORITY or (score.guess or 0.0) >= EASY):
                yield _finding(match, metric, score)


def _monitors(net: Network, plan: FitPlan, validated: bool) -> Iterator[Finding]:
    names = _printed(net)
    everything = sorted(names | {f"val_{name}" for name in names}) if validated else sorted(names)
    for monitor in plan.monitors:
        base = monitor.metric.removeprefix("val_")
        if monitor.metric in everything or (
            monitor.metric.startswith("val_") <= validated and _numbered(base, names)
        ):
            continue
        yield _unprinted(monitor, everything, base)


def _printed(net: Network) -> set[str]:
    several = len(net.outlets) > 1
    names = {"loss"} | ({f"{outlet.name}_loss" for outlet in net.outlets} if several else set())
    for outlet in net.outlets:
        names |= {f"{outlet.name}_{metric.label}" if several else metric.label for metric in outlet.metrics}
    return names


def _numbered(name: str, names: set[str]) -> bool:
    """Whether a name is one of `names` with the number that Keras puts behind a second object of a class."""
    stem, _, number = name.rpartition("_")
    return number.isdigit() and stem in names


def _unprinted(monitor: Monitor, everything: Sequence[str], base: str) -> Finding:
    raises = monitor.mode == "auto" and base != "loss"
    effect = (
        "it cannot tell whether more is better, and raises an error at the end of the first epoch"
        if raises
        else "it warns once an epoch and does nothing"
    )
    return Finding(
        f"{monitor.callback} waits for {monitor.metric!r}, which fit does not print: {effect}. There "
        f"{'is' if len(everything) == 1 else 'are'} {', '.join(everything)}.",
        Evidence.of(Measure("names printed", len(everything)), Measure("waited for", monitor.metric)),
        Fix(
            "Wait for a name that is printed, and give validation rows where it begins with val_.",
            f'keras.callbacks.{monitor.callback}(monitor="{_closest(monitor.metric, everything)}")',
        ),
        splits=("val",) if monitor.metric.startswith("val_") else ("train",),
        severity=Severity.ERROR if raises else Severity.WARNING,
        about=f"{monitor.callback} {monitor.metric}",
    )


def _closest(name: str, everything: Sequence[str]) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(name, everything, 1, 0.3)), everything[0])


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said of a misreading; the message is a template."""

    message: str
    fix: str
    code: str


def _finding(match: Match, metric: Metric, score: Score) -> Finding:
    words = _WORDS[score.reading]
    fields = {
        "metric": metric.label,
        "where": match.where,
        "loss": match.loss.label,
        "units": match.units,
        "labels": written(match.labels["train"].shape[1:]),
        "guess": score.guess or 0.0,
        "threshold": 0.5 if metric.threshold is None else metric.threshold,
    }
    measures = [Measure("score of a constant guess", score.guess)] if score.guess is not None else []
    severity = {Reading.SHAPES: Severity.ERROR, Reading.MAJORITY: Severity.INFO}.get(score.reading)
    return Finding(
        begin(words.message.format(**fields)),
        Evidence.of(*measures, Measure("metric", metric.label), Measure("read as", score.metric)),
        Fix(words.fix, words.code),
        splits=("train",),
        severity=severity,
        about=f"{match.outlet.name} {metric.label}",
    )


_WORDS = {
    Reading.SHAPES: _Words(
        "the metric {metric!r} wants labels and outputs of one shape, and y has shape {labels} for {units} units: fit "
        "raises an error.",
        "Take the metric that goes with the labels.",
        'metrics=["accuracy"]',
    ),
    Reading.LOGITS: _Words(
        "the metric {metric!r} takes {where} for probabilities, and it is logits ({loss} has from_logits=True): a threshold "
        "of {threshold:g} there asks for a probability of 0.62. The score printed is below the true one.",
        "Put the threshold where the logits change sign.",
        "metrics=[keras.metrics.BinaryAccuracy(threshold=0)]  # AUC(from_logits=True), Precision(thresholds=0)",
    ),
    Reading.PROBABILITIES: _Words(
        "the metric {metric!r} has the threshold {threshold:g}, and {where} is probabilities, all above it: every row "
        "counts as yes.",
        "Put the threshold at one half.",
        "metrics=[keras.metrics.BinaryAccuracy()]",
    ),
    Reading.ONE_HOT: _Words(
        "the metric {metric!r} counts each of the {units} columns of a one-hot row: a guess of no for all of them scores "
        "{guess:.3f}.",
        "Count rows, not columns.",
        'metrics=["accuracy"]  # categorical_accuracy for one-hot labels',
    ),
    Reading.CODES: _Words(
        "the metric {metric!r} compares labels with 0 and 1, and some are neither: rows with those labels never count as "
        "right.",
        "Write the two classes as 0 and 1, or measure with a function of your own.",
        "y = (y + 1) / 2  # -1 and 1 -> 0 and 1, in every split",
    ),
    Reading.CLASS_NUMBERS: _Words(
        "the metric {metric!r} wants one column a class, and y holds class numbers of shape {labels}: it takes class 0 for "
        "right in every row.",
        "Take the metric for class numbers.",
        'metrics=["accuracy"]  # sparse_categorical_accuracy for class numbers',
    ),
    Reading.EXACT: _Words(
        "the metric {metric!r} counts outputs that equal their label exactly; probabilities never do, and it stays at 0.",
        "Take the accuracy that goes with the loss.",
        'metrics=["accuracy"]  # the name, not keras.metrics.Accuracy()',
    ),
    Reading.QUANTITIES: _Words(
        "the metric {metric!r} counts outputs on the right side of one half, and the labels are quantities: it stays near "
        "0 however good the model is.",
        "Take a distance.",
        'metrics=["mae"]',
    ),
    Reading.MAJORITY: _Words(
        "one class makes up {guess:.1%} of train: the metric {metric!r} of a constant guess is as high.",
        "Print a metric that a constant guess does not win beside it.",
        'metrics=["accuracy", keras.metrics.AUC(curve="PR")]',
    ),
}
