"""What a recipe takes: images, and GPU-hours at an assumed speed.

Published seconds per iteration of Mask R-CNN's variants on the same eight V100s (detectron2's
model zoo) give their ratios; those of backbones stand at their entries. 10 images/s for R50-FPN is
what the search spaces assume of a GPU.
"""

from __future__ import annotations

from dataclasses import replace

from study.config import ModelConfig, RunConfig
from study.config.schedule import legs
from study.models import backbones

R50_SPEED = 10.0  # images per second of a GPU, assumed
FULL_PX = 800

BASE = 0.261  # s per iteration: R50-FPN, two-layer box head
SYNC_BATCH = 0.345 / 0.309  # with the box head of four convolutions, against GroupNorm
CASCADE = 0.328 / BASE
KEYPOINTS = 0.315 / BASE
BOXES = 58.6 / 70.0  # Faster against Mask R-CNN, images/s of torchvision's reference


def speed(model: ModelConfig) -> float | None:
    """Training images per second of a GPU, assumed; by pixels for another image scale.

    None: of this backbone nothing is known.
    """
    known = backbones.find(model.body.name).iteration_s
    if known is None:
        return None
    seconds = known / BASE * (model.short_px / FULL_PX) ** 2
    if model.body.norm == "sync_batch":
        seconds *= SYNC_BATCH
    if model.cascade:
        seconds *= CASCADE
    if model.keypoints:
        seconds *= KEYPOINTS
    elif not model.masks:
        seconds *= BOXES
    return R50_SPEED / seconds


def images(run: RunConfig) -> int:
    """Training images that the run sees, every iteration of its trunk once."""
    return _images(run)[0]


def gpu_hours(run: RunConfig) -> float | None:
    """Hours of a GPU for training alone, assumed; None: of this backbone nothing is known."""
    total, cascaded = _images(run)
    plain, whole = speed(replace(run.model, cascade=())), speed(run.model)
    if plain is None or whole is None:
        return None
    return ((total - cascaded) / plain + cascaded / whole) / 3600


def _images(run: RunConfig) -> tuple[int, int]:
    """Images seen, and how many of them with all stages of a cascade."""
    total = sum(leg.stop - leg.start for leg in legs(run.schedule))
    joined = run.schedule.cascade_last
    cascaded = total if joined is None else min(joined, total)
    batch = run.optim.batch_size
    return total * batch, (cascaded if run.model.cascade else 0) * batch
