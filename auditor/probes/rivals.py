"""What the callables of different splits make of the same rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import InputError
from auditor.probes.agreement import Agreement, agreement
from auditor.probes.application import Applied
from auditor.probes.callables import Step, distinct
from auditor.probes.isolation import reseed, restore, undisturbed
from auditor.probes.outputs import Cells, cells
from auditor.probes.rows import count_rows, defensive_copy, take
from auditor.probes.runner import Probed, sample_size

SHARED_ROWS = 2048
"""Rows of each of two splits on which callables are compared."""


def on_the_same_rows(made: Applied, train: Probed, seed: int) -> tuple[tuple[str, Agreement], ...]:
    """Return, for each callable other than train's, a split it serves and how it agrees with train's.

    Train's callable may learn from the rows it is given; then its output on the whole of train is what
    counts. Otherwise both are given a sample of rows of either split.
    """
    learns = any(ran.relation.exact for ran in train.broken)
    found = []
    with undisturbed(made.parts):
        for step, names in distinct(made.steps).items():
            if step is train.step:
                continue
            name = next((name for name in names if name in made.outputs), "")
            if not name:
                continue
            relation = _on_train(made, step) if learns else _on_samples(made, train.step, step, name, seed)
            if relation is not None:
                found.append((name, relation))
    return tuple(found)


def _on_train(made: Applied, step: Step) -> Agreement | None:
    given = made.inputs["train"]
    second = _output(made, step, given)
    first = made.outputs["train"].reshape(len(made.outputs["train"]), -1)
    if second is None or second.texts.size or len(second) != len(first):
        return None
    return agreement(first, second.numbers)


def _on_samples(made: Applied, of_train: Step, of_rival: Step, name: str, seed: int) -> Agreement | None:
    relations = []
    for split in ("train", name):
        given = made.inputs[split]
        rng = np.random.default_rng([seed, 5])
        total = count_rows(given)
        chosen = np.sort(rng.permutation(total)[: sample_size(given, SHARED_ROWS)])
        batch = take(given, chosen)
        first, second = _output(made, of_train, batch), _output(made, of_rival, batch)
        if first is None or second is None or len(first) != len(second):
            continue
        if first.texts.shape[1] or second.texts.shape[1] or first.shape != second.shape:
            continue  # texts differ by spelling; other shapes are PRE008's
        relations.append(_renumbered(agreement(_narrow(first), _narrow(second)), chosen))
    differing = [relation for relation in relations if relation.kind != "equal"]
    return differing[0] if differing else relations[0] if relations else None


def _narrow(output: Cells) -> NDArray[Any]:
    """Return numbers as float32: callables may compute in it whatever they return."""
    with np.errstate(over="ignore"):
        return output.numbers.astype(np.float32)


def _renumbered(relation: Agreement, chosen: NDArray[np.int64]) -> Agreement:
    examples = tuple((int(chosen[i]), j, a, b) for i, j, a, b in relation.examples)
    return replace(relation, examples=examples)


def _output(made: Applied, step: Step, batch: Any) -> Cells | None:
    reseed()
    restore(made.states)
    try:
        return cells(step.call(defensive_copy(batch)), count_rows(batch))
    except (InputError, Exception, SystemExit):  # noqa: BLE001 - user code may raise anything
        return None
