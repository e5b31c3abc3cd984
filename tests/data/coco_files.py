"""Small COCO-format sets on disk, with every form of segmentation, for the tests to break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from hotcoco import mask as rle
from PIL import Image

HEIGHT, WIDTH = 40, 60
CATEGORIES = [{"id": 3, "name": "left"}, {"id": 90, "name": "right"}]  # sparse, on purpose


def masks() -> dict[str, np.ndarray]:
    """What each annotation of `content` shows."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return {
        "polygon": (rows >= 10) & (rows < 20) & (columns >= 5) & (columns < 25),
        "compressed": (rows - 25) ** 2 + (columns - 40) ** 2 < 64,
        "uncompressed": (rows >= 30) & (columns < 10),
        "crowd": (rows < 5) & (columns % 3 == 0),
    }


def content(images: int = 4, prefix: str = "a") -> dict[str, Any]:
    """Image 10 has all forms, image 11 no object, the others a polygon each."""
    shapes, annotations = masks(), []
    polygon = [[5, 10, 25, 10, 25, 20, 5, 20]]
    forms: dict[str, Any] = {
        "polygon": polygon,
        "compressed": _compressed(shapes["compressed"]),
        "uncompressed": _uncompressed(shapes["uncompressed"]),
        "crowd": _uncompressed(shapes["crowd"]),
    }
    for image in range(images):
        for form in [] if image == 1 else forms if image == 0 else ["polygon"]:
            mask = shapes[form]
            ys, xs = np.nonzero(mask)
            box = [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
            annotations.append(
                {
                    "id": 100 + len(annotations),
                    "image_id": 10 + image,
                    "category_id": 90 if form == "compressed" else 3,
                    "bbox": [float(v) for v in box],
                    "area": float(mask.sum()),
                    "iscrowd": int(form == "crowd"),
                    "segmentation": forms[form],
                }
            )
    names = [f"{prefix}{i}.png" for i in range(images)]
    return {
        "images": [
            {"id": 10 + i, "file_name": name, "width": WIDTH, "height": HEIGHT}
            for i, name in enumerate(names)
        ],
        "annotations": annotations,
        "categories": CATEGORIES,
    }


def write(folder: Path, name: str, data: dict[str, Any], seed: int = 0) -> tuple[Path, Path]:
    """Annotation file and folder of images, each image of its own noise."""
    images = folder / name
    images.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for image in data["images"]:
        pixels = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(images / image["file_name"])
    path = folder / f"{name}.json"
    path.write_text(json.dumps(data))
    return path, images


def _compressed(mask: np.ndarray) -> dict[str, Any]:
    encoded = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}


def _uncompressed(mask: np.ndarray) -> dict[str, Any]:
    flat = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.array([0, *edges, len(flat)])).tolist()
    return {"size": [HEIGHT, WIDTH], "counts": [0, *runs] if flat[0] else runs}


KEYPOINTS = ["nose", "left_ear", "right_ear"]


def with_keypoints(data: dict[str, Any]) -> dict[str, Any]:
    """The same with three keypoints on every object of category 3; category 90 has none."""
    named = [{**CATEGORIES[0], "keypoints": KEYPOINTS}, CATEGORIES[1]]
    for annotation in data["annotations"]:
        if annotation["category_id"] == 3:
            left, top = annotation["bbox"][:2]
            annotation["keypoints"] = [left + 1, top + 2, 2, left + 3, top + 1, 1, 0, 0, 0]
            annotation["num_keypoints"] = 2
    return data | {"categories": named}
