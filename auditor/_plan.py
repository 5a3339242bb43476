"""What ``fit`` was asked to do, as plain data: the cut, the labels of every output, weights and batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.sources.arrays import Array


@dataclass(frozen=True, slots=True)
class Monitor:
    """A metric that a callback of ``fit`` waits for: the callback's class, the metric's name, its mode."""

    callback: str
    metric: str
    mode: str = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class FitPlan:
    """The arguments of one call of ``fit``.

    Attributes
    ----------
    inputs, targets : mapping of str to tuple of ndarray
        By split, the arrays of x and of y, flattened as Keras flattens them; `targets` is empty for a
        split without labels.
    input_names, target_names : tuple of str
        Keys, where x or y is a dict; empty where they go by position.
    weights : mapping of str to tuple of ndarray
        Sample weights by split.
    class_weight : mapping or None
        As passed.
    kind : str
        ``"arrays"``, or how the user calls what feeds batches: ``"tf.data.Dataset"``, ``"PyDataset"``.
    batched : bool
        False for a dataset whose elements are single rows.
    cut : str
        What made the validation rows: ``"validation_split"``, ``"validation_data"`` or ``""``.
    validation_split : float
        As passed, whether in effect or not.
    batch_size, epochs, steps_per_epoch : int or None
        As passed, or read from the dataset; None where unknown or left out.
    fixed_order : bool
        Whether rows are trained on in the order in which they stand, in every epoch.
    monitors : tuple of Monitor
        What callbacks wait for.
    """

    inputs: Mapping[str, tuple[Array, ...]]
    targets: Mapping[str, tuple[Array, ...]]
    input_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    weights: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)
    class_weight: Mapping[Any, float] | None = None
    kind: str = "arrays"
    batched: bool = True
    cut: str = ""
    validation_split: float = 0.0
    batch_size: int | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    fixed_order: bool = False
    monitors: tuple[Monitor, ...] = ()

    def steps(self, n_rows: int) -> int | None:
        """Batches of one epoch over `n_rows` training rows.

        Examples
        --------
        >>> FitPlan({}, {}).steps(100), FitPlan({}, {}, batch_size=50).steps(100)
        (4, 2)
        """
        if self.steps_per_epoch is not None:
            return self.steps_per_epoch
        size = self.batch_size or (32 if self.kind == "arrays" else None)
        return None if size is None else -(-n_rows // size)
