"""torchvision's own detectors and ours, with the same weights, detect the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import (
    MaskRCNN_ResNet50_FPN_Weights,
    fasterrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn_v2,
)
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.ops import FrozenBatchNorm2d

from study.config import DETECTORS, R50_FPN, ModelConfig, RunConfig
from study.config.body import Norm
from study.models import initialisation
from study.models.weights import available, torch_hub

NAMES = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
COCO = [name for name in NAMES[1:] if name != "N/A"]
HEIGHT, WIDTH = 128, 192
SMALL = {
    "short_px": HEIGHT,
    "long_px": WIDTH,
    "proposals_before_nms": (60, 60),
    "proposals": (30, 30),
    "detections": 20,
}
OURS = DETECTORS["torchvision"].but(**SMALL)
V2 = R50_FPN.but(
    norm="sync_batch",
    rpn_convs=2,
    proposals=(30, 30),
    **{name: value for name, value in SMALL.items() if name != "proposals"},
)
THEIRS = {
    "min_size": HEIGHT,
    "max_size": WIDTH,
    "rpn_pre_nms_top_n_test": 60,
    "rpn_post_nms_top_n_test": 30,
    "box_detections_per_img": 20,
    "weights_backbone": None,
    "weights": None,
}


@torch.no_grad()
def seeded(make: Callable[..., Any]) -> Any:
    """torchvision's detector with weights by which it finds something."""
    torch.manual_seed(0)
    network = make(**THEIRS).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | FrozenBatchNorm2d):
            _tensor(module.running_mean).normal_(0, 0.1)
            _tensor(module.running_var).uniform_(0.5, 1.5)
            _tensor(module.weight).uniform_(0.2, 0.4)  # else fifty layers in a row overflow
            _tensor(module.bias).normal_(0, 0.1)
    predictor = network.roi_heads.box_predictor
    spread: list[Tensor] = []
    handle = predictor.register_forward_hook(lambda _, __, out: spread.append(out[0].std()))
    network([image() / 255])
    handle.remove()
    predictor.cls_score.weight.mul_(3 / spread[0])
    predictor.cls_score.bias.zero_()
    predictor.bbox_pred.weight.mul_(0.1)
    # what COCO has no class for is never detected
    predictor.cls_score.bias[[at for at, name in enumerate(NAMES) if name == "N/A"]] = -1e4
    return network


def saved(network: Any, path: Path) -> str:
    torch.save(network.state_dict(), path)
    return str(path)


def image() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, 8, 12, generator=generator)
    whole = nn.functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bilinear")
    return (255 * whole[0]).round().to(torch.uint8)


@torch.no_grad()
def compare(network: Any, init: str, model: ModelConfig, same: float = 1e-4) -> None:
    (theirs,) = network([image() / 255])
    run = RunConfig(model=model, init=init, seed=5)
    detector, report = initialisation.build(run, len(COCO), COCO)
    (ours,) = detector.eval()([image()])
    assert len(theirs["scores"]) >= 5
    assert len(set(theirs["labels"].tolist())) > 1
    torch.testing.assert_close(ours["scores"], theirs["scores"], atol=same, rtol=0)
    torch.testing.assert_close(ours["boxes"], theirs["boxes"], atol=same * WIDTH, rtol=0)
    named = [COCO[label - 1] for label in ours["labels"].tolist()]
    assert named == [NAMES[label] for label in theirs["labels"].tolist()]
    if model.masks:
        pasted = paste_masks_in_image(ours["masks"], theirs["boxes"], (HEIGHT, WIDTH))
        torch.testing.assert_close(pasted, theirs["masks"], atol=same, rtol=0)
    assert all(row["random"] == 0 or "class_rows" in row for row in report.values())
    box = report["roi_heads.box"]
    assert box["class_rows"] == COCO and box["classes"] == 80 and box["from"] == "torchvision"
    assert box["random"] == 0


