"""The columns of a record that say how good a detector is."""

from __future__ import annotations

import numpy as np

from study.config import ModelConfig, RunConfig
from study.data.batches.loader import evaluation_batches
from study.data.index import Index
from study.models.detector import Detector
from study.training.evaluation.augmentation import detect_augmented, sides
from study.training.evaluation.detections import detect
from study.training.evaluation.metric import Detection, Kind, Scores
from study.training.evaluation.metrics import chosen
from study.training.workers import World

EVALUATION_BATCH = 8  # images


def score(
    detector: Detector, index: Index, image_ids: np.ndarray, config: RunConfig, world: World
) -> tuple[Scores, list[Detection]]:
    """The detector's scores on these images, in points 0-100; empty on all but the main worker.

    And its detections on them, those without test-time augmentation, by image; likewise.

    The columns are those of the metrics (`study.training.evaluation.metrics`); if there is
    test-time augmentation, also of it, save keypoints, with `_augmented` after the name. Each
    worker detects on its share of the images, which makes no difference.
    """
    model, evaluation = config.model, config.evaluation
    share = (EVALUATION_BATCH, world.rank, world.size)
    batches = (own for (own,) in evaluation_batches(index, image_ids, [model], *share))
    plain = detect(detector, batches, index)
    found = {"": (plain, kinds(model))}
    if evaluation.augmented:
        batches = evaluation_batches(index, image_ids, sides(model, evaluation), *share)
        own = detect_augmented(detector, batches, index, evaluation.flip, model.masks)
        found["_augmented"] = own, [kind for kind in kinds(model) if kind != "keypoint"]
    truth = index.coco(image_ids) if world.is_main else None
    columns: Scores = {}
    stored: list[Detection] = []
    for suffix, (own, which) in found.items():
        detections = world.gather(own)
        if truth is not None:
            detections.sort(key=lambda row: row["image_id"])  # stable: as one worker finds them
            for metric in chosen(evaluation.metric):
                result = metric.score(truth, detections, which)
                columns |= {name + suffix: value for name, value in result.items()}
        if not suffix and world.is_main:
            stored = detections
    return columns, stored


def kinds(model: ModelConfig) -> list[Kind]:
    """What a model's detections have."""
    there: list[tuple[Kind, bool]] = [
        ("box", True),
        ("mask", model.masks),
        ("keypoint", model.keypoints > 0),
    ]
    return [kind for kind, has in there if has]
