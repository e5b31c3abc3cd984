"""The network that sees the image first: its name, its norm, what of it is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from study.config.checks.kinds import require_kinds
from study.config.checks.require import require

Norm = Literal["group", "sync_batch", "frozen_batch", "none", "own"]
"""own: the layers that the backbone was published with, whatever they are; batch statistics are
those of all workers, and the FPN and the heads have GroupNorm."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)  # RGB, of 0 to 255
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True, kw_only=True)
class BodyConfig:
    """A backbone. `study.models.backbones` has the names, and what each can be."""

    name: str = "thin"
    norm: Norm = "group"  # the FPN's and the heads' too; but "frozen_batch" is in the body alone
    norm_groups: int = 8  # of GroupNorm
    frozen_stages: int = 0  # Detectron's FREEZE_AT: 1 the stem, 2 the stage after it too, …
    stride_1x1: bool = False  # bottlenecks stride in their first convolution: Caffe2's R-50, R-101
    pixel_mean: tuple[float, float, float] = (127.5, 127.5, 127.5)  # RGB, of 0 to 255
    pixel_std: tuple[float, float, float] = (63.75, 63.75, 63.75)

    def __post_init__(self) -> None:
        require_kinds(self, "model.body.")
        frozen, name = self.frozen_stages, "model.body.frozen_stages"
        require(frozen >= 0, name, frozen, "0 or more")
        require(self.norm_groups >= 1, "model.body.norm_groups", self.norm_groups, "at least 1")

    @property
    def freezes(self) -> bool:
        """Whether some weights stay as they are at first: they must then be loaded."""
        return self.frozen_stages > 0 or self.norm == "frozen_batch"


def of_imagenet(name: str, norm: Norm = "group") -> BodyConfig:
    """The body of a network for which there are ImageNet weights: it sees pixels as they expect
    them, and GroupNorm has 32 groups (Wu & He 2018).
    """
    return BodyConfig(
        name=name, norm=norm, norm_groups=32, pixel_mean=IMAGENET_MEAN, pixel_std=IMAGENET_STD
    )


LITE0 = BodyConfig(name="lite0", norm="own", pixel_std=(127.5, 127.5, 127.5))
"""EfficientNet-Lite0, which two CPU cores can train."""
