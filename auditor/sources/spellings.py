"""What the arrays of a file are called, and which keyword of `audit` each of them stands for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from auditor._errors import InputError

ROLES = {
    "X": "x xs data images image img imgs features feature inputs input samples",
    "y": "y ys labels label targets target",
    "groups": "groups group",
    "time": "time times timestamp timestamps date dates",
    "raw": "raw",
}
"""By keyword prefix: words that name what an array holds."""

SPLIT_WORDS = {
    "train": "train training trn",
    "val": "val valid validation dev",
    "test": "test testing tst holdout",
}
"""By split: words that name it."""

KEYWORDS = tuple(f"{role}_{split}" for role in ROLES for split in SPLIT_WORDS)
"""Keywords of `auditor.audit` that take arrays."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the names in a file were understood.

    Attributes
    ----------
    names : mapping of str to str
        From keyword to the name in the file.
    ignored : tuple of str
        Names that stand for no keyword.
    """

    names: dict[str, str]
    ignored: tuple[str, ...]

    def notes(self) -> list[str]:
        """Say what was taken for what, and what was left out."""
        respelled = [f"{name} as {keyword}" for keyword, name in self.names.items() if name != keyword]
        notes = [f"read {', '.join(respelled)}"] if respelled else []
        if self.ignored:
            listed = ", ".join(map(_with_suggestion, self.ignored[:8]))
            more = f" and {len(self.ignored) - 8} more" if len(self.ignored) > 8 else ""
            notes.append(f"ignored {listed}{more}: the names are X_train, y_val, groups_test and the like")
        return notes


def read_names(names: Iterable[str], where: str) -> Reading:
    """Return which keyword each name stands for.

    Parameters
    ----------
    names : iterable of str
        Names in the file.
    where : str
        The file, for messages.

    Raises
    ------
    InputError
        If two names stand for the same keyword, or none for ``X_train``.

    Examples
    --------
    >>> reading = read_names(["x_train", "labels_train", "X_dev", "seed"], "splits.npz")
    >>> reading.names
    {'X_train': 'x_train', 'y_train': 'labels_train', 'X_val': 'X_dev'}
    >>> reading.ignored
    ('seed',)
    """
    found: dict[str, str] = {}
    ignored = []
    for name in names:
        keyword = keyword_for(name)
        if keyword is None:
            ignored.append(name)
        elif keyword in found:
            raise InputError(
                f"{where} holds both {found[keyword]} and {name}, which both read as {keyword}.",
                hint=f"keep one of them, and call it {keyword}.",
            )
        else:
            found[keyword] = name
    if "X_train" not in found:
        raise _no_train(found, ignored, where)
    ordered = {keyword: found[keyword] for keyword in KEYWORDS if keyword in found}
    return Reading(dict(sorted(ordered.items(), key=lambda item: _order(item[0]))), tuple(ignored))


def keyword_for(name: str) -> str | None:
    """Return the keyword of `audit` that a name stands for; None where it stands for none.

    Examples
    --------
    >>> keyword_for("trainX"), keyword_for("X_validation"), keyword_for("test_labels"), keyword_for("mask")
    ('X_train', 'X_val', 'y_test', None)
    """
    if not re.fullmatch(r"[A-Za-z0-9_.\- ]+", name):
        return None
    words = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    words = [part for word in words for part in _parted(word)]
    splits = [split for split, known in SPLIT_WORDS.items() for word in words if word in known.split()]
    rest = [word for word in words if not any(word in known.split() for known in SPLIT_WORDS.values())]
    roles = [role for word in rest for role, known in ROLES.items() if word in known.split()]
    if len(splits) != 1 or len(roles) != len(rest):
        return None
    if "raw" in roles and set(roles) <= {"raw", "X"}:
        roles = ["raw"]
    return f"{roles[0]}_{splits[0]}" if len(roles) == 1 else "X_" + splits[0] if not roles else None


def _parted(word: str) -> tuple[str, ...]:
    """Cut ``xtrain`` and ``trainx`` in two."""
    for known in SPLIT_WORDS.values():
        for split in known.split():
            if len(word) == len(split) + 1 and word.startswith(("x", "y")) and word.endswith(split):
                return word[0], split
            if len(word) == len(split) + 1 and word.endswith(("x", "y")) and word.startswith(split):
                return split, word[-1]
    return (word,)


def _order(keyword: str) -> tuple[int, int]:
    role, split = keyword.split("_")
    return list(SPLIT_WORDS).index(split), list(ROLES).index(role)


def _no_train(found: dict[str, str], ignored: list[str], where: str) -> InputError:
    held = [*found.values(), *ignored]
    listed = ", ".join(held[:8]) + (", ..." if len(held) > 8 else "")
    near = difflib.get_close_matches("X_train", ignored, 1, 0.7)
    hint = (
        f"did you mean {near[0]} to be X_train?"
        if near
        else "name the arrays when saving: np.savez('splits.npz', X_train=..., y_train=..., X_val=..., y_val=...)."
    )
    return InputError(f"X_train is missing: {where} holds {listed}.", hint=hint)


def _with_suggestion(name: str) -> str:
    near = difflib.get_close_matches(name, KEYWORDS, 1, 0.75)
    return f"{name} (did you mean {near[0]}?)" if near else name
