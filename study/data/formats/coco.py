"""COCO's instances format: a JSON file for each split, and a folder of images.

    FOLDER/instances_train.json and instances_val.json (or in FOLDER/annotations), without or with
        a year; images in FOLDER/train and FOLDER/val, in these in FOLDER/images, in FOLDER/images
        itself, or beside the JSON
    FOLDER/train/_annotations.coco.json and FOLDER/valid/… with the images beside it
    in each of these also a test split with objects: it is reported on, and val then tuned on
    FOLDER with one JSON file of another name, or that file: no val split

Ids are whole numbers. Some tools write them as texts ("12"), which are read as the numbers.

A file of keypoints (`person_keypoints_…`) beside those of instances is left alone: it lists the
same images, and is given with its images as --data.train.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from study.config.printable import brief
from study.data.cache import build_once, cache_dir
from study.data.formats.digests import file_digest
from study.data.formats.format import TEST, TRAIN, TUNE, VAL, DataSet, Format, assigned
from study.data.formats.pieces import pieces
from study.data.formats.texts import json_files
from study.data.given import MOST_BYTES, file_there, require_size
from study.data.source import LISTS, Content
from study.storage.listing import matching

IDS = {"images": ("id",), "annotations": ("id", "image_id", "category_id"), "categories": ("id",)}
DIGITS = 18  # that surely fit int64
HEAD_BYTES = 2**20  # of a file that is asked whether it is COCO's


@dataclass(frozen=True)
class AnnotationFile:
    """A split of one JSON file; see `study.data.source.Source`."""

    path: Path
    images: Path
    upright: bool = False  # COCO has no rule; what was published states the stored size

    def digest(self) -> str:
        file_there(self.path, "annotations")
        require_size(self.path, MOST_BYTES)
        return file_digest(self.path)

    def read(self) -> Content:
        content = read_json(self.path)
        for name in LISTS:
            _number(self.path, name, content[name])
        return content

    def pieces(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        begun = False
        try:
            for name, items in pieces(self.path, LISTS):
                begun = True
                _number(self.path, name, items)
                yield name, items
        except (ValueError, RecursionError) as error:
            content = self.read()  # says what is wrong, or can read it: in UTF-16, say
            if begun:
                raise ValueError(f"{self.path}: {error}") from error
            yield from ((name, content[name]) for name in LISTS)

    def place(self, kind: str, item: dict[str, Any]) -> str:
        return f"{self.path}: {kind} id {brief(item.get('id'))}"


def recognise(place: Path) -> DataSet | None:
    """The splits of a folder, or of a JSON file."""
    if place.is_file():
        one = place.suffix.lower() == ".json" and _is_coco(place)
        return DataSet(AnnotationFile(place, _images(place.parent, place))) if one else None
    if not place.is_dir():
        return None
    named = {words[0]: _split(place, words) for words in (TRAIN, VAL, TUNE, TEST)}
    splits = {name: split for name, split in named.items() if split is not None}
    if "train" not in splits and (only := _only(place)):
        splits["train"] = only
    return assigned(splits) if "train" in splits else None


def _split(root: Path, words: tuple[str, ...]) -> AnnotationFile | None:
    pattern = re.compile(rf"(instances_)?({'|'.join(words)})(\d{{4}})?")
    found = [
        AnnotationFile(path, _images(root, path))
        for path in _jsons(root)
        if pattern.fullmatch(path.stem.lower())
    ]
    found += [
        AnnotationFile(path, path.parent)
        for word in words
        for path in matching(root / word, "*.coco.json")
    ]
    if len(found) > 1:  # as with COCO of two years, of which one has no images there
        found = [one for one in found if one.images not in (root, root / "images")] or found
    found = [one for one in found if _is_coco(one.path, objects=words == TEST)]
    if len(found) > 1:
        names = ", ".join(str(one.path.relative_to(root)) for one in found)
        raise ValueError(
            f"data = '{root}': {names}: more than one may be the {words[0]} split: give"
            " the files and their images as --data.train, --data.train-images, --data.val and"
            " --data.val-images"
        )
    return found[0] if found else None


def _only(root: Path) -> AnnotationFile | None:
    """The only file of instances there is, whatever its name."""
    found = [
        path
        for path in _jsons(root)
        if not re.match("person_keypoints|captions", path.stem) and _is_coco(path)
    ]
    return AnnotationFile(found[0], _images(root, found[0])) if len(found) == 1 else None


def _jsons(root: Path) -> list[Path]:
    return [path for folder in (root, root / "annotations") for path in matching(folder, "*.json")]


def _images(root: Path, path: Path) -> Path:
    """Where the images of an annotation file lie in the data set's folder."""
    if path.parent.name == "annotations" and path.parent == root:
        root = root.parent  # the file was given alone
    name = path.stem.removeprefix("instances_")
    for folder in (root / name, root / "images" / name, root / "images"):
        if folder.is_dir():
            return folder
    return root


