"""Which annotations are objects to learn from: the one place that says so."""

from __future__ import annotations

import numpy as np

from study.data.index import Index


def learnable(
    index: Index, rows: np.ndarray | None = None, size: tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Which annotations are objects to learn from, and the boxes of all of them.

    One is, if it is no crowd region and some of its box lies inside the image: the checks let
    boxes stick out by a pixel, and one may lie wholly in that. What the file states as `area`
    makes no difference.

    Args:
        rows: annotations of one image; None: all there are.
        size: height and width in px that this image is resized to; None: as it is.

    Returns:
        bool [n], and float32 [n, 4] xyxy px, cut off where the image ends.
    """
    if rows is None:
        owner = np.repeat(np.arange(len(index.image_id)), np.diff(index.first))
        rows = np.arange(len(index.bbox))
    else:
        owner = np.searchsorted(index.first, rows, side="right") - 1
    own = np.stack([index.width[owner], index.height[owner]], axis=1)  # [n, 2] px
    limits = own if size is None else np.broadcast_to((size[1], size[0]), own.shape)
    corners = index.bbox[rows, :2]
    xyxy = np.hstack([corners, corners + index.bbox[rows, 2:]]) * np.tile(limits / own, 2)
    boxes = xyxy.clip(0, np.tile(limits, 2)).astype(np.float32)
    return ~index.crowd[rows] & (boxes[:, 2:] > boxes[:, :2]).all(axis=1), boxes
