"""Masks as COCO's compressed run lengths, whatever form an annotation has them in."""

from __future__ import annotations

from typing import Any

import numpy as np
from hotcoco import mask as rle

FEW_POINTS = "segmentation: each polygon needs at least 3 points x, y"


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
        require_polygons(np.array([len(polygon) for polygon in given]))
        return rasterised(given, height, width)
    if list(given["size"]) != [height, width]:
        raise other_size(list(given["size"]), [height, width])
    if isinstance(given["counts"], list):
        if sum(given["counts"]) != height * width:
            raise ValueError("segmentation.counts: do not add up to the image")
        return rle.frPyObjects(given, height, width)["counts"]
    counts = given["counts"]
    return counts.encode() if isinstance(counts, str) else counts


def require_polygons(numbers: np.ndarray) -> None:
    """Raises ValueError unless polygons of so many numbers each can be rasterised."""
    if (numbers < 6).any() or (numbers % 2).any():
        raise ValueError(FEW_POINTS)


def other_size(given: list[int], image: list[int]) -> ValueError:
    """Run lengths of a height and width that their image does not have."""
    return ValueError(f"segmentation.size = {given}: its image is {image}")


def rasterised(polygons: list[list[float]], height: int, width: int) -> bytes:
    """COCO's compressed counts of the union of polygons, each x, y, x, y, … px."""
    found = rle.frPyObjects(polygons, height, width)
    return found[0]["counts"] if len(found) == 1 else rle.merge(found)["counts"]


def encoded(mask: np.ndarray) -> dict[str, Any]:
    """The segmentation of a mask [height, width], as an annotation file has it."""
    found = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(found["size"]), "counts": found["counts"].decode()}


def encoded_part(part: np.ndarray, top: int, left: int, size: tuple[int, int]) -> dict[str, Any]:
    """`encoded` of a mask that is empty but for a part, without making the mask.

    Args:
        part: bool [h, w], either of which may be 0.
        top, left: px, where the part lies in the mask.
        size: height and width px of the mask, which holds all of the part.
    """
    runs = _runs(_edges(part, top, left, size[0]), size[0] * size[1])
    found = rle.frPyObjects({"size": list(size), "counts": runs}, *size)
    return {"size": list(size), "counts": found["counts"].decode()}


def _edges(part: np.ndarray, top: int, left: int, height: int) -> np.ndarray:
    """Where set pixels begin and end, in turns, counted down the columns of the whole mask."""
    inner, columns = part.shape
    flat = np.zeros(columns * (inner + 1) + 1, np.bool_)  # an empty pixel before every column
    flat[1:].reshape(columns, inner + 1)[:, :inner] = part.T
    column, line = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), inner + 1)
    edges = (left + column) * height + top + line
    ends = np.ones(len(edges), np.bool_)
    goes_on = edges[1:] == edges[:-1]  # from the foot of a column to the head of the next
    ends[1:] &= ~goes_on
    ends[:-1] &= ~goes_on
    return edges[ends]


def _runs(edges: np.ndarray, pixels: int) -> list[int]:
    """Lengths of empty and set runs in turns; the last is a set one if the last pixel is set."""
    bounds = np.empty(len(edges) + 2, np.int64)
    bounds[0], bounds[1:-1], bounds[-1] = 0, edges, pixels
    runs = (bounds[1:] - bounds[:-1]).tolist()  # np.diff takes five times as long for so few
    return runs[:-1] if runs[-1] == 0 else runs
