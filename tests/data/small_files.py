"""A data set of a few tiny images in COCO's form, in order, for tests to break."""

from __future__ import annotations

import copy
import functools
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 24, 16
SIZE = [HEIGHT, WIDTH]
PIXELS = WIDTH * HEIGHT
NAMES = ["left", "right", "nose"]
Data = dict[str, Any]


@functools.cache
def picture(seed: int, kind: str = "png") -> bytes:
    """An image file of noise, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(pixels).save(file := io.BytesIO(), kind)
    return file.getvalue()


def document(images: int = 4) -> Data:
    """Images 1, 2, … with two objects each: a polygon, and run lengths by turns."""
    made = [
        {"id": k, "file_name": f"{k}.png", "width": WIDTH, "height": HEIGHT}
        for k in range(1, images + 1)
    ]
    objects: list[Data] = []
    for image in made:
        for category, left in ((1, 2), (2, 12)):
            objects.append(
                {
                    "id": len(objects) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": [left, 4, 8, 6],
                    "area": 48,
                    "iscrowd": 0,
                    "segmentation": _mask(len(objects), left),
                    "keypoints": [left, 5, 2, left + 3, 6, 1, 0, 0, 0],
                }
            )
    classes = [{"id": k, "name": name, "keypoints": NAMES} for k, name in ((1, "cat"), (2, "dog"))]
    return copy.deepcopy({"images": made, "annotations": objects, "categories": classes})


def _mask(at: int, left: int) -> Any:
    right, top, bottom = left + 8, 4, 10
    if at % 4 < 2:
        return [[left, top, right, top, right, bottom, left, bottom]]
    runs = [left * HEIGHT + top, 6, *(10, 6) * 7]
    runs.append(PIXELS - sum(runs))
    return {"size": SIZE, "counts": runs if at % 4 == 2 else compressed(runs)}


def compressed(runs: list[int]) -> str:
    """COCO's text of run lengths, whatever they are."""
    text = ""
    for at, run in enumerate(runs):
        value = run - runs[at - 2] if at > 2 else run
        more = True
        while more:
            low, value = value & 31, value >> 5
            more = value != (-1 if low & 16 else 0)
            text += chr(48 + (low | 32 * more))
    return text


def write_split(
    folder: Path, name: str, data: Data | bytes, seed: int = 0, images: int = 4
) -> None:
    """NAME.json and the folder NAME of its images, 1.png and so on."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    (folder / f"{name}.json").write_bytes(text)
    (folder / name).mkdir()
    for k in range(1, images + 1):
        (folder / name / f"{k}.png").write_bytes(picture(100 * seed + k))


def prepare(*more: str) -> list[str]:
    """The command that looks at what `write_split` wrote of train and val."""
    paths = (
        ("train", "train.json"),
        ("train-images", "train"),
        ("val", "val.json"),
        ("val-images", "val"),
    )
    given = [word for option, path in paths for word in (f"--data.{option}", path)]
    return ["study.prepare", *given, *more]


def changed(change: Callable[[Data], Any], name: str = "train") -> Callable[[Path], list[str]]:
    """A command on a data set of which one file was changed."""

    def command(folder: Path) -> list[str]:
        for seed, split in enumerate(("train", "val"), start=1):
            data = document(4 if split == "train" else 2)
            if split == name:
                change(data)
            write_split(folder, split, data, seed, 4 if split == "train" else 2)
        return prepare()

    return command
