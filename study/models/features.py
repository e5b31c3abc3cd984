"""From an image to the maps that heads see: a backbone, and a pyramid on top unless it goes alone.

Arms get the same modules; what differs is loaded.
"""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection.backbone_utils import BackboneWithFPN

from study.config import BodyConfig, ModelConfig
from study.models import backbones, norms


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


def features(config: ModelConfig) -> BackboneWithFPN | Single:
    """[B, 3, H, W] → the maps of `Backbone.maps` by name, each of `out_channels`; its body is
    `.body`.
    """
    backbone = backbones.find(config.body.name)
    network, maps = body(config.body), backbone.maps(config)
    if not config.pyramid and backbone.single:
        return Single(network, backbone.single.output, maps.channels)
    return BackboneWithFPN(
        network,
        {output: str(level) for level, output in enumerate(backbone.outputs)},
        list(backbone.channels),
        maps.channels,
        norm_layer=norms.of_heads(config),
    )
