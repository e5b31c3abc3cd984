"""Two-stage detectors put together from torchvision's parts, the same parts for every arm.

The stock builders choose norm, freezing and initial weights together, by whether weights are
given; a comparison of initialisations built on them compares all three at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from study.config import ModelConfig
from study.models import backbones, rpn
from study.models.features import features
from study.models.heads import assembly
from study.models.losses import Share


class Detector(nn.Module):
    """Images in, losses or detections out. Resizing and padding happen on the data's side.

    By its configuration it is Mask R-CNN, Faster R-CNN (no masks), Keypoint R-CNN, or a cascade.

    Attributes:
        every_stage: whether all stages of a cascade are there, or only its first.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        backbones.require(config)
        self.backbone = features(config)
        self.rpn = rpn.build(config, self.backbone.out_channels)
        self.roi_heads = assembly.heads(config, self.backbone.out_channels, num_classes)
        self.every_stage = True
        self.register_buffer("mean", _pixel(config.body.pixel_mean), persistent=False)
        self.register_buffer("std", _pixel(config.body.pixel_std), persistent=False)

    def forward(
        self,
        images: Tensor,
        sizes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
        seeds: list[tuple[int, int]] | None = None,
    ) -> dict[str, Share] | list[dict[str, Tensor]]:
        """Shares of the losses if `targets` are given, else detections per image.

        Args:
            images: uint8 [B, 3, H, W], zero-padded to a common multiple of 32.
            sizes: (height, width) of each image without its padding.
            targets: per image boxes float32 [n, 4] xyxy px, labels int64 [n] from 1, and what the
                model's heads learn: masks uint8 [n, H, W], or with fidelity "detectron" polygons
                (`study.models.heads.masks.from_polygons`); keypoints float32 [n, K, 3] (x, y px
                and visibility).
            seeds: per image one for the RPN's sampler and one for the RoI heads'; with `targets`.

        Returns:
            Shares by name, those of a cascade's stages numbered from 1. Or per image boxes [n, 4]
            xyxy px of the network's input, scores [n], labels [n], with a mask head masks
            [n, 1, m, m] in [0, 1], with a keypoint head keypoints float32 [n, K, 3] (x, y px, and
            a logit as score).
        """
        inputs, features = self._maps(images)
        if targets is None:
            found = self._candidates(inputs, features, sizes)
            selected = [self.select(boxes, scores) for boxes, scores in found]
            return self.roi_heads.finish(features, selected)
        assert seeds is not None
        self.rpn.fg_bg_sampler.seeds = [own for own, _ in seeds]
        proposals, shares = self.rpn(ImageList(inputs, sizes), features, targets)
        return {
            "objectness": shares["loss_objectness"],
            "rpn_box": shares["loss_rpn_box_reg"],
        } | self.roi_heads.learn(
            features, proposals, sizes, targets, [roi for _, roi in seeds], self.every_stage
        )

    def candidates(
        self, images: Tensor, sizes: list[tuple[int, int]]
    ) -> list[tuple[Tensor, Tensor]]:
        """Per image boxes [R, C, 4] and scores [R, C], before score threshold and NMS.

        R proposals, C foreground classes from class 1 on; boxes are clipped to the image. Images
        and sizes are those of `forward`; the detector is in evaluation mode.
        """
        inputs, features = self._maps(images)
        return self._candidates(inputs, features, sizes)

    def select(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One image's detections, best first: boxes [n, 4], scores [n], labels int64 [n].

        From one image's candidates by score threshold, NMS per class, and the limit on their
        number.
        """
        return self.roi_heads.select(boxes, scores)

    def masks_at(
        self,
        images: Tensor,
        sizes: list[tuple[int, int]],
        boxes: list[Tensor],
        labels: list[Tensor],
    ) -> list[Tensor]:
        """Per image [n, 1, m, m] in [0, 1]: the masks of given boxes [n, 4] and labels [n].

        Raises:
            ValueError: the model has no mask head.
        """
        if self.roi_heads.mask_head is None:
            raise ValueError("model.masks = False: a detector without mask head has no masks")
        return self.roi_heads.masks_at(self._maps(images)[1], boxes, labels)

    def joining(self) -> list[nn.Parameter]:
        """Parameters of a cascade's later stages, which may join in the midst of a run."""
        return list(self.roi_heads.later.parameters())

    def _maps(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Normalised images, and the feature maps by name."""
        inputs = (images.to(self.mean.dtype) - self.mean) / self.std
        return inputs, self.backbone(inputs)

    def _candidates(
        self, inputs: Tensor, features: dict[str, Tensor], sizes: list[tuple[int, int]]
    ) -> list[tuple[Tensor, Tensor]]:
        proposals, _ = self.rpn(ImageList(inputs, sizes), features)
        return self.roi_heads.candidates(features, proposals, sizes, self.every_stage)


def _pixel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).reshape(1, 3, 1, 1)
