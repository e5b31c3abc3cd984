"""PASCAL VOC's annotations as COCO-format JSON, so that all else need not know VOC.

What differs once they are COCO's:

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

AP50 is the number to hold against VOC's mAP. It differs by the above, by 101 points of recall
instead of all, and by at most 100 detections an image (fewer where the model says so).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from hotcoco import mask as rle
from PIL import Image

from study.config import DataConfig

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
BORDER = 255  # in the pictures of objects
Part = tuple[str, str]  # year, image set: a file ImageSets/Main/<set>.txt
TRAIN: tuple[Part, ...] = (("2007", "trainval"), ("2012", "train"))
VAL: tuple[Part, ...] = (("2012", "val"),)


def prepare(data: DataConfig) -> None:
    """Write the annotation files that `data` names, unless they are there, from its root.

    Raises:
        ValueError: a file is missing, is not VOC's format, or may not be written.
    """
    data = data.absolute()
    for path, parts in ((data.train, TRAIN), (data.val, VAL)):
        assert data.root and path
        to = Path(path)
        if to.exists():
            continue
        content = converted(Path(data.root), parts)
        partial = to.with_name(f".{to.name}.partial")
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(content))
            partial.rename(to)
        except OSError as error:
            raise ValueError(
                f"{to}: cannot be written: {error.strerror}. Make a folder with links to VOC2007"
                " and VOC2012 where you may write, and name it as --data.root"
            ) from error


def converted(root: Path, parts: Sequence[Part]) -> dict[str, Any]:
    """The images of the parts and their objects; file names start from `root`.

    An image's id is made of the year of its folder and the digits of its name, so that neither
    the order nor the presence of others changes it.

    Raises:
        ValueError: a file is missing, or not VOC's format.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for year, image_set in parts:
        folder = root / f"VOC{year}"
        for name in _names(folder / "ImageSets" / "Main" / f"{image_set}.txt"):
            image = _image(root, folder / "JPEGImages" / f"{name}.jpg")
            image["id"] = int(year + name.replace("_", ""))
            images.append(image)
            things = _objects(folder / "Annotations" / f"{name}.xml", image)
            picture = folder / "SegmentationObject" / f"{name}.png"
            if picture.is_file():
                things = _with_masks(things, picture, image)
            for thing in things:
                ids = {"id": len(annotations) + 1, "image_id": image["id"]}
                annotations.append(ids | thing)
    categories = [{"id": k, "name": name} for k, name in enumerate(CLASSES, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _names(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error


def _image(root: Path, file: Path) -> dict[str, Any]:
    """Name and size; the file's own size, which is what its pixels are, not the XML's."""
    try:
        with Image.open(file) as image:  # reads the header only
            width, height = image.size
    except OSError as error:
        raise ValueError(f"{file}: cannot be read as an image: {error}") from error
    return {"file_name": file.relative_to(root).as_posix(), "width": width, "height": height}


def _objects(path: Path, image: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        found = ElementTree.parse(path).getroot().findall("object")
    except (OSError, ElementTree.ParseError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    return [_object(path, element, image) for element in found]


def _object(path: Path, element: ElementTree.Element, image: dict[str, Any]) -> dict[str, Any]:
    name = element.findtext("name", "").strip()  # the object's own, not that of a part of it
    if name not in CLASSES:
        raise ValueError(f"{path}: object/name = {name!r}: one of {', '.join(CLASSES)}")
    corners = [element.findtext(f"bndbox/{key}", "") for key in ("xmin", "ymin", "xmax", "ymax")]
    try:
        left, top, right, bottom = map(float, corners)  # some are not whole numbers
    except ValueError as error:
        raise ValueError(f"{path}: object/bndbox = {corners}: must be four numbers") from error
    left, top = max(0.0, left - 1), max(0.0, top - 1)
    width = min(right, image["width"]) - left
    height = min(bottom, image["height"]) - top
    return {
        "category_id": CLASSES.index(name) + 1,
        "bbox": [left, top, width, height],
        "area": width * height,
        "iscrowd": int(element.findtext("difficult", "0").strip() == "1"),
    }


def _with_masks(
    things: list[dict[str, Any]], file: Path, image: dict[str, Any]
) -> list[dict[str, Any]]:
    """The objects of an image with COCO's run lengths of their pixels, where they have any."""
    try:
        with Image.open(file) as opened:
            mode, values = opened.mode, np.asarray(opened)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{file}: cannot be read as an image: {error}") from error
    if mode not in ("P", "L") or values.shape != (image["height"], image["width"]):
        raise ValueError(
            f"{file}: {mode} of {values.shape[1]} x {values.shape[0]} px: must have one number a"
            f" pixel, and {image['width']} x {image['height']} px as {image['file_name']}"
        )
    present = set(np.unique(values).tolist()) - {BORDER}
    return [
        thing | ({"segmentation": _run_lengths(values == k)} if k in present else {})
        for k, thing in enumerate(things, start=1)
    ]


def _run_lengths(mask: np.ndarray) -> dict[str, Any]:
    encoded = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}
