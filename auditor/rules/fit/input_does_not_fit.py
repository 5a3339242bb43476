"""FIT007."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._plan import FitPlan
from auditor._rule import Skip, rule
from auditor.measures.inlets import (
    TEXT_LAYERS,
    Feed,
    feeds,
    grows,
    moving_average_left,
    outside_vocabulary,
    takes,
)
from auditor.measures.models import network
from auditor.measures.networks import BatchNorm, Network
from auditor.measures.outlets import begin, fit_plan, written
from auditor.measures.pictures import CHANNELS, axis_is_ordered, is_reshaped
from auditor.measures.scaling_layers import Fault, ScalingFault, is_standardized, scaling_faults

LARGE = 10.0
"""Root mean square of what an unadapted Normalization lets through, from which on it was needed."""

HARM = 0.1
"""Standard deviations by which means may differ before a fit beyond train matters."""


@rule("FIT007", "input-does-not-fit", severity=Severity.ERROR, needs=("model",), since="0.1", stage="final")
def input_does_not_fit(context: Context) -> Iterator[Finding | Coverage]:
    """Rows do not fit the model's input: in shape, type, range, order of axes, or size of a batch.

    ## What it does
    Holds every input of every split against what the model takes: keys and number of inputs, shape, text,
    ids within an embedding. Follows the Rescaling and Normalization layers at the start of the model and
    works out what they make of the rows: scaled before, fitted on another scale, never adapted, dividing
    by nothing, or fitted on validation rows as well (their mean is that of train and val together, to
    rounding). Images before a convolution are read both ways round. Batch normalizations are held against
    the number of steps: after n of them the moving statistics are still momentum^n what they were made
    as.

    ## Why it matters
    Wrong shapes raise, some only in validation. The rest trains: pixels divided by 255 twice leave 0.41
    accuracy for 0.95, a Normalization of raw pixels on scaled ones leaves a constant prediction, and a
    batch normalization with momentum 0.99 has after 40 steps an accuracy of 0.93 in training mode and of
    0.12 in validation, on any rows.

    ## Example
    `x = x / 255` kept in the script after `Rescaling(1/255)` went into the model.

    ## Fix
    Scale once, inside the model or outside. Adapt a Normalization on the rows of train as the model will
    get them, before `compile`. Lower the momentum, or train for more steps.

    ## Options
    None.

    ## Limits
    Subclassed models show their shapes and first layers only in Keras' own errors. Scaling layers behind
    a branch, a `Lambda` or a layer of the user's own are not followed. Weights trained on another scale
    (as by `preprocess_input` of an application) are not known. Reshaped images are told by smoothness;
    noise is not. A batch normalization that was trained before is not judged.
    """
    net, plan = context.shared(network), context.shared(fit_plan)
    if not plan.batched:
        yield _unbatched(plan)
    known = feeds(net, plan.inputs, plan.input_names)
    yield from _batch_norms(net, plan, [] if isinstance(known, str) else known)
    if isinstance(known, str):
        yield _unmatched(known)
        return
    if not net.kind:
        if not net.batch_norms:
            raise Skip("the model is subclassed: what it takes cannot be read")
        yield Coverage(0, len(known), "inputs", note="the model is subclassed: what it takes cannot be read")
        return
    for feed in known:
        refused = list(_shapes(feed, net)) + list(_types(feed))
        yield from refused
        if not refused:
            yield from _scaling(feed)
            yield from _axes(context, feed)


def _unbatched(plan: FitPlan) -> Finding:
    return Finding(
        f"The {plan.kind} yields single rows: fit takes each for a batch, and raises an error or trains on features as if "
        "they were rows.",
        Evidence.of(Measure("axes of rows", 0, 1)),
        Fix("Batch it.", "dataset = dataset.batch(32)"),
        splits=("train",),
        about="batches",
    )


def _unmatched(why: str) -> Finding:
    return Finding(
        f"Training will fail: {why}.",
        Evidence.of(Measure("inputs without rows", 1, 0)),
        Fix("Give one array per input, by name or in the order of the inputs."),
        splits=("train",),
        about="inputs",
    )


def _batch_norms(net: Network, plan: FitPlan, known: list[Feed]) -> Iterator[Finding]:
    if not net.batch_norms or "train" not in plan.inputs or not plan.inputs["train"]:
        return
    size, flat = plan.batch_size, [norm for norm in net.batch_norms if norm.ndim == 2]
    if size is not None and size <= 4 and flat:
        yield _few_rows(flat, size)
    fresh = [norm for norm in net.batch_norms if norm.fresh]
    steps = plan.steps(plan.inputs["train"][0].shape[0])
    if fresh and steps is not None and plan.epochs is not None:
        slow = max(fresh, key=lambda norm: norm.momentum)
        left = moving_average_left(slow.momentum, steps * plan.epochs)
        if left >= 0.1:
            certain = left >= 0.5 and not all(is_standardized(feed) for feed in known)
            yield _few_steps(slow, steps * plan.epochs, left, certain=certain)


def _few_rows(norms: list[BatchNorm], size: int) -> Finding:
    what = (
        "the variance of one row is 0, so that its output is the same for every row, and nothing in front of it learns"
        if size == 1
        else f"the variance of {size} rows is off by about {(2 / (size - 1)) ** 0.5:.0%}"
    )
    return Finding(
        f"batch_size={size} with the batch normalization {norms[0].layer!r} on flat rows: {what}.",
        Evidence.of(Measure("rows of a batch", size, 5)),
        Fix(
            "Take larger batches, or a normalization that does not look at other rows.",
            "model.fit(..., batch_size=32)  # or keras.layers.LayerNormalization()",
        ),
        splits=("train",),
        severity=Severity.ERROR if size == 1 else Severity.WARNING,
        about="rows of a batch",
    )


def _few_steps(norm: BatchNorm, steps: int, left: float, *, certain: bool) -> Finding:
    better = 1 - 5 / max(steps, 10)
    return Finding(
        f"The batch normalization {norm.layer!r} has momentum {norm.momentum:g}, and this fit makes {steps:,} steps: at its "
        f"end the moving mean and variance, which validation uses, are still {left:.0%} what they were made as (0 and 1). "
        f"Scores of validation {'will' if certain else 'may'} be below those of training, on any rows.",
        Evidence.of(
            Measure("share of the first value left", left, 0.1, "%"),
            Measure("steps", steps),
            Measure("momentum", norm.momentum),
        ),
        Fix(
            "Lower the momentum, or train for more steps.",
            f"keras.layers.BatchNormalization(momentum={max(0.1, better):.2g})",
        ),
        splits=("val", "train"),
        severity=Severity.ERROR if certain else Severity.WARNING,
        about="steps",
    )


def _shapes(feed: Feed, net: Network) -> Iterator[Finding]:
    inlet, train = feed.inlet, feed.rows["train"]
    wanted = inlet.shape if inlet.shape is not None else tuple(train.shape[1:])
    wrong: dict[tuple[int, ...], list[str]] = {}
    for split, rows in feed.rows.items():
        shape = tuple(rows.shape[1:])
        if not (takes(wanted, shape) or (inlet.shape is None and grows(wanted, shape))):
            wrong.setdefault(tuple(rows.shape[1:]), []).append(split)
    for shape, splits in wrong.items():
        late = "" if "train" in splits else ", at the end of the first epoch"
        yield Finding(
            f"{begin(feed.where)} of {' and '.join(splits)} has rows of shape {written(shape)}, and the model takes "
            f"{written(wanted)}: fit raises an error{late}.",
            Evidence.of(
                Measure("shape of the rows", written(shape), written(wanted)),
                Measure("shape the model takes", written(wanted)),
            ),
            Fix("Give the model the shape that it was made for, in every split.", _reshape(shape, wanted)),
            splits=tuple(splits),
            about=f"{inlet.name} shape",
        )
    axes = train.ndim
    least = inlet.ndim or inlet.min_ndim or axes
    if not wrong and inlet.shape is None and (net.refusal or axes < least or (inlet.ndim or axes) != axes):
        says = f" Keras says: {net.refusal}" if net.refusal else ""
        yield Finding(
            f"{begin(feed.where)} has rows of shape {written(tuple(train.shape[1:]))}, and the first layer "
            f"{inlet.layer!r} ({inlet.first}) or one behind it cannot take them: fit raises an error.{says}",
            Evidence.of(Measure("axes of x", axes, least)),
            Fix(
                "Add the axis that is missing; the last one of an image is its channels.",
                "x = x[..., None]  # (n, height, width) -> (n, height, width, 1), in every split",
            ),
            splits=("train",),
            about=f"{inlet.name} shape",
        )


def _reshape(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> str:
    if len(shape) == len(wanted) and None not in wanted and sorted(shape) == sorted(w or 0 for w in wanted):
        order = [0]
        left = list(enumerate(shape, start=1))
        for length in wanted:
            place = next(pair for pair in left if pair[1] == length)
            left.remove(place)
            order.append(place[0])
        return f"x = np.transpose(x, {tuple(order)})  # in every split"
    same = math.prod(shape) == math.prod(length or 0 for length in wanted)
    return f"x = x.reshape(-1, {', '.join(map(str, wanted))})  # in every split" if same else ""


def _types(feed: Feed) -> Iterator[Finding]:
    inlet = feed.inlet
    text = [split for split, rows in feed.rows.items() if rows.dtype.kind in "USOT"]
    if text and inlet.first not in TEXT_LAYERS:
        yield Finding(
            f"{begin(feed.where)} of {' and '.join(text)} holds text, and the model begins with "
            f"{inlet.first or 'a layer for numbers'}: fit raises an error.",
            Evidence.of(Measure("splits with text", len(text), 0)),
            Fix(
                "Turn text into numbers first.",
                "layer = keras.layers.TextVectorization()\nlayer.adapt(x_train)",
            ),
            splits=tuple(text),
            about=f"{inlet.name} type",
        )
    beyond = outside_vocabulary(feed)
    if beyond:
        share, low, high = next(iter(beyond.values()))
        yield Finding(
            f"{begin(feed.where)} of {' and '.join(beyond)} holds ids from {low:g} to {high:g}, and the embedding "
            f"{inlet.layer!r} has rows for the whole numbers 0 to {(inlet.vocabulary or 0) - 1}: {share:.1%} of them do not "
            "fit. fit raises an error on a CPU; a GPU looks up zeros, and fractions are cut.",
            Evidence.of(
                *(
                    Measure(f"share of ids in {split} that do not fit", part[0], 0.0, "%")
                    for split, part in beyond.items()
                ),
                Measure("highest id", high, (inlet.vocabulary or 0) - 1),
                Measure("lowest id", low, 0),
            ),
            Fix(
                "Make the embedding as long as the vocabulary, and map unknown tokens to one id.",
                f"keras.layers.Embedding({int(max(high, 0)) + 1}, ...)",
            ),
            splits=tuple(beyond),
            about=f"{inlet.name} ids",
        )


def _scaling(feed: Feed) -> Iterator[Finding]:
    for fault in scaling_faults(feed):
        words = _WORDS[fault.fault]
        fields = {
            "where": begin(feed.where),
            "layer": repr(fault.layer),
            "value": fault.value,
            "times": max(fault.value, 1 / max(fault.value, 1e-300)),
            "larger": "larger" if fault.value < 1 else "smaller",
            "low": fault.before[0],
            "high": fault.before[1],
            "after_low": fault.after[0],
            "after_high": fault.after[1],
            "split": fault.splits[0],
            "features": fault.features,
        }
        yield Finding(
            words.message.format(**fields),
            Evidence.of(
                Measure(words.measure, fault.value, words.bar),
                Measure("lowest value before the layer", fault.before[0]),
                Measure("highest value before the layer", fault.before[1]),
            ),
            Fix(words.fix, words.code.format(**fields)),
            splits=fault.splits,
            severity=_scaling_severity(fault),
            about=f"{feed.inlet.name} {fault.layer} {fault.fault.name.lower()}",
        )


def _scaling_severity(fault: ScalingFault) -> Severity | None:
    if fault.fault is Fault.UNADAPTED and fault.value <= LARGE:
        return Severity.INFO
    return Severity.WARNING if fault.fault is Fault.BEYOND_TRAIN and fault.value < HARM else None


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said of a fault of a scaling layer; texts are templates."""

    message: str
    measure: str
    bar: float
    fix: str
    code: str


