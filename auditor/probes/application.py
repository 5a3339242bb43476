"""What the preprocessing makes of every split, computed once and shared by the rules."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditor._case import Case, Split, make_split
from auditor._errors import InputError
from auditor.probes.callables import Step, defensive_copy, resolve
from auditor.sources.arrays import Array
from auditor.sources.frames import read_features


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """Outputs of the preprocessing.

    Attributes
    ----------
    steps : mapping of str to Step
        The callable of each split.
    outputs : mapping of str to ndarray
        By split, where the callable returned an array of numbers.
    failures : mapping of str to str
        By split, where it did not: the error in one line.
    tracebacks : mapping of str to str
        The whole of it.
    """

    steps: Mapping[str, Step]
    outputs: Mapping[str, Array]
    failures: Mapping[str, str]
    tracebacks: Mapping[str, str]


def before(split: Split) -> Any:
    """Return what the preprocessing of a split is given: the raw rows, or X where there are none."""
    return split.source if split.raw is None else split.raw


def applied(case: Case) -> Applied:
    """Product: each split, on a copy, through its callable."""
    steps = resolve(case.preprocess, [split.name for split in case])
    outputs: dict[str, Array] = {}
    failures: dict[str, str] = {}
    tracebacks: dict[str, str] = {}
    for split in case:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = steps[split.name].call(defensive_copy(before(split)))
            outputs[split.name] = read_features({split.name: made}, "preprocessed").arrays[split.name]
        except InputError as error:
            failures[split.name] = error.message
            tracebacks[split.name] = traceback.format_exc()
        except Exception as error:  # noqa: BLE001 - user code may raise anything
            failures[split.name] = (
                f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
            )
            tracebacks[split.name] = traceback.format_exc()
    return Applied(steps, outputs, failures, tracebacks)


def preprocessed_case(case: Case, made: Applied) -> Case | None:
    """Return the case with every X replaced by what its callable made, rows kept.

    None where a callable failed or changed the number of rows; other rules report that.
    """
    splits = []
    for split in case:
        output = made.outputs.get(split.name)
        if output is None or output.shape[0] != split.n_rows:
            return None
        new = make_split(split.name, output)
        splits.append(replace(new, y=split.y, groups=split.groups, time=split.time))
    return Case(
        tuple(splits),
        stage="preprocessed",
        categorical=_no_categories(splits),
        model=case.model,
        fit=case.fit,
        coverage=case.coverage,
    )


def _no_categories(splits: list[Split]) -> Any:
    import numpy as np

    return np.zeros(splits[0].n_features, dtype=bool)
