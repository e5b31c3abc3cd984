"""What LabelMe's shapes of one object are in COCO's form.

A polygon and a circle are outlines, a rectangle is a box without a mask, and a mask is a small PNG
that lies somewhere in the image. Points and lines enclose nothing.
"""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hotcoco import mask as rle
from PIL import Image

from study.config.printable import brief
from study.data.geometry import rings
from study.data.geometry.run_lengths import encoded_part, rasterised

AROUND = 64  # corners of a circle
KINDS = ("polygon", "rectangle", "circle", "mask")

Outline = list[tuple[float, float]]
"""Corners of a closed ring, x and y px."""


@dataclass(frozen=True)
class _Pixels:
    """A mask in its image."""

    run_lengths: dict[str, Any]  # COCO's segmentation
    corners: Outline  # of the box around its pixels


def kind_of(shape: dict[str, Any]) -> Any:
    return shape.get("shape_type") or "polygon"  # old files do not say it


def annotation(
    parts: list[tuple[str, dict[str, Any]]], size: tuple[int, int], classes: tuple[str, ...]
) -> dict[str, Any]:
    """COCO's annotation, without ids, of shapes that are one object.

    Args:
        parts: each with its place, for messages.
        size: width and height px of the image.

    Raises:
        ValueError: a shape that is no object, or is none in this image.
    """
    place, first = parts[0]
    label = first.get("label")
    if not isinstance(label, str) or label not in classes:
        raise ValueError(f"{place}: label = {brief(label)}: must be a text")
    found = [_enclosed(at, shape, size) for at, shape in parts]
    masks = [one.run_lengths for one in found if isinstance(one, _Pixels)]
    outlines = [one for one in found if not isinstance(one, _Pixels)]
    outer = [one.corners if isinstance(one, _Pixels) else one for one in found]
    corners = [point for outline in outer for point in outline]
    xs, ys = ([point[axis] for point in corners] for axis in (0, 1))
    left, top = max(0.0, min(xs)), max(0.0, min(ys))
    right, bottom = min(float(size[0]), max(xs)), min(float(size[1]), max(ys))
    if right <= left or bottom <= top:
        raise ValueError(f"{place}: points: must enclose a part of the image")
    box = {
        "category_id": classes.index(label) + 1,
        "iscrowd": 0,
        "bbox": [left, top, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
    }
    if all(kind_of(shape) == "rectangle" for _, shape in parts):
        return box
    flat = [[value for point in ring for value in point] for ring in outlines]
    if not masks:
        return box | {"segmentation": flat, "area": rings.area(outlines, size)}
    return box | _union(masks, flat, size)


def _enclosed(place: str, shape: dict[str, Any], size: tuple[int, int]) -> Outline | _Pixels:
    """The corners of a shape, px, or the pixels of a mask."""
    kind, points = kind_of(shape), shape.get("points")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{place}: shape_type = {brief(kind)}: must be one of {', '.join(KINDS)}")
    try:
        pairs = [(x, y) for x, y in points or ()]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: points: must be pairs of numbers") from error
    for at, pair in enumerate(pairs):
        if not all(type(value) in (int, float) for value in pair):
            raise ValueError(f"{place}: points: must be pairs of numbers: [{at}] is {brief(pair)}")
        if not all(-side <= value <= 2 * side for value, side in zip(pair, size, strict=True)):
            raise ValueError(
                f"{place}: points[{at}] = {brief(pair)}: must be finite numbers, and lie inside"
                f" the image of {size[0]} x {size[1]} px"
            )
    corners = [(float(x), float(y)) for x, y in pairs]
    least = {"polygon": 3, "mask": 1}.get(kind, 2)
    if len(corners) < least:
        raise ValueError(f"{place}: points: a {kind} has {least} or more, and this {len(corners)}")
    if kind == "rectangle":
        return _box(corners)
    if kind == "circle":
        (x, y), edge = corners[0], corners[1]
        radius = math.dist(corners[0], edge)
        turns = [2 * math.pi * k / AROUND for k in range(AROUND)]
        return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    return corners if kind == "polygon" else _pixels(place, shape, corners[0], size)


def _pixels(
    place: str, shape: dict[str, Any], at: tuple[float, float], size: tuple[int, int]
) -> _Pixels:
    """A mask's PNG, whose upper left pixel lies in the image at `at`.

    What sticks out of the image, by LabelMe's rounding, is cut off.
    """
    try:
        content = io.BytesIO(base64.b64decode(shape["mask"]))
        with Image.open(content, formats=("PNG",)) as opened:  # some others start programs
            part = np.asarray(opened.convert("L")) > 0
    except KeyError:
        raise ValueError(f"{place}: mask: must be there, a PNG in base64") from None
    except Exception as error:  # Pillow's readers raise whatever a broken header leads them to
        why = "no PNG" if isinstance(error, Image.UnidentifiedImageError) else str(error)
        raise ValueError(f"{place}: mask: cannot be read as a PNG in base64: {why}") from error
    (left, top), (width, height) = (round(at[0]), round(at[1])), size
    part = part[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    left, top = max(0, left), max(0, top)
    if not part.any():
        raise ValueError(f"{place}: mask: must have a pixel above 0 in its image")
    ys, xs = np.nonzero(part)
    corners = [(left + xs.min(), top + ys.min()), (left + xs.max() + 1, top + ys.max() + 1)]
    return _Pixels(
        encoded_part(part, top, left, (height, width)),
        _box([(float(x), float(y)) for x, y in corners]),
    )


def _union(
    masks: list[dict[str, Any]], outlines: list[list[float]], size: tuple[int, int]
) -> dict[str, Any]:
    """Segmentation and area of masks and outlines together."""
    width, height = size
    if outlines:
        counts = rasterised(outlines, height, width).decode()
        masks = [*masks, {"size": [height, width], "counts": counts}]
    whole = rle.merge(masks) if len(masks) > 1 else masks[0]
    counts = whole["counts"]
    text = counts if isinstance(counts, str) else counts.decode()
    told = {"size": [height, width], "counts": text}
    return {"segmentation": told, "area": float(rle.area(told))}


def _box(corners: Outline) -> Outline:
    """The corners of the box around these."""
    xs, ys = zip(*corners, strict=True)
    left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
