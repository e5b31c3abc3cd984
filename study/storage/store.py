"""What a run directory needs from the place where it is."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Busy(RuntimeError):
    """Another live process holds the directory."""


class StoreError(OSError):
    """The storage refused a read or a write: names the file, why, and what to do."""


class Readable(Protocol):
    """A file that is read in pieces."""

    def seek(self, position: int, /) -> Any: ...

    def read(self, size: int, /) -> bytes: ...


class Store(Protocol):
    """A folder, or a prefix of an object store, with files in it by name.

    As text it is what one would type to name it.
    """

    @property
    def name(self) -> str:
        """The last part of its address."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder itself; None: it is not on a file system."""
        ...

    def absolute(self) -> Store:
        """The same, named so that processes elsewhere find it."""
        ...

    def at(self, name: str) -> str:
        """The address of a file, for messages."""
        ...

    def within(self, *names: str) -> Store:
        """A part of it; a lock on the whole is one on the part."""
        ...

    def require_usable(self, writing: bool) -> None:
        """Raises ValueError where an object store cannot be read, or written; says why."""
        ...

    def is_there(self) -> bool:
        """Whether anything has been written."""
        ...

    def exists(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes | None:
        """The content of a file; None: there is none."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all; it is there when this returns."""
        ...

    def write_soon(
        self, name: str, content: bytes, before: str | None = None, without: str | None = None
    ) -> None:
        """The same, maybe in the background: whole before anything that is written later.

        One at a time; an error is raised by what comes next.

        Args:
            before: the file that what was there so far is called from then on.
            without: a file that is removed once this one is whole.
        """
        ...

    def append(self, name: str, line: bytes) -> None:
        """Append a line; a torn one, left by a kill, is cut off first."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def rename(self, name: str, to: str) -> None:
        """Give a file that is there another name; one of that name is replaced."""
        ...

    def copy(self, name: str, to: Store) -> None:
        """Give another store of the same kind this file, if it is there."""
        ...

    def remove_torn(self, suffixes: Sequence[str]) -> None:
        """Remove what killed writers of such files have left; only for the lock's holder."""
        ...

    def clear(self) -> None:
        """Remove everything, if it can be."""
        ...

    def names(self, pattern: str) -> list[str]:
        """The files that match, in alphabetical order; `*` stands for a name."""
        ...

    def send(self, path: Path, name: str) -> None:
        """Write a file's content, however large, whole or not at all."""
        ...

    def reading(self, name: str) -> contextlib.AbstractContextManager[Readable]:
        """A file to read from any byte on.

        Raises:
            OSError: there is none, or it cannot be read.
        """
        ...

    def stamps(self, *patterns: str) -> dict[str, tuple[int, int]]:
        """Time of the last change in nanoseconds and size in bytes of the files that match.

        Of all files, where no pattern is given.
        """
        ...

    def lock(self, wait_s: float) -> contextlib.AbstractContextManager[None]:
        """Lock it against other processes.

        Raises:
            Busy: another one still holds it after `wait_s` seconds.
        """
        ...

    def holder(self) -> str | None:
        """The process that holds the lock, and where; None: nobody."""
        ...

    def snapshot(self, first: Collection[str]) -> Store:
        """For reading much at once; of an object store, as it is now.

        Args:
            first: names of files that tell of others, which are looked at after them: they hold at
                least what these say.
        """
        ...


def folder_of(store: Store) -> Path:
    """The folder that a store is.

    Raises:
        ValueError: it is on an object store.
    """
    if store.folder is None:
        raise ValueError(f"run directory {store}: is on an object store, not in a folder")
    return store.folder


@dataclass(frozen=True)
class File:
    """One file of a store; as text its address."""

    store: Store
    name: str

    def __str__(self) -> str:
        return self.store.at(self.name)

    def exists(self) -> bool:
        return self.store.exists(self.name)

    def read(self) -> bytes | None:
        """Its content; None: it is not there."""
        return self.store.read(self.name)

    def write(self, content: bytes) -> None:
        """Write it whole or not at all."""
        self.store.write(self.name, content)
