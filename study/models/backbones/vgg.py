"""VGG-16 without any norm (Simonyan & Zisserman 2015); He's initialisation lets it train from
scratch ("Rethinking").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.config import BodyConfig
from study.config.body import of_imagenet
from study.models.backbones.backbone import Backbone, Published, SingleMap

if TYPE_CHECKING:
    from torch import nn


def build(body: BodyConfig) -> nn.Module:
    """The thirteen convolutions and five pools of `torchvision.models.vgg16().features`."""
    from torch import nn

    from study.models.vision import vgg

    network = vgg.make_layers(vgg.cfgs["D"])
    for module in network:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return network


BACKBONES = (
    Backbone(
        body=of_imagenet("vgg16", norm="none"),
        build=build,
        stages=(
            ("0", "2"),
            ("5", "7"),
            ("10", "12", "14"),
            ("17", "19", "21"),
            ("24", "26", "28"),
        ),
        outputs=("15", "22", "29", "30"),  # conv3_3, conv4_3, conv5_3, and the last pool
        strides=(4, 8, 16, 32),
        channels=(256, 512, 512, 512),
        first="0.weight",
        norms=("none",),
        # up to conv5_3; Fast R-CNN with VGG-16 begins with both layers (Girshick 2015)
        single=SingleMap(output="29", box_head={"classifier.0": "fc6", "classifier.3": "fc7"}),
        published=(
            Published(by="torchvision", name="VGG16_Weights.IMAGENET1K_V1", norms=("none",)),
        ),
        iteration_s=0.340,  # a guess: nothing is published of it
    ),
)
