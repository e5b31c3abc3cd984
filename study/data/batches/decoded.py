"""Decoded images: out of the cache where they are stored, otherwise out of their files.

A study trains on the same few images again and again, so decoding them once is worth a file. They
are stored image by image, so that all subsets, draws and splits share them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from study.config import ModelConfig, digest
from study.data.batches.packs import Packs, Wanted
from study.data.cache import cache_dir
from study.data.geometry.resize import resized
from study.data.index import Index
from study.data.orientation import turn, turned
from study.data.pixels import Scale, opened, rgb


class Decoded:
    """Some images of an index, in RGB, each of its own size."""

    def __init__(self, index: Index, image_ids: np.ndarray, model: ModelConfig | None) -> None:
        """`model`: at its size; None: as large as they are."""
        self.index = index
        self.places = np.array([index.position(int(i)) for i in image_ids], np.int64)
        sides = index.height[self.places], index.width[self.places]
        self.sizes = (  # int64 [N, 2] height, width px
            resized(*sides, model) if model else np.stack(sides, axis=-1).astype(np.int64)
        )
        # What the network takes as it is, lies plane by plane, as it takes it; what is resized at
        # every use, pixel by pixel, of which resizing is quicker.
        self._planes = model is not None
        self._name = digest(
            [str(index.image_dir), [model.short_px, model.long_px] if model else None]
        )
        self._packs: list[np.ndarray] = []
        self._seen: set[int] = set()  # images whose stored pixels are as they were written
        self._whole: Callable[[int, np.ndarray], bool] = lambda at, flat: True
        self._pack = np.full(len(self.places), -1)  # which of them has an image; -1: none
        self._first = np.zeros(len(self.places), np.int64)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, at: int) -> np.ndarray:
        """uint8 [height, width, 3]; a view of the file in the cache, if it is stored.

        Raises:
            ValueError: it is not, and cannot be read.
        """
        if self._pack[at] < 0:
            return self._shaped(self._decode(at), at)
        flat = self._packs[self._pack[at]][self._first[at] :][: self._bytes(at)]
        if at not in self._seen:  # the first time, while the pixels are read anyway
            if not self._whole(at, flat):
                self._pack[at] = -1
                return self[at]
            self._seen.add(at)
        return self._shaped(flat, at)

    def size(self, at: int) -> tuple[int, int]:
        """Height and width of an image, px."""
        height, width = self.sizes[at].tolist()
        return height, width

    def file(self, at: int) -> Path:
        return self.index.image_dir / str(self.index.file_name[self.places[at]])

    def store(self, chosen: Iterable[int] | None = None) -> None:
        """Have these in the cache from now on, as far as STUDY_CACHE_GB allows; None: all.

        Raises:
            ValueError: an image that cannot be read; names the file. Or the disk has no room.
        """
        # in the order of the index, so that all processes of a node store the same ones first
        order = np.arange(len(self)) if chosen is None else np.array(sorted(set(chosen)), np.int64)
        order = order[np.argsort(self.places[order])]
        keys = {at: self._key(at) for at in order.tolist()}
        packs = Packs(cache_dir() / "decoded", self._name)
        self._whole = lambda at, flat: packs.is_whole(keys[at], flat) if at in keys else True
        packs.store(
            [Wanted(key, self._bytes(at), partial(self._decode, at)) for at, key in keys.items()]
        )
        numbers = {id(pack): number for number, pack in enumerate(self._packs)}
        for at, key in keys.items():
            if (found := packs.pixels(key)) is None:
                continue
            pack, self._first[at] = found
            if id(pack) not in numbers:
                numbers[id(pack)] = len(self._packs)
                self._packs.append(pack)
            self._pack[at] = numbers[id(pack)]

    def _bytes(self, at: int) -> int:
        return 3 * int(self.sizes[at].prod())

    def _key(self, at: int) -> str:
        file = self.file(at)
        try:
            state = file.stat()
        except OSError as error:
            raise ValueError(f"{file}: cannot be read: {error.strerror}") from error
        said = [str(file), state.st_size, state.st_mtime_ns, self.size(at), self._planes]
        said += ["upright"] * bool(self.index.upright[self.places[at]])
        said += [str(self.index.scale)] if self.index.scale else []
        said += ["as it lies"] * (file.suffix.lower() in (".tif", ".tiff"))  # other bytes before
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]

    def _decode(self, at: int) -> np.ndarray:
        """uint8, flat, as it is stored."""
        height, width = self.size(at)
        place = self.places[at]
        stated = int(self.index.width[place]), int(self.index.height[place])
        upright = bool(self.index.upright[place])
        pixels = read_rgb(self.file(at), (width, height), stated, upright, self.index.scale)
        return (pixels.transpose(2, 0, 1) if self._planes else pixels).reshape(-1)

    def _shaped(self, flat: np.ndarray, at: int) -> np.ndarray:
        height, width = self.size(at)
        if self._planes:
            return flat.reshape(3, height, width).transpose(1, 2, 0)
        return flat.reshape(height, width, 3)


def decode(index: Index, image_ids: np.ndarray, model: ModelConfig | None) -> Decoded:
    """The images at the model's size, or their own, stored.

    Raises:
        ValueError: as `Decoded.store`.
    """
    found = Decoded(index, image_ids, model)
    found.store()
    return found


def read_rgb(
    file: Path,
    size: tuple[int, int],
    stated: tuple[int, int] | None = None,
    upright: bool = False,
    scale: Scale | None = None,
) -> np.ndarray:
    """uint8 [height, width, 3] of an image file in any mode, resized to (width, height) px.

    Args:
        stated: width and height px that its annotations say (`orientation.turn`); None: `size`.
        upright: whether they are of the image as EXIF says to show it, whatever its size.
        scale: the rule for pixels of more than 8 bits (`study.data.pixels`).

    Raises:
        ValueError: not an image, or cut off, or of another kind of pixels.
    """
    with opened(file) as image:
        by = turn(image, stated or size, upright)
        found = turned(rgb(image, scale, file), by)
    return rgb_array(found, size)


def rgb_array(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """uint8 [height, width, 3] of an image of 8 bits, resized to (width, height) px."""
    found = rgb(image, None)
    if found.size != size:
        found = found.resize(size, Image.Resampling.BILINEAR)
    return np.array(found)
