"""The command line: what it prints, and how it exits."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from auditor import audit
from auditor._report import package_version
from auditor._rule import registry
from auditor.cli import run

RNG = np.random.default_rng(0)
TRAIN, VAL = RNG.normal(size=(60, 3)), RNG.normal(size=(20, 3))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own, with modules and settings of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.setenv(variable, "1")  # so that it is put back, whatever the test does
        monkeypatch.delenv(variable)
    return tmp_path


def saved(name: str = "splits.npz", **arrays: object) -> str:
    np.savez(name, **{"X_train": TRAIN, "X_val": VAL} | arrays)
    return name


def with_nan(**arrays: object) -> str:
    X = VAL.copy()
    X[3, 1] = np.nan
    return saved(X_val=X, **arrays)


# Verdicts and exit codes


def test_clean_exits_0(capsys) -> None:
    assert run(["check", saved(), "--select", "SHP003"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Passed: no findings.  1 rule passed\n")
    assert err == ""


def test_findings_exit_1(capsys) -> None:
    assert run(["check", with_nan(), "--select", "SHP003"]) == 1
    out, _ = capsys.readouterr()
    assert out.startswith("Failed: 1 error.")
    assert "-- error SHP003 non-finite-values ---" in out


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1)])
def test_fail_on(fail_on: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from auditor import Severity

    report = audit(TRAIN, np.full_like(VAL, np.nan), select="SHP003", fail_on=fail_on)
    outcome = report["SHP003"]
    milder = replace(outcome, findings=tuple(replace(f, severity=Severity.WARNING) for f in outcome.findings))
    monkeypatch.setattr("auditor.cli.audit", lambda **_: replace(report, outcomes=(milder,)))
    assert run(["check", saved(), "--fail-on", fail_on]) == code


def test_a_crashed_rule_exits_1(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def broken(*_):
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("auditor._audit._collect", broken)
    assert run(["check", saved(), "--select", "SHP003"]) == 1
    assert "crashed SHP003" in capsys.readouterr().out


# Input that cannot be used


def refused(capsys, *arguments: str) -> list[str]:
    """The lines on standard error of a call that exits with 2, without a traceback."""
    assert run(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.splitlines()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y_val": np.zeros(25), "y_train": np.zeros(60)}, "y_val has 25 labels and X_val has 20 rows"),
        ({"y_train": np.zeros(59)}, "y_train has 59 labels and X_train has 60 rows"),
        ({"X_train": np.array(3.0)}, "X_train is a single value"),
        ({"X_val": np.array(["a", "b"])}, "X_val holds text"),
        ({"X_val": np.array([1, "b"], dtype=object)}, "holds Python objects"),
        ({"X_val": np.zeros(3, dtype=complex)}, "X_val holds complex numbers"),
        ({"X_val": np.zeros(3, dtype=[("a", "f8")])}, "X_val holds records"),
        ({"y_val": np.array(3)}, "y_val is a single value"),
        ({"y_test": np.zeros(3)}, "y_test was given without X_test"),
        ({"groups_val": np.zeros(3)}, "groups_val has shape (3,)"),
        ({"x_train": TRAIN}, "which both read as X_train"),
    ],
)
def test_arrays_that_cannot_be_audited(arrays: dict, says: str, capsys) -> None:
    lines = refused(capsys, "check", saved(**arrays), "-q")
    assert says in lines[0]
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2


def test_files_that_cannot_be_read(capsys, empty_folder: Path) -> None:
    whole = Path(saved()).read_bytes()
    Path("cut.npz").write_bytes(whole[:-50])
    Path("text.npz").write_text("a,b")
    np.savez("unnamed.npz", TRAIN)
    Path("folder").mkdir()
    for name, says in [
        ("none.npz", "There is no file none.npz."),
        ("cut.npz", "cut.npz is damaged or was cut short"),
        ("text.npz", "text.npz is not an .npz file."),
        ("unnamed.npz", "X_train is missing: unnamed.npz holds arr_0."),
        ("folder", "folder is a folder without .npy files."),
    ]:
        lines = refused(capsys, "check", name)
        assert lines[0].startswith(f"error: {says}")
        assert lines[1].startswith("hint: ")
        assert len(lines) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--select", "XYZ"], "There is no rule 'XYZ'."),
        (["--select", "SHP003", "--ignore", "SHP"], "No rule is left to run"),
        (["--option", "SHP003"], "wanted KEY=VALUE"),
        (["--option", "SHP003.x=1"], "There is no option 'SHP003.x'"),
        (["--option", "SHP003.x=high"], "the value 'high' is no number"),
        (["--config", "none.toml"], "none.toml cannot be read"),
        (["--preprocess", "nothing"], "names no callable"),
        (["--preprocess", "no_such_module:f"], "There is no module 'no_such_module'"),
        (["--preprocess", "numpy:pi"], "can neither be called nor transform"),
        (["--output", "no/such/folder.json"], "lies in a folder that does not exist"),
        (["--output", "."], "is a folder"),
    ],
)
def test_settings_that_are_refused(arguments: list[str], says: str, capsys) -> None:
    lines = refused(capsys, "check", saved(), *arguments)
    assert says in lines[0]


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["check"], ["chekc"], ["check", "a", "b"], ["check", "a", "--fail-on", "fatal"], ["check", "a", "--seed", "-1"],
        ["check", "a", "--format", "pdf"], ["explain"], ["rules", "--format", "html"],
    ],
)  # fmt: skip
def test_usage(arguments: list[str], capsys) -> None:
    assert "Usage: auditor" in "\n".join(refused(capsys, *arguments))


def test_no_permission(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    saved()
    monkeypatch.setattr(Path, "open", denied)
    assert refused(capsys, "check", "splits.npz")[0] == "error: splits.npz cannot be read: Permission denied."


def test_too_little_memory(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(**_):
        raise MemoryError

    monkeypatch.setattr("auditor.cli.audit", exhausted)
    assert "not enough memory" in refused(capsys, "check", saved())[0]


def test_a_defect_of_ours_is_no_finding(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_):
        raise RuntimeError("ours")

    monkeypatch.setattr("auditor.cli.audit", broken)
    assert run(["check", saved()]) == 2
    assert capsys.readouterr().err.endswith(
        "RuntimeError: ours\nerror: this is a defect of auditor itself.\n"
    )


# Names of arrays


def test_other_spellings_are_said(capsys) -> None:
    np.savez(
        "keras.npz", x_train=TRAIN, y_train=np.arange(60) % 2, x_test=VAL, y_test=np.arange(20) % 2, seed=1
    )
    assert run(["check", "keras.npz", "--select", "SHP003"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "note: read x_train as X_train, x_test as X_test",
        "note: ignored seed: the names are X_train, y_val, groups_test and the like",
    ]
    assert re.search(r"test +20 rows +3 features +float64 +labels", out)


def test_folder_of_npy(capsys) -> None:
    Path("splits").mkdir()
    np.save("splits/X_train.npy", TRAIN)
    np.save("splits/X_dev.npy", VAL)
    assert run(["check", "splits", "--select", "SHP003"]) == 0
    assert capsys.readouterr().err == "note: read X_dev as X_val\n"


def test_the_file_and_the_function_are_the_same_audit(capsys) -> None:
    name = with_nan(y_train=np.arange(60) % 3, y_val=np.arange(20) % 3)
    run(["check", name, "--format", "json"])
    with np.load(name) as arrays:
        assert capsys.readouterr().out == audit(**arrays).to_json() + "\n"


# Settings


def test_the_nearest_project_is_read(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pyproject.toml").write_text('[tool.auditor]\nselect = "SHP003"\nseed = 5\n')
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert run(["check", with_nan(), "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert [outcome["code"] for outcome in data["outcomes"]] == ["SHP003"]
    assert data["seed"] == 5


def test_the_command_line_overrides_the_project(capsys) -> None:
    Path("other.toml").write_text('[tool.auditor]\nselect = "SHP003"\nseed = 5\nfail-on = "info"\n')
    arguments = [
        "--config",
        "other.toml",
        "--seed",
        "6",
        "--fail-on",
        "warning",
        "--select",
        "SHP,SCL",
        "--ignore",
        "SHP003",
    ]
    run(["check", with_nan(), *arguments, "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    assert (data["seed"], data["fail_on"]) == (6, "warning")
    codes = [outcome["code"] for outcome in data["outcomes"]]
    assert codes == [code for code in registry() if code[:3] in {"SHP", "SCL"} and code != "SHP003"]


def test_options_of_rules(capsys) -> None:
    known = next(rule for rule in registry().values() if rule.options)
    key = f"{known.code}.{next(iter(known.options))}"
    assert run(["check", saved(), "--select", known.code, "--option", f"{key}=0.5", "--quiet"]) in {0, 1}


# The preprocessing


def test_preprocess_from_the_working_directory(capsys) -> None:
    Path("prepare_cli.py").write_text(
        "import numpy as np\nprint('chatter')\ndef scale(X):\n    print('noise')\n    return np.log(X)\n"
    )
    assert (
        run(["check", saved(), "--preprocess", "prepare_cli:scale", "--select", "SHP003", "--format", "json"])
        == 1
    )
    out, err = capsys.readouterr()
    assert json.loads(out)["outcomes"][0]["findings"][0]["stage"] == "preprocessed"
    assert "chatter" in err
    assert "noise" in err


def test_a_preprocess_that_ends_the_program(capsys) -> None:
    Path("quitter.py").write_text("import sys\ndef scale(X):\n    sys.exit(0)\n")
    assert run(["check", saved(), "--preprocess", "quitter.py:scale", "--select", "PRE"]) == 1
    assert "SystemExit" in capsys.readouterr().out


def test_a_model_or_what_builds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("network.py").write_text("class Net: pass\nmodel = Net()\ndef build():\n    return model\n")
    seen = []

    def audited(**arguments):
        seen.append(type(arguments.pop("model")).__name__)
        return audit(**arguments)

    monkeypatch.setattr("auditor.cli.audit", audited)
    for name in ("network.py:model", "network.py:build"):
        assert run(["check", saved(), "--select", "SHP003", "--model", name]) == 0
    assert seen == ["Net", "Net"]


def test_a_model_that_cannot_be_built(capsys) -> None:
    Path("wrong.py").write_text("def build(size):\n    return size\n")
    lines = refused(capsys, "check", saved(), "--model", "wrong.py:build")
    assert lines[-2].startswith("error: wrong.py:build raised TypeError: build() missing 1 required")
    assert lines[-1] == "hint: it is called without arguments, to return the compiled model."


# Formats and outputs


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "Failed: 1 error."),
        ("json", "{\n"),
        ("html", "<!doctype html>"),
        ("markdown", "## ❌ Failed: 1 error."),
    ],
)
def test_formats(form: str, start: str, capsys) -> None:
    assert run(["check", with_nan(), "--select", "SHP003", "--format", form]) == 1
    assert capsys.readouterr().out.startswith(start)


@pytest.mark.parametrize(
    ("name", "start"),
    [("r.json", "{"), ("r.html", "<!doctype"), ("r.md", "## "), ("r.txt", "Failed"), ("r", "Failed")],
)
def test_output_takes_its_format_from_the_suffix(name: str, start: str, capsys) -> None:
    assert run(["check", with_nan(), "--select", "SHP003", "--output", name]) == 1
    assert Path(name).read_text(encoding="utf-8").startswith(start)
    out, _ = capsys.readouterr()
    assert out.splitlines()[0].startswith("error SHP003 non-finite-values: X_val holds 1 NaN")
    assert out.splitlines()[1] == "Failed: 1 error."


def test_format_wins_over_the_suffix() -> None:
    run(["check", saved(), "--select", "SHP003", "-o", "report.log", "--format", "json"])
    assert json.loads(Path("report.log").read_text())["ok"] is True


def test_quiet(capsys) -> None:
    assert run(["check", saved(), "--select", "SHP003", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert run(["check", with_nan(), "--select", "SHP003", "-q"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("error SHP003 non-finite-values: ")
    assert out.count("\n") == 1
    assert err == ""


def test_json_twice_is_the_same_bytes(capsys) -> None:
    name = with_nan(y_train=np.arange(60) % 3, y_val=np.arange(20) % 3)
    run(["check", name, "--format", "json"])
    first = capsys.readouterr().out
    run(["check", name, "--format", "json"])
    assert capsys.readouterr().out == first


# explain, rules, version


@pytest.mark.parametrize("key", ["SHP003", "shp003", "non-finite-values"])
def test_explain(key: str, capsys) -> None:
    assert run(["explain", key]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "# SHP003 non-finite-values\n\n*error by default, since 0.1*\n\nX holds NaN or infinity.\n"
    )
    assert "\n## Limits\n" in out


def test_explain_what_is_unknown(capsys) -> None:
    assert refused(capsys, "explain", "SHP033")[0].startswith(
        "error: There is no rule 'SHP033'. Did you mean"
    )


def test_rules(capsys) -> None:
    assert run(["rules"]) == 0
    out = capsys.readouterr().out
    for rule in registry().values():
        assert re.search(rf"^  {rule.code} +{rule.name} +(error|warning|note)", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80


def test_rules_as_json_and_markdown(capsys) -> None:
    assert run(["rules", "--format", "json"]) == 0
    assert [rule["code"] for rule in json.loads(capsys.readouterr().out)] == list(registry())
    assert run(["rules", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.count("\n") == len(registry()) + 2


def test_version(capsys) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"auditor, version {package_version()}\n"


# As a process


def process(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auditor", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_as_a_module() -> None:
    done = process("check", with_nan(), "--select", "SHP003")
    assert done.returncode == 1
    assert done.stdout.startswith("Failed: 1 error.")
    assert done.stdout.isascii()
    assert done.stderr == ""


def test_console_that_knows_only_ascii() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for form in ("text", "json", "html", "markdown"):
        done = process("check", with_nan(), "--select", "SHP003", "--format", form, env=environment)
        assert done.returncode == 1
        assert done.stdout
        assert "Traceback" not in done.stderr


def test_json_is_utf_8_whatever_the_console() -> None:
    Path("prepare.py").write_text("def scale(X):\n    raise ValueError('größe')\n", encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = process("rules", "--format", "json", env=environment)
    json.loads(done.stdout)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "auditor",
            "check",
            saved(),
            "--preprocess",
            "prepare:scale",
            "--format",
            "json",
        ],
        capture_output=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert json.loads(done.stdout.decode("utf-8"))["seed"] == 0


def test_a_reader_who_leaves_early() -> None:
    command = (
        f'"{sys.executable}" -m auditor check {with_nan()} --select SHP003 | true; exit "${{PIPESTATUS[0]}}"'
    )
    bash = shutil.which("bash") or pytest.skip("no bash here")
    done = subprocess.run([bash, "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == ""


SLOW = """
import time
from pathlib import Path
def scale(X):
    Path("started").touch()
    time.sleep({seconds})
    return X
