"""What users and files give: paths that may be anything.

A path may have a NUL, be too long for the file system, or lead to a folder where a file is meant,
or to a pipe that never ends.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MOST_BYTES = 4 * 2**30  # of a COCO JSON file; COCO's own largest has 0.5 GiB
MOST_BYTES_BESIDE = 64 * 2**20  # of a file of annotations of one image
MOST_CLASSES = 20_000


def file_there(path: Path, what: str = "") -> None:
    """Raises ValueError unless there is a file, of bytes that end; `what` begins the message."""
    if not _is(path, Path.is_file, what):
        there = _is(path, Path.exists, what)
        kind = "is a folder, must be a file" if path.is_dir() else "is not a regular file"
        raise ValueError(f"{_named(path, what)}: {kind if there else 'no such file'}")


def folder_there(path: Path, what: str = "") -> None:
    """Raises ValueError unless there is a folder; `what` begins the message."""
    if not _is(path, Path.is_dir, what):
        there = _is(path, Path.exists, what)
        kind = "is a file, must be a folder" if there else "no such folder"
        raise ValueError(f"{_named(path, what)}: {kind}")


def there(path: Path, what: str = "") -> bool:
    """Whether a path leads anywhere. Raises ValueError for one that no system can have."""
    return _is(path, Path.exists, what)


def contents(path: Path, most: int = MOST_BYTES_BESIDE) -> bytes:
    """A file's bytes.

    Raises:
        ValueError: it is not there, or has more than `most`, or cannot be read.
    """
    file_there(path)
    try:
        require_size(path, most)
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error


def require_size(path: Path, most: int) -> None:
    """Raises ValueError if a file has more bytes, before any is read; OSError if it is gone."""
    found = path.stat().st_size
    if found > most:
        raise ValueError(f"{path}: has {found:,} bytes: must have at most {most:,}")


def _is(path: Path, asked: Callable[[Path], bool], what: str) -> bool:
    try:
        return asked(path)
    except OSError as error:  # too long, or no permission for a folder on the way
        shown = Path(f"{str(path)[:80]}…") if len(str(path)) > 200 else path
        raise ValueError(f"{_named(shown, what)}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL
        raise ValueError(f"{_named(path, what)}: no path of a file: {error}") from error


def _named(path: Path, what: str) -> str:
    return f"{what} {str(path)!r}" if "\0" in str(path) else f"{what} {path}".strip()
