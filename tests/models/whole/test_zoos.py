"""detectron2's and mmdetection's files: right names, channels, background and classes.

The files are made of a detector of ours, renamed by tables that say the
published names.
"""

from __future__ import annotations

import dataclasses
import pickle
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from study.config import R50_FPN, ModelConfig, RunConfig
from study.models import initialisation

NAMES = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
COCO = [name for name in NAMES[1:] if name != "N/A"]
WANTED = ["Dog", "nucleus", "traffic_light"]
# narrow, so that files are small; a ResNet-50 is what it is
GROUP = R50_FPN.but(fpn_channels=32, box_fc=16)
BATCH = GROUP.but(norm="frozen_batch", stride_1x1=True, box_convs=0, box_fc_layers=2)
WEIGHTS = ("weight", "bias", "running_mean", "running_var")
CLASS_LAYERS = ("cls_score", "bbox_pred", "mask_fcn_logits")


def tensors(model: ModelConfig, seed: int = 1) -> dict[str, Tensor]:
    """A detector of ours for the classes of COCO, every tensor random."""
    detector, _ = initialisation.build(
        RunConfig(model=model, seed=seed, frozen_random=True), len(COCO)
    )
    generator = torch.Generator().manual_seed(seed)
    return {
        name: own + 0.01 * torch.rand(own.shape, generator=generator)
        for name, own in detector.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def detectron2(ours: dict[str, Tensor], model: ModelConfig) -> dict[str, Tensor]:
    """By the names of detectron2's model zoo."""
    found: dict[str, Tensor] = {}
    up = "backbone.bottom_up."

    def copy(theirs: str, own: str) -> None:
        for leaf in WEIGHTS:
            if f"{own}.{leaf}" in ours:
                found[f"{theirs}.{leaf}"] = ours[f"{own}.{leaf}"]

    copy(up + "stem.conv1", "backbone.body.conv1")
    copy(up + "stem.conv1.norm", "backbone.body.bn1")
    for stage, blocks in zip((2, 3, 4, 5), (3, 4, 6, 3), strict=True):
        for block in range(blocks):
            here = f"{up}res{stage}.{block}"
            there = f"backbone.body.layer{stage - 1}.{block}"
            for at in (1, 2, 3):
                copy(f"{here}.conv{at}", f"{there}.conv{at}")
                copy(f"{here}.conv{at}.norm", f"{there}.bn{at}")
            copy(f"{here}.shortcut", f"{there}.downsample.0")
            copy(f"{here}.shortcut.norm", f"{there}.downsample.1")
        for kind, own in (("lateral", "inner"), ("output", "layer")):
            name = f"backbone.fpn_{kind}{stage}"
            copy(name, f"backbone.fpn.{own}_blocks.{stage - 2}.0")
            copy(f"{name}.norm", f"backbone.fpn.{own}_blocks.{stage - 2}.1")
    rpn = "proposal_generator.rpn_head"
    copy(f"{rpn}.conv", "rpn.head.conv.0.0")
    copy(f"{rpn}.objectness_logits", "rpn.head.cls_logits")
    copy(f"{rpn}.anchor_deltas", "rpn.head.bbox_pred")
    for at in range(model.box_convs):
        copy(f"roi_heads.box_head.conv{at + 1}", f"roi_heads.box_head.{at}.0")
        copy(f"roi_heads.box_head.conv{at + 1}.norm", f"roi_heads.box_head.{at}.1")
    for at in range(model.box_fc_layers):
        own = model.box_convs + 1 + 2 * at
        copy(f"roi_heads.box_head.fc{at + 1}", f"roi_heads.box_head.{own}")
    copy("roi_heads.box_predictor.cls_score", "roi_heads.box_predictor.cls_score")
    copy("roi_heads.box_predictor.bbox_pred", "roi_heads.box_predictor.bbox_pred")
    for at in range(model.mask_convs):
        copy(f"roi_heads.mask_head.mask_fcn{at + 1}", f"roi_heads.mask_head.{at}.0")
        copy(f"roi_heads.mask_head.mask_fcn{at + 1}.norm", f"roi_heads.mask_head.{at}.1")
    copy("roi_heads.mask_head.deconv", "roi_heads.mask_predictor.conv5_mask")
    copy("roi_heads.mask_head.predictor", "roi_heads.mask_predictor.mask_fcn_logits")
    assert len(found) == len(ours)
    last = "roi_heads.box_predictor.cls_score"
    boxes, masks = "roi_heads.box_predictor.bbox_pred", "roi_heads.mask_head.predictor"
    first = up + "stem.conv1.weight"
    return found | background_last(found, last, boxes, masks) | {first: found[first].flip(1)}


def mmdetection(ours: dict[str, Tensor], model: ModelConfig) -> dict[str, Tensor]:
    """By the names of mmdetection 2."""
    norm = "gn" if model.body.norm == "group" else "bn"
    table = (
        (r"backbone\.body\.bn1", f"backbone.{norm}1"),
        (r"backbone\.body\.(layer.+)\.bn(\d)", rf"backbone.\1.{norm}\2"),
        (r"backbone\.body\.(.+)", r"backbone.\1"),
        (r"backbone\.fpn\.inner_blocks\.(\d)\.0", r"neck.lateral_convs.\1.conv"),
        (r"backbone\.fpn\.inner_blocks\.(\d)\.1", rf"neck.lateral_convs.\1.{norm}"),
        (r"backbone\.fpn\.layer_blocks\.(\d)\.0", r"neck.fpn_convs.\1.conv"),
        (r"backbone\.fpn\.layer_blocks\.(\d)\.1", rf"neck.fpn_convs.\1.{norm}"),
        (r"rpn\.head\.conv\.0\.0", "rpn_head.rpn_conv"),
        (r"rpn\.head\.cls_logits", "rpn_head.rpn_cls"),
        (r"rpn\.head\.bbox_pred", "rpn_head.rpn_reg"),
        (r"roi_heads\.box_head\.(\d)\.0", r"roi_head.bbox_head.shared_convs.\1.conv"),
        (r"roi_heads\.box_head\.(\d)\.1", rf"roi_head.bbox_head.shared_convs.\1.{norm}"),
        (rf"roi_heads\.box_head\.{model.box_convs + 1}", "roi_head.bbox_head.shared_fcs.0"),
        (rf"roi_heads\.box_head\.{model.box_convs + 3}", "roi_head.bbox_head.shared_fcs.1"),
        (r"roi_heads\.box_predictor\.cls_score", "roi_head.bbox_head.fc_cls"),
        (r"roi_heads\.box_predictor\.bbox_pred", "roi_head.bbox_head.fc_reg"),
        (r"roi_heads\.mask_head\.(\d)\.0", r"roi_head.mask_head.convs.\1.conv"),
        (r"roi_heads\.mask_head\.(\d)\.1", rf"roi_head.mask_head.convs.\1.{norm}"),
        (r"roi_heads\.mask_predictor\.conv5_mask", "roi_head.mask_head.upsample"),
        (r"roi_heads\.mask_predictor\.mask_fcn_logits", "roi_head.mask_head.conv_logits"),
    )
    found = {}
    for name, value in ours.items():
        module, leaf = name.rsplit(".", 1)
        pattern, to = next(row for row in table if re.fullmatch(row[0], module))
        found[f"{re.sub(pattern, to, module)}.{leaf}"] = value
    assert len(found) == len(ours)
    box, mask = "roi_head.bbox_head", "roi_head.mask_head.conv_logits"
    return found | background_last(found, f"{box}.fc_cls", f"{box}.fc_reg", mask)


def background_last(found: dict, scores: str, boxes: str, masks: str) -> dict[str, Tensor]:
    """The class-dependent layers without the background, whose score comes last."""
    changed = {}
    for leaf in ("weight", "bias"):
        changed[f"{scores}.{leaf}"] = found[f"{scores}.{leaf}"].roll(-1, 0)
        changed[f"{boxes}.{leaf}"] = found[f"{boxes}.{leaf}"][4:]
        changed[f"{masks}.{leaf}"] = found[f"{masks}.{leaf}"][1:]
    return changed


def zoo(path: Path, weights: dict[str, Tensor]) -> Path:
    """As detectron2 publishes them."""
    arrays = {name: value.numpy() for name, value in weights.items()}
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "Detectron2 Model Zoo"}))
    return path