"""


def test_interrupted() -> None:
    Path("slow.py").write_text(SLOW.format(seconds=30))
    command = [sys.executable, "-m", "auditor", "check", saved(), "--preprocess", "slow.py:scale"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while not Path("started").exists():
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert out == ""
    assert err.strip() == "interrupted: stopped before the end"


def on_terminal(*arguments: str, **environment: str) -> str:
    """What a call writes on a terminal of 80 columns."""
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    variables = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80"} | environment
    command = [sys.executable, "-m", "auditor", *arguments]
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=variables
    ) as running:
        os.close(follower)
        chunks = []
        try:
            while chunk := os.read(leader, 4096):
                chunks.append(chunk)
        except OSError:
            pass  # the other side has closed
        running.wait(timeout=60)
    os.close(leader)
    return b"".join(chunks).decode()


def test_colour_and_signs_on_a_terminal() -> None:
    text = on_terminal("check", with_nan(), "--select", "SHP003")
    assert "✗ Failed: 1 error." in text
    assert "\x1b[1;31m" in text


@pytest.mark.parametrize(("arguments", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_no_colour_when_asked(arguments: list[str], environment: dict[str, str]) -> None:
    name = with_nan(x_test=VAL)
    text = on_terminal("check", name, "--select", "SHP003", *arguments, **environment)
    assert "note: read x_test as X_test" in re.sub(r"\x1b\[[\d;]*m", "", text)
    assert "✗ Failed: 1 error." in text
    assert not re.search(r"\x1b\[[\d;]*3\dm", text)


def test_pages_are_set_on_a_terminal() -> None:
    text = on_terminal("explain", "SHP003")
    assert "## What it does" not in text
    assert "What it does" in text
    assert "Normalization" in on_terminal("rules") or len(registry()) < 2


def test_progress_on_a_terminal_when_it_takes_long() -> None:
    Path("slow.py").write_text(SLOW.format(seconds=1))
    text = on_terminal("check", saved(), "--preprocess", "slow.py:scale", "--select", "SHP003")
    assert re.search(r"\d+/\d+|0:00:0", text)
    assert "✓ Passed" in text
