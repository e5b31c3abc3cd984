"""A run directory in a folder: of this machine, or on storage that all its users mount."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from study.storage.store import Busy, Readable, Store


class FolderStore:
    """Files are replaced atomically or appended to in lines; the lock ends with its process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def folder(self) -> Path:
        return self.path

    def absolute(self) -> FolderStore:
        return FolderStore(self.path.resolve())

    def at(self, name: str) -> str:
        return str(self.path / name)

    def within(self, *names: str) -> FolderStore:
        return FolderStore(self.path.joinpath(*names))

    def require_usable(self, writing: bool) -> None:
        pass  # a folder that cannot be made or written to says so itself

    def is_there(self) -> bool:
        return self.path.is_dir()

    def exists(self, name: str) -> bool:
        return (self.path / name).exists()

    def read(self, name: str) -> bytes | None:
        path = self.path / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, content: bytes) -> None:
        write_atomically(self.path / name, content)

    def write_soon(self, name: str, content: bytes) -> None:
        self.write(name, content)

    def append(self, name: str, line: bytes) -> None:
        make_folder(self.path)
        with (self.path / name).open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    file.seek(0)
                    file.truncate(file.read().rfind(b"\n") + 1)
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def copy(self, name: str, to: Store) -> None:
        content = self.read(name)
        if content is not None:
            to.write(name, content)

    def remove_torn(self, suffixes: Sequence[str]) -> None:
        for suffix in suffixes:
            for torn in self.path.glob(f".*{suffix}.*"):
                torn.unlink(missing_ok=True)

    def clear(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def names(self, pattern: str) -> list[str]:
        return [str(path.relative_to(self.path)) for path in sorted(self.path.glob(pattern))]

    def send(self, path: Path, name: str) -> None:
        target = self.path / name
        make_folder(target.parent)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(path, temporary)
        temporary.replace(target)

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Readable]:
        with (self.path / name).open("rb") as file:
            yield file

    def stamps(self, *patterns: str) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for pattern in patterns or ("**/*",):
            for path in filter(Path.is_file, self.path.glob(pattern)):
                with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                    state = path.stat()
                    found[str(path.relative_to(self.path))] = state.st_mtime_ns, state.st_size
        return found

    @contextlib.contextmanager
    def lock(self, wait_s: float) -> Iterator[None]:
        make_folder(self.path)
        deadline = time.monotonic() + wait_s
        with (self.path / ".lock").open("a+") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        file.seek(0)
                        raise Busy(
                            f"{self.path} is in use by process {file.read() or '?'}: wait for it"
                            " to end, or choose another directory"
                        ) from None
                    time.sleep(0.2)
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield

    def holder(self) -> str | None:
        """The process that holds the lock; on another machine, if the file system shows that."""
        path = self.path / ".lock"
        if not path.exists():
            return None
        with path.open() as file:  # a shared lock needs no permission to write
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"process {file.read() or '?'}"
        return None

    def snapshot(self) -> FolderStore:
        return self


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, also through a crash of the machine."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        ValueError: it cannot be made; says why.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"folder {path} cannot be made: {error.strerror}; choose another --run-dir"
        ) from error
