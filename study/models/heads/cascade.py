"""The stages of the box head one after another: Cascade R-CNN (Cai & Vasconcelos 2018).

Each stage is trained on the boxes that the one before has moved, with a higher IoU threshold and
its own head. Faster and Mask R-CNN are the cascade of one stage.

Sources disagree in details; these are the choices. Box regression is the same for all classes, as
in the paper, detectron2 and tensorpack (`model_cascade.py`): the next stage needs one box of each
RoI, whatever its class. Gradients to the features are divided by the number of stages, as in the
latter two: every head learns at the plain head's rate, and the backbone from their mean. RoIs are
sampled anew in each stage, with the objects themselves among them, as in mmdetection (detectron2
and tensorpack keep all boxes that the first stage sampled): positives then stay a quarter at most,
however good the boxes have become. In inference each stage's classifier scores its own boxes, the
scores are averaged, and the boxes are the last stage's, as in detectron2 and tensorpack; the paper
applies all classifiers to the last stage's boxes, which costs pooling and heads a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from study.models.boxes import clipped
from study.models.canvas import Maps
from study.models.heads.boxes import BoxStage, Sample
from study.models.losses import Share
from study.models.matching import Objects
from study.models.rpn import Proposals
from study.randomness import Stream, seed


def weights(stage: int) -> tuple[float, float, float, float]:
    """Scale of the box deltas in stage 0, 1, …: (10, 10, 5, 5), (20, 20, 10, 10), and so on.

    The further boxes have been moved, the smaller are the deltas that are left. The numbers are
    those of detectron2 and tensorpack.
    """
    return (10.0 * (stage + 1), 10.0 * (stage + 1), 5.0 * (stage + 1), 5.0 * (stage + 1))


def train(
    stages: Sequence[BoxStage],
    maps: Maps,
    proposals: Proposals,
    limits: Tensor,
    objects: Objects,
    seeds: list[int],
) -> tuple[Sample, list[dict[str, Share]]]:
    """The last stage's RoIs and each stage's losses.

    `limits` are those of `study.models.boxes.limits`; `seeds`: one per image.
    """
    sample, losses = stages[0].sample(proposals, objects, seeds), []
    for number, stage in enumerate(stages, start=1):
        logits, deltas = stage.predict(maps, sample.boxes, sample.there, 1 / len(stages))
        losses.append(stage.losses(logits, deltas, sample))
        if number < len(stages):
            boxes = _moved(stage, deltas, sample.boxes, limits)
            there = sample.there & (boxes[..., 2:] > boxes[..., :2]).all(dim=-1)
            own_seeds = [seed(Stream.ROI, one, number) for one in seeds]
            sample = stages[number].sample(Proposals(boxes, there), objects, own_seeds)
    return sample, losses


def infer(
    stages: Sequence[BoxStage], maps: Maps, proposals: Proposals, limits: Tensor
) -> tuple[Tensor, Tensor]:
    """Boxes [B, N, C, 4] and scores [B, N, C] of the classes 1 to C; 0 where no proposal is."""
    boxes, scores = proposals.boxes, []
    for stage in stages[:-1]:
        logits, deltas = stage.predict(maps, boxes, proposals.there)
        scores.append(F.softmax(logits, -1))
        boxes = _moved(stage, deltas, boxes, limits)  # also empty ones: scores keep their rows
    logits, deltas = stages[-1].predict(maps, boxes, proposals.there)
    scores.append(F.softmax(logits, -1))
    mean = torch.stack(scores).mean(dim=0)[..., 1:] * proposals.there[..., None]
    moved = stages[-1].moved(deltas, boxes)
    moved = moved[:, :, 1:] if moved.shape[2] > 1 else moved.expand(-1, -1, mean.shape[2], -1)
    return clipped(moved, limits), mean


def _moved(stage: BoxStage, deltas: Tensor, boxes: Tensor, limits: Tensor) -> Tensor:
    """The next stage's boxes [B, n, 4]; like proposals they have no gradient."""
    return clipped(stage.moved(deltas.detach(), boxes)[:, :, 0], limits)
