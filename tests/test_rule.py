"""Selection of rules and the pages they carry."""

from __future__ import annotations

import pytest

from auditor import ConfigError
from auditor._rule import FAMILIES, find_rule, registry, select_rules


def test_the_registry_is_in_the_order_of_the_rule_book() -> None:
    codes = list(registry())
    order = list(FAMILIES)
    assert codes == sorted(codes, key=lambda code: (order.index(code[:3]), code))


def test_nothing_selected_is_every_rule_on_by_default() -> None:
    assert [r.code for r in select_rules()] == [r.code for r in registry().values() if r.default]


def test_all_selects_the_others_too() -> None:
    assert [r.code for r in select_rules(["ALL"])] == list(registry())


def test_ignore_is_taken_away_afterwards() -> None:
    chosen = {r.code for r in select_rules(["SHP"], ["SHP003"])}
    assert chosen == {code for code in registry() if code.startswith("SHP")} - {"SHP003"}


@pytest.mark.parametrize("key", ["SHP003", "shp003", "non-finite-values", "Non-Finite-Values"])
def test_rules_are_found_by_code_and_name(key: str) -> None:
    assert find_rule(key).code == "SHP003"


@pytest.mark.parametrize("selector", ["ZZZ", "DUP999", "scalar-fitted"])
def test_an_unknown_selector_is_an_error(selector: str) -> None:
    with pytest.raises(ConfigError, match="There is no rule"):
        select_rules([selector])


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(ConfigError, match="SHP003"):
        find_rule("SHP03")


def test_sections_of_a_page() -> None:
    known = find_rule("SHP003")
    assert known.summary == "X holds NaN or infinity."
    assert "Impute with statistics of train" in known.section("Fix")
    assert known.section("No such heading") == ""
