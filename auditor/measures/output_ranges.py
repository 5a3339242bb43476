"""What a loss wants of an output, and the least loss that an output of a given range can reach."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np

from auditor.measures.layers import Head
from auditor.measures.losses import BINARY_LOSSES, DISTANCES, ONE_HOT_LOSSES, SPARSE_LOSSES
from auditor.measures.outlets import Agreement, Match, agreement, finite
from auditor.sources.arrays import Array

FLOOR = 0.05
"""Share of the loss of a guess below which the loss cannot fall: more is a defect."""


class Verdict(enum.Enum):
    """How an activation goes with a loss."""

    FITS = "fits"
    CONSTANT = "softmax over one unit is always 1"
    NOT_PROBABILITIES = "the loss wants probabilities"
    BOUNDED_LOGITS = "the loss wants logits, and these are bounded"
    HIDDEN = "an activation for hidden layers stands before the logits"
    RECOVERED = "from_logits without effect"
    NOT_SHARED_OUT = "probabilities that do not sum to 1"
    OUT_OF_RANGE = "labels lie beyond the range of the output"
    NEGATIVE = "the loss takes a logarithm of negative values"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, with the least loss that can be reached and that of a guess, where they are known.

    `logits` is the range that stands before the last softmax or sigmoid, the loss's own included.
    """

    verdict: Verdict
    floor: float = 0.0
    guess: float = math.nan
    outside: float = 0.0
    split: str = "train"
    logits: tuple[float, float] = (-math.inf, math.inf)

    @property
    def share(self) -> float:
        """The floor as a share of the loss of a guess."""
        return self.floor / self.guess if self.guess > 0 else math.inf if self.floor > 0 else 0.0


FITS = Judgement(Verdict.FITS)


def judge(match: Match, backend: str, floor: float) -> Judgement:
    """Return how the last activation of an output goes with its loss and its labels.

    Labels of train decide whether they lie out of reach, by a share of `floor` of their variance or more;
    those of other splits where train's do not.
    """
    head, loss = match.outlet.head, match.loss
    if head.activation == "softmax" and _axis_length(match) == 1:
        return Judgement(Verdict.CONSTANT)
    if loss.name in ONE_HOT_LOSSES | SPARSE_LOSSES:
        return _categorical(match, head, backend)
    if loss.name in BINARY_LOSSES:
        return _binary(match, head, backend)
    if loss.name in DISTANCES:
        return _distance(match, head, floor)
    if loss.name in {"kl_divergence", "dice", "tversky"} and (head.low < 0 or head.high > 1):
        return Judgement(Verdict.NOT_PROBABILITIES)
    if loss.name == "poisson" and head.low < 0:
        return Judgement(Verdict.NEGATIVE)
    if loss.name in {"hinge", "squared_hinge"} and head.low >= 0:
        return Judgement(Verdict.HIDDEN)
    return FITS


def _axis_length(match: Match) -> int | None:
    shape, axis = match.outlet.shape, match.outlet.head.axis
    if shape is None:
        return None
    whole = (None, *shape)
    return whole[axis] if -len(whole) <= axis < len(whole) else None


def _recovers(head: Head, backend: str) -> bool:
    return head.recovered and backend == "tensorflow"


def _categorical(match: Match, head: Head, backend: str) -> Judgement:
    loss = match.loss
    if match.units == 1:  # for FIT001
        return FITS
    squashed = head.activation in {"softmax", "sigmoid"}
    if squashed and _recovers(head, backend):
        bounded = _bounded(head.logits, match.units)
        if bounded.verdict is not Verdict.FITS:
            return bounded
        if loss.from_logits:
            return Judgement(Verdict.RECOVERED)
        return FITS if head.activation == "softmax" else Judgement(Verdict.NOT_SHARED_OUT)
    if loss.from_logits:
        return _bounded((head.low, head.high), match.units)
    if head.activation in {"softmax", "sparsemax"}:
        return _bounded(head.logits, match.units)
    if head.low >= 0 and head.high <= 1:
        return Judgement(Verdict.NOT_SHARED_OUT)
    positive = head.activation in {"softplus", "exponential", "squareplus"}
    return FITS if positive and loss.name in ONE_HOT_LOSSES else Judgement(Verdict.NOT_PROBABILITIES)


def _bounded(logits: tuple[float, float], units: int | None) -> Judgement:
    """Judge logits by their range: softmax of values within (low, high) keeps away from 0 and 1."""
    low, high = logits
    if low == -math.inf or units is None or units < 2:
        return FITS
    if high == math.inf:
        return Judgement(Verdict.HIDDEN, logits=logits)
    floor, guess = math.log1p((units - 1) * math.exp(low - high)), math.log(units)
    return Judgement(Verdict.BOUNDED_LOGITS, floor, guess, logits=logits) if floor > FLOOR * guess else FITS


def _binary(match: Match, head: Head, backend: str) -> Judgement:
    loss = match.loss
    if head.activation in {"softmax", "sigmoid"} and _recovers(head, backend):
        bounded = _binary_bounded(match, head.logits)
        if bounded.verdict is not Verdict.FITS:
            return bounded
        return Judgement(Verdict.RECOVERED) if loss.from_logits else FITS
    if loss.from_logits:
        return _binary_bounded(match, (head.low, head.high))
    if head.low < 0 or head.high > 1:
        return Judgement(Verdict.NOT_PROBABILITIES)
    return _binary_bounded(match, head.logits) if head.activation == "sigmoid" else FITS


def _binary_bounded(match: Match, logits: tuple[float, float]) -> Judgement:
    """Judge logits by the least cross-entropy that sigmoid of their range gives on these labels."""
    low, high = logits
    labels = match.labels.get("train")
    if (low, high) == (-math.inf, math.inf) or labels is None or labels.dtype.kind == "U":
        return FITS
    values = finite(labels).astype(np.float64)
    if not values.size:
        return FITS
    share = float(np.clip(values, 0, 1).mean())
    floor = share * _softplus(-high) + (1 - share) * _softplus(low)
    guess = -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)
    found = Judgement(Verdict.BOUNDED_LOGITS, floor, guess, logits=logits)
    return found if floor > FLOOR * max(guess, 1e-3) else FITS


def _softplus(value: float) -> float:
    return value if value == math.inf else math.log1p(math.exp(value)) if value < 500 else value


def _distance(match: Match, head: Head, floor: float) -> Judgement:
    """Judge the range of the output by the share of the labels' variance that it can never explain."""
    if head.low == -math.inf and head.high == math.inf:
        return FITS
    if head.activation == "softmax" and any(_misfits(match, labels) for labels in match.labels.values()):
        return FITS  # class numbers under a distance: for FIT001
    found = [
        _unreachable(labels, head, split)
        for split, labels in match.labels.items()
        if labels.dtype.kind in "iuf" and finite(labels).size
    ]
    return max(
        found, key=lambda seen: (seen.split == "train" and seen.share >= floor, seen.share), default=FITS
    )


def _misfits(match: Match, labels: Array) -> bool:
    shape = match.outlet.shape
    return shape is not None and agreement(match.loss.name, labels.shape[1:], shape) is not Agreement.FITS


def _unreachable(labels: Array, head: Head, split: str) -> Judgement:
    values = finite(labels).astype(np.float64)
    beyond = values - np.clip(values, head.low, head.high)
    return Judgement(
        Verdict.OUT_OF_RANGE if beyond.any() else Verdict.FITS,
        float(np.mean(beyond * beyond)),
        float(values.var()),
        float((beyond != 0).mean()),
        split,
    )