def require_taken(
    path: Path, model: ModelConfig, ours: dict[str, Tensor], program: str, scale: object = 1.0
) -> None:
    """The file's detector is what `ours` were, but for classes that it has not."""
    run = RunConfig(model=model, init=str(path), seed=8)
    detector, report = initialisation.build(run, len(WANTED), WANTED)
    scratch, _ = initialisation.build(
        dataclasses.replace(run, init=None, frozen_random=True), len(WANTED), WANTED
    )
    found, drawn = detector.state_dict(), scratch.state_dict()
    for name, value in found.items():
        if name.endswith("num_batches_tracked"):
            continue
        if not any(layer in name and "rpn" not in name for layer in CLASS_LAYERS):
            expected = ours[name]
            if name == "backbone.body.conv1.weight":
                expected = expected * torch.as_tensor(scale).reshape(-1, 1, 1)
            torch.testing.assert_close(value, expected, atol=0, rtol=1e-6)
            continue
        each = 4 if "bbox_pred" in name else 1
        rows = [slice(each * at, each * (at + 1)) for at in range(len(COCO) + 1)]
        dog, light = 1 + COCO.index("dog"), 1 + COCO.index("traffic light")
        assert torch.equal(value[rows[1]], ours[name][rows[dog]]), name
        assert torch.equal(value[rows[2]], drawn[name][rows[2]]), name
        assert torch.equal(value[rows[3]], ours[name][rows[light]]), name
        has_background = "cls_score" in name
        origin = ours if has_background else drawn
        assert torch.equal(value[rows[0]], origin[name][rows[0]]), name
    for group in ("roi_heads.box", "roi_heads.mask"):
        assert report[group]["class_rows"] == ["Dog", "traffic_light"]
        assert report[group]["classes"] == 3
    width, channels = model.box_fc, model.fpn_channels
    assert report["roi_heads.box"]["random"] == (1 + 2 * 4) * (width + 1)
    assert report["roi_heads.mask"]["random"] == 2 * (channels + 1)
    for group in ("backbone.body", "backbone.fpn", "rpn"):
        assert report[group]["random"] == 0 and report[group]["from"] == program


