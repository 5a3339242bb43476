"""Settings, from keywords and from pyproject.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from auditor import ConfigError, Severity, audit
from auditor._config import Config, find_pyproject, make_config, read_pyproject
from auditor._rule import registry

OPTION, DEFAULT = next(
    (f"{r.code}.{name}", value) for r in registry().values() for name, value in r.options.items()
)
CODE, NAME = OPTION.split(".")


def written(path: Path, text: str) -> Path:
    (path / "pyproject.toml").write_text(text, encoding="utf-8")
    return path / "pyproject.toml"


def test_defaults() -> None:
    assert make_config() == Config((), (), Severity.ERROR, 0, {})


def test_settings_are_checked_and_put_in_one_form() -> None:
    config = make_config(
        select="DUP, SCL002,", ignore=["DUP001"], fail_on="warning", seed=3, options={OPTION.lower(): 1}
    )
    assert config.select == ("DUP", "SCL002")
    assert config.ignore == ("DUP001",)
    assert config.fail_on is Severity.WARNING
    assert config.options == {OPTION: 1}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"seed": True}, "seed is True"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"fail_on": "fatal"}, "wanted one of info, warning, error"),
        ({"select": 5}, "selected by strings"),
        ({"select": [5]}, "selected by strings"),
        ({"ignore": {"DUP": 1}}, "selected by strings"),
        ({"options": {f"{OPTION}x": 1}}, f"did you mean {OPTION}"),
        ({"options": {"nonsense": 1}}, "no option 'nonsense'"),
        ({"options": {OPTION: "high"}}, "is 'high'; wanted a number"),
        ({"options": {OPTION: True}}, "is True; wanted a number"),
        ({"options": {OPTION: float("nan")}}, "is nan; wanted a number"),
    ],
)
def test_impossible_settings(settings: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_config(**settings)


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_rules_are_selected_by_any_strings(kind: Callable[[list[str]], Iterable[str]]) -> None:
    assert make_config(select=kind(["DUP", " SCL002", ""])).select == ("DUP", "SCL002")


@pytest.mark.parametrize("select", [5, [5], {"DUP": 1}])
def test_an_audit_selects_rules_by_strings_alone(select: Any) -> None:
    with pytest.raises(ConfigError, match="selected by strings"):
        audit([[1.0]], select=select)


@pytest.mark.parametrize(("select", "says"), [("DUP9", "DUP9"), ("non-finite-value", "non-finite-values")])
def test_unknown_rule(select: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        audit([[1.0]], select=select)


def test_table_of_the_project(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f'[tool.auditor]\nselect = ["DUP"]\nignore = "DUP006"\nfail-on = "warning"\nseed = 7\n[tool.auditor.{CODE}]\n'
        f"{NAME} = 0.25\n",
    )
    config = make_config(**read_pyproject(path))
    assert config == Config(("DUP",), ("DUP006",), Severity.WARNING, 7, {OPTION: 0.25})


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.other]\nselect = 1\n"])
def test_project_without_a_table(tmp_path: Path, text: str) -> None:
    assert read_pyproject(written(tmp_path, text)) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tool.auditor]\nselct = 'DUP'\n", "unknown key 'selct'"),
        ("[tool.auditor]\nfail-on = 'error'\nfail_on = 'info'\n", "'fail_on' stands twice"),
        ("[tool]\nauditor = 3\n", "tool.auditor is 3; wanted a table"),
        ("tool = 3\n", "wanted a table"),
        ("[tool.auditor\n", "is not valid TOML"),
        ("\ufeff\x00", "is not valid TOML"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=says) as caught:
        read_pyproject(path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        read_pyproject(tmp_path / "pyproject.toml")


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_pyproject(tmp_path / "none.toml")


def test_nearest_project(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    path = written(tmp_path, "")
    assert find_pyproject(deep) == path
    nearer = written(deep, "")
    assert find_pyproject(deep) == nearer
