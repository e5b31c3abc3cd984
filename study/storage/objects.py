"""A run directory under a prefix of an object store, through `pyarrow.fs`.

Objects are written whole, and nothing can be appended to: a line is appended by writing the small
object again. Requests cost milliseconds, so a checkpoint travels in the background while the run
goes on; whatever else the same run writes waits for it, and for no run is there more than one on
its way. What a kill leaves is therefore what it could have left in a folder: writes up to some
moment, in order, and none in part.

Credentials, region and endpoint are found as the store's own tools find them (for S3 the
variables AWS_*, ~/.aws, the machine's role), or stand in the address:
s3://bucket/prefix?region=…&endpoint_override=….
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pyarrow import fs

from study.storage.lease import Claimed, Claims, Lease, holder
from study.storage.store import Readable, Store, StoreError

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")
PAUSES_S = (0.5, 2.0, 8.0)  # between attempts, each of which is several of the library's own
PART_BYTES = 8 * 2**20  # of a file on its way
READERS = 16  # threads, for a snapshot
UPLOADS = 4  # threads, for all runs of a process together

T = TypeVar("T")

HOPELESS = {
    "NO_SUCH_BUCKET": "there is no such bucket: make it, or check its name, region and endpoint",
    "ACCESS_DENIED": "access denied: who asks may not do this there (on S3 it takes ListBucket,"
    " GetObject, PutObject and DeleteObject)",
    "INVALID_ACCESS_KEY_ID": "the credentials are not known there",
    "SIGNATURE_DOES_NOT_MATCH": "the credentials are wrong",
    "EXPIRED_TOKEN": "the credentials have expired",
    "INVALID_CLIENT_TOKEN_ID": "the credentials are not known there",
}
"""What trying again does not mend, by what the library says of it."""

NO_CREDENTIALS = (
    "no credentials: neither in the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE) nor in ~/.aws,"
    " and this machine has no role that may do this"
)


@dataclass(frozen=True)
class _Glance:
    """What lay in a store at one moment."""

    files: Mapping[str, fs.FileInfo]  # by path
    texts: Mapping[str, bytes]  # those of the files that are text


@dataclass(frozen=True)
class _Place:
    """A path in a file system, and how it is called."""

    files: fs.FileSystem
    path: str  # with the bucket
    scheme: str
    query: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}" + (f"?{self.query}" if self.query else "")


class ObjectStore:
    """Objects under one prefix. One process writes at a time: whoever holds the lock."""

    def __init__(
        self,
        place: _Place,
        leases: tuple[list[Lease], ...] = ([],),
        glance: _Glance | None = None,
    ) -> None:
        self._place = place
        self._leases = leases  # held on what this lies in, outermost first, and on itself
        self._glance = glance
        self._pending: Future[None] | None = None

    @classmethod
    def at_address(cls, scheme: str, rest: str) -> ObjectStore:
        """The store at scheme://rest.

        Raises:
            ValueError: a scheme that is not known, no bucket, or credentials in the address.
        """
        said = f"run_dir = '{scheme}://{rest}'"
        if scheme not in SCHEMES:
            raise ValueError(
                f"{said}: no such kind of store: give a folder, s3://bucket/prefix or"
                " gs://bucket/prefix"
            )
        path, _, query = rest.partition("?")
        bucket, _, prefix = path.strip("/").partition("/")
        if not bucket:
            raise ValueError(f"{said}: names no bucket: {scheme}://bucket/prefix")
        if scheme == "s3" and "@" in bucket:
            raise ValueError(
                f"run_dir = '{scheme}://…': has credentials in it, which would be written down"
                " with the command: put them into the environment or into ~/.aws"
            )
        try:
            files, root = file_system(scheme, bucket, query)
        except (OSError, ValueError) as error:
            why = str(error).splitlines()[0]
            raise ValueError(f"{said}: cannot be opened: {why}") from error
        return cls(_Place(files, f"{root}/{prefix}".rstrip("/"), scheme, query))

    def __str__(self) -> str:
        return str(self._place)

    @property
    def name(self) -> str:
        return PurePosixPath(self._place.path).name

    @property
    def folder(self) -> Path | None:
        return None

    def absolute(self) -> ObjectStore:
        return self

    def at(self, name: str) -> str:
        return str(replace(self._place, path=self._path(name)))

    def within(self, *names: str) -> ObjectStore:
        place = replace(self._place, path=self._path("/".join(names)))
        return ObjectStore(place, (*self._leases, []), self._glance)

    def require_usable(self, writing: bool) -> None:
        try:
            if writing:
                probe = self._path(f".probe-{secrets.token_hex(8)}")
                self._put(probe, b"here")
                self._get(probe)
                self._delete(probe)
            selector = fs.FileSelector(self._place.path)
            with contextlib.suppress(FileNotFoundError):
                self._place.files.get_file_info(selector)  # does the bucket exist?
        except OSError as error:
            raise ValueError(f"run_dir = '{self}': {_reason(error)}") from error

    def is_there(self) -> bool:
        return bool(self._list(self._place.path))

    def exists(self, name: str) -> bool:
        self._settle()
        if self._glance is not None:
            return self._path(name) in self._glance.files
        info = self._tried(name, lambda: self._place.files.get_file_info(self._path(name)))
        return info.type == fs.FileType.File

    def read(self, name: str) -> bytes | None:
        self._settle()
        path = self._path(name)
        if self._glance is not None and path not in self._glance.files:
            return None
        if self._glance is not None and path in self._glance.texts:
            return self._glance.texts[path]
        return self._tried(name, lambda: self._get(path))

    def write(self, name: str, content: bytes) -> None:
        self._ready()
        self._write(name, content)

    def write_soon(self, name: str, content: bytes) -> None:
        self._ready()
        self._pending = _uploads().submit(self._write, name, content)

    def append(self, name: str, line: bytes) -> None:
        # read again: the driver and the trial's worker take turns
        self.write(name, (self.read(name) or b"") + line + b"\n")

    def remove(self, name: str) -> None:
        self._ready()
        self._tried(name, lambda: self._delete(self._path(name)))

    def copy(self, name: str, to: Store) -> None:
        self._ready()
        if self.exists(name):
            assert isinstance(to, ObjectStore)
            source, target = self._path(name), to._path(name)
            self._tried(name, lambda: self._place.files.copy_file(source, target))

    def remove_torn(self, suffixes: Sequence[str]) -> None:
        pass  # what was cut off is never seen; the bucket's life cycle rules remove it

    def clear(self) -> None:
        if self.is_there():
            self._tried("", lambda: self._place.files.delete_dir(self._place.path))

    def names(self, pattern: str) -> list[str]:
        return sorted(self.stamps(pattern))

    def send(self, path: Path, name: str) -> None:
        self._ready()
        self._tried(name, lambda: self._copy_in(path, self._path(name)))

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Readable]:
        with self._place.files.open_input_file(self._path(name)) as file:
            yield file

    def stamps(self, *patterns: str) -> dict[str, tuple[int, int]]:
        start = len(self._place.path) + 1
        wanted = [pattern.split("/") for pattern in patterns]
        return {
            path[start:]: (info.mtime_ns or 0, info.size or 0)
            for path, info in self._list(self._place.path).items()
            if not wanted or any(_matches(path[start:].split("/"), pattern) for pattern in wanted)
        }

    @contextlib.contextmanager
    def lock(self, wait_s: float) -> Iterator[None]:
        lease = Lease(self._claims(), str(self))
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
        return holder(self._claims())

    def snapshot(self) -> ObjectStore:
        files = self._list(self._place.path)
        texts = [path for path in files if path.endswith((".json", ".jsonl"))]
        with ThreadPoolExecutor(READERS) as readers:
            contents = readers.map(lambda path: self._tried(path, lambda: self._get(path)), texts)
            found = {path: content or b"" for path, content in zip(texts, contents, strict=True)}
        return ObjectStore(self._place, self._leases, _Glance(files, found))

    def _path(self, name: str) -> str:
        return f"{self._place.path}/{name}"

    def _ready(self) -> None:
        """Before a write: what was to be written first is there, and the lock is still ours."""
        self._settle()
        for lease in (lease for held in self._leases for lease in held):
            lease.require()

    def _settle(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _write(self, name: str, content: bytes) -> None:
        self._tried(name, lambda: self._put(self._path(name), content))

    def _tried(self, name: str, act: Callable[[], T]) -> T:
        """What `act` returns, after several attempts if need be.

        Raises:
            StoreError: names the object.
        """
        for pause in (*PAUSES_S, None):
            try:
                return act()
            except OSError as error:
                if pause is None or any(word in str(error) for word in HOPELESS):
                    raise StoreError(f"{self.at(name)}: {_reason(error)}") from error
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _get(self, path: str) -> bytes | None:
        try:
            with self._place.files.open_input_file(path) as file:
                return file.read(file.size())
        except FileNotFoundError:
            return None
        except OSError:
            if self._place.files.get_file_info(path).type == fs.FileType.NotFound:
                return None  # removed since it was looked up
            raise

    def _put(self, path: str, content: bytes) -> None:
        with self._place.files.open_output_stream(path) as stream:
            stream.write(content)

    def _copy_in(self, file: Path, path: str) -> None:
        with file.open("rb") as source, self._place.files.open_output_stream(path) as stream:
            shutil.copyfileobj(source, stream, PART_BYTES)

    def _delete(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._place.files.delete_file(path)

    def _list(self, path: str) -> dict[str, fs.FileInfo]:
        """All objects under a path."""
        if self._glance is not None:
            inside = f"{path}/"
            return {at: info for at, info in self._glance.files.items() if at.startswith(inside)}
        selector = fs.FileSelector(path, allow_not_found=True, recursive=True)
        infos = self._tried("", lambda: self._place.files.get_file_info(selector))
        return {info.path: info for info in infos if info.type == fs.FileType.File}

    def _claims(self) -> Claimed:
        folder = self._path(".lock")

        def list_all() -> Claims:
            return {info.base_name: info.mtime_ns or 0 for info in self._list(folder).values()}

        return Claimed(
            list_all=list_all,
            read=lambda name: self._tried(f".lock/{name}", lambda: self._get(f"{folder}/{name}")),
            write=lambda name, content: self._write(f".lock/{name}", content),
            remove=lambda name: self._tried(
                f".lock/{name}", lambda: self._delete(f"{folder}/{name}")
            ),
        )


@functools.cache
def file_system(scheme: str, bucket: str, query: str) -> tuple[fs.FileSystem, str]:
    """The file system with a bucket in it, and the bucket's path."""
    options = [query] if query else []
    if scheme == "s3":
        options.append("allow_delayed_open=true")  # one request for a small object, not three
    return fs.FileSystem.from_uri(f"{scheme}://{bucket}" + "?" * bool(options) + "&".join(options))


@functools.cache
def _uploads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(UPLOADS, thread_name_prefix="upload")


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    return len(parts) == len(pattern) and all(
        PurePosixPath(part).match(wanted) for part, wanted in zip(parts, pattern, strict=True)
    )


def _reason(error: OSError) -> str:
    """Why an operation failed, in a line."""
    said = str(error)
    if "NETWORK_CONNECTION" in said:
        return f"no answer: {said.splitlines()[0].rpartition('Details: ')[2]}"
    for word, reason in HOPELESS.items():
        if word in said:
            denied = word == "ACCESS_DENIED" and "bucket" in said and not _has_credentials()
            return NO_CREDENTIALS if denied else reason
    return said.splitlines()[0]


def _has_credentials() -> bool:
    """Whether this machine's user has given any for S3."""
    named = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
    containers = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if any(os.environ.get(name) for name in (*named, *containers)):
        return True
    return any((Path.home() / ".aws" / name).exists() for name in ("credentials", "config"))
