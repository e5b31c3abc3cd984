"""Areas of objects whose file does not state them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from hotcoco import mask as rle

from study.data.geometry.run_lengths import rasterised


def complete(
    area: np.ndarray, bbox: np.ndarray, masks: Mapping[str, np.ndarray], size: np.ndarray
) -> np.ndarray:
    """The areas, where they are NaN the number of pixels of the mask, or the box's area.

    The box's too where the mask is too thin to have a pixel.

    Args:
        area: float64 [A] px².
        bbox: float64 [A, 4] xywh px.
        masks: the columns of masks and polygons, as in `Index`.
        size: [A, 2] height and width px of the image.
    """
    found = area.copy()
    for row in np.flatnonzero(np.isnan(area)).tolist():
        height, width = size[row].tolist()
        counts = _counts(masks, row, height, width)
        pixels = rle.area({"size": [height, width], "counts": counts}) if counts else 0
        found[row] = float(pixels) or bbox[row, 2] * bbox[row, 3]
    return found


def _counts(masks: Mapping[str, np.ndarray], row: int, height: int, width: int) -> bytes:
    """Compressed run lengths of a mask; empty where there is none."""
    start, stop = masks["rle_first"][row : row + 2].tolist()
    if start < stop:
        return masks["rle"][start:stop].tobytes()
    first, last = masks["rings_first"][row : row + 2].tolist()
    bounds = masks["ring_first"][first : last + 1].tolist()
    rings = [
        masks["point"][begin:end].ravel().tolist() for begin, end in itertools.pairwise(bounds)
    ]
    return rasterised(rings, height, width) if rings else b""
