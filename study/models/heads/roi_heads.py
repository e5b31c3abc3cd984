"""All that is computed for RoIs: boxes in one or more stages, then masks and keypoints.

Mask and keypoint head stand behind the last stage only ("Rethinking", Sec. 5): they are trained on
its positives, and in inference they see its boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from study.config import ModelConfig
from study.models.boxes import Weights
from study.models.canvas import Maps
from study.models.heads import cascade, keypoints
from study.models.heads.boxes import BoxStage
from study.models.heads.masks import TARGETS
from study.models.losses import Share
from study.models.matching import Objects
from study.models.rpn import Proposals
from study.models.transfer import listed

FEW_SHAPES = 16  # RoIs


class BoxParts(NamedTuple):
    """What one stage is made of; the arguments of `BoxStage`."""

    pool: nn.Module
    head: nn.Module
    predictor: nn.Module
    iou: float
    weights: Weights


class Branch(NamedTuple):
    """What a head beside the box head is made of."""

    pool: nn.Module
    head: nn.Module
    predictor: nn.Module


class Heads(BoxStage):
    """The first stage itself, the stages after it, and a mask and a keypoint head if wanted.

    It is a stage so that its parameters have the names that torchvision gives a plain model's.
    """

    def __init__(
        self,
        config: ModelConfig,
        first: BoxParts,
        later: Sequence[BoxParts] = (),
        mask: Branch | None = None,
        keypoint: Branch | None = None,
    ) -> None:
        super().__init__(config, *first)
        self.mask_head = self.keypoint_head = None
        if mask:
            self.mask_roi_pool, self.mask_head, self.mask_predictor = mask
        if keypoint:
            self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor = keypoint
        self.later = nn.ModuleList(BoxStage(config, *parts) for parts in later)
        self.mask_targets = TARGETS[config.fidelity]

    def learn(
        self,
        maps: Maps,
        proposals: Proposals,
        limits: Tensor,
        objects: Objects,
        targets: list[dict[str, Tensor]],
        seeds: list[int],
        every_stage: bool = True,
    ) -> dict[str, Share]:
        """The losses by name; a cascade's are numbered by stage, from 1.

        `limits` are those of `study.models.boxes.limits`; `seeds`: one per image. Without
        `every_stage` there is only the first.
        """
        stages = self._stages(every_stage)
        sample, losses = cascade.train(stages, maps, proposals, limits, objects, seeds)
        shares = {
            self.loss_name(kind, number): share
            for number, own in enumerate(losses)
            for kind, share in own.items()
        }
        if self.mask_head is None and self.keypoint_head is None:
            return shares
        own = sample.first(self.positives)
        there = own.labels > 0
        chosen = torch.nonzero(there.flatten())[:, 0]  # the one number that a step waits for here
        boxes = own.boxes.flatten(0, 1)[chosen]
        if self.mask_head is not None:
            logits = self._mask_logits(maps, own.boxes, chosen, own.labels.flatten()[chosen])
            side = logits.shape[-1]
            truth = self.mask_targets(targets, own.boxes, own.objects, there, side)
            loss = F.binary_cross_entropy_with_logits(
                logits.to(boxes.dtype), truth.flatten(0, 1)[chosen], reduction="sum"
            )
            shares["mask"] = Share(loss, there.sum() * side**2)
        if self.keypoint_head is not None:
            logits = self._keypoint_logits(maps, own.boxes, chosen)
            points = keypoints.of_objects(targets, own.objects, boxes).flatten(0, 1)[chosen]
            shares["keypoint"] = keypoints.share(logits.to(boxes.dtype), boxes, points)
        return shares

    def candidates(
        self, maps: Maps, proposals: Proposals, limits: Tensor, every_stage: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Boxes [B, N, C, 4] and scores [B, N, C]: before threshold and NMS, clipped."""
        return cascade.infer(self._stages(every_stage), maps, proposals, limits)

    def finish(
        self, maps: Maps, selected: list[tuple[Tensor, Tensor, Tensor]]
    ) -> list[dict[str, Tensor]]:
        """Detections per image, with masks and keypoints, of selected boxes, scores and labels."""
        found = [{"boxes": b, "scores": s, "labels": c} for b, s, c in selected]
        boxes = [box for box, _, _ in selected]
        if self.mask_head is not None:
            masks = self.masks_at(maps, boxes, [labels for _, _, labels in selected])
            for own, mask in zip(found, masks, strict=True):
                own["masks"] = mask
        if self.keypoint_head is not None:
            places, chosen = _in_places(boxes)
            logits = self._keypoint_logits(maps, places, chosen).to(places.dtype)
            for own, point in zip(found, keypoints.decode(logits, boxes), strict=True):
                own["keypoints"] = point
        return found

    def masks_at(self, maps: Maps, boxes: list[Tensor], labels: list[Tensor]) -> list[Tensor]:
        """Per image [n, 1, m, m] in [0, 1] of boxes [n, 4] and their labels [n]."""
        places, chosen = _in_places(boxes)
        logits = self._mask_logits(maps, places, chosen, torch.cat(labels)).to(places.dtype)
        return list(logits[:, None].sigmoid().split([len(box) for box in boxes]))

    def loss_name(self, kind: str, number: int) -> str:
        """What a box stage's loss is called."""
        return f"{kind}_{number + 1}" if len(self.later) else kind

    def _stages(self, every: bool) -> list[BoxStage]:
        return [self, *self.later] if every else [self]  # type: ignore[list-item]

    def _mask_logits(self, maps: Maps, boxes: Tensor, chosen: Tensor, labels: Tensor) -> Tensor:
        """[k, m, m] of the k `chosen` of boxes [B, n, 4], each of its own class, `labels` [k]."""
        assert self.mask_head is not None
        pooled = self.mask_roi_pool(maps, boxes, chosen)
        hidden = self.mask_head(self._rounded_up(pooled))[: len(pooled)]
        return self.mask_predictor(hidden, labels)

    def _keypoint_logits(self, maps: Maps, boxes: Tensor, chosen: Tensor) -> Tensor:
        """[k, K, m, m] of the k `chosen` of boxes [B, n, 4]."""
        assert self.keypoint_head is not None
        pooled = self.keypoint_roi_pool(maps, boxes, chosen)
        hidden = self.keypoint_head(self._rounded_up(pooled))
        return self.keypoint_predictor(hidden)[: len(pooled)]

    def _rounded_up(self, pooled: Tensor) -> Tensor:
        """RoIs [n, C, H, W] with zeros up to the next multiple of `FEW_SHAPES` on a CPU.

        The number of RoIs changes from batch to batch, and oneDNN compiles a convolution anew for
        every shape that it has not met: tens of milliseconds each, more than a whole training
        step.
        """
        surplus = len(pooled) % FEW_SHAPES
        if pooled.device.type != "cpu" or not surplus or not self.fills:
            return pooled
        zeros = pooled.new_zeros(FEW_SHAPES - surplus, *pooled.shape[1:])
        return torch.cat([pooled, zeros])


def _in_places(boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Boxes [n, 4] of B images as [B, N, 4], and which of all places they are in, int64."""
    counts = [len(own) for own in boxes]
    places = pad_sequence(boxes, batch_first=True)
    number = places.shape[1]
    chosen = [at * number + k for at, count in enumerate(counts) for k in range(count)]
    return places, listed(chosen, places.device, torch.int64)
