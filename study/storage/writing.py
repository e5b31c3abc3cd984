"""A file that is written whole or not at all, and the folder for it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study.config.printable import shown
from study.storage.failures import told

READABLE = 128  # bytes of a name that keep it and what is added below 143, the least that is usual


def write_atomically(path: Path, content: str | bytes, then: str = "") -> None:
    """Write a file whole or not at all, also through a crash of the machine.

    Args:
        then: what is true where the system refuses, for its message.

    Raises:
        StoreError: the system refuses, because the disk is full say; what was there is still.
        ValueError: its folder cannot be made.
    """
    with told(path, then=then), new_file(path, content) as temporary:
        temporary.replace(path)


@contextlib.contextmanager
def new_file(path: Path, content: str | bytes) -> Iterator[Path]:
    """A file beside `path` with this content, to be moved into its place; else it is removed."""
    make_folder(path.parent)
    temporary = beside(path, str(os.getpid()))
    with removed_unless_moved(temporary):
        with temporary.open("wb", buffering=0) as file:
            write_all(file.fileno(), content.encode() if isinstance(content, str) else content)
            os.fsync(file.fileno())
        yield temporary


def beside(path: Path, ending: str) -> Path:
    """A hidden file beside it, `.NAME.ending`; a long name becomes a digest.

    Whatever name the file system takes, it takes the hidden one too.
    """
    name = os.fsencode(path.name)
    kept = path.name if len(name) <= READABLE else hashlib.sha256(name).hexdigest()[:32]
    return path.with_name(f".{kept}.{ending}")


def fitting(stem: str, ending: str, folder: Path) -> str:
    """The name `stem` + `ending`, its stem cut where the folder's file system takes no longer one.

    Args:
        folder: is there.
    """
    most = os.pathconf(folder, "PC_NAME_MAX") - len(os.fsencode(ending))
    while len(os.fsencode(stem)) > most:
        stem = stem[:-1]
    return stem + ending


@contextlib.contextmanager
def removed_unless_moved(temporary: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_all(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        ValueError: it cannot be made; says why.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"folder {path} cannot be made: {error.strerror}; choose another place"
        ) from error


def require_writable(folder: Path) -> None:
    """Before work whose results are to go into a folder, which need not be there yet.

    Nothing is left: a command that is refused for something else has made no folder.

    Raises:
        ValueError: it cannot be made.
        OSError: nothing can be written there.
    """
    there = folder.absolute()
    while not _is_there(there):
        there = there.parent
    if not there.is_dir():
        raise ValueError(
            f"folder {folder}: cannot be made: {there} is no folder; choose another place"
        )
    with tempfile.TemporaryFile(dir=there):
        pass


def require_file(name: str, path: Path) -> None:
    """Before work whose result is to be a file: it can be written, or written over.

    Args:
        name: of the option that gave it, for messages.

    Raises:
        ValueError: a folder or device has that name, or it is too long.
        OSError: nothing can be written there.
    """
    given = f"{name} = {shown(str(path), 300)}"
    try:
        odd = _is_there(path) and not path.is_file() and path.exists()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise ValueError(
            f"{given}: longer than the file system takes (mostly 255 bytes of a name); give a"
            " shorter one"
        ) from error
    if odd:
        what = "is a folder" if path.is_dir() else "is a device, pipe or socket"
        raise ValueError(
            f"{given}: {what}, and a file of that name is to be written; give another"
        )
    require_writable(path.parent)


def _is_there(path: Path) -> bool:
    """Whether there is something of that name, be it a link that leads nowhere.

    Raises:
        OSError: the system does not say, as where the name is too long.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
