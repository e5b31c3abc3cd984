"""Backbones and the FPN on top of them. Arms get the same modules; what differs is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torchvision.models import resnet, vgg
from torchvision.models._utils import IntermediateLayerGetter
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
    """The body without its classifier, randomly initialised (He) from torch's global generator.

    Its first `frozen_stages` stages, the stem counted, are constant from here on.

    Raises:
        ValueError: more stages are to be frozen than there are.
    """
    body = _body(config)
    stages = _layout(config).stages
    if config.body.frozen_stages > len(stages):
        raise ValueError(
            f"model.body.frozen_stages = {config.body.frozen_stages}: {config.body.name} has"
            f" {len(stages)} stages, the stem counted"
        )
    norms.freeze(body, [part for stage in stages[: config.body.frozen_stages] for part in stage])
    return body


def _body(config: ModelConfig) -> nn.Module:
    if config.body.name == "thin":
        return Thin(norms.of_body(config))
    if config.body.name == "vgg16":
        return _vgg16()
    return _resnet(config)


def _resnet(config: ModelConfig) -> nn.Module:
    # zero_init_residual stays off: the paper and mmdetection's scratch recipes do without.
    norm = norms.of_body(config)
    if config.body.name == "resnext152_32x8d":  # torchvision has no builder for it
        body = resnet.ResNet(
            resnet.Bottleneck, [3, 8, 36, 3], groups=32, width_per_group=8, norm_layer=norm
        )
    else:
        body = getattr(resnet, config.body.name)(weights=None, norm_layer=norm)
    del body.fc
    if config.body.stride_1x1:
        for block in body.modules():
            if isinstance(block, resnet.Bottleneck):
                block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return body


def _vgg16() -> nn.Sequential:
    """The thirteen convolutions and five pools of `torchvision.models.vgg16().features`.

    No norm at all. He's initialisation is what lets it train from scratch ("Rethinking").
    """
    body = vgg.make_layers(vgg.cfgs["D"])
    for module in body:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return body


@dataclass(frozen=True)
class Maps:
    """The feature maps that RoIs are pooled from, called "0", "1", … from the finest on."""

    strides: tuple[int, ...]  # px of the input
    channels: int  # of each
    coarser: bool  # a map "pool" of twice the last stride follows, for anchors alone

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(level) for level in range(len(self.strides)))

    @property
    def anchored(self) -> tuple[str, ...]:
        """The maps that anchors lie on."""
        return (*self.names, "pool") if self.coarser else self.names


@dataclass(frozen=True)
class _Layout:
    """Where a body's maps come from, and its parts that have weights."""

    outputs: tuple[str, ...]  # modules whose maps FPN takes
    strides: tuple[int, ...]
    channels: tuple[int, ...]
    stages: tuple[tuple[str, ...], ...]  # parts with weights, the stem's first


def _residual(channels: tuple[int, ...]) -> _Layout:
    layers = ("layer1", "layer2", "layer3", "layer4")
    stages = (("conv1", "bn1"), *((layer,) for layer in layers))
    return _Layout(layers, (4, 8, 16, 32), channels, stages)


_THIN = _Layout(
    ("layer1", "layer2", "layer3"),
    (4, 8, 16),
    (48, 96, 192),
    (("stem",), ("layer1",), ("layer2",), ("layer3",)),
)
_VGG16 = _Layout(
    ("15", "22", "29", "30"),  # conv3_3, conv4_3, conv5_3, and the last pool
    (4, 8, 16, 32),
    (256, 512, 512, 512),
    (("0", "2"), ("5", "7"), ("10", "12", "14"), ("17", "19", "21"), ("24", "26", "28")),
)
_LAYOUTS = {"thin": _THIN, "vgg16": _VGG16, "resnet18": _residual((64, 128, 256, 512))}
_BOTTLENECKS = _residual((256, 512, 1024, 2048))


def _layout(config: ModelConfig) -> _Layout:
    return _LAYOUTS.get(config.body.name, _BOTTLENECKS)


def maps(config: ModelConfig) -> Maps:
    """The maps that `with_fpn` gives, or without a pyramid `single`."""
    layout = _layout(config)
    if config.pyramid:
        return Maps(layout.strides, config.fpn_channels, coarser=True)
    last = layout.outputs.index(_LAST)
    return Maps((layout.strides[last],), layout.channels[last], coarser=False)


def with_fpn(body: nn.Module, config: ModelConfig) -> BackboneWithFPN:
    """[B, 3, H, W] → maps "0", "1", … and "pool" of `fpn_channels`, strides 4, 8, 16, …"""
    layout = _layout(config)
    return BackboneWithFPN(
        body,
        {output: str(level) for level, output in enumerate(layout.outputs)},
        list(layout.channels),
        config.fpn_channels,
        norm_layer=norms.of_heads(config),
    )


_LAST = "29"  # conv5_3 of VGG-16, the one backbone that goes without a pyramid


class Single(nn.Module):
    """[B, 3, H, W] → {"0": the backbone's last map}, as in Faster R-CNN before FPN."""

    def __init__(self, body: nn.Module, last: str, channels: int) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(body, {last: "0"})
        self.out_channels = channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.body(x)


def single(body: nn.Module, config: ModelConfig) -> Single:
    """VGG-16 up to conv5_3, stride 16, 512 channels: without its last pool."""
    return Single(body, _LAST, maps(config).channels)
