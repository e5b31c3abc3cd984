"""What is wrong with single objects: box, area, mask and keypoints, each held against its image.

Every object of a file is looked at, so the usual case must be quick: a few comparisons in Python
for boxes and polygons, and run lengths of many objects at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from study.config.printable import brief
from study.data.geometry.counts import Runs
from study.data.geometry.run_lengths import FEW_POINTS

OVERHANG_PX = 1.0  # that a box may stick out of its image: real files round
ROUNDING = 1e-9  # of a product of coordinates, as a share
LARGE = 1e15  # beyond any number that annotations have
Extent = tuple[float, float, float, float]
"""left, top, right, bottom px"""


def is_number(value: object) -> bool:
    """Whether it is one that can be reckoned with: no NaN, no infinite one, no truth value."""
    return type(value) in (int, float) and -LARGE < value < LARGE  # type: ignore[operator]


def are_numbers(values: object) -> bool:
    """Whether it is a list of such numbers."""
    if type(values) is not list or not set(map(type, values)) <= {int, float}:
        return False
    return not values or (min(values) > -LARGE and max(values) < LARGE and sum(values) < np.inf)


def wrong_box(annotation: dict[str, Any], image: dict[str, Any]) -> Iterator[str]:
    """What is wrong with box, area and flag of an object."""
    box = annotation.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(map(is_number, box))):
        yield f"bbox = {brief(box)}: must be four numbers x, y, width, height"
    else:
        left, top, width, height = box
        inside = (
            left >= -OVERHANG_PX
            and top >= -OVERHANG_PX
            and left + width <= image["width"] + OVERHANG_PX
            and top + height <= image["height"] + OVERHANG_PX
        )
        if width <= 0 or height <= 0:
            yield f"bbox = {box}: width and height must be above 0"
        elif not inside:
            yield f"bbox = {box}: must lie inside its image of {_size(image)}"
    area = annotation.get("area")
    if area is not None:
        most = (image["width"] + 2 * OVERHANG_PX) * (image["height"] + 2 * OVERHANG_PX)
        if not is_number(area):
            yield f"area = {brief(area)}: must be a number of px², or left out"
        elif area <= 0:
            yield f"area = {area}: must be above 0 px², or left out"
        elif area > most:
            yield (
                f"area = {area}: must be px² of the object, or left out: its image of"
                f" {_size(image)} has {image['width'] * image['height']:,}"
            )
    crowd = annotation.get("iscrowd", 0)
    if type(crowd) not in (int, float, bool) or crowd not in (0, 1):
        yield f"iscrowd = {brief(crowd)}: must be 0 or 1"


def wrong_polygons(
    polygons: list[Any], annotation: dict[str, Any], image: dict[str, Any]
) -> Iterator[str]:
    """What is wrong with an object's polygons; there is at least one."""
    width, height = image["width"], image["height"]
    extents: list[Extent] = []
    encloses = False
    for at, ring in enumerate(polygons):
        place = f"segmentation[{at}]"
        if not are_numbers(ring):
            what = "a list of polygons" if is_number(ring) else "a list of numbers"
            form = "segmentation: not polygons or run lengths"
            yield f"{form}: {place} = {brief(ring)}: must be {what}"
            return
        if len(ring) < 6 or len(ring) % 2:
            yield f"{FEW_POINTS}, and {place} has {len(ring)} numbers"
            return
        xs, ys = ring[::2], ring[1::2]
        extent = min(xs), min(ys), max(xs), max(ys)
        if not _near(extent, width, height):
            yield (
                f"{place}: goes from x, y = {extent[0]}, {extent[1]} to {extent[2]}, {extent[3]}:"
                f" must lie inside its image of {_size(image)}"
            )
            return
        extents.append(extent)
        encloses = encloses or _encloses(xs, ys)
    if not encloses:
        yield "segmentation: all its points lie on one line: must enclose an area"
        return
    lefts, tops, rights, bottoms = zip(*extents, strict=True)
    yield from _beside((min(lefts), min(tops), max(rights), max(bottoms)), annotation)


def _near(extent: Extent, width: int, height: int) -> bool:
    """Whether some of it lies in the image, and none further away than the image is large."""
    left, top, right, bottom = extent
    touches = (
        right >= -OVERHANG_PX
        and bottom >= -OVERHANG_PX
        and left <= width + OVERHANG_PX
        and top <= height + OVERHANG_PX
    )
    return (
        touches
        and left >= -width
        and top >= -height
        and right <= 2 * width
        and bottom <= 2 * height
    )


