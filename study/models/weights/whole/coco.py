"""The arm `coco`: torchvision's detectors with ResNet-50 and FPN, trained on COCO.

Mask R-CNN's weights where the model has masks, Faster R-CNN's where it has none. By torchvision's
recipe they began with its ImageNet weights and saw COCO for 26 epochs
(`references/detection/README.md`).
"""

from __future__ import annotations

from study.config import DETECTORS, ModelConfig
from study.models.weights.whole import architecture

NAME = "coco"
MASKS = "MaskRCNN_ResNet50_FPN_Weights.COCO_V1"
BOXES = "FasterRCNN_ResNet50_FPN_Weights.COCO_V1"
_MODEL = DETECTORS["torchvision"]
FIELDS: architecture.Fields = {
    "name": (_MODEL.body.name,),
    "norm": ("sync_batch", "frozen_batch"),
    "stride_1x1": (False,),
    **{name: (getattr(_MODEL, name),) for name in architecture.SHAPES},
}
"""What the weights need of a model; no file is read to say it."""


def require(model: ModelConfig) -> None:
    """Refuse a model that the weights are not of; nothing is downloaded.

    Raises:
        ValueError: lists all fields that do not fit.
    """
    architecture.require(FIELDS, model, f"arm {NAME!r}: its weights")


def published(model: ModelConfig) -> str:
    """What torchvision calls the weights for the model."""
    return MASKS if model.masks else BOXES
