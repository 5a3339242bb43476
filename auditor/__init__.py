"""Audit a machine-learning data pipeline before training."""

from auditor._audit import audit
from auditor._errors import AuditFailed, AuditorError, ConfigError, InputError, MissingDependencyError
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Outcome, Rows, Severity, Status
from auditor._fit import audit_fit
from auditor._near import near_duplicates
from auditor._near_answer import NearCoverage, NearDuplicates, NearDuplicatesWarning
from auditor._report import Report

__all__ = [
    "AuditFailed",
    "AuditorError",
    "ConfigError",
    "Coverage",
    "Evidence",
    "Finding",
    "Fix",
    "InputError",
    "Measure",
    "MissingDependencyError",
    "NearCoverage",
    "NearDuplicates",
    "NearDuplicatesWarning",
    "Outcome",
    "Report",
    "Rows",
    "Severity",
    "Status",
    "audit",
    "audit_fit",
    "near_duplicates",
]
