"""Scrambled Sobol points: any number of them covers the ranges evenly.

The points of `scipy.stats.qmc.Sobol(dimensions, scramble=True, rng=seed)`, to the last bit. To
import that takes as long as everything else that a sweep imports before it starts Ray.
"""

from __future__ import annotations

import numpy as np

from study.planning.search.proposal import Values
from study.planning.search.strategies.strategy import Asked, Strategy

BITS = 30
PRIMITIVE = (
    (3, (1,)),
    (7, (1, 3)),
    (11, (1, 3, 1)),
    (13, (1, 1, 1)),
    (19, (1, 1, 3, 3)),
    (25, (1, 3, 5, 13)),
    (37, (1, 1, 5, 5, 17)),
    (41, (1, 1, 5, 5, 5)),
    (47, (1, 1, 7, 11, 19)),
    (55, (1, 1, 5, 1, 1)),
    (59, (1, 1, 1, 3, 11)),
)
"""By dimension, from the second on: a polynomial over {0, 1}, as bits, and the first direction
numbers (Joe and Kuo, SIAM J. Sci. Comput. 30, 2008; their file new-joe-kuo-6.21201)."""


def propose(asked: Asked) -> Values:
    """The next point of the study's sequence."""
    return asked.at(point(asked.seed, asked.index, len(asked.names)))


def point(seed: int, index: int, dimensions: int = 2) -> list[float]:
    """Point `index` of the scrambled Sobol sequence of `seed`, each coordinate in [0, 1)."""
    rng = np.random.default_rng(seed).spawn(1)[0]
    weights = 1 << np.arange(BITS)  # of bits, lowest first
    shift = rng.integers(2, size=(dimensions, BITS), dtype=np.uint32) @ weights
    matrices = rng.integers(2, size=(dimensions, BITS, BITS), dtype=np.uint32)
    gray, found = index ^ (index >> 1), []
    for own_shift, matrix, numbers in zip(shift, matrices, _directions(dimensions), strict=True):
        lower = np.tril(matrix, -1) + np.eye(BITS, dtype=np.uint32)
        at = int(own_shift)
        for place, number in enumerate(numbers):
            if gray >> place & 1:
                digits = number >> np.arange(BITS)[::-1] & 1  # highest first, as the matrix is
                at ^= int((lower @ digits % 2) @ weights[::-1])
        found.append(at / 2**BITS)
    return found


def _directions(dimensions: int) -> list[list[int]]:
    """The direction numbers of each dimension, as integers of BITS bits."""
    assert dimensions <= len(PRIMITIVE) + 1, dimensions
    found = [[1] * BITS]
    for polynomial, first in PRIMITIVE[: dimensions - 1]:
        numbers, degree = list(first), len(first)
        for j in range(degree, BITS):
            number = numbers[j - degree]
            for k in range(degree):
                if polynomial >> (degree - 1 - k) & 1:
                    number ^= numbers[j - k - 1] << (k + 1)
            numbers.append(number)
        found.append(numbers)
    return [[n << (BITS - 1 - j) for j, n in enumerate(numbers)] for numbers in found]


SOBOL = Strategy("sobol", propose, learns=False)
