"""Our Sobol points are scipy's, bit for bit; scipy stays the reference."""

from __future__ import annotations

import pytest
from scipy.stats import qmc

from study.planning.search.strategies.sobol import PRIMITIVE, point


@pytest.mark.parametrize("dimensions", range(1, len(PRIMITIVE) + 2))
def test_points_are_those_of_scipy(dimensions: int):
    for seed in (0, 1, 2**31 + 5):
        sequence = qmc.Sobol(dimensions, scramble=True, rng=seed).random_base2(6)
        for index, expected in enumerate(sequence.tolist()):
            assert point(seed, index, dimensions) == expected
