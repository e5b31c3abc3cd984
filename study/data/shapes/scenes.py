"""The embedded data: textured shapes on textured ground, drawn from a seed.

It is a real data set to the rest of the code: COCO-format files with masks, boxes and keypoints
(`study.data.formats.shapes`). It is hard on purpose in the ways that real images are: objects
differ in colour, texture, size, rotation and aspect from one to the next, hide one another, and
lie among clutter of no class. `classification` draws single shapes and plays ImageNet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.config.checks.require import finite, require, whole
from study.data.shapes.canvas import Canvas, Keypoints, Mask
from study.data.shapes.outlines import SHAPES, TEXTURES

VERSION = 2  # to be raised when the same parameters begin to give other images or annotations

KEYPOINTS = ("centre", "top", "bottom")
"""Extremes in the image's own frame: a horizontal flip moves them and swaps none."""

_DETECTION, _CLASSIFICATION = 0, 1  # random streams

LEAST_PX, MOST_PX = 16, 4_096  # of a side: at the most an image takes 3 GB while it is drawn
MOST_OBJECTS = 100
LEAST_RADIUS, MOST_RADIUS = 6.0, 48.0  # below that, objects are too small to be seen as one
MOST_ASPECT = 16.0


@dataclass(frozen=True, kw_only=True)
class ShapesConfig:
    """What is drawn. Lengths are in pixels of a 96 px image and grow with the shorter side."""

    height: int = 96
    width: int = 96
    aspect: tuple[float, float] | None = None  # longer side : shorter, drawn; None: as above
    classes: int = 8  # up to 12: the outline; up to 144: texture and elongation too
    max_objects: int = 5
    radius: tuple[float, float] = (9.0, 22.0)
    noise: float = 0.06  # standard deviation; colours are 0..1
    contrast: float = 0.12  # between an object's mean colour and the ground's

    def __post_init__(self) -> None:
        whole("height", self.height, LEAST_PX, MOST_PX, " px")
        whole("width", self.width, LEAST_PX, MOST_PX, " px")
        whole(
            "classes", self.classes, 1, 2 * len(SHAPES) * len(TEXTURES), " that can be told apart"
        )
        whole("max_objects", self.max_objects, 1, MOST_OBJECTS)
        _range("radius", self.radius, LEAST_RADIUS, MOST_RADIUS, " px of 96")
        for name, value in (("noise", self.noise), ("contrast", self.contrast)):
            finite(name, value, "a number from 0 to 1")
            require(0 <= value <= 1, name, value, "a number from 0 to 1")
        if self.aspect is not None:
            _range("aspect", self.aspect, 1.0, MOST_ASPECT)
            longest = min(self.height, self.width) * self.aspect[1]
            rule = f"makes sides of {longest:,.0f} px, and they have {MOST_PX:,} at most"
            require(longest <= MOST_PX, "aspect", self.aspect, rule)

    def drawn(self, rng: np.random.Generator) -> ShapesConfig:
        """With the height and width of one image: portraits and landscapes are as frequent."""
        if self.aspect is None:
            return self
        short = min(self.height, self.width)
        long = round(short * float(np.exp(rng.uniform(*np.log(self.aspect)))))
        height, width = (short, long) if rng.random() < 0.5 else (long, short)
        return replace(self, height=height, width=width, aspect=None)

    @property
    def scale(self) -> float:
        return min(self.height, self.width) / 96

    @property
    def class_names(self) -> list[str]:
        """`circle`, …; of more than 12 classes `striped circle`, …, `long striped circle`."""
        if self.classes <= len(SHAPES):
            return list(SHAPES[: self.classes])
        names = [f"{texture} {shape}" for texture in TEXTURES for shape in SHAPES]
        return [*names, *(f"long {name}" for name in names)][: self.classes]