_ADAPT = "model.get_layer({layer}).adapt(x_train)  # x_train as fit gets it, before compile"

_WORDS = {
    Fault.TWICE: _Words(
        "{where} lies within {low:.3g} and {high:.3g}, and the layer {layer} of the model divides it by {value:g} once "
        "more: the network sees values from {after_low:.3g} to {after_high:.3g}.",
        "what the layer divides by",
        1.0,
        "Scale once: feed raw bytes to the model, or take the layer out.",
        "x = x * 255  # or drop x = x / 255 from the script",
    ),
    Fault.UNADAPTED: _Words(
        "The Normalization {layer} was never adapted: values around {value:.3g} in size go through as they are.",
        "root mean square of what goes through",
        LARGE,
        "Adapt it on the rows of train.",
        _ADAPT,
    ),
    Fault.OTHER_SCALE: _Words(
        "The Normalization {layer} was fitted on values {times:.4g} times {larger} than it is fed: behind it they have a "
        "spread of {value:.3g} where 1 was meant.",
        "spread of train over that of the layer",
        1.0,
        "Feed the model what the layer was adapted on, or adapt it again.",
        _ADAPT,
    ),
    Fault.EXPLODING: _Words(
        "{features:,} features never varied where the Normalization {layer} was adapted, and vary in {split}: it divides "
        "them by 1e-7, to values up to {value:.3g}. A few such rows make val_loss explode while accuracy looks fine.",
        "largest value behind the layer",
        1e4,
        "Drop these features, or scale all by one number.",
        "keep = x_train.std(axis=0) > 0\nx_train, x_val = x_train[:, keep], x_val[:, keep]",
    ),
    Fault.BEYOND_TRAIN: _Words(
        "The Normalization {layer} was adapted on validation rows too: to rounding its mean is that of train and val "
        "together, and {value:.2g} standard deviations away from train's.",
        "distance of the layer's mean from train's, in standard deviations",
        0.0,
        "Adapt it on the rows of train alone.",
        _ADAPT,
    ),
}


