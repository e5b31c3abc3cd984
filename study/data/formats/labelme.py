"""LabelMe's JSON, a file beside each image.

    FOLDER with images and JSON files of the same names, in one folder or two
    FOLDER/train and FOLDER/val (and FOLDER/test), each such a folder

A JSON file belongs to the image of its own name. Where there is none, or more than one, it belongs
to the image that the last part of its `imagePath` names. A file with an image of its own name that
names another one which is there too is refused. `imageData` is not used.

Classes are the labels of all files, in alphabetical order. A polygon, a rectangle (a box without a
mask), a circle (a polygon) and a mask are objects; those of one label that share a `group_id` are
one. Points and lines are refused by name. Coordinates are those of the image as it is shown,
upright by its EXIF orientation. An image without a file has no object: LabelMe writes none where
nothing was drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path, PureWindowsPath
from typing import Any

from study.config.printable import brief, one_line
from study.data.formats.beside import BesideImages, Labelled, Thing, thing
from study.data.formats.format import TEST, TRAIN, TUNE, VAL, DataSet, Format, assigned
from study.data.formats.labelme_shapes import annotation
from study.data.formats.partners import files_in, first_files, images_in
from study.data.formats.texts import json_files
from study.data.index.placing import plain
from study.data.source import BadData
from study.storage.listing import folders_in

VERSION = "labelme-1"  # of what is made of the files
MOST_BYTES = 2**29  # of a file, which may have its image in it
LOOKED_AT = 2**16  # bytes at either end of a file that is asked whether it is LabelMe's


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
        name: BesideImages(
            place, tuple(split), classes, _objects_beside(split), VERSION, files, upright=True
        )
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
    folders = [root, *folders_in(root)]
    labels = [folder for folder in folders if _has_labels(folder)]
    if not labels:
        return None
    images = [folder for folder in folders if images_in(folder)]
    images = [folder for folder in images if folder in labels] or images
    for kind, found in (("LabelMe's JSON", labels), ("images", images)):
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise ValueError(f"{root}: must have one folder of {kind}, and has {names}")
    return _paired(images_in(images[0]), files_in(labels[0], ".json"))


def _paired(images: list[Path], files: list[Path]) -> list[Labelled]:
    """Each image with its file, or with none."""
    by_stem: dict[str, list[Path]] = {}
    alike: dict[str, list[Path]] = {}
    for image in images:
        by_stem.setdefault(image.stem, []).append(image)
        alike.setdefault(plain(image.stem), []).append(image)
    found: dict[Path, Path] = {}
    problems: list[str] = []
    for file in files:
        try:
            same = by_stem.get(file.stem) or alike.get(plain(file.stem), [])
            image = _image_of(file, same, images)
        except ValueError as error:
            problems.append(one_line(str(error)))
            continue
        if (other := found.setdefault(image, file)) is not file:
            said = f"{file}: is of the image {image}, as {other} is: remove one of them"
            problems.append(one_line(said))
    if problems:
        raise BadData(problems)
    return [Labelled(image, found.get(image)) for image in images]


def _image_of(file: Path, same: list[Path], every: list[Path]) -> Path:
    """The image of a file; `same`: those of its name."""
    if len(same) == 1:
        return same[0]
    asked = str(_read(file).get("imagePath") or "")
    name = plain(PureWindowsPath(asked).name)  # which takes / and \ alike
    of_name = [image for image in same or every if plain(image.name) == name]
    if len(of_name) == 1:
        return of_name[0]
    if same:
        names = ", ".join(image.name for image in same)
        raise ValueError(
            f"{file}: imagePath = {brief(asked)}: must name one of the images {names}, for all"
            " have the file's name"
        )
    raise ValueError(
        f"{file}: imagePath = {brief(asked)}: there is no image of that name, and none called"
        f" {file.stem}, in {every[0].parent}"
    )


def _has_labels(folder: Path) -> bool:
    """Whether one of the first JSON files is LabelMe's.

    `imageData` may be before or behind `shapes`.
    """
    for path in first_files(folder, ".json"):
        with path.open("rb") as file:
            seen = file.read(LOOKED_AT)
            file.seek(max(len(seen), file.seek(0, 2) - LOOKED_AT))
            seen += file.read()
        seen = seen.replace(b"\0", b"")  # in UTF-16 too
        if b'"annotations"' in seen:
            return False
        if b'"shapes"' in seen:
            return True
    return False


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
    content = json_files.read(path, MOST_BYTES)
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise ValueError(
            f"{path}: shapes: must be a list of objects, as LabelMe writes it; move the file away"
            " if it is none of LabelMe's"
        )
    return content


def _shapes(path: Path) -> list[dict[str, Any]]:
    return _read(path)["shapes"]


def _objects_beside(split: list[Labelled]) -> Callable[..., list[Thing]]:
    """`_objects` of images that are all in a folder."""
    return partial(_objects, frozenset(plain(one.image.name) for one in split))


def _require_of(one: Labelled, content: dict[str, Any], names: frozenset[str]) -> None:
    """Raises ValueError if a file says that it is of another image than `one`, which is there."""
    name = PureWindowsPath(str(content.get("imagePath") or "")).name
    if plain(name) in names and plain(Path(name).stem) != plain(one.image.stem):
        raise ValueError(
            f"{one.labels}: imagePath = {brief(content['imagePath'])}: must name"
            f" {one.image.name!r}, the image of the file's name: the other one is there too"
        )


def _objects(
    names: frozenset[str], one: Labelled, size: tuple[int, int], classes: tuple[str, ...]
) -> list[Thing]:
    """`names`: those of all images beside this one, as `plain` has them."""
    if one.labels is None:
        return []
    content = _read(one.labels)
    _require_of(one, content, names)
    stated = content.get("imageWidth"), content.get("imageHeight")
    if any(said not in (None, side) for said, side in zip(stated, size, strict=True)):
        raise ValueError(
            f"{one.labels}: imageWidth, imageHeight = {brief(stated[0])}, {brief(stated[1])}:"
            f" {one.image} is of {size[0]} x {size[1]} px"
        )
    objects: dict[Any, list[tuple[str, dict[str, Any]]]] = {}
    for at, shape in enumerate(content["shapes"]):
        group = shape.get("group_id")
        key = at if group is None else (str(group), str(shape.get("label")))
        objects.setdefault(key, []).append((f"{one.labels}: shapes[{at}]", shape))
    return [
        thing(parts[0][0], partial(annotation, parts, size, classes)) for parts in objects.values()
    ]


FORMAT = Format(
    name="LabelMe",
    wants="images, and beside them LabelMe's JSON files of the same names",
    recognise=recognise,
)
