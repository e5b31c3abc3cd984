"""One image with its objects, and what augmentation makes of both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional as F

from study.config import ModelConfig
from study.data.geometry import keypoints
from study.data.geometry.boxes import learnable
from study.data.geometry.polygons import Polygons
from study.data.index import Index

MIN_VISIBLE_PX = 12  # of an instance's mask inside a crop


@dataclass(frozen=True)
class Example:
    """An image and its n objects, in px of the image as it is. None: nobody asks for them."""

    image: np.ndarray  # uint8 [h, w, 3]
    boxes: np.ndarray  # float32 [n, 4] xyxy
    labels: np.ndarray  # int64 [n] from 1
    masks: np.ndarray | None  # uint8 [n, h, w]
    polygons: Polygons | None
    keypoints: np.ndarray | None  # float64 [n, K, 3] x, y, visibility


def example(
    index: Index, image_id: int, decoded: np.ndarray, size: tuple[int, int], model: ModelConfig
) -> Example:
    """An image and its targets: the objects to learn from (`learnable`).

    Only what `model` is trained on is made, and the masks that a crop is judged by.

    Args:
        decoded: the image, uint8 [h, w, 3]; not changed, but what is made may be a view of it.
        size: height and width in px that it is to have; others are made by bilinear resizing.
    """
    height, width = size
    place = index.position(image_id)
    scale = np.array([width / index.width[place], height / index.height[place]])
    every = np.array(index.rows(image_id), np.int64)
    targets, boxes = learnable(index, every, size)
    rows, boxes = every[targets], boxes[targets]
    polygons = Polygons.of(map(index.polygons, rows.tolist())) if wants_polygons(model) else None
    points = keypoints.placed(index.keypoints[rows]) if model.keypoints else None
    return Example(
        image=_bilinear(decoded, height, width),
        boxes=boxes,
        labels=index.label[rows] + 1,
        masks=(
            nearest(index.masks(rows), height, width)
            if wants_masks(model) or model.crop_px
            else None
        ),
        polygons=None if polygons is None else polygons.scaled(scale),
        keypoints=None if points is None else points * (*scale, 1),
    )


def wants_masks(model: ModelConfig) -> bool:
    """Whether the mask head is trained on bit masks."""
    return model.masks and model.fidelity == "torchvision"


def wants_polygons(model: ModelConfig) -> bool:
    """Whether it is trained on polygons, rasterised inside each box."""
    return model.masks and model.fidelity == "detectron"


def flipped(example: Example, mirror: np.ndarray) -> Example:
    """The mirror image, left and right exchanged; `mirror` from `keypoints.mirrored`."""
    width = example.image.shape[1]
    left, top, right, bottom = example.boxes.T
    masks, polygons, points = example.masks, example.polygons, example.keypoints
    return Example(
        image=_planes(example.image).flip(-1).permute(1, 2, 0).numpy(),
        boxes=np.stack([width - right, top, width - left, bottom], axis=1),
        labels=example.labels,
        # a copy, as torch makes it: it would be made later, and by numpy in three times the time
        masks=None if masks is None else torch.from_numpy(masks).flip(-1).numpy(),
        polygons=None if polygons is None else polygons.flipped(width),
        keypoints=None if points is None else keypoints.flipped(points, width, mirror),
    )


def cropped(example: Example, side: int, rng: np.random.Generator) -> Example:
    """A random square of `side` px, less where the image ends; boxes fit what is left.

    An object stays if enough of its mask is seen, so that masks are needed.
    """
    assert example.masks is not None
    height, width = example.image.shape[:2]
    top = int(rng.integers(max(0, height - side) + 1))
    left = int(rng.integers(max(0, width - side) + 1))
    window = (slice(top, top + side), slice(left, left + side))
    image, masks = example.image[window], example.masks[:, *window]
    seen = masks.sum(axis=(1, 2), dtype=np.int64) >= MIN_VISIBLE_PX
    polygons, points = example.polygons, example.keypoints
    return replace(
        example,
        image=image,
        boxes=tight_boxes(masks[seen]),
        labels=example.labels[seen],
        masks=masks[seen],
        polygons=None if polygons is None else polygons.only(seen).cropped(top, left),
        keypoints=(
            None if points is None else keypoints.cropped(points[seen], top, left, image.shape[:2])
        ),
    )


def tight_boxes(masks: np.ndarray) -> np.ndarray:
    """float32 [n, 4] xyxy px around the set pixels of masks [n, h, w], none of them empty."""
    columns, lines = np.asarray(masks.any(axis=1)), np.asarray(masks.any(axis=2))
    edges = [
        columns.argmax(axis=1),
        lines.argmax(axis=1),
        masks.shape[2] - columns[:, ::-1].argmax(axis=1),
        masks.shape[1] - lines[:, ::-1].argmax(axis=1),
    ]
    return np.stack(edges, axis=1).astype(np.float32)


def nearest(masks: np.ndarray, height: int, width: int) -> np.ndarray:
    """Masks [n, h, w] at another size, by the nearest pixel.

    Whole columns are taken, then whole lines: pixel by pixel it would take four times as long.
    """
    if len(masks) == 0:
        return np.zeros((0, height, width), np.uint8)
    if masks.shape[1:] == (height, width):
        return masks
    lines = ((np.arange(height) + 0.5) * masks.shape[1] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * masks.shape[2] / width).astype(np.int64)
    by_columns = masks.transpose(0, 2, 1)  # as they lie in memory, fresh from run lengths
    wide = np.ascontiguousarray(by_columns.take(columns, axis=1).transpose(0, 2, 1))
    return wide.take(lines, axis=1)


def _bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """With PIL's filter: where an image is made smaller, all of its pixels count.

    torch has it in whole numbers too, to the same bits whatever the processor, in a third of the
    time. Of photographs five values in 100,000 differ from PIL's, by 1.
    """
    if image.shape[:2] == (height, width):
        return image
    found = F.interpolate(
        _planes(image)[None], size=(height, width), mode="bilinear", antialias=True
    )
    return found[0].permute(1, 2, 0).numpy()


def _planes(image: np.ndarray) -> torch.Tensor:
    """uint8 [3, h, w] from an image [h, w, 3], the same memory."""
    return torch.from_numpy(image.transpose(2, 0, 1))
