"""Anchors laid over the boxes of a data set, for a network that meets it for the first time.

They depend on the data alone, never on an arm or a result, and are part of the study's question.
"""

from __future__ import annotations

import numpy as np

from study.config import ModelConfig
from study.data.index import Index
from study.models import backbones

QUANTILES = (0.05, 0.95)


def anchor_px(index: Index, model: ModelConfig) -> tuple[float, ...]:
    """One anchor for each level of the backbone's pyramid, px of the network's input.

    They lie evenly in the logarithm between the 5 % and the 95 % quantile of the side of a
    square of the box's area, after resizing; crowds do not count.

    Raises:
        ValueError: there is no box.
    """
    owner = np.repeat(np.arange(len(index.image_id)), np.diff(index.first))
    short = np.minimum(index.height, index.width)[owner]
    long = np.maximum(index.height, index.width)[owner]
    scale = np.minimum(model.short_px / short, model.long_px / long)
    side = np.sqrt(index.bbox[:, 2] * index.bbox[:, 3]) * scale
    side = side[~index.crowd & (side > 0)]
    if not len(side):
        raise ValueError(f"{index.path}: annotations: no box to train on")
    low, high = np.quantile(side, QUANTILES)
    return tuple(np.geomspace(low, high, backbones.anchors(model)).round(1).tolist())
