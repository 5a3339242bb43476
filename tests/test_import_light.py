"""What is loaded, and when: numpy and the standard library at first, the rest where an input needs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "tensorflow",
    "keras",
    "torch",
    "pandas",
    "polars",
    "sklearn",
    "matplotlib",
    "dask",
    "numba",
    "imblearn",
}
TERMINAL = {"click", "rich", "jinja2", "markdown_it", "pygments", "markupsafe"}

MODULES = """
import json, sys
{code}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names))))
"""


def loaded_by(code: str, folder: Path | None = None) -> set[str]:
    """The packages outside the standard library that a fresh interpreter holds after running `code`."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES.format(code=code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=folder,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What an interpreter holds anyway, by hooks of its environment, and what numpy brings along."""
    return loaded_by("import numpy.random")


@pytest.mark.parametrize(
    "code",
    [
        "import auditor",
        "from auditor._rule import registry; assert registry()",
        "import auditor.render",
        "import auditor.sources.npz, auditor.sources.spellings, auditor.sources.imports",
    ],
)
def test_imports_take_numpy_and_the_standard_library(code: str, bare: set[str]) -> None:
    assert loaded_by(code) - bare <= {"auditor", "numpy"}


def test_importing_auditor_loads_no_rule() -> None:
    code = "import auditor, sys; assert not [m for m in sys.modules if m.startswith('auditor.rules')]"
    loaded_by(code)


def test_the_command_line_starts_with_click_alone(bare: set[str]) -> None:
    assert loaded_by("import auditor.cli") - bare <= {"auditor", "numpy", "click"}


AUDIT = """
import numpy as np
from auditor import audit
rng = np.random.default_rng(0)
X, y = rng.normal(size=(120, 4)), rng.integers(0, 2, 120)
report = audit(X[:80], X[80:], y_train=y[:80], y_val=y[80:], preprocess={preprocess})
assert not report.crashed, report.crashed
"""


@pytest.mark.parametrize("preprocess", ["None", "np.tanh", "lambda rows: rows / 2"])
def test_an_audit_of_arrays_loads_no_other_library(preprocess: str, bare: set[str]) -> None:
    loaded = loaded_by(AUDIT.format(preprocess=preprocess)) - bare
    assert not loaded & (HEAVY | TERMINAL)


def test_an_audit_imports_no_scipy_stats() -> None:
    """It alone takes longer to load than the whole of a small audit."""
    loaded_by(AUDIT.format(preprocess="None") + "\nimport sys; assert 'scipy.stats' not in sys.modules")


def test_a_check_in_text_loads_no_template_engine(tmp_path: Path, bare: set[str]) -> None:
    code = """
import numpy as np
from auditor.cli import run
np.savez("splits.npz", X_train=np.arange(60.0).reshape(20, 3), X_val=np.arange(30.0).reshape(10, 3))
run(["check", "splits.npz", "--output", "report.txt", "-q"])
"""
    loaded = loaded_by(code, tmp_path) - bare
    assert "jinja2" not in loaded
    assert not loaded & HEAVY
