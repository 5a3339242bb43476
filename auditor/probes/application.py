"""What the preprocessing makes of every split, computed once and shared by the rules."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case, Split, make_split
from auditor._errors import InputError
from auditor.probes.callables import Step, resolve
from auditor.probes.isolation import State, states_of, undisturbed
from auditor.probes.outputs import NotRowsError, check_kind
from auditor.probes.rows import count_rows, defensive_copy
from auditor.probes.writes import Written, written
from auditor.sources.arrays import Array, as_features, is_sparse
from auditor.sources.frames import is_frame, read_features


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a split has no output.

    Attributes
    ----------
    kind : {"raised", "not rows", "not numbers"}
        The callable raised; or returned something else than rows; or rows that the audit cannot read
        (text, a sparse matrix too large to make dense), which a model may still take.
    message : str
        In one line.
    traceback : str
        Where it was raised; empty for the other kinds.
    """

    kind: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """Outputs of the preprocessing.

    Attributes
    ----------
    steps : mapping of str to Step
        The callable of each split.
    inputs : mapping of str to object
        What each split's callable was given a copy of; splits that it cannot be tried on are left out.
    outputs : mapping of str to ndarray
        By split, where the callable returned an array of numbers.
    failures : mapping of str to Failure
        By split, where it did not.
    writes : mapping of str to Written
        By split, what the callable wrote into its input.
    order : mapping of str to ndarray of int64
        By split, for each returned row its row number in the input, where labels of a frame tell.
    names : tuple of str
        Names of the output's columns; empty where it has none.
    categorical : ndarray of bool
        Columns of the output that hold text, as codes.
    states : list of State
        What the callables had learned once every split had passed through.
    """

    steps: Mapping[str, Step]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Array]
    failures: Mapping[str, Failure]
    writes: Mapping[str, Written] = field(default_factory=dict)
    order: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    categorical: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    states: list[State] = field(default_factory=list)

    @property
    def parts(self) -> tuple[Any, ...]:
        """Everything the callables are made of."""
        return tuple(part for step in dict.fromkeys(self.steps.values()) for part in step.parts)


def before(split: Split) -> Any:
    """Return what the preprocessing of a split is given: the raw rows, or X where there are none."""
    return split.source if split.raw is None else split.raw


def inputs_of(case: Case) -> dict[str, Any]:
    """Return what each split's preprocessing is given.

    Where raw rows are given for some splits only, the X of the others is already preprocessed: those
    splits are left out.
    """
    has_raw = any(split.raw is not None for split in case)
    return {split.name: before(split) for split in case if split.raw is not None or not has_raw}


def applied(case: Case) -> Applied:
    """Product: each split, on a copy, through its callable."""
    steps = resolve(case.preprocess, [split.name for split in case])
    inputs = inputs_of(case)
    made: dict[str, Any] = {}
    failures: dict[str, Failure] = {}
    writes: dict[str, Written] = {}
    parts = tuple(part for step in dict.fromkeys(steps.values()) for part in step.parts)
    with undisturbed(parts):
        for name in list(inputs):
            result = _call(steps[name], case[name], inputs[name])
            inputs[name] = result.given
            if result.failure is None:
                made[name] = result.made
            else:
                failures[name] = result.failure
            if result.wrote is not None:
                writes[name] = result.wrote
        states = states_of(parts)
    order = {name: found for name in made if (found := _order(inputs[name], made[name])) is not None}
    outputs, unread, names, categorical = _read(made)
    _settle_empty(case, outputs, failures)
    return Applied(steps, inputs, outputs, failures | unread, writes, order, names, categorical, states)


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    given: Any
    made: Any = None
    failure: Failure | None = None
    wrote: Written | None = None


def _call(step: Step, split: Split, given: Any) -> _Call:
    """Call on what the user passed; where that raises and it is no array, on the same rows as an array.

    A callable written for arrays is then not blamed for the list or frame the audit was given.
    """
    first = _attempt(step, given)
    is_plain = split.raw is None and not isinstance(given, np.ndarray) and not is_sparse(given)
    if first.failure is None or first.failure.kind != "raised" or not is_plain or _has_texts(given):
        return first
    second = _attempt(step, split.X)
    return first if second.failure is not None else second


def _has_texts(given: Any) -> bool:
    if not is_frame(given):
        return False
    columns = [given.iloc[:, j] if hasattr(given, "iloc") else given[:, j] for j in range(given.shape[1])]
    return any(np.asarray(column).dtype.kind not in "iufb" for column in columns)


