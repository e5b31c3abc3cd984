"""Images of any size as inputs: each on a canvas that follows from its own size and nothing else.

Padding reaches GroupNorm's statistics. On a canvas that holds a whole batch, what an image is
worth would depend on which others stand beside it; on its own it does not. A canvas is a multiple
of the coarsest stride, so that every map divides it exactly, and an anchor lies where it should.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from study.models.transfer import sent

Size = tuple[int, int]
"""Height and width, px."""


class Group(NamedTuple):
    """Images of a batch that have the same canvas."""

    images: list[int]  # their places in the batch
    inputs: Tensor  # [b, 3, H, W], normalised; 0 where there is no image


class MapsOf(NamedTuple):
    """The feature maps of a group's images: [b, C, h, w] by name, the finest first."""

    images: list[int]
    features: dict[str, Tensor]


Maps = list[MapsOf]
"""Of a whole batch, group after group."""


def sizes(images: Sequence[Tensor]) -> list[Size]:
    """Of images [3, h, w]."""
    return [(image.shape[-2], image.shape[-1]) for image in images]


def covering(sizes: Sequence[Size]) -> Size:
    """The smallest size that holds images of all `sizes`."""
    heights, widths = zip(*sizes, strict=True)
    return max(heights), max(widths)


def canvas(size: Size, stride: int) -> Size:
    """The smallest multiple of `stride` px that holds an image of that size."""
    height, width = size
    return stride * -(-height // stride), stride * -(-width // stride)


def groups(
    images: Sequence[Tensor], stride: int, mean: Tensor, std: Tensor, space: Size | None = None
) -> list[Group]:
    """The images by canvas, normalised first and then padded: the padding is of the mean's colour.

    Args:
        images: uint8 [3, h, w], each of its own size.
        stride: of the coarsest map, px.
        mean: of each channel [1, 3, 1, 1], subtracted from 0 to 255.
        std: of each channel [1, 3, 1, 1], divided by.
        space: a size that all canvases are to hold, whatever their images; None: their own.
    """
    members: dict[Size, list[int]] = {}
    for at, size in enumerate(sizes(images)):
        members.setdefault(canvas(space or size, stride), []).append(at)
    return [
        Group(own, _inputs([images[at] for at in own], shape, mean, std))
        for shape, own in members.items()
    ]


def _inputs(images: list[Tensor], shape: Size, mean: Tensor, std: Tensor) -> Tensor:
    if all(size == shape for size in sizes(images)):
        return (sent(torch.stack(images), mean.device, mean.dtype) - mean) / std
    inputs = mean.new_zeros(len(images), 3, *shape)
    for to, image in zip(inputs, images, strict=True):
        pixels = sent(image, mean.device, mean.dtype)
        to[:, : image.shape[1], : image.shape[2]] = (pixels - mean[0]) / std[0]
    return inputs
