"""Write the README's generated sections anew: ``python tests/readme.py``.

A section stands between ``<!-- NAME: ... -->`` and ``<!-- /NAME -->``; what is between is replaced.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np

from auditor import audit
from auditor.cli import auditor
from auditor.render.rules import render_rules
from auditor.render.terminal import render_text

ROOT = Path(__file__).resolve().parent.parent
STORY = "fixtures/stories/forgotten_255/bad.npz"


def example() -> str:
    """Return what the terminal shows of a story: the verdict and the first finding, shortened."""
    with np.load(ROOT / STORY) as arrays:
        text = render_text(audit(**arrays))
    verdict = text.split("\n", 1)[0]
    paragraphs = re.split(r"\n\n", text.split("\n-- ", 2)[1].strip("\n"))
    message, measures = paragraphs[0], paragraphs[1].splitlines()[:3]
    fix = next(n for n, part in enumerate(paragraphs) if part.startswith("  Fix: "))
    shown = [f"-- {message}", "\n".join(measures), *paragraphs[fix : fix + 2]]
    return f"```console\n$ auditor check {STORY}\n{verdict}\n\n" + "\n\n".join(shown) + "\n\n    ...\n```"


def usage() -> str:
    """Return the help of ``auditor check``, at 90 columns."""
    names = auditor.context_settings["help_option_names"]
    group = click.Context(
        auditor, info_name="auditor", terminal_width=90, max_content_width=90, help_option_names=names
    )
    command = auditor.commands["check"]
    context = click.Context(command, info_name="check", parent=group)
    return f"```\n{command.get_help(context).rstrip()}\n```"


def measured(results: str, module: str, function: str) -> str:
    """Return the table that a benchmark's module makes of its committed results."""
    folder = ROOT / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        make: Callable[[object], str] = getattr(importlib.import_module(module), function)
    finally:
        sys.path.remove(str(folder))
    return make(json.loads((folder / "results" / f"{results}.json").read_text(encoding="utf-8")))


SECTIONS: dict[str, Callable[[], str]] = {
    "example": example,
    "rules": lambda: render_rules("markdown"),
    "usage": usage,
    "speed": partial(measured, "near_duplicates", "near.table", "summary"),
    "detection": partial(measured, "detection", "detection", "table"),
    "resampling": partial(measured, "resampling", "resampling", "table"),
}


def written(text: str) -> str:
    """Return a README with its generated sections made anew."""
    for name, make in SECTIONS.items():
        pattern = rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)"
        text, found = re.subn(
            pattern, lambda part, make=make: f"{part[1]}{make()}\n{part[2]}", text, flags=re.DOTALL
        )
        if found != 1:
            raise SystemExit(f"README.md has {found} sections called {name}; wanted one.")
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(written(readme.read_text(encoding="utf-8")), encoding="utf-8")
