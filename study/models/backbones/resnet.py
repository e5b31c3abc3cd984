"""Residual networks (He et al. 2016, Xie et al. 2017): torchvision's modules and names.

Published ImageNet weights: timm's with GroupNorm (Apache-2.0) are the only ones with these names;
torchvision's with BatchNorm are those of its first recipe (IMAGENET1K_V1), because the second
one's many epochs and augmentations are not what "pre-trained" meant to the paper.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from study.config import BodyConfig
from study.config.body import Norm, of_imagenet
from study.models.backbones.backbone import Backbone, Published

if TYPE_CHECKING:
    from torch import nn

LAYERS = ("layer1", "layer2", "layer3", "layer4")
STAGES = (("conv1", "bn1"), *((layer,) for layer in LAYERS))


def build(
    body: BodyConfig,
    blocks: tuple[int, ...],
    groups: int = 1,
    width: int = 64,
    bottleneck: bool = True,
) -> nn.Module:
    """[B, 3, H, W] → [B, C, H/32, W/32], C = 2048 or without bottlenecks 512. Blocks in each
    layer, groups of a bottleneck's middle convolution, and channels of each group.
    """
    from study.models import norms
    from study.models.vision import resnet

    # zero_init_residual stays off: the paper and mmdetection's scratch recipes do without
    network = resnet.ResNet(
        resnet.Bottleneck if bottleneck else resnet.BasicBlock,
        list(blocks),
        groups=groups,
        width_per_group=width,
        norm_layer=norms.of_body(body),
    )
    del network.fc
    if body.stride_1x1:
        for block in network.modules():
            if isinstance(block, resnet.Bottleneck):
                block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return network


def entry(
    name: str,
    blocks: tuple[int, ...],
    *,
    norm: Norm = "group",
    groups: int = 1,
    width: int = 64,
    **more: Any,
) -> Backbone:
    """A network of bottlenecks; `norm` with --model, and `more` are other fields of its entry."""
    return Backbone(
        body=of_imagenet(name, norm=norm),
        build=partial(build, blocks=blocks, groups=groups, width=width),
        stages=STAGES,
        outputs=LAYERS,
        strides=(4, 8, 16, 32),
        channels=(256, 512, 1024, 2048),
        **more,
    )


def batch_norm(name: str) -> Published:
    """torchvision's weights."""
    return Published(by="torchvision", name=name, norms=("sync_batch", "frozen_batch"))


_STEM = {
    "conv1_w": "conv1.weight",
    "conv1_gn_s": "bn1.weight",
    "conv1_gn_b": "bn1.bias",
    "res_conv1_bn_s": "bn1.weight",
    "res_conv1_bn_b": "bn1.bias",
}
_BLOCK = re.compile(r"res(\d)_(\d+)_branch(1|2a|2b|2c)_(w|[gb]n_[sb])")
_CONVS = {"1": "downsample.0", "2a": "conv1", "2b": "conv2", "2c": "conv3"}
_NORMS = {"1": "downsample.1", "2a": "bn1", "2b": "bn2", "2c": "bn3"}


def detectron(blob: str) -> str | None:
    """torchvision's name; None: the classifier, a momentum, or no part of the network."""
    if blob in _STEM:
        return _STEM[blob]
    if (match := _BLOCK.fullmatch(blob)) is None:
        # R-50.pkl has a conv1_b, which Detectron's network, without that bias, leaves out too
        outside = not blob.startswith(("conv1_", "res")) or blob.endswith("_momentum")
        return None if outside or blob == "conv1_b" else blob
    stage, block, branch, kind = match.groups()
    place = f"layer{int(stage) - 1}.{block}"
    if kind == "w":
        return f"{place}.{_CONVS[branch]}.weight"
    return f"{place}.{_NORMS[branch]}.{'weight' if kind.endswith('s') else 'bias'}"


BACKBONES = (
    Backbone(
        body=of_imagenet("resnet18", norm="sync_batch"),  # with GroupNorm none are published
        build=partial(build, blocks=(2, 2, 2, 2), bottleneck=False),
        stages=STAGES,
        outputs=LAYERS,
        strides=(4, 8, 16, 32),
        channels=(64, 128, 256, 512),
        published=(batch_norm("ResNet18_Weights.IMAGENET1K_V1"),),
    ),
    entry(
        "resnet50",
        (3, 4, 6, 3),
        stride_1x1=True,
        detectron=detectron,
        published=(
            Published(by="timm", name="resnet50_gn.a1h_in1k", norms=("group",), norm_groups=32),
            batch_norm("ResNet50_Weights.IMAGENET1K_V1"),
        ),
        iteration_s=0.261,
    ),
    entry(
        "resnet101",
        (3, 4, 23, 3),
        norm="sync_batch",  # with GroupNorm none are published
        stride_1x1=True,
        detectron=detectron,
        published=(batch_norm("ResNet101_Weights.IMAGENET1K_V1"),),
        iteration_s=0.340,
    ),
    entry(
        "resnext101_32x8d",
        (3, 4, 23, 3),
        norm="sync_batch",  # likewise
        groups=32,
        width=8,
        published=(batch_norm("ResNeXt101_32X8D_Weights.IMAGENET1K_V1"),),
        iteration_s=0.690,
    ),
    entry(
        "resnext152_32x8d",
        (3, 8, 36, 3),
        groups=32,
        width=8,
        iteration_s=4 * 0.340,  # the paper: about 4x the FLOPs of ResNet-101
    ),
)
