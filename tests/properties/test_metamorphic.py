"""What must not matter to an audit, and what must follow from a change, over all rules at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor import Report, audit
from auditor._rule import registry

Arrays = Mapping[str, np.ndarray]
Found = set[tuple[str, str, tuple[str, ...]]]

SIZES = {"train": 0.6, "val": 0.2, "test": 0.2}


def _cut(X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Cut rows that stand in random order 60:20:20."""
    arrays, start = {}, 0
    for name, share in SIZES.items():
        stop = start + int(len(y) * share)
        arrays[f"X_{name}"], arrays[f"y_{name}"] = X[start:stop], y[start:stop]
        start = stop
    return arrays


def _shuffled(X: np.ndarray, y: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(y))
    return X[order], y[order]


def measurements() -> Arrays:
    """Cell nuclei: thirty real measurements, two classes, nothing wrong."""
    from sklearn.datasets import load_breast_cancer

    return _cut(*_shuffled(*load_breast_cancer(return_X_y=True)))


def digits() -> Arrays:
    """Small images of whole numbers, ten classes, nothing wrong."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    X, y = _shuffled(bundle.images, bundle.target)
    return _cut(X[:700], y[:700])


def quantity() -> Arrays:
    """A quantity to predict from whole and real numbers, one of its parts and the rest among them."""
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(5, 2, (500, 4)), rng.poisson(20, (500, 3)), rng.gamma(2, 3, (500, 2))])
    return _cut(X, X[:, 4] + X[:, 5])


def repeated() -> Arrays:
    """Rows of validation that stand in train, and a rare class upsampled before the split."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(500, 6)), (np.arange(500) % 8 == 0).astype(int)
    X[y == 1] += 0.5
    again = rng.choice(np.flatnonzero(y == 1), 300)
    return _cut(*_shuffled(np.concatenate([X, X[again]]), np.concatenate([y, y[again]])))


def rescaled() -> Arrays:
    """A scaler fitted on each split by itself, and a label among the features."""
    rng = np.random.default_rng(3)
    X, y = rng.lognormal(size=(600, 8)) * np.array([1, 10, 100, 1, 5, 0.1, 3, 7]), rng.integers(0, 3, 600)
    arrays = _cut(X, y)
    for name in SIZES:
        rows = arrays[f"X_{name}"]
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        arrays[f"X_{name}"] = np.column_stack([rows, arrays[f"y_{name}"]])
    return arrays


def another_unit() -> Arrays:
    """Test in bytes, train and validation between 0 and 1, as images are."""
    arrays = dict(digits())
    for name in ("train", "val"):
        arrays[f"X_{name}"] = arrays[f"X_{name}"] / 16
    return arrays


DATA: dict[str, Callable[[], Arrays]] = {
    made.__name__: made for made in (measurements, digits, quantity, repeated, rescaled, another_unit)
}
AT_FAULT = {
    "measurements": set(),
    "digits": set(),
    "quantity": {"TGT001"},
    "repeated": {"DUP001", "RSM001"},
    "rescaled": {"SCL003", "TGT001"},
    "another_unit": {"SCL001"},
}


@cache
def arrays(name: str) -> Arrays:
    return DATA[name]()


@cache
def report(name: str) -> Report:
    return audit(**arrays(name))


def found(result: Report, rename: Mapping[str, str] | None = None) -> Found:
    """Return what was found: codes, severities, splits."""
    assert not result.crashed, result.crashed[0].traceback
    names = dict(rename or {})
    return {
        (one.code, one.level.label, tuple(sorted(names.get(split, split) for split in one.splits)))
        for one in result.findings
    }


def _each(change: Callable[[np.ndarray], np.ndarray], given: Arrays) -> dict[str, np.ndarray]:
    """Apply a change to X of every split."""
    return {name: change(array) if name[0] == "X" else array for name, array in given.items()}


@pytest.mark.parametrize("name", DATA)
def test_the_data_show_what_they_were_made_for(name: str) -> None:
    assert {one.code for one in report(name).errors} == AT_FAULT[name]


# --- what must not matter


