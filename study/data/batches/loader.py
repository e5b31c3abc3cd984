"""Iteration i's augmented batch as a pure function of (seed, i, slot).

No worker processes and no state: a resumed, forked or distributed run sees the same batches
because they are computed from the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from study.config import ModelConfig
from study.data.batches.decoded import canvas, decode
from study.data.batches.example import Example, cropped, example, flipped, wants_masks
from study.data.geometry import keypoints
from study.data.geometry.resize import resized
from study.data.index import Index
from study.data.splits.draws import Order
from study.randomness import Stream, generator


@dataclass(frozen=True)
class Batch:
    """b images on one canvas. Boxes, masks and sizes are in px of the network's input."""

    images: Tensor  # uint8 [b, 3, H, W], zero-padded to the right and below
    sizes: list[tuple[int, int]]  # height, width without padding
    image_ids: list[int]
    targets: list[dict[str, Tensor]] = field(default_factory=list)  # in training only: `_target`
    scales: list[tuple[float, float]] = field(default_factory=list)  # input / original, x and y
    original_sizes: list[tuple[int, int]] = field(default_factory=list)  # height, width


class Draw(NamedTuple):
    """What a slot of an iteration is to show, known before any pixel is read."""

    at: int  # in the order of the subset
    mirrored: bool
    size: tuple[int, int]  # height, width px, before any crop
    rng: np.random.Generator  # for what is drawn after this


class TrainingData:
    """The images of one subset, in the order drawn.

    Raises:
        ValueError: an image cannot be read, or the model has other keypoints than the index.
    """

    def __init__(self, index: Index, image_ids: np.ndarray, model: ModelConfig) -> None:
        keypoints.require_same(index, model)
        self.index = index
        self.image_ids = image_ids
        self.model = model
        self.order = Order(len(image_ids))
        self.mirror = keypoints.mirrored(index.keypoint_name.tolist())
        highest = model.train_short_px[1] if model.train_short_px else None
        self.images = decode(index, image_ids, model, highest)

    def batch(self, iteration: int, seed: int, batch_size: int, slots: range) -> Batch:
        """The examples of `slots` (of `batch_size`) in iteration `iteration`.

        The canvas holds the whole batch, so that it does not depend on how slots are shared out.
        """
        draws = [self._draw(iteration, seed, batch_size, slot) for slot in range(batch_size)]
        crop = self.model.crop_px
        space = (crop, crop) if crop else canvas(np.array([draw.size for draw in draws]))
        examples = [self._example(draws[slot]) for slot in slots]
        return Batch(
            images=_stack([e.image for e in examples], space),
            sizes=[e.image.shape[:2] for e in examples],
            image_ids=[int(self.image_ids[draws[slot].at]) for slot in slots],
            targets=[_target(e, space, self.model) for e in examples],
        )

    def _draw(self, iteration: int, seed: int, batch_size: int, slot: int) -> Draw:
        at = self.order.at(iteration * batch_size + slot, seed)
        rng = generator(Stream.AUGMENT, seed, iteration, slot)
        mirrored = bool(rng.random() < 0.5)
        size = self.images.size(at)
        if span := self.model.train_short_px:
            place = self.index.position(int(self.image_ids[at]))
            height, width = int(self.index.height[place]), int(self.index.width[place])
            short = int(rng.integers(span[0], span[1] + 1))
            size = tuple(resized(height, width, self.model, short).tolist())
        return Draw(at, mirrored, size, rng)

    def _example(self, draw: Draw) -> Example:
        found = self.plain(draw.at, draw.size)
        if draw.mirrored:
            found = flipped(found, self.mirror)
        if self.model.crop_px:
            found = cropped(found, self.model.crop_px, draw.rng)
        return found

    def plain(self, at: int, size: tuple[int, int] | None = None) -> Example:
        """The image at that place of the order, not augmented, of `size` height, width px."""
        size = size or self.images.size(at)
        return example(self.index, int(self.image_ids[at]), self.images[at], size, self.model)


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
    space = canvas(images.sizes)
    own = range(rank, len(image_ids), workers)
    for start in range(0, len(own), batch_size):
        chosen = own[start : start + batch_size]
        places = [index.position(int(image_ids[at])) for at in chosen]
        sizes = [images.size(at) for at in chosen]
        originals = [(int(index.height[at]), int(index.width[at])) for at in places]
        yield Batch(
            images=_stack([images[at] for at in chosen], space),
            sizes=sizes,
            image_ids=[int(image_ids[at]) for at in chosen],
            scales=[
                (size[1] / original[1], size[0] / original[0])
                for size, original in zip(sizes, originals, strict=True)
            ],
            original_sizes=originals,
        )


def _stack(images: list[np.ndarray], space: tuple[int, int]) -> Tensor:
    """uint8 [b, 3, H, W] from images [h, w, 3]."""
    stacked = np.zeros((len(images), 3, *space), np.uint8)
    for to, image in zip(stacked, images, strict=True):
        to[:, : image.shape[0], : image.shape[1]] = image.transpose(2, 0, 1)
    return torch.from_numpy(stacked)


def _target(found: Example, space: tuple[int, int], model: ModelConfig) -> dict[str, Tensor]:
    """What the detector is trained on, named as in `Detector.forward`."""
    target = {"boxes": found.boxes, "labels": found.labels}
    if wants_masks(model):
        assert found.masks is not None
        target["masks"] = np.zeros((len(found.masks), *space), np.uint8)
        target["masks"][:, : found.image.shape[0], : found.image.shape[1]] = found.masks
    if found.polygons is not None:
        target["polygons"] = found.polygons.points.astype(np.float32)
        target["polygon_sizes"] = found.polygons.sizes
        target["polygon_owner"] = found.polygons.owner
    if found.keypoints is not None:
        target["keypoints"] = found.keypoints.astype(np.float32)
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in target.items()}
