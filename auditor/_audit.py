"""The entry points: from what the user passed to a report."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from auditor._case import Case, make_case
from auditor._config import Config, make_config
from auditor._context import Context
from auditor._finding import Coverage, Finding, Outcome, Severity, Status
from auditor._needs import unmet
from auditor._report import Report, SplitSummary
from auditor._rule import Rule, Skip, select_rules

Progress = Callable[[str, int, int], None]
"""Called before each rule with its name, its position and the number of rules."""

UNUSABLE = "the preprocessing did not return rows that can be audited (see PRE007 and PRE008)"


def audit(
    X_train: Any,
    X_val: Any = None,
    X_test: Any = None,
    *,
    y_train: Any = None,
    y_val: Any = None,
    y_test: Any = None,
    groups_train: Any = None,
    groups_val: Any = None,
    groups_test: Any = None,
    time_train: Any = None,
    time_val: Any = None,
    time_test: Any = None,
    raw_train: Any = None,
    raw_val: Any = None,
    raw_test: Any = None,
    preprocess: Any = None,
    model: Any = None,
    select: str | Iterable[str] | None = None,
    ignore: str | Iterable[str] | None = None,
    fail_on: Severity | str = Severity.ERROR,
    options: Mapping[str, float] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Audit train, validation and test arrays, and the callables that made them.

    Parameters
    ----------
    X_train, X_val, X_test : array-like of shape (n, ...)
        Rows of each split: arrays of any number of dimensions, lists, data frames, tensors. Val and
        test may be left out.
    y_train, y_val, y_test : array-like of shape (n,) or (n, k), optional
        Labels: numbers, text, one-hot.
    groups_train, groups_val, groups_test : array-like of shape (n,), optional
        The patient, user, session or document a row came from.
    time_train, time_val, time_test : array-like of shape (n,), optional
        When a row was observed: numbers or dates.
    raw_train, raw_val, raw_test : array-like, optional
        The rows before `preprocess`. Without them, `X_*` are its input, and what it returns is
        audited too.
    preprocess : callable, transformer, layer, sequence or mapping, optional
        What made the rows the model sees: a function, a fitted scikit-learn transformer, a Keras
        layer, a sequence of those, or a mapping from split to one of them. It is called on copies.
    model : keras.Model, optional
        The compiled model that these rows will train. It is read, not called.
    select, ignore : str or iterable of str, optional
        Codes, prefixes (``"DUP"``) or names of rules.
    fail_on : {"error", "warning", "info"}
        Level at which `Report.raise_if_failed` raises when it is given none.
    options : mapping of str to float, optional
        Options of rules, e.g. ``{"SCL002.harm": 0.2}``.
    seed : int
        Seed of every draw; the same seed gives the same report.
    progress : callable, optional
        Called with ``(rule name, position, number of rules)`` before each rule.

    Returns
    -------
    Report
        Findings, and what became of every rule. It keeps no input array.

    Raises
    ------
    InputError
        If an input cannot be audited.
    ConfigError
        If a setting is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 5))
    >>> report = audit(X[:80], np.vstack([X[80:], X[:5]]))
    >>> report.ok, [finding.code for finding in report.errors]
    (False, ['DUP001'])
    """
    config = make_config(select=select, ignore=ignore, fail_on=fail_on, seed=seed, options=options)
    case = make_case(
        X={"train": X_train, "val": X_val, "test": X_test},
        y={"train": y_train, "val": y_val, "test": y_test},
        groups={"train": groups_train, "val": groups_val, "test": groups_test},
        time={"train": time_train, "val": time_val, "test": time_test},
        raw={"train": raw_train, "val": raw_val, "test": raw_test},
        preprocess=preprocess,
        model=model,
    )
    return run(case, config, progress)


def run(case: Case, config: Config, progress: Progress | None = None) -> Report:
    """Run the selected rules on a case and return the report."""
    rules = select_rules(config.select, config.ignore)
    given = Context(case, config)
    final, reason = _final_context(given)
    outcomes = []
    for position, known in enumerate(rules):
        if progress is not None:
            progress(known.name, position, len(rules))
        outcomes.append(_outcome(known, given, final, reason))
    summaries = tuple(
        SplitSummary(s.name, s.n_rows, s.feature_shape, str(s.X.dtype), s.y is not None) for s in case
    )
    return Report(tuple(outcomes), summaries, config.fail_on, config.seed)


def _final_context(given: Context) -> tuple[Context | None, str]:
    """Return the context of what the model will see, and why there is none."""
    case = given.case
    if case.preprocess is None or any(split.raw is not None for split in case):
        return given, ""
    from auditor.probes.application import applied, preprocessed_case

    made = preprocessed_case(case, given.shared(applied))
    return (None, UNUSABLE) if made is None else (Context(made, given.config), "")


def _outcome(known: Rule, given: Context, final: Context | None, reason: str) -> Outcome:
    """Run one rule on the stages it judges; the only place where a rule's exceptions are caught."""
    start = time.perf_counter()
    wanted: dict[str, list[Context | None]] = {"both": [given, final], "given": [given], "final": [final]}
    stages = list(dict.fromkeys(context for context in wanted[known.stage] if context is not None))
    findings: list[Finding] = []
    coverage: list[Coverage] = []
    skips: list[str] = [] if stages else [reason]
    ran = False
    for context in stages:
        why = unmet(context.case, known.needs)
        if why:
            skips.append(why)
            continue
        try:
            found, seen = _collect(known, context)
        except Skip as skip:
            skips.append(str(skip))
            continue
        except Exception:  # noqa: BLE001 - one broken rule must not end the audit
            trace = traceback.format_exc()
            return Outcome(
                known.code, known.name, Status.CRASHED, tuple(findings), "", trace, seconds=_since(start)
            )
        ran = True
        already = {finding.splits for finding in findings}
        findings += [finding for finding in found if finding.splits not in already]
        coverage += seen
    findings.sort(key=lambda finding: -finding.level)
    status = Status.FAILED if findings else Status.PASSED if ran else Status.SKIPPED
    why = skips[0] if status is Status.SKIPPED else ""
    return Outcome(
        known.code,
        known.name,
        status,
        tuple(findings),
        why,
        "",
        tuple(dict.fromkeys([*coverage, *(given.case.coverage if ran else ())])),
        _since(start),
    )


def _collect(known: Rule, context: Context) -> tuple[list[Finding], list[Coverage]]:
    findings, coverage = [], []
    for item in known.body(context):
        if isinstance(item, Coverage):
            coverage.append(item)
            continue
        severity = known.severity if item.severity is None else item.severity
        findings.append(
            replace(item, code=known.code, name=known.name, severity=severity, stage=context.case.stage)
        )
    return findings, coverage


def _since(start: float) -> float:
    return time.perf_counter() - start