def _encloses(xs: Sequence[float], ys: Sequence[float]) -> bool:
    """Whether the points do not all lie on one line."""
    x, y = xs[0], ys[0]
    along = (0.0, 0.0)
    for other_x, other_y in zip(xs, ys, strict=True):
        step = other_x - x, other_y - y
        if along == (0.0, 0.0):
            along = step
        else:
            over, under = along[0] * step[1], along[1] * step[0]
            if abs(over - under) > ROUNDING * (abs(over) + abs(under)):
                return True
    return False


def _beside(extent: Extent, annotation: dict[str, Any]) -> Iterator[str]:
    """The mask and the box of an object must have something in common."""
    box = annotation.get("bbox")
    if not (are_numbers(box) and isinstance(box, list) and len(box) == 4):
        return
    left, top, right, bottom = extent
    over = OVERHANG_PX
    apart = (
        left > box[0] + box[2] + over
        or top > box[1] + box[3] + over
        or right < box[0] - over
        or bottom < box[1] - over
    )
    if apart:
        yield (
            f"segmentation: lies from x, y = {left}, {top} to {right}, {bottom}, and its bbox ="
            f" {box}: must lie in its box"
        )


def wrong_form(given: Any, image: dict[str, Any]) -> str | None:
    """What is wrong with the form of run lengths, if `runs` cannot be asked for them."""
    if not isinstance(given, dict) or not {"size", "counts"} <= given.keys():
        return f"segmentation: not polygons or run lengths: {brief(given)}"
    size, stated = given["size"], [image["height"], image["width"]]
    if size != stated or any(type(side) is not int for side in size):
        return f"segmentation.size = {brief(size)}: its image is {stated} (height, width)"
    counts = given["counts"]
    if type(counts) is str:
        return None if counts.isascii() else "segmentation.counts: cannot be read as run lengths"
    if type(counts) is not list or set(map(type, counts)) - {int}:
        return f"segmentation.counts = {brief(counts)}: must be whole numbers, or a text of them"
    if counts and max(counts) > stated[0] * stated[1]:
        return f"segmentation.counts: {max(counts)}: do not add up to the image"
    if counts and min(counts) < 0:
        return f"segmentation.counts: {min(counts)}: must be 0 or more"
    return None


def wrong_runs(
    annotations: Sequence[dict[str, Any]], images: Sequence[dict[str, Any]]
) -> list[list[str]]:
    """What is wrong with masks of run lengths whose form is right, for each object."""
    if not annotations:
        return []
    given = [annotation["segmentation"]["counts"] for annotation in annotations]
    runs = Runs.of([one.encode() if isinstance(one, str) else one for one in given])
    heights = np.array([image["height"] for image in images], np.int64)
    widths = np.array([image["width"] for image in images], np.int64)
    lines: list[list[str]] = [
        [] if said is None else [f"segmentation.counts: {said}"]
        for said in runs.wrong(heights * widths)
    ]
    right = np.array([not one for one in lines], np.bool_)
    if not right.all():
        runs = Runs.of([one if ok else b"" for one, ok in zip(_texts(given), right, strict=True)])
    for at, extent in enumerate(runs.boxes(heights).tolist()):
        if not right[at]:
            continue
        if extent[2] == 0:
            lines[at].append("segmentation: has no pixel: must have one, or be left out")
        else:
            lines[at] += _beside(tuple(extent), annotations[at])
    return lines


def _texts(given: Sequence[Any]) -> Iterator[Any]:
    return (one.encode() if isinstance(one, str) else one for one in given)


def wrong_keypoints(
    annotation: dict[str, Any], number: int | None, image: dict[str, Any] | None
) -> Iterator[str]:
    """`number`: how many the annotation's category names; None: nobody reads them."""
    given = annotation.get("keypoints") or []
    if not are_numbers(given):
        yield f"keypoints = {brief(given)}: must be three numbers for each: x, y, visibility"
    elif number is None:
        return
    elif len(given) not in (0, 3 * number):
        yield (
            f"keypoints: {len(given)} numbers: its category names {number} keypoints, of 3 numbers"
            " each: x, y, visibility"
        )
    else:
        for at in range(0, len(given), 3):
            x, y, visibility = given[at : at + 3]
            if visibility not in (0, 1, 2):
                yield (
                    f"keypoints[{at + 2}] = {visibility}: visibility must be 0 (not labelled),"
                    " 1 (hidden) or 2 (seen)"
                )
            elif visibility and image and not _near((x, y, x, y), image["width"], image["height"]):
                yield (
                    f"keypoints[{at}], [{at + 1}] = {x}, {y}: must lie inside its image of"
                    f" {_size(image)}, or be of visibility 0 (not labelled)"
                )


def _size(image: dict[str, Any]) -> str:
    return f"{image['width']} x {image['height']} px"
