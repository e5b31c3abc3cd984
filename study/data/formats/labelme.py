"""LabelMe's JSON, a file beside each image.

    FOLDER with images and JSON files of the same names, in one folder or two
    FOLDER/train and FOLDER/val (and FOLDER/test), each such a folder

Classes are the labels of all files, in alphabetical order. A polygon, a rectangle (a box without a
mask) and a circle (a polygon) are objects; those of one label that share a `group_id` are one.
Points and lines are refused by name. Coordinates are those of the image as it is shown, upright by
its EXIF orientation. An image without objects needs a file with no shapes: one without any file is
most likely not labelled yet.
"""

from __future__ import annotations

import json
import math
from functools import cache, partial
from pathlib import Path
from typing import Any

from study.data.formats.beside import BesideImages, Labelled, Thing, images_in, paired, thing
from study.data.formats.format import TEST, TRAIN, TUNE, VAL, DataSet, Format, assigned
from study.data.source import BadData

VERSION = "labelme-1"  # of what is made of the files
HEAD_BYTES = 2**16
AROUND = 64  # corners of a circle
KINDS = ("polygon", "rectangle", "circle")


def recognise(place: Path) -> DataSet | None:
    """The splits of a folder of images and LabelMe's files."""
    if not place.is_dir():
        return None
    pairs = {
        words[0]: found
        for words in (TRAIN, VAL, TUNE, TEST)
        for word in words
        if (found := _pairs(place / word))
    }
    if "train" not in pairs:
        whole = _pairs(place)
        if whole is None:
            return None
        pairs = {"train": whole}
    files = tuple(one.labels for split in pairs.values() for one in split if one.labels)
    classes = cache(partial(_labels, files))
    sources = {
        name: BesideImages(place, tuple(split), classes, _objects, VERSION, files, upright=True)
        for name, split in pairs.items()
    }
    return assigned(sources)


def _pairs(root: Path) -> list[Labelled] | None:
    """Each image with its file; None: there is no file of LabelMe's.

    Raises:
        ValueError: several folders of either kind, or a file without a partner.
    """
    if not root.is_dir():
        return None
    folders = [root, *(path for path in sorted(root.iterdir()) if path.is_dir())]
    labels = [folder for folder in folders if _has_labels(folder)]
    if not labels:
        return None
    images = [folder for folder in folders if images_in(folder)]
    images = [folder for folder in images if folder in labels] or images
    for kind, found in (("LabelMe's JSON", labels), ("images", images)):
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise ValueError(f"{root}: must have one folder of {kind}, and has {names}")
    pairs, alone = paired(images[0], labels[0], ".json")
    problems = [f"{path}: there is no image of that name in {images[0]}" for path in alone]
    problems += [
        f"{one.image}: there is no JSON of that name in {labels[0]}: label it, or move it away; an"
        ' image without objects needs a file with "shapes": []'
        for one in pairs.values()
        if one.labels is None
    ]
    if problems:
        raise BadData(problems)
    return list(pairs.values())


def _has_labels(folder: Path) -> bool:
    first = next(iter(sorted(folder.glob("*.json"))), None)
    if first is None:
        return False
    with first.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return b'"shapes"' in head and b'"annotations"' not in head


def _labels(files: tuple[Path, ...]) -> tuple[str, ...]:
    """The labels of all files that can be read; what cannot is said of its image."""
    found: set[str] = set()
    for path in files:
        try:
            found |= {str(shape["label"]) for shape in _shapes(path) if shape.get("label")}
        except ValueError:
            continue
    return tuple(sorted(found))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON: {error}") from error
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise ValueError(f"{path}: shapes: must be a list of objects, as LabelMe writes it")
    return content


def _shapes(path: Path) -> list[dict[str, Any]]:
    return _read(path)["shapes"]


def _objects(one: Labelled, size: tuple[int, int], classes: tuple[str, ...]) -> list[Thing]:
    assert one.labels is not None  # or the image would have been refused
    content = _read(one.labels)
    stated = content.get("imageWidth"), content.get("imageHeight")
    if None not in stated and stated != size:
        raise ValueError(
            f"{one.labels}: imageWidth, imageHeight = {stated[0]}, {stated[1]}: {one.image} is of"
            f" {size[0]} x {size[1]} px"
        )
    objects: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
    for at, shape in enumerate(content["shapes"]):
        group = shape.get("group_id")
        key = at if group is None else (str(group), shape.get("label"))
        objects.setdefault(key, []).append((at, shape))
    things = []
    for parts in objects.values():
        place = f"{one.labels}: shapes[{parts[0][0]}]"
        things.append(thing(place, partial(_object, one.labels, parts, size, classes)))
    return things


def _object(
    path: Path,
    parts: list[tuple[int, dict[str, Any]]],
    size: tuple[int, int],
    classes: tuple[str, ...],
) -> dict[str, Any]:
    """COCO's annotation of shapes that are one object."""
    outlines = [(_outline(f"{path}: shapes[{at}]", shape), shape) for at, shape in parts]
    place = f"{path}: shapes[{parts[0][0]}]"
    label = parts[0][1].get("label")
    if label not in classes:
        raise ValueError(f"{place}: label = {label!r}: must be a text")
    xs, ys = ([point[axis] for outline, _ in outlines for point in outline] for axis in (0, 1))
    left, top = max(0.0, min(xs)), max(0.0, min(ys))
    right, bottom = min(float(size[0]), max(xs)), min(float(size[1]), max(ys))
    if right <= left or bottom <= top:
        raise ValueError(f"{place}: points: must enclose a part of the image")
    found = {
        "category_id": classes.index(label) + 1,
        "iscrowd": 0,
        "bbox": [left, top, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
    }
    if all(shape.get("shape_type") == "rectangle" for _, shape in outlines):
        return found
    rings = [[value for point in outline for value in point] for outline, _ in outlines]
    return found | {"segmentation": rings, "area": sum(_area(outline) for outline, _ in outlines)}


def _outline(place: str, shape: dict[str, Any]) -> list[tuple[float, float]]:
    """The corners of a shape, px."""
    kind, points = shape.get("shape_type", "polygon"), shape.get("points")
    if kind not in KINDS:
        raise ValueError(f"{place}: shape_type = {kind!r}: must be one of {', '.join(KINDS)}")
    try:
        corners = [(float(x), float(y)) for x, y in points or ()]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: points: must be pairs of numbers") from error
    if not all(math.isfinite(value) for corner in corners for value in corner):
        raise ValueError(f"{place}: points: must be finite numbers")
    least = 3 if kind == "polygon" else 2
    if len(corners) < least:
        raise ValueError(f"{place}: points: a {kind} has {least} or more, and this {len(corners)}")
    if kind == "rectangle":
        xs, ys = zip(*corners, strict=True)
        return [(x, y) for x, y in zip(
            (min(xs), max(xs), max(xs), min(xs)), (min(ys), min(ys), max(ys), max(ys)), strict=True
        )]  # fmt: skip
    if kind == "circle":
        (x, y), edge = corners[0], corners[1]
        radius = math.dist(corners[0], edge)
        turns = [2 * math.pi * k / AROUND for k in range(AROUND)]
        return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    return corners


def _area(corners: list[tuple[float, float]]) -> float:
    """px² inside a closed ring."""
    around = zip(corners, corners[1:] + corners[:1], strict=True)
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in around)) / 2


FORMAT = Format(
    name="LabelMe",
    wants="images, and beside them LabelMe's JSON files of the same names",
    recognise=recognise,
)
