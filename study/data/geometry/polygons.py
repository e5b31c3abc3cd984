"""The outlines of an image's objects, all in one array, and how they follow the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Polygons:
    """R closed rings of p_r points each; what is inside any ring of an object belongs to it.

    Points may lie outside the image: a crop moves them and cuts none off.
    """

    points: np.ndarray  # float64 [sum of p_r, 2] x, y px, ring after ring
    sizes: np.ndarray  # int64 [R]: p_r
    owner: np.ndarray  # int64 [R], ascending: the object 0 … n - 1 of each ring

    @classmethod
    def of(cls, objects: Iterable[list[np.ndarray]]) -> Polygons:
        """From each object's rings [p, 2]."""
        owned = [(owner, ring) for owner, rings in enumerate(objects) for ring in rings]
        rings = [ring.astype(np.float64) for _, ring in owned]
        return cls(
            points=np.concatenate([np.zeros((0, 2)), *rings]),
            sizes=np.array([len(ring) for ring in rings], np.int64),
            owner=np.array([owner for owner, _ in owned], np.int64),
        )

    def scaled(self, scale: np.ndarray) -> Polygons:
        """On an image `scale` [2] (x, y) times as large."""
        return replace(self, points=self.points * scale)

    def flipped(self, width: int) -> Polygons:
        """On the mirror image, `width` px wide."""
        return replace(self, points=self.points * (-1, 1) + (width, 0))

    def cropped(self, top: int, left: int) -> Polygons:
        """On the part of the image from (left, top) on."""
        return replace(self, points=self.points - (left, top))

    def only(self, kept: np.ndarray) -> Polygons:
        """Of the objects for which `kept`, bool [n], is true; they are counted anew."""
        rings = kept[self.owner]
        return Polygons(
            points=self.points[rings.repeat(self.sizes)],
            sizes=self.sizes[rings],
            owner=(np.cumsum(kept) - 1)[self.owner[rings]],
        )
