"""The command line: ``auditor check``, ``auditor explain`` and ``auditor rules``."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from auditor._audit import audit
from auditor._config import find_pyproject, make_config, read_pyproject
from auditor._errors import AuditorError, ConfigError, InputError
from auditor._finding import Severity
from auditor._report import Report, package_version
from auditor._rule import find_rule, select_rules
from auditor.render import FORMATS, format_of, render
from auditor.sources.imports import described, import_object
from auditor.sources.npz import array_names, read_arrays
from auditor.sources.spellings import Reading, read_names

UNUSABLE = 2
INTERRUPTED = 130
PATIENCE = 0.8
"""Seconds before the progress of an audit is shown."""

EPILOG = """\b
Exit codes:
  0  nothing found at or above --fail-on
  1  something was, or a rule broke
  2  unusable input or usage; one sentence on standard error says what
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = auditor.main(arguments, prog_name="auditor", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        _say("stopped before the end", "interrupted")
        return INTERRUPTED
    except AuditorError as error:
        message, _, hint = str(error).partition(" Hint: ")
        _say(message, "error")
        if hint:
            _say(hint, "hint")
        return UNUSABLE
    except MemoryError:
        _say("there is not enough memory for this audit.", "error")
        _say("audit a sample of the rows of every split.", "hint")
        return UNUSABLE
    except Exception:  # noqa: BLE001 - exit code 1 is kept for findings
        traceback.print_exc()
        _say("this is a defect of auditor itself.", "error")
        return UNUSABLE
    return code if isinstance(code, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_version(), prog_name="auditor")
def auditor() -> None:
    """Audit the splits of a machine-learning data set before training.

    Finds what makes a validation score lie: rows on both sides, scalers that saw the evaluation rows,
    labels and shapes that do not fit. Each finding comes with the numbers that prove it and the fix.
    """


@auditor.command(epilog=EPILOG)
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--preprocess",
    metavar="NAME",
    help="The callable that makes what the model sees, as module:attribute or path/to/file.py:attribute. "
    "Its code is run, on copies.",
)
@click.option(
    "--model",
    metavar="NAME",
    help="The compiled Keras model that will be trained, or a function that builds it, named in the same way.",
)
@click.option(
    "--select", multiple=True, metavar="RULES", help="Only these: codes, prefixes or names, with commas."
)
@click.option("--ignore", multiple=True, metavar="RULES", help="All but these.")
@click.option(
    "--fail-on",
    type=click.Choice([level.label for level in reversed(Severity)]),
    help="Lowest severity that fails.  [default: error]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    metavar="FORMAT",
    help=f"Of the report: {', '.join(FORMATS)}.  [default: the suffix of --output, or text]",
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write the report there."
)
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Of every random draw.  [default: 0]")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="Of a rule: SCL002.harm=0.2.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file with [tool.auditor].  [default: the nearest pyproject.toml]",
)
@click.option("--quiet", "-q", is_flag=True, help="One line per finding, no notes, no progress.")
@click.option("--no-color", is_flag=True, help="No colour; the variable NO_COLOR does the same.")
def check(path: Path, preprocess: str | None, **given: Any) -> int:
    """Audit the splits in FILE.

    FILE is an .npz, or a folder of .npy files, whose arrays are called as the keywords of auditor.audit:
    X_train, y_train, groups_val, time_test, raw_train and so on. Common other spellings, such as x_train,
    train_images or X_dev, are recognised.
    """
    if given["no_color"]:
        os.environ["NO_COLOR"] = "1"  # every console goes by it, and so may the user's code
    quiet, output = given["quiet"], given["output"]
    form = given["form"] or format_of(output)
    settings = _settings(given)
    if output is not None:
        _check_writable(output)
    reading = read_names(array_names(path), str(path))
    if not quiet:
        for note in reading.notes():
            _say(note, "note")
    # What the user's code prints must not get into the report.
    with contextlib.redirect_stdout(sys.stderr):
        settings["preprocess"] = None if preprocess is None else import_object(preprocess)
        settings["model"] = None if given["model"] is None else _model(given["model"])
        arrays = _arrays(path, reading)
        with _progress(quiet=quiet) as progress:
            report = audit(**arrays, progress=progress, **settings)
    _emit(report, form, output, quiet=quiet)
    return int(report.failed_at(report.fail_on))


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """Return keywords of `audit`: the pyproject.toml's, overridden by the command line's; all checked."""
    config = given["config"]
    found = find_pyproject(Path.cwd()) if config is None else config
    settings = {} if found is None else read_pyproject(found)
    settings |= {key: given[key] for key in ("fail_on", "seed") if given[key] is not None}
    settings |= {key: ",".join(given[key]) for key in ("select", "ignore") if given[key]}
    if given["options"]:
        settings["options"] = settings.get("options", {}) | dict(map(_option, given["options"]))
    checked = make_config(**settings)
    if not select_rules(checked.select, checked.ignore):
        raise ConfigError("No rule is left to run: --ignore takes away everything that --select names.")
    return settings


