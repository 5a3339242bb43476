"""Whatever is passed as preprocess, as one function per split."""

from __future__ import annotations

import functools
import sys
import types

import numpy as np
import pytest

from auditor import InputError
from auditor.probes.callables import as_step, callable_name, distinct, resolve

SPLITS = ("train", "val", "test")


class Scale:
    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, rows):
        return rows * self.by

    def apply(self, rows):
        return rows * self.by


class Transformer:
    def transform(self, rows):
        return rows + 1


def test_a_sequence_is_one_step() -> None:
    step = as_step([np.log1p, Transformer(), Scale(2)])
    assert step.name == "log1p then Transformer.transform then Scale"
    assert step.call(np.zeros(2)).tolist() == [2.0, 2.0]
    assert len(step.steps) == 3
    assert len(step.parts) == 3


def test_names() -> None:
    assert callable_name(Scale(1).apply) == "Scale.apply"
    assert callable_name(functools.partial(np.clip, a_min=0)) == "clip"
    assert callable_name(lambda rows: rows) == "lambda"

    def inner(rows):
        return rows

    assert callable_name(inner) == "inner"


def test_one_callable_for_all_splits_is_one_step() -> None:
    assert len(distinct(resolve(np.log1p, SPLITS))) == 1


def test_equal_bound_methods_are_one_step() -> None:
    scale = Scale(2)
    steps = resolve({"train": scale.apply, "val": scale.apply, "test": Scale(2).apply}, SPLITS)
    assert list(distinct(steps).values()) == [["train", "val"], ["test"]]
    pair = [np.log1p, scale]
    assert len(distinct(resolve({"train": pair, "val": list(pair), "test": pair}, SPLITS))) == 1


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        ([], "empty sequence"),
        (Scale, "is the class Scale"),
        (3, "is a int"),
        ({"train": np.log1p}, "no entry for val, test"),
        ({"train": np.log1p, "val": np.log1p, "test": np.log1p, "dev": np.log1p}, "'dev'"),
    ],
)
def test_refusals_say_what_is_wanted(thing, says: str) -> None:
    with pytest.raises(InputError, match=says):
        resolve(thing, SPLITS)


def test_a_pipeline_that_ends_in_a_model_is_its_steps_before() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X = np.random.default_rng(0).normal(3, 2, (30, 2))
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X[:, 0] > 3)
    made = as_step(pipeline).call(X)
    assert made.shape == (30, 2)
    np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-12)


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch):
    """Stand in for torch: as much of it as a module needs."""

    class Tensor:
        def __init__(self, values):
            self.values = np.asarray(values)
            self.shape = self.values.shape
            self.dtype = self.values.dtype

        def detach(self):
            return self

        cpu = resolve_conj = resolve_neg = detach

        def numpy(self):
            return self.values

        def clone(self):
            return Tensor(self.values.copy())

        def __getitem__(self, index):
            return Tensor(self.values[index])

        def __mul__(self, other):
            return Tensor(self.values * other)

        def __array__(self, dtype=None, copy=None):
            return np.array(self.values, dtype=dtype)

    class NoGrad:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

    class Module:
        def __call__(self, rows):
            return self.forward(rows)

    Tensor.__module__ = "torch"
    Module.__module__ = "torch.nn.modules.module"
    stub = types.ModuleType("torch")
    stub.Tensor, stub.Module = Tensor, Module
    stub.as_tensor, stub.no_grad, stub.manual_seed = Tensor, NoGrad, lambda seed: None
    monkeypatch.setitem(sys.modules, "torch", stub)
    return stub


def test_a_torch_module_takes_arrays(torch) -> None:
    class Double(torch.Module):
        def forward(self, rows):
            assert isinstance(rows, torch.Tensor)
            return rows * 2

    step = as_step(Double())
    assert step.name == "Double"
    np.testing.assert_array_equal(step.call(np.ones((2, 2))).numpy(), np.full((2, 2), 2.0))


def test_a_torch_module_is_probed(torch) -> None:
    from auditor import audit

    class Double(torch.Module):
        def forward(self, rows):
            return rows * 2

    class Centre(torch.Module):
        def forward(self, rows):
            return torch.Tensor(rows.values - rows.values.mean(axis=0))

    X = np.random.default_rng(0).normal(size=(60, 3))
    assert audit(X[:40], X[40:], preprocess=Double(), select="PRE").ok
    report = audit(X[:40], X[40:], preprocess=Centre(), select="PRE")
    assert [finding.code for finding in report.findings] == ["PRE002"]
