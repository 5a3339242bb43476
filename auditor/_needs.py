"""What rules can ask of a case, and why it may not be met."""

from __future__ import annotations

from collections.abc import Callable

from auditor._case import Case


def _evaluation(case: Case) -> str:
    return "" if case.evaluation else "no evaluation split given"


def _comparable(case: Case) -> str:
    if not case.evaluation:
        return "no evaluation split given"
    return "" if case.comparable else "no evaluation split has rows of train's shape"


def _train_labels(case: Case) -> str:
    if case.train.y is None:
        return "no y_train given"
    return "" if case.train.aligned_y is not None else "y_train has not one label per row (see LBL001)"


def _labels(case: Case) -> str:
    if all(split.y is None for split in case):
        return "no y given"
    return (
        ""
        if any(split.aligned_y is not None for split in case)
        else "y has not one label per row (see LBL001)"
    )


def _labels_on_two(case: Case) -> str:
    missing = _train_labels(case)
    if missing:
        return missing
    if not case.evaluation:
        return "no evaluation split given"
    return (
        "" if any(s.aligned_y is not None for s in case.evaluation) else "no y given for an evaluation split"
    )


def _ids(attribute: str) -> Callable[[Case], str]:
    def check(case: Case) -> str:
        given = [s.name for s in case if getattr(s, attribute) is not None]
        if not given:
            return f"no {attribute} given"
        return "" if "train" in given and len(given) > 1 else f"{attribute} given for {given[0]} only"

    return check


def _preprocess(case: Case) -> str:
    return "" if case.preprocess is not None else "no preprocess given"


def _model(case: Case) -> str:
    return "" if case.model is not None else "no model given"


def _fit(case: Case) -> str:
    return "" if case.fit is not None else "no fit arguments given (see audit_fit)"


NEEDS: dict[str, Callable[[Case], str]] = {
    "evaluation split": _evaluation,
    "comparable rows": _comparable,
    "train labels": _train_labels,
    "labels": _labels,
    "labels on two splits": _labels_on_two,
    "groups": _ids("groups"),
    "time": _ids("time"),
    "preprocess": _preprocess,
    "model": _model,
    "fit": _fit,
}
"""By name: a function that returns why a case does not meet the need, or the empty string."""


def unmet(case: Case, needs: tuple[str, ...]) -> str:
    """Return why a case does not meet `needs`: the first reason, or the empty string."""
    return next((reason for need in needs if (reason := NEEDS[need](case))), "")
