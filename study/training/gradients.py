"""The gradients of a batch: of the mean of its losses over all workers, in parts that fit.

A loss is divided by the number of its terms in the whole batch, on all workers. Where a worker's
share does not fit its memory at once, the terms are counted first, part by part and without
gradients, which costs a forward pass more; then each part adds its gradients. So the number of
parts changes rounding and the time, and nothing else.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from study.data.batches.loader import Batch
from study.models.losses import Share, summed
from study.training.workers import World

Seeds = Sequence[tuple[int, int]]
"""Per image one for the RPN's sampler and one for the RoI heads'."""


class Diverged(RuntimeError):
    """The loss was not finite; raised on every worker before the optimiser's step."""

    def __init__(self, iteration: int, losses: dict[str, float]) -> None:
        super().__init__(f"loss not finite at iteration {iteration}: {losses}")
        self.iteration = iteration
        self.losses = losses


class Gradients:
    """Adds a batch's gradients to a model's parameters.

    Args:
        model: the detector, or what makes one of several workers' detectors of it.
        world: the workers.
        at_once: images of this worker's share that are computed at once.
    """

    def __init__(self, model: nn.Module, world: World, at_once: int) -> None:
        self.model, self.world, self.at_once = model, world, at_once

    def add(self, batch: Batch, seeds: Seeds, iteration: int) -> dict[str, float]:
        """The mean of each loss over the whole batch, after its gradients have been added.

        Raises:
            Diverged: one of them is not finite; nothing has been added.
        """
        parts = list(_parts(batch, seeds, self.at_once))
        if len(parts) == 1:
            shares = self._shares(*parts[0])
            terms, losses = self._mean(shares, iteration)
            self._loss(shares, terms).backward()
            return losses
        with torch.no_grad():
            counted = summed([self._shares(*part) for part in parts])
        terms, losses = self._mean(counted, iteration)
        for part in parts:
            with self._apart(last=part is parts[-1]):
                self._loss(self._shares(*part), terms).backward()
        return losses

    def _shares(self, batch: Batch, seeds: Seeds) -> dict[str, Share]:
        return self.model(batch.images, batch.targets, list(seeds), batch.space)

    def _mean(self, shares: dict[str, Share], iteration: int) -> tuple[Tensor, dict[str, float]]:
        """The terms of each loss on all workers, at least 1, and its mean over them."""
        totals = torch.stack([share.total.detach().double() for share in shares.values()])
        terms = torch.stack([share.terms.double() for share in shares.values()])
        totals, terms = self.world.sum(torch.stack([totals, terms]))
        terms = terms.clamp(min=1)
        means = (totals / terms).tolist()  # where a step waits for the device
        losses = dict(zip(shares, means, strict=True))
        if not all(map(math.isfinite, means)):
            raise Diverged(iteration, losses)
        return terms, losses

    def _loss(self, shares: dict[str, Share], terms: Tensor) -> Tensor:
        """What to differentiate here: DDP averages gradients over workers, hence the factor."""
        totals = torch.stack([share.total for share in shares.values()])
        return (totals * (self.world.size / terms).to(totals.dtype)).sum()

    def _apart(self, last: bool) -> contextlib.AbstractContextManager[None]:
        """Workers put their gradients together once, after the last part."""
        if last or not isinstance(self.model, DistributedDataParallel):
            return contextlib.nullcontext()
        return self.model.no_sync()


def _parts(batch: Batch, seeds: Seeds, at_once: int) -> Iterator[tuple[Batch, Seeds]]:
    for begin in range(0, len(batch.images), at_once):
        some = slice(begin, begin + at_once)
        own = Batch(batch.images[some], batch.image_ids[some], batch.targets[some], batch.space)
        yield own, seeds[some]