@pytest.mark.parametrize("name", DATA)
def test_selecting_other_rules_changes_no_finding(name: str) -> None:
    whole = report(name)
    for outcome in whole.outcomes:
        alone = audit(**arrays(name), select=outcome.code)[outcome.code]
        assert alone.to_dict() == outcome.to_dict(), outcome.code


@pytest.mark.parametrize("name", DATA)
def test_memory_layout_changes_nothing(name: str) -> None:
    def strided(X: np.ndarray) -> np.ndarray:
        wide = np.full((2 * X.shape[0], *X.shape[1:-1], 3 * X.shape[-1]), 7, dtype=X.dtype)
        wide[::2, ..., ::3] = X
        return wide[::2, ..., ::3]

    def backwards(X: np.ndarray) -> np.ndarray:
        return X[::-1].copy()[::-1]

    def foreign(X: np.ndarray) -> np.ndarray:
        return X.astype(X.dtype.newbyteorder())

    def locked(X: np.ndarray) -> np.ndarray:
        X = X.copy()
        X.flags.writeable = False
        return X

    text = report(name).to_json()
    for layout in (np.asfortranarray, strided, backwards, foreign, locked):
        assert audit(**_each(layout, arrays(name))).to_json() == text, layout.__name__


@pytest.mark.parametrize("name", DATA)
def test_lists_are_arrays(name: str) -> None:
    assert audit(**{key: array.tolist() for key, array in arrays(name).items()}).to_json() == (
        audit(**{key: np.array(array.tolist()) for key, array in arrays(name).items()}).to_json()
    )


@pytest.mark.parametrize("name", ["measurements", "quantity", "repeated", "rescaled"])
def test_frames_find_what_arrays_do(name: str) -> None:
    pd = pytest.importorskip("pandas")
    named = _each(lambda X: pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])]), arrays(name))
    assert found(audit(**named)) == found(report(name))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float16, np.float32])
def test_whole_numbers_whatever_their_type(dtype: type) -> None:
    """The same whole numbers in another type: the values are equal, so the findings are."""
    assert found(audit(**_each(lambda X: X.astype(dtype), arrays("digits")))) == found(report("digits"))


@pytest.mark.parametrize("name", ["measurements", "quantity", "repeated", "rescaled", "another_unit"])
def test_single_precision_finds_the_same(name: str) -> None:
    single = {
        key: array.astype(np.float32) if key[0] == "X" else array for key, array in arrays(name).items()
    }
    assert found(audit(**single)) == found(report(name))


@pytest.mark.parametrize("name", DATA)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=0)
def test_order_of_rows_within_splits(name: str, seed: int) -> None:
    """Rows stand in random order already; another one finds the same."""
    rng = np.random.default_rng(seed)
    orders = {split: rng.permutation(len(arrays(name)[f"y_{split}"])) for split in SIZES}
    mixed = {key: array[orders[key[2:]]] for key, array in arrays(name).items()}
    assert found(audit(**mixed)) == found(report(name))


