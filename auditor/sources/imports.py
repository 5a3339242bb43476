"""The callable that a user names on the command line, imported."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from auditor._errors import InputError


def import_object(name: str) -> Any:
    """Return what ``module:attribute`` or ``path/to/file.py:attribute`` names.

    The working directory is searched first, as ``python -m`` does.

    Raises
    ------
    InputError
        If the name has another form, there is no such module or attribute, or importing it fails.
    """
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise InputError(
            f"{name!r} names no callable; wanted module:attribute.",
            hint="for example prepare:scale, for scale in prepare.py, or path/to/prepare.py:scale.",
        )
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    found: Any = _import(place)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InputError(f"{place} has no attribute {attribute!r}.", hint=_nearest(part, found))
        found = getattr(found, part)
    return found


def _import(place: str) -> ModuleType:
    path = Path(place)
    is_file = path.suffix == ".py"
    if is_file and not path.is_file():
        raise InputError(f"There is no file {place}.", hint="give the path from where you are.")
    try:
        return _from_file(path) if is_file else importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not (place == error.name or place.startswith(f"{error.name}.")):
            raise InputError(
                f"{place} imports {error.name}, which is not installed.", hint="install it."
            ) from None
        raise InputError(
            f"There is no module {place!r}, neither installed nor in {Path.cwd()}.",
            hint="give the path of the file instead: path/to/prepare.py:scale.",
        ) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything while it is imported
        raise InputError(
            f"{place} raised {described(error)} while it was imported.",
            hint='keep what should run only as a script under `if __name__ == "__main__":`.',
        ) from None


def _from_file(path: Path) -> ModuleType:
    if str(path.parent.resolve()) not in sys.path:  # so that it finds its neighbours
        sys.path.insert(0, str(path.parent.resolve()))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be imported.", hint="wanted a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def described(error: BaseException) -> str:
    """Return an exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _nearest(part: str, found: Any) -> str:
    public = [name for name in dir(found) if not name.startswith("_")]
    near = difflib.get_close_matches(part, public, 3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"it has {', '.join(public[:8])}." if public else "it defines nothing public."