@pytest.mark.slow
def test_mask_rcnn_detects_what_torchvisions_does(tmp_path: Path):
    network = seeded(maskrcnn_resnet50_fpn)
    compare(network, saved(network, tmp_path / "mask.pth"), OURS)


@pytest.mark.slow
def test_faster_rcnn_detects_what_torchvisions_does(tmp_path: Path):
    network = seeded(fasterrcnn_resnet50_fpn)
    compare(network, saved(network, tmp_path / "faster.pth"), OURS.but(masks=False))


@pytest.mark.slow
def test_the_second_version_detects_what_torchvisions_does(tmp_path: Path):
    network = seeded(maskrcnn_resnet50_fpn_v2)
    compare(network, saved(network, tmp_path / "v2.pth"), V2)


def _tensor(value: object) -> Tensor:
    assert isinstance(value, Tensor)
    return value


def _with_frozen_norms(network: Any) -> Any:
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(module.num_features, module.eps)
            own = {k: v for k, v in module.state_dict().items() if k != "num_batches_tracked"}
            frozen.load_state_dict(own)
            parent, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(parent), leaf, frozen)
    return network


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["sync_batch", "frozen_batch"])
def test_the_arm_coco_is_what_torchvision_builds_of_its_weights(
    monkeypatch: pytest.MonkeyPatch, norm: Norm
):
    network = _with_frozen_norms(seeded(maskrcnn_resnet50_fpn))
    overwrite_eps(network, 0.0)  # as torchvision does for these weights
    with torch.no_grad():  # such small variances make the missing epsilon felt
        for module in network.modules():
            if isinstance(module, FrozenBatchNorm2d):
                _tensor(module.running_var).mul_(1e-4)
                _tensor(module.weight).mul_(1e-2)
    monkeypatch.setattr(torch_hub, "content", lambda _: network.state_dict())
    model = OURS.but(norm=norm)
    available.require(RunConfig(arm="coco", init="coco", model=model))
    compare(network, "coco", model)


@pytest.mark.slow
def test_older_names_are_those_of_the_published_file(tmp_path: Path):
    network = seeded(maskrcnn_resnet50_fpn)
    older = {
        name.replace("blocks.0.0", "blocks.0")
        .replace("blocks.1.0", "blocks.1")
        .replace("blocks.2.0", "blocks.2")
        .replace("blocks.3.0", "blocks.3")
        .replace("rpn.head.conv.0.0", "rpn.head.conv"): value
        for name, value in network.state_dict().items()
    }
    for at in range(4):
        for leaf in ("weight", "bias"):
            older[f"roi_heads.mask_head.mask_fcn{at + 1}.{leaf}"] = older.pop(
                f"roi_heads.mask_head.{at}.0.{leaf}"
            )
    torch.save(older, tmp_path / "older.pth")
    run = RunConfig(model=OURS, init=str(tmp_path / "older.pth"))
    detector, _ = initialisation.build(run, len(COCO), COCO)
    newer = dataclasses.replace(run, init=saved(network, tmp_path / "newer.pth"))
    expected, _ = initialisation.build(newer, len(COCO), COCO)
    for name, value in expected.state_dict().items():
        assert torch.equal(detector.state_dict()[name], value), name


def test_the_arm_coco_names_the_fields_and_the_options_that_fit():
    with pytest.raises(ValueError, match="arm 'coco'") as refused:
        available.require(RunConfig(arm="coco", init="coco", model=R50_FPN))
    said = str(refused.value)
    assert "\n" not in said
    assert "model.body.norm = 'group', must be 'sync_batch' or 'frozen_batch'" in said
    assert "model.box_convs = 4, must be 0; " in said
    assert "model.head_norm = 'body', must be 'none'" in said
    assert "use --model resnet50 --detector torchvision or model.but(" in said
    available.require(RunConfig(arm="coco", init="coco", model=DETECTORS["torchvision"]))
    available.require(RunConfig(arm="scratch", model=DETECTORS["torchvision"]))