@pytest.mark.parametrize("name", ["measurements", "quantity", "repeated", "rescaled"])
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=0)
def test_order_of_columns(name: str, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(arrays(name)["X_train"].shape[1])
    result = audit(**_each(lambda X: X[:, order], arrays(name)))
    assert found(result) == found(report(name))
    before = {(one.code, one.splits): set(one.columns) for one in report(name).errors}
    after = {(one.code, one.splits): {int(order[c]) for c in one.columns} for one in result.errors}
    assert after == before


@pytest.mark.parametrize("name", ["measurements", "quantity", "repeated", "rescaled"])
@pytest.mark.parametrize("power", [-10, 1, 20])
def test_another_unit_for_all(name: str, power: int) -> None:
    """A power of two changes exponents only; what is said of raw bytes (SCL006) depends on the unit."""
    got, wanted = found(audit(**_each(lambda X: X * 2.0**power, arrays(name)))), found(report(name))
    assert {one for one in got if one[0] != "SCL006"} == {one for one in wanted if one[0] != "SCL006"}


@pytest.mark.parametrize("name", ["measurements", "quantity", "rescaled"])
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=0)
def test_a_column_that_says_nothing(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    wider = _each(lambda X: np.column_stack([X, rng.normal(size=len(X))]), arrays(name))
    errors = {one for one in found(report(name)) if one[1] == "error"}
    assert {one for one in found(audit(**wider)) if one[1] == "error"} == errors


def test_a_function_of_the_row_says_nothing_new() -> None:
    """Repeated rows stay repeated when each is given a column made from its own values."""
    wider = _each(lambda X: np.column_stack([X, np.sin(X).sum(axis=1)]), arrays("repeated"))
    assert {code for code, level, _ in found(audit(**wider)) if level == "error"} == AT_FAULT["repeated"]


@pytest.mark.parametrize("name", ["measurements", "digits", "repeated", "rescaled"])
def test_names_of_the_labels(name: str) -> None:
    """Classes called otherwise, in the same order, are the same classes to all but a column that copies them."""
    texts = np.array([f"class {letter}" for letter in "abcdefghij"])
    renamed = {key: texts[array] if key[0] == "y" else array for key, array in arrays(name).items()}
    assert {code for code, _, _ in found(audit(**renamed))} == {code for code, _, _ in found(report(name))}


@pytest.mark.parametrize("name", DATA)
def test_val_and_test_change_names(name: str) -> None:
    swap = {"val": "test", "test": "val"}
    swapped = {
        f"{key[:2]}{swap.get(key[2:], key[2:])}": array for key, array in reversed(arrays(name).items())
    }
    assert found(audit(**swapped), swap) == found(report(name))


@pytest.mark.parametrize("name", DATA)
def test_test_alone_finds_what_it_did_beside_val(name: str) -> None:
    alone = {key: array for key, array in arrays(name).items() if "val" not in key}
    beside = {one[0] for one in found(report(name)) if one[1] == "error" and "test" in one[2]}
    assert beside <= {one[0] for one in found(audit(**alone)) if one[1] == "error"}


# --- what must follow


def test_dropping_what_the_report_says_mends_it() -> None:
    masks = report("repeated").rows_to_drop()
    kept = {key: array[~masks[key[2:]]] for key, array in arrays("repeated").items()}
    mended = audit(**kept)
    assert not {"DUP001", "RSM001"} & {one.code for one in mended.errors}
    assert masks["val"].any()


@pytest.mark.parametrize("name", ["measurements", "digits", "quantity"])
def test_a_copied_row_is_found_wherever_it_is_put(name: str) -> None:
    given = dict(arrays(name))
    for split in ("val", "test"):
        rng = np.random.default_rng(4)
        here, there = rng.choice(60, 25, replace=False), rng.choice(200, 25, replace=False)
        changed = {key: array.copy() for key, array in given.items()}
        changed[f"X_{split}"][here] = given["X_train"][there]
        changed[f"y_{split}"][here] = given["y_train"][there]
        (copies,) = audit(**changed, select="DUP001").errors
        assert copies.splits == (split, "train")
        assert set(here.tolist()) <= set(copies.rows[0].indices.tolist())


@pytest.mark.parametrize("name", ["measurements", "digits", "repeated"])
def test_train_scaled_with_its_own_statistics_is_no_news(name: str) -> None:
    """Standardised with train's mean and spread, as it should be, nothing new is wrong."""
    flat = arrays(name)["X_train"].reshape(len(arrays(name)["X_train"]), -1)
    varies = flat.std(axis=0) > 0
    mean, spread = flat[:, varies].mean(axis=0), flat[:, varies].std(axis=0)
    scaled = _each(lambda X: (X.reshape(len(X), -1)[:, varies] - mean) / spread, arrays(name))
    assert {one.code for one in audit(**scaled).errors} <= {one.code for one in report(name).errors}


def test_every_rule_ran_or_said_why_not() -> None:
    for name in DATA:
        codes = {outcome.code for outcome in report(name).outcomes}
        assert codes == {code for code, known in registry().items() if known.default}
        assert all(outcome.reason for outcome in report(name).outcomes if outcome.status == "skipped")
