"""Decoded and resized images in one memory-mapped file that all processes of a node share.

A study trains on the same few images again and again, so decoding them once is worth a file. Rows
of pixels lie one image after another; the operating system keeps what is used in memory.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from study.config import ModelConfig, digest
from study.data.cache import build_once, cache_dir
from study.data.geometry.resize import resized
from study.data.index import Index


@dataclass(frozen=True)
class Decoded:
    """RGB images, each of its own size."""

    pixels: np.ndarray  # uint8, flat
    first: np.ndarray  # int64 [N]
    sizes: np.ndarray  # int64 [N, 2] height, width px

    def __getitem__(self, at: int) -> np.ndarray:
        """uint8 [height, width, 3], a view of the file."""
        height, width = self.sizes[at]
        return self.pixels[self.first[at] :][: 3 * height * width].reshape(height, width, 3)

    def size(self, at: int) -> tuple[int, int]:
        """Height and width of an image, px."""
        height, width = self.sizes[at].tolist()
        return height, width


def decode(
    index: Index, image_ids: np.ndarray, model: ModelConfig, short_px: int | None = None
) -> Decoded:
    """The images in that order, from the cache, where the order makes no difference.

    Args:
        short_px: resize to another shorter side than the model's.

    Raises:
        ValueError: an image that cannot be read; names the file. Or they would not fit the disk.
    """
    # sorted, so that draws of all there is share one file: of COCO, at 800 px 300 GB
    order = np.argsort(image_ids)
    places = [index.position(int(i)) for i in image_ids[order]]
    files = [index.image_dir / str(index.file_name[at]) for at in places]
    sizes = resized(index.height[places], index.width[places], model, short_px)
    shapes = sizes.tolist()
    first = np.cumsum([0, *(3 * height * width for height, width in shapes)])
    state = [[str(file), *_state(file), *shape] for file, shape in zip(files, shapes, strict=True)]
    entry = build_once(
        cache_dir() / "decoded" / f"{digest(state)}.u8",
        lambda to: _write(to, files, sizes, first),
    )
    place = np.argsort(order)
    return Decoded(np.memmap(entry, np.uint8, mode="r"), first[:-1][place], sizes[place])


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror}") from error
    return found.st_size, found.st_mtime_ns


def _write(to: Path, files: list[Path], sizes: np.ndarray, first: np.ndarray) -> None:
    total, free = int(first[-1]), shutil.disk_usage(to.parent).free
    if total > free:  # to write to a mapped file on a full disk would end the process
        raise ValueError(
            f"{to.parent}: {free / 1e9:,.1f} GB are free, and {total / 1e9:,.1f} GB are needed for"
            f" {len(files):,} decoded images: set STUDY_CACHE to a folder with more room, or ask"
            " for a smaller shorter side"
        )
    out = np.memmap(to, np.uint8, mode="w+", shape=(total,))
    for at, file in enumerate(files):
        height, width = sizes[at].tolist()
        out[first[at] : first[at + 1]] = read_rgb(file, (width, height)).reshape(-1)
    out.flush()


def read_rgb(file: Path, size: tuple[int, int]) -> np.ndarray:
    """uint8 [height, width, 3] of an image file in any mode, resized to (width, height) px.

    Raises:
        ValueError: not an image, or cut off.
    """
    try:
        with Image.open(file) as image:
            rgb = image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{file}: cannot be read as an image: {error}") from error
    if rgb.size != size:
        rgb = rgb.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(rgb)
