"""FIT006."""

from __future__ import annotations

import math
from collections.abc import Iterator

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.losses import CROSSENTROPIES
from auditor.measures.models import network
from auditor.measures.networks import Network, Penalty
from auditor.measures.outlets import matching


@rule("FIT006", "penalty-in-the-loss", severity=Severity.INFO, needs=("model",), since="0.1", stage="final")
def penalty_in_the_loss(context: Context) -> Iterator[Finding]:
    """Regularization penalties are part of the loss that is printed.

    ## What it does
    Sums the penalties of all regularizers on trainable weights as they are now, and says which weigh most.
    Before the model is built there are no weights, and only the regularizers are named.

    ## Why it matters
    Keras adds the penalties to `loss` and to `val_loss`. With a large dense layer they may outweigh the
    cross-entropy, start above ln(number of classes), and rise while the cross-entropy falls and accuracy
    climbs: behind a batch normalization the scale of a kernel does not matter to the output, and its norm
    is free to grow.

    ## Example
    L2 of 1e-4 on every kernel, the largest one with 16.8 million weights: 1.39 of a loss of 1.44.

    ## Fix
    Print the loss without them, as a metric, and judge that one. Leave kernels before a batch
    normalization without penalty, or use the weight decay of AdamW.

    ## Options
    None.

    ## Limits
    Whether the sum will grow or shrink cannot be told before training. Activity regularizers are named,
    not valued: they depend on the rows.
    """
    net = context.shared(network)
    if not net.penalties and not net.activity:
        return
    yield _finding(net, _guess(context))


def _guess(context: Context) -> tuple[float, str] | None:
    """Return the cross-entropy of a guess and the name of the loss, for the first output."""
    try:
        matches = context.shared(matching).matches
    except Skip:
        return None
    if not matches or matches[0].loss.name not in CROSSENTROPIES:
        return None
    units = matches[0].units
    return (math.log(max(2, units)), matches[0].loss.name) if units else None


def _finding(net: Network, guess: tuple[float, str] | None) -> Finding:
    values = [penalty.value for penalty in net.penalties if penalty.value is not None]
    total = sum(values)
    heaviest = sorted(net.penalties, key=lambda penalty: -(penalty.value or 0.0))[:5]
    name = guess[1] if guess else "mean_squared_error"
    measures = [Measure("weights with a regularizer", len(net.penalties), 0)]
    if values:
        measures.insert(0, Measure("sum of the penalties now", total, 0.0))
    if guess:
        measures.append(Measure("cross-entropy of a guess", guess[0]))
    return Finding(
        f"{_message(net, total, values, guess)} Judge the loss without them.",
        Evidence.of(*measures, examples=[_shown(penalty) for penalty in heaviest]),
        Fix(
            "Print the loss without penalties beside it.",
            f'model.compile(optimizer="adam", loss=..., metrics=["accuracy", "{name}"])',
        ),
        splits=("train", "val"),
        about="penalties",
    )


def _message(net: Network, total: float, values: list[float], guess: tuple[float, str] | None) -> str:
    activity = f", and activity regularizers on {', '.join(net.activity[:3])}" if net.activity else ""
    if not net.penalties:
        return (
            f"The printed loss holds the penalties of activity regularizers on {', '.join(net.activity[:3])}."
        )
    if not values:
        return (
            f"The printed loss holds the penalties of {len(net.penalties)} regularizers{activity}; their value is not known "
            "before the model is built."
        )
    beside = f", beside a cross-entropy of {guess[0]:.3g} for a guess" if guess else ""
    return (
        f"The printed loss and val_loss hold {total:.4g} of penalties from {len(net.penalties)} regularizers"
        f"{activity}{beside}."
    )


def _shown(penalty: Penalty) -> dict[str, str | float | None]:
    return {"weight": penalty.weight, "regularizer": penalty.label, "penalty": penalty.value}