def _option(text: str) -> tuple[str, float]:
    key, equals, value = text.partition("=")
    try:
        return key.strip(), float(value)
    except ValueError:
        wrong = f"the value {value!r} is no number" if equals else "there is no ="
        raise ConfigError(f"--option {text}: {wrong}; wanted KEY=VALUE, such as SCL002.harm=0.2.") from None


def _arrays(path: Path, reading: Reading) -> dict[str, Any]:
    """Read the arrays, by keyword; labels that do not fit their rows make the file unusable."""
    arrays = read_arrays(path, reading.names.values())
    found = {keyword: arrays[name] for keyword, name in reading.names.items()}
    for keyword, labels in found.items():
        rows = found.get(f"X_{keyword[2:]}")
        if not keyword.startswith("y_") or rows is None or not rows.ndim or not labels.ndim:
            continue
        if len(labels) != len(rows):
            name, other = reading.names[keyword], reading.names[f"X_{keyword[2:]}"]
            raise InputError(
                f"{name} has {len(labels):,} labels and {other} has {len(rows):,} rows (LBL001).",
                hint="save one label per row, in the same order; were rows filtered after the labels were taken?",
            )
    return found


def _model(name: str) -> Any:
    """Return the model that a name stands for; a plain function is one that builds it."""
    found = import_object(name)
    if not inspect.isfunction(found):
        return found
    try:
        return found()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - user code may raise anything
        raise InputError(
            f"{name} raised {described(error)} when it was called.",
            hint="it is called without arguments, to return the compiled model.",
        ) from None


@contextlib.contextmanager
def _progress(*, quiet: bool) -> Iterator[Any]:
    """Yield what `audit` calls before each rule; shows a bar on a terminal when it takes long."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from auditor.render.progress import shown_after

    with shown_after(PATIENCE, console) as advance:
        yield advance


def _check_writable(output: Path) -> None:
    """Complain before the audit, not after it."""
    if output.is_dir() or not output.parent.is_dir():
        what = "is a folder" if output.is_dir() else "lies in a folder that does not exist"
        raise ConfigError(f"--output {output} {what}; wanted a file.")


def _emit(report: Report, form: str, output: Path | None, *, quiet: bool) -> None:
    from rich.console import Console

    from auditor.render.terminal import print_report, render_brief

    if output is not None:
        try:
            output.write_bytes(render(report, form).encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise ConfigError(f"{output} cannot be written: {error.strerror}.") from None
    brief = "\n".join(filter(None, [render_brief(report), "" if quiet else report.verdict()]))
    console = Console(highlight=False)
    if output is not None or (quiet and form == "text"):
        _write(brief)
    elif form == "text" and console.is_terminal:
        print_report(report, console)
    else:
        _write(render(report, form), None if form == "text" else "utf-8")


def _write(text: str, encoding: str | None = None) -> None:
    """Write to standard output, in its own encoding unless told; a reader who left early is no error."""
    if not text:
        return
    line = f"{text.rstrip()}\n".encode(encoding or sys.stdout.encoding or "utf-8", "backslashreplace")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # nobody reads what is left in the buffer


def _say(text: str, label: str) -> None:
    """Write a line for people on standard error."""
    from rich.console import Console
    from rich.text import Text

    from auditor.render.wording import printable

    style = {"error": "bold red", "hint": "bold cyan", "interrupted": "bold yellow"}.get(label, "bold")
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text.assemble((f"{label}: ", style), printable(text)))


@auditor.command()
@click.argument("rule", metavar="RULE")
def explain(rule: str) -> None:
    """Say what RULE looks for, why, and how to mend it; RULE is a code or a name."""
    from rich.console import Console

    from auditor.render.rules import rule_page

    page, console = rule_page(find_rule(rule)), Console()
    if not console.is_terminal:
        _write(page)
        return
    from rich.markdown import Markdown

    console.width = min(console.width, 100)
    console.print(Markdown(page))


@auditor.command()
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="Of the list."
)
def rules(form: str) -> None:
    """List every rule."""
    from rich.console import Console

    from auditor.render.rules import print_rules, render_rules

    console = Console(highlight=False)
    if form == "text" and console.is_terminal:
        print_rules(console)
    else:
        _write(render_rules(form), None if form == "text" else "utf-8")
