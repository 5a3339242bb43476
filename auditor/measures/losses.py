"""Losses and metrics of a compiled Keras model, however they were written, and what they want."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.measures.layers import FRAMEWORKS

ONE_HOT_LOSSES = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy"})
"""Cross-entropies that want one column a class."""
SPARSE_LOSSES = frozenset({"sparse_categorical_crossentropy", "categorical_generalized_cross_entropy"})
"""Losses that want the number of the class."""
BINARY_LOSSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
"""Cross-entropies of independent yes-or-no outputs."""
CROSSENTROPIES = ONE_HOT_LOSSES | SPARSE_LOSSES | BINARY_LOSSES
DISTANCES = frozenset(
    {
        "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "huber", "log_cosh",
        "mean_squared_logarithmic_error",
    }
)  # fmt: skip
"""Losses that are zero where the output is the target."""
MARGINS = frozenset({"hinge", "squared_hinge", "categorical_hinge"})
ELEMENTWISE = (
    DISTANCES | MARGINS | {"poisson", "kl_divergence", "cosine_similarity", "categorical_focal_crossentropy"}
)
"""Losses that broadcast labels against outputs."""
KNOWN = CROSSENTROPIES | ELEMENTWISE | {"dice", "tversky"}
"""Losses that the rules can judge."""
SHORT = {
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "bce": "binary_crossentropy", "kld": "kl_divergence",
    "klddivergence": "kl_divergence", "ce": "crossentropy", "acc": "accuracy", "logcosh": "log_cosh",
}  # fmt: skip
SPELLED = {
    "KLDivergence": "kl_divergence", "LogCosh": "log_cosh", "AUC": "auc", "MeanIoU": "mean_io_u",
    "CTC": "ctc", "F1Score": "f1_score", "FBetaScore": "f_beta_score", "R2Score": "r2_score", "Accuracy": "exact_accuracy",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one output.

    Attributes
    ----------
    name : str
        Name of the function in Keras; empty for one of the user's own.
    label : str
        How to call it in a message.
    from_logits : bool
        Whether it takes what stands before the softmax or sigmoid.
    ignored : int or None
        A class that does not count.
    """

    name: str
    label: str
    from_logits: bool = False
    ignored: int | None = None

    @property
    def known(self) -> bool:
        """Whether the rules can judge it."""
        return self.name in KNOWN


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of one output.

    Attributes
    ----------
    name : str
        Name of the function or class in Keras, in snake case; empty for one of the user's own.
    label : str
        The name under which it is printed.
    threshold : float or None
        Above it a prediction counts as yes; None where there is no threshold or more than one.
    from_logits : bool
        Whether it takes logits.
    """

    name: str
    label: str
    threshold: float | None = None
    from_logits: bool = False


def read_loss(identifier: Any) -> Loss | None:
    """Return the loss that a user wrote as a name, a function, a class or an object; None for none."""
    if identifier is None:
        return None
    found, settings = _resolved(identifier, "losses")
    name = _own_name(found)
    if name == "loss_function_wrapper":
        settings |= dict(getattr(found, "_fn_kwargs", None) or {})
        name = _own_name(getattr(found, "fn", None))
    label = name or str(getattr(found, "name", None) or getattr(found, "__name__", type(found).__name__))
    return Loss(name, label, bool(settings.get("from_logits", False)), settings.get("ignore_class"))


def read_metric(identifier: Any) -> Metric:
    """Return the metric that a user wrote as a name, a function, a class or an object."""
    if isinstance(identifier, str) and SHORT.get(identifier.lower(), identifier.lower()) == "accuracy":
        return Metric("accuracy", identifier)
    found, settings = _resolved(identifier, "metrics")
    name = _own_name(found)
    printed = identifier if isinstance(identifier, str) else getattr(found, "name", None)
    label = str(printed or getattr(found, "__name__", type(found).__name__))
    if name == "mean_metric_wrapper":
        settings |= dict(getattr(found, "_fn_kwargs", None) or {})
        name = _own_name(getattr(found, "_fn", None))
    return Metric(
        SHORT.get(name, name),
        label,
        _threshold(found, name, settings),
        bool(settings.get("from_logits", getattr(found, "_from_logits", False))),
    )


def _threshold(found: Any, name: str, settings: Mapping[str, Any]) -> float | None:
    """Return the one threshold of a metric of yes-or-no outputs."""
    if name == "binary_accuracy":
        return float(settings.get("threshold", getattr(found, "_threshold", 0.5)))
    if name not in {
        "precision",
        "recall",
        "true_positives",
        "false_positives",
        "true_negatives",
        "false_negatives",
    }:
        return None
    if getattr(found, "top_k", None) is not None:
        return None
    given = getattr(found, "init_thresholds", None)
    given = [0.5] if given is None else given if isinstance(given, list | tuple) else [given]
    return float(given[0]) if len(given) == 1 else None


def _resolved(identifier: Any, family: str) -> tuple[Any, dict[str, Any]]:
    """Return the function or object behind an identifier, and its settings."""
    settings: dict[str, Any] = {}
    while isinstance(identifier, functools.partial):
        settings = {**identifier.keywords, **settings}
        identifier = identifier.func
    keras = sys.modules.get("keras")
    if isinstance(identifier, str | dict | type) and keras is not None:
        try:
            identifier = getattr(keras, family).get(SHORT.get(str(identifier).lower(), identifier))
        except (ValueError, TypeError, KeyError):
            return identifier, settings
    if isinstance(identifier, str):
        return identifier, settings
    if not hasattr(identifier, "__name__") and hasattr(identifier, "get_config"):
        try:
            settings = {**identifier.get_config(), **settings}
        except Exception:  # noqa: BLE001 - an object of the user's may not be serialisable
            return identifier, settings
    return identifier, settings


def _own_name(thing: Any) -> str:
    """Return the snake-case name of a function or object of Keras; empty for one of the user's own.

    Examples
    --------
    >>> _own_name("crossentropy"), _own_name(len)
    ('crossentropy', '')
    """
    if isinstance(thing, str):
        return SHORT.get(thing.lower(), thing.lower())
    if hasattr(thing, "__name__"):
        ours = str(getattr(thing, "__module__", "")).split(".")[0] in FRAMEWORKS
        return str(thing.__name__) if ours else ""
    for cls in type(thing).__mro__:
        if cls.__module__.split(".")[0] in FRAMEWORKS:
            return SPELLED.get(cls.__name__) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        if {"call", "__call__", "update_state"} & set(vars(cls)):
            return ""
    return ""
