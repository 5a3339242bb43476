"""Two samples of a feature side by side."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.measures.levels import Levels
from auditor.measures.marginals import Marginal, kolmogorov, kolmogorov_noise


@pytest.mark.parametrize(("first", "second"), [(40, 40), (50, 400)])
def test_samples_of_one_distribution_exceed_the_noise_about_once_in_a_thousand(
    first: int, second: int
) -> None:
    rng = np.random.default_rng(0)
    bound = kolmogorov_noise(first, second)
    beyond = sum(
        kolmogorov(np.sort(rng.normal(size=first)), np.sort(rng.normal(size=second))) > bound
        for _ in range(4000)
    )
    assert beyond <= 12


def test_features_of_many_values_and_of_few_have_one_noise() -> None:
    a, b = np.arange(30.0), np.arange(70.0)
    assert Marginal(0, a, b, None).noise == kolmogorov_noise(30, 70)
    assert Levels(0, a, b, 1.0, 0.0, same=True).noise == kolmogorov_noise(30, 70)
