"""What a callable holds."""

from __future__ import annotations

import functools

import numpy as np

from auditor.probes.feeds import swapped
from auditor.probes.reach import captured, fits_anew, global_names, held_by, rebuilt

MEAN = np.array([1.0, 2.0])
mean = "an unrelated global with the name of an attribute"


def center(rows):
    return rows - MEAN


def by_attribute(rows):
    return rows - rows.mean(axis=0)


class Prep:
    def __init__(self, mean) -> None:
        self.mean = mean

    def __call__(self, rows):
        return rows - self.mean


def values(thing) -> list[object]:
    return [held.value for held in held_by((thing,))]


def holds(thing, wanted) -> bool:
    return any(value is wanted for value in values(thing))


def test_globals_closures_defaults_and_attributes_are_found() -> None:
    local = np.array([3.0])
    assert holds(center, MEAN)
    assert holds(lambda rows: rows - local, local)
    assert holds(lambda rows, m=local: rows - m, local)
    assert holds(functools.partial(np.subtract, local), local)
    assert holds(functools.partial(lambda rows, m: rows - m, m=local), local)
    assert holds(Prep(local), local)
    assert holds(Prep(local).__call__, local)
    assert holds({"a": [lambda rows: rows - local]}, local)
    assert holds(lambda rows: [row - local for row in rows], local)
    assert holds(lambda rows: center(rows) + 0, MEAN)


def test_attribute_names_are_not_globals() -> None:
    assert global_names(by_attribute.__code__) == []
    assert not holds(by_attribute, mean)


def test_an_empty_cell_is_left_out() -> None:
    def outer():
        def inner(rows):
            return rows - later

        found = captured(inner)
        later = 3
        return found, later

    assert outer()[0] == {}


def test_recursion_ends() -> None:
    held: list[object] = []
    held.append(held)

    def forever(rows):
        return forever(rows) if held else rows

    assert len(values(forever)) < 10


def test_a_function_is_rebuilt_around_another_value() -> None:
    other = np.array([10.0, 10.0])
    rows = np.zeros((1, 2))
    assert rebuilt(center, "MEAN", other)(rows).tolist() == [[-10.0, -10.0]]
    assert center(rows).tolist() == [[-1.0, -2.0]]


def test_swapping_reaches_every_place_and_leaves_the_original() -> None:
    old, new = np.array([1.0]), np.array([5.0])
    rows = np.zeros(1)
    prep = Prep(old)
    functions = [
        lambda rows: rows - old,
        lambda rows, m=old: rows - m,
        lambda rows, *, m=old: rows - m,
        functools.partial(lambda rows, m: rows - m, m=old),
        prep,
        prep.__call__,
        lambda rows: prep(rows) + 0,
    ]
    for function in functions:
        assert swapped(function, old, new)(rows).tolist() == [-5.0]
        assert function(rows).tolist() == [-1.0]
    assert swapped(center, old, new) is center


def test_a_call_that_learns_is_named() -> None:
    assert fits_anew((lambda rows: Prep(0).fit_transform(rows),)) == "fit_transform"
    assert fits_anew((center,)) == ""