def _attempt(step: Step, given: Any) -> _Call:
    copied = defensive_copy(given)
    try:
        made = step.call(copied)
        check_kind(made, count_rows(given))
    except NotRowsError as error:
        return _Call(given, failure=Failure("not rows", f"{error.message}; {error.hint}"))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything
        return _Call(given, failure=Failure("raised", one_line(error), traceback.format_exc()))
    return _Call(given, made, None, written(given, copied))


def one_line(error: BaseException) -> str:
    """Return an exception as one line: its type and the first line that says something.

    Examples
    --------
    >>> one_line(KeyError("age")), one_line(ValueError())
    ("KeyError: 'age'", 'ValueError')
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _read(
    made: Mapping[str, Any],
) -> tuple[dict[str, Array], dict[str, Failure], tuple[str, ...], NDArray[np.bool_]]:
    """Return outputs as arrays of numbers; frames together, so that their categories get the same codes."""
    none = np.zeros(0, dtype=bool)
    if made and all(is_frame(output) for output in made.values()):
        try:
            features = read_features(made, "preprocessed")
        except InputError:
            pass
        else:
            return dict(features.arrays), {}, features.names, features.categorical
    outputs: dict[str, Array] = {}
    failures: dict[str, Failure] = {}
    for name, output in made.items():
        try:
            if is_frame(output):
                outputs[name] = read_features({name: output}, "preprocessed").arrays[name]
            else:
                outputs[name] = as_features(output, "its output")
        except InputError as error:
            kind = "not numbers" if _is_readable_elsewhere(output) else "not rows"
            failures[name] = Failure(kind, "it returned text" if _is_text(output) else error.message)
    return outputs, failures, (), none


def _is_readable_elsewhere(output: Any) -> bool:
    """Whether a model might take an output that the audit cannot read: text, records, a huge sparse matrix."""
    if is_sparse(output) or is_frame(output):
        return True
    if _is_text(output) or type(output).__name__ in {"RaggedTensor", "SparseTensor"}:
        return True
    return getattr(getattr(output, "dtype", None), "kind", "-") in "Vc"


def _is_text(output: Any) -> bool:
    try:
        array = np.asarray(output)
    except (TypeError, ValueError):
        return False
    if array.dtype.kind == "O":
        return array.size > 0 and all(isinstance(item, str | bytes) for item in array.ravel()[:1000])
    return array.dtype.kind in "UST"


def _settle_empty(case: Case, outputs: dict[str, Array], failures: dict[str, Failure]) -> None:
    """Give an empty split, on which most transformers raise, the empty output it would have."""
    if "train" not in outputs:
        return
    shape = outputs["train"].shape[1:]
    for split in case:
        if split.n_rows == 0 and split.name in failures and case.train.n_rows:
            del failures[split.name]
            outputs[split.name] = np.zeros((0, *shape), dtype=outputs["train"].dtype)


def _order(given: Any, made: Any) -> NDArray[np.int64] | None:
    """Return where each returned row stood, where both are pandas frames and labels are unique."""
    if not (hasattr(given, "iloc") and hasattr(made, "iloc")) or not given.index.is_unique:
        return None
    positions = given.index.get_indexer(made.index)
    return None if (positions < 0).any() else np.asarray(positions, dtype=np.int64)


def preprocessed_case(case: Case, made: Applied) -> Case | None:
    """Return the case with every X replaced by what its callable made, rows kept.

    None where a callable failed or changed the number of rows; other rules report that.
    """
    splits = []
    for split in case:
        output = made.outputs.get(split.name)
        if output is None or output.shape[0] != split.n_rows or not _has_features(output):
            return None
        new = make_split(split.name, output)
        splits.append(replace(new, y=split.y, groups=split.groups, time=split.time))
    width = splits[0].n_features
    same = made.categorical.size == width and all(s.n_features == width for s in splits)
    categorical = made.categorical if same else np.zeros(width, dtype=bool)
    names = made.names if same and len(made.names) == width else ()
    return Case(
        tuple(splits),
        feature_names=names,
        categorical=categorical,
        stage="preprocessed",
        model=case.model,
        fit=case.fit,
        coverage=case.coverage,
    )


def _has_features(output: Array) -> bool:
    return output.shape[0] == 0 or output.size > 0
