"""A run directory in a folder: of this machine, or on storage that all its users mount."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from study.config.printable import shown
from study.storage.failures import SAFE, told
from study.storage.listing import matching
from study.storage.locking import locked
from study.storage.store import Busy, Readable, Store, StoreError
from study.storage.writing import (
    beside,
    make_folder,
    new_file,
    removed_unless_moved,
    write_all,
    write_atomically,
)

_told = partial(told, then=SAFE)  # whatever is in a run directory outlives what reads and writes


@dataclass(frozen=True)
class _Held:
    """A lock that this process holds on a folder, by its file."""

    folder: Path
    file: tuple[int, int]  # device and inode

    def require(self) -> None:
        """Raises StoreError where the folder is not there any more: none is made in its place."""
        try:
            there = (self.folder / ".lock").stat()
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != self.file:
            raise StoreError(
                f"{self.folder}: was removed, moved or unmounted while this process used it, which"
                f" writes nothing more: bring the folder back; {SAFE}"
            )


class FolderStore:
    """Files are replaced atomically or appended to in lines; the lock ends with its process."""

    def __init__(self, path: Path, held: tuple[list[_Held], ...] = ()) -> None:
        self.path = path
        self._held = held or ([],)  # on the folders around it, outermost first, and on it

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def folder(self) -> Path:
        return self.path

    def absolute(self) -> FolderStore:
        return FolderStore(self.path.resolve(), self._held)

    def at(self, name: str) -> str:
        return str(self.path / name)

    def within(self, *names: str) -> FolderStore:
        return FolderStore(self.path.joinpath(*names), (*self._held, []))

    def require_usable(self, writing: bool) -> None:
        # one that cannot be made or written to says so itself
        try:
            str(self.path.absolute()).encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"run directory {shown(str(self.path), 200)}: its path is not UTF-8, and so"
                " no table or report could name it; rename the folder, or choose another"
            ) from error
        if len(str(self.path).splitlines()) > 1:  # an error would go on in a line of its own
            raise ValueError(
                f"run directory {shown(str(self.path), 200)}: its path has the end of a line in"
                " it; rename the folder, or choose another"
            )
        if self.path.is_file():
            of_one = self.path.name in ("study.json", "config.json")
            what = ": give the folder that it lies in" if of_one else "; give a folder"
            raise ValueError(f"run directory {self.path}: is a file{what}")

    def is_there(self) -> bool:
        return self.path.is_dir()

    def exists(self, name: str) -> bool:
        return (self.path / name).exists()

    def read(self, name: str) -> bytes | None:
        path = self.path / name
        with _told(path, "read"):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        self._require_held()
        write_atomically(self.path / name, content, SAFE)

    def write_soon(
        self, name: str, content: bytes, before: str | None = None, without: str | None = None
    ) -> None:
        self._require_held()
        path = self.path / name
        with _told(path), new_file(path, content) as temporary:
            if before is not None and path.exists():
                path.replace(self.path / before)
            temporary.replace(path)
        if without is not None:
            self.remove(without)

    def append(self, name: str, line: bytes) -> None:
        self._require_held()
        make_folder(self.path)
        path = self.path / name
        with _told(path), path.open("ab+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    file.seek(0)
                    size = file.read().rfind(b"\n") + 1
                    file.truncate(size)
            try:
                write_all(file.fileno(), line + b"\n")
                os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(size)  # else the next one to append does it
                raise

    def remove(self, name: str) -> None:
        with _told(self.path / name, "removed"):
            (self.path / name).unlink(missing_ok=True)

    def rename(self, name: str, to: str) -> None:
        self._require_held()
        with _told(self.path / name, "renamed"):
            (self.path / name).replace(self.path / to)

    def copy(self, name: str, to: Store) -> None:
        content = self.read(name)
        if content is not None:
            to.write(name, content)

    def remove_torn(self, suffixes: Sequence[str]) -> None:
        for suffix in suffixes:
            for torn in self._matching(f".*{suffix}.*"):
                torn.unlink(missing_ok=True)

    def clear(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def names(self, pattern: str) -> list[str]:
        return [str(path.relative_to(self.path)) for path in self._matching(pattern)]

    def _matching(self, pattern: str) -> list[Path]:
        try:
            return matching(self.path, pattern)
        except OSError as error:
            with _told(Path(error.filename or self.path), "read"):
                raise

    def send(self, path: Path, name: str) -> None:
        self._require_held()
        target = self.path / name
        make_folder(target.parent)
        temporary = beside(target, str(os.getpid()))
        with _told(target), removed_unless_moved(temporary):
            shutil.copyfile(path, temporary)
            temporary.replace(target)

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Readable]:
        with (self.path / name).open("rb") as file:
            yield file

    def stamps(self, *patterns: str) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for pattern in patterns or ("**/*",):
            for path in filter(Path.is_file, self._matching(pattern)):
                with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                    state = path.stat()
                    found[str(path.relative_to(self.path))] = state.st_mtime_ns, state.st_size
        return found

    @contextlib.contextmanager
    def lock(self, wait_s: float) -> Iterator[None]:
        make_folder(self.path)
        path = self.path / ".lock"
        if path.is_dir():  # leases, of the bucket from which this was copied
            shutil.rmtree(path, ignore_errors=True)
        with contextlib.ExitStack() as until:
            with _told(path):
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            until.callback(os.close, file)
            self._wait_for(file, wait_s)
            with contextlib.suppress(OSError):  # on a full disk: it is for messages alone
                os.ftruncate(file, 0)
                os.pwrite(file, f"{os.getpid()} on {socket.gethostname()}".encode(), 0)
            there = os.fstat(file)
            held = _Held(self.path, (there.st_dev, there.st_ino))
            self._held[-1].append(held)
            try:
                yield
            finally:
                self._held[-1].remove(held)

    def _wait_for(self, file: int, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while True:
            with _told(self.path / ".lock", "locked"), contextlib.suppress(BlockingIOError):
                locked(file, self.path / ".lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if time.monotonic() >= deadline:
                owner = os.pread(file, 200, 0).decode(errors="replace")
                raise Busy(
                    f"{self.path} is in use by process {owner or '?'}: wait for it"
                    " to end, or choose another directory"
                )
            time.sleep(0.2)

    def holder(self) -> str | None:
        """The process that holds the lock; on another machine, if the file system shows that."""
        path = self.path / ".lock"
        if not path.is_file():  # or leases, of the bucket from which this was copied
            return None
        # a shared lock needs no permission to write
        with _told(path, "read"), path.open(errors="replace") as file:
            try:
                locked(file, path, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"process {file.read() or '?'}"
        return None

    def _require_held(self) -> None:
        """Before a write: every folder that was locked is the one that it was."""
        for held in (held for level in self._held for held in level):
            held.require()

    def snapshot(self, first: Collection[str]) -> FolderStore:
        return self
