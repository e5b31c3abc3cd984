"""What is wrong with annotations in COCO's form: ids, fields, names, and each object's shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from study.config.printable import brief
from study.data import class_names
from study.data.checks.objects import (
    wrong_box,
    wrong_form,
    wrong_keypoints,
    wrong_polygons,
    wrong_runs,
)
from study.data.given import MOST_CLASSES
from study.data.source import LISTS, Content, Source

VERSION = 5  # of what is asked of annotations; a change looks at all of them again
BLOCK = 4096  # objects whose run lengths are looked at together
MOST_PX = 178_956_970  # of an image: Pillow reads no larger one
MOST_SIDE_PX = 2**20
MOST_KEYPOINTS = 1_000  # of a class
LONGEST_NAME = 255  # bytes of a part of a path, on any file system of today

Mistake = tuple[str, dict[str, Any] | None, str]
"""The list it is in, the item if it is in one alone, and a line that begins with its place."""


def structure(content: Content, source: Source) -> Iterator[str]:
    """A line for each mistake, which begins with its place as the source names it."""
    return (line for _, _, line in mistakes(content, source))


def mistakes(content: Content, source: Source) -> Iterator[Mistake]:
    """Each mistake, with the item that has it."""
    images, categories = content["images"], content["categories"]
    for name in ("images", "categories"):
        if not content[name]:
            yield name, None, f"{source.path}: {name}: must not be empty"
    for name in LISTS:
        yield from ((name, None, line) for line in _ids(source, name, content[name]))
    sized: dict[Any, dict[str, Any]] = {}
    named: dict[PurePosixPath, Any] = {}
    for image in images:
        wrong = [*_image(image), *_file_name(image, named)]
        for line in wrong:
            yield "images", image, f"{source.place('images', image)}: {line}"
        if not wrong and type(image.get("id")) is int:
            sized[image["id"]] = image
    if len(categories) > MOST_CLASSES:
        line = f"{len(categories):,} classes: must be at most {MOST_CLASSES:,}"
        yield "categories", None, f"{source.path}: categories: {line}"
        return
    misnamed = False
    for category, line in _names(categories, content["annotations"]):
        yield "categories", category, f"{source.place('categories', category)}: {line}"
    for category, line in _keypoint_names(categories):
        misnamed = True
        yield "categories", category, f"{source.place('categories', category)}: {line}"
    number = {} if misnamed else _keypoints_named(categories)
    yield from _of_objects(content, source, sized, number)


def _of_objects(
    content: Content, source: Source, sized: dict[Any, dict[str, Any]], number: dict[int, int]
) -> Iterator[Mistake]:
    """`sized`: images in order, by id; `number`: of keypoints, by the id of a category."""
    ids = {image["id"] for image in content["images"] if type(image.get("id")) is int}
    classes = {one["id"] for one in content["categories"] if type(one.get("id")) is int}
    posed = any(number.values())  # otherwise nobody reads keypoints
    every = content["annotations"]
    for begin in range(0, len(every), BLOCK):
        block = every[begin : begin + BLOCK]
        lines: list[list[str]] = []
        encoded: list[tuple[int, dict[str, Any]]] = []  # run lengths, and where in the block
        for at, one in enumerate(block):
            owner, category = one.get("image_id"), one.get("category_id")
            found: list[str] = []
            if type(owner) is not int or owner not in ids:
                found.append(f"image_id = {brief(owner)}: there is no such image")
            if type(category) is not int or category not in classes:
                found.append(f"category_id = {brief(category)}: no such category")
            image = sized.get(owner) if type(owner) is int else None
            known = type(category) is int and category in classes
            shape = one
            if image is not None:
                if boxed := list(wrong_box(one, image)):
                    found += boxed
                    shape = one | {"bbox": None}  # whose place says nothing about the mask's
                given = one.get("segmentation")
                if type(given) is list:
                    found += wrong_polygons(given, shape, image) if given else ()
                elif given is not None:
                    wrong = wrong_form(given, image)
                    found += [wrong] if wrong else []
                    encoded += [] if wrong else [(at, shape)]
            if posed or one.get("keypoints"):
                named = number.get(category) if posed and known else None
                found += wrong_keypoints(one, named, image)
            lines.append(found)
        of = [shape for _, shape in encoded]
        masks = wrong_runs(of, [sized[shape["image_id"]] for shape in of])
        for (at, _), wrong in zip(encoded, masks, strict=True):
            lines[at] += wrong
        for one, found in zip(block, lines, strict=True):
            for line in found:
                yield "annotations", one, f"{source.place('annotations', one)}: {line}"


def _ids(source: Source, name: str, items: list[dict[str, Any]]) -> Iterator[str]:
    ids = [item.get("id") for item in items]
    for at, given in enumerate(ids):
        if type(given) is not int or not 0 <= given < 2**63:
            yield (
                f"{source.path}: {name}[{at}]: id = {brief(given)}: must be a whole number,"
                " 0 or more"
            )
    counts = Counter(given for given in ids if type(given) is int)
    for value, times in counts.items():
        if times > 1:
            yield f"{source.path}: {name} id {brief(value)}: occurs {times} times: must occur once"


def _image(image: dict[str, Any]) -> Iterator[str]:
    sides = image.get("width"), image.get("height")
    pixels = 1
    for key, side in zip(("width", "height"), sides, strict=True):
        if type(side) is not int or side < 1:
            yield f"{key} = {brief(side)}: must be a whole number of px above 0"
        elif side > MOST_SIDE_PX:
            yield f"{key} = {brief(side)}: must be at most {MOST_SIDE_PX:,} px"
        else:
            pixels *= side
    if pixels > MOST_PX:
        yield f"width, height = {sides[0]}, {sides[1]}: must be at most {MOST_PX:,} px together"


def _file_name(image: dict[str, Any], named: dict[PurePosixPath, Any]) -> Iterator[str]:
    """`named`: the ids of images by their files' names, to which this one is added."""
    name = image.get("file_name")
    if not isinstance(name, str) or not name:
        yield "file_name: must be a text"
        return
    path = PurePosixPath(name)
    if "\0" in name or not _is_unicode(name):
        yield f"file_name = {brief(name)}: must be a name that a file can have"
    elif any(len(part.encode()) > LONGEST_NAME for part in path.parts) or len(name) > 4000:
        yield f"file_name = {brief(name)}: must have at most {LONGEST_NAME} bytes between slashes"
    elif path in named:
        yield (
            f"file_name = {brief(name)}: is that of images id {brief(named[path])} too: each image"
            " must be there once, with all its objects"
        )
    named.setdefault(path, image.get("id"))


