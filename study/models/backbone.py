"""Backbones and the FPN on top of them. Arms get the same modules; what differs is loaded."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection.backbone_utils import BackboneWithFPN

from study.config import ModelConfig
from study.models import norms


class Thin(nn.Module):
    """A plain four-stage network for two CPU cores, 0.65 M parameters at width 24.

    [B, 3, H, W] → [B, 8 * width, H/16, W/16]; its stages have strides 2, 4, 8 and 16.
    """

    def __init__(self, norm: norms.Layer, width: int = 24) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv(3, width, 2, norm))
        self.layer1 = self._stage(width, norm)
        self.layer2 = self._stage(2 * width, norm)
        self.layer3 = self._stage(4 * width, norm)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, as for torchvision's ResNets
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(channels: int, norm: norms.Layer) -> nn.Sequential:
        return nn.Sequential(
            *_conv(channels, 2 * channels, 2, norm), *_conv(2 * channels, 2 * channels, 1, norm)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layer3(self.layer2(self.layer1(self.stem(x))))


def _conv(inputs: int, outputs: int, stride: int, norm: norms.Layer) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return [conv, norm(outputs), nn.ReLU(inplace=True)]


def build(config: ModelConfig) -> nn.Module:
    """The body without its classifier, randomly initialised (He) from torch's global generator."""
    norm = norms.of_body(config)
    if config.backbone == "thin":
        return Thin(norm)
    # zero_init_residual stays off: the paper and mmdetection's scratch recipes do without.
    body = getattr(resnet, config.backbone)(weights=None, norm_layer=norm)
    del body.fc
    return body


_STAGES: dict[str, tuple[str, ...]] = {"thin": ("layer1", "layer2", "layer3")}
_RESNET_STAGES = ("layer1", "layer2", "layer3", "layer4")


def with_fpn(body: nn.Module, config: ModelConfig) -> BackboneWithFPN:
    """[B, 3, H, W] → maps "0", "1", … and "pool" of `fpn_channels`, strides 4, 8, 16, …"""
    stages = _STAGES.get(config.backbone, _RESNET_STAGES)
    return BackboneWithFPN(
        body,
        {stage: str(level) for level, stage in enumerate(stages)},
        [_channels(getattr(body, stage)) for stage in stages],
        config.fpn_channels,
        norm_layer=norms.of_heads(config),
    )


def num_levels(config: ModelConfig) -> int:
    """Levels that RoIs are pooled from; anchors also live on the coarser "pool" level."""
    return len(_STAGES.get(config.backbone, _RESNET_STAGES))


def _channels(stage: nn.Module) -> int:
    convs = [m for m in stage.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
    bottleneck = [m for m in stage.modules() if isinstance(m, resnet.Bottleneck)]
    return bottleneck[-1].conv3.out_channels if bottleneck else convs[-1].out_channels
