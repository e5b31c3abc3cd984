"""Photos to look at: files and folders of them, read upright."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from study.data import orientation
from study.data.pixels import ELSEWHERE, RAW, Scale, Unusable, opened, rgb
from study.data.source import IMAGE_SUFFIXES
from study.storage.listing import names_in, walked

WRITTEN = ("detections.json", "detections.csv")
"""What `study.predict` writes beside its pictures."""

DRAWN = frozenset((".pdf", ".svg", ".svgz"))  # no photos
RARE = frozenset((".dib", ".mpo", ".pbm", ".pcx", ".pnm", ".sgi", ".tga", ".exr", ".qoi"))
SUFFIXES = IMAGE_SUFFIXES | (ELSEWHERE.keys() - DRAWN) | RARE
"""Of what is taken for a photo. Not all are read: which are not is then said, by name."""


def listed(given: Iterable[Path], out: Path) -> list[Path]:
    """The files among `given`, and the images in its folders at any depth, each once.

    A file that is not there, or a photo of a format that is not read, stays in the list: reading
    it says so. Hidden files are left out, and folders of results: `out`, and what earlier commands
    have written.

    Raises:
        ValueError: there is none.
    """
    found: list[Path] = []
    for path in given:
        found += sorted(_below(path, out.resolve())) if path.is_dir() else [path]
    if not found:
        where = ", ".join(map(str, given)) or "nothing"
        raise ValueError(
            f"photos = {where}: holds no images; give image files, or folders that hold some"
            f" ({' '.join(sorted(IMAGE_SUFFIXES))})"
        )
    once: dict[str, Path] = {}
    for file in found:
        once.setdefault(os.path.normpath(file.absolute()), file)
    return list(once.values())


def _below(root: Path, out: Path) -> Iterator[Path]:
    for at, inside, names in walked(root, through_links=True):
        inside[:] = [one for one in inside if one[0] != "." and not _results(at / one, out)]
        photos = [Path(name) for name in names if name[0] != "."]
        photos = [one for one in photos if one.suffix.lower() in SUFFIXES]
        # what a camera writes twice, raw or HEIC and JPEG, is looked at once
        read = {one.stem for one in photos if one.suffix.lower() not in ELSEWHERE}
        yield from (
            at / one
            for one in photos
            if one.suffix.lower() not in ELSEWHERE or one.stem not in read
        )


def require_no_others(out: Path) -> None:
    """Refuse a folder for results with pictures of the user's: cameras use a name more than once.

    Raises:
        ValueError: names the first.
    """
    if not out.is_dir() or _written(out):
        return
    there = [name for name in names_in(out) if Path(name).suffix.lower() in SUFFIXES]
    if there:
        raise ValueError(
            f"out = {out}: holds {min(there)}, which no earlier study.predict has written, and"
            " pictures of that name would be written over; choose another"
        )


def _results(folder: Path, out: Path) -> bool:
    """Whether pictures in it were drawn here."""
    return folder.resolve() == out or _written(folder)


def _written(folder: Path) -> bool:
    return all((folder / name).is_file() for name in WRITTEN)


def upright(file: Path, scale: Scale | None = None) -> Image.Image:
    """The photo in RGB, turned as its EXIF orientation says.

    What is transparent shows the colour that the file has there, as in training.

    Args:
        scale: the rule for pixels of more than 8 bits, as in training.

    Raises:
        ValueError: not an image, or cut off, or of other pixels than those trained on.
    """
    if ELSEWHERE.get(file.suffix.lower()) == RAW:  # many would be read as TIFF: a small preview
        raise Unusable(f"{file}: {RAW} is not read; convert it to PNG, TIFF or JPEG")
    with opened(file) as image:
        by = orientation.upright(image)  # asked before it is loaded
        return orientation.turned(rgb(image, scale, file), by)
