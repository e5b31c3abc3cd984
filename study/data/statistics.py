"""What one training image holds on average: how much a run has seen is counted from this."""

from __future__ import annotations

import numpy as np

from study.config import ModelConfig
from study.data.index import Index

Means = dict[str, float | None]
"""`instances` to learn from and `pixels` of the network's input, per image; None: not known."""


def per_image(index: Index, image_ids: np.ndarray, model: ModelConfig) -> Means:
    """The means over some images, each counted once.

    Instances are what a training step has as targets: not crowds, nor boxes without area. How
    many of them random crops still show is not known before they are drawn. Padding is not seen;
    where the shorter side is drawn from a range, pixels are the mean over the range.
    """
    at = np.searchsorted(index.image_id, image_ids)
    targets = ~index.crowd & (index.bbox[:, 2] > 0) & (index.bbox[:, 3] > 0)
    before = np.concatenate([[0], np.cumsum(targets)])
    instances = before[index.first[at + 1]] - before[index.first[at]]
    low, high = model.train_short_px or (model.short_px, model.short_px)
    height, width = index.height[at].astype(np.float64), index.width[at].astype(np.float64)
    pixels = [_pixels(height, width, short, model).mean() for short in range(low, high + 1)]
    cropped = model.crop_px is not None
    return {
        "instances": None if cropped else float(instances.mean()),
        "pixels": float(np.mean(pixels)),
    }


def _pixels(
    height: np.ndarray, width: np.ndarray, short_px: int, model: ModelConfig
) -> np.ndarray:
    """float64 [N]: pixels of images resized as for the network, and cropped if they are."""
    short, long = np.minimum(height, width), np.maximum(height, width)
    scale = np.minimum(short_px / short, model.long_px / long)
    sides = (np.maximum(1, np.round(side * scale)) for side in (height, width))
    most = np.inf if model.crop_px is None else model.crop_px
    tall, wide = (np.minimum(side, most) for side in sides)
    return tall * wide
