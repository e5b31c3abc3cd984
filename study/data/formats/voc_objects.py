"""VOC's XML: the objects of an image in COCO's form.

Boxes. VOC counts pixels from 1 and its corners lie on the last pixel that belongs to the object:
pixels 1 to 10 are the box from 0 to 10.

`difficult` objects become crowd regions, the one thing that COCO's metric ignores (it overwrites
any `ignore` flag). Either way an object that is missed costs nothing and a detection of it counts
neither for nor against. But VOC ignores a detection that overlaps the object by an IoU of one
half, COCO one of which a large enough part lies within it, so that a small false alarm inside a
difficult object is forgiven here and not there; and COCO lets a detection take an ordinary object
first. Crowd regions are not trained on: their pixels are background to the losses. That makes
them easy to tell: VOC itself has no crowd regions, so `iscrowd` is `difficult`, no more and no
less, and a metric of VOC's own can read it back.

Masks. Some images have a `SegmentationObject` picture, whose value k belongs to the k-th object of
the XML and 255 to the border around objects, which is counted as background here. Objects of other
images, and those of which no pixel is marked, have no mask, and their box stands in. `area` is the
box's for all, so that it means one thing.

Photos. Some tools show a photo upright by its EXIF orientation and annotate it so. The size that
the XML states then tells, as in COCO's format.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from study.data.formats.beside import Labelled, Thing, thing
from study.data.geometry.run_lengths import encoded
from study.data.pixels import opened
from study.data.source import BadData

BORDER = 255  # in the pictures of objects


def named(files: tuple[Path, ...]) -> tuple[str, ...]:
    """The classes that the objects of these files have, in alphabetical order."""
    names: set[str] = set()
    problems: list[str] = []
    for path in files:
        try:
            names |= {_name(element) for element in _elements(path)}
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise BadData(problems)
    return tuple(sorted(names - {""}))


def stated_px(one: Labelled) -> tuple[int, int] | None:
    """Width and height that the XML of an image says, if it does."""
    if one.labels is None:
        return None
    try:
        size = _root(one.labels).find("size")
        if size is None:
            return None
        return int(size.findtext("width", "")), int(size.findtext("height", ""))
    except ValueError:
        return None  # what is wrong with the file is said where its objects are read


def _elements(path: Path) -> list[ElementTree.Element]:
    return _root(path).findall("object")


def _root(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:  # or an encoding
        raise ValueError(f"{path}: cannot be read as XML: {error}") from error


def _name(element: ElementTree.Element) -> str:
    return element.findtext("name", "").strip()  # the object's own, not that of a part of it


def objects(one: Labelled, size: tuple[int, int], classes: tuple[str, ...]) -> list[Thing]:
    assert one.labels is not None
    numbered = enumerate(_elements(one.labels), start=1)
    places = ((f"{one.labels}: object {k}", element) for k, element in numbered)
    things = [thing(at, partial(_object, at, element, size, classes)) for at, element in places]
    return things if one.mask is None else _with_masks(things, one.mask, one.image, size)


def _object(
    place: str, element: ElementTree.Element, size: tuple[int, int], classes: tuple[str, ...]
) -> dict[str, Any]:
    name = _name(element)
    if name not in classes:
        raise ValueError(f"{place}: name = {name!r}: must be one of {', '.join(classes)}")
    corners = [element.findtext(f"bndbox/{key}", "") for key in ("xmin", "ymin", "xmax", "ymax")]
    try:
        left, top, right, bottom = map(float, corners)  # some are not whole numbers
        if not all(map(math.isfinite, (left, top, right, bottom))):
            raise ValueError("not finite")
    except ValueError as error:
        raise ValueError(f"{place}: bndbox = {corners}: must be four numbers") from error
    left, top = max(0.0, left - 1), max(0.0, top - 1)
    width = min(right, size[0]) - left
    height = min(bottom, size[1]) - top
    if width <= 0 or height <= 0:
        raise ValueError(
            f"{place}: bndbox = {corners}: xmin, ymin, xmax, ymax must enclose a part of the image"
            f" of {size[0]} x {size[1]} px"
        )
    return {
        "category_id": classes.index(name) + 1,
        "bbox": [left, top, width, height],
        "area": width * height,
        "iscrowd": int(element.findtext("difficult", "0").strip() == "1"),
    }


def _with_masks(things: list[Thing], file: Path, of: Path, size: tuple[int, int]) -> list[Thing]:
    """The objects of an image with COCO's run lengths of their pixels, where they have any."""
    with opened(file) as image:
        mode, values = image.mode, np.asarray(image)
    if mode not in ("P", "L") or values.shape != size[::-1]:
        raise ValueError(
            f"{file}: {mode} of {values.shape[1]} x {values.shape[0]} px: must have one number a"
            f" pixel, and {size[0]} x {size[1]} px as {of}"
        )
    present = set(np.unique(values).tolist()) - {BORDER}
    return [
        (place, one | {"segmentation": encoded(values == k)})
        if k in present and isinstance(one, dict)
        else (place, one)
        for k, (place, one) in enumerate(things, start=1)
    ]