def _is_coco(path: Path, objects: bool = False) -> bool:
    """Whether a file's beginning or end names COCO's lists; its middle may be gigabytes.

    With `objects` one of them must be seen: test splits are often published without.
    """
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            seen = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            file.seek(max(len(seen), size - HEAD_BYTES))
            seen += file.read()
    except OSError:
        return False
    seen = seen.replace(b"\0", b"")  # in UTF-16 too
    if objects and b'"bbox"' not in seen:
        return False
    return b'"images"' in seen and (b'"annotations"' in seen or b'"categories"' in seen)


FORMAT = Format(
    name="COCO",
    wants="train.json and val.json (or instances_train.json, in the folder or in annotations/)"
    " with images in train/ and val/ or images/; or one such JSON file",
    recognise=recognise,
)


def read_json(path: Path, lists: Collection[str] = LISTS) -> Content:
    """An annotation file's content.

    Raises:
        ValueError: not JSON, or not an object with these lists, by default all of COCO's.
    """
    content = json_files.read(path, MOST_BYTES)
    if not isinstance(content, dict):
        wanted = f" with the lists {', '.join(lists)}" if lists else ""
        raise ValueError(f"{path}: is {brief(content)}: must be an object{wanted}")
    for name in lists:
        if not isinstance(content.get(name), list):
            said = brief(content[name]) if name in content else "not there"
            raise ValueError(
                f"{path}: {name}: must be a list (COCO instances format), and is {said}"
            )
    return content


def _number(path: Path, kind: str, items: list[Any]) -> None:
    """Turn ids that are texts of digits to numbers, in place.

    Raises:
        ValueError: other texts; names the first one.
    """
    for at, item in enumerate(items):
        for key in IDS[kind]:
            given = item.get(key) if type(item) is dict else None
            if type(given) is not str:
                continue
            if not (given.isascii() and given.isdecimal() and len(given) <= DIGITS):
                raise ValueError(
                    f"{path}: {kind}[{at}]: {key} = {brief(given)}: must be a whole number, 12 or"
                    ' "12": number them anew, 1, 2, 3, …, wherever they are referred to'
                )
            item[key] = int(given)


def read_image_ids(path: Path) -> np.ndarray:
    """int64, ascending: the ids of an annotation file's images; all else in it is left alone.

    They are stored in the cache: a file of COCO's takes seconds and gigabytes to read.

    Raises:
        ValueError: no such file, or no list of images with whole numbers as ids.
    """
    file_there(path, "annotations")

    def build(to: Path) -> None:
        images = read_json(path, lists=["images"])["images"]
        _number(path, "images", images)
        ids = [image.get("id") if isinstance(image, dict) else None for image in images]
        for at, value in enumerate(ids):
            if type(value) is not int or not 0 <= value < 2**63:
                raise ValueError(
                    f"{path}: images[{at}]: id = {brief(value)}: must be a whole number, 0 or more"
                )
        with to.open("wb") as file:
            np.save(file, np.unique(np.array(ids, np.int64)))

    return np.load(build_once(cache_dir() / "image-ids" / f"{file_digest(path)}.npy", build))
