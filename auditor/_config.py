"""Settings of an audit, from keywords or from ``[tool.auditor]`` in a pyproject.toml."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor._errors import ConfigError
from auditor._finding import Severity
from auditor._rule import registry


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of an audit.

    Attributes
    ----------
    select, ignore : tuple of str
        Codes, prefixes or names of rules.
    fail_on : Severity
        Lowest severity at which a gate fails.
    seed : int
        Seed of everything drawn at random; every rule draws from its own stream.
    options : mapping of str to float
        Options of rules, as ``{"DUP001.option": value}``.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity = Severity.ERROR
    seed: int = 0
    options: Mapping[str, float] = field(default_factory=dict)


def make_config(
    *,
    select: str | Iterable[str] | None = None,
    ignore: str | Iterable[str] | None = None,
    fail_on: Severity | str = Severity.ERROR,
    seed: int = 0,
    options: Mapping[str, float] | None = None,
) -> Config:
    """Check settings and return them as a `Config`.

    Raises
    ------
    ConfigError
        If a rule, an option or a severity is unknown, or a value has the wrong type.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed is {seed!r}; wanted a whole number of at least 0.")
    return Config(
        select=_selectors(select),
        ignore=_selectors(ignore),
        fail_on=Severity.parse(fail_on),
        seed=seed,
        options=_checked_options(options or {}),
    )


SETTINGS = ("select", "ignore", "fail_on", "seed")
"""Keys of ``[tool.auditor]`` beside the tables of rules; hyphens stand for underscores."""


def find_pyproject(start: Path) -> Path | None:
    """Return the pyproject.toml nearest to the folder `start`, there or above; None where there is none."""
    here = start.resolve()
    return next(
        (found for folder in (here, *here.parents) if (found := folder / "pyproject.toml").is_file()), None
    )


def read_pyproject(path: Path) -> dict[str, Any]:
    """Return ``[tool.auditor]`` of a pyproject.toml as keywords of `make_config`.

    Tables are rules: ``[tool.auditor.DUP001]`` with ``option = value``.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not TOML, or a key is unknown.
    """
    table = _tool_table(path)
    settings: dict[str, Any] = {}
    options: dict[str, float] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if isinstance(value, dict):
            options |= {f"{key}.{option}": number for option, number in value.items()}
        elif name not in SETTINGS:
            raise ConfigError(
                f"{path}: unknown key {key!r} in [tool.auditor]; known are select, ignore, fail-on, seed, "
                "and a table per rule."
            )
        elif name in settings:
            raise ConfigError(f"{path}: {key!r} stands twice in [tool.auditor].")
        else:
            settings[name] = value
    return settings | ({"options": options} if options else {})


def _tool_table(path: Path) -> dict[str, Any]:
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    table = tool.get("auditor", {}) if isinstance(tool, dict) else tool
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.auditor is {table!r}; wanted a table, [tool.auditor].")
    return table


def _selectors(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    given = value.split(",") if isinstance(value, str) else value
    is_list = isinstance(given, Iterable) and not isinstance(given, Mapping)
    parts: list[Any] = list(given) if is_list else [given]
    if not all(isinstance(part, str) for part in parts):
        raise ConfigError(f"Rules are selected by strings such as 'DUP' or 'SCL002'; got {value!r}.")
    return tuple(part.strip() for part in parts if part.strip())


def _checked_options(options: Mapping[str, float]) -> dict[str, float]:
    known = [f"{r.code}.{name}" for r in registry().values() for name in r.options]
    checked = {}
    for key, value in options.items():
        code, _, name = str(key).partition(".")
        option = f"{code.upper()}.{name}"
        if option not in known:
            near = difflib.get_close_matches(option, known, 3) or [
                k for k in known if k.startswith(code.upper())
            ]
            hint = (
                f"did you mean {' or '.join(near)}?"
                if near
                else "`auditor explain CODE` lists a rule's options."
            )
            raise ConfigError(f"There is no option {key!r}; {hint}")
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise ConfigError(f"Option {option} is {value!r}; wanted a number.")
        checked[option] = value
    return checked
