"""FIT001."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.losses import BINARY_LOSSES, ONE_HOT_LOSSES, SPARSE_LOSSES
from auditor.measures.outlets import Agreement, Match, agreement, begin, finite, listed, matching, written

UNFIT = {Agreement.RAISES, Agreement.RAISES_UNLESS, Agreement.BROADCASTS}


@rule(
    "FIT001",
    "output-does-not-fit-labels",
    severity=Severity.ERROR,
    needs=("model",),
    since="0.1",
    stage="final",
)
def output_does_not_fit_labels(context: Context) -> Iterator[Finding | Coverage]:
    """Labels and the model's output differ in shape, or there are more classes than units.

    ## What it does
    Compares the shape of each output with the shape of its labels in every split, by the alignment that
    Keras makes under that loss: (n,) and (n, 1) are one, a last axis of 1 may be missing on either side.
    Under a loss that takes class numbers it also compares the numbers with the units: ids beyond the last
    unit, and one unit for several classes, are errors; units for classes that never occur are a note.

    ## Why it matters
    Cross-entropies raise where shapes differ. The mean squared error and its relatives do not: labels of
    shape (n, 1) against 64 units are stretched over all of them, training goes on, and `predict` returns
    64 numbers where one was meant. Labels of shape (n,) against 64 units raise, unless the batch is 64
    rows long too: then each row is trained on the labels of the whole batch. A class id beyond the units
    raises on a CPU, and gives a loss of NaN where the step is compiled.

    ## Example
    A network copied from a tutorial ends in `Dense(64, activation="relu")` and is trained on one number
    per row.

    ## Fix
    End in one unit per column of y, or per class; put `Flatten()` or a pooling layer where the output
    still has the axes of an image or a series.

    ## Options
    None.

    ## Limits
    Losses of the user's own, models with their own training step, and outputs whose shape is not known
    before the model is built are not judged. Whether class numbers mean what they should is for LBL004.
    """
    known = context.shared(matching)
    if known.mismatch:
        yield _unmatched(known.mismatch)
        return
    silent = 0
    for match in known.matches:
        if match.outlet.shape is None or not match.loss.known:
            silent += 1
            continue
        yield from _shapes(match)
        yield from _classes(match)
    total = len(known.matches)
    if silent == total:
        first = known.matches[0]
        raise Skip(
            "the shape of the output cannot be read from the model"
            if first.outlet.shape is None
            else f"nothing is known of the loss {first.loss.label}"
        )
    if silent:
        yield Coverage(
            total - silent, total, "outputs", note="the others have a loss or a shape that is not known"
        )


def _unmatched(mismatch: str) -> Finding:
    return Finding(
        f"Training will fail: {mismatch}.",
        Evidence.of(Measure("outputs without labels", 1, 0)),
        Fix("Give one array of labels per output, by name or in the order of the outputs."),
        splits=("train",),
        about="outputs",
    )


def _shapes(match: Match) -> Iterator[Finding]:
    """Yield a finding for each way in which labels do not align with the output."""
    output = match.outlet.shape
    assert output is not None  # noqa: S101 - checked by the caller
    groups: dict[tuple[Agreement, tuple[int, ...]], list[str]] = {}
    for split, labels in match.labels.items():
        how = agreement(match.loss.name, labels.shape[1:], output)
        if how in UNFIT:
            groups.setdefault((how, labels.shape[1:]), []).append(split)
    for (how, shape), splits in groups.items():
        columns = int(np.prod(shape)) if shape else 1
        yield Finding(
            f"The labels {listed(splits)} have shape {written(shape)} and "
            f"{match.where} {written(output)}: {_consequence(match, how)}",
            Evidence.of(
                Measure("units of the output", match.units, columns),
                Measure("columns of y", columns),
                Measure("shape of y", written(shape)),
                Measure("shape of the output", written(output)),
            ),
            _shape_fix(match, columns, len(output)),
            splits=tuple(splits),
            about=match.outlet.name,
        )


def _consequence(match: Match, how: Agreement) -> str:
    loss = match.loss.label
    if how is Agreement.BROADCASTS:
        return (
            f"{loss} stretches each label over all of the output, without a word; the network learns copies, "
            "or the mean, and predict() returns more numbers than you asked for."
        )
    if how is Agreement.RAISES_UNLESS:
        return (
            f"fit raises an error, except where a batch has {match.units} rows too: then every row is trained on "
            "the labels of its whole batch, and nothing is learnt."
        )
    return f"fit raises an error, as {loss} wants labels and output of one shape."


def _shape_fix(match: Match, columns: int, axes: int) -> Fix:
    units = match.units or 1
    labels = next(iter(match.labels.values()))
    if axes > 1 and columns <= units:
        return Fix(
            "Reduce the axes of the image or the series before the last layer.",
            "model.add(keras.layers.Flatten())  # or GlobalAveragePooling2D(), or LSTM(..., return_sequences=False)\n"
            f"model.add(keras.layers.Dense({columns}))",
        )
    softmax = match.outlet.head.activation == "softmax" and labels.dtype.kind in "iub"
    if columns == 1 and units > 1 and (match.loss.name in BINARY_LOSSES or softmax):
        return Fix(
            "Keep one unit a class, and take the loss for class numbers.",
            'model.compile(loss="sparse_categorical_crossentropy")  '
            f'# with Dense({units}, activation="softmax") as the last layer',
        )
    if columns > 1 and units == 1 and match.loss.name in BINARY_LOSSES:
        return Fix(
            "End in one unit per column: softmax where a row has one class, sigmoid where it may have several.",
            f'model.add(keras.layers.Dense({columns}, activation="softmax"))  # as the last layer\n'
            'model.compile(loss="categorical_crossentropy")',
        )
    activation = ', activation="sigmoid"' if match.loss.name in BINARY_LOSSES else ""
    return Fix(
        f"End in {columns} unit{'s' * (columns != 1)}, one per column of y.",
        f"model.add(keras.layers.Dense({columns}{activation}))  # as the last layer",
    )


def _classes(match: Match) -> Iterator[Finding]:
    """Yield what is wrong between class numbers and units."""
    units = match.units
    if units == 1 and match.loss.name in ONE_HOT_LOSSES | SPARSE_LOSSES:
        yield _one_unit(match)
        return
    if match.loss.name not in SPARSE_LOSSES or units is None:
        return
    highest: dict[str, int] = {}
    for split, labels in match.labels.items():
        fits = agreement(match.loss.name, labels.shape[1:], match.outlet.shape or ()) is Agreement.FITS
        values = finite(labels) if fits and labels.dtype.kind in "iufb" else labels[:0]
        values = values[values != match.loss.ignored] if match.loss.ignored is not None else values
        if values.size and (values.min() < 0 or (values != np.trunc(values)).any()):
            return  # no class numbers: FIT002 says so
        if values.size:
            highest[split] = int(values.max())
    if not highest:
        return
    top = max(highest.values())
    shifted = top == units and all(int(finite(match.labels[split]).min()) == 1 for split in highest)
    if top >= units and not shifted:  # labels from 1 to `units` are FIT002's
        yield _too_many(match, units, highest)
    elif top + 1 < units:
        yield _spare(match, units, top, tuple(highest))


def _one_unit(match: Match) -> Finding:
    softmax = match.loss.name in ONE_HOT_LOSSES
    effect = (
        "the loss is 0 from the first batch and nothing is ever learnt"
        if softmax
        else "fit raises on every label but 0"
    )
    return Finding(
        f"{begin(match.where)} has one unit under {match.loss.label}, which shares probability out among the "
        f"units: {effect}.",
        Evidence.of(Measure("units of the output", 1, 2)),
        Fix(
            "For two classes take the binary loss; for more, one unit a class.",
            'model.add(keras.layers.Dense(1, activation="sigmoid"))  # as the last layer\n'
            'model.compile(loss="binary_crossentropy")',
        ),
        splits=("train",),
        about=match.outlet.name,
    )


def _too_many(match: Match, units: int, highest: dict[str, int]) -> Finding:
    splits = [split for split, top in highest.items() if top >= units]
    top = max(highest.values())
    beyond = sum(int((finite(match.labels[split]) >= units).sum()) for split in splits)
    total = sum(match.labels[split].size for split in splits)
    return Finding(
        f"The labels {listed(splits)} hold class numbers up to {top}, and {match.where} has "
        f"{units} units, for the classes 0 to {units - 1}: fit raises an error, or its loss is NaN where the step is "
        "compiled.",
        Evidence.of(
            Measure("highest class number", top, units - 1),
            Measure("units of the output", units),
            Measure("share of labels beyond the units", beyond / total, 0.0, "%"),
        ),
        Fix(
            f"End in {top + 1} units, or number the classes from 0 without gaps.",
            f'model.add(keras.layers.Dense({top + 1}, activation="softmax"))  # as the last layer\n'
            "# or: classes, y_train = np.unique(y_train, return_inverse=True)",
        ),
        splits=tuple(splits),
        about=match.outlet.name,
    )


def _spare(match: Match, units: int, top: int, splits: tuple[str, ...]) -> Finding:
    spare = units - top - 1
    return Finding(
        f"{begin(match.where)} has {units} units and the class numbers end at {top}: {spare} "
        f"{'unit is' if spare == 1 else 'units are'} never asked for. This does no harm.",
        Evidence.of(Measure("units without a class", spare, 0), Measure("highest class number", top)),
        Fix("Leave it, or end in as many units as there are classes."),
        splits=splits,
        severity=Severity.INFO,
        about=match.outlet.name,
    )
