"""The norm of each part of a detector, by the configuration's one word for it.

Normalisation must work at two images per device and from random weights ("Rethinking", Sec. 3):
GroupNorm (Wu & He 2018) is what most of the paper's models have.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from study.config import ModelConfig

Layer = Callable[[int], nn.Module]
"""A norm layer by number of channels; `nn.GroupNorm` has its arguments the other way round."""


def of_body(config: ModelConfig) -> Layer:
    """The backbone's."""
    return _group(config)


def of_heads(config: ModelConfig) -> Layer | None:
    """The FPN's and the RoI heads'; None: they have none."""
    return _group(config)


def _group(config: ModelConfig) -> Layer:
    return lambda channels: nn.GroupNorm(config.norm_groups, channels)
