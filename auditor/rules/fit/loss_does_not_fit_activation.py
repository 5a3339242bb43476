"""FIT003."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.losses import BINARY_LOSSES
from auditor.measures.models import network
from auditor.measures.networks import Network
from auditor.measures.outlets import Match, begin, matching
from auditor.measures.output_ranges import FLOOR, Judgement, Verdict, judge


@rule(
    "FIT003",
    "loss-does-not-fit-activation",
    severity=Severity.ERROR,
    needs=("model",),
    since="0.1",
    options={"floor": 0.01},
    stage="final",
)
def loss_does_not_fit_activation(context: Context) -> Iterator[Finding | Coverage]:
    """Activations, layers or weights before the loss keep it from falling.

    ## What it does
    Reads the last activation of each output, through layers that only reshape, pool or drop values, and
    holds its range against what the loss wants. Softmax over one unit; no activation, ReLU or tanh where
    probabilities are wanted; bounded values where logits are wanted; a range that the labels leave;
    dropout behind the output. It also reports a model without trainable weights, and kernels that all
    hold one single value, from which the units of a layer can never come apart.

    ## Why it matters
    Keras trains all of these. Softmax over one unit is 1 for every row while the loss looks fine. Logits
    within (-1, 1) cannot make a softmax sure of anything: over ten classes its cross-entropy stays above
    0.796. A ReLU before a squared error can never predict below zero: of a standardized target half lies
    there, and the loss ends near half the variance.

    ## Example
    `Dense(10)` with `loss="sparse_categorical_crossentropy"`: the loss takes logits for probabilities,
    cuts them at 0 and 1, and accuracy stays at a quarter.

    ## Fix
    Softmax for one class of several, sigmoid for yes or no, no activation for a quantity; or no
    activation and `from_logits=True`.

    ## Options
    `FIT003.floor`: the share of the labels' variance that lies out of the output's reach from which on a
    distance loss is judged; 0.01.

    ## Limits
    Layers with a `call` of their own and `Lambda` hide the activation; so does a subclassed model. The
    TensorFlow backend finds the logits behind a softmax or sigmoid, so that `from_logits=True` after them
    changes nothing and is a note; other backends do not, and there it is an error. A sigmoid per class
    under a categorical cross-entropy works, and is a note.
    """
    net = context.shared(network)
    stuck = list(_weights(net))
    yield from stuck
    try:
        known = context.shared(matching)
    except Skip:
        if stuck:
            return
        raise
    judged = 0
    for match in known.matches:
        head = match.outlet.head
        if head.dropout:
            yield _dropout(match)
        if head.activation and match.loss.known:
            judged += 1
            floor = context.option("FIT003.floor")
            yield from _judged(match, judge(match, net.backend, floor), floor)
    if not judged and not stuck:
        raise Skip(_why_unknown(net, known.matches))
    if judged < len(known.matches):
        yield Coverage(
            judged, len(known.matches), "outputs", note="the others end in a way that cannot be read"
        )


def _why_unknown(net: Network, matches: tuple[Match, ...]) -> str:
    if not matches:
        return "outputs and labels cannot be brought together (see FIT001)"
    if not matches[0].loss.known:
        return f"nothing is known of the loss {matches[0].loss.label}"
    if not net.kind:
        return "the model is subclassed: its last activation cannot be read"
    return "the last activation is not one of Keras"


def _weights(net: Network) -> Iterator[Finding]:
    if net.trainable == 0:
        yield Finding(
            "The model has no trainable weight: fit runs, and the loss stays what it is.",
            Evidence.of(Measure("trainable weights", 0, 1)),
            Fix(
                "Let the layers that shall learn be trainable, and compile again.",
                "model.layers[-1].trainable = True  # before model.compile(...)",
            ),
            splits=("train",),
            about="weights",
        )
    if net.flat_kernels:
        yield Finding(
            f"All {net.flat_kernels} kernels of the model hold one value each: every unit of a layer gets the same "
            "gradient, or none, so that they never come apart, and the network learns no more than its last bias.",
            Evidence.of(Measure("kernels of one value", net.flat_kernels, 1)),
            Fix(
                "Start from random kernels; zeros are for biases.",
                'keras.layers.Dense(units, kernel_initializer="glorot_uniform")',
            ),
            splits=("train",),
            about="kernels",
        )


def _dropout(match: Match) -> Finding:
    return Finding(
        f"The dropout layer {match.outlet.head.dropout!r} stands behind the last activation: in training it sets "
        f"values of {match.where} itself to zero and makes the others larger, so that the loss has nothing to hold on "
        "to; in validation it does not.",
        Evidence.of(Measure("dropout layers behind the output", 1, 0)),
        Fix("Put dropout before the last layer with weights, never behind it."),
        splits=("train",),
        about=f"{match.outlet.name} dropout",
    )


def _judged(match: Match, judgement: Judgement, floor: float) -> Iterator[Finding]:
    makers = {
        Verdict.CONSTANT: _constant,
        Verdict.NOT_PROBABILITIES: _not_probabilities,
        Verdict.NEGATIVE: _not_probabilities,
        Verdict.BOUNDED_LOGITS: _bounded,
        Verdict.HIDDEN: _hidden,
        Verdict.RECOVERED: _recovered,
        Verdict.NOT_SHARED_OUT: _not_shared_out,
    }
    if judgement.verdict is Verdict.OUT_OF_RANGE:
        if judgement.share >= floor:
            yield _out_of_range(match, judgement, floor)
    elif judgement.verdict is not Verdict.FITS:
        yield makers[judgement.verdict](match, judgement)


def _finding(
    match: Match, message: str, evidence: Evidence, fix: Fix, severity: Severity | None = None
) -> Finding:
    return Finding(message, evidence, fix, splits=("train",), severity=severity, about=match.outlet.name)


def _ends(match: Match) -> str:
    head = match.outlet.head
    what = "no activation" if head.activation == "linear" else head.activation
    return f"{begin(match.where)} ends in {what} (layer {head.layer!r})"


def _range(match: Match) -> tuple[Measure, ...]:
    head = match.outlet.head
    return Measure("lowest output", head.low), Measure("highest output", head.high)


def _right_end(match: Match) -> Fix:
    units = match.units or 1
    if match.loss.name in BINARY_LOSSES or match.loss.name in {"dice", "tversky"}:
        end, loss = f'Dense({units}, activation="sigmoid")', "BinaryCrossentropy"
    else:
        end, loss = f'Dense({units}, activation="softmax")', "SparseCategoricalCrossentropy"
        loss = loss if match.loss.name == "sparse_categorical_crossentropy" else "CategoricalCrossentropy"
    return Fix(
        "Give the last layer the activation that the loss wants, or none and tell the loss so.",
        f"model.add(keras.layers.{end})  # as the last layer\n"
        f"# or: Dense({units}) with loss=keras.losses.{loss}(from_logits=True)",
    )


def _constant(match: Match, judgement: Judgement) -> Finding:
    del judgement
    return _finding(
        match,
        f"{_ends(match)} over one unit, which is 1 for every row whatever the weights: predictions are constant, "
        "even where the printed loss falls.",
        Evidence.of(Measure("units under softmax", 1, 2)),
        Fix(
            "End in sigmoid for yes or no, in no activation for a quantity.",
            'model.add(keras.layers.Dense(1, activation="sigmoid"))  # as the last layer',
        ),
    )


def _not_probabilities(match: Match, judgement: Judgement) -> Finding:
    head, loss = match.outlet.head, match.loss.label
    effect = (
        "takes its logarithm, and the loss becomes NaN"
        if judgement.verdict is Verdict.NEGATIVE
        else "takes it for probabilities and cuts it at 0 and 1, where there is no gradient"
    )
    wanted = "values above 0" if judgement.verdict is Verdict.NEGATIVE else "probabilities"
    positive = Fix(
        "End in an activation that is above 0.",
        f'model.add(keras.layers.Dense({match.units or 1}, activation="softplus"))  # as the last layer',
    )
    return _finding(
        match,
        f"{_ends(match)}, with values from {head.low:g} to {head.high:g}, and {loss} wants {wanted}: it {effect}.",
        Evidence.of(*_range(match)),
        positive if judgement.verdict is Verdict.NEGATIVE else _right_end(match),
    )


def _bounded(match: Match, judgement: Judgement) -> Finding:
    low, high = judgement.logits
    own = " with from_logits=True" if match.loss.from_logits else ""
    return _finding(
        match,
        f"{_ends(match)}, so that {match.loss.label}{own} works on logits from {low:g} to {high:g}: it cannot fall below "
        f"{judgement.floor:.3g}, where a guess has {judgement.guess:.3g}.",
        Evidence.of(
            Measure("lowest loss within reach", judgement.floor, FLOOR * judgement.guess),
            Measure("loss of a guess", judgement.guess),
            Measure("lowest logit", low),
            Measure("highest logit", high),
        ),
        _right_end(match),
    )


def _hidden(match: Match, judgement: Judgement) -> Finding:
    head = match.outlet.head
    name = head.before if head.activation in {"softmax", "sigmoid"} else head.activation
    hinge = "hinge" in match.loss.name
    effect = (
        "a hinge wants scores of either sign, and stays at 1 or above for every row of one class"
        if hinge
        else "where it gives 0 there is no gradient, and a class that falls silent is never learnt again"
        if name == "relu"
        else "it bounds on one side what the loss takes for logits"
    )
    severity = Severity.ERROR if name == "relu" and not hinge else Severity.WARNING
    return _finding(
        match,
        f"{begin(match.where)} has the activation {name}, made for hidden layers, before {match.loss.label}: {effect}.",
        Evidence.of(Measure("lowest logit", judgement.logits[0] if not hinge else head.low)),
        Fix("End in tanh or in no activation.") if hinge else _right_end(match),
        Severity.INFO if head.pooled else severity,  # one live position of many keeps the gradient
    )


def _recovered(match: Match, judgement: Judgement) -> Finding:
    del judgement
    return _finding(
        match,
        f"{_ends(match)}, and {match.loss.label} is told from_logits=True. Keras finds the logits behind the activation, "
        "so that this trains as it should here; on another backend, or with a layer in between, it would not.",
        Evidence.of(Measure("from_logits", value=True)),
        Fix(
            "Drop one of the two.", f"loss=keras.losses.{_class(match)}()  # from_logits is False by default"
        ),
        Severity.INFO,
    )


def _class(match: Match) -> str:
    return "".join(part.capitalize() for part in match.loss.name.split("_"))


def _not_shared_out(match: Match, judgement: Judgement) -> Finding:
    del judgement
    return _finding(
        match,
        f"{_ends(match)} under {match.loss.label}: the classes are learnt, but the outputs of a row do not sum to 1 and "
        "are no probabilities.",
        Evidence.of(*_range(match)),
        Fix(
            "For one class of several, end in softmax.",
            f'model.add(keras.layers.Dense({match.units or 2}, activation="softmax"))  # as the last layer',
        ),
        Severity.INFO,
    )


def _out_of_range(match: Match, judgement: Judgement, floor: float) -> Finding:
    head, columns = match.outlet.head, int(np.prod(match.labels[judgement.split].shape[1:]))
    return Finding(
        f"{_ends(match)} and gives values from {head.low:g} to {head.high:g}, but {judgement.outside:.1%} of y_{judgement.split} "
        f"lie beyond: the mean squared error cannot fall below {judgement.floor:.3g}, where predicting the mean has "
        f"{judgement.guess:.3g}.",
        Evidence.of(
            Measure("share of the variance out of reach", min(judgement.share, 1e300), floor, "%"),
            Measure("lowest mean squared error within reach", judgement.floor),
            Measure("variance of the labels", judgement.guess),
            Measure(f"share of y_{judgement.split} out of range", judgement.outside, unit="%"),
            *_range(match),
        ),
        Fix(
            "End in no activation for a quantity.",
            f"model.add(keras.layers.Dense({columns}))  # as the last layer",
        ),
        splits=(judgement.split,),
        severity=None if judgement.split == "train" else Severity.WARNING,
        about=match.outlet.name,
    )
