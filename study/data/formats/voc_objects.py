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
from pathlib import Path, PureWindowsPath
from typing import Any
from xml.etree import ElementTree

import numpy as np

from study.config.printable import brief, one_line, shown
from study.data.formats.beside import Labelled, Thing, cut_off, shown_classes, thing
from study.data.formats.texts import xml_files
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
            problems.append(one_line(str(error)))
    if problems:
        raise BadData(problems)
    return tuple(sorted(names - {""}))


def stated_px(one: Labelled) -> tuple[int, int] | None:
    """Width and height that the XML of an image says, if it does."""
    if one.labels is None:
        return None
    try:
        return _stated(_read(one.labels))
    except ValueError:
        return None  # what is wrong with the file is said where its objects are read


def _stated(root: ElementTree.Element) -> tuple[int, int] | None:
    """Width and height that a file says. Raises ValueError if it has a size that is none."""
    size = xml_files.one(root, "size")
    if size is None:
        return None
    texts = [xml_files.text(size, key) for key in ("width", "height")]
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in texts):
        raise ValueError(f"size = {brief(texts)}: width and height must be whole numbers of px")
    return int(texts[0]), int(texts[1])


def _read(path: Path) -> ElementTree.Element:
    """The root of an XML file, of which all objects are children.

    Raises:
        ValueError: it is not VOC's, or has objects elsewhere or spelt otherwise, which nobody
            would find.
    """
    root = xml_files.read(path)
    xml_files.require_root(path, root, "annotation")
    found = set(root.findall("object"))
    for element in root.iter():
        tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if tag.lower() == "object" and element not in found:
            what = f"<{shown(element.tag)}>"
            raise ValueError(f"{path}: {what}: must be <object>, directly in <annotation>")
    return root


def _elements(path: Path) -> list[ElementTree.Element]:
    return _read(path).findall("object")


def _name(element: ElementTree.Element) -> str:
    return element.findtext("name", "").strip()  # the object's own, not that of a part of it


def objects(one: Labelled, size: tuple[int, int], classes: tuple[str, ...]) -> list[Thing]:
    assert one.labels is not None
    root = _read(one.labels)
    _require_of(one, root, size)
    things = []
    for k, element in enumerate(root.findall("object"), start=1):
        at = f"{one.labels}: object {k}"
        things.append(thing(at, partial(_placed, one.labels, k, element, size, classes)))
    return things if one.mask is None else _with_masks(things, one.mask, one.image, size)


def _require_of(one: Labelled, root: ElementTree.Element, size: tuple[int, int]) -> None:
    """Raises ValueError if a file says that it is of another image than `one`, of that size."""
    try:
        stated, name = _stated(root), xml_files.text(root, "filename")
    except ValueError as error:
        raise ValueError(f"{one.labels}: {error}") from error
    if stated not in (None, size):
        raise ValueError(
            f"{one.labels}: size = {stated[0]} x {stated[1]}: {one.image} is {size[0]} x {size[1]}"
            " px: must be the same"
        )
    name = PureWindowsPath(name).name  # which takes / and \\ alike
    if name not in ("", one.image.name) and len(name) < 250 and "\0" not in name:
        other = one.image.with_name(name)
        if other.stem != one.image.stem and other.is_file():
            raise ValueError(
                f"{one.labels}: filename = {name!r}: must be {one.image.name!r}, the image of"
                " its own name: the other one is there too"
            )


def _placed(
    path: Path,
    k: int,
    element: ElementTree.Element,
    size: tuple[int, int],
    classes: tuple[str, ...],
) -> dict[str, Any]:
    try:
        return _object(element, size, classes)
    except ValueError as error:
        line = xml_files.line_of(path, "object", k)
        raise ValueError(f"{path}: line {line}: object {k}: {error}") from error


def _object(
    element: ElementTree.Element, size: tuple[int, int], classes: tuple[str, ...]
) -> dict[str, Any]:
    name = xml_files.text(element, "name")
    if name not in classes:
        raise ValueError(f"name = {brief(name)}: must be one of {shown_classes(classes)}")
    box = xml_files.one(element, "bndbox")
    if box is None:
        raise ValueError("bndbox: is not there: must have xmin, ymin, xmax, ymax")
    corners = [xml_files.text(box, key) for key in ("xmin", "ymin", "xmax", "ymax")]
    try:
        left, top, right, bottom = map(float, corners)  # some are not whole numbers
        if not all(map(math.isfinite, (left, top, right, bottom))) or "_" in "".join(corners):
            raise ValueError("not finite")
    except ValueError as error:
        raise ValueError(f"bndbox = {brief(corners)}: must be four numbers") from error
    try:
        left, top, right, bottom = cut_off((left - 1, top - 1, right, bottom), size)
    except ValueError as error:
        raise ValueError(f"bndbox = {brief(corners)}: xmin, ymin, xmax, ymax {error}") from error
    difficult = xml_files.text(element, "difficult")
    if difficult not in ("", "0", "1"):
        raise ValueError(f"difficult = {brief(difficult)}: must be 0 or 1")
    width, height = right - left, bottom - top
    return {
        "category_id": classes.index(name) + 1,
        "bbox": [left, top, width, height],
        "area": width * height,
        "iscrowd": int(difficult == "1"),
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
