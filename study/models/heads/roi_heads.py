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

from study.config import ModelConfig
from study.models.heads import cascade, keypoints
from study.models.heads.boxes import BoxStage, Sample
from study.models.heads.masks import TARGETS
from study.models.losses import Share

FEW_SHAPES = 16  # RoIs


class BoxParts(NamedTuple):
    """What one stage is made of; the arguments of `BoxStage`."""

    pool: nn.Module
    head: nn.Module
    predictor: nn.Module
    iou: float
    weights: tuple[float, float, float, float]


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
        if mask:
            self.mask_roi_pool, self.mask_head, self.mask_predictor = mask
        if keypoint:
            self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor = keypoint
        self.later = nn.ModuleList(BoxStage(config, *parts) for parts in later)
        self.mask_targets = TARGETS[config.fidelity]
        self.pads = config.body.norm != "sync_batch"  # whose statistics the padding would enter

    def learn(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        sizes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]],
        seeds: list[int],
        every_stage: bool = True,
    ) -> dict[str, Share]:
        """The losses by name; a cascade's are numbered by stage, from 1.

        `seeds`: one per image. Without `every_stage` there is only the first.
        """
        stages = self._stages(every_stage)
        sample, losses = cascade.train(stages, features, proposals, sizes, targets, seeds)
        shares = {
            self.loss_name(kind, number): share
            for number, own in enumerate(losses)
            for kind, share in own.items()
        }
        positive = sample.positives()
        if self.mask_head is not None:
            shares["mask"] = self._mask_share(features, positive, targets)
        if self.keypoint_head is not None:
            logits = self._keypoint_logits(features, positive.boxes)
            truth = [target["keypoints"] for target in targets]
            shares["keypoint"] = keypoints.share(logits, positive.boxes, positive.matched, truth)
        return shares

    def candidates(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        sizes: list[tuple[int, int]],
        every_stage: bool = True,
    ) -> list[tuple[Tensor, Tensor]]:
        """Per image boxes [R, C, 4] and scores [R, C]: before threshold and NMS, clipped."""
        return cascade.infer(self._stages(every_stage), features, proposals, sizes)

    def finish(
        self, features: dict[str, Tensor], selected: list[tuple[Tensor, Tensor, Tensor]]
    ) -> list[dict[str, Tensor]]:
        """Detections per image, with masks and keypoints, of selected boxes, scores and labels."""
        found = [{"boxes": b, "scores": s, "labels": c} for b, s, c in selected]
        boxes = [box for box, _, _ in selected]
        if self.mask_head is not None:
            masks = self.masks_at(features, boxes, [labels for _, _, labels in selected])
            for own, mask in zip(found, masks, strict=True):
                own["masks"] = mask
        if self.keypoint_head is not None:
            points = keypoints.decode(self._keypoint_logits(features, boxes), boxes)
            for own, point in zip(found, points, strict=True):
                own["keypoints"] = point
        return found

    def masks_at(
        self, features: dict[str, Tensor], boxes: list[Tensor], labels: list[Tensor]
    ) -> list[Tensor]:
        """Per image [n, 1, m, m] in [0, 1] of boxes [n, 4] and their labels [n]."""
        logits = self._mask_logits(features, boxes, torch.cat(labels))
        return list(logits[:, None].sigmoid().split([len(box) for box in boxes]))

    def loss_name(self, kind: str, number: int) -> str:
        """What a box stage's loss is called."""
        return f"{kind}_{number + 1}" if len(self.later) else kind

    def _stages(self, every: bool) -> list[BoxStage]:
        return [self, *self.later] if every else [self]  # type: ignore[list-item]

    def _mask_share(
        self, features: dict[str, Tensor], sample: Sample, targets: list[dict[str, Tensor]]
    ) -> Share:
        """Cross-entropy over all pixels of the masks of positive RoIs, each of its own class."""
        logits = self._mask_logits(features, sample.boxes, torch.cat(sample.labels))
        side = logits.shape[-1]
        truth = [
            self.mask_targets(target, box, match, side)
            for target, box, match in zip(targets, sample.boxes, sample.matched, strict=True)
        ]
        loss = F.binary_cross_entropy_with_logits(logits, torch.cat(truth), reduction="sum")
        return Share(loss, logits.numel())

    def _mask_logits(
        self, features: dict[str, Tensor], boxes: list[Tensor], labels: Tensor
    ) -> Tensor:
        """[sum of n_i, m, m] of each box's own class, for boxes [n_i, 4]."""
        assert self.mask_roi_pool and self.mask_head and self.mask_predictor
        pooled = self.mask_roi_pool(features, boxes, None)
        hidden = self.mask_head(self._rounded_up(pooled))[: len(pooled)]
        return self.mask_predictor(hidden, labels)

    def _keypoint_logits(self, features: dict[str, Tensor], boxes: list[Tensor]) -> Tensor:
        """[sum of n_i, K, m, m] for boxes [n_i, 4]."""
        assert self.keypoint_roi_pool and self.keypoint_head and self.keypoint_predictor
        pooled = self.keypoint_roi_pool(features, boxes, None)
        hidden = self.keypoint_head(self._rounded_up(pooled))
        return self.keypoint_predictor(hidden)[: len(pooled)]

    def _rounded_up(self, pooled: Tensor) -> Tensor:
        """RoIs [n, C, H, W] with zeros up to the next multiple of `FEW_SHAPES` on a CPU.

        The number of RoIs changes from batch to batch, and oneDNN compiles a convolution anew for
        every shape that it has not met: tens of milliseconds each, more than a whole training
        step.
        """
        surplus = len(pooled) % FEW_SHAPES
        if pooled.device.type != "cpu" or not surplus or not self.pads:
            return pooled
        zeros = pooled.new_zeros(FEW_SHAPES - surplus, *pooled.shape[1:])
        return torch.cat([pooled, zeros])
