"""A loss as the sum of its terms and their number.

torchvision divides by the number of samples of the *local* batch, and under data parallelism the
mean of means is not the mean. Here each loss is a (sum, terms) pair that the engine divides by the
number over all workers: the result does not depend on the number of workers.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Share(NamedTuple):
    """This worker's part of a mean: the sum of its terms [] and how many there are."""

    total: Tensor
    terms: int
