"""Reports made by hand, so that the formats are tested without any rule."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Coverage, Evidence, Finding, Fix, Measure, Outcome, Report, Rows, Severity, Status
from auditor._report import SplitSummary

SPLITS = (
    SplitSummary("train", 6000, (28, 28), "float32", True),
    SplitSummary("val", 1000, (28, 28), "float32", True),
    SplitSummary("test", 1, (28, 28), "uint8", False),
)

PASSED = (
    ("DUP001", "exact-copies-across-splits"),
    ("DUP004", "overlapping-windows-across-splits"),
    ("DUP005", "conflicting-labels"),
    ("RSM001", "oversampled-before-split"),
    ("SCL002", "scaler-fitted-beyond-train"),
    ("SCL003", "scaler-fitted-per-split"),
    ("SCL004", "exploding-feature"),
    ("LBL001", "lengths-differ"),
    ("LBL002", "unseen-class"),
    ("LBL003", "absent-class"),
    ("LBL004", "encoded-differently"),
    ("LBL005", "label-shift"),
    ("LBL006", "invalid-labels"),
    ("LBL008", "rows-ordered-by-label"),
    ("SHP001", "shapes-differ"),
    ("SHP002", "dtypes-differ"),
    ("SHP003", "non-finite-values"),
    ("SHP004", "constant-features"),
    ("SHP005", "too-few-rows"),
    ("SHP006", "axes-in-another-order"),
    ("TGT001", "feature-reveals-label"),
)

SKIPPED = (
    ("PRE001", "fitted-on-evaluation-rows", "no preprocess given"),
    ("PRE002", "batch-dependent", "no preprocess given"),
    ("PRE003", "not-deterministic", "no preprocess given"),
    ("PRE004", "modifies-its-input", "no preprocess given"),
    ("PRE005", "preprocessed-differently", "no preprocess given"),
    ("DEP001", "group-in-several-splits", "no groups given"),
    ("DEP002", "trained-on-the-future", "no time given"),
)

SCALE = Finding(
    "X_test is 255 times as large as X_train: it was not divided by 255 like the others.",
    Evidence.of(
        Measure("ratio of spreads, median over features", 255.0, 1.05),
        Measure("share of features that agree", 0.9987, 0.9, "%"),
        Measure("p value", 1.25e-112, 0.001),
        examples=[
            {"feature": "(3, 17)", "train std": np.float32(0.3), "test std": 79.125},
            {"feature": "(14, 9)", "train std": 0.00012345, "test std": 1234567.0},
        ],
    ),
    Fix("Divide X_test by 255, as X_train was.", "X_test = X_test / 255"),
    splits=("test", "train"),
    columns=tuple(range(100, 400)),
    severity=Severity.ERROR,
    code="SCL001",
    name="split-on-another-scale",
)

LABELS = Finding(
    "13 of 1,000 val rows equal another row that carries a different label.",
    Evidence.of(Measure("val rows", 13, 0, "rows"), Measure("accuracy at most", 0.9935, None, "%")),
    Fix("Look at these rows and decide which label is right.", "X_val[[3, 17, 204]]"),
    splits=("val",),
    rows=(Rows.where("val", np.arange(3, 900, 69), 1000),),
    classes=("cat", 7),
    severity=Severity.WARNING,
    code="DUP005",
    name="conflicting-labels",
    stage="preprocessed",
)

NOTE = Finding(
    "train repeats 12 of its own rows.",
    Evidence.of(Measure("share of train rows", 0.002, None, "%")),
    Fix("Nothing to do unless repeats are not meant."),
    splits=("train",),
    rows=(Rows.where("train", np.arange(6000), 6000),),
    severity=Severity.INFO,
    code="DUP006",
    name="copies-within-split",
)

TRACEBACK = """Traceback (most recent call last):
  File "/somewhere/auditor/_audit.py", line 160, in _outcome
    found, seen = _collect(known, context)
  File "/somewhere/auditor/rules/drift/feature_drift.py", line 33, in feature_drift
    statistic = a + b
ValueError: operands could not be broadcast together with <object at 0x7f03a4b1c2d0>
"""


def passing(code: str, name: str, *coverage: Coverage) -> Outcome:
    return Outcome(code, name, Status.PASSED, coverage=coverage)


def failing(finding: Finding) -> Outcome:
    return Outcome(finding.code, finding.name, Status.FAILED, (finding,))


@pytest.fixture
def clean() -> Report:
    outcomes = [passing(code, name) for code, name in PASSED]
    outcomes += [Outcome(code, name, Status.SKIPPED, reason=reason) for code, name, reason in SKIPPED]
    seen = Coverage(50_000, 150_528, "features", 0.01, "set SCL001.features to widen it")
    return Report((*outcomes, passing("SCL001", "split-on-another-scale", seen)), SPLITS)


@pytest.fixture
def failed(clean: Report) -> Report:
    crashed = Outcome("DRF001", "feature-drift", Status.CRASHED, traceback=TRACEBACK)
    kept = [outcome for outcome in clean.outcomes if outcome.code not in {"SCL001", "DUP005"}]
    return Report((*map(failing, (SCALE, LABELS, NOTE)), *kept, crashed), SPLITS)


HOSTILE = "<img src=x onerror=alert(1)>|`*_[a](javascript:b)\x1b[31m\u202e\"'&amp;"


@pytest.fixture
def hostile() -> Report:
    """Names that users may bring: markup of every kind, escape codes, a lone surrogate."""
    finding = Finding(
        f"{HOSTILE} is constant.",
        Evidence.of(
            Measure(HOSTILE, HOSTILE, HOSTILE, HOSTILE), examples=[{HOSTILE: HOSTILE, "b": "\udc80"}]
        ),
        Fix(HOSTILE, f"{HOSTILE}\n```\n</code></pre><script>alert(2)</script>"),
        splits=("train",),
        classes=(HOSTILE, "\udc80"),
        severity=Severity.ERROR,
        code="SHP004",
        name="constant-features",
    )
    crashed = Outcome("DRF001", "feature-drift", Status.CRASHED, traceback=f"File {HOSTILE}\nE: {HOSTILE}")
    left_out = Outcome("DEP001", "group-in-several-splits", Status.SKIPPED, reason=HOSTILE)
    seen = passing("DUP001", "exact-copies-across-splits", Coverage(1, 2, "rows", 0.0, HOSTILE))
    return Report((failing(finding), crashed, left_out, seen), SPLITS)
