"""PASCAL VOC's XML, a file beside each image.

    VOCdevkit with VOC2007 and VOC2012: trained on trainval2007 and train2012, reported on val2012
    VOCdevkit with one year, or a folder VOC2012: its train and val (or trainval and test)
    FOLDER with images in one folder and XML in another, or both in one: the image sets of
        ImageSets/Main if there are any (one alone may have any name, as CVAT's default.txt),
        otherwise no val split
    FOLDER/train and FOLDER/val, each such a folder

VOC's own folders have VOC's 20 classes; any other has those that its files name. What differs once
the annotations are in COCO's form says `study.data.formats.voc_objects`.

AP50 is the number to hold against VOC's mAP. It differs by that, by 101 points of recall
instead of all, and by at most 100 detections an image (fewer where the model says so).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from study.config.printable import one_line, shown
from study.data.formats.beside import BesideImages, Labelled, lines
from study.data.formats.format import TEST, TRAIN, TUNE, VAL, DataSet, Format, assigned
from study.data.formats.partners import alone, first_files, images_in, paired
from study.data.formats.voc_objects import named, objects, stated_px
from study.data.source import BadData
from study.storage.listing import folders_in, matching

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
WITHOUT = "an image without objects needs one without <object>"
SOME = 5  # names that a message has
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
    main = folder / "ImageSets" / "Main"
    there = {path.stem for path in matching(main, "*.txt")}
    for train, val in (("train", "val"), ("trainval", "test")):
        if train in there:
            return train, val if val in there else None
    # beside each of its lists a tool may write one for each class, cat_default of default
    own = {one for one in there if not any(one.endswith(f"_{other}") for other in there)}
    if len(own) == 1 and not own & {*VAL, *TUNE, *TEST}:
        return own.pop(), None
    names = ", ".join(sorted(own)[:SOME]) or "no list"
    raise ValueError(
        f"{main}: has neither train.txt nor trainval.txt, but {shown(names)}: call the list to"
        " train on train.txt, and one to report on val.txt"
    )


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
    return BesideImages(root, tuple(labelled), lambda: CLASSES, objects, VERSION)


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
        name: BesideImages(
            root, tuple(split), partial(named, xml), objects, VERSION, xml, stated_px=stated_px
        )
        for name, split in splits.items()
    }
    return assigned(sources)


def _pairs(root: Path) -> dict[str, Labelled] | None:
    """Each image with its XML, by name; None: there is no XML of VOC's.

    Raises:
        ValueError: more than one folder of either kind, or files without a partner.
    """
    inside = (path for path in folders_in(root) if not path.name.startswith("Segmentation"))
    folders = [root, *inside]
    xml = [folder for folder in folders if _has_xml(folder)]
    if not xml:
        return None
    images = [folder for folder in folders if images_in(folder)]
    images = [folder for folder in images if folder in xml] or images
    for kind, found in (("XML", xml), ("images", images)):
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise ValueError(f"{root}: must have one folder of {kind}, and has {names}")
    pairs, lone = paired(images[0], xml[0], ".xml", root / "SegmentationObject")
    problems = alone(lone, images[0])
    problems += [
        one_line(f"{one.image}: there is no XML of that name in {xml[0]}: {WITHOUT}")
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
    for path in first_files(folder, ".xml"):
        with path.open("rb") as file:
            if b"<annotation" in file.read(2**10).replace(b"\0", b""):  # in UTF-16 too
                return True
    return False


FORMAT = Format(
    name="VOC",
    wants="VOCdevkit, one of its folders VOC2007 and VOC2012, or a folder of images and one of"
    " XML files with their names (also in train/ and val/)",
    recognise=recognise,
)
