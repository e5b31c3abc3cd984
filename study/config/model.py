"""What the detector is made of."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import Any, Literal

from study.config.body import BodyConfig, of_imagenet
from study.config.checks.kinds import require_kinds
from study.config.checks.require import MOST_COUNT, MOST_PX, require, whole

Fidelity = Literal["torchvision", "detectron"]
"""Whose choices fill what a paper leaves open: losses, initial weights of the heads, mask targets.

detectron: smooth-L1 beta 1 in the box head, initial weights as Caffe2's fillers drew them, masks
compared with polygons rasterised inside each box. The paper's own numbers were made with it.
"""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A two-stage detector. Sizes in pixels of the network's input; counts per image."""

    body: BodyConfig = field(default_factory=BodyConfig)
    pyramid: bool = True  # FPN; without, RoIs are pooled from one map of the backbone
    fpn_channels: int = 32
    head_norm: Literal["body", "none"] = "body"  # of FPN and heads: as `body.norm` says, or none
    masks: bool = True  # Mask R-CNN; without, Faster R-CNN
    class_agnostic: bool = False  # one box regressor for all classes; a cascade always has
    keypoints: int = 0  # per object; 0: no keypoint head
    cascade: tuple[float, ...] = ()  # IoU of the stages of Cascade R-CNN; (): one stage, 0.5
    fidelity: Fidelity = "torchvision"
    short_px: int = 96  # the image's shorter side; aspect ratio is kept
    long_px: int = 160  # limit of its longer side
    train_short_px: tuple[int, int] | None = None  # in training drawn from this range, per image
    crop_px: int | None = None  # train on random square crops of this side; None: whole images
    anchor_px: tuple[float, ...] = (16, 32, 48, 96)  # one for each level of the pyramid
    aspect_ratios: tuple[float, ...] = (0.7, 1.4)  # height / width
    proposals_before_nms: tuple[int, int] = (200, 100)  # per level: training, inference
    proposals: tuple[int, int] = (100, 50)  # training, inference
    rpn_convs: int = 1  # 3 × 3, before its two outputs
    rpn_samples: int = 64
    roi_samples: int = 48
    detections: int = 20
    score_threshold: float = 0.05
    box_pool: int = 5  # bins a side
    box_convs: int = 1
    box_fc: int = 128  # width of each
    box_fc_layers: int = 1  # on a pyramid; a single map's head has two
    mask_pool: int = 10
    mask_convs: int = 1
    keypoint_pool: int = 10  # heatmaps have four times as many cells a side
    keypoint_convs: int = 2
    keypoint_channels: int = 32
    canonical_px: int = 48  # FPN eq. 1: a RoI of this size goes to level `canonical_level`
    canonical_level: int = 3

    def __post_init__(self) -> None:
        require_kinds(self, "model.")
        for name in ("short_px", "long_px", "crop_px", "canonical_px"):
            if (side := getattr(self, name)) is not None:
                whole(f"model.{name}", side, 32 if name != "canonical_px" else 1, MOST_PX, " px")
        for name in _COUNTS:
            whole(f"model.{name}", getattr(self, name), 1, MOST_COUNT)
        require(self.short_px >= 32, "model.short_px", self.short_px, "at least 32 px")
        require(self.long_px >= self.short_px, "model.long_px", self.long_px, "at least short_px")
        crop_ok = self.crop_px is None or self.crop_px % 32 == 0
        require(crop_ok, "model.crop_px", self.crop_px, "a multiple of 32 px, or none")
        require(all(a > 0 for a in self.anchor_px), "model.anchor_px", self.anchor_px, "above 0")
        span = self.train_short_px
        ordered = span is None or 32 <= span[0] <= span[1]
        require(ordered, "model.train_short_px", span, "lowest and highest, at least 32 px")
        alone = span is None or self.crop_px is None
        require(alone, "model.train_short_px", span, "crops are of full-size images: not both")
        rising = all(a < b for a, b in itertools.pairwise(self.cascade))
        within = all(0.5 <= iou < 1 for iou in self.cascade) and len(self.cascade) != 1
        require(
            rising and within, "model.cascade", self.cascade, "two or more IoUs, rising, 0.5–1"
        )
        box_alone = self.pyramid or not (self.masks or self.keypoints or self.cascade)
        require(box_alone, "model.pyramid", self.pyramid, "without it there is a box head only")
        require(self.keypoints >= 0, "model.keypoints", self.keypoints, "0 or more")
        for name, low in (("rpn_convs", 1), ("box_convs", 0), ("box_fc_layers", 1)):
            value = getattr(self, name)
            require(value >= low, f"model.{name}", value, f"{low} or more")

    def but(self, **changes: Any) -> ModelConfig:
        """The same model with other values of some fields, its body's or its own."""
        ours = {name: changes.pop(name) for name in _BODY & changes.keys()}
        body = dataclasses.replace(self.body, **ours)
        return dataclasses.replace(self, **{"body": body} | changes)

    @property
    def agnostic(self) -> bool:
        """Whether there is one box regressor for all classes."""
        return self.class_agnostic or bool(self.cascade)


_COUNTS = (
    *("fpn_channels", "rpn_samples", "roi_samples", "detections", "box_pool", "box_fc"),
    *("mask_pool", "keypoint_pool", "keypoint_channels"),
)
_BODY = {field.name for field in dataclasses.fields(BodyConfig)}

TINY = ModelConfig()
"""For two CPU cores."""

R50_FPN = ModelConfig(
    body=of_imagenet("resnet50"),
    fpn_channels=256,
    short_px=800,
    long_px=1333,
    anchor_px=(32, 64, 128, 256, 512),
    aspect_ratios=(0.5, 1.0, 2.0),
    proposals_before_nms=(2000, 1000),
    proposals=(1000, 1000),
    rpn_samples=256,
    roi_samples=512,
    detections=100,
    box_pool=7,
    box_convs=4,
    box_fc=1024,
    mask_pool=14,
    mask_convs=4,
    keypoint_pool=14,
    keypoint_convs=8,
    keypoint_channels=512,
    canonical_px=224,
    canonical_level=4,
)
"""For GPUs: the sizes of "Rethinking ImageNet Pre-training" and of Detectron."""

TORCHVISION = R50_FPN.but(
    norm="sync_batch", head_norm="none", box_convs=0, box_fc_layers=2, proposals=(2000, 1000)
)
"""torchvision's `maskrcnn_resnet50_fpn`, for the arm `coco`. Its body's norm is alive here: frozen
statistics are none for random weights."""

Size = Literal["small", "full", "torchvision"]

DETECTORS: dict[Size, ModelConfig] = {
    "small": TINY,
    "full": R50_FPN,
    "torchvision": TORCHVISION,
}
"""What `--detector` chooses: all but the body, or where there are weights of the whole, all."""
WHOLE: frozenset[Size] = frozenset({"torchvision"})
"""Those of which weights of the whole detector are published: the body belongs to them."""
