"""The outputs of a model beside the labels they are trained on: which is which, and whether shapes agree."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from auditor._case import Case
from auditor._plan import FitPlan
from auditor._rule import Skip
from auditor.measures.losses import BINARY_LOSSES, ELEMENTWISE, ONE_HOT_LOSSES, SPARSE_LOSSES, Loss
from auditor.measures.models import network
from auditor.measures.networks import Outlet, Shape
from auditor.sources.arrays import Array

BATCH = -1
"""Stands for the length of a batch, which equals no other length."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """One output, its loss, and its labels by split."""

    outlet: Outlet
    labels: Mapping[str, Array]
    where: str
    """How to call the output in a message."""

    @property
    def loss(self) -> Loss:
        """The loss; outputs without one are not matched."""
        assert self.outlet.loss is not None  # noqa: S101 - kept by `matching`
        return self.outlet.loss

    @property
    def units(self) -> int | None:
        """Length of the output's last axis; 1 for an output of shape (n,), None where it is not known."""
        if self.outlet.shape is None:
            return None
        return self.outlet.shape[-1] if self.outlet.shape else 1


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """All outputs with a loss and labels; `mismatch` says why they cannot be brought together."""

    matches: tuple[Match, ...]
    mismatch: str = ""


class Agreement(enum.Enum):
    """How labels go together with an output under a loss."""

    FITS = "fits"
    RAISES = "raises"
    RAISES_UNLESS = "raises, unless the batch is as long as the output is wide"
    BROADCASTS = "broadcasts in silence"
    WANTS_ONE_HOT = "the loss wants one column a class"
    WANTS_IDS = "the loss wants the number of the class"
    UNKNOWN = "unknown"


def fit_plan(case: Case) -> FitPlan:
    """Product: the arguments of fit; those that the splits amount to where none were given."""
    if case.fit is not None and case.stage == "given":
        return case.fit
    inputs = {split.name: (split.X,) for split in case}
    targets = {split.name: (split.y,) for split in case if split.y is not None}
    return FitPlan(inputs, targets)


def matching(case: Case) -> Matching:
    """Product: every output that has a loss, beside its labels.

    Raises
    ------
    Skip
        If there are no labels, no loss, or the model has a training step of its own.
    """
    net, plan = network(case), fit_plan(case)
    if net.own_step:
        raise Skip("the model has a training step or a loss computation of its own")
    if not net.compiled:
        raise Skip("the model is not compiled")
    trained = [outlet for outlet in net.outlets if outlet.loss is not None]
    if not trained:
        raise Skip("the model is compiled without a loss")
    if not plan.targets.get("train"):
        raise Skip("no y given")
    return _paired(trained, net.outlets, plan)


def _paired(trained: list[Outlet], outlets: tuple[Outlet, ...], plan: FitPlan) -> Matching:
    several = len(outlets) > 1
    matches = []
    for outlet in trained:
        labels = {}
        for split, targets in plan.targets.items():
            index = _position(outlet, trained, outlets, plan, len(targets))
            if index is None:
                return Matching((), _no_place(outlet, outlets, plan, len(targets)))
            labels[split] = targets[index]
        where = f"output {outlet.name!r}" if several else "the output"
        matches.append(Match(_named_loss(outlet, labels), labels, where))
    return Matching(tuple(matches))


def _named_loss(outlet: Outlet, labels: Mapping[str, Array]) -> Outlet:
    """Return an output with the loss that Keras takes for the name "crossentropy"."""
    train = labels.get("train")
    if outlet.loss is None or outlet.loss.name != "crossentropy" or outlet.shape is None or train is None:
        return outlet
    last = outlet.shape[-1] if outlet.shape else 1
    if last == 1:
        name = "binary_crossentropy"
    elif train.ndim < len(outlet.shape) + 1 or train.shape[-1] == 1:
        name = "sparse_categorical_crossentropy"
    else:
        name = "categorical_crossentropy"
    return replace(outlet, loss=replace(outlet.loss, name=name))


