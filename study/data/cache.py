"""The cache folder: generated images, indexes, decoded pixels. All of it can be made again.

Many processes of a study want the same entry at the same moment (trials on one node start
together), so an entry is built by one of them, under a name nobody reads, and appears whole.

Beside an entry lie the sizes, times and checksums of its files. A process that opens it looks at
sizes and times; checksums are taken where a time is another one, and of what is small each time.
A damaged entry is made again.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

from study.storage.locking import locked

VARIABLE = "STUDY_CACHE"
UNUSABLE = (
    *(errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENAMETOOLONG, errno.ELOOP),
)


def cache_dir() -> Path:
    """$STUDY_CACHE, or ~/.cache/rethink-pretraining: a folder, which is made if it is not there.

    Raises:
        ValueError: it cannot be one, or $STUDY_CACHE_GB is no limit.
    """
    given = os.environ.get(VARIABLE)
    folder = Path(given) if given else Path.home() / ".cache" / "rethink-pretraining"
    limit_bytes()  # here: said before work begins, whatever of the cache comes first
    try:
        folder.mkdir(parents=True, exist_ok=True)  # one that is there and full may be read-only
    except OSError as error:
        if error.errno not in UNUSABLE:  # as of a full disk, which is told otherwise
            raise
        name = f"{VARIABLE} = {given!r}" if given else f"{VARIABLE} is unset, and {folder}"
        raise ValueError(
            f"{name}: cannot be a folder for what is made of the data ({error.strerror}); set"
            f" {VARIABLE} to a folder that may be written"
        ) from error
    return folder


def limit_bytes() -> int | None:
    """$STUDY_CACHE_GB in bytes: what decoded images may take; None: as much as the disk has.

    Raises:
        ValueError: it is no number, or below 0.
    """
    given = os.environ.get("STUDY_CACHE_GB")
    if not given:
        return None
    try:
        limit = float(given)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < math.inf:
        raise ValueError(f"STUDY_CACHE_GB = {given!r}: a number of GB, 0 or more; unset: no limit")
    return int(limit * 1e9)


SMALL = 2**20  # bytes of an entry that is read through whenever a process opens it
PIECE = 2**20

log = logging.getLogger("study")
_whole: set[Path] = set()  # entries at which this process has looked


def build_once(entry: Path, build: Callable[[Path], None]) -> Path:
    """The file or folder `entry`, made by `build(temporary path)` if it is not there yet.

    One process builds, the others wait for it. An entry's name must say all that its content
    depends on (a digest), for it is made again only if it is damaged.
    """
    if entry.exists() and (entry in _whole or _is_whole(entry)):
        _whole.add(entry)
        return entry
    entry.parent.mkdir(parents=True, exist_ok=True)
    with (path := entry.with_name(f".{entry.name}.lock")).open("a") as lock:
        locked(lock, path)
        if entry.exists():
            if _is_whole(entry):
                return entry
            log.warning("%s: damaged, and made again", entry)
            _remove(entry)
        temporary = entry.with_name(f".{entry.name}.partial")
        _remove(temporary)  # of a builder that was killed
        try:
            build(temporary)
            _write_sums(entry, temporary)
            temporary.rename(entry)
        except BaseException:
            _remove(temporary)
            raise
    _whole.add(entry)
    return entry


def _write_sums(entry: Path, made: Path) -> None:
    """Say what the entry's files are, so that damage shows."""
    found = {
        str(file.relative_to(made)): [*_state(file), _checksum(file)] for file in _files(made)
    }
    beside = _sums(entry)
    partial = beside.with_name(f"{beside.name}.partial")
    partial.write_text(json.dumps(found))
    partial.rename(beside)


def _is_whole(entry: Path) -> bool:
    try:
        sums = json.loads(_sums(entry).read_text())
    except FileNotFoundError:
        return True  # of an earlier version
    except ValueError:
        return False
    try:
        is_small = sum(size for size, _, _ in sums.values()) <= SMALL
        return all(
            _state(entry / name)[0] == size
            and (
                not (is_small or _state(entry / name)[1] != time)
                or _checksum(entry / name) == checksum
            )
            for name, (size, time, checksum) in sums.items()
        )
    except (OSError, TypeError, ValueError, AttributeError):
        return False


def _sums(entry: Path) -> Path:
    return entry.with_name(f".{entry.name}.sums")


def _files(made: Path) -> list[Path]:
    return (
        [path for path in sorted(made.rglob("*")) if path.is_file()] if made.is_dir() else [made]
    )


def _state(file: Path) -> tuple[int, int]:
    """Size, and time of the last change in nanoseconds."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _checksum(file: Path) -> int:
    found = 0
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            found = zlib.crc32(piece, found)
    return found


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
