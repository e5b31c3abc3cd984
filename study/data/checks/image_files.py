"""What is wrong with image files: missing, cut off, unreadable, or of another size than stated."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from study.config import digest
from study.config.printable import one_line
from study.data.cache import build_once, cache_dir
from study.data.index import Index
from study.data.index.placing import is_foreign, placed
from study.data.orientation import lies, turn, turned
from study.data.pixels import NO_FILE, WIDE, Unusable, no_file, opened, values
from study.data.source import Source

VERSION = 3  # of what is looked at; a change looks at all images anew


def of_images(source: Source, index: Index) -> list[str]:
    """A line for each image file that is missing, unreadable, cut off, or of another size."""
    images = _images(index)
    files = [index.image_dir / image["file_name"] for image in images]
    lines = [
        f"{source.place('images', image)}: file_name = {image['file_name']!r}: {why}"
        for image, file in zip(images, files, strict=True)
        if (why := _missing(image["file_name"], file, index.image_dir))
    ]
    if lines:
        missing = f"{len(lines):,} of {len(images):,} images of {source.path} are not there"
        return [missing, *lines] if len(lines) > 1 else lines
    stats = [file.stat() for file in files]
    state = [
        [str(file), stat.st_size, stat.st_mtime_ns, image["width"], image["height"]]
        for file, stat, image in zip(files, stats, images, strict=True)
    ]
    remembered = cache_dir() / "in-order" / digest([VERSION, *state])
    if remembered.exists():
        return []
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
        seen = list(pool.map(_look, files, images))
    for file, image, problem in zip(files, images, seen, strict=True):
        if problem:
            place = source.place("images", image)
            lines.append(": ".join(dict.fromkeys([place, one_line(str(file)), problem])))
    if not lines:
        build_once(remembered, lambda to: to.touch())
    return lines


def unusable(source: Source, images: list[dict[str, Any]]) -> dict[int, str]:
    """A line for each image whose file cannot be used, by its id; remembered as above."""
    names = placed(np.array([image["file_name"] for image in images], np.str_), source.images)
    files = [source.images / name for name in names.tolist()]
    inside = [not is_foreign(name) for name in names.tolist()]
    stats = [
        file.stat() if own and not no_file(file) else None
        for file, own in zip(files, inside, strict=True)
    ]
    state = [
        [str(file), stat and [stat.st_size, stat.st_mtime_ns], image["width"], image["height"]]
        for file, stat, image in zip(files, stats, images, strict=True)
    ]
    entry = cache_dir() / "unusable" / digest([VERSION, *state])

    def build(to: Path) -> None:
        with ThreadPoolExecutor() as pool:
            seen = list(pool.map(_look, files, images))
        to.write_text(json.dumps(seen))

    seen = json.loads(build_once(entry, build).read_text())
    return {
        image["id"]: ": ".join(
            dict.fromkeys([source.place("images", image), one_line(str(file)), line])
        )
        for file, image, line in zip(files, images, seen, strict=True)
        if line
    }


def _images(index: Index) -> list[dict[str, Any]]:
    columns = (index.image_id, index.file_name, index.width, index.height)
    keys = ("id", "file_name", "width", "height")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _look(file: Path, image: dict[str, Any]) -> str | None:
    stated = image["width"], image["height"]
    try:
        with opened(file) as found:
            as_seen, is_lying = turn(found, stated), lies(found)
            if found.mode in WIDE:
                values(found)
            else:
                found.load()
            shown = turned(found, as_seen).size
            quarter = shown != stated and is_lying
    except Unusable as error:
        return str(error).removeprefix(f"{file}: ")
    if shown != stated:
        upright = f" ({shown[1]} x {shown[0]} as EXIF turns it)" if quarter else ""
        said = f"{stated[0]} x {stated[1]}"
        return f"is {shown[0]} x {shown[1]} px{upright}, the annotations say {said}"
    return None


def _missing(name: str, file: Path, folder: Path) -> str | None:
    """Why there is no file of that name; None: there is one."""
    if not is_foreign(name):
        why = no_file(file)
        if why != NO_FILE:
            return why
    return f"not in {folder}, nor is there just one file below it that it can mean"