def _position(
    outlet: Outlet, trained: list[Outlet], outlets: tuple[Outlet, ...], plan: FitPlan, count: int
) -> int | None:
    """Return which of `count` label arrays an output is trained on."""
    if plan.target_names and len(plan.target_names) == count:
        if outlet.name in plan.target_names:
            return plan.target_names.index(outlet.name)
        return 0 if len(outlets) == 1 and count == 1 else None
    if count == len(outlets):
        return next(i for i, known in enumerate(outlets) if known is outlet)
    if count == len(trained):
        return next(i for i, known in enumerate(trained) if known is outlet)
    return None


def _no_place(outlet: Outlet, outlets: tuple[Outlet, ...], plan: FitPlan, count: int) -> str:
    names = ", ".join(repr(known.name) for known in outlets)
    if plan.target_names:
        return (
            f"y has the keys {', '.join(map(repr, plan.target_names))} and the model the outputs {names}: "
            f"nothing is given for {outlet.name!r}"
        )
    return f"the model has {len(outlets)} outputs ({names}) and y is {count} array{'s' * (count != 1)}"


def agreement(loss: str, labels: Shape, output: Shape) -> Agreement:
    """Return how labels go with an output, given the shapes of one row, as Keras 3 aligns them.

    Examples
    --------
    >>> agreement("mean_squared_error", (), (1,)).value, agreement("mean_squared_error", (1,), (64,)).value
    ('fits', 'broadcasts in silence')
    """
    y, z = _same_rank((BATCH, *labels), (BATCH, *output))
    if loss in SPARSE_LOSSES:
        return _sparse(y, z)
    if loss in ONE_HOT_LOSSES:
        if _equal(y, z):
            return Agreement.FITS
        ids = y == z[:-1] or (_equal(y[:-1], z[:-1]) and y[-1] == 1)
        return Agreement.WANTS_ONE_HOT if ids else Agreement.RAISES
    if loss in BINARY_LOSSES:
        return Agreement.FITS if _equal(y, z) else Agreement.RAISES
    return _broadcast(y, z) if loss in ELEMENTWISE else Agreement.UNKNOWN


def _same_rank(y: Shape, z: Shape) -> tuple[Shape, Shape]:
    """Drop or add a last axis of one where the ranks differ by one, as Keras does before every loss."""
    if len(y) == len(z) + 1 and y[-1] == 1:
        return (y, (*z, 1)) if len(z) == 1 else (y[:-1], z)
    if len(z) == len(y) + 1 and z[-1] == 1:
        return ((*y, 1), z) if len(y) == 1 else (y, z[:-1])
    return y, z


def _sparse(y: Shape, z: Shape) -> Agreement:
    if len(y) == len(z) and y[-1] == 1:
        y = y[:-1]
    if _equal(y, z[:-1]):
        return Agreement.FITS
    return Agreement.WANTS_IDS if len(y) == len(z) and _equal(y, z) else Agreement.RAISES


def _equal(y: Shape, z: Shape) -> bool:
    return len(y) == len(z) and all(a is None or b is None or a == b for a, b in zip(y, z, strict=True))


def _broadcast(y: Shape, z: Shape) -> Agreement:
    stretched = len(y) != len(z)
    for a, b in zip(reversed(y), reversed(z), strict=False):
        if a is None or b is None or a == b:
            continue
        if 1 not in (a, b):
            return Agreement.RAISES_UNLESS if BATCH in (a, b) else Agreement.RAISES
        stretched = True
    return Agreement.BROADCASTS if stretched else Agreement.FITS


def written(shape: Shape) -> str:
    """Return the shape of rows as people write it.

    Examples
    --------
    >>> written(()), written((None, 3))
    ('(n,)', '(n, ?, 3)')
    """
    return f"({', '.join(['n', *('?' if length is None else str(length) for length in shape)])}{',' * (not shape)})"


def listed(splits: Iterable[str]) -> str:
    """Return names of label arrays for a sentence.

    Examples
    --------
    >>> listed(["train", "val"])
    'y_train and y_val'
    """
    return " and ".join(f"y_{split}" for split in splits)


def begin(text: str) -> str:
    """Return text fit to begin a sentence.

    Examples
    --------
    >>> begin("output 'Age'")
    "Output 'Age'"
    """
    return text[:1].upper() + text[1:]


def finite(labels: Array) -> Array:
    """Return the values of labels as one flat array, without NaN and infinity."""
    values = labels.ravel()
    return values[np.isfinite(values)] if values.dtype.kind == "f" else values
