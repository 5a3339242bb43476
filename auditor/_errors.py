"""Errors of the package: each says what came, what was wanted, and gives a hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor._report import Report


class AuditorError(Exception):
    """Base of every error raised on purpose by auditor."""


class InputError(AuditorError, ValueError):
    """An input cannot be audited."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} Hint: {hint}" if hint else message)
        self.message = message
        self.hint = hint


class ConfigError(AuditorError, ValueError):
    """A setting is unknown or has an impossible value."""


class MissingDependencyError(AuditorError, ImportError):
    """An optional library is needed for what was asked, and is not installed."""


class AuditFailed(AuditorError, AssertionError):  # noqa: N818 - reads as a verdict in a traceback
    """The audit found a defect at or above the level asked for.

    Attributes
    ----------
    report : Report
        The whole report.
    """

    def __init__(self, report: Report, message: str) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[type[AuditFailed], tuple[Report, str]]:
        return type(self), (self.report, str(self))
