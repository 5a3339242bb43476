"""The published stories, trained: the symptom comes with the defect, an audit names it before, and both go together.

Bounds, not exact numbers: a network of a few thousand weights lands elsewhere on another machine.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor import Report, audit_fit
from auditor._rule import registry

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
keras = pytest.importorskip("keras")

STORIES = Path(__file__).resolve().parent.parent / "fixtures" / "stories"

pytestmark = pytest.mark.slow


def story(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"trained_{name}", STORIES / name / "callables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arrays(name: str, case: str) -> dict[str, np.ndarray]:
    with np.load(STORIES / name / f"{case}.npz", allow_pickle=False) as file:
        return dict(file)


def built(module: Any, case: str) -> Any:
    keras.utils.set_random_seed(0)
    return module.build(case)


def audited(name: str, case: str, model: Any, fit: dict[str, Any], **settings: Any) -> Report:
    """Audit a fit, and hold the report against what the story expects of it."""
    report = audit_fit(model, **fit, **settings)
    everything = json.loads((STORIES / name / "expected.json").read_text(encoding="utf-8"))
    wanted = everything.get("fit", {}).get(case) or everything[case]
    errors = {finding.code for finding in report.errors}
    found = {finding.code for finding in report.findings}
    assert set(wanted["must"]) & set(registry()) <= errors, report.summary()
    assert set(wanted.get("must_any", ())) & set(registry()) <= found, report.summary()
    assert not set(wanted["must_not"]) & errors, report.summary()
    if not case.startswith("bad"):
        assert report.ok, report.summary()
    return report


def balanced_accuracy(predicted: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean([(predicted[y == c] == c).mean() for c in np.unique(y)]))


@pytest.mark.parametrize("case", ["bad", "bad_appended", "mended"])
def test_upsampled_then_split(case: str) -> None:
    name = "upsampled_then_split"
    module, data = story(name), arrays(name, case)
    model = built(module, case)
    fit = {"epochs": 10, "batch_size": 64}
    if case == "mended":
        fit |= {"x": data["X_train"], "y": data["y_train"], "validation_data": (data["X_val"], data["y_val"])}
    else:
        x, y = (np.concatenate([data[f"{part}_train"], data[f"{part}_val"]]) for part in ("X", "y"))
        fit |= {"x": x, "y": y, "validation_split": 0.2, "class_weight": module.CLASS_WEIGHT}
    audited(name, case, model, fit, test_data=(data["X_test"], data["y_test"]))
    history = model.fit(**fit, verbose=0).history
    val, test = (
        balanced_accuracy(model.predict(data[f"X_{split}"], verbose=0).argmax(axis=1), data[f"y_{split}"])
        for split in ("val", "test")
    )
    if case == "mended":
        assert abs(val - test) < 0.15
    else:
        assert max(history["val_accuracy"]) > 0.8
        assert max(history["val_accuracy"]) - test > 0.15


def test_overlapping_windows() -> None:
    name = "overlapping_windows"
    module, ends = story(name), {}
    for case in ("bad", "mended"):
        data = arrays(name, case)
        model = built(module, case)
        fit = {
            "x": data["X_train"],
            "y": data["y_train"],
            "validation_data": (data["X_val"], data["y_val"]),
            "epochs": 14,
        }
        audited(name, case, model, fit, test_data=(data["X_test"], data["y_test"]))
        history = model.fit(**fit, verbose=0).history
        gap = np.mean(history["binary_accuracy"][-4:]) - np.mean(history["val_binary_accuracy"][-4:])
        ends[case] = float(gap), float(np.mean(history["val_loss"][-4:]))
    assert ends["bad"][0] < 0.03  # validation follows training, as far as one can see
    assert ends["mended"][0] > ends["bad"][0] + 0.02
    assert ends["mended"][1] > 1.5 * ends["bad"][1]


def test_output_does_not_fit() -> None:
    name = "output_does_not_fit"
    module = story(name)
    for case in ("bad", "mended"):
        data = arrays(name, case)
        model = built(module, case)
        x_train, x_val = (module.bad(data[f"X_{split}"]) for split in ("train", "val"))
        fit = {"x": x_train, "y": data["y_train"], "validation_data": (x_val, data["y_val"]), "epochs": 25}
        report = audited(name, case, model, fit)
        history = model.fit(**fit, verbose=0).history
        predicted = model.predict(x_val, verbose=0)
        if case == "bad":
            floor = report["FIT003"].findings[0].evidence["lowest mean squared error within reach"]
            assert predicted.shape == (160, 64)
            assert min(history["loss"]) > 0.98 * floor > 0.3
            assert predicted.min() >= 0
        else:
            assert predicted.shape == (160, 1)
            assert min(history["loss"]) < 0.2
            assert 0.2 < (predicted < 0).mean() < 0.8


def test_penalty_in_the_loss() -> None:
    name = "penalty_in_the_loss"
    module = story(name)
    for case in ("bad", "mended"):
        data = arrays(name, case)
        model = built(module, case)
        model.compile(
            optimizer="adam",
            loss="categorical_crossentropy",
            metrics=["accuracy", "categorical_crossentropy"],
        )
        x, x_val = module.bad(data["X_train"]), module.bad(data["X_val"])
        fit = {"x": x, "y": data["y_train"], "validation_data": (x_val, data["y_val"]), "epochs": 2}
        report = audited(name, case, model, fit | {"epochs": 60})  # two of them are enough to see it
        before = model.evaluate(x, data["y_train"], verbose=0, return_dict=True)
        history = model.fit(**fit, verbose=0).history
        hidden = before["loss"] - before["categorical_crossentropy"]
        assert abs(before["categorical_crossentropy"] - math.log(2)) < 0.2
        if case == "bad":
            penalty = report["FIT006"].findings[0].evidence["sum of the penalties now"]
            assert hidden == pytest.approx(penalty, abs=1e-3)
            assert before["loss"] > math.log(2) + 0.2
            assert history["val_loss"][-1] - history["val_categorical_crossentropy"][-1] > 0.2
        else:
            assert not report["FIT006"]
            assert hidden == pytest.approx(0, abs=1e-3)


def test_forgotten_255() -> None:
    name = "forgotten_255"
    module, scores = story(name), {}
    for case in ("bad", "mended"):
        data = arrays(name, case)
        model = built(module, case)
        fit = {
            "x": data["X_train"],
            "y": data["y_train"],
            "validation_data": (data["X_val"], data["y_val"]),
            "epochs": 3,
        }
        audited(name, case, model, fit, test_data=(data["X_test"], data["y_test"]))
        history = model.fit(**fit, verbose=0).history
        scores[case] = model.evaluate(data["X_test"], data["y_test"], verbose=0)
        assert history["val_accuracy"][-1] > 0.75
    assert scores["bad"][0] > 20 * scores["mended"][0]
    assert scores["bad"][1] < scores["mended"][1] - 0.03
