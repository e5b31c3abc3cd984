"""Data without what is wrong in them, for those who ask for it: --skip-bad.

A mistake in an object leaves out the object; a file that cannot be read, or has another size than
is stated, the image. What concerns the whole (ids that occur twice, classes) cannot be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from study.config import DataConfig, digest
from study.data.checks.annotations import mistakes
from study.data.checks.image_files import unusable
from study.data.formats import data_set
from study.data.formats.beside import BesideImages, size_px
from study.data.formats.format import DataSet
from study.data.source import BadData, Content, Source

LISTS = ("images", "annotations")  # whose items can be left out


@dataclass(frozen=True)
class Skipping:
    """A split without what is wrong in it; see `study.data.source.Source`."""

    whole: Source
    before: tuple[str, ...] = ()  # what was left out of `whole` already

    @property
    def path(self) -> Path:
        return self.whole.path

    @property
    def images(self) -> Path:
        return self.whole.images

    @property
    def upright(self) -> bool:
        return self.whole.upright

    @property
    def left_out(self) -> tuple[str, ...]:
        """A line for each image and object that is left out, and why."""
        return self._found[1]

    def digest(self) -> str:
        left = self.read()  # not the lines, which name places
        names = [image["file_name"] for image in left["images"]]
        return digest([self.whole.digest(), names, [a.get("id") for a in left["annotations"]]])

    def read(self) -> Content:
        return self._found[0]

    def pieces(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        yield from self.read().items()

    def place(self, kind: str, item: dict[str, Any]) -> str:
        return self.whole.place(kind, item)

    @cached_property
    def _found(self) -> tuple[Content, tuple[str, ...]]:
        """What is left, and a line for each item that is not."""
        lines = list(self.before)
        if isinstance(self.whole, BesideImages):
            content, wrong = self.whole.usable()
            lines += wrong
        else:
            content = self.whole.read()
        content = _checked(content, self.whole, lines)
        bad = unusable(self.whole, content["images"])
        lines += bad.values()
        return _without(content, set(bad)), tuple(lines)


def usable_set(data: DataConfig) -> DataSet:
    """The splits that a configuration means, without what is wrong in them.

    Raises:
        ValueError: as `data_set`.
    """
    found = data_set(data)
    return replace(
        found,
        train=skipping(found.train),
        val=skipping(found.val) if found.val else None,
        tune=skipping(found.tune) if found.tune else None,
    )


def skipping(source: Source) -> Skipping:
    """The source without what is wrong in it."""
    if not isinstance(source, BesideImages):
        return Skipping(source)
    readable, lines = [], []
    for one in source.labelled:
        try:
            size_px(one.image)
            readable.append(one)
        except ValueError as error:
            lines.append(f"{one.listed}: {error}" if one.listed else str(error))
    return Skipping(replace(source, labelled=tuple(readable)), tuple(lines))


def _checked(content: Content, source: Source, lines: list[str]) -> Content:
    """Without the items that have a mistake, of which `lines` are added.

    Raises:
        BadData: mistakes that are not of one item alone.
    """
    if not all(isinstance(item, dict) for items in content.values() for item in items):
        raise ValueError(f"{source.path}: not all items of its lists are objects")
    whole: list[str] = []
    bad: set[int] = set()  # of the objects in memory: an id may be missing or occur twice
    for kind, item, line in mistakes(content, source):
        if kind in LISTS and item is not None:
            bad.add(id(item))
            lines.append(line)
        else:
            whole.append(line)
    if whole:
        raise BadData(whole)
    lost = {image["id"] for image in content["images"] if id(image) in bad}
    kept = {kind: [i for i in items if id(i) not in bad] for kind, items in content.items()}
    return _without(kept, lost)


def _without(content: Content, image_ids: set[Any]) -> Content:
    """Without these images and what they show."""
    return content | {
        "images": [i for i in content["images"] if i.get("id") not in image_ids],
        "annotations": [a for a in content["annotations"] if a.get("image_id") not in image_ids],
    }