STD = torch.tensor(R50_FPN.body.pixel_std)


@pytest.mark.slow
def test_detectron2_with_group_norm(tmp_path: Path):
    ours = tensors(GROUP)
    path = zoo(tmp_path / "model_final.pkl", detectron2(ours, GROUP))
    require_taken(path, GROUP, ours, "detectron2", STD)


@pytest.mark.slow
def test_detectron2_with_frozen_norms(tmp_path: Path):
    ours = tensors(BATCH)
    weights = detectron2(ours, BATCH)
    weights |= {
        "pixel_mean": torch.zeros(3, 1, 1),
        "proposal_generator.anchor_generator.cell_anchors.0": torch.zeros(3, 4),
    }
    path = zoo(tmp_path / "model_final.pkl", weights)
    require_taken(path, BATCH, ours, "detectron2", STD)
    with pytest.raises(ValueError, match=r"model.body.stride_1x1 = False, must be True"):
        initialisation.build(
            RunConfig(model=BATCH.but(stride_1x1=False), init=str(path)), 3, WANTED
        )


@pytest.mark.slow
def test_mmdetection_by_its_own_class_names_and_pixels(tmp_path: Path):
    ours = tensors(GROUP)
    weights = mmdetection(ours, GROUP)
    first = "backbone.conv1.weight"
    config = (
        "model = dict(backbone=dict(type='ResNet', style='pytorch'))\nimg_norm_cfg = dict(\n"
        "    mean=[102.9801, 115.9465, 122.7717], std=[1.0, 1.0, 1.0], to_rgb=False)\n"
    )
    meta = {"CLASSES": tuple(COCO), "config": config, "epoch": 24}
    path = tmp_path / "epoch_24.pth"
    torch.save({"meta": meta, "state_dict": weights | {first: weights[first].flip(1)}}, path)
    require_taken(path, GROUP, ours, "mmdetection", STD)


