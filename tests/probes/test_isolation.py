"""User code leaves no trace."""

# ruff: noqa: NPY002, S311 - the global generators are what is tested

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from auditor.probes.isolation import restore, states_of, undisturbed


class Learner:
    def __init__(self) -> None:
        self.values = np.zeros(3)
        self.names = ["a"]
        self.table = {"a": 1}

    def __call__(self, rows):
        self.values += 1
        self.names.append("b")
        self.table["b"] = 2
        self.new = 1
        return rows


def test_random_states_are_put_back() -> None:
    generator = np.random.default_rng(3)
    legacy, python = np.random.RandomState(3), random.Random(3)
    np.random.seed(1)
    random.seed(1)
    expected = np.random.random(), random.random()
    own = (np.random.default_rng(3).random(), np.random.RandomState(3).random(), random.Random(3).random())
    np.random.seed(1)
    random.seed(1)

    def noisy(rows):
        return rows + generator.random() + legacy.random() + python.random()

    with undisturbed((noisy,)):
        np.random.random()
        random.random()
        noisy(0)
    assert (np.random.random(), random.random()) == expected
    assert (generator.random(), legacy.random(), python.random()) == own


def test_learned_state_is_put_back() -> None:
    learner = Learner()
    values = learner.values
    with undisturbed((learner,)):
        learner(0)
    assert learner.values is values
    assert values.tolist() == [0.0, 0.0, 0.0]
    assert learner.names == ["a"]
    assert learner.table == {"a": 1}
    assert not hasattr(learner, "new")


def test_an_estimator_in_a_global_is_put_back() -> None:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.arange(6.0).reshape(3, 2))
    mean = scaler.mean_
    with undisturbed((lambda rows: scaler.fit_transform(rows) + 0,)):
        scaler.fit(np.ones((4, 2)))
    assert scaler.mean_ is mean


def test_a_fit_inside_a_pipeline_is_put_back() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler()).fit(np.arange(6.0).reshape(3, 2))
    mean = pipeline[0].mean_.copy()
    with undisturbed((pipeline.fit_transform,)):
        pipeline.fit(np.ones((4, 2)))
    np.testing.assert_array_equal(pipeline[0].mean_, mean)


def test_state_is_put_back_when_the_code_raises() -> None:
    learner = Learner()

    def failing():
        with undisturbed((learner,)):
            return learner(0) / 0

    with pytest.raises(ZeroDivisionError):
        failing()
    assert learner.names == ["a"]


def test_warnings_are_silenced() -> None:
    with undisturbed(()):
        warnings.warn("noise", UserWarning, stacklevel=1)


def test_an_object_that_cannot_be_restored_does_not_stop_the_audit() -> None:
    class Stubborn(Learner):
        def __setattr__(self, name, value):
            object.__setattr__(self, name, value)

        def __delattr__(self, name):
            raise AttributeError(name)

    learner = Stubborn()
    states = states_of((learner,))
    learner(0)
    restore(states)
