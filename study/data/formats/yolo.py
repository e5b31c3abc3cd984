"""YOLO's text files, one beside each image: a line for each object.

    FOLDER/data.yaml (or .yml of another name, or that file) with `names`, and `train` and `val`
        as folders of images or .txt lists of them, from `path` if there is one, or from FOLDER
    FOLDER/images/train and FOLDER/labels/train, or FOLDER/train/images and FOLDER/train/labels:
        wherever an image lies, `images` in its path is `labels` in that of its text file, which
        otherwise lies beside it

A line is `class x y width height`, the box's middle and size as shares of the image's, or `class
x1 y1 x2 y2 x3 y3 …`, a polygon. Shares are those of the image as it is shown, upright by its EXIF
orientation. An image without a file, or with an empty one, has no object. A text file of objects
without an image is refused in a folder of images, not where they are listed: a list may be of some
of them (`study.data.formats.yolo_texts`). Names of another machine
are matched by their ends with what lies beside the YAML file.
A split `test` that has text files is reported on, and `val` beside it is then tuned on.

Without a YAML file a list of classes will do: `classes.txt`, beside images/ and labels/, in
labels/, or beside images and text files in one folder; or `obj.names`, with lists of images
`train.txt` and `valid.txt`.
"""

from __future__ import annotations

import codecs
import math
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from study.config.printable import brief
from study.data.formats import yolo_lists
from study.data.formats.beside import BesideImages, Labelled, Thing, cut_off, numbered_lines, thing
from study.data.formats.format import TEST, TRAIN, TUNE, VAL, DataSet, Format, assigned
from study.data.formats.partners import READ, images_in
from study.data.formats.yolo_texts import labelled, require_images
from study.data.geometry import rings
from study.data.given import contents, there
from study.data.index.placing import is_foreign, placed
from study.storage.listing import matching

CLASSES = ("classes.txt", "labels/classes.txt", "obj.names")  # lists of them, a name a line
LAYOUTS = ("images/{}", "{}/images", "{}.txt")  # of a split, without a YAML file
VERSION = "yolo-1"  # of what is made of the files


def recognise(place: Path) -> DataSet | None:
    """The splits that a YAML file with `names` and `train` describes."""
    found = {}
    files = matching(place, "*.y*ml") if place.is_dir() else [place]
    for path in files:
        if path.suffix.lower() in (".yaml", ".yml") and (asked := yolo_lists.described(path)):
            found[path] = asked
    if not found and place.is_dir():
        found = _without_yaml(place)
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"data = '{place}': {names}: give one of these files")
    ((path, asked),) = found.items()
    classes = yolo_lists.classes(path, asked)
    splits = {
        words[0]: _source(path, asked, word, classes)
        for words in (TRAIN, VAL, TUNE)
        for word in words
        if asked.get(word)
    }
    if test := _labelled_test(path, asked, classes):
        splits["test"] = test
    return assigned(splits)


def _labelled_test(
    path: Path, asked: dict[str, Any], classes: tuple[str, ...]
) -> BesideImages | None:
    """The test split, if it is there and has text files: it is often named and not published."""
    if not asked.get("test"):
        return None
    try:
        there = _images(path, asked, "test")[0]
    except ValueError:
        return None
    if not any(one.labels for one in labelled(there)):
        return None
    return _source(path, asked, "test", classes)


def _without_yaml(place: Path) -> dict[Path, dict[str, Any]]:
    """What a YAML file would say of a folder that has a list of classes instead."""
    listed = [place / name for name in CLASSES if (place / name).is_file()]
    if not listed:
        return {}
    asked: dict[str, Any] = {"names": yolo_lists.listed_names(listed[0])}
    for word in (*TRAIN, *VAL, *TUNE, *TEST):
        there = [one.format(word) for one in LAYOUTS if (place / one.format(word)).exists()]
        if there:
            asked[word] = there[0]
    if "train" not in asked and (place / "images").is_dir():
        asked["train"] = "images"
    if "train" not in asked and any(one.labels for one in labelled(images_in(place))):
        asked["train"] = "."
    return {place / listed[0].name: asked} if "train" in asked else {}


def _source(
    path: Path, asked: dict[str, Any], split: str, classes: tuple[str, ...]
) -> BesideImages:
    images, folders = _images(path, asked, split)
    require_images(folders)
    if not images:
        raise ValueError(
            f"{path}: {split} = {brief(asked[split])}: there is no image, of a kind that is read:"
            f" {READ}"
        )
    folder = Path(os.path.commonpath([image.parent for image in images]))
    return BesideImages(folder, labelled(images), lambda: classes, _objects, VERSION, upright=True)


