"""A plain four-stage network for two CPU cores; the project brings weights for it."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from study.config import BodyConfig
from study.models.backbones.backbone import Backbone, Shipped

if TYPE_CHECKING:
    from torch import nn

WIDTH = 24
PRETEXT = Path(__file__).parents[1] / "weights" / "pretext_thin24.safetensors"


def build(body: BodyConfig) -> nn.Module:
    """[B, 3, H, W] → [B, 192, H/16, W/16], 0.65 M parameters."""
    from torch import nn

    from study.models import norms

    def conv(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return [convolution, norms.of_body(body)(outputs), nn.ReLU(inplace=True)]

    parts = OrderedDict[str, nn.Module](stem=nn.Sequential(*conv(3, WIDTH, 2)))
    for stage in range(1, 4):
        inputs, outputs = WIDTH * 2 ** (stage - 1), WIDTH * 2**stage
        parts[f"layer{stage}"] = nn.Sequential(
            *conv(inputs, outputs, 2), *conv(outputs, outputs, 1)
        )
    network = nn.Sequential(parts)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):  # He et al. 2015, as for torchvision's ResNets
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


BACKBONES = (
    Backbone(
        body=BodyConfig(name="thin"),
        build=build,
        stages=(("stem",), ("layer1",), ("layer2",), ("layer3",)),
        outputs=("layer1", "layer2", "layer3"),
        strides=(4, 8, 16),
        channels=(2 * WIDTH, 4 * WIDTH, 8 * WIDTH),
        first="stem.0.weight",
        shipped=Shipped(file=PRETEXT, norm="group", norm_groups=8),
        pretraining_px=48,
    ),
)
