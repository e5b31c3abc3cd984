"""Keypoints of an image's objects: how they are read, and how they follow the picture.

A keypoint is x, y in px and COCO's visibility: 0 not labelled, 1 labelled and hidden, 2 seen. One
that is not labelled has no place; its x and y are 0.

Files count pixels: x = 0 is the first column, whereas boxes and polygons are measured from the
image's edge, where that column's middle is 0.5. Training and the network know the second kind
alone (`placed`), results and the metric the first (`study.training.evaluation.detections`).
Otherwise a mirrored keypoint would be a pixel beside its place, and a scaled one up to half a
pixel of the larger image. detectron2 reads and writes COCO's keypoints so too
(`data/datasets/coco.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from study.config import ModelConfig
from study.data.index import Index


def require_same(index: Index, model: ModelConfig) -> None:
    """Raises ValueError if the model has a keypoint head for another number of keypoints."""
    names = index.keypoint_name.tolist()
    if model.keypoints not in (0, len(names)):
        raise ValueError(
            f"model.keypoints = {model.keypoints}: {index.path} has {len(names)} per object"
            f" ({', '.join(names) or 'its categories name none'}): give their number, or 0 for no"
            " keypoint head"
        )


def mirrored(names: Sequence[str]) -> np.ndarray:
    """int64 [K]: what each keypoint is in the mirror image; `left_ear` becomes `right_ear`.

    Names that do not begin with `left_` or `right_`, or lack the other one, stay what they are.
    """
    place = {name: at for at, name in enumerate(names)}
    sides = {"left": "right", "right": "left"}
    found = []
    for at, name in enumerate(names):
        side, _, rest = name.partition("_")
        found.append(place.get(f"{sides[side]}_{rest}", at) if side in sides else at)
    return np.array(found, np.int64)


MIDDLE = 0.5  # px from a pixel's edge to its middle


def placed(keypoints: np.ndarray) -> np.ndarray:
    """Those of a file [..., 3], which count pixels, measured from the image's edge."""
    return labelled(keypoints + np.array([MIDDLE, MIDDLE, 0]))


def labelled(keypoints: np.ndarray) -> np.ndarray:
    """The same [..., 3] with zeros for all that is not labelled."""
    return np.where(keypoints[..., 2:] > 0, keypoints, 0)


def flipped(keypoints: np.ndarray, width: int, mirror: np.ndarray) -> np.ndarray:
    """Keypoints [n, K, 3] on the mirror image, `width` px wide; `mirror` from `mirrored`."""
    return labelled(keypoints * (-1, 1, 1) + (width, 0, 0))[:, mirror]


def cropped(keypoints: np.ndarray, top: int, left: int, size: tuple[int, int]) -> np.ndarray:
    """Keypoints [n, K, 3] on the part of the image from (left, top) on, `size` height, width px.

    Those outside it are not labelled any more.
    """
    moved = keypoints - (left, top, 0)
    x, y, _ = np.moveaxis(moved, -1, 0)
    inside = (x >= 0) & (x <= size[1]) & (y >= 0) & (y <= size[0])
    return labelled(moved * inside[..., None])
