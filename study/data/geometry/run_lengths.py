"""Masks as COCO's compressed run lengths, whatever form an annotation has them in."""

from __future__ import annotations

from typing import Any

import numpy as np
from hotcoco import mask as rle


def compressed(annotation: dict[str, Any], image: dict[str, Any]) -> bytes:
    """COCO's compressed counts of a polygon, uncompressed or compressed RLE; empty for no mask.

    Raises:
        ValueError: a segmentation that is none of these, or of another size than its image.
    """
    given = annotation.get("segmentation")
    if not given:
        return b""
    height, width = image["height"], image["width"]
    if isinstance(given, list):
        if not all(len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in given):
            raise ValueError("segmentation: each polygon needs at least 3 points x, y")
        return rle.merge(rle.frPyObjects(given, height, width))["counts"]
    if list(given["size"]) != [height, width]:
        raise ValueError(
            f"segmentation.size = {list(given['size'])}: its image is {[height, width]}"
        )
    if isinstance(given["counts"], list):
        if sum(given["counts"]) != height * width:
            raise ValueError("segmentation.counts: do not add up to the image")
        return rle.frPyObjects(given, height, width)["counts"]
    counts = given["counts"]
    return counts.encode() if isinstance(counts, str) else counts


def encoded(mask: np.ndarray) -> dict[str, Any]:
    """The segmentation of a mask [height, width], as an annotation file has it."""
    found = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(found["size"]), "counts": found["counts"].decode()}
