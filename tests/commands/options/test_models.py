"""--model changes the body and keeps the detector; --detector changes the detector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from study.commands.options.models import chosen
from study.commands.options.sweep import Sweep, design
from study.config import DETECTORS, R50_FPN, TINY, ModelConfig
from study.models import backbones
from study.sweep import check_weights

CROPS = replace(TINY, short_px=256, long_px=448, crop_px=128, detections=100)


@pytest.mark.parametrize("base", [TINY, CROPS, R50_FPN.but(masks=False)])
@pytest.mark.parametrize("name", backbones.names())
def test_another_backbone_comes_in_its_usual_form_and_the_detector_stays(
    base: ModelConfig, name: str
):
    found = chosen(base, name, None)
    backbones.require(found)
    assert found.body == backbones.find(name).body
    assert replace(found, body=base.body, anchor_px=base.anchor_px) == base


def test_another_detector_keeps_the_body():
    body = replace(TINY.body, norm="sync_batch")
    found = chosen(replace(CROPS, body=body), None, "full")
    assert found == replace(R50_FPN, body=body, anchor_px=found.anchor_px)
    assert len(found.anchor_px) == 4 and found.anchor_px[-1] == 512


def test_both_together_are_the_model_of_the_paper_and_neither_changes_anything():
    assert chosen(CROPS, "resnet50", "full") == R50_FPN
    assert chosen(CROPS, "thin", "small") == TINY
    assert chosen(CROPS, None, None) is CROPS


def test_torchvisions_detector_brings_its_body_and_another_backbone_its_norm():
    whole = DETECTORS["torchvision"]
    assert chosen(CROPS, None, "torchvision") == whole
    assert chosen(CROPS, "resnet50", "torchvision") == whole
    other = chosen(CROPS, "resnet101", "torchvision")
    assert other == replace(whole, body=replace(whole.body, name="resnet101"))
    assert chosen(CROPS, "vgg16", "torchvision").body.norm == "none"
    for arms in (("scratch", "imagenet", "coco"), ("coco",)):
        options = Sweep(run_dir=Path("unused"), detector="torchvision", arms=arms)
        check_weights(design(options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "huge"}, "model = 'huge': one of thin, lite0, resnet18, resnet50, "),
        ({"model": "r50-fpn"}, "model = 'r50-fpn': one of thin, "),
        ({"model": "resnet50"}, "arm 'pretext' has weights for .* use --model thin"),
        ({"arms": ("scratch", "coco")}, "'coco': .* use --model resnet50 --detector torchvision"),
        ({"arms": ("scratch", "imagenet")}, "no ImageNet weights with GroupNorm for 'thin'"),
    ],
)
def test_a_sweep_refuses_models_and_weights_before_anything_starts(options: dict, said: str):
    with pytest.raises(ValueError, match=said):
        check_weights(design(Sweep(run_dir=Path("unused"), **options)))
    asked = design(Sweep(run_dir=Path("unused"), model="resnet50", arms=("scratch", "imagenet")))
    check_weights(asked)
    assert asked.space.fixed.model.body.name == "resnet50"
    assert asked.space.fixed.model.short_px == TINY.short_px
