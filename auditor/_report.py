"""The report: what every rule said, in order, as plain data. It keeps no input array."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._errors import AuditFailed, ConfigError
from auditor._finding import Finding, Outcome, Severity, Status

SCHEMA_VERSION = 1
"""Raised when a key of `Report.to_dict` changes its meaning or goes."""


def package_version() -> str:
    """Return the installed version of auditor."""
    try:
        return version("auditor")
    except PackageNotFoundError:
        return "0+unknown"


def last_line(traceback: str) -> str:
    """Return the error that ended a traceback, without the way there."""
    return _without_addresses(traceback.strip().rsplit("\n", 1)[-1]) or "no traceback"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _without_addresses(traceback: str) -> str:
    """Blank out memory addresses, so that equal audits give equal bytes."""
    return re.sub(r"\b0x[0-9a-fA-F]{6,}\b", "0x...", traceback)


def _outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    return outcome.to_dict() | {"traceback": _without_addresses(outcome.traceback)}


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """Size and type of one split."""

    name: str
    n_rows: int
    feature_shape: tuple[int, ...]
    dtype: str
    has_labels: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "n_rows": self.n_rows,
            "feature_shape": list(self.feature_shape),
            "dtype": self.dtype,
            "has_labels": self.has_labels,
        }


@dataclass(frozen=True)
class Report:
    """What an audit found.

    Attributes
    ----------
    outcomes : tuple of Outcome
        One per rule that was asked for, in the order of the rule book.
    splits : tuple of SplitSummary
        What was audited.
    fail_on : Severity
        Level at which `raise_if_failed` raises by default.
    seed : int
        Seed of the audit.

    Examples
    --------
    >>> import numpy as np
    >>> from auditor import audit
    >>> report = audit(np.arange(40.0).reshape(20, 2), np.arange(100.0, 120.0).reshape(10, 2), select="DUP001")
    >>> report.ok, report["DUP001"].status.value
    (True, 'passed')
    """

    outcomes: tuple[Outcome, ...]
    splits: tuple[SplitSummary, ...] = ()
    fail_on: Severity = Severity.ERROR
    seed: int = 0

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, the most severe first, then in the order of the rule book."""
        everything = (finding for outcome in self.outcomes for finding in outcome.findings)
        return tuple(sorted(everything, key=lambda finding: -finding.level))

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings of severity error."""
        return self.at(Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings of severity warning."""
        return self.at(Severity.WARNING)

    def at(self, level: Severity | str) -> tuple[Finding, ...]:
        """Return findings of exactly this severity."""
        wanted = Severity.parse(level)
        return tuple(finding for finding in self.findings if finding.level == wanted)

    @property
    def crashed(self) -> tuple[Outcome, ...]:
        """Outcomes of rules that broke."""
        return tuple(outcome for outcome in self.outcomes if outcome.status is Status.CRASHED)

    @property
    def ok(self) -> bool:
        """No finding of severity error, and no rule that broke."""
        return not self.failed_at(Severity.ERROR)

    def failed_at(self, level: Severity | str) -> bool:
        """Whether there is a finding of at least this severity, or a rule that broke."""
        bar = Severity.parse(level)
        return bool(self.crashed) or any(finding.level >= bar for finding in self.findings)

    def __getitem__(self, key: str) -> Outcome:
        """Return the outcome of the rule with this code or name."""
        for outcome in self.outcomes:
            if key in (outcome.code, outcome.name):
                return outcome
        ran = ", ".join(outcome.code for outcome in self.outcomes)
        raise KeyError(f"{key!r} was not run; the report holds {ran}")

    def __contains__(self, key: object) -> bool:
        return any(key in (outcome.code, outcome.name) for outcome in self.outcomes)

    def raise_if_failed(self, level: Severity | str | None = None) -> None:
        """Raise `AuditFailed` if there is a finding of at least `level`.

        Parameters
        ----------
        level : {"error", "warning", "info"}, optional
            `fail_on` of the audit when left out.

        Raises
        ------
        AuditFailed
            Carrying the report.
        """
        bar = self.fail_on if level is None else Severity.parse(level)
        if self.failed_at(bar):
            raise AuditFailed(self, self.summary(bar))

    def rows_to_drop(self, level: Severity | str = Severity.ERROR) -> Mapping[str, NDArray[np.bool_]]:
        """Return, for each split, a mask of the rows whose removal mends findings of at least `level`.

        Examples
        --------
        >>> import numpy as np
        >>> from auditor import audit
        >>> X = np.random.default_rng(0).normal(size=(30, 3))
        >>> report = audit(X, np.vstack([X[:2] + 1, X[4:5]]))
        >>> report.rows_to_drop()["val"]
        array([False, False,  True])
        """
        bar = Severity.parse(level)
        masks = {split.name: np.zeros(split.n_rows, dtype=bool) for split in self.splits}
        for finding in self.findings:
            for rows in finding.fix.drop if finding.level >= bar else ():
                if rows.split not in masks:
                    raise ConfigError(f"finding {finding.code} drops rows of unknown split {rows.split!r}")
                masks[rows.split][rows.indices] = True
        return masks

    def counts(self) -> dict[str, int]:
        """Count findings by severity, and rules by what became of them."""
        levels = {level.label: len(self.at(level)) for level in reversed(Severity)}
        statuses = {s.value: sum(o.status is s for o in self.outcomes) for s in Status}
        return levels | statuses

    def verdict(self, level: Severity | str | None = None) -> str:
        """Say in one sentence whether the audit failed at `level`, and on what.

        Parameters
        ----------
        level : {"error", "warning", "info"}, optional
            `fail_on` of the audit when left out.

        Examples
        --------
        >>> Report(()).verdict()
        'Passed: no findings.'
        """
        bar = self.fail_on if level is None else Severity.parse(level)
        number = self.counts()
        parts = [
            _counted(number[key], noun)
            for key, noun in (("error", "error"), ("warning", "warning"), ("info", "note"))
            if number[key]
        ]
        if self.crashed:
            parts.append(f"{_counted(number['crashed'], 'rule')} crashed")
        what = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else "no findings"
        return f"{'Failed' if self.failed_at(bar) else 'Passed'}: {what}."

    def summary(self, level: Severity | str | None = None) -> str:
        """One paragraph: the verdict, then a line per finding that counts.

        Parameters
        ----------
        level : {"error", "warning", "info"}, optional
            Level of the verdict; `fail_on` of the audit when left out. Notes are listed at ``"info"``.
        """
        bar = self.fail_on if level is None else Severity.parse(level)
        lines = [self.verdict(bar)]
        lines += [
            f"{finding.code} {finding.level.label}: {finding.message}"
            for finding in self.findings
            if finding.level > Severity.INFO or bar is Severity.INFO
        ]
        lines += [f"{outcome.code} crashed: {last_line(outcome.traceback)}" for outcome in self.crashed]
        return "\n".join(lines)

    def to_dict(self, *, timings: bool = False) -> dict[str, Any]:
        """Return plain data, ready for JSON.

        Parameters
        ----------
        timings : bool
            Add the seconds that each rule took; without them, equal audits give equal data.
        """
        data: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "auditor_version": package_version(),
            "ok": self.ok,
            "fail_on": self.fail_on.label,
            "seed": self.seed,
            "counts": self.counts(),
            "splits": [split.to_dict() for split in self.splits],
            "outcomes": [_outcome_to_dict(outcome) for outcome in self.outcomes],
        }
        if timings:
            data["timings"] = {outcome.code: round(outcome.seconds, 6) for outcome in self.outcomes}
        return data

    def to_json(self, *, indent: int | None = 2, timings: bool = False) -> str:
        """Return `to_dict` as JSON text, described by ``auditor/render/schema.json``."""
        text = json.dumps(self.to_dict(timings=timings), indent=indent, ensure_ascii=False, allow_nan=False)
        # A lone surrogate, as file names bring them, becomes its JSON escape: the text stays valid UTF-8.
        return text.encode("utf-8", "backslashreplace").decode("utf-8")

    def to_html(self) -> str:
        """Return a page of its own: one file, no scripts, nothing loaded from elsewhere."""
        from auditor.render.html import render_page

        return render_page(self)

    def to_markdown(self) -> str:
        """Return Markdown, for a comment or a README."""
        from auditor.render.markdown import render_markdown

        return render_markdown(self)

    def _repr_html_(self) -> str:
        from auditor.render.html import render_fragment

        return render_fragment(self)

    def __str__(self) -> str:
        from auditor.render.terminal import render_text

        return render_text(self)

    def __repr__(self) -> str:
        return str(self)
