"""What is wrong with a data set, said before any work starts: one line each, with file, id, field.

Looking into thousands of image files takes a while, and so does an annotation file of COCO's size:
what was in order is remembered in the cache, and looked at again only when a file has changed.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from study.config import DataConfig, digest
from study.data.cache import build_once, cache_dir
from study.data.distribution.downloads import PUBLISHED, absent
from study.data.index import (
    LISTS,
    Index,
    compressed,
    file_digest,
    read_image_ids,
    read_json,
)
from study.data.splits import located, open_splits

VERSION = 2  # of what is asked of an annotation file; a change looks at all of them again
SHOWN = 20  # lines of an error
OVERHANG_PX = 1.0  # that a box may stick out of its image: real files round


class BadData(ValueError):
    """The data set cannot be used; `problems` has a line for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        shown = "\n".join(problems[:SHOWN])
        more = f"\n… and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{count} in the data:\n{shown}{more}")
        self.problems = list(problems)


def check(data: DataConfig, sizes: Sequence[int] = ()) -> None:
    """Refuse data that cannot be trained on at these sizes.

    Raises:
        BadData: lists every problem found.
    """
    found = problems(data, sizes)
    if found:
        raise BadData(found)


def problems(data: DataConfig, sizes: Sequence[int] = ()) -> list[str]:
    """Every problem of a data set, a line each; empty if there is none."""
    if to_get := absent(data):
        return [to_get]
    data = located(data)
    if data.train_within:
        try:
            read_image_ids(Path(data.train_within))
        except ValueError as error:
            return [f"data.train_within: {error}"]
    parts = [
        (Path(annotations), Path(images))
        for annotations, images in (
            (data.train, data.train_images),
            (data.val, data.val_images),
            (data.tune, data.tune_images),
        )
        if annotations and images
    ]
    found = [line for part in parts for line in of_file(*part)]
    if not found and data.name not in PUBLISHED:  # a benchmark is compared as it was published
        found = shared_images(parts)
    if found:
        return found
    try:
        splits = open_splits(data)
        for size in sizes:
            splits.subset(size)
    except ValueError as error:
        return [str(error)]
    return []


def of_file(path: Path, folder: Path) -> list[str]:
    """The problems of one annotation file and its folder of images."""
    if not path.is_file():
        return [f"{path}: no such annotation file"]
    if not folder.is_dir():
        return [f"{folder}: no such folder of images"]
    remembered = cache_dir() / "in-order" / f"{file_digest(path)}-v{VERSION}"
    if not remembered.exists():
        try:
            content = read_json(path)
        except ValueError as error:
            return [str(error)]
        found = [
            f"{path}: {name}[{at}]: must be an object"
            for name in LISTS
            for at, item in enumerate(content[name])
            if not isinstance(item, dict)
        ]
        found = found or [f"{path}: {line}" for line in _structure(content)]
        if found:
            return found
        build_once(remembered, lambda to: to.touch())
    return of_images(path, folder, _images(Index.open(path, folder)))


def _images(index: Index) -> list[dict[str, Any]]:
    columns = (index.image_id, index.file_name, index.width, index.height)
    keys = ("id", "file_name", "width", "height")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _structure(content: dict[str, Any]) -> Iterator[str]:
    images, categories = content["images"], content["categories"]
    if not images:
        yield "images: must not be empty"
    if not categories:
        yield "categories: must not be empty"
    for name in LISTS:
        yield from _ids(name, content[name])
    for image in images:
        yield from _image(image)
    for category in categories:
        if not isinstance(category.get("name"), str):
            yield f"categories id {category.get('id')}: name: must be a text"
    misnamed = list(_keypoint_names(categories))
    yield from misnamed
    number = {} if misnamed else {c.get("id"): len(c.get("keypoints") or []) for c in categories}
    sized = {image["id"]: image for image in images if not list(_image(image)) and "id" in image}
    ids = {image.get("id") for image in images}
    classes = {category.get("id") for category in categories}
    for annotation in content["annotations"]:
        at = f"annotations id {annotation.get('id')}"
        if annotation.get("image_id") not in ids:
            yield f"{at}: image_id = {annotation.get('image_id')!r}: there is no such image"
        if annotation.get("category_id") not in classes:
            yield f"{at}: category_id = {annotation.get('category_id')!r}: no such category"
        image = sized.get(annotation.get("image_id"))
        if image is not None:
            yield from (f"{at}: {line}" for line in _shape(annotation, image))
        if any(number.values()):  # otherwise nobody reads them
            own = number.get(annotation.get("category_id"), 0)
            yield from (f"{at}: {line}" for line in _keypoints(annotation, own))


