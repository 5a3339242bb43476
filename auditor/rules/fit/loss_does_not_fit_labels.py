"""FIT002."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.label_ranges import Misfit, misfit, values_shown
from auditor.measures.models import network
from auditor.measures.outlets import (
    Agreement,
    Match,
    agreement,
    finite,
    fit_plan,
    listed,
    matching,
    written,
)
from auditor.measures.reach import Reach, output_reach

NEAR = 0.25
"""Validation labels at most this far beyond [0, 1], while train keeps to it, are a warning."""


@rule(
    "FIT002",
    "loss-does-not-fit-labels",
    severity=Severity.ERROR,
    needs=("model",),
    since="0.1",
    stage="final",
)
def loss_does_not_fit_labels(context: Context) -> Iterator[Finding | Coverage]:
    """Labels are written in a way, or lie in a range, that the loss does not take.

    ## What it does
    Reads the loss of each output, and looks at every label: class numbers where one column a class is
    wanted and the reverse; fractions, negative numbers or numbers from 1 where class numbers from 0 are
    wanted; rows that do not sum to 1 under a categorical cross-entropy; values beyond [0, 1] under a
    binary one; values other than -1 and 1 under a hinge; numbers below 0 under Poisson; zeros under a
    percentage error; text. For a distance under an optimizer of the Adam family it also bounds how far
    the output can move in all the steps of this fit, and compares that with the mean of the labels.

    ## Why it matters
    Keras raises for some of these. For others it trains in silence: labels -1 and 1 under a binary
    cross-entropy drive the loss below -1000, fractions are cut to class 0 and the loss falls to 0, two
    classes a row under softmax make it rise for ever. A target around 100,000 is out of reach of weights
    that move by a thousandth a step.

    ## Example
    Labels -1 and 1, kept from a support vector machine, with `loss="binary_crossentropy"`.

    ## Fix
    Write the labels as the loss wants them, in every split alike, or change the loss.

    ## Options
    None.

    ## Limits
    Losses of the user's own are not judged. Rows of zeros under a categorical cross-entropy are taken for
    padding. The bound on steps is worked out for models that are built, made of dense layers, and given
    `epochs`; it takes a step of Adam to be at most its learning rate (Kingma and Ba, 2015), doubled.
    """
    if context.case.fit is not None and not network(context.case).compiled:
        yield _uncompiled()
        return
    known = context.shared(matching)
    if known.mismatch:
        raise Skip("outputs and labels cannot be brought together (see FIT001)")
    judged = 0
    for match in known.matches:
        if match.loss.known:
            judged += 1
            yield from _encodings(match)
            yield from _ranges(match)
            yield from _out_of_reach(context, match)
    if not judged:
        raise Skip(f"nothing is known of the loss {known.matches[0].loss.label}")
    if judged < len(known.matches):
        yield Coverage(judged, len(known.matches), "outputs", note="the others have a loss of their own")


def _uncompiled() -> Finding:
    return Finding(
        "The model is not compiled: fit raises an error, and there is no loss to hold the labels against.",
        Evidence.of(Measure("losses", 0, 1)),
        Fix("Compile the model first.", 'model.compile(optimizer="adam", loss="mean_squared_error")'),
        splits=("train",),
        about="compile",
    )


def _encodings(match: Match) -> Iterator[Finding]:
    """Yield where class numbers were given for columns, or columns for class numbers."""
    if match.outlet.shape is None:
        return
    groups: dict[Agreement, list[str]] = {}
    for split, labels in match.labels.items():
        how = agreement(match.loss.name, labels.shape[1:], match.outlet.shape)
        if how in {Agreement.WANTS_IDS, Agreement.WANTS_ONE_HOT}:
            groups.setdefault(how, []).append(split)
    for how, splits in groups.items():
        ids = how is Agreement.WANTS_IDS
        labels = match.labels[splits[0]]
        wants = "the number of the class, one per row" if ids else "one column per class"
        other = "categorical_crossentropy" if ids else "sparse_categorical_crossentropy"
        change = "y = y.argmax(axis=-1)" if ids else f"y = keras.utils.to_categorical(y, {match.units})"
        late = "" if "train" in splits else ", at the end of the first epoch"
        yield Finding(
            f"{match.loss.label} wants {wants}, and {listed(splits)} {'has' if len(splits) == 1 else 'have'} shape "
            f"{written(labels.shape[1:])}: fit raises an error{late}.",
            Evidence.of(
                Measure("shape of y", written(labels.shape[1:])),
                Measure("shape of the output", written(match.outlet.shape)),
            ),
            Fix("Take the loss that fits the labels, or write the labels as the loss wants them.",
                f'model.compile(loss="{other}")\n# or, in every split: {change}'),
            splits=tuple(splits),
            about=match.outlet.name,
        )  # fmt: skip


def _ranges(match: Match) -> Iterator[Finding]:
    """Yield one finding for labels of all splits that the loss does not take."""
    found: dict[str, Misfit] = {}
    for split, labels in match.labels.items():
        shape = match.outlet.shape
        fits = shape is None or agreement(match.loss.name, labels.shape[1:], shape) is Agreement.FITS
        wrong = misfit(match.loss, labels, match.units) if fits or labels.dtype.kind == "U" else None
        if wrong is not None:
            found[split] = wrong
    if not found:
        return
    lead = found.get("train") or next(iter(found.values()))
    mild = "train" not in found and all(wrong.excess <= NEAR for wrong in found.values())
    splits = tuple(found)
    yield Finding(
        f"The labels {listed(splits)} hold {lead.found} under {match.loss.label}, "
        f"in {lead.share:.1%} of the labels: {lead.effect}.",
        Evidence.of(
            *(Measure(f"share of y_{split}", wrong.share, 0.0, "%") for split, wrong in found.items()),
            examples=[
                {"split": split, "row": int(row), "label": values_shown(match.labels[split][row])}
                for split, wrong in found.items()
                for row in np.flatnonzero(wrong.rows)[:3]
            ],
        ),
        Fix(lead.fix, lead.code),
        splits=splits,
        rows=tuple(Rows.where(split, wrong.rows) for split, wrong in found.items()),
        severity=Severity.WARNING if mild else None,
        about=match.outlet.name,
    )


def _out_of_reach(context: Context, match: Match) -> Iterator[Finding]:
    """Yield a target that the weights cannot move to within the steps of this fit."""
    reach = output_reach(context.shared(network), context.shared(fit_plan), match)
    labels = match.labels.get("train")
    if reach is None or labels is None or labels.dtype.kind not in "iuf":
        return
    values = finite(labels).astype(np.float64)
    if not values.size:
        return
    mean, spread = float(values.mean()), float(values.std())
    left = abs(mean) - reach.furthest
    if left > 3 * max(spread, 1e-300):
        yield _far(match, mean, spread, left, reach)


def _far(match: Match, mean: float, spread: float, left: float, reach: Reach) -> Finding:
    return Finding(
        f"y_train lies around {mean:,.6g} with a spread of {spread:,.4g}, and {reach.steps:,} steps of "
        f"{reach.optimizer} at {reach.rate:g} can bring {match.where} no further than {reach.furthest:,.4g} from zero: "
        f"every prediction will be wrong by {left:,.4g} or more. Predicting the mean would be wrong by {spread:,.4g}.",
        Evidence.of(
            Measure("mean of y_train", mean, reach.furthest),
            Measure("furthest output within this fit", reach.furthest),
            Measure("standard deviation of y_train", spread),
            Measure("steps", reach.steps),
        ),
        Fix(
            "Scale the target with the statistics of train, and scale predictions back.",
            "center, scale = y_train.mean(), y_train.std()\n"
            "y_train, y_val = (y_train - center) / scale, (y_val - center) / scale\n"
            "predicted = model.predict(X) * scale + center",
        ),
        splits=("train",),
        about=f"{match.outlet.name} scale",
    )
