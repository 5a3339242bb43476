"""The published stories: what people asked about is found, what they mended passes."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor import Report, audit

STORIES = Path(__file__).resolve().parent.parent / "fixtures" / "stories"
MODULES: dict[str, Any] = {}


@cache
def expected(story: str) -> dict[str, Any]:
    return json.loads((STORIES / story / "expected.json").read_text(encoding="utf-8"))


@cache
def arrays(story: str, case: str) -> dict[str, np.ndarray]:
    with np.load(STORIES / story / f"{case}.npz", allow_pickle=False) as file:
        return dict(file)


def attribute(story: str, reference: str) -> Any:
    """Return ``module:attribute`` of a story's folder."""
    module, name = reference.split(":")
    if story not in MODULES:
        spec = importlib.util.spec_from_file_location(f"story_{story}", STORIES / story / f"{module}.py")
        MODULES[story] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(MODULES[story])
    return getattr(MODULES[story], name)


def runs() -> Iterator[tuple[str, str, bool]]:
    """Yield story, case, and whether the preprocessing is given."""
    for folder in sorted(STORIES.iterdir()):
        for file in sorted(folder.glob("*.npz")):
            yield folder.name, file.stem, False
            if file.stem in expected(folder.name)["preprocess"]:
                yield folder.name, file.stem, True


RUNS = list(runs())
IDS = [f"{story}-{case}{'-preprocess' if called else ''}" for story, case, called in RUNS]
CASES = [(story, case) for story, case, called in RUNS if not called]
FULLEST = [run for run in RUNS if run[2] or (*run[:2], True) not in RUNS]
"""Each case with all that is known of it."""


@cache
def report(story: str, case: str, called: bool) -> Report:
    references = expected(story)["preprocess"]
    preprocess = attribute(story, references[case]) if called else None
    return audit(**arrays(story, case), preprocess=preprocess)


def test_every_story_is_whole() -> None:
    stories = {story for story, _ in CASES}
    assert len(stories) == 6
    for story in stories:
        names = {path.name for path in (STORIES / story).iterdir()}
        assert {"bad.npz", "mended.npz", "callables.py", "make.py", "story.md", "expected.json"} <= names
        cases = {case for known, case in CASES if known == story}
        assert cases == {key for key in expected(story) if "must_not" in expected(story)[key]}
        for file in (STORIES / story).glob("*.npz"):
            assert file.stat().st_size < 1_000_000, file.name


@pytest.mark.parametrize(("story", "case", "called"), RUNS, ids=IDS)
def test_no_rule_breaks(story: str, case: str, called: bool) -> None:
    crashed = report(story, case, called).crashed
    assert not crashed, crashed[0].traceback


@pytest.mark.parametrize(("story", "case", "called"), RUNS, ids=IDS)
def test_finds_what_went_wrong(story: str, case: str, called: bool) -> None:
    wanted = expected(story)[case]
    must = wanted.get("must_with_preprocess", wanted["must"]) if called else wanted["must"]
    found = report(story, case, called)
    assert set(must) <= {finding.code for finding in found.errors}
    assert set(wanted.get("must_any", ())) <= {finding.code for finding in found.findings}


@pytest.mark.parametrize(("story", "case", "called"), RUNS, ids=IDS)
def test_raises_no_false_alarm(story: str, case: str, called: bool) -> None:
    false = [f for f in report(story, case, called).findings if f.code in expected(story)[case]["must_not"]]
    assert not false, "\n".join(f"{finding.code} {finding.message}" for finding in false)


@pytest.mark.parametrize(("story", "case", "called"), RUNS, ids=IDS)
def test_mended_passes(story: str, case: str, called: bool) -> None:
    if expected(story)[case]["must"] or "must_any" in expected(story)[case]:
        assert "mended" not in case
        return
    found = report(story, case, called)
    assert found.ok, found.summary()


@pytest.mark.parametrize(("story", "case", "called"), FULLEST)
def test_same_bytes_twice_and_inputs_untouched(story: str, case: str, called: bool) -> None:
    given = arrays(story, case)
    before = {name: array.tobytes() for name, array in given.items()}
    first = report(story, case, called).to_json()
    copies = {name: array.copy() for name, array in given.items()}
    preprocess = attribute(story, expected(story)["preprocess"][case]) if called else None
    assert audit(**copies, preprocess=preprocess).to_json() == first
    assert {name: array.tobytes() for name, array in copies.items()} == before
    assert {name: array.tobytes() for name, array in given.items()} == before


@pytest.mark.parametrize("story", sorted({story for story, _ in CASES} - {"forgotten_255"}))
def test_make_rebuilds_the_arrays(story: str, tmp_path: Path) -> None:
    if story == "preterm_birth":
        pytest.importorskip("imblearn")
    for name in ("make.py", "callables.py"):
        shutil.copy(STORIES / story / name, tmp_path)
    subprocess.run([sys.executable, "make.py"], cwd=tmp_path, check=True)
    made = {file.stem: file for file in tmp_path.glob("*.npz")}
    assert set(made) == {case for known, case in CASES if known == story}
    for case, path in made.items():
        with np.load(path) as again:
            assert set(again.files) == set(arrays(story, case))
            for name in again.files:
                np.testing.assert_allclose(again[name], arrays(story, case)[name], rtol=1e-5, atol=1e-3)


def test_forgotten_255_is_the_preprocessing_of_raw() -> None:
    for case in ("bad", "mended"):
        given = arrays("forgotten_255", case)
        steps = attribute("forgotten_255", expected("forgotten_255")["preprocess"][case])
        for split, step in steps.items():
            np.testing.assert_allclose(step(given[f"raw_{split}"]), given[f"X_{split}"], rtol=1e-6, atol=1e-6)


def test_preterm_birth_is_foretold_only_where_rows_were_made_before_the_split() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    score = {}
    for case in ("bad", "mended"):
        given = arrays("preterm_birth", case)
        model = attribute("preterm_birth", "callables:classifier")()
        model.fit(given["X_train"], given["y_train"])
        score[case] = metrics.roc_auc_score(given["y_val"], model.predict_proba(given["X_val"])[:, 1])
    assert score["bad"] > 0.92
    assert 0.5 < score["mended"] < 0.75
    assert len(arrays("preterm_birth", "mended")["y_val"]) == 90


@pytest.mark.slow
@pytest.mark.parametrize(
    ("story", "variant"), [(story, v) for story in sorted({s for s, _ in CASES}) for v in ("bad", "mended")]
)
def test_networks_are_built(story: str, variant: str) -> None:
    model = attribute(story, expected(story)["model"][variant])(variant)
    given = arrays(story, variant)
    assert model.input_shape[1:] == given["X_train"].shape[1:]
    assert model.loss
