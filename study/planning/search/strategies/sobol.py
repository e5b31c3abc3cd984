"""Scrambled Sobol points: any number of them covers the ranges evenly."""

from __future__ import annotations

from study.planning.search.proposal import Values
from study.planning.search.strategies.strategy import Asked, Strategy


def propose(asked: Asked) -> Values:
    """The next point of the study's sequence."""
    return asked.at(point(asked.seed, asked.index, len(asked.names)))


def point(seed: int, index: int, dimensions: int = 2) -> list[float]:
    """Point `index` of the scrambled Sobol sequence of `seed`, each coordinate in [0, 1)."""
    from scipy.stats import qmc  # here: takes a second, and a bill or a refusal needs none of it

    sequence = qmc.Sobol(dimensions, scramble=True, rng=seed)
    return sequence.random_base2(index.bit_length())[index].tolist()


SOBOL = Strategy("sobol", propose, learns=False)
