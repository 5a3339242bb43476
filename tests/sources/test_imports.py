"""The callable that a user names on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from auditor import InputError
from auditor.sources.imports import import_object


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with modules of the user's, and an import system that forgets them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    (tmp_path / "prepare_one.py").write_text(
        "import neighbour_one\nclass Scale:\n    def half(X): return X / neighbour_one.TWO\nsteps = {'train': Scale.half}\n"
    )
    (tmp_path / "neighbour_one.py").write_text("TWO = 2\n")
    (tmp_path / "broken_one.py").write_text("raise ValueError('no\\ndata')\n")
    (tmp_path / "script_one.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "syntax_one.py").write_text("def (\n")
    (tmp_path / "wants_one.py").write_text("import no_such_library_anywhere\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("place", ["prepare_one", "prepare_one.py", "./prepare_one.py"])
def test_module_or_file(folder: Path, place: str) -> None:
    assert import_object(f"{place}:Scale.half")(4) == 2
    assert set(import_object(f"{place}:steps")) == {"train"}


def test_file_elsewhere_finds_its_neighbours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other").mkdir()
    monkeypatch.chdir(folder / "other")
    assert import_object(f"{folder / 'prepare_one.py'}:Scale.half")(4) == 2


def test_installed_module(folder: Path) -> None:
    import numpy as np

    assert import_object("numpy:log1p") is np.log1p
    assert import_object("numpy.linalg:norm") is np.linalg.norm


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("prepare_one", "names no callable", "prepare:scale"),
        (":scale", "names no callable", "prepare:scale"),
        ("prepare_one:", "names no callable", "prepare:scale"),
        ("prepare_one:Scale.halve", "prepare_one has no attribute 'Scale.halve'", "did you mean half?"),
        ("prepare_one:x", "prepare_one has no attribute 'x'", "it has Scale, neighbour_one, steps."),
        ("prepare_two:x", "There is no module 'prepare_two'", "path of the file"),
        ("prepare_two.py:x", "There is no file prepare_two.py", "from where you are"),
        ("broken_one:x", "broken_one raised ValueError: no data while it was imported", "__main__"),
        ("broken_one.py:x", "broken_one.py raised ValueError: no data while it was imported", "__main__"),
        ("script_one:x", "script_one raised SystemExit: 3 while it was imported", "__main__"),
        ("syntax_one:x", "syntax_one raised SyntaxError", "__main__"),
        ("wants_one:x", "wants_one imports no_such_library_anywhere, which is not installed", "install it"),
        ("..relative:x", "..relative", ""),
    ],
)
def test_what_cannot_be_imported(folder: Path, name: str, says: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        import_object(name)
    assert says in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)
