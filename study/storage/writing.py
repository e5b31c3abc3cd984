"""A file that is written whole or not at all, and the folder for it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study.storage.failures import told


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, also through a crash of the machine.

    Raises:
        StoreError: the system refuses, because the disk is full say; what was there is still.
        ValueError: its folder cannot be made.
    """
    with told(path), new_file(path, content) as temporary:
        temporary.replace(path)


@contextlib.contextmanager
def new_file(path: Path, content: str | bytes) -> Iterator[Path]:
    """A file beside `path` with this content, to be moved into its place; else it is removed."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with removed_unless_moved(temporary):
        with temporary.open("wb", buffering=0) as file:
            write_all(file.fileno(), content.encode() if isinstance(content, str) else content)
            os.fsync(file.fileno())
        yield temporary


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
    """Make a folder, and a file in it that is removed: before work whose results are to go there.

    Raises:
        ValueError: it cannot be made.
        OSError: nothing can be written there.
    """
    make_folder(folder)
    with tempfile.TemporaryFile(dir=folder):
        pass
