"""Settings of an audit, from keywords or from ``[tool.auditor]`` in a pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
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
    select: str | tuple[str, ...] | list[str] | None = None,
    ignore: str | tuple[str, ...] | list[str] | None = None,
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


def read_pyproject(path: Path) -> dict[str, Any]:
    """Return ``[tool.auditor]`` of a pyproject.toml as keywords of `make_config`.

    Tables are rules: ``[tool.auditor.DUP001]`` with ``option = value``.

    Raises
    ------
    ConfigError
        If the file is not TOML, or a key is unknown.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("auditor", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    settings: dict[str, Any] = {}
    options: dict[str, float] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            options |= {f"{key}.{option}": number for option, number in value.items()}
        elif key.replace("-", "_") in {"select", "ignore", "fail_on", "seed"}:
            settings[key.replace("-", "_")] = value
        else:
            raise ConfigError(
                f"{path}: unknown key {key!r} in [tool.auditor]; known are select, ignore, fail-on, seed, "
                "and a table per rule."
            )
    return settings | ({"options": options} if options else {})


def _selectors(value: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    parts = value.split(",") if isinstance(value, str) else list(value)
    if not all(isinstance(part, str) for part in parts):
        raise ConfigError(f"Rules are selected by strings such as 'DUP' or 'SCL002'; got {value!r}.")
    return tuple(part.strip() for part in parts if part.strip())


def _checked_options(options: Mapping[str, float]) -> dict[str, float]:
    known = {f"{r.code}.{name}" for r in registry().values() for name in r.options}
    for key, value in options.items():
        if key not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"There is no option {key!r}; known are {listed}.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"Option {key} is {value!r}; wanted a number.")
    return dict(options)
