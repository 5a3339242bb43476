"""Every rule has its page, a fixture that trips it, and a clean one that does not."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import auditor
from auditor import Report, Severity, Status
from auditor._needs import NEEDS
from auditor._rule import FAMILIES, HEADINGS, Rule, registry

ROOT = Path(__file__).resolve().parent.parent
RULES = list(registry().values())


def _fixture(code: str):
    path = ROOT / "fixtures" / "rules" / f"{code}.py"
    assert path.exists(), f"rule {code} has no fixture {path.relative_to(ROOT)}"
    spec = importlib.util.spec_from_file_location(f"fixture_{code}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(module, arguments: dict, **settings) -> Report:
    """Audit through the entry point that the fixture names, `audit` by default."""
    return getattr(auditor, getattr(module, "ENTRY", "audit"))(**arguments, **settings)


@pytest.mark.parametrize("known", RULES, ids=lambda known: known.code)
def test_page_has_every_heading_in_order(known: Rule) -> None:
    assert re.findall(r"^## (.+)$", known.page, flags=re.MULTILINE) == list(HEADINGS)
    assert known.summary.endswith(".")
    for heading in HEADINGS:
        assert known.section(heading), heading
    for option in known.options:
        assert f"`{known.code}.{option}`" in known.section("Options")


@pytest.mark.parametrize("known", RULES, ids=lambda known: known.code)
def test_identity(known: Rule) -> None:
    assert known.family in FAMILIES
    assert re.fullmatch(r"[A-Z]{3}\d{3}", known.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", known.name)
    assert set(known.needs) <= set(NEEDS)
    assert known.body.__module__.startswith("auditor.rules.")
    assert known.body.__name__ == known.name.replace("-", "_")


@pytest.mark.parametrize("known", RULES, ids=lambda known: known.code)
def test_bad_fixture_trips_the_rule(known: Rule) -> None:
    fixture = _fixture(known.code)
    outcome = _run(fixture, fixture.bad(), select=known.code)[known.code]
    assert outcome.status is Status.FAILED, outcome.traceback or outcome.reason
    for finding in outcome.findings:
        assert finding.message
        assert "{" not in finding.message, "an f is missing"
        assert finding.fix.summary
        assert finding.evidence.measures
        assert finding.level <= max(known.severity, Severity.ERROR)


@pytest.mark.parametrize("known", RULES, ids=lambda known: known.code)
def test_clean_fixture_does_not(known: Rule) -> None:
    fixture = _fixture(known.code)
    report = _run(fixture, fixture.clean())
    assert report[known.code].status is Status.PASSED, (report[known.code], report[known.code].traceback)
    assert report.ok, report.summary()


def test_every_rule_file_holds_one_rule() -> None:
    modules = [known.body.__module__ for known in RULES]
    assert len(modules) == len(set(modules))
    files = {p.stem for p in (ROOT / "auditor" / "rules").glob("*/*.py")} - {"__init__"}
    assert files == {module.rsplit(".", 1)[1] for module in modules}


def test_every_fixture_belongs_to_a_rule() -> None:
    fixtures = {path.stem for path in (ROOT / "fixtures" / "rules").glob("*.py")}
    assert fixtures == {known.code for known in RULES}
