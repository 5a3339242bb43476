"""How findings about callables name splits and their input."""

from __future__ import annotations

from collections.abc import Iterable

from auditor._case import SPLITS, Case


def ordered_splits(names: Iterable[str]) -> tuple[str, ...]:
    """Return splits with those that are evaluated on first.

    Examples
    --------
    >>> ordered_splits(["train", "test", "val"])
    ('val', 'test', 'train')
    """
    names = set(names)
    return tuple(name for name in (*SPLITS[1:], SPLITS[0]) if name in names)


def given_name(case: Case, split: str) -> str:
    """Return what the user calls the rows that the preprocessing of a split is given."""
    return f"X_{split}" if case[split].raw is None else f"raw_{split}"


def joined(names: Iterable[str], word: str = "and") -> str:
    """Return names as a list in words.

    Examples
    --------
    >>> joined(["train", "val", "test"]), joined(["val"])
    ('train, val and test', 'val')
    """
    names = list(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)
