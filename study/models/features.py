"""From an image to the maps that heads see: a backbone, and a pyramid on top unless it goes alone.

Arms get the same modules; what differs is loaded.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from study.config import BodyConfig, ModelConfig
from study.models import backbones, norms
from study.models.vision import FeaturePyramidNetwork, IntermediateLayerGetter, LastLevelMaxPool


def body(config: BodyConfig) -> nn.Module:
    """The backbone without its classifier, randomly initialised from torch's global generator.

    Its first `frozen_stages` stages, the stem counted, are constant from here on.

    Raises:
        ValueError: no such backbone, or it cannot be what the configuration says.
    """
    backbones.require_body(config)
    backbone = backbones.find(config.name)
    network = backbone.build(config)
    frozen = backbone.stages[: config.frozen_stages]
    norms.freeze(network, [part for stage in frozen for part in stage])
    return network


class Single(nn.Module):
    """[B, 3, H, W] → {"0": one of the backbone's maps}, as in Faster R-CNN before FPN."""

    def __init__(self, body: nn.Module, output: str, channels: int) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(body, {output: "0"})
        self.out_channels = channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.body(x)


class Pyramid(nn.Module):
    """[B, 3, H, W] → the backbone's maps by name, each of `out_channels` (Lin et al. 2017).

    Its names are those of torchvision's BackboneWithFPN.
    """

    def __init__(
        self,
        body: nn.Module,
        backbone: backbones.Backbone,
        maps: backbones.Maps,
        norm: norms.Layer | None,
    ) -> None:
        super().__init__()
        self.names = maps.names
        self.read, self.by_pixel = backbone.read, backbone.channels_last
        if self.read is None:
            body = IntermediateLayerGetter(
                body, dict(zip(backbone.outputs, maps.names, strict=True))
            )
        self.body = body
        self.fpn = FeaturePyramidNetwork(
            list(backbone.channels), maps.channels, LastLevelMaxPool(), norm_layer=norm
        )
        self.out_channels = maps.channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.fpn(self._maps(x))

    def _maps(self, x: Tensor) -> dict[str, Tensor]:
        if self.read is None:
            return self.body(x)
        if not (self.by_pixel and x.device.type == "cpu"):
            return dict(zip(self.names, self.read(self.body, x), strict=True))
        maps = self.read(self.body, x.contiguous(memory_format=torch.channels_last))
        # the norms behind lose more by that order than the convolutions gain
        return {name: own.contiguous() for name, own in zip(self.names, maps, strict=True)}


def last_map(body: nn.Module, name: str, x: Tensor) -> Tensor:
    """[B, C, h, w]: the coarsest map of the body of that backbone."""
    if (read := backbones.find(name).read) is not None:
        return read(body, x)[-1]
    for module in body.children():  # torchvision's ResNet would want its classifier
        x = module(x)
    return x


def features(config: ModelConfig) -> Pyramid | Single:
    """[B, 3, H, W] → the maps of `Backbone.maps` by name, each of `out_channels`; its body is
    `.body`.
    """
    backbone = backbones.find(config.body.name)
    network, maps = body(config.body), backbone.maps(config)
    if not config.pyramid and backbone.single:
        return Single(network, backbone.single.output, maps.channels)
    return Pyramid(network, backbone, maps, norms.of_heads(config))
