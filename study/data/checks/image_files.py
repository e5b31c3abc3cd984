"""What is wrong with image files: missing, cut off, unreadable, or of another size than stated."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from study.config import digest
from study.data.cache import build_once, cache_dir
from study.data.index import Index
from study.data.index.placing import is_foreign, placed
from study.data.orientation import turned
from study.data.source import Source


def of_images(source: Source, index: Index) -> list[str]:
    """A line for each image file that is missing, unreadable, cut off, or of another size."""
    images = _images(index)
    files = [index.image_dir / image["file_name"] for image in images]
    lines = [
        f"{source.place('images', image)}: file_name = {image['file_name']!r}: not in"
        f" {index.image_dir}, nor does a single file of that name lie below it"
        for image, file in zip(images, files, strict=True)
        if is_foreign(image["file_name"]) or not file.is_file()
    ]
    if lines:
        missing = f"{len(lines):,} of {len(images):,} images of {source.path} are not there"
        return [missing, *lines] if len(lines) > 1 else lines
    stats = [file.stat() for file in files]
    state = [
        [str(file), stat.st_size, stat.st_mtime_ns, image["width"], image["height"]]
        for file, stat, image in zip(files, stats, images, strict=True)
    ]
    remembered = cache_dir() / "in-order" / digest(state)
    if remembered.exists():
        return []
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
        seen = list(pool.map(_look, files, images))
    for file, image, problem in zip(files, images, seen, strict=True):
        if problem:
            place = source.place("images", image)
            lines.append(": ".join(dict.fromkeys([place, str(file), problem])))
    if not lines:
        build_once(remembered, lambda to: to.touch())
    return lines


def unusable(source: Source, images: list[dict[str, Any]]) -> dict[int, str]:
    """A line for each image whose file cannot be used, by its id; remembered as above."""
    names = placed(np.array([image["file_name"] for image in images], np.str_), source.images)
    files = [source.images / name for name in names.tolist()]
    inside = [not is_foreign(name) for name in names.tolist()]
    stats = [
        file.stat() if own and file.is_file() else None
        for file, own in zip(files, inside, strict=True)
    ]
    state = [
        [str(file), stat and [stat.st_size, stat.st_mtime_ns], image["width"], image["height"]]
        for file, stat, image in zip(files, stats, images, strict=True)
    ]
    entry = cache_dir() / "unusable" / digest(state)

    def build(to: Path) -> None:
        with ThreadPoolExecutor() as pool:
            seen = list(pool.map(_look, files, images))
        to.write_text(json.dumps(seen))

    seen = json.loads(build_once(entry, build).read_text())
    return {
        image["id"]: ": ".join(dict.fromkeys([source.place("images", image), str(file), line]))
        for file, image, line in zip(files, images, seen, strict=True)
        if line
    }


def _images(index: Index) -> list[dict[str, Any]]:
    columns = (index.image_id, index.file_name, index.width, index.height)
    keys = ("id", "file_name", "width", "height")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _look(file: Path, image: dict[str, Any]) -> str | None:
    try:
        with Image.open(file) as opened:
            opened.load()
            size = turned(opened, (image["width"], image["height"])).size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"cannot be read as an image: {error}"
    if size != (image["width"], image["height"]):
        stated = f"{image['width']} x {image['height']}"
        return f"is {size[0]} x {size[1]} px, the annotations say {stated}"
    return None
