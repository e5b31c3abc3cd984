"""PASCAL VOC's XML, a file beside each image.

    VOCdevkit with VOC2007 and VOC2012: trained on trainval2007 and train2012, reported on val2012
    VOCdevkit with one year, or a folder VOC2012: its train and val (or trainval and test)
    FOLDER with images in one folder and XML in another, or both in one: the image sets of
        ImageSets/Main if there are any, otherwise no val split
    FOLDER/train and FOLDER/val, each such a folder

VOC's own folders have VOC's 20 classes; any other has those that its files name. What differs
once the annotations are in COCO's form:

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

import math
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from study.data.formats.beside import (
    BesideImages,
    Labelled,
    Thing,
    files_in,
    images_in,
    lines,
    paired,
    thing,
)
from study.data.formats.format import TEST, TRAIN, TUNE, VAL, DataSet, Format, assigned
from study.data.geometry.run_lengths import encoded
from study.data.source import BadData

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
BORDER = 255  # in the pictures of objects
VERSION = "voc-1"  # of what is made of the files
Part = tuple[str, str]  # year, image set: a file ImageSets/Main/<set>.txt
BOTH_YEARS: dict[str, tuple[Part, ...]] = {
    "train": (("2007", "trainval"), ("2012", "train")),
    "val": (("2012", "val"),),
}


def recognise(place: Path) -> DataSet | None:
    """The splits of VOCdevkit, of one of its years, or of a folder of images and XML."""
    if not place.is_dir():
        return None
    years = [year for folder in sorted(place.iterdir()) if (year := _year(folder))]
    if {"2007", "2012"} <= set(years):
        train, val = (_official(place, parts) for parts in BOTH_YEARS.values())
        return DataSet(train, val, every_class=True)
    if len(years) > 1:
        raise ValueError(
            f"data = '{place}': has VOC {' and '.join(years)}: give the folder of one of"
            " these years; only 2007 and 2012 are read together"
        )
    if years or _year(place):
        return _one_year(place / f"VOC{years[0]}" if years else place)
    return _loose(place)


def _year(folder: Path) -> str | None:
    match = re.fullmatch(r"VOC(\d{4})", folder.name)
    return match[1] if match and (folder / "ImageSets" / "Main").is_dir() else None


def _one_year(folder: Path) -> DataSet:
    train, val = _sets(folder)
    year, root = folder.name.removeprefix("VOC"), folder.parent
    parts = [((year, name),) for name in (train, val) if name]
    return DataSet(*(_official(root, part) for part in parts), every_class=True)


def _sets(folder: Path) -> tuple[str, str | None]:
    """The image sets to train and to report on."""
    there = {path.stem for path in (folder / "ImageSets" / "Main").glob("*.txt")}
    for train, val in (("train", "val"), ("trainval", "test")):
        if train in there:
            return train, val if val in there else None
    raise ValueError(f"{folder / 'ImageSets' / 'Main'}: has neither train.txt nor trainval.txt")


def _official(root: Path, parts: Sequence[Part]) -> BesideImages:
    """Image sets of VOC's own, together; file names start from `root`.

    An image's id is made of the year of its folder and the digits of its name, so that neither
    the order nor the presence of others changes it.
    """
    labelled = []
    for year, image_set in parts:
        folder = root / f"VOC{year}"
        listed = folder / "ImageSets" / "Main" / f"{image_set}.txt"
        for name in lines(listed):
            digits = year + name.replace("_", "")
            if not digits.isdecimal():
                raise ValueError(f"{listed}: {name!r}: the names of VOC's images are of digits")
            mask = folder / "SegmentationObject" / f"{name}.png"
            labelled.append(
                Labelled(
                    image=folder / "JPEGImages" / f"{name}.jpg",
                    labels=folder / "Annotations" / f"{name}.xml",
                    mask=mask if mask.is_file() else None,
                    id=int(digits),
                )
            )
    return BesideImages(root, tuple(labelled), lambda: CLASSES, _objects, VERSION)


def _loose(root: Path) -> DataSet | None:
    """Images and XML in any folders, or such in a folder for each split."""
    splits: dict[str, list[Labelled]] = {}
    for words in (TRAIN, VAL, TUNE, TEST):
        for word in words:
            if (root / word).is_dir() and (found := _pairs(root / word)):
                splits.setdefault(words[0], list(found.values()))
    if "train" not in splits:
        whole = _pairs(root)
        if whole is None:
            return None
        splits = _listed(root, whole)
    xml = tuple(one.labels for split in splits.values() for one in split if one.labels)
    sources = {
        name: BesideImages(root, tuple(split), partial(_named, xml), _objects, VERSION, xml)
        for name, split in splits.items()
    }
    return assigned(sources)


def _pairs(root: Path) -> dict[str, Labelled] | None:
    """Each image with its XML, by name; None: there is no XML of VOC's.

    Raises:
        ValueError: more than one folder of either kind, or files without a partner.
    """
    inside = (path for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] != ".")
    folders = [root, *(path for path in inside if not path.name.startswith("Segmentation"))]
    xml = [folder for folder in folders if _has_xml(folder)]
    if not xml:
        return None
    images = [folder for folder in folders if images_in(folder)]
    images = [folder for folder in images if folder in xml] or images
    for kind, found in (("XML", xml), ("images", images)):
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise ValueError(f"{root}: must have one folder of {kind}, and has {names}")
    pairs, alone = paired(images[0], xml[0], ".xml", root / "SegmentationObject")
    problems = [f"{path}: there is no image of that name in {images[0]}" for path in alone]
    problems += [
        f"{one.image}: there is no XML of that name in {xml[0]}: an image without objects needs"
        " one without <object>"
        for one in pairs.values()
        if one.labels is None
    ]
    if problems and not (root / "ImageSets" / "Main").is_dir():
        raise BadData(problems)
    return {name: one for name, one in pairs.items() if one.labels}


def _listed(root: Path, pairs: dict[str, Labelled]) -> dict[str, list[Labelled]]:
    """The pairs of each image set; all are trained on where there are no image sets."""
    if not (root / "ImageSets" / "Main").is_dir():
        return {"train": list(pairs.values())}
    splits = {}
    for split, name in zip(("train", "val"), _sets(root), strict=True):
        listed = root / "ImageSets" / "Main" / f"{name}.txt"
        names = lines(listed) if name else []
        if lost := [name for name in names if name not in pairs]:
            raise ValueError(f"{listed}: {lost[0]!r}: there is no such image with an XML file")
        if name:
            splits[split] = [pairs[name] for name in names]
    return splits


def _has_xml(folder: Path) -> bool:
    first = next(iter(files_in(folder, ".xml")), None)
    if first is None:
        return False
    with first.open("rb") as file:
        return b"<annotation" in file.read(2**10)


def _named(files: tuple[Path, ...]) -> tuple[str, ...]:
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


def _elements(path: Path) -> list[ElementTree.Element]:
    try:
        return ElementTree.parse(path).getroot().findall("object")
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:  # or an encoding
        raise ValueError(f"{path}: cannot be read as XML: {error}") from error


def _name(element: ElementTree.Element) -> str:
    return element.findtext("name", "").strip()  # the object's own, not that of a part of it


def _objects(one: Labelled, size: tuple[int, int], classes: tuple[str, ...]) -> list[Thing]:
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
    try:
        with Image.open(file) as opened:
            mode, values = opened.mode, np.asarray(opened)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{file}: cannot be read as an image: {error}") from error
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


FORMAT = Format(
    name="VOC",
    wants="VOCdevkit, one of its folders VOC2007 and VOC2012, or a folder of images and one of"
    " XML files with their names (also in train/ and val/)",
    recognise=recognise,
)