def _ids(name: str, items: Iterable[dict[str, Any]]) -> Iterator[str]:
    counts = Counter(repr(item.get("id")) for item in items)
    for at, item in enumerate(items):
        if type(item.get("id")) is not int:
            yield f"{name}[{at}]: id = {item.get('id')!r}: must be a whole number"
    for value, times in counts.items():
        if times > 1 and value != "None":
            yield f"{name} id {value}: stands {times} times: ids must differ"


def _image(image: dict[str, Any]) -> Iterator[str]:
    for key in ("width", "height"):
        if type(image.get(key)) is not int or image[key] < 1:
            yield f"images id {image.get('id')}: {key} = {image.get(key)!r}: must be px above 0"
    if not isinstance(image.get("file_name"), str) or not image["file_name"]:
        yield f"images id {image.get('id')}: file_name: must be a text"


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
    if annotation.get("iscrowd", 0) not in (0, 1):
        yield f"iscrowd = {annotation['iscrowd']!r}: must be 0 or 1"
    try:
        compressed(annotation, image)
    except ValueError as error:
        yield str(error)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        yield f"segmentation: not polygons or run lengths ({type(error).__name__}: {error})"


def _keypoint_names(categories: list[dict[str, Any]]) -> Iterator[str]:
    """Categories may name no keypoints; those that do must name the same ones."""
    first: dict[str, Any] | None = None
    for category in categories:
        names = category.get("keypoints") or []
        at = f"categories id {category.get('id')}: keypoints = {names!r}"
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            yield f"{at}: must be a list of names"
        elif len(set(names)) < len(names):
            yield f"{at}: each name once"
        elif names and first is None:
            first = category
        elif names and first is not None and names != first["keypoints"]:
            yield f"{at}: differ from those of categories id {first.get('id')}: one head finds all"


def _keypoints(annotation: dict[str, Any], number: int) -> Iterator[str]:
    """`number`: how many the annotation's category names."""
    given = annotation.get("keypoints") or []
    if not (isinstance(given, list) and all(map(_is_number, given))):
        yield f"keypoints = {given!r}: must be numbers x, y, visibility of each"
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


def of_images(path: Path, folder: Path, images: list[dict[str, Any]]) -> list[str]:
    """Image files that are missing, unreadable, cut off, or of another size than stated."""
    files = [folder / image["file_name"] for image in images]
    lines = [
        f"{path}: images id {image['id']}: file_name = {image['file_name']!r}: not in {folder}"
        for image, file in zip(images, files, strict=True)
        if not file.is_file()
    ]
    if lines:
        return lines
    stats = [file.stat() for file in files]
    state = [
        [str(file), stat.st_size, stat.st_mtime_ns, image["width"], image["height"]]
        for file, stat, image in zip(files, stats, images, strict=True)
    ]
    remembered = cache_dir() / "in-order" / digest(state)
    if remembered.exists():
        return []
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
        seen = pool.map(_look, files, images)
        lines = [
            f"{path}: images id {i['id']}: {line}"
            for i, line in zip(images, seen, strict=True)
            if line
        ]
    if not lines:
        build_once(remembered, lambda to: to.touch())
    return lines


def _look(file: Path, image: dict[str, Any]) -> str | None:
    try:
        with Image.open(file) as opened:
            opened.load()
            size = opened.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        return f"{file}: cannot be read as an image: {error}"
    if size != (image["width"], image["height"]):
        stated = f"{image['width']} x {image['height']}"
        return f"{file}: is {size[0]} x {size[1]} px, the annotations say {stated}"
    return None


def shared_images(parts: Sequence[tuple[Path, Path]]) -> list[str]:
    """Images that two splits share, by place or by content."""
    places: dict[Path, Path] = {}
    by_size: defaultdict[int, list[tuple[Path, Path]]] = defaultdict(list)
    lines: list[str] = []
    for path, folder in parts:
        for image in read_json(path)["images"]:
            file = (folder / image["file_name"]).resolve()
            if places.setdefault(file, path) != path:
                lines.append(f"{file}: is in both {places[file]} and {path}: splits share it")
            else:
                by_size[file.stat().st_size].append((path, file))
    for group in by_size.values():
        if len({path for path, _ in group}) > 1:
            lines += _same_content(group)
    return lines


def _same_content(group: list[tuple[Path, Path]]) -> Iterator[str]:
    first: dict[str, tuple[Path, Path]] = {}
    for path, file in group:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        other, twin = first.setdefault(content, (path, file))
        if other != path:
            yield f"{file}: the same picture as {twin}: splits share it"
