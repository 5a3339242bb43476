"""What everything fitted inside the preprocessing was fitted on."""

from __future__ import annotations

from auditor._case import SPLITS, Case
from auditor.probes.application import Applied
from auditor.probes.constants import constants_of
from auditor.probes.feeds import parts_of
from auditor.probes.held_rows import held_rows_of
from auditor.probes.isolation import undisturbed
from auditor.probes.refits import Verdict, judged
from auditor.probes.rows import count_rows


def verdicts(case: Case, made: Applied, seed: int, seconds: float) -> tuple[Verdict, ...]:
    """Product: what each fitted object, and each number or array that a function holds, was made from.

    Parameters
    ----------
    case : Case
        With `preprocess`.
    made : Applied
        Its outputs.
    seed : int
        Of the orders in which rows are fitted again.
    seconds : float
        Time that the fits for one object may take.
    """
    splits = tuple(name for name in SPLITS if name in made.inputs and count_rows(made.inputs[name]))
    if "train" not in splits or len(splits) < 2:
        return ()
    found = []
    with undisturbed(made.parts):
        objects, functions = parts_of(case, made)
        found += [judged(learner, splits, seed, seconds) for learner in objects]
        for function in functions:
            found += constants_of(function, splits, {id(learner.thing) for learner in objects})
            found += held_rows_of(function, splits, made)
    return tuple(found)
