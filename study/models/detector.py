"""Mask R-CNN put together from torchvision's parts, the same parts for every arm.

The stock builders choose norm, freezing and initial weights together, by whether weights are
given; a comparison of initialisations built on them compares all three at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.models.detection.rpn import RPNHead

from study.config import ModelConfig
from study.models import backbone, norms
from study.models.losses import RPN, Heads, SeededSampler, Share
from study.models.mask_predictor import MaskPredictor
from study.models.roi_align import PyramidRoIAlign


class MaskRCNN(nn.Module):
    """Images in, losses or detections out. Resizing and padding happen on the data's side."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        self.backbone = backbone.with_fpn(backbone.build(config), config)
        self.samplers = (
            SeededSampler(config.rpn_samples, 0.5),
            SeededSampler(config.roi_samples, 0.25),
        )
        self.rpn = _rpn(config)
        self.roi_heads = _heads(config, num_classes)
        self.rpn.fg_bg_sampler, self.roi_heads.fg_bg_sampler = self.samplers
        self.register_buffer("mean", _pixel(config.pixel_mean), persistent=False)
        self.register_buffer("std", _pixel(config.pixel_std), persistent=False)

    def forward(
        self,
        images: Tensor,
        sizes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
        seeds: list[tuple[int, int]] | None = None,
    ) -> dict[str, Share] | list[dict[str, Tensor]]:
        """Shares of the five losses if `targets` are given, else detections per image.

        Args:
            images: uint8 [B, 3, H, W], zero-padded to a common multiple of 32.
            sizes: (height, width) of each image without its padding.
            targets: per image boxes float32 [n, 4] xyxy px, labels int64 [n] from 1, masks uint8
                [n, H, W].
            seeds: per image one for the RPN's sampler and one for the RoI heads'; with `targets`.

        Returns:
            Shares by name (objectness, rpn_box, classifier, box, mask); or per image boxes [n, 4]
            xyxy px of the network's input, scores [n], labels [n], masks [n, 1, m, m] in [0, 1].
        """
        inputs = (images.to(self.mean.dtype) - self.mean) / self.std
        features = self.backbone(inputs)
        if seeds is not None:
            self.samplers[0].seeds = [rpn for rpn, _ in seeds]
            self.samplers[1].seeds = [roi for _, roi in seeds]
        proposals, rpn_shares = self.rpn(ImageList(inputs, sizes), features, targets)
        detections, shares = self.roi_heads(features, proposals, sizes, targets)
        if targets is None:
            return detections
        return {
            "objectness": rpn_shares["loss_objectness"],
            "rpn_box": rpn_shares["loss_rpn_box_reg"],
        } | shares


LOSSES = ("objectness", "rpn_box", "classifier", "box", "mask")


def _pixel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).reshape(1, 3, 1, 1)


def _rpn(config: ModelConfig) -> RPN:
    """3x3 convolution without norm, as in Detectron's GN models; thresholds are Detectron's."""
    anchors = AnchorGenerator(
        tuple((side,) for side in config.anchor_px),
        (config.aspect_ratios,) * len(config.anchor_px),
    )
    before, after = config.proposals_before_nms, config.proposals
    return RPN(
        anchors,
        RPNHead(config.fpn_channels, len(config.aspect_ratios)),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=config.rpn_samples,
        positive_fraction=0.5,
        pre_nms_top_n={"training": before[0], "testing": before[1]},
        post_nms_top_n={"training": after[0], "testing": after[1]},
        nms_thresh=0.7,
    )


def _heads(config: ModelConfig, num_classes: int) -> Heads:
    """N conv + fc box head and N conv + deconv mask head, with GroupNorm in both."""
    channels, norm = config.fpn_channels, norms.of_heads(config)

    def pool(bins: int) -> PyramidRoIAlign:
        levels = backbone.num_levels(config)
        return PyramidRoIAlign(bins, levels, config.canonical_px, config.canonical_level)

    return Heads(
        box_roi_pool=pool(config.box_pool),
        box_head=FastRCNNConvFCHead(
            (channels, config.box_pool, config.box_pool),
            [channels] * config.box_convs,
            [config.box_fc],
            norm_layer=norm,
        ),
        box_predictor=FastRCNNPredictor(config.box_fc, num_classes + 1),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=config.roi_samples,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=config.score_threshold,
        nms_thresh=0.5,
        detections_per_img=config.detections,
        mask_roi_pool=pool(config.mask_pool),
        mask_head=MaskRCNNHeads(channels, [channels] * config.mask_convs, 1, norm_layer=norm),
        mask_predictor=MaskPredictor(channels, channels, num_classes + 1),
    )
