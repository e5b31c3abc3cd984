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

from study.models.heads.boxes import BoxStage, Sample, clipped
from study.models.losses import Share
from study.randomness import Stream, seed


def weights(stage: int) -> tuple[float, float, float, float]:
    """Scale of the box deltas in stage 0, 1, …: (10, 10, 5, 5), (20, 20, 10, 10), and so on.

    The further boxes have been moved, the smaller are the deltas that are left. The numbers are
    those of detectron2 and tensorpack.
    """
    return (10.0 * (stage + 1), 10.0 * (stage + 1), 5.0 * (stage + 1), 5.0 * (stage + 1))


def train(
    stages: Sequence[BoxStage],
    features: dict[str, Tensor],
    proposals: list[Tensor],
    sizes: list[tuple[int, int]],
    targets: list[dict[str, Tensor]],
    seeds: list[int],
) -> tuple[Sample, list[dict[str, Share]]]:
    """The last stage's RoIs and each stage's losses; `seeds`: one per image."""
    sample, losses = stages[0].sample(proposals, targets, seeds), []
    for number, stage in enumerate(stages, start=1):
        logits, deltas = stage.predict(features, sample.boxes, gradient=1 / len(stages))
        losses.append(stage.losses(logits, deltas, sample))
        if number < len(stages):
            moved = _moved(stage, deltas, sample.boxes, sizes)
            boxes = [own[(own[:, 2:] > own[:, :2]).all(dim=1)] for own in moved]
            own_seeds = [seed(Stream.ROI, one, number) for one in seeds]
            sample = stages[number].sample(boxes, targets, own_seeds)
    return sample, losses


def infer(
    stages: Sequence[BoxStage],
    features: dict[str, Tensor],
    proposals: list[Tensor],
    sizes: list[tuple[int, int]],
) -> list[tuple[Tensor, Tensor]]:
    """Per image boxes [R, C, 4] and scores [R, C] of the classes 1 to C; R proposals each."""
    counts, boxes, scores = [len(own) for own in proposals], proposals, []
    for stage in stages[:-1]:
        logits, deltas = stage.predict(features, boxes)
        scores.append(F.softmax(logits, -1))
        boxes = _moved(stage, deltas, boxes, sizes)  # also empty ones: scores must keep their rows
    logits, deltas = stages[-1].predict(features, boxes)
    scores.append(F.softmax(logits, -1))
    mean = torch.stack(scores).mean(dim=0)[:, 1:]
    moved = stages[-1].moved(deltas, boxes)
    moved = moved[:, 1:] if moved.shape[1] > 1 else moved.expand(-1, mean.shape[1], -1)
    return list(zip(clipped(moved, counts, sizes), mean.split(counts), strict=True))


def _moved(
    stage: BoxStage, deltas: Tensor, boxes: list[Tensor], sizes: list[tuple[int, int]]
) -> list[Tensor]:
    """The next stage's boxes [n, 4]; like proposals they have no gradient."""
    return clipped(stage.moved(deltas.detach(), boxes)[:, 0], [len(own) for own in boxes], sizes)
