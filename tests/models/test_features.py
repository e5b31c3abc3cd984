"""Backbones have the parameters, strides and frozen parts that their configuration says.

Everything is built on the device "meta": shapes without values, in no time and memory.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.ops import FrozenBatchNorm2d

from study.config import R50_FPN, TINY, ModelConfig
from study.models import backbones, features
from study.models.sync_batch_norm import SyncBatchNorm

VGG = R50_FPN.but(name="vgg16", norm="none")
SINGLE = replace(VGG, pyramid=False, masks=False)


def of(name: str) -> ModelConfig:
    if name == "thin":
        return TINY
    return VGG if name == "vgg16" else R50_FPN.but(name=name)


def built(config: ModelConfig) -> nn.Module:
    with torch.device("meta"):
        return features.body(config.body)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# what torchvision publishes, less the classifier: 512 or 2,048 channels to 1,000 classes
PUBLISHED: dict[str, int] = {
    "resnet18": 11_689_512 - 513_000,
    "resnet50": 25_557_032 - 2_049_000,
    "resnet101": 44_549_160 - 2_049_000,
    "resnext101_32x8d": 88_791_336 - 2_049_000,
    "resnext152_32x8d": 120_323_392,  # not published: with a classifier 122.4 million
    "vgg16": 14_714_688,
}
ALL: tuple[str, ...] = ("thin", *PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_bodies_have_the_published_number_of_parameters(name: str):
    config = of(name)
    assert parameters(built(config)) == PUBLISHED[name]
    if config.body.norm == "group":  # as many scales and offsets as BatchNorm has
        assert parameters(built(config.but(norm="sync_batch"))) == PUBLISHED[name]


@pytest.mark.parametrize("name", ALL)
def test_the_pyramid_has_the_strides_and_channels_that_it_says(name: str):
    config = of(name)
    maps = backbones.find(name).maps(config)
    with torch.device("meta"):
        found = features.features(config)(torch.empty(2, 3, 128, 192))
    assert tuple(found) == maps.anchored == (*maps.names, "pool")
    strides = [*maps.strides, 2 * maps.strides[-1]]
    for level, stride in zip(found.values(), strides, strict=True):
        assert level.shape == (2, maps.channels, 128 // stride, 192 // stride)


def test_vgg16_without_a_pyramid_ends_before_its_last_pool():
    maps = backbones.find("vgg16").maps(SINGLE)
    assert (maps.names, maps.anchored, maps.strides, maps.channels) == (("0",), ("0",), (16,), 512)
    with torch.device("meta"):
        single = features.features(SINGLE)
        found = single(torch.empty(2, 3, 128, 192))
    assert {name: tuple(one.shape) for name, one in found.items()} == {"0": (2, 512, 8, 12)}
    assert single.body.state_dict().keys() == built(VGG).state_dict().keys()


def test_vgg16_mask_rcnn_with_torchvisions_heads_has_34_7_million_parameters():
    with torch.device("meta"):
        fpn = features.features(VGG)
        detector = MaskRCNN(fpn, num_classes=2)  # of COCO's 91: 35.1 million
    assert parameters(detector) == pytest.approx(34.7e6, abs=0.05e6)


def test_vgg16_begins_with_hes_initialisation():
    torch.manual_seed(0)
    body = features.body(VGG.body)
    conv = body.get_submodule("19")
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None
    assert conv.weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    assert not conv.bias.any()


def test_the_stride_moves_into_the_first_convolution():
    config = R50_FPN.but(stride_1x1=True)
    for moved, body in ((False, built(R50_FPN)), (True, built(config))):
        strides = [
            body.get_submodule(f"layer2.0.{part}").stride
            for part in ("conv1", "conv2", "downsample.0")
        ]
        assert strides == [(2, 2) if moved else (1, 1), (1, 1) if moved else (2, 2), (2, 2)]
    with torch.device("meta"):
        found = features.features(config)(torch.empty(1, 3, 64, 64))
    assert [one.shape[-1] for one in found.values()] == [16, 8, 4, 2, 1]


@pytest.mark.parametrize("name", ["thin", "resnet18", "resnet50", "vgg16"])
def test_frozen_stages_are_counted_from_the_stem(name: str):
    config = of(name)
    whole = parameters(built(config))
    free = []
    for stages in range(6 if name != "thin" else 5):
        body = built(config.but(frozen_stages=stages))
        assert parameters(body) == whole
        free.append(sum(p.numel() for p in body.parameters() if p.requires_grad))
    assert free[0] == whole and free[-1] == 0
    assert free == sorted(set(free), reverse=True)
    stem = built(config.but(frozen_stages=1))
    frozen = {key.split(".")[0] for key, p in stem.named_parameters() if not p.requires_grad}
    expected = {"thin": {"stem"}, "vgg16": {"0", "2"}}
    assert frozen == expected.get(name, {"conv1", "bn1"})
    with pytest.raises(
        ValueError, match=r"model\.body\.frozen_stages = 6: .* stages, the stem counted"
    ):
        built(config.but(frozen_stages=6))


def test_batch_norms_of_frozen_stages_stop_following_the_batches():
    torch.manual_seed(0)
    body = features.body(TINY.but(norm="sync_batch", frozen_stages=2).body).train()
    kinds = {
        name: type(module)
        for name, module in body.named_modules()
        if isinstance(module, SyncBatchNorm | FrozenBatchNorm2d)
    }
    assert {name.split(".")[0] for name, kind in kinds.items() if kind is FrozenBatchNorm2d} == {
        "stem",
        "layer1",
    }
    before = {name: value.clone() for name, value in body.state_dict().items()}
    body(torch.randn(2, 3, 32, 32)).sum().backward()
    moved = {name for name, value in body.state_dict().items() if (value != before[name]).any()}
    assert moved and all("running" in name or "tracked" in name for name in moved)
    assert not any(name.startswith(("stem", "layer1")) for name in moved)
