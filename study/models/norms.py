"""The norm of each part of a detector, by the configuration's one word for it.

Normalisation must work at two images per device and from random weights ("Rethinking", Sec. 3):
GroupNorm (Wu & He 2018) is what most of the paper's models have, batch statistics over all workers
is the other norm that it found to do. Frozen statistics are what most pre-trained detectors have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.config import BodyConfig, ModelConfig
from study.models.sync_batch_norm import SyncBatchNorm
from study.models.vision import FrozenBatchNorm2d


class GroupNorm(nn.GroupNorm):
    """torch's, that stays in bfloat16 where its input is: autocast would have it in float32."""

    def forward(self, input: Tensor) -> Tensor:
        if input.dtype != torch.bfloat16:
            return super().forward(input)
        with torch.autocast(input.device.type, enabled=False):
            weight, bias = self.weight.to(input.dtype), self.bias.to(input.dtype)
            return F.group_norm(input, self.num_groups, weight, bias, self.eps)


Layer = Callable[[int], nn.Module]
"""A norm layer by number of channels; `nn.GroupNorm` has its arguments the other way round."""


def of_body(body: BodyConfig) -> Layer:
    """The backbone's."""
    if body.norm == "none":
        return lambda channels: nn.Identity()
    return FrozenBatchNorm2d if body.norm == "frozen_batch" else _live(body)


def of_heads(model: ModelConfig) -> Layer | None:
    """The FPN's and the RoI heads'; None: they have none."""
    without = model.head_norm == "none" or model.body.norm in ("frozen_batch", "none")
    return None if without else _live(model.body)


class SyncBatchNormAct(SyncBatchNorm):
    """Batch norm and the activation behind it in one, as timm has them."""

    act: nn.Module
    drop: nn.Module

    def forward(self, input: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(input)))


class FrozenBatchNormAct(FrozenBatchNorm2d):
    """The same with constant statistics, scale and offset."""

    act: nn.Module
    drop: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(x)))


def replace_batch_norms(network: nn.Module, *, frozen: bool) -> None:
    """Put batch norms over all workers, or constant ones, in the place of a network's own."""
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            _put(network, name, _constant(module) if frozen else _synchronised(module))


def _synchronised(norm: nn.BatchNorm2d) -> nn.Module:
    kind = SyncBatchNormAct if hasattr(norm, "act") else SyncBatchNorm
    return _like(kind(norm.num_features, norm.eps, norm.momentum), norm)


def _constant(norm: nn.BatchNorm2d) -> nn.Module:
    kind = FrozenBatchNormAct if hasattr(norm, "act") else FrozenBatchNorm2d
    return _like(kind(norm.num_features, norm.eps), norm)


def _like(new: nn.Module, norm: nn.BatchNorm2d) -> nn.Module:
    """The new layer with the values, and the activation if there is one, of another."""
    new.load_state_dict(norm.state_dict(), strict=False)  # constant ones keep no counter
    if isinstance(new, SyncBatchNormAct | FrozenBatchNormAct):
        new.act, new.drop = norm.act, norm.drop  # type: ignore[assignment]
    return new


def _put(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, module)


def _live(body: BodyConfig) -> Layer:
    """Those that can be trained from random weights."""
    if body.norm == "sync_batch":
        return SyncBatchNorm
    return lambda channels: GroupNorm(body.norm_groups, channels)


def freeze(body: nn.Module, parts: Collection[str]) -> None:
    """Make the parameters of the named parts constant, and their batch norms' statistics too.

    A batch norm that is merely not trained would still follow the batches: FrozenBatchNorm2d of
    the same values takes its place.
    """
    for name, module in list(body.named_modules()):
        if name in parts:
            module.requires_grad_(False)
        within = any(name == part or name.startswith(f"{part}.") for part in parts)
        if within and isinstance(module, nn.BatchNorm2d):
            _put(body, name, _constant(module))
