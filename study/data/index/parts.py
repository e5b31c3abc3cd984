"""Some images or annotations in COCO's form as flat arrays, in the order given."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from study.data.geometry.counts import Runs
from study.data.geometry.run_lengths import compressed, require_polygons

NO_SIZE = -1  # of run lengths that are not there


def of_images(images: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Their columns as in `Index`."""
    return {
        "image_id": whole([image["id"] for image in images]),
        "file_name": np.array([image["file_name"] for image in images], np.str_),
        "width": np.array([image["width"] for image in images], np.int32),
        "height": np.array([image["height"] for image in images], np.int32),
    }


def of_annotations(annotations: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Columns of n annotations: some as in `Index`, and

    area: NaN where it is not given.
    owner, category: ids, int64 [n].
    rings: how many polygons, int64 [n]; ring_points: the points of each; point: x, y in turns.
    rle_bytes: int64 [n], 0 for polygons too; rle; rle_size: height, width in turns.
    keypoint_numbers: how many, int64 [n]; keypoint: those, float32.

    Raises:
        KeyError, TypeError, ValueError: they are not in COCO's form.
    """
    boxes = [a["bbox"] for a in annotations]
    given = [a.get("segmentation") or [] for a in annotations]
    polygons = [one if isinstance(one, list) else [] for one in given]
    rings = list(itertools.chain.from_iterable(polygons))
    numbers = _lengths(rings)
    require_polygons(numbers)
    keypoints = [a.get("keypoints") or [] for a in annotations]
    return {
        "annotation_id": whole([a["id"] for a in annotations]),
        "owner": whole([a["image_id"] for a in annotations]),
        "category": whole([a["category_id"] for a in annotations]),
        "bbox": np.array(boxes, np.float64).reshape(len(boxes), 4),
        "area": np.array([_given(a.get("area")) for a in annotations], np.float64),
        "crowd": np.array([bool(a.get("iscrowd", 0)) for a in annotations], np.bool_),
        "rings": _lengths(polygons),
        "ring_points": numbers // 2,
        "point": np.fromiter(itertools.chain.from_iterable(rings), np.float64, numbers.sum()),
        **_run_lengths(given),
        "keypoint_numbers": _lengths(keypoints),
        "keypoint": np.fromiter(itertools.chain.from_iterable(keypoints), np.float32),
    }


def _given(area: float | None) -> float:
    return math.nan if area is None else area


def _run_lengths(given: list[Any]) -> dict[str, np.ndarray]:
    found = [b""] * len(given)
    size = np.full((len(given), 2), NO_SIZE, np.int64)
    for at, one in enumerate(given):
        if not isinstance(one, list):
            size[at] = height, width = one["size"]
            found[at] = compressed({"segmentation": one}, {"height": height, "width": width})
    _require_whole(found, size)
    return {
        "rle": np.frombuffer(b"".join(found), np.uint8),
        "rle_bytes": _lengths(found),
        "rle_size": size.ravel(),
    }


def _require_whole(found: list[bytes], size: np.ndarray) -> None:
    """Raises ValueError unless run lengths are of their masks: decoding trusts them."""
    given = [text for text in found if text]
    pixels = size[[bool(text) for text in found]].prod(axis=1)
    if (wrong := next(filter(None, Runs.of(given).wrong(pixels)), None)) is not None:
        raise ValueError(f"segmentation.counts: {wrong}")


def whole(values: list[int]) -> np.ndarray:
    """int64.

    Raises:
        ValueError: they are not all whole numbers.
    """
    found = np.array(values, np.int64)
    if found.tolist() != values:
        raise ValueError("ids must be whole numbers")
    return found


def _lengths(values: Iterable[Any]) -> np.ndarray:
    return np.fromiter(map(len, values), np.int64)
