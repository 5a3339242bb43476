"""Names put into words."""

from __future__ import annotations

from collections.abc import Iterable


def joined(names: Iterable[str], prefix: str = "") -> str:
    """Return names as a sentence lists them: commas between them, "and" before the last.

    Parameters
    ----------
    names : iterable of str
        The names, in order; without any, the text is empty.
    prefix : str
        What to put before each, such as ``"X_"`` before splits.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    >>> joined(["val", "test"], "X_"), joined(["train"], "X_")
    ('X_val and X_test', 'X_train')
    """
    *most, last = [f"{prefix}{name}" for name in names] or [""]
    return f"{', '.join(most)} and {last}" if most else last
