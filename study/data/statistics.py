"""What the training images are like: how much an image holds, and how large its objects are.

Both depend on the data alone, never on an arm or a result.
"""

from __future__ import annotations

import numpy as np

from study.config import ModelConfig
from study.data.geometry.boxes import learnable
from study.data.geometry.resize import resized, scale
from study.data.index import Index
from study.models import backbones

QUANTILES = (0.05, 0.95)

Means = dict[str, float | None]
"""`instances` to learn from and `pixels` of the network's input, per image; None: not known."""


def per_image(index: Index, image_ids: np.ndarray, model: ModelConfig) -> Means:
    """The means over some images, each counted once: how much a run has seen is counted from this.

    Instances are what a training step has as targets (`learnable`). How many of them random crops
    still show is not known before they are drawn. Padding is not seen; where the shorter side is
    drawn from a range, pixels are the mean over the range.
    """
    at = np.searchsorted(index.image_id, image_ids)
    before = np.concatenate([[0], np.cumsum(learnable(index)[0])])
    instances = before[index.first[at + 1]] - before[index.first[at]]
    low, high = model.train_short_px or (model.short_px, model.short_px)
    height, width = index.height[at], index.width[at]
    most = np.inf if model.crop_px is None else model.crop_px
    sizes = [resized(height, width, model, short) for short in range(low, high + 1)]
    pixels = [np.minimum(size, most).prod(axis=1).mean() for size in sizes]
    return {
        "instances": None if model.crop_px is not None else float(instances.mean()),
        "pixels": float(np.mean(pixels)),
    }


def anchor_px(index: Index, image_ids: np.ndarray, model: ModelConfig) -> tuple[float, ...]:
    """One anchor for each level of the backbone's pyramid, px of the network's input.

    For a network that meets the data for the first time; part of a study's question. Anchors lie
    evenly in the logarithm between the 5 % and the 95 % quantile of the side of a square of the
    box's area, after resizing, over the objects of these images that are learnt from.

    Raises:
        ValueError: there is no such object.
    """
    owner = np.repeat(np.arange(len(index.image_id)), np.diff(index.first))
    side = np.sqrt(index.bbox[:, 2] * index.bbox[:, 3])
    side = side * scale(index.height, index.width, model)[owner]
    side = side[learnable(index)[0] & np.isin(index.image_id, image_ids)[owner]]
    if not len(side):
        raise ValueError(f"{index.path}: annotations: there is no object to learn from")
    low, high = np.quantile(side, QUANTILES)
    return tuple(np.geomspace(low, high, backbones.anchors(model)).round(1).tolist())
