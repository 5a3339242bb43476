"""Audits before training with Keras: `fit_audited` for one line to change, `AuditCallback` for none.

```python
from auditor.integrations.keras import fit_audited

history = fit_audited(model, x, y, validation_split=0.2, epochs=10)  # was: model.fit(x, y, ...)
```

My validation loss looks wrong
------------------------------
What people saw, what it was, and the codes that say so before training:

| What you see | What it may be | Codes |
| --- | --- | --- |
| `val_loss` falls and `val_accuracy` nears 1, test is useless | rows upsampled before the split: validation asks for copies of training rows, or for mixtures of them | DUP001, RSM001, RSM002 |
| `val_accuracy` is 1.0, or 0.0, from the start | `validation_split` took the tail: one class, or the appended copies | FIT004, LBL002 |
| `val_accuracy` follows `accuracy` closely, a later recording is far worse | windows that share steps, or rows of one person, on both sides | DUP004, DEP001, DEP002 |
| `val_loss` in the tens or thousands at 99 % accuracy | features that never vary in train, divided by a spread of nothing | SCL004, FIT007 |
| `val_loss` or the test loss is high, accuracy lower than in training | a split on another scale: 255 forgotten, a scaler not applied | SCL001, SCL003, PRE005 |
| `loss` is twice `val_loss` on the same rows | `class_weight` multiplies the training loss alone | FIT005 |
| `loss` rises or stands above ln(classes) while accuracy rises | the penalty of regularizers is part of the printed loss | FIT006 |
| `loss` and `val_loss` flatten out at some level early | an output that cannot reach its labels, or a bounded logit | FIT001, FIT003 |
| `loss` below zero | labels beyond 0 and 1 under a binary cross-entropy | FIT002 |
| `loss` is 0 from the first batch | one unit under a categorical cross-entropy, or fractions taken for class 0 | FIT001, FIT002 |
| `loss` is NaN | class numbers beyond the units, NaN in the rows | FIT001, FIT002, SHP003 |
| training accuracy high, validation near chance, on training rows too | batch normalization with too few steps | FIT007 |
| `binary_accuracy` is 0.9 in the first epoch | it counts the columns of one-hot rows | FIT008 |
| `val_loss` below `loss`, a little, in every epoch | nothing: dropout and noise act in training only | |
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

from auditor._errors import ConfigError, MissingDependencyError
from auditor._fit import audit_fit
from auditor._report import Report

try:
    import keras
except ImportError as error:  # pragma: no cover - Keras is there in tests
    raise MissingDependencyError(
        "Keras is not installed: pip install keras, and a backend for it."
    ) from error

OnFailure = Literal["raise", "log"]

logger = logging.getLogger("auditor")


def fit_audited(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    on_failure: OnFailure = "raise",
    audit: Mapping[str, Any] | None = None,
    **fit_arguments: Any,
) -> Any:
    """Audit a fit, then call ``model.fit`` with exactly these arguments.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    x, y : object
        As for ``fit``.
    on_failure : {"raise", "log"}
        What to do with a finding at or above ``audit["fail_on"]``, an error by default: raise before
        Keras has done anything, or write a warning to the logger ``auditor`` and train.
    audit : mapping, optional
        Settings of `audit_fit` that are none of ``fit``: `select`, `ignore`, `fail_on`, `options`, `seed`,
        `test_data`, `groups`, `time`, `max_rows`.
    **fit_arguments
        Everything else that ``fit`` takes.

    Returns
    -------
    keras.callbacks.History
        What ``fit`` returns; the report is its attribute ``audit``.

    Raises
    ------
    AuditFailed
        Carrying the report.
    """
    settings = dict(audit or {})
    report = audit_fit(model, x, y, **fit_arguments, **settings)
    act(report, on_failure)
    history = model.fit(x, y, **fit_arguments)
    history.audit = report
    return history


def act(report: Report, on_failure: OnFailure) -> None:
    """Raise or log what a report holds."""
    if on_failure not in ("raise", "log"):
        raise ConfigError(f"on_failure is {on_failure!r}; wanted 'raise' or 'log'.")
    if on_failure == "raise":
        report.raise_if_failed()
    if report.failed_at(report.fail_on):
        logger.warning("%s", report.summary())
    else:
        logger.info("%s", report.summary())


class AuditCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Audits before the first epoch of the ``fit`` that it is passed to.

    A callback is not shown the rows, so it takes them itself, with the arguments of that ``fit`` that
    decide what they are used for. Keras builds the model and checks shapes before it calls a callback:
    what Keras refuses it refuses first. `fit_audited` comes before that.

    Parameters
    ----------
    x, y : object
        What is passed to ``fit``.
    on_failure : {"raise", "log"}
        Raise `AuditFailed`, which ends the training before its first step, or log.
    audit : mapping, optional
        Settings of `audit_fit` that are none of ``fit``.
    **fit_arguments
        `validation_split`, `validation_data`, `class_weight`, `sample_weight`, `batch_size`, `shuffle`,
        as passed to ``fit``; the number of epochs is known.

    Attributes
    ----------
    report : Report or None
        Of the last audit.

    Examples
    --------
    >>> callback = AuditCallback(x, y, validation_split=0.2)  # doctest: +SKIP
    >>> model.fit(x, y, validation_split=0.2, callbacks=[callback])  # doctest: +SKIP
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        *,
        on_failure: OnFailure = "raise",
        audit: Mapping[str, Any] | None = None,
        **fit_arguments: Any,
    ) -> None:
        super().__init__()
        if on_failure not in ("raise", "log"):
            raise ConfigError(f"on_failure is {on_failure!r}; wanted 'raise' or 'log'.")
        self.report: Report | None = None
        self._rows = x, y
        self._on_failure = on_failure
        self._arguments = {**fit_arguments, **(audit or {})}

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Audit, then raise or log."""
        del logs
        arguments = dict(self._arguments)
        epochs = (self.params or {}).get("epochs")
        arguments.setdefault("epochs", epochs)
        self.report = audit_fit(self.model, *self._rows, **arguments)
        act(self.report, self._on_failure)
