"""What the detector is made of."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from study.config.checks import require


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Mask R-CNN with FPN. Sizes in pixels of the network's input; counts per image."""

    name: str = "tiny"
    backbone: Literal["thin", "resnet18", "resnet50", "resnet101"] = "thin"
    norm_groups: int = 8  # of GroupNorm, everywhere
    fpn_channels: int = 32
    short_px: int = 96  # the image's shorter side; aspect ratio is kept
    long_px: int = 160  # limit of its longer side
    crop_px: int | None = None  # train on random square crops of this side; None: whole images
    anchor_px: tuple[float, ...] = (16, 32, 48, 96)  # one per level of the pyramid
    aspect_ratios: tuple[float, ...] = (0.7, 1.4)  # height / width
    proposals_before_nms: tuple[int, int] = (200, 100)  # per level: training, inference
    proposals: tuple[int, int] = (100, 50)  # training, inference
    rpn_samples: int = 64
    roi_samples: int = 48
    detections: int = 20
    score_threshold: float = 0.05
    box_pool: int = 5  # bins a side
    box_convs: int = 1
    box_fc: int = 128
    mask_pool: int = 10
    mask_convs: int = 1
    canonical_px: int = 48  # FPN eq. 1: a RoI of this size goes to level `canonical_level`
    canonical_level: int = 3
    pixel_mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    pixel_std: tuple[float, float, float] = (63.75, 63.75, 63.75)

    def __post_init__(self) -> None:
        require(self.short_px >= 32, "model.short_px", self.short_px, "at least 32 px")
        require(self.long_px >= self.short_px, "model.long_px", self.long_px, "at least short_px")
        crop_ok = self.crop_px is None or self.crop_px % 32 == 0
        require(crop_ok, "model.crop_px", self.crop_px, "a multiple of 32 px, or none")
        require(all(a > 0 for a in self.anchor_px), "model.anchor_px", self.anchor_px, "above 0")


TINY = ModelConfig()

R50_FPN = ModelConfig(
    name="r50-fpn",
    backbone="resnet50",
    norm_groups=32,
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
    canonical_px=224,
    canonical_level=4,
    pixel_mean=(123.675, 116.28, 103.53),
    pixel_std=(58.395, 57.12, 57.375),
)

MODELS: dict[str, ModelConfig] = {
    "tiny": TINY,
    "r50-fpn": R50_FPN,
    "r101-fpn": dataclasses.replace(R50_FPN, name="r101-fpn", backbone="resnet101"),
}


def model(name: str) -> ModelConfig:
    """The model of that name.

    Raises:
        ValueError: no such model; lists the ones there are.
    """
    require(name in MODELS, "model", name, f"one of {', '.join(MODELS)}")
    return MODELS[name]
