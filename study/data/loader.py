"""Iteration i's augmented batch as a pure function of (seed, i, slot).

No worker processes and no state: a resumed, forked or distributed run sees the same batches
because they are computed from the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from study.config import ModelConfig
from study.data.decoded import decode
from study.data.index import Index
from study.randomness import Stream, generator

MIN_VISIBLE_PX = 12  # of an instance's mask inside a crop


@dataclass(frozen=True)
class Batch:
    """b images on one canvas. Boxes, masks and sizes are in px of the network's input."""

    images: Tensor  # uint8 [b, 3, H, W], zero-padded to the right and below
    sizes: list[tuple[int, int]]  # height, width without padding
    image_ids: list[int]
    targets: list[dict[str, Tensor]] = field(default_factory=list)  # in training only
    scales: list[tuple[float, float]] = field(default_factory=list)  # input / original, x and y
    original_sizes: list[tuple[int, int]] = field(default_factory=list)  # height, width


@dataclass(frozen=True)
class Example:
    """An image [h, w, 3], boxes [n, 4] xyxy px, labels [n] from 1, masks [n, h, w]; uint8."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray


class TrainingData:
    """The images of one subset, in the order drawn."""

    def __init__(self, index: Index, image_ids: np.ndarray, model: ModelConfig) -> None:
        self.index = index
        self.image_ids = image_ids
        self.model = model
        self.images = decode(index, image_ids, model)

    def batch(self, iteration: int, seed: int, batch_size: int, slots: range) -> Batch:
        """The examples of `slots` (of `batch_size`) in iteration `iteration`.

        The canvas holds the whole batch, so that it does not depend on how slots are shared out.
        """
        first = iteration * batch_size
        chosen = np.array([self._at(first + slot, seed) for slot in range(batch_size)])
        crop = self.model.crop_px
        canvas = (crop, crop) if crop else self.images.canvas(chosen)
        examples = [
            self._example(int(chosen[slot]), generator(Stream.AUGMENT, seed, iteration, slot))
            for slot in slots
        ]
        return Batch(
            images=_stack([e.image for e in examples], canvas),
            sizes=[e.image.shape[:2] for e in examples],
            image_ids=[int(self.image_ids[chosen[slot]]) for slot in slots],
            targets=[_target(e, canvas) for e in examples],
        )

    def _at(self, k: int, seed: int) -> int:
        """The k-th image of all epochs: each epoch is a permutation of its own."""
        epoch, place = divmod(k, len(self.image_ids))
        return int(self._order(seed, epoch)[place])

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        key = (seed, epoch)
        if getattr(self, "_ordered", None) != key:
            self._ordered = key
            self._permutation = generator(Stream.ORDER, *key).permutation(len(self.image_ids))
        return self._permutation

    def _example(self, at: int, rng: np.random.Generator) -> Example:
        example = self._plain(at)
        if rng.random() < 0.5:
            example = flipped(example)
        if self.model.crop_px:
            example = cropped(example, self.model.crop_px, rng)
        return example

    def _plain(self, at: int) -> Example:
        """Image and targets; crowd regions and boxes without area are not targets."""
        index, image = self.index, self.images[at]
        image_id = int(self.image_ids[at])
        boxes = index.bbox
        rows = [
            row
            for row in index.rows(image_id)
            if not index.crowd[row] and boxes[row, 2] > 0 and boxes[row, 3] > 0
        ]
        height, width = image.shape[:2]
        place = index.position(image_id)
        scale = np.array([width / index.width[place], height / index.height[place]])
        corners = boxes[rows, :2]
        xyxy = np.hstack([corners, corners + boxes[rows, 2:]]) * np.tile(scale, 2)
        return Example(
            image=image,
            boxes=xyxy.clip(0, [width, height, width, height]).astype(np.float32),
            labels=index.label[rows] + 1,
            masks=_nearest(index.masks(rows), height, width),
        )


def flipped(example: Example) -> Example:
    """The mirror image, left and right exchanged."""
    width = example.image.shape[1]
    left, top, right, bottom = example.boxes.T
    return Example(
        image=example.image[:, ::-1],
        boxes=np.stack([width - right, top, width - left, bottom], axis=1),
        labels=example.labels,
        masks=example.masks[:, :, ::-1],
    )


def cropped(example: Example, side: int, rng: np.random.Generator) -> Example:
    """A random square of `side` px, less where the image ends; boxes fit what is left."""
    height, width = example.image.shape[:2]
    top = int(rng.integers(max(0, height - side) + 1))
    left = int(rng.integers(max(0, width - side) + 1))
    window = (slice(top, top + side), slice(left, left + side))
    masks = example.masks[:, *window]
    seen = masks.sum(axis=(1, 2), dtype=np.int64) >= MIN_VISIBLE_PX
    masks = masks[seen]
    return Example(
        image=example.image[window],
        boxes=tight_boxes(masks),
        labels=example.labels[seen],
        masks=masks,
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


def evaluation_batches(
    index: Index,
    image_ids: np.ndarray,
    model: ModelConfig,
    batch_size: int,
    rank: int = 0,
    workers: int = 1,
) -> Iterator[Batch]:
    """Every `workers`-th image from `rank` on, without augmentation, all on one canvas.

    The canvas holds all of `image_ids`: normalisation sees the padding, and a detection must not
    depend on which images share its batch or its worker.
    """
    images = decode(index, image_ids, model)
    canvas = images.canvas()
    own = range(rank, len(image_ids), workers)
    for start in range(0, len(own), batch_size):
        chosen = own[start : start + batch_size]
        places = [index.position(int(image_ids[at])) for at in chosen]
        sizes = [tuple(images.sizes[at].tolist()) for at in chosen]
        originals = [(int(index.height[at]), int(index.width[at])) for at in places]
        yield Batch(
            images=_stack([images[at] for at in chosen], canvas),
            sizes=sizes,
            image_ids=[int(image_ids[at]) for at in chosen],
            scales=[
                (size[1] / original[1], size[0] / original[0])
                for size, original in zip(sizes, originals, strict=True)
            ],
            original_sizes=originals,
        )


def _stack(images: list[np.ndarray], canvas: tuple[int, int]) -> Tensor:
    """uint8 [b, 3, H, W] from images [h, w, 3]."""
    stacked = np.zeros((len(images), 3, *canvas), np.uint8)
    for to, image in zip(stacked, images, strict=True):
        to[:, : image.shape[0], : image.shape[1]] = image.transpose(2, 0, 1)
    return torch.from_numpy(stacked)


def _target(example: Example, canvas: tuple[int, int]) -> dict[str, Tensor]:
    masks = np.zeros((len(example.masks), *canvas), np.uint8)
    masks[:, : example.image.shape[0], : example.image.shape[1]] = example.masks
    return {
        "boxes": torch.from_numpy(np.ascontiguousarray(example.boxes)),
        "labels": torch.from_numpy(np.ascontiguousarray(example.labels)),
        "masks": torch.from_numpy(masks),
    }


def _nearest(masks: np.ndarray, height: int, width: int) -> np.ndarray:
    """Masks [n, h, w] at another size, by the nearest pixel."""
    if len(masks) == 0:
        return np.zeros((0, height, width), np.uint8)
    if masks.shape[1:] == (height, width):
        return masks
    lines = ((np.arange(height) + 0.5) * masks.shape[1] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * masks.shape[2] / width).astype(np.int64)
    return masks[:, lines[:, None], columns]
