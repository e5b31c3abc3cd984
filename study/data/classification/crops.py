"""A square crop of an image file: at random to train on, the middle of it to be judged by."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from study.data.pixels import Scale, opened, rgb

CROP_AREA = (0.25, 1.0)  # of the image; ImageNet's usual 0.08 cuts small data's objects away
CROP_ASPECT = 4 / 3  # width / height at most, and its inverse at least (Szegedy et al. 2015)
CENTRE = 0.875  # of the shorter side: what is looked at of an image held out

Box = tuple[float, float, float, float]  # left, top, right, bottom in px of the file


def random_box(width: int, height: int, rng: np.random.Generator) -> Box:
    """A crop of random area, aspect and place, as far as the image has room for it."""
    area = width * height * rng.uniform(*CROP_AREA)
    aspect = math.exp(math.log(CROP_ASPECT) * rng.uniform(-1, 1))
    w, h = min(width, math.sqrt(area * aspect)), min(height, math.sqrt(area / aspect))
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return left, top, left + w, top + h


def centre_box(width: int, height: int) -> Box:
    """The square in the middle."""
    side = CENTRE * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def decoded(
    file: Path, px: int, box: Callable[[int, int], Box], scale: Scale | None = None
) -> tuple[Image.Image, Box]:
    """An image of any mode in RGB, and in it the box that fits its width and height. It may be
    smaller than the file, while the box keeps `px` pixels a side.

    Raises:
        ValueError: not an image, or cut off, or not of the pixels that `scale` is for; names the
            file.
    """
    with opened(file) as image:
        width, height = image.size
        left, top, right, bottom = box(width, height)
        # a JPEG can be decoded at a fraction of its size, which saves most of the time
        shrink = min((right - left) / px, (bottom - top) / px)
        image.draft("RGB", (math.ceil(width / shrink), math.ceil(height / shrink)))
        x, y = image.width / width, image.height / height
        inside = (left * x, top * y, right * x, bottom * y)
        found = rgb(image, scale, file)
    return found, (*inside[:2], min(inside[2], found.width), min(inside[3], found.height))


def cropped(
    file: Path, px: int, box: Callable[[int, int], Box], scale: Scale | None = None
) -> np.ndarray:
    """uint8 [px, px, 3]: of an image of any mode, the box that fits its width and height.

    Raises:
        ValueError: as `decoded`.
    """
    found, inside = decoded(file, px, box, scale)
    return np.asarray(found.resize((px, px), Image.Resampling.BILINEAR, box=inside))
