"""Independent random points: what statistics of the search itself need."""

from __future__ import annotations

import numpy as np

from study.planning.search.proposal import Values
from study.planning.search.strategies.strategy import Asked, Strategy


def propose(asked: Asked) -> Values:
    """Uniform in the logarithm of each range."""
    drawn = np.random.default_rng((asked.seed, asked.index)).random(len(asked.names))
    return asked.at(drawn.tolist())


RANDOM = Strategy("random", propose, learns=False)
