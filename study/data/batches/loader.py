"""Iteration i's augmented batch as a pure function of (seed, i, slot).

No worker processes and no state: a resumed, forked or distributed run sees the same batches
because they are computed from the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from study.config import ModelConfig
from study.data.batches.decoded import Decoded, decode
from study.data.batches.example import Example, cropped, example, flipped, wants_masks
from study.data.geometry import keypoints
from study.data.geometry.resize import resized
from study.data.index import Index
from study.data.splits.draws import Order
from study.randomness import Stream, generator


@dataclass(frozen=True)
class Batch:
    """b images, each of its own size. Boxes and masks are in px of the network's input."""

    images: list[Tensor]  # uint8 [3, h, w]
    image_ids: list[int]
    targets: list[dict[str, Tensor]] = field(default_factory=list)  # in training only: `_target`
    space: tuple[int, int] | None = None  # height, width that hold the images of all workers
    scales: list[tuple[float, float]] = field(default_factory=list)  # input / original, x and y
    original_sizes: list[tuple[int, int]] = field(default_factory=list)  # height, width

    def pinned(self) -> Batch:
        """In memory from which a GPU copies by itself."""
        return self._each(torch.Tensor.pin_memory)

    def to(self, device: torch.device) -> Batch:
        """On that device, which may still be copying; polygons stay where they are drawn."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return replace(
            self,
            images=[change(image) for image in self.images],
            targets=[
                {
                    name: value if name.startswith("polygon") else change(value)
                    for name, value in target.items()
                }
                for target in self.targets
            ],
        )


class Draw(NamedTuple):
    """What a slot of an iteration is to show, known before any pixel is read."""

    at: int  # in the order of the subset
    mirrored: bool
    size: tuple[int, int]  # height, width px, before any crop
    rng: np.random.Generator  # for what is drawn after this


class TrainingData:
    """The images of one subset, in the order drawn. They are decoded at each use until stored.

    Raises:
        ValueError: the model has other keypoints than the index.
    """

    def __init__(self, index: Index, image_ids: np.ndarray, model: ModelConfig) -> None:
        keypoints.require_same(index, model)
        self.index = index
        self.image_ids = image_ids
        self.model = model
        self.order = Order(len(image_ids))
        self.mirror = keypoints.mirrored(index.keypoint_name.tolist())
        low, high = model.train_short_px or (model.short_px, model.short_px)
        # to be resized once, and not to a size from which others are made
        as_shown = replace(model, short_px=low) if low == high else None
        self.images = Decoded(index, image_ids, as_shown)

    def store(self) -> None:
        """Have all images in the cache from now on; see `Decoded.store`."""
        self.images.store()

    def store_shown(self, iterations: Iterable[int], seed: int, batch_size: int) -> None:
        """The same for the images of some iterations alone."""
        places = [range(i * batch_size, (i + 1) * batch_size) for i in iterations]
        self.images.store(self.order.at(k, seed) for own in places for k in own)

    def batch(self, iteration: int, seed: int, batch_size: int, slots: range) -> Batch:
        """The examples of `slots` (of `batch_size`) in iteration `iteration`."""
        draws = [self._draw(iteration, seed, batch_size, slot) for slot in range(batch_size)]
        crop = self.model.crop_px
        heights, widths = zip(*(draw.size for draw in draws), strict=True)
        examples = [self._example(draws[slot]) for slot in slots]
        return Batch(
            images=[_tensor(e.image) for e in examples],
            image_ids=[int(self.image_ids[draws[slot].at]) for slot in slots],
            targets=[_target(e, self.model) for e in examples],
            space=(crop, crop) if crop else (max(heights), max(widths)),
        )

    def _draw(self, iteration: int, seed: int, batch_size: int, slot: int) -> Draw:
        at = self.order.at(iteration * batch_size + slot, seed)
        rng = generator(Stream.AUGMENT, seed, iteration, slot)
        mirrored = bool(rng.random() < 0.5)
        size = self.images.size(at)
        if span := self.model.train_short_px:
            place = self.images.places[at]
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
    models: Sequence[ModelConfig],
    batch_size: int,
    rank: int = 0,
    workers: int = 1,
) -> Iterator[tuple[Batch, ...]]:
    """Every `workers`-th image from `rank` on, without augmentation, as each of `models` sees it.

    Images of like shape come together, so that many share a canvas; in a tuple are the same ones.
    """
    decoded = [decode(index, image_ids, model) for model in models]
    own = np.arange(rank, len(image_ids), workers)
    shapes = decoded[0].sizes[own]
    own = own[np.lexsort((own, shapes[:, 1], shapes[:, 0]))]
    for start in range(0, len(own), batch_size):
        chosen = own[start : start + batch_size].tolist()
        yield tuple(_evaluated(index, image_ids, images, chosen) for images in decoded)


def _evaluated(index: Index, image_ids: np.ndarray, images: Decoded, chosen: list[int]) -> Batch:
    places = [index.position(int(image_ids[at])) for at in chosen]
    originals = [(int(index.height[at]), int(index.width[at])) for at in places]
    sizes = [images.size(at) for at in chosen]
    return Batch(
        images=[_tensor(images[at]) for at in chosen],
        image_ids=[int(image_ids[at]) for at in chosen],
        scales=[
            (size[1] / original[1], size[0] / original[0])
            for size, original in zip(sizes, originals, strict=True)
        ],
        original_sizes=originals,
    )


def _tensor(image: np.ndarray) -> Tensor:
    """uint8 [3, h, w] from an image [h, w, 3]."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def _target(found: Example, model: ModelConfig) -> dict[str, Tensor]:
    """What the detector is trained on, named as in `Detector.forward`."""
    target = {"boxes": found.boxes, "labels": found.labels}
    if wants_masks(model):
        assert found.masks is not None
        target["masks"] = found.masks
    if found.polygons is not None:
        target["polygons"] = found.polygons.points.astype(np.float32)
        target["polygon_sizes"] = found.polygons.sizes
        target["polygon_owner"] = found.polygons.owner
    if found.keypoints is not None:
        target["keypoints"] = found.keypoints.astype(np.float32)
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in target.items()}
