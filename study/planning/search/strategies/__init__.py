"""The ways to propose points of the search space: a file for each.

A new one is a file with a `Strategy` in it, and its line in `STRATEGIES`. Its name is what
`--search` takes and what the study records.
"""

from __future__ import annotations

from study.config.checks.meant import hint
from study.config.checks.require import require
from study.planning.search.strategies.gp import GP
from study.planning.search.strategies.grid import GRID
from study.planning.search.strategies.random import RANDOM
from study.planning.search.strategies.sobol import SOBOL
from study.planning.search.strategies.strategy import Asked, Strategy
from study.planning.search.strategies.tpe import TPE

STRATEGIES: dict[str, Strategy] = {one.name: one for one in (GRID, RANDOM, SOBOL, TPE, GP)}

WITH_STATE = ("cmaes", "pso", "nsgaii")
"""Known samplers that remember more than the trials: see `named`."""


def named(name: str, field: str = "search") -> Strategy:
    """The strategy of that name; `field` is where it was given.

    Raises:
        ValueError: there is none; lists those there are. Or it is a sampler whose memory (step
            sizes, a population) is in no trial's records: it could not go on after a kill.
    """
    if name in WITH_STATE:
        raise ValueError(
            f"{field} = {name!r}: it remembers more between two proposals than the recorded trials"
            " tell, so that a study which is killed and continued would not be the same; use tpe"
            " or gp, which learn from the records alone"
        )
    require(
        name in STRATEGIES,
        field,
        name,
        f"{hint(name, STRATEGIES)}one of {', '.join(STRATEGIES)}",
    )
    return STRATEGIES[name]


__all__ = ["STRATEGIES", "Asked", "Strategy", "named"]