def _images(path: Path, asked: dict[str, Any], split: str) -> tuple[dict[Path, str], list[Path]]:
    """The images of a split: of one folder or list, or of several, and of folders in these.

    Returns:
        by path, each with its place in a list, if it is of one; and the folders that all images
        of are meant.
    """
    given = asked[split] if isinstance(asked[split], list) else [asked[split]]
    found: dict[Path, str] = {}
    whole: set[Path] = set()
    for one in given:
        place = _there(path, asked.get("path") or "", one)
        if place is None:
            raise ValueError(f"{path}: {split} = {brief(one)}: no such folder or list of images")
        if place.is_dir():
            folders = sorted({place, *(p for p in matching(place, "**/*") if p.is_dir())})
            whole |= set(folders)
            for folder in folders:
                found |= dict.fromkeys(images_in(folder), "")
        else:
            found |= _listed(place, path.parent)
    return dict(sorted(found.items())), sorted(whole)


def _listed(file: Path, root: Path) -> dict[Path, str]:
    """The images of a list, from the list's folder or matched below `root`, with their places."""
    names = numbered_lines(file)
    found = {k: (file.parent / name).absolute() for k, name in names.items()}
    for k, image in found.items():
        there(image, f"{file}: line {k}:")  # refuses what cannot be a path
    if not all(image.is_file() for image in found.values()):
        below = placed(np.array(list(names.values()), np.str_), root).tolist()
        for (k, image), name in zip(found.items(), below, strict=True):
            if not (image.is_file() or is_foreign(name)):
                found[k] = (root / name).absolute()
    return {image: f"{file}: line {k}: {names[k]!r}" for k, image in found.items()}


def _there(path: Path, base: str, one: str) -> Path | None:
    """Where a split lies. Exported files often say ../train for what lies beside the YAML, or have
    paths of the machine that they were written on, whose ends may be found beside it.
    """
    root = path.parent
    tried = [root / base / one, root / one]
    if is_foreign(one) or is_foreign(base):
        parts = [part for part in re.split(r"[\\/]+", one) if part not in ("", ".", "..")]
        tried += [root.joinpath(*parts[at:]) for at in range(len(parts))]
    return next((at.absolute() for at in tried if there(at, f"{path}:")), None)


def _objects(one: Labelled, size: tuple[int, int], classes: tuple[str, ...]) -> list[Thing]:
    if one.labels is None:
        return []
    things = []
    text = contents(one.labels).removeprefix(codecs.BOM_UTF8)
    for k, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            place = f"{one.labels}: line {k}"
            things.append(thing(place, partial(_object, place, line.split(), size, classes)))
    return things


def _object(
    place: str, words: list[bytes], size: tuple[int, int], classes: tuple[str, ...]
) -> dict[str, Any]:
    try:
        if any(b"_" in word for word in words):  # which Python takes for a blank in a number
            raise ValueError("no number")
        number, *shares = map(float, words)
    except ValueError as error:
        text = b" ".join(words).decode(errors="replace")
        raise ValueError(f"{place}: {brief(text)}: must be numbers") from error
    if number not in range(len(classes)):
        raise ValueError(
            f"{place}: class = {number:g}: must be a whole number from 0 to {len(classes) - 1}"
        )
    polygon = len(shares) >= 6 and len(shares) % 2 == 0
    if len(shares) != 4 and not polygon:
        raise ValueError(
            f"{place}: {len(shares)} numbers after the class: must be 4 of a box, or x and y of 3"
            " or more points"
        )
    if not all(math.isfinite(share) and -0.01 <= share <= 1.01 for share in shares):
        raise ValueError(f"{place}: {brief(shares)}: must be shares of the image, from 0 to 1")
    points = [share * size[at % 2] for at, share in enumerate(shares)]
    if polygon:
        left, top = min(points[::2]), min(points[1::2])
        right, bottom = max(points[::2]), max(points[1::2])
    else:
        x, y, width, height = points
        left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if right <= left or bottom <= top:
        raise ValueError(f"{place}: {brief(shares)}: must enclose a part of the image")
    try:
        left, top, right, bottom = cut_off((left, top, right, bottom), size)
    except ValueError as error:
        raise ValueError(f"{place}: {brief(shares)}: {error}") from error
    found = {
        "category_id": int(number) + 1,
        "iscrowd": 0,
        "bbox": [left, top, right - left, bottom - top],
    }
    if not polygon:
        return found | {"area": (right - left) * (bottom - top)}
    corners = list(zip(points[::2], points[1::2], strict=True))
    return found | {"segmentation": [points], "area": rings.area([corners], size)}


FORMAT = Format(
    name="YOLO",
    wants="data.yaml with names, train and val, and text files in labels/ for images in images/",
    recognise=recognise,
)
