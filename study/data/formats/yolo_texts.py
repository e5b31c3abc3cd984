"""Which of YOLO's text files is which image's, and those that are of none.

The text file has the image's path with the last `images` in it turned to `labels`, or lies beside
the image if there is no such folder. Tools put other texts there too, lists of classes and notes:
those alone whose first line is of numbers are of an image.
"""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from study.data.formats.beside import Labelled
from study.data.formats.partners import alone, files_in, images_in, partners, unread
from study.data.index.placing import plain
from study.data.source import IMAGE_SUFFIXES, BadData

LEAST_NUMBERS = 5  # of a line: a class and a box
HEAD_BYTES = 2**12  # of a text that is asked whether it is of an image


def labelled(images: Mapping[Path, str] | Iterable[Path]) -> tuple[Labelled, ...]:
    """Images in their order, each with its text file if there is one.

    Args:
        images: of any folders; by path, their places in a list where they are of one.

    Raises:
        ValueError: one is called like no image, or `partners` are not clear.
    """
    listed = images if isinstance(images, Mapping) else dict.fromkeys(images, "")
    together: defaultdict[Path, list[Path]] = defaultdict(list)
    for image in listed:
        if image.suffix.lower() not in IMAGE_SUFFIXES:
            raise ValueError(f"{image}: not the name of an image file")
        together[image.parent].append(image)
    of: dict[Path, Path] = {}
    for folder, some in together.items():
        texts = files_in(_texts_of(folder), ".txt")
        own = partners(some, texts, others=images_in(folder))
        of |= {image: file for image, file in own.items() if file.is_file()}
    return tuple(Labelled(image, of.get(image), listed=place) for image, place in listed.items())


def require_images(folders: Iterable[Path]) -> None:
    """Raises BadData unless each text file of an object has its image in the folder it is of.

    Args:
        folders: of images, all of which are meant; such as have no picture are left alone.
    """
    of: defaultdict[Path, list[Path]] = defaultdict(list)
    for folder in folders:
        of[_texts_of(folder)].append(folder)
    problems: list[str] = []
    for texts, places in of.items():
        files = files_in(texts, ".txt")
        for place in places if files else ():
            own = set(partners(images_in(place), files).values())
            files = [file for file in files if file not in own]
        lost = [file for file in files if _has_objects(file)]
        names = {plain(file.stem) for file in lost}
        # first where images are apart from their texts; folders of neither are of something else
        for place in sorted(places, key=lambda place: place == texts) if lost else ():
            if images_in(place) or names & unread(place).keys():
                problems += alone(lost, place)
                break
    if problems:
        raise BadData(problems)


def _texts_of(folder: Path) -> Path:
    """Where the text files of a folder of images lie."""
    parts = list(folder.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    texts = Path(*parts)
    return texts if texts.is_dir() else folder


def _has_objects(file: Path) -> bool:
    """Whether a text begins with a line of numbers, as YOLO's do."""
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        head = opened.read(HEAD_BYTES).removeprefix(codecs.BOM_UTF8).split(b"\n")
    words = next((line.split() for line in head if line.strip()), [])
    try:
        return len(words) >= LEAST_NUMBERS and len([float(word) for word in words]) > 0
    except ValueError:
        return False
