"""Which anchors and RoIs a loss samples, from each image's own seed.

So the samples depend neither on a generator's state nor on which images share a batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler


class SeededSampler(BalancedPositiveNegativeSampler):
    """Draws at most `samples` per image, at most a `positive` share of them positives.

    `seeds` is set before each forward pass, one per image: torchvision passes labels only.
    """

    def __init__(self, samples: int, positive: float) -> None:
        super().__init__(samples, positive)
        self.samples = samples
        self.positives = int(samples * positive)
        self.seeds: list[int] = []

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the drawn positives and negatives from labels [n]: >0, 0 or -1 (ignored)."""
        masks = [self._draw(own, seed) for own, seed in zip(matched_idxs, self.seeds, strict=True)]
        return [positive for positive, _ in masks], [negative for _, negative in masks]

    def _draw(self, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        order = torch.rand(len(labels), generator=torch.Generator().manual_seed(seed))
        order = order.to(labels.device)
        positive = _smallest(order, labels >= 1, self.positives)
        negative = _smallest(order, labels == 0, self.samples - int(positive.sum()))
        return positive, negative


def _smallest(order: Tensor, eligible: Tensor, count: int) -> Tensor:
    """The mask of the `count` eligible entries that come first in `order`."""
    indices = torch.nonzero(eligible)[:, 0]
    if len(indices) > count:
        indices = indices[order[indices].argsort()[:count]]
    mask = torch.zeros_like(eligible)
    mask[indices] = True
    return mask
