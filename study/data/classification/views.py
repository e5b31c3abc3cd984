"""Two random crops of each picture, by the transforms of the library `lightly`.

Those draw from the global generators of torch, numpy and Python. For each picture these are seeded
with (seed, number) and then put back, so that what is shown depends neither on the processes that
make it nor on where a training was interrupted.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from study.data.classification.crops import Box, decoded
from study.data.pixels import Scale
from study.data.splits.draws import Order
from study.randomness import Stream, seed

AREA = (0.25, 1.0)  # of a crop in its picture; 0.08 of ImageNet's photos leaves small data little
ASPECT = 4 / 3  # width / height at most: torchvision's default, which lightly keeps
BLUR = 2.0 / 224  # px per px of a side, at most


class Views(Dataset):
    """Number → two views uint8 [2, px, px, 3], or why there are none, of one picture.

    Numbers below `len(files)` are the first epoch; each epoch has an order of its own.
    """

    def __init__(
        self,
        files: list[Path],
        px: int,
        seed: int,
        scale: Scale | None = None,
        *,
        ordered: bool = False,
    ) -> None:
        from lightly.transforms.vicreg_transform import VICRegTransform

        self.files, self.px, self.seed, self.ordered = files, px, seed, ordered
        self.scale = scale
        self.order = Order(len(files))
        sigmas = (min(0.1, BLUR * px), BLUR * px)
        self.transform: Any = VICRegTransform(
            input_size=px, min_scale=AREA[0], sigmas=sigmas, normalize=None
        )

    def __getitem__(self, number: int) -> np.ndarray | str:
        file = self.files[number if self.ordered else self.order.at(number, self.seed)]
        try:
            image, _ = decoded(file, self.px, _smallest, self.scale)
        except ValueError as error:
            return str(error)  # raised in another process it would come with its traceback
        return self.of(image, number)

    def of(self, image: Image.Image, number: int) -> np.ndarray:
        """uint8 [2, px, px, 3] of an image in RGB."""
        with seeded(seed(Stream.AUGMENT, self.seed, number)):
            views = torch.stack(self.transform(image))  # float [2, 3, px, px], 0 … 1
        return (views * 255).round().byte().permute(0, 2, 3, 1).numpy()


def batches(
    views: Views, batch_size: int, iterations: range, workers: int | None = None
) -> Generator[np.ndarray, None, None]:
    """Views uint8 [2, B, px, px, 3] of each of the iterations, made ahead by `workers` processes,
    by default one for each core but the one that trains.

    Raises:
        ValueError: an image that cannot be read any more.
    """
    slots = [range(i * batch_size, (i + 1) * batch_size) for i in iterations]
    loader = DataLoader(
        views,
        batch_sampler=_Numbers(slots),
        num_workers=len(os.sched_getaffinity(0)) - 1 if workers is None else workers,
        collate_fn=_together,
        generator=torch.Generator(),  # or it would draw from the global one
    )
    yield from map(_sound, loader)


def held_out_batches(
    files: list[Path], px: int, batch_size: int, scale: Scale | None = None
) -> Iterator[np.ndarray]:
    """Two views of each file once, in their order and always the same; the last are fewer."""
    views = Views(files, px, 0, scale, ordered=True)
    for start in range(0, len(files), batch_size):
        numbers = range(start, min(start + batch_size, len(files)))
        yield _sound(_together([views[number] for number in numbers]))


@contextlib.contextmanager
def seeded(number: int) -> Iterator[None]:
    """The global generators of Python, numpy and torch (on the CPU) begin at a seed, and are
    afterwards as they were.
    """
    legacy = np.random.get_state()  # noqa: NPY002, here and below: lightly draws from it
    before = random.getstate(), legacy, torch.random.get_rng_state()
    random.seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002
    torch.default_generator.manual_seed(number)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.random.set_rng_state(before[2])


def _smallest(width: int, height: int) -> Box:
    """A crop as small as they come, which still has a pixel for each of a view's."""
    side = min(math.sqrt(AREA[0] * width * height / ASPECT), width, height)
    return 0, 0, side, side


class _Numbers:
    """Lists of numbers, one for each batch."""

    def __init__(self, slots: list[range]) -> None:
        self.slots = slots

    def __iter__(self) -> Iterator[list[int]]:
        return map(list, self.slots)

    def __len__(self) -> int:
        return len(self.slots)


def _together(made: list[np.ndarray | str]) -> np.ndarray | str:
    """[2, B, px, px, 3]; numpy's, because tensors would want shared memory, which containers have
    little of.
    """
    for one in made:
        if isinstance(one, str):
            return one
    return np.stack([one for one in made if not isinstance(one, str)], 1)


def _sound(batch: np.ndarray | str) -> np.ndarray:
    if isinstance(batch, str):
        raise ValueError(batch)
    return batch
