"""torchvision's region proposal network with a seeded sampler and losses as sums and counts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from study.config import ModelConfig
from study.models.losses import Share
from study.models.sampling import SeededSampler


class RPN(RegionProposalNetwork):
    """`forward` returns boxes and, in training, a dict of shares. Thresholds are Detectron's.

    With fidelity "detectron", anchors that reach beyond the image are neither positive nor
    negative examples (its TRAIN.RPN_STRADDLE_THRESH = 0, `roi_data/rpn.py`); they propose boxes.
    """

    def __init__(self, anchors: AnchorGenerator, head: nn.Module, config: ModelConfig) -> None:
        before, after = config.proposals_before_nms, config.proposals
        super().__init__(
            anchors,
            head,
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=config.rpn_samples,
            positive_fraction=0.5,
            pre_nms_top_n={"training": before[0], "testing": before[1]},
            post_nms_top_n={"training": after[0], "testing": after[1]},
            nms_thresh=0.7,
        )
        self.fg_bg_sampler: SeededSampler = SeededSampler(config.rpn_samples, 0.5)
        self.inside_only = config.fidelity == "detectron"
        self.image_sizes: list[tuple[int, int]] = []

    def forward(
        self,
        images: ImageList,
        features: dict[str, Tensor],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        self.image_sizes = images.image_sizes  # torchvision does not pass them on
        return super().forward(images, features, targets)

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Labels [A] of each image's anchors (1, 0, or -1: ignored) and their boxes [A, 4]."""
        if not self.inside_only:
            return super().assign_targets_to_anchors(anchors, targets)
        every = [
            self._inside(own, target, size)
            for own, target, size in zip(anchors, targets, self.image_sizes, strict=True)
        ]
        return [labels for labels, _ in every], [boxes for _, boxes in every]

    def _inside(
        self, anchors: Tensor, target: dict[str, Tensor], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        chosen = torch.nonzero(within(anchors, size))[:, 0]
        # those left out get themselves to move to, which is finite; nothing is made of it
        labels, boxes = anchors.new_full((len(anchors),), -1.0), anchors.clone()
        if len(chosen):
            own, matched = super().assign_targets_to_anchors([anchors[chosen]], [target])
            labels[chosen] = own[0].to(labels.dtype)
            boxes[chosen] = matched[0].to(boxes.dtype)
        return labels, boxes

    def compute_loss(  # type: ignore[override]
        self,
        objectness: Tensor,
        pred_bbox_deltas: Tensor,
        labels: list[Tensor],
        regression_targets: list[Tensor],
    ) -> tuple[Share, Share]:
        """Objectness and box loss; both are divided by the number of sampled anchors."""
        positives, negatives = self.fg_bg_sampler(labels)
        positive = torch.nonzero(torch.cat(positives))[:, 0]
        sampled = torch.cat([positive, torch.nonzero(torch.cat(negatives))[:, 0]])
        box = F.smooth_l1_loss(
            pred_bbox_deltas[positive],
            torch.cat(regression_targets)[positive],
            beta=1 / 9,
            reduction="sum",
        )
        scores = objectness.flatten()[sampled]
        truth = torch.cat(labels)[sampled].to(scores.dtype)
        score = F.binary_cross_entropy_with_logits(scores, truth, reduction="sum")
        return Share(score, len(sampled)), Share(box, len(sampled))


def within(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Which boxes [n, 4] lie wholly in an image of `size` (height, width), bool [n]."""
    height, width = size
    left, top, right, bottom = boxes.unbind(1)
    return (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)


def build(config: ModelConfig, channels: int) -> RPN:
    """3x3 convolution without norm, as in Detectron's GN models.

    A pyramid has one size of anchor on each level; a single map has all of them.
    """
    sizes = [(side,) for side in config.anchor_px] if config.pyramid else [config.anchor_px]
    anchors = AnchorGenerator(tuple(sizes), (config.aspect_ratios,) * len(sizes))
    per_cell = len(sizes[0]) * len(config.aspect_ratios)
    return RPN(anchors, RPNHead(channels, per_cell), config)
