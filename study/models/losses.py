"""A loss as the sum of its terms and their number.

torchvision divides by the number of samples of the *local* batch, and under data parallelism the
mean of means is not the mean. Here each loss is a (sum, terms) pair that the engine divides by the
number over all workers: the result does not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class Share(NamedTuple):
    """This worker's part of a mean: the sum of its terms [] and how many there are [].

    Both are on the device: to ask for a number there would be to wait for it.
    """

    total: Tensor
    terms: Tensor


def masked(values: Tensor, there: Tensor) -> Tensor:
    """The sum [] of values [B, n] or [B, n, k] where `there`, bool [B, n], is true.

    Values elsewhere are finite.
    """
    if values.dim() > there.dim():
        there = there[..., None]
    return (values * there).sum()


def summed(parts: Iterable[dict[str, Share]]) -> dict[str, Share]:
    """The shares of all images from those of some and of the others."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    return {
        name: Share(
            torch.stack([part[name].total for part in parts]).sum(),
            torch.stack([part[name].terms for part in parts]).sum(),
        )
        for name in parts[0]
    }