def _axes(context: Context, feed: Feed) -> Iterator[Finding]:
    """Yield images that lie in another order of axes than the first convolution reads."""
    rows, first = feed.rows["train"], feed.inlet.channels_first
    if first is None or rows.ndim != 4 or "2D" not in feed.inlet.first or rows.dtype.kind not in "iufb":
        return
    _, a, b, c = rows.shape
    as_first = not first and a in CHANNELS and b == c and c not in CHANNELS
    as_last = first and c in CHANNELS and a == b and a not in CHANNELS
    if (as_first or as_last) and axis_is_ordered(rows, 3 if as_first else 1, context.rng("FIT007")):
        given, read = ("first", "last") if as_first else ("last", "first")
        move = "(0, 2, 3, 1)" if as_first else "(0, 3, 1, 2)"
        yield _turned(
            feed,
            f"its channels {given}, and {feed.inlet.layer!r} reads them {read}",
            f"x = np.transpose(x, {move})",
        )
    elif not first and is_reshaped(rows):
        yield _turned(
            feed,
            "channels-first images that were reshaped, not transposed: read as they lie in memory, as "
            f"(n, {c}, {a}, {b}), they are smooth; as {written((a, b, c))} they are scrambled",
            f"x = np.transpose(x.reshape(-1, {c}, {a}, {b}), (0, 2, 3, 1))",
        )


def _turned(feed: Feed, how: str, code: str) -> Finding:
    return Finding(
        f"{begin(feed.where)} of shape {written(tuple(feed.rows['train'].shape[1:]))} holds {how}: the convolution slides over "
        "channels instead of pixels. It trains all the same, and worse.",
        Evidence.of(Measure("shape of the rows", written(tuple(feed.rows["train"].shape[1:])))),
        Fix("Bring the axes into the order that the layer reads.", f"{code}  # in every split"),
        splits=("train",),
        about=f"{feed.inlet.name} axes",
    )
