"""What the rules of one audit share, each computed once."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from auditor._case import Case
from auditor._config import Config
from auditor._rule import find_rule

P = ParamSpec("P")
T = TypeVar("T")


class Context:
    """A case, the settings, and the products that rules have asked for so far.

    Parameters
    ----------
    case : Case
        What is audited.
    config : Config
        The settings.
    """

    def __init__(self, case: Case, config: Config) -> None:
        self.case = case
        self.config = config
        self._products: dict[tuple[Any, ...], Any] = {}

    def shared(self, product: Callable[Concatenate[Case, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return ``product(case, *args)``, computed on first use and kept for every other rule.

        Arguments must be hashable; names of splits, as a rule.
        """
        key = (product, args, tuple(sorted(kwargs.items())))
        if key not in self._products:
            self._products[key] = product(self.case, *args, **kwargs)
        value: T = self._products[key]
        return value

    def rng(self, stream: str) -> np.random.Generator:
        """Return a generator for one rule's draws.

        It depends on the seed and the name alone, so selecting other rules changes nothing.
        """
        return np.random.default_rng([self.config.seed, zlib.crc32(stream.encode())])

    def option(self, key: str) -> float:
        """Return an option such as ``"DUP001.max_share"``: what the user set, or the rule's default."""
        code, name = key.split(".", 1)
        return self.config.options.get(key, find_rule(code).options[name])
