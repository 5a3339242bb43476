"""What a rule is, the registry of rules, and selection by code, prefix or name."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from auditor._errors import ConfigError
from auditor._finding import Coverage, Finding, Severity

if TYPE_CHECKING:
    from auditor._context import Context

Body = Callable[["Context"], Iterator[Finding | Coverage]]

HEADINGS = ("What it does", "Why it matters", "Example", "Fix", "Options", "Limits")
"""Headings that a rule's docstring holds, in this order."""

FAMILIES = {
    "DUP": "The same sample on both sides",
    "RSM": "Upsampled before the split",
    "SCL": "Normalization",
    "PRE": "The preprocessing callables",
    "LBL": "Labels",
    "SHP": "Shapes, types, values",
    "DEP": "Groups and time",
    "TGT": "The target in the features",
    "DRF": "Splits that are not one population",
    "FIT": "The model and the fit call",
}


class Skip(Exception):  # noqa: N818 - control flow, not an error
    """Raised by a rule that cannot say anything here; its argument is the reason."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of defect.

    Attributes
    ----------
    code, name : str
        Stable identity, e.g. ``DUP001`` and ``exact-copies-across-splits``.
    severity : Severity
        Default severity of its findings.
    needs : tuple of str
        Keys of ``NEEDS``; the rule is skipped, with the reason, where one is not met.
    since : str
        First version that had it.
    options : mapping of str to float
        Options and their defaults, set with ``options={"DUP001.name": value}``.
    default : bool
        Whether it runs when no rules are selected.
    stage : {"both", "given", "final"}
        What it judges where a callable is given: the arrays as they came and what the callable made
        of them, the arrays as they came (and the callable), or only what the model will see.
    body : callable
        The generator function.
    page : str
        Its documentation in Markdown: the dedented docstring.
    """

    code: str
    name: str
    severity: Severity
    needs: tuple[str, ...]
    since: str
    options: Mapping[str, float]
    default: bool
    stage: Literal["both", "given", "final"]
    body: Body
    page: str

    @property
    def summary(self) -> str:
        """First sentence of the page."""
        return " ".join(self.page.split("\n\n", 1)[0].split())

    @property
    def family(self) -> str:
        """First three letters of the code."""
        return self.code[:3]

    def section(self, heading: str) -> str:
        """Text under a heading of the page; empty where there is none."""
        parts = re.split(r"^## (.+)$", self.page, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True)).get(heading, "").strip()


_registry: dict[str, Rule] = {}


def rule(
    code: str,
    name: str,
    *,
    severity: Severity,
    needs: tuple[str, ...] = (),
    since: str,
    options: Mapping[str, float] | None = None,
    default: bool = True,
    stage: Literal["both", "given", "final"] = "both",
) -> Callable[[Body], Rule]:
    """Register a generator function as a rule; its docstring is the rule's page."""

    def register(body: Body) -> Rule:
        import inspect

        page = inspect.cleandoc(body.__doc__ or "")
        made = Rule(code, name, severity, needs, since, dict(options or {}), default, stage, body, page)
        taken = _registry.get(code)
        if taken is not None and taken.body.__module__ != body.__module__:
            raise ConfigError(f"Rule code {code} is registered twice.")
        _registry[code] = made
        return made

    return register


@cache
def registry() -> Mapping[str, Rule]:
    """Every rule by its code, in order of families and codes; loads the rule files on first use."""
    package = importlib.import_module("auditor.rules")
    for module in pkgutil.walk_packages(package.__path__, "auditor.rules."):
        importlib.import_module(module.name)
    order = list(FAMILIES)
    return dict(sorted(_registry.items(), key=lambda item: (order.index(item[0][:3]), item[0])))


def find_rule(key: str) -> Rule:
    """Return the rule with the code or name `key`.

    Raises
    ------
    ConfigError
        If there is none.
    """
    for known in registry().values():
        if key.upper() == known.code or key.lower() == known.name:
            return known
    import difflib

    names = [*registry(), *(known.name for known in registry().values())]
    close = difflib.get_close_matches(key.upper(), names, 3) or difflib.get_close_matches(
        key.lower(), names, 3
    )
    hint = f" Did you mean {', '.join(close)}?" if close else " `auditor rules` lists them."
    raise ConfigError(f"There is no rule {key!r}.{hint}")


def select_rules(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return the rules named by codes, prefixes of codes, or names, in registry order.

    Parameters
    ----------
    select : iterable of str
        Empty, or holding ``"ALL"``: every rule that is on by default, or every rule.
    ignore : iterable of str
        Taken away afterwards.

    Raises
    ------
    ConfigError
        If a selector matches no rule.
    """
    select, ignore = tuple(select), tuple(ignore)
    chosen = (
        set().union(*map(_matching, select)) if select else {r.code for r in registry().values() if r.default}
    )
    chosen -= set().union(*map(_matching, ignore)) if ignore else set()
    return tuple(known for code, known in registry().items() if code in chosen)


def _matching(selector: str) -> set[str]:
    if selector.upper() == "ALL":
        return set(registry())
    found = {code for code in registry() if selector and code.startswith(selector.upper())}
    return found or {find_rule(selector).code}
