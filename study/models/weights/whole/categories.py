"""The classes of COCO, in the order in which detectors have them."""

from __future__ import annotations

NONE = "N/A"
"""torchvision's name for a number that COCO has given to no class."""


def of_torchvision() -> tuple[str, ...]:
    """The 90 foreground places of its detectors: COCO's ids, ten of which are of no class."""
    from study.models.vision import MaskRCNN_ResNet50_FPN_Weights

    return tuple(MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:])


def of_coco() -> tuple[str, ...]:
    """The 80 classes, which other programs number without gaps."""
    return tuple(name for name in of_torchvision() if name != NONE)


def by_number(count: int) -> tuple[str, ...] | None:
    """COCO's, if a detector of another program has as many and names none."""
    return of_coco() if count == len(of_coco()) else None