def _names(
    categories: list[dict[str, Any]], annotations: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], str]]:
    """Classes are known by their names: each must have one of its own.

    Hosted tools put a class with no objects before the real ones, of the project's name, which
    may be a real one's: its `supercategory` is "none".
    """
    first: dict[str, dict[str, Any]] = {}
    used: set[Any] | None = None
    for category in categories:
        name = category.get("name")
        if not isinstance(name, str) or not class_names.is_name(name):
            yield category, f"name = {brief(name)}: {class_names.RULE}"
            continue
        other = first.setdefault(class_names.looks(name), category)
        if other is category:
            continue
        if used is None:
            of = (a.get("category_id") for a in annotations)
            used = {one for one in of if type(one) is int}
        hosted = (one for one in (category, other) if one.get("supercategory") == "none")
        if any(type(one.get("id")) is int and one["id"] not in used for one in hosted):
            continue
        but = class_names.but(name, other["name"])
        line = (
            f"name = {brief(name)}: is that of categories id {brief(other.get('id'))}"
            f" ({brief(other['name'])}) too{but}: give each class a name of its own,"
            " or their objects one category_id"
        )
        yield category, line


def _is_unicode(text: str) -> bool:
    """Whether it can be written down: JSON may have halves of a letter."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _keypoints_named(categories: list[dict[str, Any]]) -> dict[int, int]:
    """How many keypoints each category names, by id."""
    return {c["id"]: len(c.get("keypoints") or []) for c in categories if type(c.get("id")) is int}


def _keypoint_names(
    categories: list[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], str]]:
    """Categories may name no keypoints; those that do must name the same ones.

    Yields:
        each that does not, and what is wrong with it.
    """
    first: dict[str, Any] | None = None
    for category in categories:
        names = category.get("keypoints") or []
        at = f"keypoints = {brief(names)}"
        texts = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not texts or not all(map(_is_unicode, names)):
            yield category, f"{at}: must be a list of names"
        elif len(names) > MOST_KEYPOINTS:
            yield category, f"{at}: {len(names):,} names: must be at most {MOST_KEYPOINTS:,}"
        elif len(set(names)) < len(names):
            yield category, f"{at}: must have each name only once"
        elif names and first is None:
            first = category
        elif names and first is not None and names != first["keypoints"]:
            other = f"those of categories id {brief(first.get('id'))}"
            yield category, f"{at}: must be the same as {other}, for one head finds them all"