def _range(name: str, value: tuple[float, float], low: float, high: float, of: str = "") -> None:
    """Raise ValueError unless they are two numbers in order, from `low` to `high`."""
    rule = f"a lowest and a highest number, from {low:g} to {high:g}{of}"
    require(isinstance(value, tuple) and len(value) == 2, name, value, rule)
    for one in value:
        ok = isinstance(one, float | int) and not isinstance(one, bool)
        require(ok and low <= one <= high, name, value, rule)
    require(value[0] <= value[1], name, value, rule)


class Object(NamedTuple):
    """One shape in an image; `mask` is what is seen of it."""

    label: int  # 0..classes-1
    x: float
    y: float
    radius: float
    mask: Mask
    keypoints: Keypoints


class Scene(NamedTuple):
    """One image and its objects, back to front."""

    image: NDArray[np.uint8]  # [h, w, 3]
    objects: list[Object]


def scenes(config: ShapesConfig, count: int, seed: int) -> Iterator[Scene]:
    """`count` images with at least one object each; a smaller count gives the first of them."""
    index = made = 0
    while made < count:
        scene = _scene(config, np.random.default_rng((seed, index, _DETECTION)))
        index += 1
        if scene.objects:
            made += 1
            yield scene


def classification(
    count: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """The pretext set: one of 12 shapes with one of 6 textures in each 48 px image.

    Returns:
        images uint8 [count, 48, 48, 3], shape int64 [count], texture int64 [count].
    """
    images = np.empty((count, 48, 48, 3), np.uint8)
    shape, texture = np.empty(count, np.int64), np.empty(count, np.int64)
    for i in range(count):
        rng = np.random.default_rng((seed, i, _CLASSIFICATION))
        canvas = Canvas(48, 48, 1.0, rng)
        canvas.clutter(int(rng.integers(0, 3)))
        shape[i], texture[i] = rng.integers(len(SHAPES)), rng.integers(len(TEXTURES))
        radius = float(rng.uniform(9, 22))
        x, y = rng.uniform(24 - 5, 24 + 5, 2)
        canvas.put(int(shape[i]), int(texture[i]), x, y, (radius, radius), contrast=0.2)
        images[i] = canvas.finish(noise=0.06)
    return images, shape, texture


def _scene(config: ShapesConfig, rng: np.random.Generator) -> Scene:
    config = config.drawn(rng)
    canvas = Canvas(config.height, config.width, config.scale, rng)
    canvas.clutter(int(rng.integers(1, 5)))
    objects: list[Object] = []
    for _ in range(int(rng.integers(1, config.max_objects + 1))):
        radius = float(rng.uniform(*config.radius)) * config.scale
        label, texture = int(rng.integers(config.classes)), int(rng.integers(len(TEXTURES)))
        place = _free_place(config, radius, objects, rng)
        if place is None:
            continue
        kind, shape = divmod(label, len(SHAPES))
        radii = (radius, radius)
        if config.classes > len(SHAPES):
            long, texture = divmod(kind, len(TEXTURES))
            radii = (radius * (1 + 0.3 * long), radius / (1 + 0.3 * long))
        mask, keypoints = canvas.put(shape, texture, *place, radii, config.contrast)
        for below in objects:
            _cover(below, mask)
        objects.append(Object(label, *place, radius, mask, keypoints))
    image = canvas.finish(config.noise)
    return Scene(image, [o for o in objects if o.mask.sum() >= 40 * config.scale**2])


def _free_place(
    config: ShapesConfig, radius: float, objects: list[Object], rng: np.random.Generator
) -> tuple[float, float] | None:
    """A centre whose circle overlaps the others' by a quarter at most; None after 8 attempts."""
    margin = 0.7 * radius  # objects may reach out of the image a little
    for _ in range(8):
        x = float(rng.uniform(margin, config.width - margin))
        y = float(rng.uniform(margin, config.height - margin))
        gaps = (np.hypot(x - o.x, y - o.y) - 0.75 * (radius + o.radius) for o in objects)
        if all(gap > 0 for gap in gaps):
            return x, y
    return None


def _cover(below: Object, mask: Mask) -> None:
    below.mask[mask] = False
    for point in below.keypoints:
        if point[2] and mask[int(point[1]), int(point[0])]:
            point[2] = 1
