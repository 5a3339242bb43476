"""Names put into words."""

from __future__ import annotations

import pytest

from auditor.measures.phrases import joined


@pytest.mark.parametrize(
    ("names", "text"), [("", ""), ("a", "a"), ("ab", "a and b"), ("abc", "a, b and c"), ("aa", "a and a")]
)
def test_names_are_listed_with_and_before_the_last(names: str, text: str) -> None:
    assert joined(names) == joined(iter(names)) == text


def test_a_prefix_stands_before_each_name() -> None:
    assert joined(("train", "val", "test"), "X_") == "X_train, X_val and X_test"
    assert joined(name for name in ("val",)) == "val"
    assert joined(("val",), "y_") == "y_val"
