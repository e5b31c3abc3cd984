"""Initial weights as Detectron's fillers draw them, layer by layer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from study.config import TINY
from study.models.detector import Detector
from tests.models import shapes

MODEL = replace(
    TINY, fpn_channels=128, box_fc=256, keypoints=3, keypoint_channels=64, fidelity="detectron"
)


@pytest.fixture(scope="module")
def model() -> Detector:
    torch.manual_seed(0)
    return Detector(MODEL, 20)


def msra(weight: Tensor) -> float:
    """sqrt(2 / fan-out), which Caffe2 counts over all but the second dimension."""
    return math.sqrt(2 * weight.shape[1] / weight.numel())


def xavier(weight: Tensor) -> float:
    """Uniform within sqrt(3 / fan-in)."""
    return math.sqrt(weight.shape[0] / weight.numel())


def test_every_layer_is_filled_as_in_detectron(model: Detector):
    fills = {
        "backbone.fpn": xavier,
        "rpn.head": lambda weight: 0.01,
        "roi_heads.box_head.0": msra,
        f"roi_heads.box_head.{MODEL.box_convs + 1}": xavier,
        "roi_heads.box_predictor.cls_score": lambda weight: 0.01,
        "roi_heads.box_predictor.bbox_pred": lambda weight: 0.001,
        "roi_heads.mask": msra,
        "roi_heads.keypoint": msra,
    }
    for name, layer in model.named_modules():
        if name.startswith("backbone.body") or not isinstance(
            layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear
        ):
            continue
        (fill,) = {fill for start, fill in fills.items() if name.startswith(start)}
        # a sample's deviation is off by about 1 / sqrt(2 n): four of these
        tolerance = 4 / math.sqrt(2 * layer.weight.numel())
        assert layer.weight.std().item() == pytest.approx(fill(layer.weight), rel=tolerance), name
        assert layer.bias is None or not layer.bias.any(), name


def test_a_later_stage_is_filled_like_the_first():
    staged = shapes.detector(replace(MODEL, cascade=(0.5, 0.6)))
    deltas = staged.get_parameter("roi_heads.later.0.box_predictor.bbox_pred.weight")
    assert deltas.shape == (4, MODEL.box_fc)
    assert deltas.std().item() == pytest.approx(0.001, rel=0.1)
    assert not staged.get_parameter("roi_heads.later.0.box_predictor.cls_score.bias").any()
