"""The engine: stages, skips, crashes, determinism, and what an audit leaves untouched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import auditor._audit as engine
from auditor import AuditFailed, Coverage, Evidence, Finding, Fix, Measure, Severity, Status, audit
from auditor._config import Config
from auditor._context import Context
from auditor._rule import Rule, Skip, find_rule

PLAIN = Finding("message", Evidence.of(Measure("n", 1)), Fix("mend it"))


def _rule(body, *, stage="both", needs=()) -> Rule:
    return replace(find_rule("SHP003"), code="TST001", name="test-rule", body=body, stage=stage, needs=needs)


def _run(monkeypatch: pytest.MonkeyPatch, known: Rule, **given):
    monkeypatch.setattr(engine, "select_rules", lambda *_: (known,))
    given.setdefault("X_train", np.zeros((4, 2)))
    return audit(**given)["TST001"]


def test_the_engine_stamps_code_name_severity_and_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(_: Context) -> Iterator[Finding]:
        yield PLAIN

    (finding,) = _run(monkeypatch, _rule(body)).findings
    assert (finding.code, finding.name, finding.level, finding.stage) == (
        "TST001",
        "test-rule",
        Severity.ERROR,
        "given",
    )


def test_a_crash_is_an_outcome_and_the_report_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(_: Context) -> Iterator[Finding]:
        yield PLAIN
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(engine, "select_rules", lambda *_: (_rule(body),))
    report = audit(np.zeros((3, 1)))
    assert report["TST001"].status is Status.CRASHED
    assert "ZeroDivisionError: by zero" in report["TST001"].traceback
    assert not report.ok
    with pytest.raises(AuditFailed, match="ZeroDivisionError"):
        report.raise_if_failed()


def test_skip_keeps_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(_: Context) -> Iterator[Finding]:
        raise Skip("too few rows")
        yield PLAIN

    outcome = _run(monkeypatch, _rule(body))
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, "too few rows")


def test_unmet_needs_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(_: Context) -> Iterator[Finding]:
        yield PLAIN

    outcome = _run(monkeypatch, _rule(body, needs=("groups",)))
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, "no groups given")


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("given", ["given"]), ("final", ["preprocessed"]), ("both", ["given", "preprocessed"])],
)
def test_stages(monkeypatch: pytest.MonkeyPatch, stage: str, expected: list[str]) -> None:
    seen = []

    def body(context: Context) -> Iterator[Finding | Coverage]:
        seen.append((context.case.stage, float(context.case.train.X.max())))
        yield Coverage(1, 2)

    outcome = _run(monkeypatch, _rule(body, stage=stage), X_train=np.ones((4, 2)), preprocess=lambda x: x * 3)
    assert [name for name, _ in seen] == expected
    assert all(value == (3.0 if name == "preprocessed" else 1.0) for name, value in seen)
    assert outcome.coverage == (Coverage(1, 2),)


def test_the_same_finding_is_told_once_over_both_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(context: Context) -> Iterator[Finding]:
        yield replace(PLAIN, splits=("val",))
        if context.case.stage == "preprocessed":
            yield replace(PLAIN, splits=("test",))

    outcome = _run(monkeypatch, _rule(body), preprocess=lambda x: x)
    assert [(f.splits, f.stage) for f in outcome.findings] == [
        (("val",), "given"),
        (("test",), "preprocessed"),
    ]


def test_a_rule_on_the_final_arrays_says_why_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(_: Context) -> Iterator[Finding]:
        yield PLAIN

    outcome = _run(monkeypatch, _rule(body, stage="final"), preprocess=lambda x: x[:1])
    assert outcome.status is Status.SKIPPED
    assert "PRE007" in outcome.reason


def test_shared_products_are_computed_once() -> None:
    calls = []

    def product(case, name):
        calls.append(name)
        return object()

    from auditor._case import make_case

    context = Context(make_case(X={"train": np.zeros((2, 2))}), Config())
    assert context.shared(product, "train") is context.shared(product, "train")
    context.shared(product, "val")
    assert calls == ["train", "val"]


def test_streams_depend_on_seed_and_name_alone() -> None:
    from auditor._case import make_case

    case = make_case(X={"train": np.zeros((2, 2))})
    draw = lambda seed, name: Context(case, Config(seed=seed)).rng(name).integers(1 << 60)  # noqa: E731
    assert draw(0, "DUP001") == draw(0, "DUP001")
    assert len({draw(0, "DUP001"), draw(1, "DUP001"), draw(0, "DUP002")}) == 3


def test_progress_counts_every_rule() -> None:
    seen = []
    report = audit(np.zeros((5, 2)), progress=lambda *step: seen.append(step))
    assert [name for name, _, _ in seen] == [outcome.name for outcome in report.outcomes]
    assert [position for _, position, _ in seen] == list(range(len(seen)))


def test_selection_by_code_prefix_and_name() -> None:
    X = np.zeros((4, 2))
    assert [o.code for o in audit(X, select="SHP003").outcomes] == ["SHP003"]
    assert [o.code for o in audit(X, select="non-finite-values").outcomes] == ["SHP003"]
    assert {o.code[:3] for o in audit(X, select=["SHP"]).outcomes} == {"SHP"}
    assert "SHP003" not in audit(X, ignore="SHP003")


def test_selection_never_changes_what_a_rule_says() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    given = {"X_train": X[:40], "X_val": np.vstack([X[40:], X[:3]]), "y_train": rng.integers(0, 2, 40)}
    whole = audit(**given)
    for outcome in whole.outcomes:
        assert audit(**given, select=outcome.code)[outcome.code].to_dict() == outcome.to_dict()
