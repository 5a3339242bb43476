"""How far the output of a network can move in the steps of one fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor._plan import FitPlan
from auditor.measures.columns import blocks
from auditor.measures.losses import DISTANCES
from auditor.measures.networks import Network
from auditor.measures.outlets import Match

BOUNDED_STEPS = frozenset({"Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Lion"})
"""Optimizers that move a weight by about the learning rate a step, whatever the size of the gradient."""

SLACK = 2.0
"""Steps may be this many learning rates long: more than Adam takes but for very sparse gradients."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The mean absolute output over train can be no larger than `furthest` after `steps` steps."""

    furthest: float
    steps: int
    optimizer: str
    rate: float


def output_reach(net: Network, plan: FitPlan, match: Match) -> Reach | None:
    """Return a bound on the mean absolute output after this fit; None where there is none.

    Every weight of every layer moves by at most ``delta = SLACK * rate * steps``, so that one layer
    turns absolute values u into at most ``(|W| + delta)' u + |b| + delta``.
    """
    rows = plan.inputs["train"][0] if len(plan.inputs["train"]) == 1 else np.zeros(0)
    steps = None if plan.epochs is None else plan.steps(rows.shape[0])
    if (
        steps is None
        or plan.epochs is None
        or net.learning_rate is None
        or net.optimizer not in BOUNDED_STEPS
        or match.loss.name not in DISTANCES
        or not match.outlet.stack
        or rows.dtype.kind not in "iufb"
    ):
        return None
    total = steps * plan.epochs
    delta = SLACK * net.learning_rate * total
    flat = rows.reshape(rows.shape[0], -1)
    if flat.shape[1] != match.outlet.stack[0][0].shape[0] or not len(flat):
        return None
    value = sum(np.abs(block.astype(np.float64)).sum(axis=0) for block in blocks(flat)) / len(flat)
    for kernel, bias in match.outlet.stack:
        value = (kernel + delta).T @ value + bias + delta
    furthest = float(np.max(value))
    return Reach(furthest, total, net.optimizer, net.learning_rate) if np.isfinite(furthest) else None
