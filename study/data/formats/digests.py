"""Digests of files, remembered in the cache until a file changes.

Every trial asks for its data set's digest, several times, and COCO's own annotations take a second
to read through. A file counts as unchanged while its place, size, times and inode are the same.
Any write moves the time of change (ctime), which programs cannot set, and a file that takes
another's place has its own. Times have a grain, up to two seconds on some file systems: a file
that was changed just now may change again and keep its times, so it is read each time until then.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from study.config import digest
from study.data.cache import build_once, cache_dir
from study.data.given import file_there

SETTLED_NS = 2_000_000_000  # since its last change, until a file is remembered


def file_digest(path: Path) -> str:
    """Sixteen hex digits that identify a file's bytes; it is read if it has changed.

    Raises:
        ValueError: the file is not there.
    """
    place = path.resolve()  # of a link, the file that it leads to now
    return remembered([place], "sha256", lambda: digest_by_reading(place))


def digest_by_reading(path: Path) -> str:
    """`file_digest`, of which nothing is remembered: for one of many small files.

    Raises:
        ValueError: the file is not there, or cannot be read.
    """
    file_there(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error


def remembered(files: Iterable[Path], of: Any, find: Callable[[], str]) -> str:
    """What `find()` made of these files when they were as they are.

    Args:
        of: what else it depends on, as JSON.

    Raises:
        ValueError: a file is not there; what `find` raises.
    """
    stamps = [_stamp(file) for file in files]
    newest = max((max(mtime, ctime) for _, _, mtime, ctime, _ in stamps), default=0)
    if time.time_ns() - newest < SETTLED_NS:
        return find()

    def build(to: Path) -> None:
        to.write_text(find())

    entry = cache_dir() / "digests" / f"{digest([of, stamps])}.txt"
    return build_once(entry, build).read_text()


def _stamp(file: Path) -> tuple[str, int, int, int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror}") from error
    return str(file), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
