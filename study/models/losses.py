"""torchvision's RPN and RoI heads with seeded samplers and losses as sums and counts.

torchvision divides by the number of samples of the *local* batch, and under data parallelism the
mean of means is not the mean. Here each loss is a (sum, terms) pair that the engine divides by the
number over all workers, and samples are drawn from each image's own seed: the result does not
depend on the number of workers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.models.detection.roi_heads import (
    RoIHeads,
    project_masks_on_boxes,
)
from torchvision.models.detection.rpn import RegionProposalNetwork

FEW_SHAPES = 16  # RoIs


class Share(NamedTuple):
    """This worker's part of a mean: the sum of its terms [] and how many there are."""

    total: Tensor
    terms: int


class SeededSampler(BalancedPositiveNegativeSampler):
    """Draws at most `samples` per image, at most a `positive` share of them positives.

    `seeds` is set before each forward pass, one per image: torchvision passes labels only.
    """

    def __init__(self, samples: int, positive: float) -> None:
        super().__init__(samples, positive)
        self.samples = samples
        self.positives = int(samples * positive)
        self.seeds: list[int] = []

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the drawn positives and negatives from labels [n]: >0, 0 or -1 (ignored)."""
        masks = [self._draw(own, seed) for own, seed in zip(matched_idxs, self.seeds, strict=True)]
        return [positive for positive, _ in masks], [negative for _, negative in masks]

    def _draw(self, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        order = torch.rand(len(labels), generator=torch.Generator().manual_seed(seed))
        order = order.to(labels.device)
        positive = _smallest(order, labels >= 1, self.positives)
        negative = _smallest(order, labels == 0, self.samples - int(positive.sum()))
        return positive, negative


def _smallest(order: Tensor, eligible: Tensor, count: int) -> Tensor:
    """The mask of the `count` eligible entries that come first in `order`."""
    indices = torch.nonzero(eligible)[:, 0]
    if len(indices) > count:
        indices = indices[order[indices].argsort()[:count]]
    mask = torch.zeros_like(eligible)
    mask[indices] = True
    return mask


class RPN(RegionProposalNetwork):
    """torchvision's region proposal network; `forward` returns boxes and a dict of shares."""

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


class Heads(RoIHeads):
    """torchvision's box and mask heads; in training `forward` returns a dict of shares."""

    def forward(  # type: ignore[override]
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Share]]:
        if targets is not None:
            return [], self._losses(features, proposals, targets)
        return self._detections(features, proposals, image_shapes), {}

    def _losses(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        targets: list[dict[str, Tensor]],
    ) -> dict[str, Share]:
        boxes, matched, labels, deltas = self.select_training_samples(proposals, targets)
        logits, regression = self._boxes(features, boxes)
        shares = box_losses(logits, regression, torch.cat(labels), torch.cat(deltas))
        positive = [torch.nonzero(own > 0)[:, 0] for own in labels]
        positive_boxes = [box[own] for box, own in zip(boxes, positive, strict=True)]
        classes = torch.cat([own[chosen] for own, chosen in zip(labels, positive, strict=True)])
        mask_logits = self._masks(features, positive_boxes, classes)
        truth = [
            _mask_targets(target["masks"], box, match[own], mask_logits.shape[-1])
            for target, box, match, own in zip(
                targets, positive_boxes, matched, positive, strict=True
            )
        ]
        mask = F.binary_cross_entropy_with_logits(mask_logits, torch.cat(truth), reduction="sum")
        return shares | {"mask": Share(mask, mask_logits.numel())}

    def _detections(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        logits, regression = self._boxes(features, proposals)
        boxes, scores, labels = self.postprocess_detections(
            logits, regression, proposals, image_shapes
        )
        masks = self._masks(features, boxes, torch.cat(labels))[:, None].sigmoid()
        masks = masks.split([len(box) for box in boxes])
        return [
            {"boxes": box, "scores": score, "labels": label, "masks": mask}
            for box, score, label, mask in zip(boxes, scores, labels, masks, strict=True)
        ]

    def _boxes(self, features: dict[str, Tensor], boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        return self.box_predictor(self.box_head(self.box_roi_pool(features, boxes, None)))

    def _masks(self, features: dict[str, Tensor], boxes: list[Tensor], labels: Tensor) -> Tensor:
        """Logits [sum of n_i, m, m] of each box's own class, for boxes [n_i, 4]."""
        assert self.mask_roi_pool and self.mask_head and self.mask_predictor
        pooled = self.mask_roi_pool(features, boxes, None)
        counted = any(isinstance(part, nn.BatchNorm2d) for part in self.mask_head.modules())
        rounded = pooled if counted else _rounded_up(pooled)  # zeros would enter its statistics
        hidden = self.mask_head(rounded)[: len(pooled)]
        return self.mask_predictor(hidden, labels)


def box_losses(
    logits: Tensor, regression: Tensor, labels: Tensor, deltas: Tensor
) -> dict[str, Share]:
    """Classification and box regression; both are divided by the number of sampled RoIs.

    logits [N, C + 1], regression [N, (C + 1) * 4], labels int64 [N] with 0 for background,
    deltas [N, 4].
    """
    positive = torch.nonzero(labels > 0)[:, 0]
    regression = regression.unflatten(1, (-1, 4))[positive, labels[positive]]
    box = F.smooth_l1_loss(regression, deltas[positive], beta=1 / 9, reduction="sum")
    classifier = F.cross_entropy(logits, labels, reduction="sum")
    return {
        "classifier": Share(classifier, len(labels)),
        "box": Share(box, len(labels)),
    }


def _rounded_up(pooled: Tensor) -> Tensor:
    """RoIs [n, C, H, W] with zeros up to the next multiple of `FEW_SHAPES` on a CPU.

    The number of masks changes from batch to batch, and oneDNN compiles a convolution anew for
    every shape that it has not met: tens of milliseconds each, more than a whole training step.
    """
    if pooled.device.type != "cpu" or len(pooled) % FEW_SHAPES == 0:
        return pooled
    missing = FEW_SHAPES - len(pooled) % FEW_SHAPES
    return torch.cat([pooled, pooled.new_zeros(missing, *pooled.shape[1:])])


def _mask_targets(masks: Tensor, boxes: Tensor, matched: Tensor, side: int) -> Tensor:
    """Ground truth [n, side, side] inside each box; an image without objects has no boxes here."""
    if not len(boxes):
        return boxes.new_zeros(0, side, side)
    return project_masks_on_boxes(masks, boxes, matched, side)
