"""What is wrong with annotations in COCO's form: ids, fields, boxes, masks and keypoints."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from study.data.geometry.run_lengths import compressed
from study.data.source import LISTS, Content, Source

VERSION = 3  # of what is asked of annotations; a change looks at all of them again
OVERHANG_PX = 1.0  # that a box may stick out of its image: real files round


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
    sized = {}
    for image in images:
        wrong = list(_image(image))
        for line in wrong:
            yield "images", image, f"{source.place('images', image)}: {line}"
        if not wrong and "id" in image:
            sized[image["id"]] = image
    misnamed = False
    for category in categories:
        if not isinstance(category.get("name"), str):
            line = f"{source.place('categories', category)}: name: must be a text"
            yield "categories", category, line
    for category, line in _keypoint_names(categories):
        misnamed = True
        yield "categories", category, f"{source.place('categories', category)}: {line}"
    number = {} if misnamed else {c.get("id"): len(c.get("keypoints") or []) for c in categories}
    ids = {image.get("id") for image in images}
    classes = {category.get("id") for category in categories}
    for annotation in content["annotations"]:
        at = source.place("annotations", annotation)
        lines = []
        if annotation.get("image_id") not in ids:
            lines.append(f"image_id = {annotation.get('image_id')!r}: there is no such image")
        if annotation.get("category_id") not in classes:
            lines.append(f"category_id = {annotation.get('category_id')!r}: no such category")
        image = sized.get(annotation.get("image_id"))
        if image is not None:
            lines += _shape(annotation, image)
        if any(number.values()):  # otherwise nobody reads them
            lines += _keypoints(annotation, number.get(annotation.get("category_id"), 0))
        yield from (("annotations", annotation, f"{at}: {line}") for line in lines)


def _ids(source: Source, name: str, items: list[dict[str, Any]]) -> Iterator[str]:
    counts = Counter(repr(item.get("id")) for item in items)
    for at, item in enumerate(items):
        if type(item.get("id")) is not int or abs(item["id"]) >= 2**63:
            yield f"{source.path}: {name}[{at}]: id = {item.get('id')!r}: must be a whole number"
    for value, times in counts.items():
        if times > 1 and value != "None":
            yield f"{source.path}: {name} id {value}: occurs {times} times: must occur once"


def _image(image: dict[str, Any]) -> Iterator[str]:
    for key in ("width", "height"):
        if type(image.get(key)) is not int or image[key] < 1:
            yield f"{key} = {image.get(key)!r}: must be a whole number of px above 0"
    if not isinstance(image.get("file_name"), str) or not image["file_name"]:
        yield "file_name: must be a text"


def _shape(annotation: dict[str, Any], image: dict[str, Any]) -> Iterator[str]:
    box = annotation.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
        yield f"bbox = {box!r}: must be four numbers x, y, width, height"
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
            size = f"{image['width']} x {image['height']} px"
            yield f"bbox = {box}: must lie inside its image of {size}"
    if annotation.get("area") is not None and not _is_number(annotation["area"]):
        yield f"area = {annotation['area']!r}: must be a number of px², or left out"
    if annotation.get("iscrowd", 0) not in (0, 1):
        yield f"iscrowd = {annotation['iscrowd']!r}: must be 0 or 1"
    try:
        compressed(annotation, image)
    except ValueError as error:
        yield str(error)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        yield f"segmentation: not polygons or run lengths ({type(error).__name__}: {error})"


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
        at = f"keypoints = {names!r}"
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            yield category, f"{at}: must be a list of names"
        elif len(set(names)) < len(names):
            yield category, f"{at}: must have each name only once"
        elif names and first is None:
            first = category
        elif names and first is not None and names != first["keypoints"]:
            other = f"those of categories id {first.get('id')}"
            yield category, f"{at}: must be the same as {other}, for one head finds them all"


def _keypoints(annotation: dict[str, Any], number: int) -> Iterator[str]:
    """`number`: how many the annotation's category names."""
    given = annotation.get("keypoints") or []
    if not (isinstance(given, list) and all(map(_is_number, given))):
        yield f"keypoints = {given!r}: must be three numbers for each: x, y, visibility"
    elif len(given) not in (0, 3 * number):
        yield (
            f"keypoints: {len(given)} numbers: its category names {number} keypoints, of 3 numbers"
            " each: x, y, visibility"
        )
    else:
        for at, visibility in enumerate(given[2::3]):
            if visibility not in (0, 1, 2):
                yield (
                    f"keypoints[{3 * at + 2}] = {visibility}: visibility must be 0 (not labelled),"
                    " 1 (hidden) or 2 (seen)"
                )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
