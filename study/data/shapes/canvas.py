"""An image of shapes in the making, and what is seen of each shape that is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from study.data.shapes.outlines import REACH, TEXTURES, blend, inside

Mask = NDArray[np.bool_]  # [h, w]
Keypoints = NDArray[np.float32]  # [3, 3]: x, y in px, visibility: 0 outside, 1 hidden, 2 seen
Colour = NDArray[np.float32]  # [3], 0..1


class Canvas:
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
    if not len(rows):  # in a small image a thin shape can lie between the middles of pixels
        return np.zeros((3, 3), np.float32)
    points = [(x, y)]
    for row in (rows[0], rows[-1]):  # the middle of the outline's first and last row
        points.append((left + columns[rows == row].mean() + 0.5, top + row + 0.5))
    keypoints = np.zeros((3, 3), np.float32)
    for i, (px, py) in enumerate(points):
        if 0 <= px < width and 0 <= py < height:
            keypoints[i] = px, py, 2
    return keypoints