@pytest.mark.slow
def test_mmdetection_with_the_classes_in_another_order_and_a_later_meta(tmp_path: Path):
    ours = tensors(GROUP)
    weights = mmdetection(ours, GROUP)
    score = "roi_head.bbox_head.fc_cls.weight"
    meta = {"dataset_meta": {"classes": COCO[::-1]}}
    path = tmp_path / "later.pth"
    torch.save({"meta": meta, "state_dict": weights}, path)
    detector, _ = initialisation.build(RunConfig(model=GROUP, init=str(path)), 1, [COCO[0]])
    own = detector.state_dict()
    assert torch.equal(own["roi_heads.box_predictor.cls_score.weight"][1], weights[score][79])
    assert torch.equal(own["backbone.body.conv1.weight"], ours["backbone.body.conv1.weight"])


@pytest.mark.slow
def test_mmdetection_with_other_groups_anchors_or_convolutions_says_so(tmp_path: Path):
    weights, path = mmdetection(tensors(GROUP), GROUP), tmp_path / "own.pth"
    for text, said in (
        ("conv_cfg=dict(type='Conv2d'), norm_cfg=dict(type='GN', num_groups=16)", "16"),
        ("anchor_generator=dict(ratios=[0.5, 1.5], scales=[8])", r"must be \(0.5, 1.5\)"),
        ("conv_cfg = dict(type='ConvWS')", "whose convolutions are ConvWS, which compute other"),
    ):
        torch.save({"meta": {"config": text}, "state_dict": weights}, path)
        with pytest.raises(ValueError, match=said):
            initialisation.build(RunConfig(model=GROUP, init=str(path)), 3, WANTED)


@pytest.mark.slow
def test_a_detector_for_another_model_names_its_fields(tmp_path: Path):
    path = zoo(tmp_path / "model.pkl", detectron2(tensors(GROUP), GROUP))
    wrong = GROUP.but(norm_groups=8, box_convs=1, aspect_ratios=(0.7, 1.4), box_pool=5)
    with pytest.raises(ValueError, match="a whole detector") as refused:
        initialisation.build(RunConfig(model=wrong, init=str(path)), 3, WANTED)
    said = str(refused.value)
    assert "\n" not in said
    for field in (
        "model.body.norm_groups = 8, must be 32",
        "model.box_convs = 1, must be 4",
        "model.box_pool = 5, must be 7",
        "model.aspect_ratios = (0.7, 1.4), must be (0.5, 1.0, 2.0)",
        "model.but(",
    ):
        assert field in said


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("roi_heads.box_predictor.0.cls_score.weight", "a cascade of detectron2"),
        ("roi_head.bbox_head.0.fc_cls.weight", "a cascade of mmdetection"),
        ("bbox_head.fc_cls.weight", "mmdetection 1, .*upgrade_model_version.py"),
    ],
)
def test_detectors_that_are_not_read_say_why(tmp_path: Path, key: str, said: str):
    torch.save({"state_dict": {key: torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=said):
        initialisation.build(RunConfig(model=GROUP, init=str(tmp_path / "other.pth")), 3)


@pytest.mark.slow
def test_what_is_no_faster_rcnn_and_trained_norms_of_detectron2_are_refused(tmp_path: Path):
    weights = detectron2(tensors(GROUP), GROUP)
    path = zoo(tmp_path / "more.pkl", weights | {"backbone.top_block.p6.weight": torch.ones(1)})
    with pytest.raises(ValueError, match=r"left over backbone\.top_block\.p6\.weight"):
        initialisation.build(RunConfig(model=GROUP, init=str(path)), 3)
    counted = "backbone.bottom_up.stem.conv1.norm.num_batches_tracked"
    path = zoo(tmp_path / "trained.pkl", weights | {counted: torch.ones(1)})
    with pytest.raises(ValueError, match="does not say whether it sees RGB or BGR"):
        initialisation.build(RunConfig(model=GROUP, init=str(path)), 3)


class Program:
    def __reduce__(self):
        return print, ("run by a pickle",)


def test_a_pickle_is_never_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps({"model": {"a": Program()}}))
    with pytest.raises(ValueError, match="only NumPy arrays"):
        initialisation.build(RunConfig(model=GROUP, init=str(path)), 3)
    torch.save({"state_dict": {}, "meta": Program()}, path.with_suffix(".pth"))
    with pytest.raises(ValueError, match="more than tensors"):
        initialisation.build(RunConfig(model=GROUP, init=str(path.with_suffix(".pth"))), 3)
    assert "run by a pickle" not in capsys.readouterr().out
