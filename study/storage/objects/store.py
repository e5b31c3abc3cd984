"""The store under one prefix: what a run directory asks for, in the order of its writes."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pyarrow import fs

from study.storage.objects.address import Address, parsed
from study.storage.objects.failures import reason
from study.storage.objects.lease import Lease, LeaseFolder, holder
from study.storage.objects.requests import Requests, try_out
from study.storage.store import Readable, Store

READERS = 16  # threads, for a snapshot
UPLOADS = 4  # threads, for all runs of a process together


@dataclass(frozen=True)
class _Snapshot:
    """What lay in a store at one moment."""

    files: Mapping[str, fs.FileInfo]  # by path
    texts: Mapping[str, bytes]  # those of the files that are text


class ObjectStore:
    """Objects under one prefix. One process writes at a time: the one that holds the lease."""

    def __init__(
        self,
        address: Address,
        leases: tuple[list[Lease], ...] = ([],),
        snapshot: _Snapshot | None = None,
    ) -> None:
        self._address = address
        self._requests = Requests(address)
        self._leases = leases  # held on the stores around this one, outermost first, and on it
        self._snapshot = snapshot
        self._pending: Future[None] | None = None

    @classmethod
    def at_address(cls, scheme: str, rest: str) -> ObjectStore:
        """The store at scheme://rest.

        Raises:
            ValueError: a scheme that is not known, no bucket, or credentials in the address.
        """
        return cls(parsed(scheme, rest))

    def __str__(self) -> str:
        return str(self._address)

    @property
    def name(self) -> str:
        return PurePosixPath(self._address.path).name

    @property
    def folder(self) -> Path | None:
        return None

    def absolute(self) -> ObjectStore:
        return self

    def at(self, name: str) -> str:
        return str(self._address.of(self._path(name)))

    def within(self, *names: str) -> ObjectStore:
        address = self._address.of(self._path("/".join(names)))
        return ObjectStore(address, (*self._leases, []), self._snapshot)

    def require_usable(self, writing: bool) -> None:
        try:
            try_out(self._address, writing)
        except OSError as error:
            raise ValueError(f"run_dir = '{self}': {reason(error)}") from error

    def is_there(self) -> bool:
        return bool(self._under(self._address.path))

    def exists(self, name: str) -> bool:
        self._settle()
        if self._snapshot is not None:
            return self._path(name) in self._snapshot.files
        return self._requests.exists(self._path(name))

    def read(self, name: str) -> bytes | None:
        self._settle()
        path = self._path(name)
        if self._snapshot is not None and path not in self._snapshot.files:
            return None
        if self._snapshot is not None and path in self._snapshot.texts:
            return self._snapshot.texts[path]
        return self._requests.get(path)

    def write(self, name: str, content: bytes) -> None:
        self._ready()
        self._requests.put(self._path(name), content)

    def write_soon(
        self, name: str, content: bytes, before: str | None = None, without: str | None = None
    ) -> None:
        self._ready()
        path, requests = self._path(name), self._requests

        def upload() -> None:
            if before is not None and requests.exists(path):
                requests.copy(path, self._path(before))
            requests.put(path, content)
            if without is not None:
                requests.delete(self._path(without))

        self._pending = _uploads().submit(upload)

    def append(self, name: str, line: bytes) -> None:
        # read again: the driver and the trial's worker take turns
        before = self.read(name) or b""
        # an upload leaves nothing torn, but a folder that was copied here may
        self.write(name, before[: before.rfind(b"\n") + 1] + line + b"\n")

    def remove(self, name: str) -> None:
        self._ready()
        self._requests.delete(self._path(name))

    def rename(self, name: str, to: str) -> None:
        self._ready()
        self._requests.copy(self._path(name), self._path(to))
        self._requests.delete(self._path(name))

    def copy(self, name: str, to: Store) -> None:
        self._ready()
        if self.exists(name):
            assert isinstance(to, ObjectStore)
            self._requests.copy(self._path(name), to._path(name))

    def remove_torn(self, suffixes: Sequence[str]) -> None:
        pass  # an upload that was cut off leaves no object; the bucket's rules remove its parts

    def clear(self) -> None:
        if self.is_there():
            self._requests.delete_under(self._address.path)

    def names(self, pattern: str) -> list[str]:
        return sorted(self.stamps(pattern))

    def send(self, path: Path, name: str) -> None:
        self._ready()
        self._requests.put_file(self._path(name), path)

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Readable]:
        with self._requests.opened(self._path(name)) as file:
            yield file

    def stamps(self, *patterns: str) -> dict[str, tuple[int, int]]:
        start = len(self._address.path) + 1
        wanted = [pattern.split("/") for pattern in patterns]
        return {
            path[start:]: (info.mtime_ns or 0, info.size or 0)
            for path, info in self._under(self._address.path).items()
            if not wanted or any(_matches(path[start:].split("/"), pattern) for pattern in wanted)
        }

    @contextlib.contextmanager
    def lock(self, wait_s: float) -> Iterator[None]:
        lease = Lease(self._lease_folder(), str(self))
        lease.acquire(wait_s)
        self._leases[-1].append(lease)
        try:
            try:
                yield
            finally:
                self._settle()
        finally:
            self._leases[-1].remove(lease)
            lease.release()

    def holder(self) -> str | None:
        return holder(self._lease_folder())

    def snapshot(self, first: Collection[str]) -> ObjectStore:
        before = self._under(self._address.path)
        early = self._contents(path for path in before if _parts(path)[1] in first)
        folders = {_parts(path)[0] for path in before}
        files: dict[str, fs.FileInfo] = {}
        for path, info in self._under(self._address.path).items():  # it has grown meanwhile
            folder, name = _parts(path)
            if folder in folders and (path in early or name not in first):
                files[path] = info
        texts = (path for path in files if path.endswith((".json", ".jsonl")))
        late = self._contents(path for path in texts if path not in early)
        return ObjectStore(self._address, self._leases, _Snapshot(files, early | late))

    def _contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Of objects, several at once, by path."""
        asked = list(paths)
        with ThreadPoolExecutor(READERS) as readers:
            contents = readers.map(self._requests.get, asked)
            return {path: content or b"" for path, content in zip(asked, contents, strict=True)}

    def _path(self, name: str) -> str:
        return f"{self._address.path}/{name}"

    def _ready(self) -> None:
        """Before a write: the one before it has ended, and the lease is still ours."""
        self._settle()
        for lease in (lease for held in self._leases for lease in held):
            lease.require()

    def _settle(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _under(self, path: str) -> Mapping[str, fs.FileInfo]:
        """All objects under a path, by their own."""
        if self._snapshot is None:
            return self._requests.under(path)
        inside = f"{path}/"
        return {at: info for at, info in self._snapshot.files.items() if at.startswith(inside)}

    def _lease_folder(self) -> LeaseFolder:
        folder, requests = self._path(".lock"), self._requests
        return LeaseFolder(
            list_all=lambda: {
                info.base_name: info.mtime_ns or 0 for info in self._under(folder).values()
            },
            read=lambda name: requests.get(f"{folder}/{name}"),
            write=lambda name, content: requests.put(f"{folder}/{name}", content),
            remove=lambda name: requests.delete(f"{folder}/{name}"),
        )


@functools.cache
def _uploads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(UPLOADS, thread_name_prefix="upload")


def _parts(path: str) -> tuple[str, str]:
    """Of an object: its folder and its name there."""
    folder, _, name = path.rpartition("/")
    return folder, name


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    return len(parts) == len(pattern) and all(
        PurePosixPath(part).match(wanted) for part, wanted in zip(parts, pattern, strict=True)
    )
