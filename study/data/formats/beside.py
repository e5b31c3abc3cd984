"""Annotations in a file beside each image, as in VOC and YOLO: what such formats share.

A format says which files belong together (`study.data.formats.partners`) and how one file is read.
Here they are put together: ids, sizes of the images, a digest of all files, and the places that
messages name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from study.config import digest
from study.config.printable import one_line
from study.data.formats.digests import digest_by_reading, remembered
from study.data.given import contents
from study.data.orientation import hidden, lies, stored_px
from study.data.pixels import Unusable, opened
from study.data.source import BadData, Content

OVERHANG_PX, OVERHANG = 1.0, 0.01  # that boxes may stick out, or this share of the image's side
AT = "read from"  # the key of an item under which its place in the files stands


@dataclass(frozen=True)
class Labelled:
    """An image and the files that say what is in it."""

    image: Path
    labels: Path | None  # None: there is no file, and no object
    mask: Path | None = None
    id: int | None = None  # None: its place in the list, from 1
    listed: str = ""  # the place where a file names it, if one does


Thing = tuple[str, dict[str, Any] | ValueError]
"""An object's place in its file, and COCO's annotation of it without ids, or what is wrong."""


@dataclass(frozen=True)
class BesideImages:
    """A split of many small files; see `study.data.source.Source`.

    Args:
        path: the folder that holds all images.
        classes: names of all classes of the data set; category ids are counted from 1.
        objects: the objects of one image, of which width and height in px are given; raises
            ValueError with a message that names the file.
        version: of what `objects` makes of the files; a change makes another digest.
        also: files besides that `classes` depends on.
        upright: whether the images are seen as EXIF says, or as they are stored.
        stated_px: width and height that the files of an image say, which tell where all images
            are seen as stored but those that only so have the size that is stated.
    """

    path: Path
    labelled: tuple[Labelled, ...]
    classes: Callable[[], tuple[str, ...]]
    objects: Callable[[Labelled, tuple[int, int], tuple[str, ...]], list[Thing]]
    version: str
    also: tuple[Path, ...] = ()
    upright: bool = False
    stated_px: Callable[[Labelled], tuple[int, int] | None] | None = None

    @property
    def images(self) -> Path:
        return self.path

    def digest(self) -> str:
        named = (one for one in self.labelled if one.listed)
        if lost := [one.listed for one in named if not one.image.is_file()]:
            raise BadData([f"{place}: there is no such image" for place in lost])
        own = [path for one in self.labelled for path in (one.labels, one.mask) if path]
        files = [one.image for one in self.labelled] + own
        files = dict.fromkeys([*files, *self.also])
        return remembered(files, [self.version, len(own), "seen"], self._find_digest)

    def _find_digest(self) -> str:
        with ThreadPoolExecutor() as pool:
            sizes = list(pool.map(self._seen, self.labelled))
            rows = list(pool.map(self._row, self.labelled))
        return digest([self.version, self.classes(), sizes, rows])

    def _size(self, one: Labelled) -> tuple[int, int]:
        with _opened(one.image) as image:
            return self._shown(one, image)

    def _shown(self, one: Labelled, image: Image.Image) -> tuple[int, int]:
        """Width and height as the annotations see it."""
        width, height = stored_px(image)
        # the orientation last: to look for it decodes a PNG
        turned = (self.upright or self._states(one, (height, width))) and lies(image)
        return (height, width) if turned else (width, height)

    def _states(self, one: Labelled, size: tuple[int, int]) -> bool:
        return self.stated_px is not None and self.stated_px(one) == size

    def _seen(self, one: Labelled) -> tuple[int, ...]:
        """The size, and the orientation where that changes what is seen and not the size."""
        with _opened(one.image) as image:
            more = hidden(image) if self.upright else None
            return (*self._shown(one, image), *([] if more is None else [more]))

    def _row(self, one: Labelled) -> list[Any]:
        name = one.image.relative_to(self.images).as_posix()
        files = [digest_by_reading(path) if path else None for path in (one.labels, one.mask)]
        return [one.id, name, *files]

    def read(self) -> Content:
        content, problems = self.usable()
        if problems:
            raise BadData(problems)
        return content

    def usable(self) -> tuple[Content, list[str]]:
        """What `read` gives, without what is wrong, and a line for each thing that is."""
        classes = self.classes()
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        problems: list[str] = []
        for at, one in enumerate(self.labelled, start=1):
            try:
                width, height = self._size(one)
                things = self.objects(one, (width, height), classes)
            except ValueError as error:
                problems.append(one_line(str(error)))
                continue
            name = one.image.relative_to(self.images).as_posix()
            image = {"id": one.id or at, "file_name": name, "width": width, "height": height}
            images.append(image | {AT: str(one.image)})
            for place, thing in things:
                if isinstance(thing, ValueError):
                    problems.append(one_line(str(thing)))
                    continue
                ids = {"id": len(annotations) + 1, "image_id": image["id"], AT: place}
                annotations.append(ids | thing)
        categories = [{"id": k, "name": name} for k, name in enumerate(classes, start=1)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        return content, problems

    def pieces(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        yield from self.read().items()

    def place(self, kind: str, item: dict[str, Any]) -> str:
        if AT in item:
            return one_line(item[AT])
        if "file_name" in item:
            return one_line(str(self.images / item["file_name"]))
        return f"{self.path}: {kind} {item.get('id')}"


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """`opened`, which says on one line of any file what is wrong with it."""
    try:
        with opened(file) as image:
            yield image
    except Unusable as error:
        raise Unusable(one_line(str(error))) from error


def thing(place: str, read: Callable[[], dict[str, Any]]) -> Thing:
    """An object, or what is wrong with it."""
    try:
        return place, read()
    except ValueError as error:
        return place, error


def cut_off(
    corners: tuple[float, float, float, float], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The box left, top, right, bottom px, cut off where the image of width and height px ends.

    Raises:
        ValueError: it sticks out by more than tools round, or encloses no part of the image; the
            message goes on after what the file has.
    """
    over = [max(OVERHANG_PX, OVERHANG * side) for side in size]
    left, top, right, bottom = corners
    image = f"the image of {size[0]} x {size[1]} px"
    if right <= max(0.0, left) or bottom <= max(0.0, top) or left >= size[0] or top >= size[1]:
        raise ValueError(f"must enclose a part of {image}")
    within = left >= -over[0] and top >= -over[1]
    if not within or right > size[0] + over[0] or bottom > size[1] + over[1]:
        raise ValueError(f"must lie inside {image}")
    return max(0.0, left), max(0.0, top), min(right, size[0]), min(bottom, size[1])


def shown_classes(classes: tuple[str, ...]) -> str:
    """The names, or the first ones and how many there are."""
    more = f", … ({len(classes)} in all)" if len(classes) > 30 else ""
    return ", ".join(classes[:30]) + more


def lines(path: Path) -> list[str]:
    """`numbered_lines` without their numbers."""
    return list(numbered_lines(path).values())


def numbered_lines(path: Path) -> dict[int, str]:
    """The lines of a text that are not empty, without spaces around them, by number from 1.

    Raises:
        ValueError: it cannot be read, or is not UTF-8.
    """
    raw = contents(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}: line {line}: cannot be read as UTF-8: byte {error.start:,}"
        ) from error
    numbered = enumerate(text.splitlines(), start=1)
    return {k: line.strip() for k, line in numbered if line.strip()}


def size_px(file: Path) -> tuple[int, int]:
    """Width and height of an image file, from its header.

    Raises:
        ValueError: it is not there, or not an image.
    """
    with opened(file) as image:
        return stored_px(image)
