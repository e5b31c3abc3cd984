"""One stage of the box head: it classifies RoIs and moves them.

Fast and Faster R-CNN have one stage; a cascade has several, one after another. The parts are
torchvision's, with a seeded sampler and losses as sums and counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import batched_nms, clip_boxes_to_image, remove_small_boxes

from study.config import ModelConfig
from study.models.heads import fidelity
from study.models.losses import Share
from study.models.sampling import SeededSampler

POSITIVE = 0.25  # largest share of positives among the sampled RoIs


class Sample(NamedTuple):
    """The RoIs that a stage is trained on; in each list one entry per image, of n RoIs.

    boxes [n, 4] xyxy px, matched int64 [n] (the object of each), labels int64 [n] with 0 for
    background, deltas [n, 4] (where the stage should move them).
    """

    boxes: list[Tensor]
    matched: list[Tensor]
    labels: list[Tensor]
    deltas: list[Tensor]

    def positives(self) -> Sample:
        """Those that have an object."""
        chosen = [torch.nonzero(own > 0)[:, 0] for own in self.labels]
        return Sample(
            *([own[c] for own, c in zip(part, chosen, strict=True)] for part in self)  # type: ignore[arg-type]
        )


class BoxStage(RoIHeads):
    """Pooling, head and predictor, and how RoIs are matched with objects.

    Args:
        iou: RoIs that overlap an object by as much are positives, all others negatives.
        weights: of the deltas x, y, width and height: their scale in training.
    """

    fg_bg_sampler: SeededSampler

    def __init__(
        self,
        config: ModelConfig,
        pool: nn.Module,
        head: nn.Module,
        predictor: nn.Module,
        iou: float = 0.5,
        weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0),
    ) -> None:
        super().__init__(
            box_roi_pool=pool,
            box_head=head,
            box_predictor=predictor,
            fg_iou_thresh=iou,
            bg_iou_thresh=iou,
            batch_size_per_image=config.roi_samples,
            positive_fraction=POSITIVE,
            bbox_reg_weights=weights,
            score_thresh=config.score_threshold,
            nms_thresh=0.5,
            detections_per_img=config.detections,
        )
        self.fg_bg_sampler = SeededSampler(config.roi_samples, POSITIVE)
        self.beta = fidelity.BOX_BETA[config.fidelity]

    def check_targets(self, targets: list[dict[str, Tensor]] | None) -> None:
        """Nothing: torchvision's check would ask for bit masks where there are polygons."""

    def sample(
        self,
        proposals: list[Tensor],
        targets: list[dict[str, Tensor]],
        seeds: list[int],
    ) -> Sample:
        """RoIs to train on, from each image's proposals [n, 4], its objects, and its seed."""
        self.fg_bg_sampler.seeds = seeds
        return Sample(*self.select_training_samples(proposals, targets))

    def predict(
        self, features: dict[str, Tensor], boxes: list[Tensor], gradient: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Logits [N, C + 1] and deltas [N, 4 or 4 (C + 1)] of all images' boxes [n, 4].

        `gradient` scales what flows back to the features.
        """
        pooled = self.box_roi_pool(features, boxes, None)
        if gradient != 1:
            pooled.register_hook(lambda own: own * gradient)
        return self.box_predictor(self.box_head(pooled))

    def moved(self, deltas: Tensor, boxes: list[Tensor]) -> Tensor:
        """Boxes [N, 1 or C + 1, 4] from deltas [N, 4 or 4 (C + 1)] and the boxes they are of."""
        return self.box_coder.decode_single(deltas, torch.cat(boxes)).unflatten(1, (-1, 4))

    def losses(self, logits: Tensor, deltas: Tensor, sample: Sample) -> dict[str, Share]:
        """As `box_losses`."""
        labels, truth = torch.cat(sample.labels), torch.cat(sample.deltas)
        return box_losses(logits, deltas, labels, truth, self.beta)

    def select(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One image's detections, best first: boxes [n, 4], scores [n], labels int64 [n].

        From boxes [R, C, 4] and scores [R, C] of the classes 1 to C: those above the score
        threshold, without empty ones, after NMS per class, and of these the best.
        """
        labels = torch.arange(1, scores.shape[1] + 1, device=scores.device).expand_as(scores)
        boxes, scores, labels = boxes.reshape(-1, 4), scores.reshape(-1), labels.reshape(-1)
        kept = torch.nonzero(scores > self.score_thresh)[:, 0]
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        kept = remove_small_boxes(boxes, min_size=1e-2)
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        kept = batched_nms(boxes, scores, labels, self.nms_thresh)[: self.detections_per_img]
        return boxes[kept], scores[kept], labels[kept]


def box_losses(
    logits: Tensor, regression: Tensor, labels: Tensor, deltas: Tensor, beta: float = 1 / 9
) -> dict[str, Share]:
    """Classification and box regression; both are divided by the number of sampled RoIs.

    logits [N, C + 1], regression [N, (C + 1) * 4] or, for all classes alike, [N, 4], labels int64
    [N] with 0 for background, deltas [N, 4]; `beta`: where smooth L1 becomes linear.
    """
    positive = torch.nonzero(labels > 0)[:, 0]
    by_class = regression.unflatten(1, (-1, 4))
    column = labels[positive] if by_class.shape[1] > 1 else torch.zeros_like(labels[positive])
    box = F.smooth_l1_loss(
        by_class[positive, column], deltas[positive], beta=beta, reduction="sum"
    )
    classifier = F.cross_entropy(logits, labels, reduction="sum")
    return {
        "classifier": Share(classifier, len(labels)),
        "box": Share(box, len(labels)),
    }


def clipped(boxes: Tensor, counts: Sequence[int], sizes: list[tuple[int, int]]) -> list[Tensor]:
    """Boxes [N, …, 4] split by image, `counts` each, and cut at the images' borders."""
    return [
        clip_boxes_to_image(own, size)
        for own, size in zip(boxes.split(list(counts)), sizes, strict=True)
    ]
