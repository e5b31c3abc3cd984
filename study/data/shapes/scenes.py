"""The embedded data: textured shapes on textured ground, drawn from a seed.

It is a real data set to the rest of the code: COCO-format files with masks, boxes and keypoints
(`study.data.shapes.files`). It is hard on purpose in the ways that real images are: objects differ
in colour, texture, size, rotation and aspect from one to the next, hide one another, and lie
among clutter of no class. `classification` draws single shapes and plays ImageNet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.data.shapes.outlines import REACH, SHAPES, TEXTURES, blend, inside

VERSION = 2  # to be raised when the same parameters begin to give other images or annotations

Mask = NDArray[np.bool_]  # [h, w]
Keypoints = NDArray[np.float32]  # [3, 3]: x, y in px, visibility: 0 outside, 1 hidden, 2 seen
Colour = NDArray[np.float32]  # [3], 0..1

KEYPOINTS = ("centre", "top", "bottom")
"""Extremes in the image's own frame: a horizontal flip moves them and swaps none."""

_DETECTION, _CLASSIFICATION = 0, 1  # random streams


@dataclass(frozen=True, kw_only=True)
class ShapesConfig:
    """What is drawn. Lengths are in pixels of a 96 px image and grow with the shorter side."""

    height: int = 96
    width: int = 96
    classes: int = 8  # up to 12: the outline; up to 144: texture and elongation too
    max_objects: int = 5
    radius: tuple[float, float] = (9.0, 22.0)
    noise: float = 0.06  # standard deviation; colours are 0..1
    contrast: float = 0.12  # between an object's mean colour and the ground's

    def __post_init__(self) -> None:
        most = 2 * len(SHAPES) * len(TEXTURES)
        if not 1 <= self.classes <= most:
            raise ValueError(f"classes = {self.classes}: 1 to {most} can be told apart")

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
        canvas = _Canvas(48, 48, 1.0, rng)
        canvas.clutter(int(rng.integers(0, 3)))
        shape[i], texture[i] = rng.integers(len(SHAPES)), rng.integers(len(TEXTURES))
        radius = float(rng.uniform(9, 22))
        x, y = rng.uniform(24 - 5, 24 + 5, 2)
        canvas.put(int(shape[i]), int(texture[i]), x, y, (radius, radius), contrast=0.2)
        images[i] = canvas.finish(noise=0.06)
    return images, shape, texture


def _scene(config: ShapesConfig, rng: np.random.Generator) -> Scene:
    canvas = _Canvas(config.height, config.width, config.scale, rng)
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


class _Canvas:
    """An image in the making, in colours 0..1."""

    def __init__(self, height: int, width: int, scale: float, rng: np.random.Generator) -> None:
        self.rng, self.scale = rng, scale
        self.y, self.x = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
        colours = self._two_colours()
        angle, period = rng.uniform(0, np.pi), scale * rng.uniform(20, 60)
        u, v = _turned(self.x - width / 2, self.y - height / 2, angle)
        frequency = rng.uniform(3, 9)
        ground = blend(int(rng.integers(len(TEXTURES))), u / period, v / period, rng, frequency)
        ground = (0.5 + (ground - 0.5) * rng.uniform(0.2, 0.9))[..., None]
        fall_x, fall_y = rng.uniform(-0.25, 0.25, 2)  # of the light
        light = 1 + fall_x * (self.x / width - 0.5) + fall_y * (self.y / height - 0.5)
        self.pixels = (colours[0] * (1 - ground) + colours[1] * ground) * light[..., None]
        self.mean: Colour = colours.mean(0)

    def clutter(self, count: int) -> None:
        """Line segments and small blobs that belong to no class."""
        rng, scale = self.rng, self.scale
        height, width = self.x.shape
        for _ in range(count):
            colour = rng.random(3, np.float32)
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            if rng.random() < 0.5:
                along, across = _turned(self.x - x, self.y - y, rng.uniform(0, np.pi))
                half_width, half_length = scale * rng.uniform(0.7, 2.2), scale * rng.uniform(8, 30)
                mask = (abs(across) < half_width) & (abs(along) < half_length)
            else:
                radius, squeeze = scale * rng.uniform(2, 5), rng.uniform(0.5, 2)
                mask = (self.x - x) ** 2 + squeeze * (self.y - y) ** 2 < radius**2
            self.pixels[mask] = colour

    def put(
        self,
        shape: int,
        texture: int,
        x: float,
        y: float,
        radii: tuple[float, float],
        contrast: float,
    ) -> tuple[Mask, Keypoints]:
        """Draw a shape at random rotation, aspect and colours: its pixels and keypoints."""
        rng = self.rng
        angle, aspect = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(-0.22, 0.22))
        radius_u, radius_v = radii[0] * aspect, radii[1] / aspect
        reach = int(np.ceil(REACH * max(radius_u, radius_v))) + 1
        left, top = int(x) - reach, int(y) - reach  # a window, not clipped: keypoints need it all
        rows, columns = np.mgrid[0 : 2 * reach + 1, 0 : 2 * reach + 1].astype(np.float32) + 0.5
        u, v = _turned(columns + (left - x), rows + (top - y), angle)
        u, v = u / radius_u, v / radius_v
        whole = inside(shape, u, v)
        colours = self._two_colours(contrast)
        mix = blend(texture, u, v, rng, rng.uniform(5, 11))[..., None]

        height, width = self.x.shape
        above, before = max(0, -top), max(0, -left)
        window = np.s_[above : height - top, before : width - left]  # the part inside the image
        part = whole[window]
        target = np.s_[top + above :, left + before :]
        mask = np.zeros((height, width), bool)
        mask[target][: part.shape[0], : part.shape[1]] = part
        self.pixels[mask] = (colours[0] * (1 - mix) + colours[1] * mix)[window][part]
        return mask, _keypoints(whole, left, top, x, y, height, width)

    def finish(self, noise: float) -> NDArray[np.uint8]:
        """The image [h, w, 3] with noise of a random strength."""
        sigma = np.float32(noise * self.rng.uniform(0.3, 1.3))
        noisy = self.pixels + sigma * self.rng.standard_normal(self.pixels.shape, np.float32)
        return (np.clip(noisy, 0, 1) * 255).astype(np.uint8)

    def _two_colours(self, contrast: float | None = None) -> NDArray[np.float32]:
        """[2, 3]: unlike each other and, with a contrast, unlike the ground; at best effort."""
        colours = self.rng.random((2, 3), np.float32)
        for _ in range(19):
            apart = abs(colours[0] - colours[1]).mean() >= 0.12
            if apart and (contrast is None or abs(colours.mean(0) - self.mean).mean() >= contrast):
                break
            colours = self.rng.random((2, 3), np.float32)
        return colours


def _turned(
    x: NDArray[np.float32], y: NDArray[np.float32], angle: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    cos, sin = np.array([np.cos(angle), np.sin(angle)], np.float32)
    return x * cos + y * sin, y * cos - x * sin


def _keypoints(
    whole: Mask, left: int, top: int, x: float, y: float, height: int, width: int
) -> Keypoints:
    """Centre, highest and lowest pixel of the whole outline, those in the image as seen."""
    rows, columns = np.nonzero(whole)
    points = [(x, y)]
    for row in (rows[0], rows[-1]):  # the middle of the outline's first and last row
        points.append((left + columns[rows == row].mean() + 0.5, top + row + 0.5))
    keypoints = np.zeros((3, 3), np.float32)
    for i, (px, py) in enumerate(points):
        if 0 <= px < width and 0 <= py < height:
            keypoints[i] = px, py, 2
    return keypoints
