"""Run methods one after another, each in a process of its own, on one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from near.methods import Method

HERE = Path(__file__).resolve().parent.parent

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Variables by which libraries are held to one thread."""

PATIENCE = 1200.0
"""Seconds of the clock after which a process is ended."""


def measured_apart(
    folder: Path, method: Method, limit: float, interpreter: str = sys.executable
) -> dict[str, Any]:
    """Return what `near.worker` measures of a method, or ``{"failed": reason}``.

    Parameters
    ----------
    folder : Path
        A saved data set.
    method : Method
    limit : float
        Processor seconds; a method that is foreseen to take more is run on fewer rows.
    interpreter : str
        A Python, for packages that cannot live beside the others.
    """
    command = [
        interpreter, "-W", "ignore", "-m", "near.worker",
        str(folder), f"{method.stage}/{method.name}", str(limit),
    ]  # fmt: skip
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": str(HERE)}
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours
            command,
            cwd=HERE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return {"failed": f"did not end within {late.timeout:.0f} s"}
    lines = done.stdout.strip().splitlines()
    try:
        result: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError):
        why = done.stderr.strip().splitlines()[-1:] or [f"ended with status {done.returncode}"]
        return {"failed": why[0][:160]}
    return result
