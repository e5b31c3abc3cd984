"""Batch normalisation over the images of all workers, on any device.

`torch.nn.SyncBatchNorm` refuses a CPU. This one sums a few numbers per channel over the workers,
on the way forward and on the way back, so that two workers compute what one with the whole batch
computes, whatever their shares of it are. Alone it is `nn.BatchNorm2d`; its keys are that one's.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

PER_CHANNEL = (0, 2, 3)  # what is summed over
AS_CHANNELS = (1, -1, 1, 1)


class SyncBatchNorm(nn.BatchNorm2d):
    """[B, C, H, W] → the same shape. B may differ between workers and be 0 on some of them.

    All workers must come here, and differentiate, equally often. Their running statistics are then
    the same to the last bit: nobody needs to broadcast them. In evaluation mode nothing is sent.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or _workers() == 1:
            return super().forward(input)
        if input.dtype == torch.bfloat16:  # whose sums over many pixels would be too coarse
            with torch.autocast(input.device.type, enabled=False):
                return self.forward(input.float()).to(input.dtype)
        self._check_input_dim(input)
        count, mean, var = _statistics(input.detach())
        self._remember(count, mean, var)
        return _Normalise.apply(input, self.weight, self.bias, count, mean, var, self.eps)

    @torch.no_grad()
    def _remember(self, count: Tensor, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics as nn.BatchNorm2d does; a batch of nothing moves nothing."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        step = self.momentum * count.clamp(max=1)
        unbiased = var * count / (count - 1).clamp(min=1)
        self.running_mean += (step * (mean - self.running_mean)).to(self.running_mean.dtype)
        self.running_var += (step * (unbiased - self.running_var)).to(self.running_var.dtype)
        self.num_batches_tracked += 1


def _workers() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Values per channel [], their mean [C] and biased variance [C] over all workers, in float64.

    The workers' own means and variances are free of cancellation, and few enough to be put
    together in float64.
    """
    number = x.numel() // x.shape[1]
    own = x.new_zeros(3, x.shape[1], dtype=torch.float64)
    if number:
        var, mean = torch.var_mean(x, PER_CHANNEL, correction=0)
        mean = mean.double()
        own = number * torch.stack([torch.ones_like(mean), mean, var.double() + mean.square()])
    dist.all_reduce(own)
    count = own[0, 0]
    mean, square = own[1:] / count.clamp(min=1)
    return count, mean, (square - mean.square()).clamp(min=0)


class _Normalise(Function):
    """(x - mean) / sqrt(var + eps) * weight + bias, where mean and var hang on all workers' x."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        count: Tensor,
        mean: Tensor,
        var: Tensor,
        eps: float,
    ) -> Tensor:
        inverse = (var + eps).rsqrt().to(x.dtype)
        mean, var = mean.to(x.dtype), var.to(x.dtype)
        ctx.save_for_backward(x, weight, count, mean, inverse)
        return F.batch_norm(x, mean, var, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]  # the decorator hides that ctx has a name
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        """The loss is the sum of the workers' losses: so is what goes back through the statistics.

        Gradients of weight and bias are this worker's part; DDP puts them together.
        """
        (gradient,) = gradients
        x, weight, count, mean, inverse = ctx.saved_tensors
        normal = (x - mean.view(AS_CHANNELS)) * inverse.view(AS_CHANNELS)
        of_bias = gradient.sum(PER_CHANNEL)
        of_weight = (gradient * normal).sum(PER_CHANNEL)
        sums = torch.stack([of_bias, of_weight]).double()
        dist.all_reduce(sums)
        through = (sums / count.clamp(min=1)).to(x.dtype)
        centred = gradient - through[0].view(AS_CHANNELS) - normal * through[1].view(AS_CHANNELS)
        of_x = centred * (weight * inverse).view(AS_CHANNELS)
        return of_x, of_weight, of_bias, None, None, None, None
