"""One stage of the box head: it classifies RoIs and moves them.

Fast and Faster R-CNN have one stage; a cascade has several, one after another. RoIs of all images
lie in a fixed number of places each, so that no step waits for their number.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.config import ModelConfig
from study.models import boxes as on_boxes
from study.models.canvas import Maps
from study.models.heads import fidelity
from study.models.losses import Share, masked
from study.models.matching import Objects, draw, keys, match, rows
from study.models.rpn import Proposals
from study.models.vision import batched_nms, remove_small_boxes

POSITIVE = 0.25  # largest share of positives among the sampled RoIs
NMS_IOU = 0.5
SMALLEST_PX = 1e-2  # side of a detection


class Sample(NamedTuple):
    """The RoIs that a stage is trained on: n places for each of B images, positives first.

    boxes [B, n, 4] xyxy px, objects int64 [B, n] (the object of each), labels int64 [B, n] with 0
    for background, deltas [B, n, 4] (where the stage should move it), there bool [B, n].
    """

    boxes: Tensor
    objects: Tensor
    labels: Tensor
    deltas: Tensor
    there: Tensor

    def first(self, places: int) -> Sample:
        """The first places, which hold the positives."""
        return Sample(*(part[:, :places] for part in self))


class BoxStage(nn.Module):
    """Pooling, head and predictor, and how RoIs are matched with objects.

    Args:
        iou: RoIs that overlap an object by as much are positives, all others negatives.
        weights: of the deltas x, y, width and height: their scale in training.
    """

    def __init__(
        self,
        config: ModelConfig,
        pool: nn.Module,
        head: nn.Module,
        predictor: nn.Module,
        iou: float = 0.5,
        weights: on_boxes.Weights = (10.0, 10.0, 5.0, 5.0),
    ) -> None:
        super().__init__()
        self.box_roi_pool, self.box_head, self.box_predictor = pool, head, predictor
        self.iou, self.weights = iou, weights
        self.samples = config.roi_samples
        self.positives = int(config.roi_samples * POSITIVE)
        self.score_threshold, self.detections = config.score_threshold, config.detections
        self.beta = fidelity.BOX_BETA[config.fidelity]
        # RoIs that are not there would enter batch statistics
        self.fills = config.body.norm != "sync_batch"

    @torch.no_grad()
    def sample(self, proposals: Proposals, objects: Objects, seeds: list[int]) -> Sample:
        """RoIs to train on: of each image's proposals and its objects, drawn by its seed."""
        candidates = torch.cat([proposals.boxes, objects.boxes], dim=1)
        there = torch.cat([proposals.there, objects.there], dim=1)
        found = match(objects, candidates)
        positive = (found.overlap >= self.iou) & there
        number = keys(seeds, there.shape[1], there.device)
        chosen = draw(number, positive, self.positives)
        others = draw(number, there & ~positive, self.samples)
        # positives take the first places, however many they are, negatives those behind them
        count = chosen.there.sum(dim=1, keepdim=True)
        place = torch.arange(min(self.samples, there.shape[1]), device=there.device)
        behind = chosen.boxes.shape[1] - count
        source = torch.where(place < count, place, place + behind)
        both = torch.cat([chosen.boxes, others.boxes], dim=1)
        own = both.gather(1, source)
        filled = torch.cat([chosen.there, others.there], dim=1).gather(1, source)
        boxes, matched = rows(candidates, own), found.object.gather(1, own)
        labels = objects.labels.gather(1, matched) * (place < count)
        deltas = on_boxes.deltas(boxes, rows(objects.boxes, matched), self.weights)
        # of background they mean nothing, and of a box without area they are not finite
        deltas = deltas.where((labels > 0)[..., None], deltas.new_zeros(()))
        return Sample(boxes, matched, labels, deltas, filled)

    def predict(
        self, maps: Maps, boxes: Tensor, there: Tensor, gradient: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Logits [B, n, C + 1] and deltas [B, n, 1 or C + 1, 4] of boxes [B, n, 4].

        `there`, bool [B, n]: what is computed for the others means nothing. `gradient` scales what
        flows back to the features.
        """
        fills = self.fills or not self.training
        chosen = None if fills else torch.nonzero(there.flatten())[:, 0]
        pooled = self.box_roi_pool(maps, boxes, chosen)
        if gradient != 1:
            pooled.register_hook(lambda own: own * gradient)
        logits, deltas = self.box_predictor(self.box_head(pooled))
        if chosen is not None:
            logits, deltas = (
                own.new_zeros(there.numel(), own.shape[1]).index_copy(0, chosen, own)
                for own in (logits, deltas)
            )
        shape = boxes.shape[:2]
        logits, deltas = logits.to(boxes.dtype), deltas.to(boxes.dtype)
        return logits.unflatten(0, shape), deltas.unflatten(0, shape).unflatten(2, (-1, 4))

    def moved(self, deltas: Tensor, boxes: Tensor) -> Tensor:
        """Boxes [B, n, k, 4] from deltas [B, n, k, 4] and the boxes [B, n, 4] that they are of."""
        return on_boxes.moved(boxes[:, :, None], deltas, self.weights)

    def losses(self, logits: Tensor, deltas: Tensor, sample: Sample) -> dict[str, Share]:
        """Classification and box regression; both are divided by the number of sampled RoIs."""
        terms = sample.there.sum()
        classifier = F.cross_entropy(
            logits.flatten(0, 1), sample.labels.flatten(), reduction="none"
        ).unflatten(0, sample.labels.shape)
        own = sample.first(self.positives)
        moves = deltas[:, : self.positives]
        if moves.shape[2] > 1:
            column = own.labels[..., None, None].expand(*own.labels.shape, 1, 4)
            moves = moves.gather(2, column)
        box = F.smooth_l1_loss(moves[:, :, 0], own.deltas, beta=self.beta, reduction="none")
        return {
            "classifier": Share(masked(classifier, sample.there), terms),
            "box": Share(masked(box, own.labels > 0), terms),
        }

    def select(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One image's detections, best first: boxes [n, 4], scores [n], labels int64 [n].

        From boxes [R, C, 4] and scores [R, C] of the classes 1 to C: those above the score
        threshold, without empty ones, after NMS per class, and of these the best.
        """
        labels = torch.arange(1, scores.shape[1] + 1, device=scores.device).expand_as(scores)
        boxes, scores, labels = boxes.reshape(-1, 4), scores.reshape(-1), labels.reshape(-1)
        kept = torch.nonzero(scores > self.score_threshold)[:, 0]
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        kept = remove_small_boxes(boxes, min_size=SMALLEST_PX)
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        kept = batched_nms(boxes, scores, labels, NMS_IOU)[: self.detections]
        return boxes[kept], scores[kept], labels[kept]
