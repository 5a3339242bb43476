"""The README: its generated parts are current, its examples run, and its commands are the ones that are run."""

from __future__ import annotations

import doctest
import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from auditor import audit
from auditor._config import make_config
from auditor._rule import registry
from auditor.cli import run

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("readme_generator", ROOT / "tests" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SECTIONS = ["example", "rules", "usage", "speed", "detection", "resampling"]


@pytest.mark.parametrize("section", SECTIONS)
def test_generated_sections_are_current(section: str, generator) -> None:
    assert list(generator.SECTIONS) == SECTIONS
    there = re.search(rf"<!-- {section}: [^\n]*-->\n(.*?)\n<!-- /{section} -->", README, re.DOTALL)[1]
    assert there == generator.SECTIONS[section](), "run `python tests/readme.py`"


def test_a_missing_section_is_noticed(generator) -> None:
    with pytest.raises(SystemExit, match="0 sections called example"):
        generator.written(README.replace("<!-- example:", "<!-- exemple:"))


def test_the_example_is_what_the_command_prints(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    block = re.search(r"```console\n\$ auditor (check \S+)\n(.*?)\n```", README, re.DOTALL)
    run(block[1].split())
    printed = [line for line in capsys.readouterr().out.splitlines() if line]
    quoted = [line for line in block[2].splitlines() if line]
    assert quoted.pop() == "    ..."
    assert len(quoted) <= 12
    places = [printed.index(line) for line in quoted]
    assert places == sorted(places)


def test_python_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failures, examples = doctest.testfile(str(ROOT / "README.md"), module_relative=False, encoding="utf-8")
    assert examples > 4
    assert failures == 0


def test_ci_runs_the_readme_s_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extract = re.search(r"command=\$\((sed .*)\)", script)[1]
    found = subprocess.run(["sh", "-c", extract], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    command = found.stdout.strip()
    assert command == "pip install '.[test]' && pytest"
    assert f"$ {command}\n" in README


def test_paths_exist() -> None:
    for path in re.findall(r"(?:fixtures|auditor/render)/[\w./]+", README):
        assert (ROOT / path).exists(), path


def test_settings_shown_are_valid() -> None:
    import tomllib

    table = tomllib.loads(re.search(r"```toml\n(.*?)```", README, re.DOTALL)[1])["tool"]["auditor"]
    make_config(**{key.replace("-", "_"): value for key, value in table.items()})


def test_every_rule_named_exists() -> None:
    named = set(re.findall(r"\b[A-Z]{3}\d{3}\b", README))
    assert named <= set(registry())


def test_keywords_of_the_example_are_audit_s() -> None:
    import inspect

    call = re.search(r"report = audit\((X_train, .*)\)", README)[1]
    keywords = re.findall(r"(\w+)=", call)
    assert set(keywords) <= set(inspect.signature(audit).parameters)
