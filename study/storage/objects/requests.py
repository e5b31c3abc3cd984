"""Requests for objects by path: read, write, copy, remove and list them."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pyarrow import fs

from study.storage.objects import failures
from study.storage.objects.address import Address
from study.storage.store import Readable, StoreError

PAUSES_S = (0.5, 2.0, 8.0)  # between attempts, each of which is several of the library's own
PART_BYTES = 8 * 2**20  # of a file that is uploaded

T = TypeVar("T")


class Requests:
    """Requests to one file system. Each is sent a few times; all but `opened` raise StoreError."""

    def __init__(self, address: Address) -> None:
        self._address, self._files = address, address.files

    def get(self, path: str) -> bytes | None:
        """The content of an object; None: there is none."""
        return self._tried(path, lambda: _get(self._files, path))

    def put(self, path: str, content: bytes) -> None:
        self._tried(path, lambda: _put(self._files, path, content))

    def put_file(self, path: str, file: Path) -> None:
        """Write an object with a file's content, a part at a time."""
        self._tried(path, lambda: _put_file(self._files, path, file))

    def copy(self, path: str, to: str) -> None:
        self._tried(path, lambda: self._files.copy_file(path, to))

    def delete(self, path: str) -> None:
        """Remove an object, if it is there."""
        self._tried(path, lambda: _delete(self._files, path))

    def delete_under(self, path: str) -> None:
        """Remove all objects under a path."""
        self._tried(path, lambda: self._files.delete_dir(path))

    def exists(self, path: str) -> bool:
        info = self._tried(path, lambda: self._files.get_file_info(path))
        return info.type == fs.FileType.File

    def under(self, path: str) -> dict[str, fs.FileInfo]:
        """All objects under a path, by their own."""
        selector = fs.FileSelector(path, allow_not_found=True, recursive=True)
        infos = self._tried(path, lambda: self._files.get_file_info(selector))
        return {info.path: info for info in infos if info.type == fs.FileType.File}

    def opened(self, path: str) -> contextlib.AbstractContextManager[Readable]:
        """An object to read from any byte on.

        Raises:
            OSError: there is none, or it cannot be read.
        """
        return self._files.open_input_file(path)

    def _tried(self, path: str, act: Callable[[], T]) -> T:
        """What `act` returns, after several attempts if need be.

        Raises:
            StoreError: names the object.
        """
        for pause in (*PAUSES_S, None):
            try:
                return act()
            except OSError as error:
                if pause is None or failures.lasts(error):
                    why = failures.reason(error)
                    raise StoreError(f"{self._address.of(path)}: {why}") from error
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def try_out(address: Address, writing: bool) -> None:
    """Send each kind of request once, those that write too if asked for.

    Raises:
        OSError: the library's own, of the first that failed.
    """
    if writing:
        probe = f"{address.path}/.probe-{secrets.token_hex(8)}"
        _put(address.files, probe, b"here")
        _get(address.files, probe)
        _delete(address.files, probe)
    with contextlib.suppress(FileNotFoundError):
        address.files.get_file_info(fs.FileSelector(address.path))  # does the bucket exist?


def _get(files: fs.FileSystem, path: str) -> bytes | None:
    try:
        with files.open_input_file(path) as file:
            return file.read(file.size())
    except FileNotFoundError:
        return None
    except OSError:
        if files.get_file_info(path).type == fs.FileType.NotFound:
            return None  # removed since it was looked up
        raise


def _put(files: fs.FileSystem, path: str, content: bytes) -> None:
    with files.open_output_stream(path) as stream:
        stream.write(content)


def _put_file(files: fs.FileSystem, path: str, file: Path) -> None:
    with file.open("rb") as source, files.open_output_stream(path) as stream:
        shutil.copyfileobj(source, stream, PART_BYTES)


def _delete(files: fs.FileSystem, path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        files.delete_file(path)
