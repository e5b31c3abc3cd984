"""A small data set in COCO's form, which the cases of images and splits spoil in one place."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.bad_input.case import Case

CASES: list[Case] = []
SIDE = 24  # px
COUNTS = {"train": 8, "val": 4}


def scene(seed: int, side: int = SIDE) -> np.ndarray:
    """uint8 [side, side, 3]: coarse squares, so that no two look alike."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))


def wide(seed: int, most: int = 4000) -> np.ndarray:
    """uint16 [side, side]: the same in grey of 12 bits."""
    grey = scene(seed)[..., 0].astype(np.float64)
    return np.rint(grey / 255 * most).astype(np.uint16)


def content(image: np.ndarray | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """An image file."""
    file = io.BytesIO()
    given = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    given.save(file, kind, **options)
    return file.getvalue()


def png(depth: int, colour: int, raw: bytes, side: int = SIDE) -> bytes:
    """A PNG of a depth and colour type that Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + sum_

    head = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def colour_16(values: np.ndarray) -> bytes:
    """A PNG of uint16 [side, side, 3]."""
    lines = [b"\0" + line.astype(">u2").tobytes() for line in values]
    return png(16, 2, b"".join(lines), len(values))


def in_order(split: str) -> dict[str, Any]:
    """COCO's form of a split of the good set: an object in each image."""
    ids = range(1, COUNTS[split] + 1)
    size = {"width": SIDE, "height": SIDE}
    box = {"category_id": 1, "bbox": [4, 4, 12, 12], "area": 144, "iscrowd": 0}
    return {
        "images": [{"id": i, "file_name": f"{split}{i}.png"} | size for i in ids],
        "annotations": [{"id": i, "image_id": i} | box for i in ids],
        "categories": [{"id": 1, "name": "cell"}],
    }


def write(folder: Path, encode: Callable[[int], bytes] | None = None) -> Path:
    """The good set in `folder`/data; `encode` gives the file of the image with a seed."""
    data = folder / "data"
    for at, split in enumerate(COUNTS):
        (data / split).mkdir(parents=True)
        said = in_order(split)
        (data / f"{split}.json").write_text(json.dumps(said))
        for image in said["images"]:
            seed = 100 * at + image["id"]
            file = encode(seed) if encode else content(scene(seed))
            (data / split / image["file_name"]).write_bytes(file)
    return data


def change(data: Path, split: str, act: Callable[[dict[str, Any]], Any]) -> None:
    """Another content of a split's annotation file."""
    path = data / f"{split}.json"
    said = json.loads(path.read_text())
    act(said)
    path.write_text(json.dumps(said))


def rename(data: Path, name: str, split: str = "train") -> Path:
    """Call the first image of a split otherwise; it is not there any more."""
    change(data, split, lambda said: said["images"][0].update(file_name=name))
    (data / split / f"{split}1.png").unlink()
    return data / split / name


def prepared(spoil: Callable[[Path], Any], *options: str) -> Callable[[Path], list[str]]:
    """`study.prepare` of the set that `spoil` was given the folder of."""

    def command(folder: Path) -> list[str]:
        spoil(write(folder))
        return ["study.prepare", "data", "--page", "page.html", *options]

    return command


def swept(spoil: Callable[[Path], Any], *options: str) -> Callable[[Path], list[str]]:
    """A dry run of a sweep on it."""

    def command(folder: Path) -> list[str]:
        spoil(write(folder))
        return [
            "study.sweep",
            "custom",
            "--data",
            "data",
            "--run-dir",
            "run",
            "--dry-run",
            *options,
        ]

    return command
