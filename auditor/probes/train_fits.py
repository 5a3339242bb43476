"""Fits of one object on train, in the order given and in others, and what they leave undetermined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.probes.compared import Yardstick, as_numbers, gaps, yardstick
from auditor.probes.learned import Learned
from auditor.probes.trials import Trial, permuted

ORDERS = 3
"""Further fits on the same rows, in other orders."""


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Fits on train in several orders.

    Attributes
    ----------
    stick : Yardstick
        What they leave undetermined.
    apart : ndarray of float64
        How far the object is from the nearest of them, number by number.
    equal_somewhere : bool
        Whether one of them gives every number that is determined.
    """

    stick: Yardstick
    apart: NDArray[np.float64]
    equal_somewhere: bool


class TrainFits:
    """Fits on train: in the order given, and in others where those are asked for."""

    def __init__(self, trial: Trial, reference: Learned, state: Learned) -> None:
        self.trial, self.reference, self.state = trial, reference, state
        self.gaps = [gaps(reference, state)]
        self._orders: Orders | None = None

    @property
    def apart_in_order(self) -> NDArray[np.bool_]:
        """Numbers that a fit in the order given does not give."""
        numbers = as_numbers(self.reference)
        gap = self.gaps[0]
        return np.asarray(~numbers.is_text & (gap > 1e-6 * np.abs(numbers.values)) & (gap > 0))

    def in_other_orders(self) -> Orders:
        """Return what fits in other orders tell, fitted once."""
        if self._orders is None:
            rows, labels = self.trial.feed(("train",))
            others = [permuted(self.trial, rows, labels) for _ in range(ORDERS)]
            stick = yardstick(self.reference, [self.state, *others])
            apart = [*self.gaps, *(gaps(self.reference, other) for other in others)]
            equal = any(stick.equal(gap) for gap in apart)
            self._orders = Orders(stick, np.min(apart, axis=0), equal)
        return self._orders
