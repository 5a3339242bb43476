"""What is found where two splits are on different scales, and how alike undoing it makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FACTORS = {
    255.0: "255",
    1000.0: "1,000",
    100.0: "100",
    10.0: "10",
    1e6: "1,000,000",
    60.0: "60",
    57.29577951308232: "180/pi",
    3600.0: "3,600",
    65025.0: "255²",
    65535.0: "65,535",
    32768.0: "32,768",
    86400.0: "86,400",
    256.0: "256",
    127.5: "127.5",
    1024.0: "1,024",
    4095.0: "4,095",
    1e9: "1,000,000,000",
}
"""Factors that units and integer types go by, the more usual first."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaleMismatch:
    """Two splits on different scales.

    Attributes
    ----------
    kind : str
        ``"lattice"``, ``"factor"``, ``"offset"``, or how the scaled split looks: ``"standardised"``,
        ``"standardised, ddof 1"``, ``"min-max"``, ``"min-max to [-1, 1]"``, ``"max-abs"``, ``"robust"``,
        or ``"rescaled"`` where it looks like none of them.
    factor : float
        The second split's scale over the first's; NaN where each feature has its own.
    name : str
        What the factor, or its inverse, is known as; empty where it is not.
    columns : ndarray of int64
        Features that follow the map.
    compared : int
        Features compared.
    before, after : float
        Median Kolmogorov distance as given, and with the map undone.
    noise : float
        Distance that two samples of one population keep within.
    first_scaled : bool
        Whether the first split is the one that looks scaled.
    units : tuple of str
        How the values of both splits look, for a lattice.
    proven : bool
        Whether the values of the splits stand on different grids.
    rounded : bool
        Whether the second split may have been scaled like the first, and rounded then.
    """

    kind: str
    factor: float
    name: str
    columns: NDArray[np.int64]
    compared: int
    before: float
    after: float
    noise: float
    first_scaled: bool
    units: tuple[str, str] = ("", "")
    proven: bool = False
    rounded: bool = False


def factor_name(factor: float) -> str:
    """Return the name of a known factor, or of one over it; empty where it is none.

    Examples
    --------
    >>> factor_name(1 / 255), factor_name(17.0)
    ('1/255', '')
    """
    for known, name in FACTORS.items():
        if math.isclose(factor, known, rel_tol=1e-9):
            return name
        if math.isclose(factor * known, 1.0, rel_tol=1e-9):
            return f"1/{name}"
    return ""
