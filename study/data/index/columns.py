"""Annotations in COCO's form as columns: what `study.data.index` maps from the cache."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from study.data.geometry.run_lengths import compressed
from study.data.source import Content

VERSION = 2  # of the columns; a change makes all entries anew


def columns(content: Content) -> dict[str, np.ndarray]:
    """The columns of an `Index` by name.

    Raises:
        KeyError, TypeError, ValueError: `content` is not in COCO's form.
    """
    images = sorted(content["images"], key=lambda image: image["id"])
    categories = sorted(content["categories"], key=lambda category: category["id"])
    place = {image["id"]: at for at, image in enumerate(images)}
    label = {category["id"]: at for at, category in enumerate(categories)}
    annotations = sorted(content["annotations"], key=lambda a: (place[a["image_id"]], a["id"]))
    owners = np.array([place[a["image_id"]] for a in annotations], np.int64)
    encoded = [compressed(a, images[at]) for a, at in zip(annotations, owners, strict=True)]
    boxes = [a["bbox"] for a in annotations]
    given = [a.get("segmentation") for a in annotations]
    polygons = [one if isinstance(one, list) else [] for one in given]
    rings = [ring for one in polygons for ring in one]
    return {
        "image_id": np.array([image["id"] for image in images], np.int64),
        "file_name": np.array([image["file_name"] for image in images], np.str_),
        "width": np.array([image["width"] for image in images], np.int32),
        "height": np.array([image["height"] for image in images], np.int32),
        "first": np.searchsorted(owners, np.arange(len(images) + 1)).astype(np.int64),
        "annotation_id": np.array([a["id"] for a in annotations], np.int64),
        "bbox": np.array(boxes, np.float64).reshape(-1, 4),
        "label": np.array([label[a["category_id"]] for a in annotations], np.int64),
        "area": np.array(
            [a.get("area", b[2] * b[3]) for a, b in zip(annotations, boxes, strict=True)]
        ),
        "crowd": np.array([bool(a.get("iscrowd", 0)) for a in annotations], bool),
        "rle": np.frombuffer(b"".join(encoded), np.uint8),
        "rle_first": np.cumsum([0, *map(len, encoded)]).astype(np.int64),
        "point": np.fromiter(itertools.chain.from_iterable(rings), np.float32).reshape(-1, 2),
        "ring_first": np.cumsum([0, *(len(ring) // 2 for ring in rings)]).astype(np.int64),
        "rings_first": np.cumsum([0, *map(len, polygons)]).astype(np.int64),
        "keypoints": _keypoints(annotations, categories),
        "keypoint_name": np.array(keypoint_names(categories), np.str_),
        "category_id": np.array([category["id"] for category in categories], np.int64),
        "category_name": np.array([category["name"] for category in categories], np.str_),
        "category_has_keypoints": np.array([bool(c.get("keypoints")) for c in categories], bool),
    }


def keypoint_names(categories: list[dict[str, Any]]) -> list[str]:
    """Those of the category that names most; in a file in order all that have any agree."""
    return max((c.get("keypoints") or [] for c in categories), key=len, default=[])


def _keypoints(annotations: list[dict[str, Any]], categories: list[dict[str, Any]]) -> np.ndarray:
    number = {category["id"]: len(category.get("keypoints") or []) for category in categories}
    keypoints = np.zeros((len(annotations), max(number.values(), default=0), 3), np.float32)
    for to, annotation in zip(keypoints, annotations, strict=True):
        own = number[annotation["category_id"]]
        if own and annotation.get("keypoints"):
            to[:own] = np.reshape(annotation["keypoints"], (own, 3))
    return keypoints
